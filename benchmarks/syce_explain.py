"""`xai_jax.explain` of 256 digits by SyCE against one classifier and two generator passes.

The passes are made one after the other, the second generator's on what the first one has drawn.
"""

import jax
import numpy as np

import xai_jax
from benchmarks import syce_subject, timing
from xai_jax.core.method import Inspector
from xai_jax.methods import syce

NUM, MUST_REACH = 256, 1.05


def rows():
    cfg, frozen, batch = syce.Config(), syce_subject.frozen(), syce_subject.batch(NUM)
    trainable = cfg.build().trainable
    state = jax.jit(trainable.init)(jax.random.key(0), frozen, batch)
    inspector = Inspector(method=cfg, frozen=frozen, weights=trainable.weights(state))
    network, images = cfg.network.build(), np.asarray(batch.images)

    classify = jax.jit(lambda classifier, x: classifier.logits(x))
    draw = jax.jit(lambda generator, x: network.apply({"params": generator}, x))
    generator = inspector.weights.params["zero"]

    def ours():
        return xai_jax.explain(inspector, images, 0, batch_size=NUM).saliency

    def limit():
        jax.block_until_ready(classify(frozen.classifier, batch.images))
        return draw(generator, draw(generator, batch.images))

    seconds, bare, ratio = timing.paired(ours, limit, repeats=15)
    yield {
        "case": f"{NUM} pictures of 28 x 28 in one batch",
        "value": round(1e3 * seconds, 1),
        "unit": "ms",
        "limit": round(1e3 * bare, 1),
        "ratio": round(ratio, 3),
        "must_reach": MUST_REACH,
    }
