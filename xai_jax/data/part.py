"""Some pictures of many: a few, evenly spread, or those that show a class; or some classes."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Bool

from xai_jax.core.domains import Count, SomeNames
from xai_jax.core.settings import Settings, nearest
from xai_jax.data.example import Example, Examples, digests_of, examples_of


@dataclasses.dataclass(slots=True, kw_only=True)
class Spread(Settings):
    """Every so-many-th row of a source: `num` of them, from the first on, as far apart as fits.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        num: how many; all, where there are no more.
    """

    source: Any
    num: Count

    def build(self) -> "Part":
        """The rows."""
        whole = examples_of(self.source)
        size = len(whole)
        rows = range(0, size, max(size // self.num, 1))[: self.num]
        return Part(whole=whole, rows=tuple(rows))


@dataclasses.dataclass(slots=True, kw_only=True)
class Rest(Settings):
    """The rows of a source behind the first few, which are kept for something else.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        behind: how many of the first are left out.
    """

    source: Any
    behind: Count

    def build(self) -> "Part":
        """The rows.

        Raises:
            ValueError: there are none.
        """
        whole = examples_of(self.source)
        if len(whole) <= self.behind:
            raise ValueError(
                f"There are {len(whole)} pictures and the first {self.behind} are left out; leave "
                "out fewer."
            )
        return Part(whole=whole, rows=tuple(range(self.behind, len(whole))))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """The rows of another source, as a source; what each shows is added by a class of its own.

    Fields:
        whole: the other one.
    """

    whole: Any

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of the whole."""
        names: tuple[str, ...] = self.whole.class_names
        return names

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the whole."""
        names: tuple[str, ...] = self.whole.names
        return names

    def digests(self) -> dict[str, str] | None:
        """Of all files of the whole; ``None`` where it cannot say."""
        return digests_of(self.whole)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.whole)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part(Wrapped):
    """Some rows of a source, as a source.

    Fields:
        rows: which of them.
    """

    rows: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the whole, of these rows."""
        names = self.whole.names  # made anew by each look at it
        return tuple(names[row] for row in self.rows)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """A row as the whole has it."""
        example: Example = self.whole[self.rows[index]]
        return example


@dataclasses.dataclass(slots=True, kw_only=True)
class OfClasses(Settings):
    """The pictures of a source with the labels of some of its classes: of forty attributes one.

    Masks that number regions of their own stay, as boxes do of a picture that shows none of the
    classes that are left out, or that has none; masks of the classes do not.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        names: of the classes, in the order of the new labels.
    """

    source: Any
    names: SomeNames

    def build(self) -> "_FewerClasses":
        """The rows.

        Raises:
            ValueError: there is no such class.
        """
        whole = examples_of(self.source)
        for name in self.names:
            if name not in whole.class_names:
                raise ValueError(f"There is no class {name!r}; {nearest(name, whole.class_names)}")
        columns = tuple(whole.class_names.index(name) for name in self.names)
        return _FewerClasses(whole=whole, columns=columns)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _FewerClasses(Wrapped):
    """The rows of a source, with some of its labels.

    Fields:
        columns: which of them.
    """

    columns: tuple[int, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of these columns."""
        return tuple(self.whole.class_names[column] for column in self.columns)

    def __getitem__(self, index: int) -> Example:
        """A row."""
        example: Example = self.whole[index]
        labels = example.labels[list(self.columns)]
        has_boxes = example.boxes is not None and len(example.boxes) > 0
        around_others = has_boxes and example.labels.sum() > labels.sum()
        return dataclasses.replace(
            example,
            labels=labels,
            mask=example.mask if example.regions else None,
            meaning=None,
            boxes=None if around_others else example.boxes,
            drawn=(),
        )


def showing(examples: Examples, of: str = "") -> tuple[str, Bool[np.ndarray, " n"]]:
    """The name of a class, and which rows of a source are labelled with it.

    Args:
        examples: the source.
        of: the class, by its name; empty: the first one.

    Raises:
        ValueError: there is no such class.
    """
    names = examples.class_names
    if of and of not in names:
        raise ValueError(f"There is no class {of!r}; take one of {', '.join(names)}.")
    k = names.index(of) if of else 0
    return names[k], np.array([examples[row].labels[k] > 0 for row in range(len(examples))], bool)
