"""Connected components of masks, all masks of a batch at once and on the device."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

Inside = Bool[Array, "b h w 1"]
Labels = Int[Array, "b h w"]


def labelled(inside: Inside) -> Labels:
    """Of each pixel inside the number, in reading order, of its component's first pixel.

    ``h w`` beside the mask. Pixels that share a side are connected, as in SciPy's default. Every
    pixel takes the smallest number among its neighbours, tells it to the pixel that its own number
    names, and follows that one's, twice: the steps grow with the logarithm of the longest way.
    """
    num, height, width, _ = inside.shape
    outside = num * height * width  # the pixel that stands for all outside
    is_inside = inside[..., 0]
    own = jnp.arange(outside).reshape(num, height, width)  # numbers through all masks

    def step(carry):
        labels, _ = carry
        near = jnp.where(is_inside, _least_around(labels, outside), outside)
        told = jnp.append(labels.ravel(), outside)
        found = told.at[labels.ravel()].min(near.ravel(), mode="promise_in_bounds")
        for _ in range(2):
            found = found.at[found].get(mode="promise_in_bounds")
        found = jnp.where(is_inside, found[:-1].reshape(own.shape), outside)
        return found, (found != labels).any()

    start = jnp.where(is_inside, own, outside), jnp.bool_(True)
    labels, _ = jax.lax.while_loop(lambda carry: carry[1], step, start)
    return jnp.where(is_inside, labels % (height * width), height * width)


def _least_around(labels: Labels, outside: int) -> Labels:
    padded = jnp.pad(labels, ((0, 0), (1, 1), (1, 1)), constant_values=outside)
    above, below = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
    left, right = padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
    beside = jnp.minimum(jnp.minimum(above, below), jnp.minimum(left, right))
    return jnp.minimum(labels, beside)


def largest(inside: Inside) -> Inside:
    """The component with the most pixels; of equals the first in reading order."""
    labels = labelled(inside)
    outside = labels.shape[1] * labels.shape[2]
    flat = labels.reshape(len(labels), -1)
    sizes = jax.vmap(lambda one: jnp.bincount(one, length=outside + 1)[:-1])(flat)
    best = jnp.argmax(sizes, axis=1)
    return inside & (labels == best[:, None, None])[..., None]
