"""From a picture of any size to the array that a network eats, and its variations in training."""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float, Integer
from PIL import Image, ImageEnhance

_RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclasses.dataclass(slots=True, kw_only=True)
class Resize:
    """To one size, by Pillow's antialiased filters.

    Fields:
        height, width: of the result, in pixels.
        crop: 0: the whole picture, its sides not in proportion (NN-Explainer). Else the share, in
            (0, 1], that is taken of the largest centred part with the sides of the result; 0.875 of
            a square is ImageNet's 256 and 224.
        resample: the filter.
    """

    height: int = 224
    width: int = 224
    crop: float = 0.0
    resample: Literal["bilinear", "bicubic"] = "bilinear"

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of what is taken of a picture of ``(width, height)``."""
        wide, high = size
        if not self.crop:
            return 0.0, 0.0, float(wide), float(high)
        scale = self.crop * min(wide / self.width, high / self.height)
        half_wide, half_high = scale * self.width / 2, scale * self.height / 2
        return (
            wide / 2 - half_wide,
            high / 2 - half_high,
            wide / 2 + half_wide,
            high / 2 + half_high,
        )

    def pixels(self, image: Image.Image) -> Float[np.ndarray, "h w 3"]:
        """Unit pixels, float32, multiples of 1/255."""
        size = self.width, self.height
        small = image.resize(size, _RESAMPLE[self.resample], box=self.box(image.size))
        return np.asarray(small, np.float32) / 255.0

    def ids(self, ids: Integer[np.ndarray, "y x"]) -> Integer[np.ndarray, "h w"]:
        """The nearest pixel's class id, of the same type; no id appears that was not there."""
        image = Image.fromarray(ids.astype(np.int32))
        size = self.width, self.height
        small = image.resize(size, Image.Resampling.NEAREST, box=self.box(image.size))
        return np.asarray(small).astype(ids.dtype)

    def share(self, there: np.ndarray) -> Float[np.ndarray, "h w"]:
        """The share of each pixel, in [0, 1], that a mask ``[y x]`` covers; bilinear, soft."""
        image = Image.fromarray(there.astype(np.float32))
        size = self.width, self.height
        return np.asarray(image.resize(size, _RESAMPLE["bilinear"], box=self.box(image.size)))


@dataclasses.dataclass(slots=True, kw_only=True)
class Augment:
    """Variations of a picture before it is resized (specs of NN-Explainer's loader).

    Fields:
        flip: probability of a mirror image.
        rotation: largest turn in degrees, either way; what comes in at the corners is black, and
            background in the mask.
        brightness, contrast, saturation: largest change of each factor, around 1.
        hue: largest turn of the colour circle, in turns, either way.
    """

    flip: float = 0.5
    rotation: float = 10.0
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.1

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


def _turned_hue(image: Image.Image, turns: float) -> Image.Image:
    hsv = np.array(image.convert("HSV"))
    hsv[..., 0] += np.uint8(round(turns * 255) % 256)  # wraps around, as the circle does
    return Image.frombytes("HSV", image.size, hsv.tobytes()).convert("RGB")


def rng_of(seed: int, epoch: int, row: int) -> np.random.Generator:
    """The draws of one picture in one epoch: the same in any order, batch or process."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch, row])))
