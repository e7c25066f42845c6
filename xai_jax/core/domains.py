"""What a setting may be, declared in its annotation: ``num_steps: Count = 300``."""

import dataclasses
import math
from typing import Annotated, Any

import jax
import numpy as np


@dataclasses.dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`; of an array every element.

    Fields:
        low, high: the ends; an infinite one is none.
        above, below: the low, the high end is itself left out.
    """

    low: int | float = -math.inf
    high: int | float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: Any) -> bool:
        """Whether all of a number or an array lies within; NaN never does."""
        is_array = isinstance(value, np.ndarray | jax.Array)
        least, most = (value.min(), value.max()) if is_array else (value, value)
        over = least > self.low if self.above else least >= self.low
        under = most < self.high if self.below else most <= self.high
        return bool(over and under)

    def told(self, words: str) -> str:
        """`words`, such as "a finite number", with what the interval adds to them."""
        if math.isfinite(self.high):
            ends = f"{self.low}, {self.high}"
            return f"{words} within {'(' if self.above else '['}{ends}{')' if self.below else ']'}"
        if math.isfinite(self.low):
            return f"{words} {'above' if self.above else 'of at least'} {self.low}"
        return words


@dataclasses.dataclass(frozen=True)
class Odd:
    """Numbers that have a middle when they are a width."""

    def __contains__(self, value: int) -> bool:
        """Whether the number is odd."""
        return value % 2 == 1

    def told(self, words: str) -> str:
        """`words` with what this adds to them."""
        return f"{words} that is odd"


@dataclasses.dataclass(frozen=True)
class NotEmpty:
    """Tuples of one element or more."""

    def __contains__(self, value: tuple) -> bool:
        """Whether there is an element."""
        return len(value) > 0

    def told(self, words: str) -> str:
        """`words` with what this adds to them."""
        return words.replace("any number of", "one or more")


@dataclasses.dataclass(frozen=True)
class Different:
    """Tuples of names by which each element can be asked for."""

    def __contains__(self, value: tuple[str, ...]) -> bool:
        """Whether no name is empty, and none stands twice."""
        return all(name.strip() for name in value) and len(set(value)) == len(value)

    def told(self, words: str) -> str:
        """`words` with what this adds to them."""
        return f"{words}, none empty and no two the same"


@dataclasses.dataclass(frozen=True)
class Within:
    """Paths that stay in the folder that they are relative to."""

    def __contains__(self, value: str) -> bool:
        """Whether every part is the name of a file or a folder."""
        return "\0" not in value and not set(value.split("/")) & {"", ".", ".."}

    def told(self, words: str) -> str:
        """`words` with what this adds to them."""
        return f"{words} that names a path within its folder"


Domain = Interval | Odd | NotEmpty | Different | Within

Names = Annotated[tuple[str, ...], Different()]
SomeNames = Annotated[tuple[str, ...], NotEmpty(), Different()]
PathWithin = Annotated[str, Within()]  # POSIX

Count = Annotated[int, Interval(1)]
Natural = Annotated[int, Interval(0)]
Side = Annotated[int, Interval(2)]  # of a grid whose corners lie on those of another
Seed = Annotated[int, Interval(0, 2**32 - 1)]  # JAX forgets the bits above
Real = Annotated[float, Interval()]
NotNegative = Annotated[float, Interval(0)]
Positive = Annotated[float, Interval(0, above=True)]
Share = Annotated[float, Interval(0, 1)]
ShareBelowOne = Annotated[float, Interval(0, 1, below=True)]
PositiveShare = Annotated[float, Interval(0, 1, above=True)]
InnerShare = Annotated[float, Interval(0, 1, above=True, below=True)]
