"""The normalisation of SEAN: scale and shift of every pixel by its region, its style and a noise.

Zhu, Abdal, Qin, Wonka, "SEAN: Image Synthesis with Semantic Region-Adaptive Normalization", CVPR
2020 (specs: steex, sec. 1.4, there ACE). The label map of a picture is fixed while its style moves.
So what depends on the map alone is computed once a picture, and the 3 x 3 convolution of a style
that is painted on its region is one of the map, whose kernel the style makes:
``K[tap, region, :] = sum_d W[tap, d, :] s[region, d]`` (sec. 2.5). Where there are more styles than
pixels it is the other way round; both are the same. Without SPADE's convolutions what the map asks
for by itself is a row of a table a region, which is added to that kernel at its middle tap.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen
from jaxtyping import Array, Float

from xai_jax.core.dense_conv import dense
from xai_jax.core.rng import fold_each
from xai_jax.core.types import AnyArray, PRNGKeys
from xai_jax.nn.layers import BatchNorm, Conv, InTraining, zero_bias

GAIN = 0.02  # of fresh kernels, as published
_TAPS = 3  # along a side of a kernel
_AROUND = 1, 1  # zeros, so that the size stays

OneHot = Float[Array, "b h w n"]
Codes = Float[Array, "b n d"]


def xavier(gain: float = GAIN) -> Any:
    """Draws a kernel: Xavier's normal, times `gain`."""
    return linen.initializers.variance_scaling(gain**2, "fan_avg", "normal")


def xavier_of_both(gain: float = GAIN) -> Any:
    """Draws the kernels of a scale and of a shift side by side, each as if it stood alone.

    Xavier's spread falls with the number of outputs, and together they have twice as many.
    """
    one = xavier(gain)

    def draw(key, shape, dtype=jnp.float32):
        half = *shape[:-1], shape[-1] // 2
        return jnp.concatenate([one(own, half, dtype) for own in jax.random.split(key)], axis=-1)

    return draw


class Grid(NamedTuple):
    """The label map at one size.

    Fields:
        one_hot: ``[b h w n]``.
        taps: ``[b h w 9n]``, the map around each pixel, 0 beyond the border.
        classes: ``[b h w m]``, the map of the classes; that of the regions unless these are pieces
            of classes.
    """

    one_hot: AnyArray
    taps: AnyArray
    classes: AnyArray


def grid(one_hot: OneHot, times: int, origins: tuple[int, ...] = ()) -> Grid:
    """The map `times` times smaller, by the nearest (the first) pixel of each square.

    Args:
        one_hot: of the regions.
        times: see above.
        origins: as of `RegionNorm`.
    """
    small = one_hot[:, ::times, ::times]
    height, width = small.shape[1:3]
    padded = jnp.pad(small, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, y : y + height, x : x + width] for y in range(_TAPS) for x in range(_TAPS)]
    classes = small
    if origins:
        classes = small @ jax.nn.one_hot(jnp.array(origins), max(origins) + 1, dtype=small.dtype)
    return Grid(one_hot=small, taps=jnp.concatenate(shifted, axis=-1), classes=classes)


def is_folded(num_regions: int, style: int, places: int) -> bool:
    """Whether a kernel a picture takes fewer products than painting its styles and convolving."""
    return num_regions * (style + places) < style * places


