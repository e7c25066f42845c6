"""Pictures whose regions look otherwise each time, and a decision that only one of them makes.

A classifier that learns from them can read the decision off that region and off nothing else: the
exposure of a photograph says nothing of its sky when every region has a gain and a tint of its own.
"""

import dataclasses
import enum
import functools
import hashlib

import numpy as np

from xai_jax.core.domains import Natural, NotNegative, Seed, Share, SomeNames
from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Builds
from xai_jax.core.settings import Settings
from xai_jax.data import pictures
from xai_jax.data.example import (
    VOID,
    Example,
    Examples,
    another_size,
    digests_of,
    examples_of,
    picture_of,
    unusable,
)

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_TINT = 0.3  # of a gain's spread, for each colour by itself


class Asks(enum.Enum):
    """What of a region decides: how bright it is on average, or the share that it covers."""

    LUMA = "luma"
    SHARE = "share"


@dataclasses.dataclass(slots=True, kw_only=True)
class RegionLooks(Settings):
    """The pictures of a source that have masks, with their masks as label maps.

    The one class is there where the mean luma of the region `decides` is above `above`, after all
    regions have been varied; or, where `asks` is SHARE, where it covers more than that of the
    picture, which no change of looks turns. How a picture is varied depends on its name, on how
    often it was shown before, and on `seed`: no two splits have the same gains.

    Fields:
        source: the pictures, or settings whose `build` finds them; their masks number the regions.
        regions: names of these numbers; what is void gets the number after the last of them, and
            the name "unlabelled".
        decides: one of them.
        above: unit pixels, or a share.
        asks: what of it.
        graded: the label is no step at `above` but the logistic function of the distance from it in
            these units, so that a classifier that learns it has a slope everywhere, which is what
            methods that follow gradients need; 0: a step.
        least: share of a picture that this region must cover; others are left out, and where its
            luma decides those that have none of it.
        vary: the logarithm of a region's gain is drawn from a normal of this spread; 0: the
            pictures as they are.
        num: pictures; 0: each once, else one after the other, again and again.
        seed: of all draws.
    """

    source: Examples | Builds[Examples]
    regions: SomeNames
    decides: str
    above: Share
    asks: Asks = Asks.LUMA
    graded: NotNegative = 0.0
    least: Share = 0.02
    vary: NotNegative = 0.0
    num: Natural = 0
    seed: Seed = 0

    @property
    def all_regions(self) -> tuple[str, ...]:
        """With what is void."""
        return (*self.regions, "unlabelled")

    def build(self) -> "_VariedExamples":
        """Looks at every mask.

        Raises:
            ValueError: `decides` is no region, no picture has enough of it, or a mask cannot be
                read or has a number that is neither a region nor void; the sentence names it.
        """
        if self.decides not in self.regions:
            raise ValueError(f"{self.decides!r} is none of the regions {', '.join(self.regions)}.")
        source = examples_of(self.source)
        number = self.regions.index(self.decides)
        covers = [
            (_looked_at(source[row], self.regions) == number).mean() for row in range(len(source))
        ]
        may_be_none = self.asks is Asks.SHARE
        rows = tuple(
            row
            for row, share in enumerate(covers)
            if share >= self.least and (share > 0 or may_be_none)
        )
        if not rows:
            raise ValueError(f"No picture has {self.least} of {self.decides}; lower least.")
        return _VariedExamples(settings=self, source=source, rows=rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _VariedExamples:
    """A random-access source for Grain.

    Fields:
        settings: what they are made by.
        source: the pictures.
        rows: those that have enough of the region that decides.
    """

    settings: RegionLooks
    source: Examples
    rows: tuple[int, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """One."""
        how = "bright" if self.settings.asks is Asks.LUMA else "much of"
        return (f"{how} {self.settings.decides}",)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Those of the source; a picture that comes again has its round behind."""
        own = self.source.names
        num = len(self.rows)
        return tuple(
            own[self.rows[n % num]] + (f" ({n // num + 1})" if n >= num else "")
            for n in range(len(self))
        )

    def digests(self) -> dict[str, str] | None:
        """Of the files of the source; ``None`` where it cannot say."""
        return digests_of(self.source)

    def __len__(self) -> int:
        """Number of pictures."""
        return self.settings.num or len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, varied.

        Raises:
            BadPicture: it cannot be read, or its mask has a number that is no region.
        """
        index = range(len(self))[index]  # ends a loop as a list does
        settings = self.settings
        example = self.source[self.rows[index % len(self.rows)]]
        numbers = _numbers(example, settings.regions)
        ids = np.where(numbers == VOID, len(settings.regions), numbers)
        image = np.asarray(picture_of(example), np.float32) / 255
        if ids.shape != image.shape[:2]:
            raise BadPicture(another_size("It", image.shape[1::-1], ids.shape[::-1]))
        if settings.vary:
            image = np.clip(image * self._gains(index)[ids], 0.0, 1.0)
        picture = np.round(255 * image).astype(np.uint8)
        where = ids == settings.regions.index(settings.decides)
        found = float(where.mean())
        if settings.asks is Asks.LUMA:
            found = float((picture[where] / np.float32(255) @ _LUMA).mean())  # of what is shown
        return Example(
            row=index,
            name=self.names[index],
            picture=picture,
            labels=np.array([_label(found - settings.above, settings.graded)], np.float32),
            mask=ids.astype(np.uint8),
            regions=True,
        )

    def _gains(self, index: int) -> np.ndarray:
        """``[n 3]``, one for each colour of each region."""
        settings, name = self.settings, hashlib.sha256(self.names[index].encode()).digest()
        entropy = np.random.SeedSequence([settings.seed, int.from_bytes(name, "big")])
        rng = np.random.Generator(np.random.Philox(entropy))
        num = len(settings.all_regions)
        whole = rng.normal(0.0, settings.vary, (num, 1))
        colours = rng.normal(0.0, _TINT * settings.vary, (num, 3))
        return np.exp(whole + colours).astype(np.float32)


def _label(over: float, graded: float) -> float:
    """In [0, 1]; half where it is `above` itself."""
    return float(1 / (1 + np.exp(-over / graded))) if graded else float(over > 0)


def _looked_at(example: Example, regions: tuple[str, ...]) -> np.ndarray:
    try:
        return _numbers(example, regions)
    except BadPicture as error:
        raise ValueError(unusable(example.name, error)) from error


def _numbers(example: Example, regions: tuple[str, ...]) -> np.ndarray:
    """Of a picture's mask, each a region or void."""
    if example.mask is None:
        raise ValueError(f"{example.name} has no mask.")
    if isinstance(example.mask, np.ndarray):
        numbers = example.mask
    else:
        numbers = pictures.class_ids(example.mask)
    strange = numbers[(numbers != VOID) & (numbers >= len(regions))]
    if strange.size:
        raise BadPicture(
            f"Its mask has the number {strange.max()}, and the regions are 0 to "
            f"{len(regions) - 1}, and {VOID} void"
        )
    return numbers
