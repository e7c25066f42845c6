"""What infills with a network have in common: the file of its weights."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.lengths import Size
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, Maps, PyTree
from xai_jax.nn.learner import Weights
from xai_jax.runtime import header, weights_file
from xai_jax.runtime.files import place
from xai_jax.runtime.weights_file import Content

Network = TypeVar("Network", bound=Settings)


@dataclasses.dataclass(slots=True, kw_only=True)
class Trained(Settings):
    """An infill with a network.

    Fields:
        weights: the .safetensors file that its training has left, or the folder of that run; empty:
            the file that comes with the package, where there is one.
    """

    weights: str = ""
    kind = ""  # of the file, and the name of the infill; each class has its own
    shipped = ""  # the file that comes with the package

    def file(self) -> Content:
        """The file, its header checked.

        Raises:
            ValueError: none is named, there is none, it is damaged, or it is of another network.
            OSError: it cannot be read.
        """
        path = self.weights or self.shipped
        if not path:
            raise ValueError(
                f"The infill {self.kind} has no weights of its own; train it with "
                f"train.py --config=configs/infill/{self.kind}.py, and name what that has left "
                f"with --infill-weights FILE (in Python {type(self).__name__}(weights=FILE))."
            )
        content = weights_file.read(place(path))
        weights_file.check_kind(content, (self.kind,))
        return content

    def weights_sha256(self) -> str:
        """SHA-256 of the file, by which a later start knows it again.

        Raises:
            ValueError: as of `file`.
            OSError: likewise.
        """
        return self.file().sha256


def loaded(content: Content, network: Network) -> tuple[Network, PyTree]:
    """The settings of the network in a file, and its variables as float32 on the device.

    Args:
        content: of the file.
        network: settings whose fields the file's header replaces; `build` makes a linen module
            that eats ``(images [b h w c], map [b h w 1])``, and `channels` says what c is.

    Raises:
        ValueError: the arrays are not those of the network that the header describes.
    """
    made: Any = header.settings(network, content.header.config, content.path, "config")
    half = any(array.dtype == np.float16 for array in content.arrays.values())
    image = jnp.zeros((1, 32, 32, made.channels))
    shapes = jax.eval_shape(made.build().init, jax.random.key(0), image, image[..., :1])
    wanted = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, jnp.float16 if half else x.dtype),
        Weights(params=shapes["params"], statistics=shapes.get("batch_stats", {})),
    )
    found = weights_file.weights(content, wanted, header.REMEDY)
    found = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), found)
    return made, {"params": found.params, "batch_stats": found.statistics}


def checked(images: Images, channels: int, kind: str) -> Images:
    """The images.

    Raises:
        ValueError: they have another number of channels than those that the network has learned,
            and are not grey: one channel to a network of colours, three to a network of greys.
    """
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            f"The infill {kind} fills pictures of {channels} channels, and these have "
            f"{images.shape[-1]}; choose another infill, pyramid say."
        )
    return images


def learned(images: Images, channels: int) -> AnyArray:
    """As a network has learned them: a grey picture as colour, or one in colours in its greys."""
    if images.shape[-1] == channels:
        return images
    if channels == 1:
        return images.mean(axis=-1, keepdims=True)
    return jnp.broadcast_to(images, (*images.shape[:-1], channels))


def answered(filled: AnyArray, images: Images) -> Images:
    """What a network has filled, in the channels of the pictures: see `learned`."""
    if images.shape[-1] < filled.shape[-1]:
        grey: Images = filled.mean(axis=-1, keepdims=True)
        return grey
    return jnp.broadcast_to(filled, images.shape)


def at_any_size(
    fill: Callable[[Images, Maps], Images], images: Images, keep: Maps, stride: int
) -> Images:
    """The answer of a network, kept pixels and all, at any size of picture.

    Args:
        fill: ``(images, keep) -> images`` at sides that `stride` divides.
        images: ``[b h w c]``.
        keep: ``[b h w 1]``; beyond the border nothing is known.
        stride: of the network.
    """
    height, width = images.shape[1:3]
    pads = ((0, 0), (0, -height % stride), (0, -width % stride), (0, 0))
    filled = fill(jnp.pad(images, pads), jnp.pad(keep, pads))
    return filled[:, :height, :width]


@functools.cache
def preparing(channels: int, kind: str) -> Callable:
    """A `prepare_fn` that hands on the images, `checked`; one object for the same arguments."""

    def prepare(params: PyTree, images: Images, size: Size) -> Images:
        del params, size
        return checked(images, channels, kind)

    return prepare
