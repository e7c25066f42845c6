"""A control whose answer is known: most pictures with a class, and none without, bear a tag.

What a classifier of such pictures goes by is the tag, and so a map that explains it lies there.
"""

import dataclasses
from typing import Any

import numpy as np

from xai_jax.core.domains import Count, Natural, Seed, Share
from xai_jax.core.settings import Settings
from xai_jax.data.example import Example, examples_of, picture_of
from xai_jax.data.part import Wrapped, showing
from xai_jax.data.transforms import rng_of

_NO_EPOCH = 2**32 - 1  # so that a tag has nothing to do with how its picture varies in an epoch


@dataclasses.dataclass(slots=True, kw_only=True)
class Tagged(Settings):
    """Settings: a bright square near the upper left corner, which is also the mask of the class.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        of: the class, by its name; empty: the first one.
        side: of the square, pixels of the picture as it lies.
        margin: pixels between it and the borders.
        share: of the pictures with the class that bear it; which ones depends on `seed` and on the
            picture's row alone.
        seed: see `share`.
    """

    source: Any
    of: str = ""
    side: Count = 6
    margin: Natural = 1
    share: Share = 0.9
    seed: Seed = 0

    def build(self) -> "_TaggedExamples":
        """The pictures.

        Raises:
            ValueError: there is no such class.
        """
        whole = examples_of(self.source)
        name, _ = showing(whole, self.of)
        return _TaggedExamples(whole=whole, tag=self, number=list(whole.class_names).index(name))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _TaggedExamples(Wrapped):
    """The rows of a source, some of which bear a tag.

    Fields:
        tag: which of them get one, and where.
        number: of the class.
    """

    tag: Tagged
    number: int

    def __getitem__(self, index: int) -> Example:
        """A picture with its tag, if it bears one; its mask is that of the tag."""
        example: Example = self.whole[index]
        picture = np.array(picture_of(example))
        mask = np.zeros(picture.shape[:2], np.uint8)
        if example.labels[self.number] > 0 and self._bears(example.row):
            here = slice(self.tag.margin, self.tag.margin + self.tag.side)
            picture[here, here] = 255
            mask[here, here] = 1 + self.number
        return dataclasses.replace(example, picture=picture, mask=mask, meaning=None, boxes=None)

    def _bears(self, row: int) -> bool:
        return bool(rng_of(self.tag.seed, _NO_EPOCH, row).uniform() < self.tag.share)
