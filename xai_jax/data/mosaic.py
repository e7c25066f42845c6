"""Mosaics of pictures of one class each: where a class is shown is known without anybody's drawing.

Arias-Duart, Pares, Garcia-Gasulla, Gimenez-Abalos, "Focus! Rating XAI Methods and Finding Biases",
FUZZ-IEEE 2022 (arXiv 2109.15035), have four pictures of two classes; here every class has tiles of
its own.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from PIL import Image

from xai_jax.core.domains import Interval, Natural, Seed, Share, ShareBelowOne
from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Builds
from xai_jax.core.settings import Settings
from xai_jax.data.example import (
    BACKGROUND,
    Example,
    Examples,
    digests_of,
    examples_of,
    picture_of,
    unusable,
)
from xai_jax.data.transforms import rng_of

_SPLIT = 0  # seed of which pictures are in which part: not to be changed by a seed of the draws


@dataclasses.dataclass(slots=True, kw_only=True)
class Mosaics(Settings):
    """A source of square mosaics of the pictures of another source, each of which shows one class.

    Mosaic i depends on its pictures and on ``(seed, i)`` only, so that any number is the next one:
    a `data.pipeline.Pipeline` goes on where it stopped. A label is 1 for each class that is shown,
    and the mask of a class is its tiles. A pipeline's `image_id` is i.

    Fields:
        source: the pictures, or settings whose `build` finds them; a `data.folder.Folder` say.
        side: tiles along a side.
        size: of the mosaic, in pixels along a side.
        num: mosaics; they cost nothing until they are read.
        other: the class of `source` that is none of the mosaics' classes: its pictures fill the
            tiles that show no class, which are background. Empty: all are classes.
        others: the least and the most tiles that show no class, every number as likely.
        part: from which share of the pictures of each class on, and up to which, the pictures of
            these mosaics are taken: mosaics of disjoint parts have no picture in common. The order
            is drawn once and for all.
        vary: for training. The most that a tile leaves out of its picture's largest square, as a
            share of the side, at a random place, and every other tile mirrored; 0: the square in
            the middle, as it is.
        seed: of all draws.
    """

    source: Examples | Builds[Examples]
    side: Annotated[int, Interval(2, 16)] = 2
    size: Annotated[int, Interval(16)] = 224
    num: Annotated[int, Interval(1, 2**31 - 1)] = 1_000_000
    other: str = ""
    others: tuple[Natural, Natural] = (0, 0)
    part: tuple[Share, Share] = (0.0, 1.0)
    vary: ShareBelowOne = 0.0
    seed: Seed = 0

    def build(self) -> "_MosaicExamples":
        """Looks at every label, and decodes no picture.

        Raises:
            ValueError: a picture shows several classes or none, a class has no picture in this
                part, `other` is no class, or `others` or `part` are no range.
        """
        self._check()
        source = examples_of(self.source)
        names = tuple(source.class_names)
        if self.other and self.other not in names:
            raise ValueError(f"The pictures have no class {self.other!r}; theirs are {names}.")
        shown = tuple(name for name in names if name != self.other)
        places = self._places(source)
        return _MosaicExamples(
            settings=self,
            source=source,
            class_names=shown,
            of_class=tuple(places[names.index(name)] for name in shown),
            of_none=places[names.index(self.other)] if self.other else (),
        )

    def _check(self) -> None:
        least, most = self.others
        if not least <= most < self.side**2:
            raise ValueError(
                f"others is {self.others} of {self.side**2} tiles; set it to (least, most), of "
                "which the most leaves a tile for a class."
            )
        if most and not self.other:
            raise ValueError("others wants tiles that show no class; name in other what they show.")
        if self.part[0] >= self.part[1]:
            raise ValueError(f"part is {self.part}; set it to (from, up to), (0.0, 0.7) say.")

    def _places(self, source: Examples) -> dict[int, tuple[int, ...]]:
        """The rows of this part, by class."""
        found: dict[int, list[int]] = {k: [] for k in range(len(source.class_names))}
        for row in range(len(source)):
            labels = source[row].labels
            if (labels > 0).sum() != 1:
                raise ValueError(
                    f"{source[row].name} shows {int((labels > 0).sum())} classes, and a tile shows "
                    "one; leave it out (Folder has drop_empty), or set the classes."
                )
            found[int(np.argmax(labels))].append(row)
        parts = {k: self._part(k, rows) for k, rows in found.items()}
        for k, rows in parts.items():
            if not rows:
                raise ValueError(
                    f"The part {self.part} has none of the {len(found[k])} pictures of "
                    f"{source.class_names[k]!r}; widen it, or add pictures."
                )
        return parts

    def _part(self, k: int, rows: Sequence[int]) -> tuple[int, ...]:
        bits = np.random.Philox(np.random.SeedSequence([_SPLIT, k])).random_raw(len(rows))
        low, high = (round(share * len(rows)) for share in self.part)
        return tuple(rows[n] for n in np.argsort(bits, kind="stable")[low:high])


@dataclasses.dataclass(frozen=True, kw_only=True)
class _MosaicExamples:
    """The mosaics, one row each: a random-access source for Grain.

    Fields:
        settings: what they are made by.
        source: the pictures, found.
        class_names: one a class.
        of_class: the rows of `source` that may be drawn for each class.
        of_none: those for tiles that show no class.
    """

    settings: Mosaics
    source: Examples
    class_names: tuple[str, ...]
    of_class: tuple[tuple[int, ...], ...]
    of_none: tuple[int, ...]

    def __len__(self) -> int:
        """Number of mosaics."""
        return self.settings.num

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """By number."""
        return tuple(f"mosaic {index}" for index in range(len(self)))

    def digests(self) -> dict[str, str] | None:
        """Of the files of the pictures, of all parts; ``None`` where their source cannot say."""
        return digests_of(self.source)

    def __getitem__(self, index: int) -> Example:
        """Mosaic `index`, with its tiles as mask.

        Raises:
            BadPicture: one of its pictures cannot be read; the sentence names that picture.
        """
        index = range(len(self))[index]  # ends a loop as a list does
        settings, rng = self.settings, rng_of(self.settings.seed, 0, index)
        picture = np.zeros((settings.size, settings.size, 3), np.uint8)
        mask = np.zeros((settings.size, settings.size), np.uint8)
        for place, k in enumerate(self._classes(rng)):
            rows, columns = self._tile(place)
            candidates = self.of_none if k < 0 else self.of_class[k]
            row = candidates[int(rng.integers(len(candidates)))]
            picture[rows, columns] = self._shown(row, rows, columns, rng)
            mask[rows, columns] = BACKGROUND if k < 0 else 1 + k
        return Example(
            row=index,
            name=f"mosaic {index}",
            picture=picture,
            labels=np.isin(np.arange(1, 1 + len(self.class_names)), mask).astype(np.float32),
            mask=mask,
        )

    def _classes(self, rng: np.random.Generator) -> np.ndarray:
        """The class of each tile, -1 for none; different ones as far as there are."""
        tiles, (least, most) = self.settings.side**2, self.settings.others
        num = tiles - int(rng.integers(least, most + 1))
        rounds = -(-num // len(self.class_names))
        drawn = np.concatenate([rng.permutation(len(self.class_names)) for _ in range(rounds)])
        return rng.permutation(np.concatenate([drawn[:num], np.full(tiles - num, -1)]))

    def _tile(self, place: int) -> tuple[slice, slice]:
        """Rows and columns of a tile; sizes that do not divide differ by a pixel."""
        side, size = self.settings.side, self.settings.size
        y, x = divmod(place, side)
        return (
            slice(y * size // side, (y + 1) * size // side),
            slice(x * size // side, (x + 1) * size // side),
        )

    def _shown(self, row: int, rows: slice, columns: slice, rng: np.random.Generator) -> np.ndarray:
        """What a tile shows of a picture; all draws are made whatever the settings."""
        zoom, across, down, mirror = rng.random(4)
        example = self.source[row]
        try:
            image = picture_of(example)
        except BadPicture as error:
            raise BadPicture(unusable(example.name, error)) from error
        vary = self.settings.vary
        length = min(image.size) * (1.0 - zoom * vary)
        left, top = (
            (whole - length) * (share if vary else 0.5)
            for whole, share in zip(image.size, (across, down), strict=True)
        )
        size = columns.stop - columns.start, rows.stop - rows.start
        box = left, top, left + length, top + length
        tile = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))
        return tile[:, ::-1] if vary and mirror < 0.5 else tile
