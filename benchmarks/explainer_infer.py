"""All masks of a picture, merged for its target, against the network's own forward pass."""

import jax

from benchmarks import explainer_subject, timing
from xai_jax.nn import learner

CASES = (explainer_subject.light(16), explainer_subject.deeplab(2, 128))
MUST_REACH = 1.03


def rows():
    for case in CASES:
        method, frozen, batch, key = case.begun()
        state = jax.jit(method.init)(key, frozen, batch)
        network = case.network.build()
        explain = jax.jit(method.explain)
        bare = jax.jit(lambda state, images, net=network: learner.used(net, state, images))
        normalised = frozen.classifier.normalise(batch.images)

        def ours(run=explain, args=(state, frozen, batch, key)):
            found = run(*args)
            return found.class_keep, found.keep

        def forward(run=bare, args=(state, normalised)):
            return run(*args)

        seconds, limit, ratio = timing.paired(ours, forward, repeats=15)
        yield {
            "case": case.words,
            "value": round(1e3 * seconds / case.batch_size, 2),
            "unit": "ms an image",
            "limit": round(1e3 * limit / case.batch_size, 2),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
