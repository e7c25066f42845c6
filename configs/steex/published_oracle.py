"""STEEX's oracle of faces: forty attributes, by ResNet-50 begun with VGGFace2's weights, for MNAC.

    python train.py --config=configs/steex/published_oracle.py --workdir=runs/faces_oracle \
        --config.explained.classifier.weights=resnet50_ft_dag.pth

on CelebA; `:celebamask_hq` on CelebAMask-HQ, in runs/celebamask_hq_oracle. Five epochs of batches
of 32 at 1e-4, all layers, batch norm by each batch, pictures resized to 224; it needs a GPU and the
released weights of VGGFace2's network, whose names are those of Caffe's layers.
published_evaluate.py asks it, as `:celeba:runs/faces_oracle/classifier.safetensors`. What differs:
pictures are normalised as VGGFace2's were, not to [-1, 1], and the best epoch of `:celebamask_hq`
is chosen on the validation pictures, not on the test's, which are explained.

Expect no figure: the authors name none, and no run here has measured one.
"""

import functools

from configs import recipes
from configs.recipes import Pictures
from configs.steex import published
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.experiment import Experiment

BATCH, SIDE = 32, 224
SETS = {
    "celeba": (catalog.CELEBA, published.CELEBA_SIZE),
    "celebamask_hq": (catalog.CELEBAMASK_HQ, published.HQ_SIZE),
}


def get_config(which: str = "celeba") -> Experiment:
    """The experiment; `which` is a key of SETS."""
    spec, like = recipes.named(which, SETS)
    scenes = published.SCENES[which]
    size = Preprocess(height=SIDE, width=SIDE, crop=like.crop, resample=like.resample)
    of_split = functools.partial(_split, spec)
    pictures = Pictures(of_split=of_split, size=size, class_names=spec.class_names)
    return published.new_classifier(
        pictures, "resnet50_vggface2_batch_norm", scenes.per_epoch[0], BATCH, scenes.chosen
    )


def _split(spec: catalog.DatasetSpec, split: str) -> catalog.Tfds:
    return catalog.Tfds(spec=spec, split=split)
