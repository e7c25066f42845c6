"""How far two runs of Extremal Perturbations part when their picture differs by 1e-5.

The correlation of the two masks after few steps and after many: what no port can exceed, since its
rounding differs from the authors' by at least as much.
"""

import jax
import numpy as np

from benchmarks import subject
from xai_jax.core.method import Inspector
from xai_jax.methods import extremal
from xai_jax.runs.batch import explain_batch

CLASSES, NOISE = (162, 281, 340, 207), 1e-5


def _masks(images: np.ndarray, steps: int) -> np.ndarray:
    inspector = Inspector(
        method=extremal.Config(num_steps=steps, areas=(0.1,)), frozen=subject.frozen()
    )
    batch = subject.batch_of(images, np.array(CLASSES))
    explanation, _ = explain_batch(inspector, batch, jax.random.key(0))
    return np.asarray(explanation.keep).reshape(len(images), -1)


def rows():
    images = subject.imagenet_samples(CLASSES)
    drawn = np.random.default_rng(0).normal(0.0, NOISE, images.shape)
    other = np.clip(images + drawn, 0.0, 1.0).astype(np.float32)
    for steps in (30, 300):
        pairs = zip(_masks(images, steps), _masks(other, steps), strict=True)
        found = [float(np.corrcoef(one, two)[0, 1]) for one, two in pairs]
        yield {
            "case": f"{steps} steps, four pictures of 224 pixels, noise {NOISE:g}",
            "value": round(min(found), 4),
            "unit": "smallest correlation of the two masks",
            "limit": 1.0,
            "ratio": round(float(np.mean(found)), 4),
            "must_reach": "-",
        }
