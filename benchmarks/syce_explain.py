"""`xai_jax.explain` of 256 digits by SyCE against one classifier and two generator passes."""

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

    @jax.jit
    def passes(generator, classifier, x):
        twice = [network.apply({"params": generator}, x * share) for share in (1.0, 0.9)]
        return classifier.logits(x), twice

    generator = inspector.weights.params["zero"]

    def ours():
        return xai_jax.explain(inspector, images, 0, batch_size=NUM).saliency

    def limit():
        return passes(generator, frozen.classifier, batch.images)

    seconds, bare, ratio = timing.paired(ours, limit, repeats=15)
    yield {
        "case": f"{NUM} pictures of 28 x 28 in one batch",
        "value": round(1e3 * seconds, 1),
        "unit": "ms",
        "limit": round(1e3 * bare, 1),
        "ratio": round(ratio, 3),
        "must_reach": MUST_REACH,
    }
