"""Convolution, depthwise convolution, dropout and batch norm that train as PyTorch's do."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen, struct
from jaxtyping import Array, Float

from xai_jax.core.conv import Pads, depthwise, pointwise, same_pads
from xai_jax.core.dense_conv import dense, transposed
from xai_jax.core.rng import dropped
from xai_jax.core.types import AnyArray, PerExample, PRNGKeys
from xai_jax.nn.spectral import spectral_norm

DType = jnp.dtype | type  # of the computation; parameters and statistics are float32


@struct.dataclass
class InTraining:
    """What a network is told of its batch while it trains; ``None`` in its place: it is used.

    Fields:
        weight: ``[b]``, 0 for rows that take no part in batch norm; ``None``: all do.
        keys: ``[b]`` of dropout, one a picture; ``None`` where nothing is dropped.
        axis_name: the ``pmap`` axis over which the batch is spread; ``None`` under ``jit``.
    """

    weight: PerExample | None = None
    keys: PRNGKeys | None = None
    axis_name: str | None = struct.field(pytree_node=False, default=None)


# PyTorch's default, Kaiming-uniform with a = sqrt(5): U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)).
kernel_init = linen.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def _bias_init(fan_in: int):
    """PyTorch's default bias."""

    def init(key, shape, dtype=jnp.float32):
        return jax.random.uniform(key, shape, dtype, -1.0, 1.0) / jnp.sqrt(fan_in)

    return init


def zero_bias(fan_in: int):
    """Keras' default bias."""
    del fan_in
    return linen.initializers.zeros


