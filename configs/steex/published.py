"""The three experiments of STEEX's paper: two of faces and one of roads, for a GPU.

Prepare CelebA, CelebAMask-HQ, BDD10k and BDD-OIA once (docs/data.md). Settings are those of the
authors' release (specs: steex, sec. 1 to 3). What differs: a classifier of one decision, begun with
ImageNet's weights and normalised as these are, in place of one of three or four decisions that, of
faces, begins at random; the perceptual loss is of EfficientNet-Lite1's features unless VGG-19's are
named; and the epoch of a classifier is chosen on pictures that are not explained, the validation's
where those are the test's: the authors always took the test's.
"""

import dataclasses
import functools

from configs import recipes
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.data.builders import driving, faces
from xai_jax.data.part import OfClasses
from xai_jax.experiment import Experiment, Validation
from xai_jax.pretrain import classifier

EPOCHS = 5  # of a classifier
PARTS = ("background", *faces.PARTS)  # of a face, 0 to 18
ROADS = (*driving.CLASSES, "unlabelled")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenes:
    """One of the experiments.

    Fields:
        classified: what the classifier learns from.
        shown: what the generator learns from, and what is explained.
        explained: the split of `shown` that is explained.
        chosen: the split of `classified` by which the classifier's epoch is chosen.
        regions: names of the label maps' numbers.
        segmenter: the folder in which the run of the segmenter has left it.
        decides: the region that is looked at first.
        per_step: pictures of a step of the classifier, and of the generator.
        per_epoch: pictures of an epoch of either.
    """

    classified: Pictures
    shown: Pictures
    explained: str
    chosen: str
    regions: tuple[str, ...]
    segmenter: str
    decides: str
    per_step: tuple[int, int]
    per_epoch: tuple[int, int]


def _decided(spec: catalog.DatasetSpec, decision: str, split: str) -> OfClasses:
    return OfClasses(source=catalog.Tfds(spec=spec, split=split), names=(decision,))


def _pictures(spec: catalog.DatasetSpec, decision: str, size: Preprocess) -> Pictures:
    """Those of a data set, labelled with one decision."""
    of_split = functools.partial(_decided, spec, decision)
    return Pictures(of_split=of_split, size=size, class_names=(decision,))


# The middle 150 pixels of 178; a filter of the released preprocessing.
CELEBA_SIZE = Preprocess(height=128, width=128, crop=150 / 178, resample="bicubic")
HQ_SIZE = Preprocess(height=256, width=256, resample="bicubic")
BDD_SIZE = Preprocess(height=256, width=512, resample="bicubic")


def _faces(decision: str, decides: str, is_hq: bool) -> Scenes:
    spec, size = (catalog.CELEBAMASK_HQ, HQ_SIZE) if is_hq else (catalog.CELEBA, CELEBA_SIZE)
    pictures = _pictures(spec, decision, size)
    num = 24_183 if is_hq else 162_770
    return Scenes(
        classified=pictures,
        shown=pictures,
        explained="test" if is_hq else "validation",
        chosen="validation" if is_hq else "test",
        regions=PARTS,
        segmenter="runs/faces_segmenter",
        decides=decides,
        per_step=(32, 32 if is_hq else 8),
        per_epoch=(num, num),
    )


def _roads() -> Scenes:
    # Nobody has said of BDD10k's pictures whether one can go forward: all their labels are 0.
    undecided = dataclasses.replace(catalog.BDD10K, class_names=("forward",))
    return Scenes(
        classified=_pictures(catalog.BDD_OIA, "forward", BDD_SIZE),
        shown=_pictures(undecided, "forward", BDD_SIZE),
        explained="validation",
        chosen="validation",  # of another data set
        regions=ROADS,
        segmenter="runs/roads_segmenter",
        decides="traffic_light",
        per_step=(8, 4),
        per_epoch=(16_082, 7_000),
    )


SCENES = {
    "celeba": _faces("Smiling", "mouth", is_hq=False),
    "celeba_young": _faces("Young", "skin", is_hq=False),
    "celebamask_hq": _faces("Smiling", "mouth", is_hq=True),
    "celebamask_hq_young": _faces("Young", "skin", is_hq=True),
    "bdd": _roads(),
}


def new_classifier(
    pictures: Pictures, name: str, per_epoch: int, batch_size: int, chosen: str
) -> Experiment:
    """All layers of the pretrained classifier `name` on, at 1e-4, and the best epoch is kept.

    Args:
        pictures: with the splits "train" and `chosen`.
        name: see above.
        per_epoch: pictures.
        batch_size: pictures of a step.
        chosen: the split by which the best epoch is.
    """
    epoch = per_epoch // batch_size
    method = classifier.Config(
        num_classes=len(pictures.class_names),
        learning_rate=1e-4,
        trunk_frozen=False,
        trunk_rate=1e-4,
    )
    made = recipes.new_classifier(
        pictures,
        name,
        method,
        data=pictures.training(),
        validation=Validation(data=pictures.once(chosen), every=epoch),
        num_steps=EPOCHS * epoch,
        checkpoint_every=epoch,
    )
    return dataclasses.replace(made, batch_size=batch_size)
