"""From a picture of any size to the array that a network eats, and its variations in training."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float, Integer
from PIL import Image, ImageEnhance, ImageOps

from xai_jax.core.domains import Count, NotNegative, PositiveShare, Share
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings

_RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def box(preprocess: Preprocess, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of what is taken of a picture of ``(width, height)``.

    With a crop: as if the picture were resized until it just covers the result over the crop, and
    whole pixels were then cut out of its middle, ``round((side - wanted) / 2)`` from its border, as
    torchvision does. Resizing the box alone gives the same pixels.
    """
    wide, high = size
    if not preprocess.crop:
        return 0.0, 0.0, float(wide), float(high)
    wanted = preprocess.width, preprocess.height
    across, down = (round(side / preprocess.crop) for side in wanted)  # to be covered
    if wide * down <= high * across:
        scaled = across, across * high // wide
    else:
        scaled = down * wide // high, down
    left, top = (round((all_ - side) / 2) for all_, side in zip(scaled, wanted, strict=True))
    right, bottom = left + wanted[0], top + wanted[1]
    x, y = wide / scaled[0], high / scaled[1]
    return left * x, top * y, min(right * x, wide), min(bottom * y, high)


def resized(preprocess: Preprocess, image: Image.Image) -> Image.Image:
    """What is taken of a picture, at the wanted size, in the mode that it has."""
    size = preprocess.width, preprocess.height
    return image.resize(size, _RESAMPLE[preprocess.resample], box=box(preprocess, image.size))


def pixels(preprocess: Preprocess, image: Image.Image) -> Float[np.ndarray, "h w 3"]:
    """Unit pixels of an RGB picture, float32, multiples of 1/255."""
    return np.asarray(resized(preprocess, image), np.float32) / 255.0


def ids(preprocess: Preprocess, numbers: Integer[np.ndarray, "y x"]) -> Integer[np.ndarray, "h w"]:
    """The nearest pixel's class id, of the same type; no id appears that was not there."""
    image = Image.fromarray(numbers.astype(np.int32))
    size = preprocess.width, preprocess.height
    small = image.resize(size, Image.Resampling.NEAREST, box=box(preprocess, image.size))
    return np.asarray(small).astype(numbers.dtype)


def share(preprocess: Preprocess, there: np.ndarray) -> Float[np.ndarray, "h w"]:
    """The share of each pixel, in [0, 1], that a mask ``[y x]`` covers; bilinear, soft."""
    image = Image.fromarray(there.astype(np.float32))
    soft = dataclasses.replace(preprocess, resample="bilinear")
    return np.asarray(resized(soft, image))


