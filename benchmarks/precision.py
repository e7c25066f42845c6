"""Each classifier in bfloat16 against itself in float32: log-odds, decisions and maps.

EfficientNets with their real weights on photographs; the others with random weights, by which
activations keep their size, on smooth noise. The maps are of the predicted class: gradients of its
log-odds with respect to the pixels, summed over the channels; and with real weights Grad-CAM's.
``--pictures 100`` takes so many photographs. Then every method that explains by a classifier alone,
on EfficientNet-Lite0 and fewer photographs.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import xai_jax
from benchmarks import classifiers as random_ones
from benchmarks import subject
from xai_jax.classifiers import pretrained
from xai_jax.classifiers.entries import CLASSIFIERS, Entry
from xai_jax.classifiers.resnet import RESNET50_BATCH_NORM
from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import class_log_odds
from xai_jax.methods import (
    bbmp,
    extremal,
    fido,
    gradcam,
    gradients,
    igos,
    occlusion,
    rise,
    rtis,
)
from xai_jax.metrics.sanity import correlation

NUM, NUM_OF_METHODS, BATCH, STEPS = 4, 12, 4, 20
UNFOLDED = RESNET50_BATCH_NORM  # which explains as RESNET50 does
MUST_REACH = 0.95  # rank correlation of the maps of real networks


def rows(num: int = NUM):
    for entry in CLASSIFIERS:
        is_real = entry.package is not None
        if entry.network is UNFOLDED:
            continue
        if is_real:
            images = _photographs(num)
            classifier = pretrained.load(entry.name).classifier
        else:
            images = subject.noise_images(NUM)
            params = jax.device_put(random_ones.random_params(entry.network))
            classifier = entry.network.classifier(params, mean=entry.mean, std=entry.std)
        yield from _rows(entry.name, classifier, images, is_real)
    yield from _of_methods(CLASSIFIERS[0])


def _rows(name: str, classifier: Classifier, images: np.ndarray, is_real: bool):
    half = classifier.in_precision("bfloat16")
    exact_odds, half_odds = (_log_odds(c, images) for c in (classifier, half))
    target = exact_odds.argmax(axis=1)
    of_target = [odds[np.arange(len(target)), target] for odds in (exact_odds, half_odds)]
    same = int((half_odds.argmax(axis=1) == target).sum())
    weights = "real weights, photographs" if is_real else "random weights, noise"
    case = f"{name}, {weights}, {len(images)} pictures on {jax.devices()[0].device_kind}"
    yield {
        "case": case,
        "value": round(float(np.abs(of_target[0] - of_target[1]).max()), 4),
        "unit": "nats of log-odds of the class at most",
        "same_decision": f"{same} of {len(images)}",
    }
    for method, maps in _MAPS.items() if is_real else [("gradient", _gradients)]:
        row = _agreement(f"{case}, {method}", maps, (classifier, half), images, target)
        yield row | ({"must_reach": MUST_REACH} if is_real else {})


def _log_odds(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Of all classes, ``[n k]``."""
    parts = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    return np.concatenate(
        [class_log_odds(classifier.logits(part), classifier.head) for part in parts]
    )


def _gradients(classifier: Classifier, images: np.ndarray, target: np.ndarray) -> np.ndarray:
    """``[n h w]``."""
    parts = (slice(i, i + BATCH) for i in range(0, len(images), BATCH))
    return np.concatenate([_gradient(classifier, images[p], target[p]) for p in parts])


@jax.jit
def _gradient(classifier: Classifier, images, target):
    def score(images):
        odds = class_log_odds(classifier.logits(images), classifier.head)
        return jnp.take_along_axis(odds, target[:, None], axis=1).sum()

    return jax.grad(score)(images).sum(axis=-1)


def _explained(method):
    """The maps of a method, as the public call makes them."""

    def maps(classifier: Classifier, images: np.ndarray, target: np.ndarray) -> np.ndarray:
        found = xai_jax.explain(classifier, images, target, method=method, batch_size=BATCH)
        return np.asarray(found.saliency)[..., 0]

    return maps


_MAPS = {"gradient": _gradients, "Grad-CAM": _explained(gradcam.Config())}
_METHODS = {  # of few steps: the question is what rounding does to one
    f"FIDO, fast(), {STEPS} steps": dataclasses.replace(
        fido.Config.fast(), num_steps=STEPS, warmup_steps=2
    ),
    f"BBMP, {STEPS} steps": bbmp.Config(num_steps=STEPS),
    f"Extremal Perturbations, {STEPS} steps": extremal.Config(
        num_steps=STEPS, area_growth=1.0035 ** (800 / STEPS)
    ),
    f"RTIS, {STEPS} steps": rtis.PerImage(num_steps=STEPS),
    "iGOS++, 4 steps": dataclasses.replace(igos.Config.newer(), num_steps=4, num_points=5),
    "RISE, 100 masks": rise.Config(num_masks=100),
    "occlusion, stride 32": occlusion.Config(stride=32),
    "input x gradient": gradients.InputXGradient(),
    "SmoothGrad": gradients.SmoothGrad(),
    "integrated gradients": gradients.IntegratedGradients(),
}


def _of_methods(entry: Entry):
    """Every method that explains by a classifier alone."""
    images = _photographs(NUM_OF_METHODS)
    classifier = pretrained.load(entry.name).classifier
    target = _log_odds(classifier, images).argmax(axis=1)
    both = classifier, classifier.in_precision("bfloat16")
    for method, settings in _METHODS.items():
        case = f"{entry.name}, {len(images)} photographs, {method}"
        yield _agreement(case, _explained(settings), both, images, target)


def _agreement(case: str, maps, both, images, target) -> dict:
    found = (maps(classifier, images, target) for classifier in both)
    ranks = np.asarray(correlation(*(jnp.asarray(each)[..., None] for each in found)))
    return {
        "case": case,
        "value": round(float(np.median(ranks)), 4),
        "unit": "rank correlation of the maps, median",
        "least": round(float(min(ranks)), 4),
    }


def _photographs(num: int) -> np.ndarray:
    return subject.imagenet_samples(tuple(range(0, 1000, 1000 // num))[:num])