class RegionNorm(linen.Module):
    """Batch norm, and a scale and a shift of each pixel by its region and its region's style.

    Fields:
        features: channels.
        num_regions: of the label map it has learned.
        style: length of a region's code; 0: there is no style.
        hidden: channels of the convolutions of the map (SPADE); 0: one scale and shift a region,
            whatever is around it (class-adaptive).
        place: among all that draw a noise.
        gain: of its fresh kernels.
        folded: see the module; ``None``: whichever is cheaper.
        origins: of which of its regions each region of a finer map is a piece, with a code of its
            own; empty: the map is the one that it has learned.
    """

    features: int
    num_regions: int
    style: int
    hidden: int
    place: int
    gain: float = GAIN
    folded: bool | None = None
    origins: tuple[int, ...] = ()

    def setup(self) -> None:
        """Scale and shift come of one convolution each, side by side."""
        both = 2 * self.features
        self.norm = BatchNorm(affine=False)
        self.noise = self.param("noise", linen.initializers.zeros, (self.features,))
        # Of scale and shift, before a sigmoid; published also where there is nothing to blend.
        self.blend = self.param("blend", linen.initializers.zeros, (2,))
        if self.hidden:
            how: Any = {"bias_init": zero_bias, "use_bias": True}
            self.around = Conv(self.hidden, _TAPS, kernel_init=xavier(self.gain), **how)
            self.of_map = Conv(both, _TAPS, kernel_init=xavier_of_both(self.gain), **how)
        else:
            table = self.num_regions, both
            self.of_region = self.param("of_region", xavier_of_both(self.gain), table)
        if self.style:
            self._style_parameters(both)

    def _style_parameters(self, both: int) -> None:
        own = (self.num_regions, self.style, self.style)
        zeros, draw = linen.initializers.zeros, xavier_of_both(self.gain)
        self.own_kernel = self.param("own_kernel", _each(xavier(self.gain)), own)
        self.own_bias = self.param("own_bias", zeros, own[:2])
        self.kernel = self.param("kernel", draw, (_TAPS, _TAPS, self.style, both))
        self.bias = self.param("bias", zeros, (both,))

    def prepare(self, grid: Grid) -> AnyArray | None:
        """Scale and shift ``[b h w 2c]`` that the map alone asks for.

        ``None`` where that is a table which joins the styles' kernel.
        """
        if self.hidden:
            found: AnyArray = self.of_map(jax.nn.relu(self.around(grid.classes)))
            return found
        return None if self.style else _read(grid.one_hot, self._table())

    def __call__(
        self,
        x: AnyArray,
        fixed: AnyArray | None,
        grid: Grid,
        codes: Codes,
        keys: PRNGKeys,
        training: InTraining | None = None,
    ) -> AnyArray:
        """``[b h w c]``, the same shape.

        Args:
            x: activations.
            fixed: what `prepare` found.
            grid: the map at the size of `x`.
            codes: one style a region.
            keys: of the noise, one a picture.
            training: as of `BatchNorm`.
        """
        draw = lambda key: jax.random.normal(key, (*x.shape[1:3], 1))  # noqa: E731
        drawn = jax.vmap(draw)(fold_each(keys, self.place)).astype(x.dtype)
        x = x + drawn * self.noise
        moved: Any = self._styled(grid, codes, fixed) if self.style else fixed
        scale, shift = jnp.split(moved, 2, axis=-1)
        normed: AnyArray = self.norm(x, training)
        return normed * (1.0 + scale) + shift

    def _table(self) -> AnyArray:
        """``[n 2c]``, scale and shift of each region of the map."""
        found: AnyArray = self.of_region
        return found[jnp.array(self.origins)] if self.origins else found

    def _styled(self, grid: Grid, codes: Codes, fixed: AnyArray | None) -> AnyArray:
        """Scale and shift ``[b h w 2c]`` of the styles and of the map, each by its share."""
        own, share = self._own(codes), jax.nn.sigmoid(self.blend).repeat(self.features)
        table = None if fixed is not None else (1.0 - share) * self._table()
        if self._is_folded(grid):
            of_picture = share * _of_picture(own, self.kernel)  # [b 9 n 2c]
            if table is not None:
                of_picture = of_picture.at[:, _TAPS**2 // 2].add(table)
            moved = grid.taps @ of_picture.reshape(len(own), 1, -1, 2 * self.features)
        else:
            painted = jnp.einsum("bhwn,bnd->bhwd", grid.one_hot, own)
            moved = share * dense(painted, self.kernel, 1, (_AROUND, _AROUND))
            if table is not None:
                moved += _read(grid.one_hot, table)
        moved += share * self.bias
        return moved if fixed is None else moved + (1.0 - share) * fixed

    def _own(self, codes: Codes) -> Codes:
        """The codes by each region's own linear map."""
        kernel, bias = self.own_kernel, self.own_bias
        if self.origins:
            which = jnp.array(self.origins)
            kernel, bias = kernel[which], bias[which]
        return jax.nn.relu(jnp.einsum("bnd,nde->bne", codes, kernel) + bias)

    def _is_folded(self, grid: Grid) -> bool:
        if self.folded is not None:
            return self.folded
        _, height, width, regions = grid.one_hot.shape
        return is_folded(regions, self.style, height * width)


@jax.custom_vjp
def _read(one_hot: OneHot, table: AnyArray) -> AnyArray:
    """``[b h w 2c]``, each pixel's row."""
    return one_hot @ table


def _read_back(given: tuple[AnyArray, AnyArray], cotangent: AnyArray):
    one_hot, table = given
    num = len(one_hot)
    # The small matrix on the left: XLA copies that one, so that the places come last.
    of_table = jax.lax.dot_general(
        one_hot.reshape(num, -1, len(table)),
        cotangent.reshape(num, -1, table.shape[1]),
        (((1,), (1,)), ((0,), (0,))),
    )
    return cotangent @ table.T, of_table.sum(0)


_read.defvjp(lambda one_hot, table: (_read(one_hot, table), (one_hot, table)), _read_back)


def _of_picture(own: Codes, kernel: AnyArray) -> AnyArray:
    """``[b 9 n 2c]``: what a style asks for beside it."""
    num, _, depth = own.shape
    of_tap = _of_taps(own.reshape(-1, depth), kernel.reshape(-1, depth, kernel.shape[-1]))
    return of_tap.reshape(len(of_tap), num, -1, kernel.shape[-1]).swapaxes(0, 1)


@jax.custom_vjp
def _of_taps(own: AnyArray, kernel: AnyArray) -> AnyArray:
    """``[m d], [t d o] -> [t m o]``, a product a tap; of the kernel, maybe heavy, no copy."""
    return jnp.broadcast_to(own, (len(kernel), *own.shape)) @ kernel


def _of_taps_back(given: tuple[AnyArray, AnyArray], cotangent: AnyArray):
    own, kernel = given
    # The heavy matrix on the left: on CPUs half the time of the other way.
    of_own = jax.lax.dot_general(kernel, cotangent, (((2,), (2,)), ((0,), (0,))))  # [t d m]
    of_kernel = jnp.broadcast_to(own.T, (len(kernel), *own.T.shape)) @ cotangent
    return of_own.sum(0).T, of_kernel


_of_taps.defvjp(lambda own, kernel: (_of_taps(own, kernel), (own, kernel)), _of_taps_back)


def _each(init: Any) -> Any:
    """An initialiser of one matrix a region."""

    def draw(key, shape, dtype=jnp.float32):
        return jax.vmap(lambda own: init(own, shape[1:], dtype))(jax.random.split(key, shape[0]))

    return draw
