"""What a source of pictures hands out: one row, not yet decoded, and what is known of it."""

import dataclasses
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Builds
from xai_jax.data import pictures

BACKGROUND, VOID = 0, 255  # in a map of class ids; class k is written k + 1
MAX_CLASSES = 254  # that eight bits can number
_THREADS = 8  # that read files


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row of a source. Nothing is decoded before `picture_of` or `classes_of` is called.

    Fields:
        row: number of the picture, the same in every split, epoch and process.
        name: what people call it; errors begin with it.
        picture: a file, encoded bytes, or ``[h w 3]`` uint8.
        labels: ``[k]`` float32, 1 for each true class; all 0 is a picture without any.
        mask: a file, encoded bytes, or ``[h w]`` uint8, in the data set's own numbers; or ``None``.
        meaning: ``[256]`` uint16, the data set's number -> 0 background, ``1 + k`` class k, 255
            void; ``None``: the mask is in these already.
        regions: the mask numbers regions of its own, a face's parts say, and not the classes of
            the labels.
        boxes: ``[n 4]`` float32 (top, left, bottom, right) in [0, 1] around what `labels` name; the
            filled boxes stand for a mask where there is none. ``None``: not known.
        drawn: the names of all classes, where the mask shows every true one unless it has void;
            empty: it need not.
    """

    row: int
    name: str
    picture: Path | bytes | np.ndarray
    labels: np.ndarray
    mask: Path | bytes | np.ndarray | None = None
    meaning: np.ndarray | None = None
    regions: bool = False
    boxes: np.ndarray | None = None
    drawn: tuple[str, ...] = ()

    @property
    def target(self) -> int:
        """The first true class; 0 for a picture without any."""
        return int(np.argmax(self.labels)) if len(self.labels) else 0


@runtime_checkable
class Examples(Protocol):
    """Rows by number, in any order, from any thread: what Grain calls a random-access source.

    One that can say what its files hold also has ``digests() -> {file: digest}``: files as people
    know them, the tables first, each with `digest` of its bytes (or of what was read of a table).
    """

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class, in the order of the labels."""

    @property
    def names(self) -> tuple[str, ...]:
        """What people call each picture, no two alike."""

    def __len__(self) -> int:
        """Number of rows."""

    def __getitem__(self, index: int) -> Example:
        """Row `index` of this source (which may be a part of the data set)."""


def examples_of(source: Any) -> Examples:
    """The pictures of a source: itself, or what its settings build.

    Raises:
        ValueError: it is neither; or of the settings' own build.
    """
    if isinstance(source, Builds) and not isinstance(source, type):
        return source.build()
    if isinstance(source, Examples):
        return source
    raise ValueError(
        f"source is {source!r:.80}, which has no pictures and builds none; give settings of "
        "xai_jax.data, Folder(root=...) say, or rows as data.example.Examples describes."
    )


def digest(content: Path | bytes | np.ndarray) -> str:
    """What these bytes are, and no others: the first 32 hexadecimal digits of their SHA-256.

    Of a file it is that of its bytes, and never of its size and times, which may stay the same; of
    an array its type and shape count too.

    Raises:
        OSError: the file cannot be read.
    """
    if isinstance(content, Path):
        with content.open("rb") as file:
            return _short(hashlib.file_digest(file, "sha256"))
    if isinstance(content, bytes):
        return _short(hashlib.sha256(content))
    found = hashlib.sha256(f"{content.dtype.str}{content.shape}".encode())
    found.update(np.ascontiguousarray(content).tobytes())
    return _short(found)


def digests_of(source: Any) -> dict[str, str] | None:
    """What the files of a source hold, by file; ``None`` where it cannot say."""
    found = getattr(source, "digests", None)
    return None if found is None else found()


def file_digests(root: Path, paths: Sequence[Path]) -> dict[str, str]:
    """`digest` of every file, by its path below `root`; all are read once, by threads.

    Raises:
        OSError: a file cannot be read.
    """
    files = [path.relative_to(root).as_posix() for path in paths]
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(files, pool.map(digest, paths), strict=True))


