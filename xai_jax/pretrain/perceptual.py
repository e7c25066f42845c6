"""A loss of features: what a network that is trained to draw is to keep of a picture.

Johnson, Alahi, Fei-Fei, "Perceptual Losses", ECCV 2016.
"""

import jax.numpy as jnp

from xai_jax.classifiers import vgg
from xai_jax.classifiers.efficientnet_lite import lite1_stages
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.types import Images, PerExample
from xai_jax.losses.absolute import absolute

_OF_LITE1: tuple[float, ...] = (1.0, 0.5, 0.25)
_OF_VGG19: tuple[float, ...] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


def check(weight: float, frozen: Frozen | None) -> None:
    """Refuses a loss of features, of some weight, where there is no network that has them.

    Raises:
        ValueError: there is none; says what to set.
    """
    if weight and frozen is None:
        raise ValueError(
            f"feature_weight is {weight:g}, and there is no network whose features they are; set "
            'explained, its classifier pretrained.Named(name="efficientnet_lite1") say, or set '
            "feature_weight to 0."
        )


def difference(classifier: Classifier, one: Images, other: Images) -> PerExample:
    """Mean absolute difference of a network's activations, a weighted sum over its scales.

    Of EfficientNet-Lite1 at strides 4, 8 and 16, weighted 1 to 1/4; of VGG-19 behind the first ReLU
    of each stage, weighted 1/32 to 1, on pixels in [-1, 1] (specs: steex, sec. 1.6).

    Raises:
        ValueError: the classifier is neither.
    """
    if vgg.is_vgg19(classifier.params):
        eaten = [2.0 * images - 1.0 for images in (one, other)]
        seen, weights = vgg.first_of_stages, _OF_VGG19
    else:
        eaten = [classifier.normalise(images) for images in (one, other)]
        seen, weights = lite1_stages, _OF_LITE1
    total = jnp.zeros(len(one))
    both = (seen(classifier.params, images) for images in eaten)
    for weight, here, there in zip(weights, *both, strict=True):
        total += weight * absolute(here - there).mean((1, 2, 3))
    return total
