"""The masks of all classes of a picture, merged, against the network's own forward pass.

Timed is what an explanation of all its classes needs: pictures are normalised, the network draws,
the masks of all classes are made of its logits, and those of the picture's classes are merged by
their maximum. The limit is the bare network on pictures that are normalised already.
"""

import jax

from benchmarks import explainer_subject, timing
from xai_jax.losses import class_masks
from xai_jax.nn import learner

CASES = (explainer_subject.light(16), explainer_subject.deeplab(2, 128))
MUST_REACH = 1.03


def explained(network, state, classifier, batch):
    """The masks of all classes, and the merged one of the picture's classes."""
    logits = learner.apply(network, state, classifier.normalise(batch.images))
    keep, _ = class_masks.merged(logits, batch.labels)
    return jax.nn.sigmoid(logits), keep


def rows():
    for case in CASES:
        method, frozen, batch, key = case.begun()
        state = jax.jit(method.trainable.init)(key, frozen, batch)
        network = case.network.build()
        explain = jax.jit(lambda *args, net=network: explained(net, *args))
        bare = jax.jit(lambda state, images, net=network: learner.apply(net, state, images))
        normalised = frozen.classifier.normalise(batch.images)

        def ours(run=explain, args=(state, frozen.classifier, batch)):
            return run(*args)

        def forward(run=bare, args=(state, normalised)):
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
