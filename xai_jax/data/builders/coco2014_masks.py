"""COCO 2014: the classes of every picture, the mask of each object, and of all classes."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.data.builders import archive, regions

NUM_IDS = 91  # the class is the raw category id, as in NN-Explainer; 0 and ten others are not used
UNUSED = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
CATEGORIES = tuple(k for k in range(NUM_IDS) if k not in UNUSED)
_VALIDATION = 0.1  # share of train2014


class Coco2014Masks(archive.ArchiveBuilder):
    """train2014 is cut into train and validation by us, by the file's name; val2014 is the test.

    Pictures without any annotation are in splits of their own, ``*_empty``. The mask holds category
    ids, a smaller object on top of a larger one; `objects.runs` are the run lengths of each
    object's own mask (`builders.regions.from_runs`), crowds included.
    """

    ARCHIVES = (
        "the folders train2014 and val2014 of train2014.zip and val2014.zip, and annotations of "
        "annotations_trainval2014.zip,"
    )

    def features(self) -> archive.Row:
        """The picture, its classes, its objects, its mask."""
        label = tfds.features.ClassLabel(num_classes=NUM_IDS)
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "labels": tfds.features.Sequence(label),
            "objects": tfds.features.Sequence(
                {
                    "bbox": tfds.features.BBoxFeature(),
                    "label": label,
                    "is_crowd": np.bool_,
                    "runs": tfds.features.Text(),
                }
            ),
            "mask": archive.class_ids(),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train, validation, test, and of each the pictures without annotations, if there are."""
        train, test = self._year(folder, "train2014"), self._year(folder, "val2014")
        held_out = [archive.chance(picture["file_name"]) < _VALIDATION for picture, _ in train]
        parts = {
            "train": [p for p, out in zip(train, held_out, strict=True) if not out],
            "validation": [p for p, out in zip(train, held_out, strict=True) if out],
            "test": test,
        }
        splits = {}
        for name, pictures in parts.items():
            root = folder / ("val2014" if name == "test" else "train2014")
            splits[name] = _rows(root, [p for p in pictures if p[1]])
            if not all(annotations for _, annotations in pictures):
                splits[f"{name}_empty"] = _rows(root, [p for p in pictures if not p[1]])
        return splits

    def _year(self, folder: Path, name: str) -> list[tuple[dict, list[dict]]]:
        """Pictures and their annotations."""
        self.needed(folder, name)
        file = self.needed(folder, f"annotations/instances_{name}.json")
        content = json.loads(file.read_text("utf-8"))
        names = {category["id"]: category["name"] for category in content["categories"]}
        named = [names.get(i, f"unused {i}") for i in range(NUM_IDS)]
        for label in (
            self.info.features["labels"].feature,
            self.info.features["objects"].feature["label"],
        ):
            label.names = named
        of_picture = defaultdict(list)
        for annotation in content["annotations"]:
            of_picture[annotation["image_id"]].append(annotation)
        pictures = sorted(content["images"], key=lambda picture: picture["id"])
        return [(p, of_picture[p["id"]]) for p in pictures]


def _rows(root: Path, pictures: Iterable[tuple[dict, list[dict]]]) -> Iterator[archive.Row]:
    for picture, annotations in pictures:
        height, width = picture["height"], picture["width"]
        objects, masks = [], []
        for annotation in annotations:
            covered = regions.mask(annotation["segmentation"], height, width)
            objects.append(_object(annotation, covered))
            masks.append((annotation["category_id"], covered))
        yield {
            "image": root / picture["file_name"],
            "file": picture["file_name"],
            "labels": sorted({annotation["category_id"] for annotation in annotations}),
            "objects": objects,
            "mask": archive.png(_painted(masks, height, width)),
        }


def _object(annotation: Mapping[str, Any], covered: np.ndarray) -> archive.Row:
    left, top, width, height = annotation["bbox"]
    return {
        "bbox": archive.box((left, top, left + width, top + height), covered.shape[::-1]),
        "label": annotation["category_id"],
        "is_crowd": bool(annotation["iscrowd"]),
        "runs": " ".join(map(str, regions.runs(covered))),
    }


def _painted(masks: list[tuple[int, np.ndarray]], height: int, width: int) -> np.ndarray:
    ids = np.zeros((height, width), np.uint8)
    for category, covered in sorted(masks, key=lambda mask: -int(mask[1].sum())):
        ids[covered] = category
    return ids
