"""Where the pictures of a run come from: files, arrays, or the rows of a data set."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import masks, pictures, table
from xai_jax.data.example import another_size, picture_digest
from xai_jax.data.pipeline import Labeller, Pipeline
from xai_jax.runtime.files import is_regular


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture as the network sees it.

    Fields:
        image: ``[h w c]`` float32 unit pixels.
        digest: of the content that it was read from; "" where nothing recognises it later.
        known: what else is known of it, by the names of `core.types.Batch`: labels, regions.
    """

    image: np.ndarray
    digest: str = ""
    known: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@runtime_checkable
class Pictures(Protocol):
    """Pictures by number, in any order and from any thread.

    Fields:
        threads: that reading is worth, ahead of the device; 0: it takes no time.
    """

    threads: int

    @property
    def names(self) -> Sequence[str]:
        """Of each picture, all different."""
        ...

    def digest(self, row: int) -> str:
        """Of the content of a picture, without decoding it: other content, another digest."""
        ...

    def read(self, row: int) -> Picture:
        """A picture.

        Raises:
            BadPicture: it cannot be read.
        """
        ...


class Files:
    """Pictures on the disk."""

    threads = 4

    def __init__(
        self,
        files: Mapping[str, Path],
        preprocess: Preprocess,
        regions: Path | Labeller | None = None,
        void_region: int | None = None,
    ) -> None:
        """Of ``{name: file}``, as `data.finding.find` makes it.

        Args:
            files: the pictures.
            preprocess: how they are made.
            regions: folder of label maps, for each picture a PNG of its name whose values number
                the regions; or what makes one of a picture; ``None``: there are none.
            void_region: see `Pipeline`; of maps in a folder.
        """
        self.names = tuple(files)
        self._paths, self._preprocess = tuple(files.values()), preprocess
        self._void_region = void_region
        self._labeller = None if isinstance(regions, Path) else regions
        self._maps: list[Path] = []
        if isinstance(regions, Path):
            own = [Path(name).with_suffix(".png").as_posix() for name in files]
            self._maps = [table.lying(regions, name) for name in own]

    def digest(self, row: int) -> str:
        """Of the file's bytes, and those of its label map; "" where one cannot be read."""
        try:
            return _sha256(b"".join(self._contents(row)))
        except BadPicture:
            return ""

    def _contents(self, row: int) -> list[bytes]:
        found = [_content(self._paths[row])]
        if not self._maps:
            return found
        try:
            return [*found, _content(self._maps[row])]
        except BadPicture as error:
            raise BadPicture(f"Its label map {self._maps[row]} is unusable: {error}") from error

    def read(self, row: int) -> Picture:
        """The picture, resized, with its label map."""
        contents = self._contents(row)
        image = pictures.read(contents[0], self._preprocess)
        digest = _sha256(b"".join(contents))
        known = {}
        if self._labeller is not None:
            known = {"regions": self._labeller(image)}
        elif self._maps:
            known = {"regions": self._map(contents)}
        return Picture(image=image, digest=digest, known=known)

    def _map(self, contents: list[bytes]) -> np.ndarray:
        numbers = pictures.class_ids(contents[1])
        size = pictures.upright_size(contents[0])
        if numbers.shape[::-1] != size:
            raise BadPicture(another_size("It", size, numbers.shape[::-1]))
        return masks.label_map(self._preprocess, numbers, self._void_region)


class Arrays:
    """Pictures in memory; their numbers are their names."""

    threads = 0

    def __init__(self, images: np.ndarray, **known: np.ndarray | None) -> None:
        """Of ``[n h w c]`` unit pixels, and what else is known of each, ``[n ...]``."""
        self.names = tuple(f"image {i}" for i in range(len(images)))
        self._images = images
        self._known = {name: values for name, values in known.items() if values is not None}

    def digest(self, row: int) -> str:
        """None: an array is explained once."""
        del row
        return ""

    def read(self, row: int) -> Picture:
        """The row."""
        known = {name: values[row] for name, values in self._known.items()}
        return Picture(image=self._images[row], known=known)


class DataSet:
    """Rows of a data set, which may know labels and masks of its pictures."""

    threads = 4

    def __init__(self, pipeline: Pipeline) -> None:
        """Of a pipeline's rows, in their order, as they are: nothing varied."""
        self.names = pipeline.names
        self._pipeline = pipeline

    def digest(self, row: int) -> str:
        """Of the picture's encoded bytes."""
        return picture_digest(self._pipeline.examples[row])

    def read(self, row: int) -> Picture:
        """The picture, with its labels and its regions."""
        arrays = self._pipeline.example(row)
        known: dict[str, Any] = {n: arrays[n] for n in ("labels", "regions") if n in arrays}
        return Picture(image=arrays["images"], digest=self.digest(row), known=known)


def _content(path: Path) -> bytes:
    """The bytes of a regular file: a pipe would be waited for without end."""
    try:
        if not is_regular(path):
            raise BadPicture("It is no regular file.")
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadPicture(f"It cannot be read: {reason}.") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
