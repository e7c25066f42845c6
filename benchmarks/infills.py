"""How near infills come to what was there, and how often classifiers decide alike.

Photographs of 224 pixels that no infill has learned from, with holes of several kinds. Of the
picture with its holes filled: PSNR on the removed pixels; the structural similarity (scikit-image);
`seam`, the mean step from a kept pixel to a filled one beside it, over the same step of the
picture, 1 = as in the picture; and the share of pictures whose class Lite0 and Lite2 do not change.
Then, for each infill, milliseconds a picture, and its reliability: the mean probability of the
class that Lite2 sees in the picture, over that probability itself, where 10, 30, 50, 70 and 90 % of
the blocks are kept. Infills that are trained here have rows where runs/ has them.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from skimage.metrics import structural_similarity

from benchmarks import subject, timing, trained_infills
from xai_jax.classifiers import pretrained
from xai_jax.core.infill import Infill, compose
from xai_jax.core.method import Frozen
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.pyramid import Pyramid
from xai_jax.methods import fido

BATCH = 16
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
RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
_decided = jax.jit(lambda judge, images: judge.logits(images).argmax(axis=1))
_probabilities = jax.jit(lambda judge, images: jax.nn.softmax(judge.logits(images)))


@jax.jit
def _shown(infill: Infill, images, keep, keys):
    return compose(images, keep, infill(infill.prepare(images), keep, keys))


def _blocks(share: float, num: int) -> jax.Array:
    """``[num 224 224 1]``, 1 = kept, in blocks of 4 pixels."""
    kept = jax.random.bernoulli(jax.random.key(0), share, (num, 56, 56, 1)).astype(jnp.float32)
    return kept.repeat(4, axis=1).repeat(4, axis=2)


def _holes(num: int) -> dict[str, jax.Array]:
    """``[num 224 224 1]``, 1 = kept."""
    pixels = jax.random.bernoulli(jax.random.key(1), 0.5, (num, 224, 224, 1))
    return {
        "blocks of 4 pixels, half of them kept": _blocks(0.5, num),
        "blocks of 4 pixels, a fifth of them kept": _blocks(0.2, num),
        "single pixels, half of them kept": pixels.astype(jnp.float32),
        "the middle quarter": jnp.ones((num, 224, 224, 1)).at[:, 56:168, 56:168].set(0.0),
    }


def _harvested(images: jax.Array, classes: np.ndarray, classifier) -> dict[str, jax.Array]:
    """Masks that FIDO draws where it ends, with its blur: ``[num 224 224 1]``, 1 = kept.

    At its first step every pixel is kept or not with even odds, as in one of `_holes`.
    """
    frozen, found = Frozen(classifier, Blur().build(classifier)), {}
    for num_steps in (50, 150, 300):
        cfg = dataclasses.replace(fido.Config.fast(), num_steps=num_steps)
        explain = jax.jit(cfg.build().explain)
        keep = []
        for part in _parts(len(images)):
            batch = subject.batch_of(np.asarray(images[part]), classes[part])
            keep.append(explain((), frozen, batch, jax.random.key(0)).keep)
        drawn = jax.random.bernoulli(jax.random.key(3), jnp.concatenate(keep))
        found[f"what FIDO removes after {num_steps} steps"] = drawn.astype(jnp.float32)
    return found


def _parts(num: int) -> list[slice]:
    return [slice(start, start + BATCH) for start in range(0, num, BATCH)]


def _seam(images, shown, keep) -> float:
    """Over all pairs of neighbours of which one is kept."""
    steps = []
    for pixels in (shown, images):
        total = 0.0
        for axis in (1, 2):
            border = jnp.diff(keep, axis=axis) != 0
            total += jnp.sum(jnp.abs(jnp.diff(pixels, axis=axis)) * border)
        steps.append(total)
    return float(steps[0] / steps[1])


def _measured(images, shown, keep) -> dict[str, float]:
    squares = (jnp.square(shown - images) * (1 - keep)).sum((1, 2, 3))
    pairs = zip(np.asarray(images), np.asarray(shown), strict=True)
    alike = [structural_similarity(*pair, channel_axis=2, data_range=1.0) for pair in pairs]
    return {
        "psnr": -10 * np.log10(np.asarray(squares / ((1 - keep).sum((1, 2, 3)) * 3))),
        "ssim": np.array(alike),
        "seam": _seam(images, shown, keep),
    }


def rows(num: int = 48):
    classes = np.array(subject.held_out(num))
    images = jnp.asarray(subject.imagenet_samples(tuple(classes)))
    judges = {name: pretrained.load(name).classifier for name in JUDGES}
    classifier = judges[JUDGES[0]]
    settings = INFILLS | trained_infills.found()
    infills = {name: own.build(classifier) for name, own in settings.items()}
    keys = jax.random.split(jax.random.key(2), num)
    for holes, keep in (_holes(num) | _harvested(images, classes, classifier)).items():
        for name, infill in infills.items():
            yield _row(f"{name}: {holes}", infill, judges, images, keep, keys)
    for name, infill in infills.items():
        yield _reliability(name, infill, judges[JUDGES[1]], images, keys)


def _row(case: str, infill: Infill, judges, images, keep, keys):
    found: dict[str, list] = {}
    for part in _parts(len(images)):
        shown = _shown(infill, images[part], keep[part], keys[part])
        measured = _measured(images[part], shown, keep[part])
        for name, judge in judges.items():
            measured[name] = _decided(judge, shown) == _decided(judge, images[part])
        for name, values in measured.items():
            found.setdefault(name, []).append(float(np.mean(values)))
    means = {name: float(np.mean(values)) for name, values in found.items()}
    return {
        "case": case,
        "value": round(means.pop("psnr"), 2),
        "unit": "dB",
        **{name: round(value, 3) for name, value in means.items()},
    }


def _reliability(case: str, infill: Infill, judge, images, keys):
    """Of the infill, and its time."""
    shares = []
    for part in _parts(len(images)):
        whole = _probabilities(judge, images[part])
        best = whole.argmax(axis=1)[:, None]
        for rate in RATES:
            shown = _shown(infill, images[part], _blocks(rate, len(images))[part], keys[part])
            found = _probabilities(judge, shown)
            ratio = jnp.take_along_axis(found, best, 1) / jnp.take_along_axis(whole, best, 1)
            shares.append(float(ratio.mean()))
    first = images[:BATCH], _blocks(0.5, len(images))[:BATCH], keys[:BATCH]
    seconds = min(timing.seconds(lambda: _shown(infill, *first)) for _ in range(3))
    return {
        "case": f"{case}: reliability",
        "value": round(float(np.mean(shares)), 3),
        "unit": "of the probability",
        "ms": round(1e3 * seconds / len(first[0]), 1),
    }
