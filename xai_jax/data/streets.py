"""Street scenes that are drawn: a label map is known, and which region's colour is the decision."""

import dataclasses
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Float

from xai_jax.core.domains import Count, Interval, Seed, Share
from xai_jax.core.settings import Settings
from xai_jax.data.example import Example

REGIONS = ("sky", "meadow", "road", "house", "car", "traffic light", "lamp")
DECIDES = "traffic light"  # its colour is the class
DISTRACTS = "lamp"  # it has the same two colours
_SPLITS = {"train": 0, "validation": 1, "test": 2}
_SIGNALS = np.array([[0.85, 0.16, 0.12], [0.14, 0.78, 0.26]])  # red, green, in unit pixels
_MIXED = 0.5  # share of the signals that are a mixture of both, and not one of them
_LEAST = 0.15  # how far a mixture is from half of each, as a share of the way to one of them
_GRADES = 0.02, 0.98  # of labels: those of a sigmoid are never 0 or 1
_FAINT = 0.1  # of its colour is what a light shows through fog, and a random mixture of this
_FOG = 0.2  # standard deviation of the share of green
_JITTER, _NOISE = 0.02, 0.015  # standard deviations, of a colour and of a pixel
_SHADE = 0.08  # of the largest step of brightness along a region

Inside = Bool[np.ndarray, "h w"]


@dataclasses.dataclass(slots=True, kw_only=True)
class Streets(Settings):
    """A source of square pictures with one of each of `REGIONS`, and their label maps.

    The class "go" is there where the traffic light is rather green than red, and nothing else
    decides. Half of the lights are pure; the others are mixtures, for between two colours alone a
    classifier may be flat, and then no slope says which way another decision lies. The lamp is
    such a signal too; all other colours are drawn freely. Picture i
    depends on ``(seed, split, i)`` only. The mask of a picture numbers its regions.

    Fields:
        size: side in pixels.
        num: pictures.
        agree: share of the pictures whose lamp has the colour of the traffic light: at 0.5 it says
            nothing; near 1 it is a shortcut that a classifier may take.
        graded: the label is the share of green in the light, from 0.02 to 0.98, and not whether
            there is more of it than of red: a classifier that learns it has a slope everywhere
            between the two, which is what methods that follow gradients need.
        fog: the light is of a random mixture that hardly depends on the class, and a lamp that
            agrees is of the very mixture that the light has behind the fog: where `agree` is near
            1, it is the lamp from which the class can be learned.
        split: "train", "validation" or "test": pictures of their own.
        seed: of all draws.
    """

    size: Annotated[int, Interval(32)] = 64
    num: Count = 1000
    agree: Share = 0.5
    graded: bool = False
    fog: bool = False
    split: Literal["train", "validation", "test"] = "train"
    seed: Seed = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """One."""
        return ("go",)

    @property
    def names(self) -> tuple[str, ...]:
        """By number."""
        return tuple(f"street {index}" for index in range(self.num))

    def __len__(self) -> int:
        """Number of pictures."""
        return self.num

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, with its label map."""
        index = range(self.num)[index]  # ends a loop as a list does
        entropy = np.random.SeedSequence([self.seed, _SPLITS[self.split], index])
        rng = np.random.Generator(np.random.Philox(entropy))
        ids = _layout(self.size, rng)
        is_green = int(rng.integers(2))
        agrees = rng.random() < self.agree
        lamp = is_green if agrees else 1 - is_green
        shares = {DECIDES: _green(is_green, rng), DISTRACTS: _green(lamp, rng)}
        label = np.clip(shares[DECIDES], *_GRADES) if self.graded else is_green
        if self.fog:
            shares[DISTRACTS] = shares[DECIDES if agrees else DISTRACTS]
            shares[DECIDES] = _through_fog(shares[DECIDES], rng)
        image = _painted(ids, _colours(shares, rng), rng)
        return Example(
            row=index,
            name=f"street {index}",
            picture=np.round(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8),
            labels=np.array([label], np.float32),
            mask=ids,
            regions=True,
        )


def _layout(size: int, rng: np.random.Generator) -> np.ndarray:
    """The label map ``[h w]`` uint8."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    ids = np.full((size, size), REGIONS.index("sky"), np.uint8)
    horizon = rng.uniform(0.45, 0.55)
    ids[y > horizon] = REGIONS.index("meadow")
    middle = rng.uniform(0.4, 0.6)
    half = 0.06 + rng.uniform(0.5, 0.75) * np.maximum(y - horizon, 0.0)
    ids[(y > horizon) & (abs(x - middle) < half)] = REGIONS.index("road")
    centre, width = rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.16)
    house = _box(y, x, horizon + 0.04, rng.uniform(0.2, 0.3), centre, width)
    ids[house] = REGIONS.index("house")
    bottom, wide = rng.uniform(0.78, 0.94), rng.uniform(0.11, 0.16)
    place = middle + rng.uniform(-0.1, 0.1)
    body = _box(y, x, bottom, 0.11, place, wide)
    cabin = _box(y, x, bottom - 0.1, 0.09, place, 0.6 * wide)
    ids[body | cabin] = REGIONS.index("car")
    left, right = rng.uniform(0.1, 0.17), rng.uniform(0.83, 0.9)
    light, lamp = (left, right) if rng.random() < 0.5 else (right, left)
    tall = rng.uniform(0.22, 0.28)
    box = _box(y, x, rng.uniform(0.34, 0.5), tall, light, rng.uniform(0.06, 0.08))
    ids[box] = REGIONS.index(DECIDES)
    radius = rng.uniform(0.075, 0.095)
    disc = np.hypot(y - rng.uniform(0.15, 0.4), x - lamp) < radius
    ids[disc] = REGIONS.index(DISTRACTS)
    return ids


def _box(y: np.ndarray, x: np.ndarray, bottom: float, tall: float, centre: float, half: float):
    return (y < bottom) & (y > bottom - tall) & (abs(x - centre) < half)


def _green(is_green: int, rng: np.random.Generator) -> float:
    """The share of green: all or nothing, or a mixture that is still rather of the one colour."""
    apart = rng.uniform(_LEAST, 1.0) if rng.random() < _MIXED else 1.0
    return 0.5 + (is_green - 0.5) * apart


def _through_fog(share: float, rng: np.random.Generator) -> float:
    """What is seen of a share of green."""
    return float(np.clip(0.5 + _FAINT * (share - 0.5) + rng.normal(0.0, _FOG), 0.0, 1.0))


def _colours(shares: dict[str, float], rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """One a region; of the signals by their shares of green."""
    free = rng.uniform(0.1, 0.9, (len(REGIONS), 3))
    free[REGIONS.index("road")] = rng.uniform(0.2, 0.7) + rng.normal(0.0, 0.02, 3)
    for name, share in shares.items():
        signal = share * _SIGNALS[1] + (1.0 - share) * _SIGNALS[0]
        free[REGIONS.index(name)] = signal + rng.normal(0.0, _JITTER, 3)
    return free


def _painted(
    ids: np.ndarray, colours: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Each region in its colour, a little brighter towards one side, with noise."""
    y, x = (np.mgrid[: len(ids), : len(ids)] + 0.5) / len(ids) - 0.5
    slopes = rng.uniform(-_SHADE, _SHADE, (2, len(REGIONS)))
    shade = slopes[0][ids] * y + slopes[1][ids] * x
    return colours[ids] + shade[..., None] + rng.normal(0.0, _NOISE, (*ids.shape, 3))
