"""What all builders share: where the archives lie, and how their rows become a data set."""

import abc
import contextlib
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from xai_jax.core.errors import BadPicture
from xai_jax.data import pictures

Row = Mapping[str, Any]


class ArchiveBuilder(tfds.core.GeneratorBasedBuilder):
    """A TFDS builder that reads unpacked archives from TFDS's folder for manual downloads.

    Pictures are handed to TFDS as paths or encoded bytes, never as arrays: those it would encode
    with TensorFlow. Rows keep the order in which they come.

    Class attributes:
        ARCHIVES: what must be unpacked (or lie) in the folder, for people.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Unpack the original archives into the folder."
    ARCHIVES: ClassVar[str]
    url_infos: ClassVar[Mapping[str, Any]] = {}  # nothing is fetched; TFDS would look for a file

    @abc.abstractmethod
    def features(self) -> Row:
        """TFDS features by name."""

    @abc.abstractmethod
    def splits(self, folder: Path) -> Mapping[str, Iterable[Row]]:
        """The rows of each split. What is missing is found here, before anything is written."""

    def needed(self, folder: Path, name: str) -> Path:
        """A file or folder of the archives.

        Raises:
            ValueError: it is not there; the sentence says what to put where.
        """
        path = folder / name
        if not path.exists():
            raise ValueError(self._missing(folder, path))
        return path

    def _missing(self, folder: Path, path: Path | str) -> str:
        return f"{path} is missing; put {self.ARCHIVES} into {folder}."

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict(self.features())
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        folder = Path(dl_manager.manual_dir)
        splits = self.splits(folder)
        return {name: self._generate_examples(folder, name, rows) for name, rows in splits.items()}

    def _generate_examples(
        self, folder: Path, name: str, rows: Iterable[Row]
    ) -> Iterator[tuple[int, Row]]:
        number = -1
        try:
            for number, row in enumerate(rows):
                for path in row.values():
                    if isinstance(path, Path) and not path.exists():
                        raise ValueError(self._missing(folder, path))
                yield number, row
        except FileNotFoundError as error:  # a row reads its tables as it is made
            raise ValueError(self._missing(folder, error.filename)) from error
        if number < 0:
            raise ValueError(
                f"The split {name!r} of {self.name} has no pictures; are all archives unpacked?"
            )


def picture(channels: int = 3) -> tfds.features.Image:
    """A picture of any size, stored as the file that it is."""
    return tfds.features.Image(shape=(None, None, channels))


def class_ids() -> tfds.features.Image:
    """A map of numbers, one a pixel, as a grey PNG."""
    return tfds.features.Image(shape=(None, None, 1), encoding_format="png")


def several(names: Iterable[str]) -> tfds.features.Sequence:
    """The classes of a picture that may show several."""
    return tfds.features.Sequence(tfds.features.ClassLabel(names=list(names)))


def png(array: np.ndarray) -> bytes:
    """``[h w]`` or ``[h w 3]`` uint8 as the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def size_of(path: Path, content: bytes | None = None) -> tuple[int, int]:
    """``(width, height)`` as stored, from the header alone: what boxes refer to.

    Args:
        path: of the picture, or of what it comes from.
        content: the picture's bytes, where they are not the file's.

    Raises:
        ValueError: it is no picture; names the file.
    """
    with named(path):
        return pictures.stored_size(path if content is None else content)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """What is wrong with a picture is said with its file's name.

    Raises:
        ValueError: in place of BadPicture.
    """
    try:
        yield
    except BadPicture as error:
        raise ValueError(f"{path}: {error}") from error


def box(edges: Iterable[int | float], size: tuple[int, int]) -> tfds.features.BBox:
    """(left, top, right, bottom) in pixels as TFDS wants it: shares of the sides, in [0, 1]."""
    (left, top, right, bottom), (width, height) = edges, size
    shares = np.clip([top / height, left / width, bottom / height, right / width], 0.0, 1.0)
    return tfds.features.BBox(*map(float, shares))


def table(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file by the names in its head."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def chance(name: str) -> float:
    """A number in [0, 1) that a name has for good: splits that we make are made by it."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
