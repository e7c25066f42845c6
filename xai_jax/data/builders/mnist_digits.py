"""MNIST from its four files of the original format."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.data import idx
from xai_jax.data.builders import archive


class MnistDigits(archive.ArchiveBuilder):
    """Grey digits of 28 x 28 and their class."""

    ARCHIVES = "the four files train-* and t10k-* *-ubyte.gz of MNIST"

    def features(self) -> archive.Row:
        """The picture and its class."""
        return {
            "image": tfds.features.Image(shape=(28, 28, 1), encoding_format="png"),
            "label": tfds.features.ClassLabel(num_classes=10),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train and test."""
        splits = {}
        for name, part in (("train", "train"), ("test", "t10k")):
            images = idx.read(self.needed(folder, f"{part}-images-idx3-ubyte.gz"), idx.IMAGES)
            labels = idx.read(self.needed(folder, f"{part}-labels-idx1-ubyte.gz"), idx.LABELS)
            splits[name] = _digits(images, labels)
        return splits


def _digits(images: np.ndarray, labels: np.ndarray) -> Iterator[archive.Row]:
    for image, label in zip(images, labels, strict=True):
        yield {"image": archive.png(image), "label": int(label)}
