"""BDD10k: street scenes with the class of each pixel. BDD-OIA: which manoeuvres are possible."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.data.builders import archive

CLASSES = tuple(  # Cityscapes' train ids
    "road sidewalk building wall fence pole traffic_light traffic_sign vegetation terrain sky "
    "person rider car truck bus train motorcycle bicycle".split()
)
ACTIONS = ("forward", "stop", "left", "right")


class Bdd10kMasks(archive.ArchiveBuilder):
    """The mask holds 0 to 18, the place in `CLASSES`, and 255 void."""

    ARCHIVES = (
        "the folder bdd100k with seg/images and seg/labels (*_train_id.png) of bdd100k_seg.zip"
    )

    def features(self) -> archive.Row:
        """The picture and its mask."""
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "mask": archive.class_ids(),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train and validation."""
        splits = {}
        for name, part in (("train", "train"), ("validation", "val")):
            images = self.needed(folder, f"bdd100k/seg/images/{part}")
            labels = self.needed(folder, f"bdd100k/seg/labels/{part}")
            splits[name] = _scenes(sorted(images.glob("*.jpg")), labels)
        return splits


def _scenes(files: Iterable[Path], labels: Path) -> Iterator[archive.Row]:
    for file in files:
        yield {
            "image": file,
            "file": file.name,
            "mask": labels / f"{file.stem}_train_id.png",
        }


class BddOia(archive.ArchiveBuilder):
    """The last frame of each clip, and four actions; where a fifth one holds, it is left out."""

    ARCHIVES = (
        "the folder data with the pictures and train_25k_images_actions.json, "
        "val_25k_images_actions.json and test_25k_images_actions.json of BDD-OIA's lastframe.zip"
    )

    def features(self) -> archive.Row:
        """The picture and which actions are possible, 0 / 1."""
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "actions": tfds.features.Tensor(shape=(len(ACTIONS),), dtype=np.uint8),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train, validation, and test where its table is there."""
        root = self.needed(folder, "data")
        parts = {"train": "train", "validation": "val"}
        if (folder / "test_25k_images_actions.json").exists():
            parts["test"] = "test"
        return {
            name: _frames(root, self.needed(folder, f"{part}_25k_images_actions.json"))
            for name, part in parts.items()
        }


def _frames(root: Path, table: Path) -> Iterator[archive.Row]:
    content = json.loads(table.read_text("utf-8"))
    actions = {a.get("image_id", a["id"]): a["category"] for a in content["annotations"]}
    for frame in content["images"]:
        action = actions[frame["id"]]
        if len(action) == len(ACTIONS) or not action[len(ACTIONS)]:
            yield {
                "image": root / frame["file_name"],
                "file": frame["file_name"],
                "actions": np.array(action[: len(ACTIONS)], np.uint8),
            }
