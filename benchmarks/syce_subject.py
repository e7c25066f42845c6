"""What SyCE is measured on: MNIST's size and networks, LeNet as the classifier, noise."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.fresh import Fresh
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Mean

SIDE = 28


def frozen() -> Frozen:
    """LeNet with random weights and such a bias that it decides half of the noise either way."""
    classifier = Fresh().build()
    odds = classifier.logits(jnp.asarray(images(64)))[:, 0]
    params = dict(classifier.params)
    shifted = params["classes"]["bias"] - jnp.median(odds)
    params["classes"] = {**params["classes"], "bias": shifted}
    classifier = classifier.replace(params=params)
    return Frozen(classifier=classifier, infill=Mean().build(classifier))


def images(num: int) -> np.ndarray:
    """Grey noise, ``[num 28 28 3]``."""
    noise = np.random.default_rng(0).random((num, SIDE, SIDE, 1), np.float32)
    return noise.repeat(3, axis=3)


def batch(num: int) -> Batch:
    """A batch of it."""
    return Batch(
        images=jnp.asarray(images(num)),
        target=jnp.zeros(num, jnp.int32),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
        labels=jax.nn.one_hot(jnp.zeros(num), 1),
    )
