"""The classifier of mosaics that the explanations of this folder explain.

    python train.py --config=configs/mosaic/classifier_lite0.py --workdir=runs/mosaic_classifier

EfficientNet-Lite0 with a sigmoid head for the twelve groups, which begins with the means of
ImageNet's classes. Its trunk is trained on, at a quarter of the rate of the head, and not for long:
there are 283 pictures, which it would know by heart.

Expect a validation loss of 0.244, and 1.32 of the 2.09 classes of a mosaic found.
"""

import dataclasses

from configs import lite0
from configs.mosaic.mosaics import PICTURES, groups
from xai_jax.classifiers.grouped_head import GroupedHead
from xai_jax.classifiers.pretrained import Named
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment

COLOURS = Augment(flip=0.0, rotation=0.0, hue=0.0)  # tiles are mirrored one by one


def get_config() -> Experiment:
    """The experiment."""
    like = lite0.new_classifier(PICTURES, COLOURS, 120, every=20)
    return dataclasses.replace(
        like,
        method=dataclasses.replace(like.method, learning_rate=2e-4, trunk_rate=5e-5),
        start=GroupedHead(pretrained=Named(name="efficientnet_lite0"), groups=groups()),
    )
