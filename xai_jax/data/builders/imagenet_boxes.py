"""ImageNet 2012 with the boxes of the Kaggle localisation challenge."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow_datasets as tfds

from xai_jax.data.builders import archive

NUM_CLASSES = 1000


class ImagenetBoxes(archive.ArchiveBuilder):
    """Classes in the order of LOC_synset_mapping.txt, which is that of every trained network.

    Every picture of the tables LOC_train_solution.csv (where it is there) and LOC_val_solution.csv,
    with its boxes; all of them belong to the picture's one class.
    """

    ARCHIVES = (
        "LOC_synset_mapping.txt, LOC_val_solution.csv and the folder ILSVRC of "
        "imagenet-object-localization-challenge.zip"
    )

    def features(self) -> archive.Row:
        """The picture, its class, its boxes."""
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "label": tfds.features.ClassLabel(num_classes=NUM_CLASSES),
            "boxes": tfds.features.Sequence(tfds.features.BBoxFeature()),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Validation, and train where its table is there."""
        lines = self.needed(folder, "LOC_synset_mapping.txt").read_text("utf-8").splitlines()
        index = {line.split()[0]: i for i, line in enumerate(lines)}
        self.info.features["label"].names = lines
        root = "ILSVRC/Data/CLS-LOC"
        table = archive.table(self.needed(folder, "LOC_val_solution.csv"))
        splits = {"validation": _rows(self.needed(folder, f"{root}/val"), table, index)}
        if (folder / "LOC_train_solution.csv").exists():
            table = archive.table(folder / "LOC_train_solution.csv")
            splits["train"] = _rows(self.needed(folder, f"{root}/train"), table, index)
        return splits


def _rows(
    root: Path, table: list[dict[str, str]], index: Mapping[str, int]
) -> Iterator[archive.Row]:
    for line in sorted(table, key=lambda line: line["ImageId"]):
        words = line["PredictionString"].split()  # class left top right bottom, again and again
        name = f"{line['ImageId']}.JPEG"
        path = root / name if (root / name).exists() else root / words[0] / name
        size = archive.size_of(path)
        yield {
            "image": path,
            "file": name,
            "label": index[words[0]],
            "boxes": [
                archive.box(map(float, words[i + 1 : i + 5]), size) for i in range(0, len(words), 5)
            ],
        }
