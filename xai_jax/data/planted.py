"""Pictures whose evidence is known: shapes with one texture on another."""

import dataclasses
import itertools
import math
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Count, Interval, Seed, Share
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import Images, Logits, PyTree
from xai_jax.data.example import Example

SHAPES = ("circle", "triangle", "square", "pentagon", "hexagon", "heart", "cross", "star")
PERIODS, ANGLES = (3.2, 6.0), (0, 45, 90, 135)  # pixels, degrees: the textures that are classes
TEXTURES = tuple(f"{angle} degrees, {period} px" for period in PERIODS for angle in ANGLES)
NUM_BACKGROUNDS = 14
_BACKGROUND_PERIODS = (20.0, 32.0)  # pixels: far from every class
_AMPLITUDE = 0.2  # of a texture around its colour, in unit pixels
_RADIUS, _MARGIN = (30 / 224, 80 / 224), 20 / 224  # of the picture's side
_WINDOW = 3.0  # pixels, standard deviation of what a filter looks at
_POLYGONS = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6}
_SPLITS = {"train": 0, "validation": 1, "test": 2}


@dataclasses.dataclass(slots=True, kw_only=True)
class Planted(Settings):
    """A source of square pictures with one object, or two in opposite quadrants.

    What is inside an object's outline is its class's texture, and nothing else in the picture is
    near it: the mask is the evidence. Picture i depends on ``(seed, split, i)`` only.

    Fields:
        size: side in pixels; 48 or more, that a texture may be told.
        num_classes: textures in use, 2 to 8; the shape says nothing of the class.
        num: pictures.
        two: share of pictures with two objects.
        split: "train", "validation" or "test": pictures of their own.
        seed: of all draws.
    """

    size: Annotated[int, Interval(48)] = 224
    num_classes: Annotated[int, Interval(2, len(TEXTURES))] = 8
    num: Count = 1000
    two: Share = 0.5
    split: Literal["train", "validation", "test"] = "train"
    seed: Seed = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """The textures, by angle and period."""
        return TEXTURES[: self.num_classes]

    @property
    def names(self) -> tuple[str, ...]:
        """By number."""
        return tuple(f"planted picture {index}" for index in range(self.num))

    def __len__(self) -> int:
        """Number of pictures."""
        return self.num

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, with its mask."""
        index = range(self.num)[index]  # ends a loop as a list does
        entropy = np.random.SeedSequence([self.seed, _SPLITS[self.split], index])
        rng = np.random.Generator(np.random.Philox(entropy))
        image = _background(self.size, rng)
        ids = np.zeros((self.size, self.size), np.uint8)
        for k, centre, radius in self._objects(rng):
            inside = _shape(self.size, centre, radius, rng)
            image[inside] = _texture(self.size, k, rng)[inside]
            ids[inside] = 1 + k
        image += rng.normal(0.0, 0.01, image.shape)
        return Example(
            row=index,
            name=f"planted picture {index}",
            picture=np.round(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8),
            labels=np.isin(np.arange(1, 1 + self.num_classes), ids).astype(np.float32),
            mask=ids,
        )

    def _objects(self, rng: np.random.Generator) -> list[tuple[int, np.ndarray, float]]:
        """(class, centre (y, x), radius) of each object, in pixels."""
        low, high = (self.size * share for share in _RADIUS)
        margin = self.size * _MARGIN
        if rng.random() >= self.two:
            radius = rng.uniform(low, high)
            centre = rng.uniform(margin + radius, self.size - margin - radius, 2)
            return [(int(rng.integers(self.num_classes)), centre, radius)]
        classes = rng.choice(self.num_classes, 2, replace=False)
        half = self.size / 2
        first = rng.integers(2, size=2)  # a quadrant; the second object is in the opposite one
        objects = []
        for k, quadrant in zip(classes, (first, 1 - first), strict=True):
            radius = rng.uniform(low, (half - margin) / 2)
            # The margin is on the outer side of the quadrant: left or top of it for quadrant 0.
            low_end = np.where(quadrant == 0, margin, half) + radius
            high_end = np.where(quadrant == 0, half, self.size - margin) - radius
            objects.append((int(k), rng.uniform(low_end, high_end), radius))
        return objects


def _grid(size: int) -> np.ndarray:
    """``[2 size size]``: y and x of the pixels' centres."""
    return np.mgrid[:size, :size] + 0.5


def _colour(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.35, 0.65, 3)