class Conv(linen.Module):
    """Dense convolution of ``[b h w i]``, by default padded so that stride 1 keeps the size.

    Fields:
        features: output channels.
        kernel: side of the kernel, odd.
        stride: of both axes.
        dilation: distance of neighbouring taps.
        pads: zero padding; None for ``dilation * (kernel - 1) / 2`` on every side.
        use_bias: whether a bias is added.
        dtype: of the computation; ``None``: that of the input.
        kernel_init: draws the kernel; under PyTorch's default what goes through many layers without
            batch norm dies away.
        bias_init: what draws the bias, of the number of inputs of an output.
        spectral: the kernel is divided by its spectral norm.
        plain: XLA's own convolution, which has a forward derivative too; for critics whose slope is
            penalised, where `core.dense_conv` is an order of magnitude slower.
    """

    features: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    pads: Pads | None = None
    use_bias: bool = False
    dtype: DType | None = None
    kernel_init: Callable[..., AnyArray] = kernel_init
    bias_init: Callable[[int], Callable] = _bias_init
    spectral: bool = False
    plain: bool = False

    @linen.compact
    def __call__(self, x: AnyArray) -> AnyArray:
        """``[b h w i] -> [b y x features]``, in `dtype`."""
        dtype = x.dtype if self.dtype is None else self.dtype
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        if self.spectral:
            kernel = kernel / spectral_norm(kernel)
        out = self._convolve(x.astype(dtype), kernel.astype(dtype))
        if self.use_bias:
            fan_in = self.kernel**2 * x.shape[-1]
            out += self.param("bias", self.bias_init(fan_in), (self.features,)).astype(dtype)
        return out

    def _convolve(self, x: AnyArray, kernel: AnyArray) -> AnyArray:
        if self.stride == 1 and self.pads is None:
            kernel = _taps_inside(kernel, x.shape[1:3], self.dilation)
        if kernel.shape[:2] == (1, 1):
            return pointwise(x[:, :: self.stride, :: self.stride], kernel)
        half = [self.dilation * (side - 1) // 2 for side in kernel.shape[:2]]
        pads = self.pads or ((half[0], half[0]), (half[1], half[1]))
        if not self.plain:
            return dense(x, kernel, self.stride, pads, self.dilation)
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            (self.stride, self.stride),
            pads,
            rhs_dilation=(self.dilation, self.dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )


def _taps_inside(kernel: AnyArray, size: tuple[int, ...], dilation: int) -> AnyArray:
    """Without the taps of a 3x3 kernel that see nothing but padding, as under wide dilations."""
    if kernel.shape[0] != 3:
        return kernel
    rows, columns = (slice(1, 2) if dilation >= n else slice(None) for n in size)
    return kernel[rows, columns]


class Up(linen.Module):
    """Transposed 4 x 4 convolution of ``[b h w i]`` to twice the size, as PyTorch's with padding 1.

    Fields:
        features: output channels.
    """

    features: int

    @linen.compact
    def __call__(self, x: AnyArray) -> AnyArray:
        """``[b h w i] -> [b 2h 2w features]``."""
        kernel = self.param("kernel", kernel_init, (4, 4, x.shape[-1], self.features))
        bias = self.param("bias", _bias_init(16 * x.shape[-1]), (self.features,))
        return transposed(x, kernel) + bias


class Depthwise(linen.Module):
    """Depthwise convolution, padded as TensorFlow's "SAME".

    Fields:
        kernel: side of the kernel.
        stride: 1 or 2.
        dtype: of the computation; ``None``: that of the input.
    """

    kernel: int
    stride: int = 1
    dtype: DType | None = None

    @linen.compact
    def __call__(self, x: AnyArray) -> AnyArray:
        """``[b h w c] -> [b ceil(h / stride) ceil(w / stride) c]``, in `dtype`."""
        dtype = x.dtype if self.dtype is None else self.dtype
        shape = (self.kernel, self.kernel, 1, x.shape[-1])
        kernel = self.param("kernel", kernel_init, shape).astype(dtype)
        pads = same_pads((x.shape[1], x.shape[2]), self.kernel, self.stride)
        return depthwise(x.astype(dtype), kernel, self.stride, pads)


class Dropout(linen.Module):
    """Leaves out a share of the numbers in training, drawn by picture, and scales the others up.

    Fields:
        share: in [0, 1).
    """

    share: float

    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        """``[b ...]``, the same shape.

        Raises:
            ValueError: it trains without keys.
        """
        if training is None:
            return x
        if training.keys is None:
            raise ValueError("Dropout draws by picture; give the training step keys.")
        return dropped(self.share, training.keys, 0, x)


class BatchNorm(linen.Module):
    """Batch norm over images and space; the running variance is the unbiased one, as PyTorch's.

    Rows of weight 0 (padding) take no part in the statistics. They are computed in float32.

    Fields:
        momentum: share of the new statistics in the running ones (PyTorch's meaning).
        epsilon: added to the variance.
        affine: whether it has a scale and a bias of its own.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5
    affine: bool = True

    @linen.compact
    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        """Normalised ``[b h w c]``, in the type of `x`; in training by the batch's statistics.

        Args:
            x: activations.
            training: ``None``: the running statistics are used, else the batch's own.

        Raises:
            ValueError: a single value a channel has no variance to train with.
        """
        channels = (x.shape[-1],)
        scale, bias = jnp.ones(channels), jnp.zeros(channels)
        if self.affine:
            scale = self.param("scale", linen.initializers.ones, channels)
            bias = self.param("bias", linen.initializers.zeros, channels)
        mean = self.variable("batch_stats", "mean", jnp.zeros, channels)
        var = self.variable("batch_stats", "var", jnp.ones, channels)
        if training is None:
            return _normalised(x, mean.value, var.value + self.epsilon, scale, bias)
        if x.shape[0] * x.shape[1] * x.shape[2] == 1:
            raise ValueError(
                "Batch norm cannot be trained on one picture of one value a channel; "
                "use batches of at least 2 pictures."
            )
        now, spread, count = _moments(x.astype(jnp.float32), training)
        if not self.is_initializing():
            unbiased = spread * count / jnp.maximum(count - 1.0, 1.0)
            # A micro batch of nothing but padding moves nothing.
            share = self.momentum * (count > 0)
            mean.value += share * (now - mean.value)
            var.value += share * (unbiased - var.value)
        return _normalised(x, now, spread + self.epsilon, scale, bias)


Channel = Float[Array, "c"]


def _moments(x: AnyArray, training: InTraining) -> tuple[Channel, Channel, Array]:
    """Mean and (biased) variance a channel, and the number of values that they are of."""
    space = x.shape[1] * x.shape[2]
    weight = jnp.ones(x.shape[0]) if training.weight is None else training.weight
    counted = weight[:, None, None, None]

    def total(values):
        axis = training.axis_name
        return values if axis is None else jax.lax.psum(values, axis)

    count = total(weight.sum() * space)
    least = jnp.maximum(count, 1.0)
    mean = total((x * counted).sum(axis=(0, 1, 2))) / least
    spread = total((jnp.square(x - mean) * counted).sum(axis=(0, 1, 2))) / least
    return mean, spread, count


def _normalised(x: AnyArray, mean: Channel, var: Channel, scale: Channel, bias: Channel):
    factor = scale * jax.lax.rsqrt(var)
    return (x * factor + (bias - mean * factor)).astype(x.dtype)
