"""All curve metrics of pictures against the forward passes that they are made of, alone.

`metrics.curves.curves` as a scoring calls it: a batch with its maps is on the device, and all rows
come back. The limit is the bare classifier, as often, in calls of the same size on pictures that
are normalised already.
"""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject, timing
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Mean
from xai_jax.metrics import curves

PICTURES, BATCH = 32, 8
MUST_REACH = 1.10


def rows():
    frozen = subject.frozen()
    classifier = frozen.classifier
    images = subject.noise_images(PICTURES).reshape(-1, BATCH, 224, 224, 3)
    batches = [subject.batch_of(part) for part in images]
    maps = jax.random.uniform(jax.random.key(1), (BATCH, 224, 224, 1))
    calls = 2 * curves.STEPS + 1
    bare = jax.jit(classifier.apply_fn)
    normalised = [classifier.normalise(jnp.asarray(part)) for part in images]

    def forward():
        for part in normalised:
            for _ in range(calls):
                logits = jax.block_until_ready(bare(classifier.params, part))
        return logits

    for case, infill in (("blur", None), ("mean colour", Mean())):
        metric = curves.curves(infill)
        measure = jax.jit(metric.measure)

        def ours(measure=measure, metric=metric):
            for batch in batches:
                explanation = Explanation(target=batch.target, saliency=maps)
                found = measure(metric.params, frozen, batch, explanation, jax.random.key(0))
                host = {name: np.asarray(values) for name, values in found.items()}
            return host

        seconds, limit, ratio = timing.paired(ours, forward, repeats=3)
        yield {
            "case": f"{PICTURES} pictures, {len(metric.columns)} metrics, {case}",
            "value": round(1e3 * seconds / PICTURES, 1),
            "unit": "ms a picture",
            "limit": round(1e3 * limit / PICTURES, 1),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
