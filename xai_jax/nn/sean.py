"""SEAN: a style code a region out of a picture, and a picture out of a label map and its codes.

Zhu, Abdal, Qin, Wonka, "SEAN: Image Synthesis with Semantic Region-Adaptive Normalization", CVPR
2020, as in STEEX (specs: steex, sec. 1.3 and 1.4). Pixels are in [-1, 1].
"""

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core.domains import Count, Interval, Natural, Positive, SomeNames
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, PRNGKeys, PyTree
from xai_jax.nn.layers import InTraining
from xai_jax.nn.region_norm import GAIN, Codes, Grid, OneHot, RegionNorm, grid
from xai_jax.nn.sean_encoder import SHRINKS, SLOPE, Encoder, Pixels, conv
from xai_jax.nn.spectral import spectral_norm


class Context(NamedTuple):
    """What a picture's label map comes to, once.

    Fields:
        grids: the map at each size, the smallest first.
        fixed: of each block what its norms find in the map, as of `RegionNorm.prepare`.
    """

    grids: Any
    fixed: Any


class Block(linen.Module):
    """A residual block of two convolutions, each behind a norm by regions.

    Fields:
        inputs, outputs: channels.
        norm: the arguments that its norms share.
        place: of its first norm among all.
        spectral: its kernels are divided by their spectral norm; not once that is done for good.
    """

    inputs: int
    outputs: int
    norm: dict[str, Any]
    place: int
    spectral: bool

    def setup(self) -> None:
        """Names say which kernels `folded` divides."""
        middle = min(self.inputs, self.outputs)
        how: Any = {"spectral": self.spectral, "gain": self.norm["gain"]}
        self.norm0 = RegionNorm(self.inputs, place=self.place, **self.norm)
        self.norm1 = RegionNorm(middle, place=self.place + 1, **self.norm)
        self.spectral0 = conv(middle, 3, **how)
        self.spectral1 = conv(self.outputs, 3, **how)
        if self.inputs != self.outputs:
            self.norm_skip = RegionNorm(self.inputs, place=self.place + 2, **self.norm)
            self.spectral_skip = conv(self.outputs, 1, use_bias=False, **how)

    def prepare(self, grid: Grid) -> dict[str, AnyArray | None]:
        """What its norms find in the map."""
        found = {"norm0": self.norm0.prepare(grid), "norm1": self.norm1.prepare(grid)}
        if self.inputs != self.outputs:
            found["norm_skip"] = self.norm_skip.prepare(grid)
        return found

    def __call__(self, x: AnyArray, fixed: dict[str, AnyArray | None], *rest: Any) -> AnyArray:
        """``[b h w outputs]``; `rest` as of `RegionNorm`."""
        way = self.norm0(x, fixed["norm0"], *rest)
        way = self.spectral0(jax.nn.leaky_relu(way, SLOPE))
        way = self.norm1(way, fixed["norm1"], *rest)
        way = self.spectral1(jax.nn.leaky_relu(way, SLOPE))
        if self.inputs != self.outputs:
            x = self.spectral_skip(self.norm_skip(x, fixed["norm_skip"], *rest))
        out: AnyArray = x + way
        return out


