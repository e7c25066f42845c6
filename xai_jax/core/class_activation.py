"""Class activation maps: the activations of a classifier, weighed by what they say of a class.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.classifier import Classifier
from xai_jax.core.image import resize
from xai_jax.core.targets import Score, class_log_odds, scores
from xai_jax.core.types import AnyArray, Classes, Images

Coarse = Float[Array, "b y x 1"]


def class_activation(
    classifier: Classifier, features: AnyArray, target: Classes, score: Score
) -> Coarse:
    """``sum_k w_k A_k``, w_k the mean over the cells of the slope of the score in A_k (eq. 1).

    Args:
        classifier: in two halves.
        features: A, what its first half makes of the pictures, ``[b y x k]``.
        target: a class a picture.
        score: what is differentiated.
    """

    def total(features):
        logits = classifier.logits_of_features(features)
        return scores(logits, target, classifier.head, score).sum()

    weights = jax.grad(total)(features).mean(axis=(1, 2), keepdims=True)
    return jnp.sum(weights * features, axis=3, keepdims=True)


def evidence_map(classifier: Classifier, images: Images) -> Float[Array, "b h w k"]:
    """The log-odds of every class, told where they come from: their mean over the cells is theirs.

    Of a classifier that takes the mean over the cells and then a matrix product, a cell's are those
    of a picture that is this cell all over (Zhou et al., "Learning Deep Features for Discriminative
    Localization", CVPR 2016); of others, that is so to the first order. No gradient goes through.

    Args:
        classifier: in two halves.
        images: unit pixels ``[b h w c]``.

    Raises:
        ValueError: see `check_in_halves`.
    """
    check_in_halves(classifier, images.shape, "An evidence map")
    features = jax.lax.stop_gradient(classifier.features(images))
    cells = features.shape[1] * features.shape[2]
    log_odds = class_log_odds(classifier.logits_of_features(features), classifier.head)  # [b k]

    def of_class(k):
        target = jnp.full(len(features), k)
        active = cells * class_activation(classifier, features, target, Score.LOG_ODDS)[..., 0]
        rest = log_odds[:, k] - active.mean(axis=(1, 2))  # what no cell says: the bias, say
        return active + rest[:, None, None]

    told = jnp.moveaxis(jax.lax.map(of_class, jnp.arange(log_odds.shape[1])), 0, 3)  # [b y x k]
    return resize(jax.lax.stop_gradient(told), *images.shape[1:3])


def check_in_halves(classifier: Classifier, shape: tuple[int, ...], reader: str) -> None:
    """Refuses a classifier that is not in two halves.

    Args:
        classifier: any.
        shape: of a batch of pictures.
        reader: who reads the activations, for the message.

    Raises:
        ValueError: it is not, or its activations have no place in the picture.
    """
    if classifier.features_fn is None or classifier.head_fn is None:
        raise ValueError(
            f"{reader} reads activations, and this classifier does not say where they are; give it "
            "in two halves, classifier.replace(features_fn=..., head_fn=...), see "
            "docs/bring-your-own-classifier.md."
        )
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    found = jax.eval_shape(type(classifier).features, classifier, images)
    if len(found.shape) != 4 or found.shape[0] != shape[0]:
        raise ValueError(
            f"features_fn must return activations [b h' w' c'], not {list(found.shape)}; split the "
            "network before it pools or flattens them."
        )