def _short(found: Any) -> str:
    return found.hexdigest()[:32]


def picture_digest(example: Example) -> str:
    """`digest` of the picture's file or bytes, which are not decoded."""
    return digest(example.picture)


def truth_digest(example: Example) -> str:
    """A digest of all that is known of the picture: labels, mask with its meaning, and boxes."""
    known = (example.labels, example.mask, example.meaning, example.boxes)
    parts = ["none" if part is None else digest(part) for part in known]
    return digest(" ".join([*parts, str(example.regions)]).encode())


def picture_of(example: Example) -> Image.Image:
    """The whole picture: RGB, upright.

    Raises:
        BadPicture: it cannot be read.
    """
    if isinstance(example.picture, np.ndarray):
        return Image.fromarray(example.picture)
    return pictures.whole(example.picture)


def classes_of(example: Example, size: tuple[int, int]) -> np.ndarray:
    """The class of each pixel, ``[h w]``, an integer: 0 background, ``1 + k`` class k, 255 void.

    Args:
        example: with a mask or with boxes.
        size: ``(width, height)`` of its picture.

    Raises:
        BadPicture: the mask cannot be read, or is neither as large as the picture nor a whole
            number of times smaller, or shows no pixel of a class that has to be `drawn`.
        ValueError: there is none.
    """
    if example.mask is None:
        return _filled_boxes(example, size)
    ids = _numbers(example)
    scale = size[0] // ids.shape[1]
    if scale > 1 and ids.shape == (size[1] / scale, size[0] / scale):
        ids = ids.repeat(scale, 0).repeat(scale, 1)  # CelebAMask-HQ draws at half the size
    if ids.shape[::-1] != size:
        raise BadPicture(another_size("It", size, ids.shape[::-1]))
    classes = ids if example.meaning is None else example.meaning[ids]
    _check_drawn(example, classes, ids)
    return classes


def _check_drawn(example: Example, classes: np.ndarray, ids: np.ndarray) -> None:
    if not example.drawn:
        return
    shown = np.bincount(classes.ravel(), minlength=len(example.drawn) + 1)
    has_void = len(shown) > VOID and shown[VOID]
    for k in np.flatnonzero(example.labels):
        if not shown[1 + k] and not has_void:
            held = ", ".join(map(str, np.unique(ids)[:8]))
            raise BadPicture(
                f"Its mask has no pixel of the class {example.drawn[k]!r}, which its labels name; "
                f"it holds the numbers {held}."
            )


def _numbers(example: Example) -> np.ndarray:
    if isinstance(example.mask, np.ndarray):
        return example.mask.reshape(example.mask.shape[:2])
    assert example.mask is not None
    try:
        return pictures.class_ids(example.mask)
    except BadPicture as error:
        raise BadPicture(f"Its mask is unusable: {error}") from error


def _filled_boxes(example: Example, size: tuple[int, int]) -> np.ndarray:
    if example.boxes is None:
        raise ValueError(
            f"{example.name} has neither a mask nor boxes; do not ask this data set for masks."
        )
    width, height = size
    ids = np.zeros((height, width), np.uint16)
    for top, left, bottom, right in example.boxes * (height, width, height, width):
        rows = slice(round(float(top)), max(round(float(bottom)), round(float(top)) + 1))
        columns = slice(round(float(left)), max(round(float(right)), round(float(left)) + 1))
        ids[rows, columns] = 1 + example.target
    return ids


def unusable(name: str, error: BadPicture) -> str:
    """The sentence for a picture or mask that cannot be read."""
    return f"{name}: {str(error).rstrip('.')}; replace it, or take its row out of the data set."


def another_size(name: str, picture: tuple[int, int], mask: tuple[int, int]) -> str:
    """The sentence for a mask that does not fit its picture; sizes are ``(width, height)``."""
    return (
        f"{name} has {picture[0]} x {picture[1]} pixels and its mask {mask[0]} x {mask[1]}; "
        "a mask has the size of its picture."
    )
