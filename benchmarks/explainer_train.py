"""A training step of the Explainer against the sum of its parts.

The parts: the network forward and backward, and twice (for the kept and the removed part) the
classifier forward and backward to the picture. What is left is the losses, merging the masks,
sorting their areas, and the optimiser.
"""

import jax
import jax.numpy as jnp

from benchmarks import explainer_subject, subject, timing
from xai_jax.core.rng import example_keys
from xai_jax.nn import learner
from xai_jax.nn.layers import InTraining

CASES = (explainer_subject.light(16), explainer_subject.deeplab(4, 128))
MUST_REACH = 1.15


def _network_gradient(network):
    """Compiled: forward, and backward to the parameters, of the mean square of the logits."""

    def loss(params, statistics, images, weight, keys):
        training = InTraining(weight=weight, keys=keys)
        logits, statistics = learner.apply_training(network, params, statistics, images, training)
        return jnp.square(logits).mean(), statistics

    return jax.jit(jax.grad(loss, has_aux=True))


class Step:
    """The compiled step, whose state goes on from call to call, as in training."""

    def __init__(self, method, frozen, batch, key):
        self._step = jax.jit(method.trainable.step, donate_argnums=0)
        self._state = jax.jit(method.trainable.init)(key, frozen, batch)
        self._rest = frozen, batch, key

    def __call__(self):
        """One more."""
        self._state, metrics = self._step(self._state, *self._rest)
        return self._state, metrics


class _Parts:
    """The parts, one after the other."""

    def __init__(self, case, method, frozen, batch, key):
        fresh = jax.jit(method.trainable.init)(key, frozen, batch)
        normalised = frozen.classifier.normalise(batch.images)
        self._network = _network_gradient(case.network.build())
        keys = example_keys(key, batch.image_id)
        self._network_eats = fresh.params, fresh.statistics, normalised, batch.weight, keys
        self._classifier = jax.jit(subject.image_gradient)
        self._classifier_eats = frozen.classifier, batch.images, batch.target

    def __call__(self):
        found = [self._network(*self._network_eats)]
        for _ in range(2):
            jax.block_until_ready(found)
            found.append(self._classifier(*self._classifier_eats))
        return found


def rows():
    for case in CASES:
        begun = case.begun()
        step, parts = Step(*begun), _Parts(case, *begun)
        seconds, limit, ratio = timing.paired(step, parts, repeats=7)
        yield {
            "case": case.words,
            "value": round(1e3 * seconds / case.batch_size, 1),
            "unit": "ms an image",
            "limit": round(1e3 * limit / case.batch_size, 1),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
