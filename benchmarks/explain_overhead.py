"""The public call `xai_jax.explain` of a one-pass method against that pass of its network.

What a user waits for: pictures on the host, checked, recognised by their pixels, explained, the
masks of all classes back on the host. Classes are given and no metric is asked for, so the
classifier itself is never called. The limit is the bare network on pictures that are on the device
and normalised already.
"""

import jax
import numpy as np

import xai_jax
from benchmarks import explainer_subject, timing
from xai_jax.core.method import Inspector
from xai_jax.nn import learner

CASES = (explainer_subject.light(8, 224, 224), explainer_subject.deeplab(8, 128))
MUST_REACH = 1.05


def rows():
    for case in CASES:
        method, frozen, batch, key = case.begun()
        state = jax.jit(method.trainable.init)(key, frozen, batch)
        inspector = Inspector(
            method=case.method, frozen=frozen, weights=method.trainable.weights(state)
        )
        images, target = np.asarray(batch.images), np.asarray(batch.target)
        network = case.network.build()
        bare = jax.jit(lambda weights, x, net=network: learner.apply(net, weights, x))
        normalised = frozen.classifier.normalise(batch.images)

        def ours(inspector=inspector, images=images, target=target):
            return xai_jax.explain(inspector, images, target).keep

        def forward(run=bare, args=(inspector.weights, normalised)):
            return run(*args)

        seconds, limit, ratio = timing.paired(ours, forward, repeats=31)
        yield {
            "case": case.words,
            "value": round(1e3 * seconds / case.batch_size, 2),
            "unit": "ms an image",
            "limit": round(1e3 * limit / case.batch_size, 2),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
