"""How near the infills without weights come to what was there: PSNR on the removed pixels.

Sixteen photographs of 224 pixels, on three kinds of holes. Larger is better; a classifier may
prefer another order.
"""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.pyramid import Pyramid

CLASSES = (162, 281, 340, 386, 207, 1, 291, 88, 130, 151, 243, 263, 269, 277, 282, 292)
INFILLS = {"mean": Mean(), "blur": Blur(), "local_mean": LocalMean(), "pyramid": Pyramid()}


def _holes(num: int) -> dict[str, jax.Array]:
    """``[b 224 224 1]``, 1 = kept."""
    blocks = jax.random.bernoulli(jax.random.key(0), 0.5, (num, 56, 56, 1)).astype(jnp.float32)
    pixels = jax.random.bernoulli(jax.random.key(1), 0.5, (num, 224, 224, 1))
    rectangle = jnp.ones((num, 224, 224, 1)).at[:, 56:168, 56:168].set(0.0)
    return {
        "blocks of 4 pixels, half of them kept": blocks.repeat(4, axis=1).repeat(4, axis=2),
        "single pixels, half of them kept": pixels.astype(jnp.float32),
        "the middle quarter": rectangle,
    }


def rows():
    images = jnp.asarray(subject.imagenet_samples(CLASSES))
    classifier = subject.frozen().classifier
    keys = jax.random.split(jax.random.key(2), len(images))
    for holes, keep in _holes(len(images)).items():
        for name, settings in INFILLS.items():
            infill = settings.build(classifier)
            errors = (infill(infill.prepare(images), keep, keys) - images) ** 2 * (1 - keep)
            of_each = errors.sum((1, 2, 3)) / ((1 - keep).sum((1, 2, 3)) * 3)
            psnr = float(np.mean(-10 * np.log10(np.asarray(of_each))))
            yield {"case": f"{name}: {holes}", "value": round(psnr, 2), "unit": "dB"}
