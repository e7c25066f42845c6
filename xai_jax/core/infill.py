"""What stands in for removed pixels: a constant, a blur or somebody's inpainting network."""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from xai_jax.core.content import as_json
from xai_jax.core.lengths import Size
from xai_jax.core.types import Images, Maps, PRNGKeys, PyTree


def _images_as_they_are(params: PyTree, images: Images, size: Size) -> Images:
    del params, size
    return images


@struct.dataclass
class Infill:
    """Fills the holes of pictures; no gradient ever flows through it.

    A method calls `prepare` once a picture and the infill itself once a mask, so that what does not
    depend on the mask (a blur) is computed once.

    Fields:
        params: whatever the functions read.
        fill_fn: ``(params, context, keep [b h w 1] of 0 and 1, keys [b]) -> images [b h w c]``,
            unit pixels. What it answers where ``keep`` is 1 is not looked at.
        prepare_fn: ``(params, images [b h w c], size) -> context``, a pytree of ``[b ...]`` arrays;
            by default the images themselves. `size` is the (height, width) of the pictures that are
            explained, to which lengths are in proportion (`core.lengths`).
        drawn_from: ``(fill_fn, prepare_fn)`` of each of the infills of which a mask draws one, of
            `params` each its own; empty where nothing is drawn.
        settings: what has built it, in JSON, by which a later start knows it again; "" of
            somebody's own.
    """

    params: PyTree
    fill_fn: Callable = struct.field(pytree_node=False)
    prepare_fn: Callable = struct.field(pytree_node=False, default=_images_as_they_are)
    drawn_from: tuple[tuple[Callable, Callable], ...] = struct.field(pytree_node=False, default=())
    settings: str = struct.field(pytree_node=False, default="")

    @classmethod
    def from_callable(cls, fn: Callable, params: PyTree = None) -> "Infill":
        """Anybody's inpainting model: ``fn(params, images, keep, keys) -> images``.

        `images` are unit pixels ``[b h w c]``, `keep` is 0 or 1 ``[b h w 1]`` (1 = known), `keys`
        one random key an image. The same `fn` object must be passed each time; a new one compiles
        anew.
        """
        return cls(params=params, fill_fn=fn)

    def each(self) -> "tuple[Infill, ...]":
        """The infills of which a mask draws one; alone, one that draws none."""
        if not self.drawn_from:
            return (self,)
        return tuple(
            Infill(params=own, fill_fn=fill, prepare_fn=prepare)
            for own, (fill, prepare) in zip(self.params, self.drawn_from, strict=True)
        )

    def made_by(self, settings: Any) -> "Infill":
        """The same, which remembers the settings that have built it, if they have a form."""
        try:
            said = json.dumps(as_json(settings))
        except ValueError:
            return self
        return self.replace(settings=said)  # type: ignore[attr-defined, no-any-return]

    @property
    def name(self) -> str:
        """``"local_mean"`` of `LocalMean`; of somebody's own the name of the function."""
        if self.settings:
            kind = json.loads(self.settings)["class"].rpartition(".")[2]
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
        fill = self.fill_fn
        while isinstance(fill, functools.partial):
            fill = fill.func
        return f"{fill.__module__}.{getattr(fill, '__qualname__', type(fill).__qualname__)}"

    def check(self, images_shape: tuple[int, ...]) -> None:
        """Refuses a function of somebody's that does not answer pictures.

        Args:
            images_shape: ``(b, h, w, c)``.

        Raises:
            ValueError: it answers another shape, or takes other arguments.
        """
        if self.prepare_fn is not _images_as_they_are:
            return  # one of ours
        images = jax.ShapeDtypeStruct(images_shape, jnp.float32)
        keep = jax.ShapeDtypeStruct((*images_shape[:3], 1), jnp.float32)
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), images_shape[0]))
        try:
            found = jax.eval_shape(self.fill_fn, self.params, images, keep, keys)
        except TypeError as error:
            raise ValueError(
                f"The infill cannot be called as fn(params, images, keep, keys): {error}."
            ) from error
        if getattr(found, "shape", None) != images_shape:
            said = list(found.shape) if hasattr(found, "shape") else type(found).__name__
            raise ValueError(
                f"The infill must answer pictures {list(images_shape)}, one for each that it is "
                f"given, not {said}."
            )

    def prepare(self, images: Images, size: Size | None = None) -> Any:
        """What `__call__` needs of the pictures, ``[b ...]``; detached.

        Args:
            images: the pictures, or what a method has made of them: enlarged, say.
            size: of the pictures that are explained; ``None``: that of `images`.
        """
        size = images.shape[1:3] if size is None else size
        return jax.lax.stop_gradient(self.prepare_fn(self.params, images, size))

    def __call__(self, context: Any, keep: Maps, keys: PRNGKeys) -> Images:
        """Full-size backgrounds ``[b h w c]`` for hard masks `keep` (1 = kept); detached."""
        keep = jax.lax.stop_gradient(keep)
        return jax.lax.stop_gradient(self.fill_fn(self.params, context, keep, keys))


def weights_sha256(settings: Any) -> str | None:
    """SHA-256 of the files that an infill's settings, or their parts, read; ``None`` for none.

    Raises:
        ValueError: a file is missing, damaged, or of another network.
        OSError: it cannot be read.
    """
    if hasattr(settings, "weights_sha256"):  # `infills.trained.Trained`
        found: str = settings.weights_sha256()
        return found
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        return None
    parts = (weights_sha256(getattr(settings, f.name)) for f in dataclasses.fields(settings))
    return "+".join(part for part in parts if part) or None


def compose(
    images: Float[Array, "*#b h w c"],
    keep: Float[Array, "*#b h w 1"],
    filled: Float[Array, "*#b #h #w #c"],
) -> Float[Array, "*b h w c"]:
    """`images` where `keep` is 1 and `filled` where it is 0; phi(x, z) of FIDO, sec. 1."""
    keep = _each_channel(keep, images.shape[-1])
    return keep * images + (1.0 - keep) * filled


def _each_channel(keep: Float[Array, "*b h w n"], channels: int) -> Float[Array, "*b h w c"]:
    """`keep` beside itself once a channel.

    Broadcasting would be the same, but for its gradient: a sum over an axis of 3, which on CPUs
    costs more than the mask optimisation around it. This one's is a sum of slices.
    """
    return jnp.concatenate([keep] * channels, axis=-1) if keep.shape[-1] == 1 else keep
