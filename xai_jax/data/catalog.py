"""Known data sets: what TFDS cannot know of them, and how their rows become pictures."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.core.domains import Interval, Natural
from xai_jax.core.settings import Settings
from xai_jax.data.builders import (
    archive,
    coco2014_masks,
    driving,
    faces,
    imagenet_boxes,
    mnist_digits,
    rsna,
    voc2007_masks,
)
from xai_jax.data.example import VOID, Example, digest


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetSpec(Settings):
    """One data set in TFDS's form.

    Fields:
        tfds_name: with its version, "imagenet2012:5.1.0"; it names the folder on the disk.
        builder: ours, which reads the original archives; ``None``: TFDS's own.
        label_key: of one class, several classes, or 0 / 1 for each of `class_names`; ``None``: the
            data set has no labels but its masks.
        class_names: one a class; ``None``: those of the label's feature.
        mask_key: of a map of numbers.
        mask_classes: number in the map -> class; ``None``: the numbers are regions of their own,
            which `Pipeline.masks` gives as they are.
        empty_shows: what a picture whose label names no class counts as showing; none, but for a
            published protocol.
        boxes_key: ``[n 4]`` (top, left, bottom, right) in [0, 1]; ``None``: no localisation.
        splits: our name of a split -> TFDS's expression.
    """

    tfds_name: str
    builder: type[archive.ArchiveBuilder] | None = None
    label_key: str | None = "label"
    class_names: tuple[str, ...] | None = None
    mask_key: str | None = None
    mask_classes: Mapping[Annotated[int, Interval(0, 255)], Natural] | None = None
    empty_shows: tuple[Natural, ...] = ()
    boxes_key: str | None = None
    splits: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {n: n for n in ("train", "validation", "test")}
    )

    def how_to_prepare(self) -> str:
        """For people."""
        if self.builder is None:
            name = self.tfds_name.split(":")[0]
            return f"let TFDS do it: tfds build {name} --file_format=array_record"
        return "call catalog.prepare with the folder of its original archives"


@dataclasses.dataclass(slots=True, kw_only=True)
class Tfds(Settings):
    """The settings of a data set of the catalog; `build` opens its prepared copy.

    Fields:
        spec: which.
        split: one of `spec.splits`.
        data_dir: where `prepare` has put it.
    """

    spec: DatasetSpec
    split: str = "train"
    data_dir: str = "~/tensorflow_datasets"

    def build(self) -> "_TfdsExamples":
        """The rows, nothing read yet.

        Raises:
            ValueError: no such split, or no prepared copy.
        """
        spec, folder = self.spec, Path(self.data_dir).expanduser()
        if self.split not in spec.splits:
            raise ValueError(
                f"{spec.tfds_name} has no split {self.split!r}; choose one of "
                f"{', '.join(spec.splits)}."
            )
        copy = Path(folder, *spec.tfds_name.split(":"))
        if not copy.is_dir():
            raise ValueError(
                f"{spec.tfds_name} is not prepared in {folder}; {spec.how_to_prepare()}."
            )
        builder = tfds.builder_from_directory(copy)
        parts = spec.splits[self.split].split("+")
        if not {part.split("[")[0] for part in parts} <= set(builder.info.splits):
            raise ValueError(
                f"{copy} has no {self.split}, which its archives did not hold or an older version "
                "left out (then remove that folder and prepare it again); it has "
                f"{', '.join(sorted(builder.info.splits))}."
            )
        keys = [k for k in ("image", spec.mask_key) if k]
        encoded: Any = {key: tfds.decode.SkipDecoding() for key in keys}
        rows = builder.as_data_source(split=spec.splits[self.split], decoders=encoded)
        names = spec.class_names
        if names is None:
            label = builder.info.features[spec.label_key]
            names = tuple(getattr(label, "feature", label).names)
        return _TfdsExamples(
            rows=rows,
            spec=spec,
            class_names=names,
            name=f"{spec.tfds_name} {self.split}",
            copy=copy,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _TfdsExamples:
    """The rows of one split: a random-access source for Grain.

    Fields:
        rows: TFDS's own.
        spec: of the data set.
        class_names: one a class.
        name: of data set and split, for people.
        copy: the folder of the prepared copy.
    """

    rows: Any
    spec: DatasetSpec
    class_names: tuple[str, ...]
    name: str
    copy: Path

    @property
    def names(self) -> tuple[str, ...]:
        """By number, since TFDS knows no files."""
        return tuple(self._name(index) for index in range(len(self)))

    def digests(self) -> dict[str, str]:
        """Of TFDS's own record of the copy: what it was made from, and how large each part is."""
        record = self.copy / "dataset_info.json"
        return {f"{self.spec.tfds_name}/{record.name}": digest(record)}

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, not decoded. Its row is `index`: the number within the split."""
        index = range(len(self))[index]  # ends a loop as a list does
        spec, row = self.spec, self.rows[index]
        return Example(
            row=index,
            name=self._name(index),
            picture=row["image"],
            labels=self._labels(row),
            mask=None if spec.mask_key is None else row[spec.mask_key],
            meaning=_meaning(spec),
            regions=spec.mask_key is not None and spec.mask_classes is None,
            boxes=None if spec.boxes_key is None else np.reshape(row[spec.boxes_key], (-1, 4)),
        )

    def _name(self, index: int) -> str:
        return f"picture {index} of {self.name}"

    def _labels(self, row: Mapping[str, Any]) -> np.ndarray:
        labels = np.zeros(len(self.class_names), np.float32)
        if self.spec.label_key is None:
            return labels
        truth = np.asarray(row[self.spec.label_key])
        feature_is_flags = truth.ndim == 1 and self.spec.class_names is not None
        if feature_is_flags:
            return truth.astype(np.float32)
        shown = truth if truth.size else np.asarray(self.spec.empty_shows)
        labels[shown.astype(np.int64)] = 1.0
        return labels


def _meaning(spec: DatasetSpec) -> np.ndarray | None:
    if spec.mask_classes is None:
        return None
    meaning = np.zeros(256, np.uint16)
    meaning[VOID] = VOID
    for number, k in spec.mask_classes.items():
        meaning[number] = 1 + k
    return meaning


def prepare(spec: DatasetSpec, *, archives: str, data_dir: str = "~/tensorflow_datasets") -> None:
    """Makes the ArrayRecord copy of a data set in `data_dir`, where it is not there yet.

    Args:
        spec: one with a builder of ours.
        archives: the folder with the unpacked original archives.
        data_dir: where the copy goes.

    Raises:
        ValueError: an archive is missing; the sentence says what to put where.
    """
    if spec.builder is None:
        raise ValueError(f"{spec.tfds_name} is none of our own; {spec.how_to_prepare()}.")
    folder = Path(archives).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; put {spec.builder.ARCHIVES} into it.")
    builder = spec.builder(data_dir=str(Path(data_dir).expanduser()), file_format="array_record")
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(folder))
    )


_TRAIN_TEST = {"train": "train", "test": "test"}
_TRAIN_VALIDATION = {"train": "train", "validation": "validation"}

VOC2007 = DatasetSpec(
    tfds_name="voc2007_masks:1.0.0",
    builder=voc2007_masks.Voc2007Masks,
    label_key="labels",
    mask_key="mask",
    mask_classes={1 + k: k for k in range(20)},
    splits={
        part + kind: part + kind
        for part in ("train", "validation", "test")
        for kind in ("", "_masks")
    },
)
COCO2014 = DatasetSpec(
    tfds_name="coco2014_masks:1.0.0",
    builder=coco2014_masks.Coco2014Masks,
    label_key="labels",
    mask_key="mask",
    mask_classes={k: k for k in range(1, coco2014_masks.NUM_IDS)},
    empty_shows=coco2014_masks.CATEGORIES,
    splits={
        part + kind: f"{part}+{part}_empty" if kind else part
        for part in ("train", "validation", "test")
        for kind in ("", "_and_empty")
    },
)
IMAGENET = DatasetSpec(tfds_name="imagenet2012:5.1.0", splits=_TRAIN_VALIDATION)
IMAGENET_BOXES = DatasetSpec(
    tfds_name="imagenet_boxes:1.0.0",
    builder=imagenet_boxes.ImagenetBoxes,
    boxes_key="boxes",
    splits=_TRAIN_VALIDATION,
)
CELEBA = DatasetSpec(
    tfds_name="celeba_faces:1.0.0",
    builder=faces.CelebaFaces,
    label_key="attributes",
    class_names=faces.ATTRIBUTES,
)
CELEBAMASK_HQ = DatasetSpec(
    tfds_name="celebamask_hq:1.0.0",
    builder=faces.CelebamaskHq,
    label_key="attributes",
    class_names=faces.ATTRIBUTES,
    mask_key="mask",
)
BDD10K = DatasetSpec(
    tfds_name="bdd10k_masks:1.0.0",
    builder=driving.Bdd10kMasks,
    label_key=None,
    class_names=driving.CLASSES,
    mask_key="mask",
    splits=_TRAIN_VALIDATION,
)
BDD_OIA = DatasetSpec(
    tfds_name="bdd_oia:1.0.0",
    builder=driving.BddOia,
    label_key="actions",
    class_names=driving.ACTIONS,
)
RSNA = DatasetSpec(tfds_name="rsna_pneumonia:1.0.0", builder=rsna.RsnaPneumonia, boxes_key="boxes")
MNIST = DatasetSpec(
    tfds_name="mnist_digits:1.0.0", builder=mnist_digits.MnistDigits, splits=_TRAIN_TEST
)
