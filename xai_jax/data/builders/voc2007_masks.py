"""PASCAL VOC 2007: objects of every picture, and the masks of those that were segmented."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.data import pictures
from xai_jax.data.builders import archive
from xai_jax.data.example import VOID

CLASSES = tuple(
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike "
    "person pottedplant sheep sofa train tvmonitor".split()
)
_SPLITS = {"train": "train", "validation": "val", "test": "test"}


class Voc2007Masks(archive.ArchiveBuilder):
    """Every class named in an object counts, difficult ones included.

    Masks hold 0 background, ``1 + k`` class k, 255 void; pictures that were not segmented are all
    void. The splits ``*_masks`` are those that were segmented.
    """

    ARCHIVES = "the folder VOCdevkit of VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar"

    def features(self) -> archive.Row:
        """The picture, its classes, its objects, its mask."""
        label = tfds.features.ClassLabel(names=list(CLASSES))
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "labels": archive.several(CLASSES),
            "objects": tfds.features.Sequence(
                {"bbox": tfds.features.BBoxFeature(), "label": label, "is_difficult": np.bool_}
            ),
            "mask": archive.class_ids(),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Those of the challenge, and of each the pictures that were segmented."""
        root = self.needed(folder, "VOCdevkit/VOC2007")
        for part in ("JPEGImages", "Annotations", "SegmentationClass"):
            self.needed(folder, f"VOCdevkit/VOC2007/{part}")
        splits = {}
        for kind, suffix in (("Main", ""), ("Segmentation", "_masks")):
            for name, file in _SPLITS.items():
                listed = f"VOCdevkit/VOC2007/ImageSets/{kind}/{file}.txt"
                ids = self.needed(folder, listed).read_text().split()
                splits[name + suffix] = (_row(root, i) for i in ids)
        return splits


def _row(root: Path, name: str) -> archive.Row:
    tree = ElementTree.parse(root / "Annotations" / f"{name}.xml").getroot()
    size = int(tree.findtext("size/width", "0")), int(tree.findtext("size/height", "0"))
    objects = [_object(node, size) for node in tree.iter("object")]
    return {
        "image": root / "JPEGImages" / f"{name}.jpg",
        "file": f"{name}.jpg",
        "labels": sorted({str(o["label"]) for o in objects}, key=CLASSES.index),
        "objects": objects,
        "mask": _mask(root / "SegmentationClass" / f"{name}.png", size),
    }


def _object(node: ElementTree.Element, size: tuple[int, int]) -> archive.Row:
    left, top, right, bottom = (
        float(node.findtext(f"bndbox/{edge}", "")) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    return {
        "bbox": archive.box((left - 1, top - 1, right, bottom), size),  # its pixels count from 1
        "label": node.findtext("name", ""),
        "is_difficult": node.findtext("difficult", "0") == "1",
    }


def _mask(path: Path, size: tuple[int, int]) -> bytes:
    if not path.exists():
        return archive.png(np.full(size[::-1], VOID, np.uint8))
    with archive.named(path):
        return archive.png(pictures.class_ids(path))  # of a palette: the places, not the colours
