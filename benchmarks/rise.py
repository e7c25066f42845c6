"""RISE by the public call `xai_jax.explain` against as many bare forward passes.

What a user waits for: pictures on the host, masks made on the device, all masked pictures scored,
the maps back on the host. Classes are given, so that the classifier sees masked pictures only. The
limit is the classifier alone, as often, in calls of the same size on pictures that are on the
device and normalised already.
"""

import jax
import numpy as np

import xai_jax
from benchmarks import subject, timing
from xai_jax.methods import rise

NUM_MASKED = 2000  # masks times pictures
CASES = ((1, 50), (4, 40))  # pictures, and masked pictures at once, which divide NUM_MASKED
MUST_REACH = 1.10


def rows():
    classifier = subject.frozen().classifier
    bare = jax.jit(classifier.apply_fn)
    for num, together in CASES:
        method = rise.Config(num_masks=NUM_MASKED // num, inner_batch_size=together)
        images, target = subject.noise_images(num), np.zeros(num, np.int32)
        normalised = classifier.normalise(subject.noise_images(together))

        def ours(images=images, target=target, method=method):
            return xai_jax.explain(classifier, images, target, method=method).saliency

        def forward(normalised=normalised, calls=NUM_MASKED // together):
            for _ in range(calls):
                logits = jax.block_until_ready(bare(classifier.params, normalised))
            return logits

        seconds, limit, ratio = timing.paired(ours, forward, repeats=3)
        yield {
            "case": f"{num} x {method.num_masks} masks, {together} at once",
            "value": round(1e3 * seconds / NUM_MASKED, 2),
            "unit": "ms a masked picture",
            "limit": round(1e3 * limit / NUM_MASKED, 2),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
