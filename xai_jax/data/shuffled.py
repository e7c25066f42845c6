"""Pictures with the labels of other pictures: a control that has nothing to explain."""

import dataclasses
from typing import Any

import numpy as np

from xai_jax.core.domains import Seed
from xai_jax.core.settings import Settings
from xai_jax.data.example import Example, examples_of
from xai_jax.data.part import Wrapped


@dataclasses.dataclass(slots=True, kw_only=True)
class Shuffled(Settings):
    """Each picture of a source with the labels of another one, drawn once and for all.

    A classifier that is trained on it can only know its pictures by heart; a map that looks as good
    for it as for the true one shows edges, not what was learned (Adebayo et al. 2018, sec. 4).
    Masks and boxes are left out: they were of the true labels.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        seed: of the order.
    """

    source: Any
    seed: Seed = 0

    def build(self) -> "_ShuffledExamples":
        """The rows."""
        whole = examples_of(self.source)
        bits = np.random.Philox(np.random.SeedSequence(self.seed)).random_raw(len(whole))
        return _ShuffledExamples(whole=whole, of=tuple(np.argsort(bits, kind="stable").tolist()))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _ShuffledExamples(Wrapped):
    """The rows of a source, with the labels of others.

    Fields:
        of: whose labels each row has.
    """

    of: tuple[int, ...]

    def __getitem__(self, index: int) -> Example:
        """A picture, and what another one shows."""
        labels = self.whole[self.of[index]].labels
        return dataclasses.replace(self.whole[index], labels=labels, mask=None, boxes=None)
