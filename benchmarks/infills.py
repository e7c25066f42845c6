"""How near infills come to what was there, and how often classifiers decide alike.

PSNR on the removed pixels of sixteen photographs of 224 pixels, on holes of several kinds, and the
structural similarity (scikit-image) and the share of pictures whose class Lite0 and Lite2 do not
change, of the picture with its holes filled. Larger is better.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from skimage.metrics import structural_similarity

from benchmarks import subject
from xai_jax.classifiers import pretrained
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.pyramid import Pyramid
from xai_jax.methods import fido

CLASSES = (162, 281, 340, 386, 207, 1, 291, 88, 130, 151, 243, 263, 269, 277, 282, 292)
INFILLS = {
    "mean": Mean(),
    "blur": Blur(),
    "local_mean": LocalMean(),
    "pyramid": Pyramid(),
    "denoiser": Denoiser(),
    "denoiser, 4 steps": Denoiser(num_steps=4),
    "denoiser, 8 steps": Denoiser(num_steps=8),
    "denoiser, a draw in 8 steps": Denoiser(num_steps=8, draw=True),
}
JUDGES = ("efficientnet_lite0", "efficientnet_lite2")


def _holes(num: int) -> dict[str, jax.Array]:
    """``[b 224 224 1]``, 1 = kept."""
    half, fifth = (
        jax.random.bernoulli(jax.random.key(0), share, (num, 56, 56, 1)).astype(jnp.float32)
        for share in (0.5, 0.2)
    )
    pixels = jax.random.bernoulli(jax.random.key(1), 0.5, (num, 224, 224, 1))
    rectangle = jnp.ones((num, 224, 224, 1)).at[:, 56:168, 56:168].set(0.0)
    return {
        "blocks of 4 pixels, half of them kept": half.repeat(4, axis=1).repeat(4, axis=2),
        "blocks of 4 pixels, a fifth of them kept": fifth.repeat(4, axis=1).repeat(4, axis=2),
        "single pixels, half of them kept": pixels.astype(jnp.float32),
        "the middle quarter": rectangle,
    }


def _harvested(images: jax.Array, classifier: Classifier) -> dict[str, jax.Array]:
    """Masks as FIDO draws them on its way, with its blur: ``[b 224 224 1]``, 1 = kept."""
    batch = subject.batch_of(np.asarray(images), np.array(CLASSES))
    frozen = Frozen(classifier, Blur().build(classifier))
    found = {}
    for num_steps in (50, 150):
        cfg = dataclasses.replace(fido.Config.fast(), num_steps=num_steps)
        explained = jax.jit(cfg.build().explain)((), frozen, batch, jax.random.key(0))
        drawn = jax.random.bernoulli(jax.random.key(3), explained.keep)
        found[f"what FIDO removes after {num_steps} steps"] = drawn.astype(jnp.float32)
    return found


def _ssim(images: jax.Array, shown: jax.Array) -> float:
    pairs = zip(np.asarray(images), np.asarray(shown), strict=True)
    return float(
        np.mean([structural_similarity(*pair, channel_axis=2, data_range=1.0) for pair in pairs])
    )


def rows():
    images = jnp.asarray(subject.imagenet_samples(CLASSES))
    judges = [pretrained.load(name).classifier for name in JUDGES]
    decided = jax.jit(lambda judge, images: judge.logits(images).argmax(axis=1))
    keys = jax.random.split(jax.random.key(2), len(images))
    fill = jax.jit(lambda infill, keep: infill(infill.prepare(images), keep, keys))
    for holes, keep in (_holes(len(images)) | _harvested(images, judges[0])).items():
        for name, settings in INFILLS.items():
            filled = fill(settings.build(judges[0]), keep)
            errors = (filled - images) ** 2 * (1 - keep)
            of_each = errors.sum((1, 2, 3)) / ((1 - keep).sum((1, 2, 3)) * 3)
            psnr = float(np.mean(-10 * np.log10(np.asarray(of_each))))
            shown = compose(images, keep, filled)
            alike = [decided(judge, shown) == decided(judge, images) for judge in judges]
            yield {
                "case": f"{name}: {holes}",
                "value": round(psnr, 2),
                "unit": "dB",
                "ssim": round(_ssim(images, shown), 3),
                **{
                    judge: round(float(a.mean()), 2) for judge, a in zip(JUDGES, alike, strict=True)
                },
            }