def _texture(size: int, k: int, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Class k's grating on a random colour, at a random phase."""
    y, x = _grid(size)
    fy, fx = _frequency(k)
    wave = np.sin(2 * np.pi * (fy * y + fx * x + rng.random()))
    return _colour(rng) + _AMPLITUDE * wave[..., None]


def _frequency(k: int) -> tuple[float, float]:
    """(along y, along x) of class k, in periods a pixel."""
    period, angle = list(itertools.product(PERIODS, ANGLES))[k]
    return math.sin(math.radians(angle)) / period, math.cos(math.radians(angle)) / period


def _background(size: int, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """One of 14 slow gratings (seven angles, two periods) between two random colours."""
    which = int(rng.integers(NUM_BACKGROUNDS))
    period, angle = _BACKGROUND_PERIODS[which % 2], math.pi * (which // 2) / 7
    y, x = _grid(size)
    along = (math.sin(angle) * y + math.cos(angle) * x) / period
    share = 0.5 + 0.5 * np.sin(2 * np.pi * (along + rng.random()))[..., None]
    return share * _colour(rng) + (1 - share) * _colour(rng)


def _shape(
    size: int, centre: np.ndarray, radius: float, rng: np.random.Generator
) -> Bool[np.ndarray, "h w"]:
    """One of the eight shapes, turned at random; within `radius` of `centre`."""
    name = SHAPES[int(rng.integers(len(SHAPES)))]
    y, x = (_grid(size) - centre[:, None, None]) / radius
    distance, angle = np.hypot(y, x), np.arctan2(y, x) + rng.uniform(0.0, 2 * np.pi)
    v, u = distance * np.sin(angle), distance * np.cos(angle)
    if name in _POLYGONS:
        return _polygon(distance, angle, _POLYGONS[name])
    if name == "cross":
        return (np.minimum(abs(u), abs(v)) < 0.3) & (np.maximum(abs(u), abs(v)) < 0.95)
    if name == "star":  # two triangles
        return _polygon(distance, angle, 3) | _polygon(distance, angle + np.pi, 3)
    if name == "heart":  # (u^2 + v^2 - 1)^3 = u^2 v^3 reaches 1.43 from its centre
        p, q = 1.43 * u, 1.43 * v
        return (p**2 + q**2 - 1) ** 3 < p**2 * q**3
    return distance < 1.0


def _polygon(distance: np.ndarray, angle: np.ndarray, corners: int) -> Bool[np.ndarray, "h w"]:
    """A regular polygon whose corners are on the unit circle."""
    from_side = angle % (2 * np.pi / corners) - np.pi / corners
    return distance * np.cos(from_side) < math.cos(np.pi / corners)


def reader(num_classes: int = 8, *, gain: float = 8.0) -> Classifier:
    """The classifier that reads planted pictures: matched filters of the textures; sigmoid.

    Class k's filters answer with the amplitude of its grating around each pixel. What is between
    0.3 and 0.7 of the planted amplitude counts as a rising share of a pixel; with a share `a` of
    the picture, in units of the smallest object's, the logit is ``gain (1 - 2 exp(-4 a))``: `-gain`
    in nats without any evidence, rising with it, and never quite flat.
    """
    params = {"filters": jnp.asarray(_filters(num_classes)), "gain": jnp.float32(gain)}
    return Classifier.from_callable(_read, params, head=Head.SIGMOID)


def _filters(num_classes: int) -> Float[np.ndarray, "y x 1 n"]:
    """Windowed cosines and sines, ``[19 19 1 2 k]`` flattened: amplitude in, amplitude out."""
    reach = round(3 * _WINDOW)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    window = np.exp(-(x**2 + y**2) / (2 * _WINDOW**2))
    window /= window.sum()
    waves = []
    for part, k in itertools.product((np.cos, np.sin), range(num_classes)):
        fy, fx = _frequency(k)
        wave = part(2 * np.pi * (fy * y + fx * x))
        wave -= (wave * window).sum()  # an even colour is no evidence
        waves.append(2 * window * wave)
    return np.stack(waves, -1)[:, :, None].astype(np.float32)


def _read(params: PyTree, images: Images) -> Logits:
    grey = images.mean(axis=-1, keepdims=True)  # [b h w 1]
    answers = jax.lax.conv_general_dilated(
        grey, params["filters"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    cosine, sine = jnp.split(answers, 2, axis=-1)
    amplitude = jnp.sqrt(cosine**2 + sine**2 + 1e-8) / _AMPLITUDE
    there = jnp.clip((amplitude - 0.3) / 0.4, 0.0, 1.0)  # [b h w k]
    pixels = there.sum(axis=(1, 2)) / (images.shape[1] * images.shape[2])
    share = pixels / (math.pi * _RADIUS[0] ** 2)
    return params["gain"] * (1.0 - 2.0 * jnp.exp(-4.0 * share))
