"""MNIST from its four files of the original format."""

import gzip
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.data.builders import archive

_IMAGES, _LABELS = 2051, 2049  # the numbers that the two kinds of file begin with


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
            images = _numbers(self.needed(folder, f"{part}-images-idx3-ubyte.gz"), _IMAGES)
            labels = _numbers(self.needed(folder, f"{part}-labels-idx1-ubyte.gz"), _LABELS)
            splits[name] = _digits(images, labels)
        return splits


def _digits(images: np.ndarray, labels: np.ndarray) -> Iterator[archive.Row]:
    for image, label in zip(images, labels, strict=True):
        yield {"image": archive.png(image), "label": int(label)}


def _numbers(path: Path, kind: int) -> np.ndarray:
    """The array in a file of the IDX format: kind, sides as big-endian numbers, then bytes.

    Raises:
        ValueError: it is of another kind, or cut off.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        (found,), sides = struct.unpack_from(">I", content), kind & 255
        shape = struct.unpack_from(f">{sides}I", content, 4)
        numbers = np.frombuffer(content, np.uint8, offset=4 + 4 * sides).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error):
        found = 0
    if found != kind:
        raise ValueError(f"{path} is no file of MNIST, or is cut off; fetch it again.")
    return numbers
