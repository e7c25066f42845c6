"""Connected pieces of a label map's regions, as regions of their own: car, car 2, car 3.

An object has then a style of its own, where published STEEX has one of all cars together.
"""

import dataclasses

import numpy as np
from jaxtyping import Int, Shaped

from xai_jax.core.domains import Count, Names, ShareBelowOne
from xai_jax.core.errors import BadPicture
from xai_jax.core.settings import Settings, nearest

_VOID = 255  # as data sets write what nobody decided
Numbers = Int[np.ndarray, "h w"]
LabelMap = Shaped[np.ndarray, "h w"]  # as it was handed in: of numbers, one hopes


@dataclasses.dataclass(slots=True, kw_only=True)
class Components(Settings):
    """Which regions fall into their pieces; by default none.

    Attributes:
        at_most: pieces of one region, which a picture may have; 1: a region is all of it. A picture
            with more is not explained.
        of: names of the regions that fall into pieces; empty: all.
        smallest: share of the picture's pixels; a piece that is smaller belongs to the largest
            piece of its region.
    """

    at_most: Count = 1
    of: Names = ()
    smallest: ShareBelowOne = 0.002

    def build(self, names: tuple[str, ...]) -> "Split":
        """How they fall.

        Args:
            names: of the label map's numbers.

        Raises:
            ValueError: `of` names a region that there is not; says which is near. Or there are no
                pieces that it could be of, or one would have the name of another region.
        """
        for name in self.of:
            if name not in names:
                raise ValueError(f"There is no region {name!r}; {nearest(name, names)}")
        if self.of and self.at_most == 1:
            raise ValueError(
                f"components.of names {', '.join(self.of)}, and components.at_most is 1; raise it."
            )
        splits = tuple(names.index(name) for name in self.of) or tuple(range(len(names)))
        split = Split(
            classes=tuple(names), splits=splits, at_most=self.at_most, smallest=self.smallest
        )
        for name in split.names[len(names) :]:
            if name in names:
                whole = name.rpartition(" ")[0]
                raise ValueError(
                    f"A piece of the region {whole!r} would have the name of the region {name!r}; "
                    f"name others than {whole!r} in components.of, or lower components.at_most."
                )
        return split


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """From the numbers of a label map's classes to those of their pieces.

    The largest piece of a class keeps its number; the further ones are numbered after all classes.
    Of equals the first in reading order is the larger. Pixels that share a side are connected.

    Fields:
        classes: names of the map's numbers.
        splits: numbers of those that fall into pieces.
        at_most, smallest: as of `Components`.
    """

    classes: tuple[str, ...]
    splits: tuple[int, ...]
    at_most: int
    smallest: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of all pieces, whether a picture has them or not."""
        further = (
            f"{self.classes[number]} {place}"
            for number in self.splits
            for place in range(2, self.at_most + 1)
        )
        return (*self.classes, *further)

    @property
    def origins(self) -> tuple[int, ...]:
        """The class of each piece."""
        further = (number for number in self.splits for _ in range(self.at_most - 1))
        return (*range(len(self.classes)), *further)

    def __call__(self, labels: LabelMap) -> Numbers:
        """The map with pieces numbered, int32.

        Raises:
            BadPicture: a number is no class or not whole, or a class has too many pieces.
        """
        check_numbers(labels, len(self.classes))
        found = labels.astype(np.int32)
        if self.at_most == 1:
            return found
        for place, number in enumerate(self.splits):
            first = len(self.classes) + place * (self.at_most - 1)
            for n, piece in enumerate(self._further(labels, number)):
                found[piece] = first + n
        return found

    def _further(self, labels: Numbers, number: int) -> list[np.ndarray]:
        """Where the pieces after the largest one are."""
        from scipy import ndimage  # JAX brings it along; only maps of pieces need it

        pieces, num = ndimage.label(labels == number)
        if num < 2:
            return []
        sizes = np.bincount(pieces.ravel(), minlength=num + 1)[1:]
        order = np.argsort(-sizes, kind="stable")
        large = [n for n in order[1:] if sizes[n] >= self.smallest * labels.size]
        if len(large) >= self.at_most:
            raise BadPicture(
                f"Its {self.classes[number]} has {1 + len(large)} pieces of "
                f"{100 * self.smallest:g} % of the picture or more, and components.at_most is "
                f"{self.at_most}; raise it, or raise components.smallest."
            )
        return [pieces == n + 1 for n in large]


def is_whole(labels: np.ndarray) -> bool:
    """Whether an array is of whole numbers; a truth is none."""
    return labels.dtype.kind in "iu"


def check_whole(labels: LabelMap) -> None:
    """Raises BadPicture where a label map is not of whole numbers."""
    if not is_whole(labels):
        raise BadPicture(
            f"Its label map is of {labels.dtype}; regions must be whole numbers, int32 say."
        )


def check_numbers(labels: LabelMap, num: int) -> None:
    """Raises BadPicture where a label map has what is no number of one of `num` regions."""
    check_whole(labels)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num:
        wrong = low if low < 0 else high
        raise BadPicture(
            f"Its label map has the number {wrong}, and the generator's regions are 0 to {num - 1}"
            f"{if_void(wrong)}."
        )


def if_void(wrong: int) -> str:
    """What an error about the number `wrong` says further where it may be void."""
    if wrong != _VOID:
        return ""
    return "; if it is void, set void_region (--void-region) to the number of void's region"