@dataclasses.dataclass(slots=True, kw_only=True)
class Augment(Settings):
    """Variations of a picture before it is resized (specs of NN-Explainer's loader).

    Fields:
        flip: probability of a mirror image.
        rotation: largest turn in degrees, either way; what comes in at the corners is black, and
            background in the mask.
        brightness, contrast, saturation: largest change of each factor, around 1.
        hue: largest turn of the colour circle, in turns, either way.
    """

    flip: Share = 0.5
    rotation: NotNegative = 10.0
    brightness: Share = 0.2
    contrast: Share = 0.2
    saturation: Share = 0.2
    hue: Share = 0.1

    def __call__(
        self, image: Image.Image, ids: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[Image.Image, np.ndarray | None]:
        """The varied picture, and its map of class ids ``[h w]`` moved alike.

        All draws are made in a fixed order, whatever the settings and whether there is a mask.
        """
        chance, turn, *factors = rng.uniform(-1.0, 1.0, 6)
        order = rng.permutation(4)
        if (chance + 1) / 2 < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            ids = ids if ids is None else ids[:, ::-1]
        angle = turn * self.rotation
        image = image.rotate(angle, Image.Resampling.BILINEAR)
        if ids is not None:
            turned = Image.fromarray(ids.astype(np.int32)).rotate(angle)  # the nearest pixel's
            ids = np.asarray(turned).astype(ids.dtype)
        for which in order:
            image = self._coloured(image, int(which), factors[which])
        return image, ids

    def _coloured(self, image: Image.Image, which: int, change: float) -> Image.Image:
        """`change` is in [-1, 1]."""
        if which == 3:  # the way to HSV and back rounds: not taken for nothing
            return _turned_hue(image, change * self.hue) if self.hue else image
        enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[which]
        largest = (self.brightness, self.contrast, self.saturation)[which]
        return enhance(image).enhance(1.0 + change * largest)


@dataclasses.dataclass(slots=True, kw_only=True)
class Crops(Settings):
    """Squares cut out of a picture at random, before they are resized.

    Fields:
        smallest, largest: side of the square in pixels of the picture, uniform between them; a
            picture with a shorter side gives a square of that side.
        flip: probability of a mirror image.
    """

    smallest: Count = 96
    largest: Count = 192
    flip: Share = 0.5

    def __call__(
        self, image: Image.Image, ids: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[Image.Image, np.ndarray | None]:
        """The square, and the same of its map of class ids ``[h w]``.

        Raises:
            ValueError: the smallest square is larger than the largest.
        """
        if self.smallest > self.largest:
            raise ValueError(
                f"smallest is {self.smallest} and largest {self.largest}; swap the two sides."
            )
        size, across, down, chance = rng.uniform(0.0, 1.0, 4)
        side = min(self.smallest + round(size * (self.largest - self.smallest)), *image.size)
        left, top = round(across * (image.width - side)), round(down * (image.height - side))
        image = image.crop((left, top, left + side, top + side))
        ids = ids if ids is None else ids[top : top + side, left : left + side]
        if chance < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            ids = ids if ids is None else ids[:, ::-1]
        return image, ids


@dataclasses.dataclass(slots=True, kw_only=True)
class Warp(Settings):
    """Turned and magnified, for pictures whose brightness is to stay: digits, slices.

    The defaults are SyCE's (specs: generative, sec. 3.3), but for what comes in at the corners,
    which is black and background in the mask.

    Fields:
        rotation: largest turn in degrees, either way.
        smallest: the share of each axis that is seen is uniform from this to 1, each axis by
            itself.
        upside_down: probability that the rows are reversed.
        stretch: the picture then spans black to white, as before it was turned.
    """

    rotation: NotNegative = 5.0
    smallest: PositiveShare = 0.8
    upside_down: Share = 0.5
    stretch: bool = True

    def __call__(
        self, image: Image.Image, ids: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[Image.Image, np.ndarray | None]:
        """The varied picture, and its map of class ids ``[h w]`` moved alike."""
        turn, across, down, chance = rng.uniform(0.0, 1.0, 4)
        shares = [self.smallest + one * (1.0 - self.smallest) for one in (across, down)]
        angle = math.radians((2.0 * turn - 1.0) * self.rotation)
        flipped = -1.0 if chance < self.upside_down else 1.0
        matrix = _about_the_middle(image.size, angle, shares[0], flipped * shares[1])
        how = (image.size, Image.Transform.AFFINE, matrix)
        image = image.transform(*how, resample=Image.Resampling.BILINEAR)
        if ids is not None:
            moved = Image.fromarray(ids.astype(np.int32)).transform(*how)  # the nearest pixel's
            ids = np.asarray(moved).astype(ids.dtype)
        return (ImageOps.autocontrast(image) if self.stretch else image), ids


def _about_the_middle(
    size: tuple[int, int], angle: float, across: float, down: float
) -> tuple[float, ...]:
    """Pillow's six numbers: where in the picture each pixel of the result comes from."""
    middle = np.array(size) / 2.0
    turned = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    matrix = turned @ np.diag([across, down])
    shift = middle - matrix @ middle
    return (*matrix[0], shift[0], *matrix[1], shift[1])


def _turned_hue(image: Image.Image, turns: float) -> Image.Image:
    hsv = np.array(image.convert("HSV"))
    hsv[..., 0] += np.uint8(round(turns * 255) % 256)  # wraps around, as the circle does
    return Image.frombytes("HSV", image.size, hsv.tobytes()).convert("RGB")


def rng_of(seed: int, epoch: int, row: int) -> np.random.Generator:
    """The draws of one picture in one epoch: the same in any order, batch or process."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch, row])))