class Network(linen.Module):
    """Encoder and generator; 266,907,367 parameters as published for the 19 parts of a face.

    Fields:
        settings: their sizes.
        folded: as of `RegionNorm`.
        spectral: as of `Block`.
        origins: as of `RegionNorm`.
    """

    settings: "Sean"
    folded: bool | None = None
    spectral: bool = True
    origins: tuple[int, ...] = ()

    def setup(self) -> None:
        """Widths halve from block to block, down to the settings' own at full size."""
        own = self.settings
        top = own.width * 2 ** (own.depth - 1)
        widths = [top, top, top, *(top >> i for i in range(1, own.depth))]
        norm = {
            "num_regions": len(own.regions),
            "hidden": own.hidden,
            "folded": self.folded,
            "gain": own.gain,
            "origins": self.origins,
        }
        self.encoder = Encoder(max(1, own.width // 2), own.style, own.gain)
        self.start = conv(top, 3, own.gain)
        self.blocks = [
            Block(
                inputs=widths[max(i - 1, 0)],
                outputs=width,
                norm={**norm, "style": 0 if i == len(widths) - 1 else own.style},
                place=3 * i,
                spectral=self.spectral,
            )
            for i, width in enumerate(widths)
        ]
        self.colours = conv(3, 3, own.gain)

    def _levels(self) -> list[int]:
        """Of the grid of each block: one upsampling in front of all but the first and third."""
        return [0, 1, 1, *range(2, self.settings.depth + 1)]

    def encode(self, pixels: Pixels, one_hot: OneHot) -> Codes:
        """The style codes of a picture ``[b n style]``."""
        codes: Codes = self.encoder(pixels, one_hot)
        return codes

    def prepare(self, one_hot: OneHot) -> Context:
        """What the map alone comes to."""
        depth = self.settings.depth
        times = [2 ** (depth - level) for level in range(depth + 1)]
        grids = [grid(one_hot, one, self.origins) for one in times]
        fixed = [
            block.prepare(grids[level])
            for block, level in zip(self.blocks, self._levels(), strict=True)
        ]
        return Context(grids=grids, fixed=fixed)

    def decode(
        self, context: Context, codes: Codes, keys: PRNGKeys, training: InTraining | None = None
    ) -> Pixels:
        """The picture of a prepared map and its codes; `keys` of the noise, one a picture."""
        x = self.start(context.grids[0].classes)
        before = 0
        for block, fixed, level in zip(self.blocks, context.fixed, self._levels(), strict=True):
            if level > before:
                x = x.repeat(2, axis=1).repeat(2, axis=2)
            x = block(x, fixed, context.grids[level], codes, keys, training)
            before = level
        return jnp.tanh(self.colours(jax.nn.leaky_relu(x, SLOPE)))

    def __call__(
        self,
        pixels: Pixels,
        one_hot: OneHot,
        keys: PRNGKeys,
        training: InTraining | None = None,
    ) -> Pixels:
        """The picture of its own codes."""
        codes = self.encode(pixels, one_hot)
        return self.decode(self.prepare(one_hot), codes, keys, training)


@dataclasses.dataclass(slots=True, kw_only=True)
class Sean(Settings):
    """Settings of the network; the defaults are those of the published one of faces.

    Attributes:
        regions: names of the label map's classes, in the order of their numbers.
        width: channels at full size; doubled with each halving of the sides.
        depth: halvings.
        style: length of a region's code.
        hidden: channels of the convolutions of the label map (SPADE); 0: one scale and shift a
            region in their place, which is class-adaptive normalisation and a light network (Tan et
            al., "Efficient Semantic Image Synthesis via Class-Adaptive Normalization", TPAMI 2021).
        gain: of fresh kernels, times Xavier's; of a short training at a high rate 1 is better.
        spectral: kernels are divided by their spectral norm in use; not those of a released file,
            which are divided for good.
    """

    regions: SomeNames = ("background",)
    width: Annotated[int, Interval(2)] = 64
    depth: Annotated[int, Interval(2)] = 5
    style: Count = 512
    hidden: Natural = 128
    gain: Positive = GAIN
    spectral: bool = True

    def build(
        self,
        *,
        folded: bool | None = None,
        spectral: bool = True,
        origins: tuple[int, ...] = (),
    ) -> Any:
        """The `Network`."""
        settings = dataclasses.replace(self, regions=tuple(self.regions))
        return Network(
            settings=settings,
            folded=folded,
            spectral=self.spectral and spectral,
            origins=origins,
        )

    def check(
        self, height: int, width: int, times: int = 1, *, remedy: str = "set data.resize"
    ) -> None:
        """Refuses pictures whose sides do not halve so often.

        Args:
            height: of a picture.
            width: likewise.
            times: it is shown so many times smaller, too.
            remedy: what to do "to multiples of" so many pixels.

        Raises:
            ValueError: with what to set.
        """
        stride = times * max(2**self.depth, SHRINKS)
        if height % stride or width % stride:
            raise ValueError(
                f"The pictures are {height} x {width}; {remedy} to multiples of {stride}."
            )


def normed_for_good(params: PyTree) -> PyTree:
    """Parameters for a network with ``spectral=False``: kernels divided by their spectral norm."""

    def one(path: tuple[Any, ...], value: AnyArray) -> AnyArray:
        inside = any(getattr(part, "key", "").startswith("spectral") for part in path)
        return value / spectral_norm(value) if inside and value.ndim == 4 else value

    return jax.tree_util.tree_map_with_path(one, params)
