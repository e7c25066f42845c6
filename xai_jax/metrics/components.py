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
    names, and follows that one's: the steps grow with the logarithm of the longest way.
    """
    _, height, width, _ = inside.shape
    return jax.vmap(_of_one)(inside.reshape(-1, height, width))


def _of_one(inside: Bool[Array, "h w"]) -> Int[Array, "h w"]:
    height, width = inside.shape
    outside = height * width
    own = jnp.arange(outside).reshape(height, width)

    def step(carry):
        labels, _ = carry
        near = jnp.where(inside, jnp.minimum(labels, _least_neighbour(labels, outside)), outside)
        flat = jnp.append(labels.ravel(), outside)  # the pixel that stands for all outside
        told = flat.at[labels.ravel()].min(near.ravel())
        found = jnp.minimum(told[:-1], near.ravel())
        found = jnp.append(found, outside)[found]
        found = jnp.where(inside, found.reshape(height, width), outside)
        return found, (found != labels).any()

    start = jnp.where(inside, own, outside), jnp.bool_(True)
    return jax.lax.while_loop(lambda carry: carry[1], step, start)[0]


def _least_neighbour(labels: Int[Array, "h w"], outside: int) -> Int[Array, "h w"]:
    padded = jnp.pad(labels, 1, constant_values=outside)
    beside = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    return jnp.minimum(jnp.minimum(*beside[:2]), jnp.minimum(*beside[2:]))


def largest(inside: Inside) -> Inside:
    """The component with the most pixels; of equals the first in reading order."""
    labels = labelled(inside)
    outside = labels.shape[1] * labels.shape[2]
    flat = labels.reshape(len(labels), -1)
    sizes = jax.vmap(lambda one: jnp.bincount(one, length=outside + 1)[:-1])(flat)
    best = jnp.argmax(sizes, axis=1)
    return inside & (labels == best[:, None, None])[..., None]
