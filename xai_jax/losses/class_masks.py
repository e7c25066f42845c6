"""Terms of a network that draws one mask a class (Stalder et al. 2022): merging and area bounds."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from xai_jax.core.types import Maps, PerExample
from xai_jax.losses import masks

ClassMaps = Float[Array, "b h w k"]
Labels = Num[Array, "b k"]


def merged(class_logits: ClassMaps, labels: Labels) -> tuple[Maps, Maps]:
    """The target mask m and the non-target mask n, both keep masks ``[b h w 1]`` in [0, 1].

    ``m = max over labels of sigmoid(z)`` and ``n = max over the other classes``; the maximum is
    taken of the logits, so that there is one sigmoid a pixel. m is 0 where an image has no label,
    n is 0 where it has them all.

    Args:
        class_logits: mask logits z, before the sigmoid.
        labels: above 0 for the classes that are in the image.
    """
    is_target = (labels > 0)[:, None, None, :]
    of = lambda chosen: jnp.where(chosen, class_logits, -jnp.inf).max(axis=3, keepdims=True)  # noqa: E731
    return jax.nn.sigmoid(of(is_target)), jax.nn.sigmoid(of(~is_target))


def target_channels(
    class_maps: ClassMaps, labels: Labels, *, max_targets: int
) -> tuple[Float[Array, "b h w t"], Float[Array, "b t"]]:
    """The channels of the classes in each image, side by side and padded to `max_targets`.

    The second array is 1 for a channel of a class in the image and 0 for padding (whose channel is
    some other class's). It is NaN throughout for an image of more than `max_targets` classes: a
    loss on it is NaN rather than wrong.

    Args:
        class_maps: masks or their logits.
        labels: above 0 for the classes that are in the image.
        max_targets: most labels of an image in any batch; at most the number of classes counts.
    """
    is_target = labels > 0
    number = is_target.sum(axis=1, keepdims=True)
    # The place of each class, those in the image first; counted, for of `top_k` every device would
    # do the whole batch.
    before = jnp.cumsum(is_target, axis=1) - 1
    after = number + jnp.cumsum(~is_target, axis=1) - 1
    places = jnp.arange(min(max_targets, labels.shape[1]))  # [t]
    # One row of 0 and 1 a channel: a product is faster than a gather, whose gradient is a scatter.
    chosen = (jnp.where(is_target, before, after)[..., None] == places).astype(class_maps.dtype)
    gathered = jnp.einsum("bhwk,bkt->bhwt", class_maps, chosen, precision=jax.lax.Precision.HIGHEST)
    counted = (places < number).astype(class_maps.dtype)  # [b t]
    return gathered, jnp.where(number <= len(places), counted, jnp.nan)


def bounded_area(
    class_keep: ClassMaps, counted: Labels, *, min_area: float, max_area: float
) -> PerExample:
    """How far each mask's area lies outside its bounds, summed over the counted channels, >= 0.

    Of the values sorted from the brightest, the first ``floor(min_area K)`` are to be 1 and all
    after the first ``floor(max_area K)`` are to be 0; the mean of what they lack over the K pixels.
    The values are not sorted: a selection finds which they are.

    Args:
        class_keep: keep masks in [0, 1], fewer than 2^24 pixels.
        counted: 1 for a channel that is bounded, 0 for one that is not, ``[b k]``.
        min_area: share of the image in [0, 1]; 0 sets no lower bound.
        max_area: likewise; 1 sets no upper bound.
    """
    batch, height, width, channels = class_keep.shape
    pixels = height * width
    flat = class_keep.transpose(0, 3, 1, 2).reshape(batch * channels, pixels)  # [b*k hw]
    bright = lambda share: masks.brightest(flat, jnp.full(len(flat), int(share * pixels)))  # noqa: E731
    lacking = jnp.zeros((len(flat), 1))
    if min_area > 0.0:
        lacking += masks.row_sums(bright(min_area) * (1.0 - flat))
    if max_area < 1.0:
        lacking += masks.row_sums((1.0 - bright(max_area)) * flat)
    per_channel = lacking.reshape(batch, channels) / pixels  # [b k]
    return (per_channel * counted).sum(axis=1)
