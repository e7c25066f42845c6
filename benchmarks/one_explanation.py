"""How far explanations of one picture differ between batches, and what one rounding comes to.

The same pictures are explained alone and eight at a time, by programs of two shapes; beside it, in
one shape, pictures that differ by one rounding of float32 (a factor of 1 + 2**-23). Where the two
figures are of one size, a method amplifies rounding so far that no library could do better.
"""

import dataclasses

import jax
import numpy as np

from benchmarks import subject
from xai_jax.core.method import Inspector
from xai_jax.core.rng import image_ids
from xai_jax.methods import bbmp, extremal, fido, rtis
from xai_jax.runs.batch import explain_batch

CLASSES = (162, 281, 340, 386, 207, 1, 291, 88)
METHODS = {
    "fido, fast()": fido.Config.fast(),
    "bbmp, 100 steps": bbmp.Config(num_steps=100),
    "extremal, 100 steps": extremal.Config(num_steps=100, area_growth=1.03),
    "rtis_per_image, 20 steps": rtis.PerImage(num_steps=20),
}


def _keep(images: np.ndarray, method, ids: np.ndarray) -> np.ndarray:
    inspector = Inspector(method=method, frozen=subject.frozen())
    target = np.array(CLASSES, np.int32)[: len(images)]
    batch = dataclasses.replace(subject.batch_of(images, target), image_id=ids)
    return np.asarray(explain_batch(inspector, batch, jax.random.key(0))[0].keep)


def rows():
    images = subject.imagenet_samples(CLASSES)
    rounded = (images * np.float32(1 + 2**-23)).clip(0, 1)
    ids = image_ids(images)  # of the rounded ones too: the same noise
    for name, method in METHODS.items():
        eight, noise = _keep(images, method, ids), _keep(rounded, method, ids)
        alone = np.concatenate([_keep(images[i : i + 1], method, ids[i : i + 1]) for i in (0, 1)])
        company = np.abs(alone - eight[:2]).max()
        amplified = np.abs(noise - eight).max()
        yield {
            "case": f"{name}, largest difference of keep between batches of 1 and 8",
            "value": float(f"{company:.2g}"),
            "unit": "of keep in [0, 1]",
            "limit": float(f"{amplified:.2g}"),
            "ratio": round(float(company / amplified), 2),
            "must_reach": "-",
        }
