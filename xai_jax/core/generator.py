"""A generator with a latent space, for methods that move codes instead of masks."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from xai_jax.core.components import Split, check_numbers
from xai_jax.core.errors import BadPicture
from xai_jax.core.precision import Precision, computed
from xai_jax.core.types import AnyArray, Images, PRNGKeys, PyTree


def _images_as_they_are(params: PyTree, images: Images, regions: AnyArray | None) -> Images:
    del params, regions
    return images


@struct.dataclass
class Generator:
    """Images to codes and back.

    A method calls `prepare` once a picture, `encode` once, and `decode` at every step: what depends
    on the picture or its label map alone is computed once.

    Fields:
        params: whatever the functions read.
        encode_fn: ``(params, context) -> codes``, a pytree of ``[b ...]`` arrays.
        decode_fn: ``(params, context, codes, keys [b]) -> images [b h w c]``, unit pixels.
        prepare_fn: ``(params, images [b h w c], regions [b h w] or None) -> context``, a pytree of
            ``[b ...]`` arrays; by default the images themselves.
        region_names: of the label map's numbers 0, 1 ...; empty where there is no map.
        split: from the label maps that are handed in to these numbers, on the host; ``None``: they
            are the same.
        stride: a region has a code where it has a pixel in every `stride`-th row and column of the
            label map, from the first on: smaller ones the networks do not see.
    """

    params: PyTree
    encode_fn: Callable = struct.field(pytree_node=False)
    decode_fn: Callable = struct.field(pytree_node=False)
    prepare_fn: Callable = struct.field(pytree_node=False, default=_images_as_they_are)
    region_names: tuple[str, ...] = struct.field(pytree_node=False, default=())
    split: Split | None = struct.field(pytree_node=False, default=None)
    stride: int = struct.field(pytree_node=False, default=1)

    def prepare(self, images: Images, regions: AnyArray | None = None) -> Any:
        """What `encode` and `decode` need of the pictures, ``[b ...]``."""
        return self.prepare_fn(self.params, images, regions)

    def seen(self, regions: AnyArray) -> AnyArray:
        """``[b n]`` bool: which regions of label maps ``[b h w]`` have codes, and can move."""
        grid = regions[:, :: self.stride, :: self.stride, None]
        found: AnyArray = (grid == jnp.arange(len(self.region_names))).any((1, 2))
        return found

    def in_precision(self, precision: Precision) -> "Generator":
        """The same networks computing in "bfloat16", forward and backward, or in "float32"."""
        return dataclasses.replace(
            self,
            encode_fn=computed(self.encode_fn, precision),
            decode_fn=computed(self.decode_fn, precision),
            prepare_fn=computed(self.prepare_fn, precision),
        )

    def encode(self, context: Any) -> Any:
        """Codes of the prepared pictures."""
        return self.encode_fn(self.params, context)

    def decode(self, context: Any, codes: Any, keys: PRNGKeys) -> Images:
        """Pictures of `codes`, unit pixels; `keys` are of the noise, one a picture."""
        return self.decode_fn(self.params, context, codes, keys)


def check_prepares(generator: Generator, shape: tuple[int, ...]) -> None:
    """Refuses pictures ``[b h w c]`` that it cannot draw; computes nothing.

    Raises:
        ValueError: of its own `prepare_fn`.
    """
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    labels = jax.ShapeDtypeStruct(shape[:3], jnp.int32) if generator.region_names else None
    jax.eval_shape(Generator.prepare, generator, images, labels)


def check_size(images: Images, size: tuple[int, ...], network: str, remedy: str = "") -> None:
    """Refuses pictures of other sides than a network was trained on.

    Args:
        images: ``[b h w c]``.
        size: height and width that it has learned.
        network: what an error calls it.
        remedy: what helps beside training another: the end of a sentence, without its full stop.

    Raises:
        ValueError: they differ; says both.
    """
    if images.shape[1:3] != tuple(size):
        here, there = ("{} x {}".format(*sides) for sides in (images.shape[1:3], size))
        raise ValueError(
            f"The pictures are {here}, and {network} was trained on {there}; train one on "
            f"pictures of this size{remedy}."
        )


def check_label_map(generator: Generator, known: Mapping[str, Any]) -> None:
    """Refuses what is known of one picture where the generator's label map is not in it.

    Raises:
        BadPicture: there is none, or it has a number that is no region.
    """
    if not generator.region_names:
        return
    if "regions" not in known:
        raise BadPicture("It has no label map; hand one in as regions.")
    check_numbers(known["regions"], len(generator.region_names))


def region_names(generator: Generator | None) -> tuple[str, ...]:
    """Of its label maps' numbers; empty where there is no generator, or no map."""
    return () if generator is None else generator.region_names


def map_names(generator: Generator | None) -> tuple[str, ...]:
    """Of the numbers in the label maps that are handed in, before any falls into pieces."""
    split = None if generator is None else generator.split
    return region_names(generator) if split is None else split.classes


def check_map_names(
    found: Sequence[str], wanted: Sequence[str], whose: str = "the generator draws"
) -> None:
    """Refuses predicted label maps whose numbers stand for other regions.

    The last of the wanted ones may never be predicted: what is void, say.

    Args:
        found: names of the numbers that a segmenter predicts; empty: not known.
        wanted: names of the numbers that are asked for; empty: none are.
        whose: what an error says before these.

    Raises:
        ValueError: they differ; says both.
    """
    wanted = tuple(wanted)[: len(found)]
    if wanted and wanted != tuple(found):
        raise ValueError(
            f"The segmenter finds {', '.join(found)}, and {whose} {', '.join(wanted)}; name two "
            "that have learned from the same label maps."
        )


def check_region_names(names: Sequence[str], generator: Generator | None) -> None:
    """Refuses names that stand for other numbers than the generator's regions have.

    Pieces into which its regions fall ("car 2") are named or left out.

    Args:
        names: of the numbers 0, 1 ... that are asked for.
        generator: ``None``: there is nothing to compare them with.

    Raises:
        ValueError: they differ; says both.
    """
    if generator is None:
        return
    drawn = map_names(generator)
    if tuple(names) not in (drawn, region_names(generator)):
        raise ValueError(
            f"The regions that are scored are {', '.join(names)}, and the generator draws "
            f"{', '.join(drawn)}; name these, in this order."
        )


def numbered(generator: Generator | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of one picture, its label map in the generator's numbers.

    Args:
        generator: ``None``: all stays.
        known: by the names of `core.types.Batch`.

    Raises:
        BadPicture: the map does not fall into the generator's regions.
    """
    split = None if generator is None else generator.split
    if split is None or "regions" not in known:
        return dict(known)
    return {**known, "regions": split(known["regions"])}
