"""Each classifier in bfloat16 against itself in float32: log-odds, decisions and maps.

EfficientNets with their real weights on photographs; two with random weights, by which
activations keep their size, on smooth noise. The maps are gradients of the predicted class'
log-odds with respect to the pixels, summed over the channels.
"""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import classifiers as random_ones
from benchmarks import subject
from xai_jax.classifiers import pretrained
from xai_jax.classifiers.entries import CLASSIFIERS
from xai_jax.classifiers.resnet import RESNET50
from xai_jax.classifiers.vgg import VGG16
from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import class_log_odds

NUM, BATCH, CLASSES = 4, 4, 1000
RANDOM = (VGG16, RESNET50)  # in the others random norms leave nothing to compare
MUST_REACH = 0.95  # rank correlation of the maps of real networks


def rows():
    for entry in CLASSIFIERS:
        is_real = entry.package is not None
        if not is_real and entry.network not in RANDOM:
            continue
        images = subject.imagenet_samples(tuple(range(0, 1000, 1000 // NUM)))
        if is_real:
            classifier = pretrained.load(entry.name).classifier
        else:
            images = subject.noise_images(NUM)
            params = jax.device_put(random_ones.random_params(entry.network))
            classifier = entry.network.classifier(params, mean=entry.mean, std=entry.std)
        yield _row(entry.name, classifier, images, is_real)


def _row(name: str, classifier: Classifier, images: np.ndarray, is_real: bool) -> dict:
    exact = _answers(classifier, images, None)
    target = exact[0].argmax(axis=1)
    half = _answers(classifier.in_precision("bfloat16"), images, target)
    exact = _answers(classifier, images, target)
    odds = [found[0][np.arange(len(target)), target] for found in (exact, half)]
    ranks = [_rank_correlation(one, other) for one, other in zip(exact[1], half[1], strict=True)]
    weights = "real weights, photographs" if is_real else "random weights, noise"
    same = int((half[0].argmax(axis=1) == target).sum())
    return {
        "case": f"{name}, {weights}, {len(images)} pictures on {jax.devices()[0].device_kind}",
        "value": round(float(np.median(ranks)), 4),
        "unit": "rank correlation of gradient maps, median",
        "least": round(float(min(ranks)), 4),
        "log_odds_difference_nats": round(float(np.abs(odds[0] - odds[1]).max()), 4),
        "same_decision": f"{same} of {len(images)}",
    } | ({"must_reach": MUST_REACH} if is_real else {})


def _answers(classifier: Classifier, images: np.ndarray, target: np.ndarray | None):
    """Log-odds ``[n k]``, and maps ``[n h w]`` where there is a target."""
    found = []
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        if target is None:
            found.append((_log_odds(classifier, images[part]), 0.0))
        else:
            found.append(_with_map(classifier, images[part], target[part]))
    return [np.concatenate([np.atleast_1d(x) for x in parts]) for parts in zip(*found, strict=True)]


@jax.jit
def _log_odds(classifier: Classifier, images):
    return class_log_odds(classifier.logits(images), classifier.head)


@jax.jit
def _with_map(classifier: Classifier, images, target):
    def score(images):
        odds = class_log_odds(classifier.logits(images), classifier.head)
        return jnp.take_along_axis(odds, target[:, None], axis=1).sum(), odds

    gradient, odds = jax.grad(score, has_aux=True)(images)
    return odds, gradient.sum(axis=-1)


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's, of all pixels."""
    ranks = [np.argsort(np.argsort(x, axis=None)) for x in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])
