"""SEAN as a generator: a style code a region, and the picture of a label map with other styles."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.components import Components
from xai_jax.core.generator import Generator, check_size
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, PRNGKeys, PyTree
from xai_jax.nn import sean, sean_encoder
from xai_jax.nn.deepfill import scaled, unscaled
from xai_jax.nn.learner import Weights
from xai_jax.nn.region_norm import Codes
from xai_jax.runtime import header, weights_file
from xai_jax.runtime.files import place
from xai_jax.runtime.weights_file import Content

KIND = "sean"
_SIDE = 128  # of a picture whose shapes tell those of the parameters, or more where it halves more
_OF_RELEASED = ", or let xai-jax convert read released weights anew with --height and --width"


@dataclasses.dataclass(slots=True, kw_only=True)
class Sean(Settings):
    """The generator of a file that a training of `pretrain.sean` has left.

    Fields:
        weights: the .safetensors file, or the folder of that run.
        components: which regions fall into their connected pieces, each with a code of its own; by
            default none.
    """

    weights: str = ""
    components: Components = dataclasses.field(default_factory=Components)

    def build(self, classifier: Any = None) -> Generator:
        """It; the classifier makes no difference.

        Raises:
            ValueError: no file is named, it is damaged, or it is of another network; or a picture
                has other sides than those it was trained on, when it is prepared.
            OSError: it cannot be read.
        """
        del classifier
        content = self.file()
        settings = header.settings(sean.Sean(), content.header.config, content.path, "config")
        found = weights_file.weights(content, abstract(settings), header.REMEDY)
        size = content.header.preprocess.height, content.header.preprocess.width
        return of_weights(settings, jax.tree.map(jnp.asarray, found), self.components, size)

    def file(self) -> Content:
        """The file, its header checked; raises as `build`."""
        if not self.weights:
            raise ValueError(
                "The generator sean has no weights; train it with "
                "train.py --config=configs/steex/planted_sean.py, and name what that has left."
            )
        content = weights_file.read(place(self.weights))
        weights_file.check_kind(content, (KIND,))
        return content


def abstract(settings: sean.Sean) -> Weights:
    """Shapes of the network's variables."""
    side = max(_SIDE, 2**settings.depth)
    image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    one_hot = jax.ShapeDtypeStruct((1, side, side, len(settings.regions)), jnp.float32)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 1))
    shapes = jax.eval_shape(settings.build().init, jax.random.key(0), image, one_hot, keys)
    return Weights(params=shapes["params"], statistics=shapes["batch_stats"])


def of_weights(
    settings: sean.Sean,
    weights: Weights,
    components: Components | None = None,
    size: tuple[int, int] | None = None,
) -> Generator:
    """The generator of a trained network.

    Args:
        settings: of the network.
        weights: of it.
        components: as of `Sean`.
        size: height and width of the pictures that it was trained on; others are refused. ``None``:
            not known, and any that halve so often are taken.

    Raises:
        ValueError: see `Components.build`.
    """
    names = tuple(settings.regions)
    split = None if components is None else components.build(names)
    if split is not None and split.at_most == 1:
        split = None  # the regions as they are
    encode, decode, prepare = _functions(
        names,
        settings.width,
        settings.depth,
        settings.style,
        settings.hidden,
        () if split is None else split.origins,
    )
    return Generator(
        params={
            "params": sean.normed_for_good(weights.params) if settings.spectral else weights.params,
            "batch_stats": weights.statistics,
        },
        encode_fn=encode,
        decode_fn=decode,
        prepare_fn=prepare if size is None else _of_size(prepare, size),
        region_names=names if split is None else split.names,
        split=split,
        stride=sean_encoder.STRIDE,
    )


@functools.cache
def _of_size(prepare: Callable, size: tuple[int, int]) -> Callable:
    """`prepare` for pictures of one size; the same object for the same size."""

    def checked(params: PyTree, images: Images, labels: AnyArray | None) -> Any:
        check_size(images, size, "SEAN", _OF_RELEASED)
        return prepare(params, images, labels)

    return checked


@functools.cache
def _functions(
    regions: tuple[str, ...],
    width: int,
    depth: int,
    style: int,
    hidden: int,
    origins: tuple[int, ...],
) -> tuple[Callable, Callable, Callable]:
    """Encode, decode and prepare; the same objects for the same sizes, for new ones compile anew.

    The context is the picture in [-1, 1] with its `nn.sean.Context`: scales and shifts of all norms
    and the map at each size with what is around each pixel. As published that is 25 million numbers
    or 99 MB a picture of 128 x 128, 397 MB of 256 x 256 and 802 MB of 256 x 512; of a network of
    width 16 without SPADE's convolutions, at 128 x 80, 11 MB.
    """
    settings = sean.Sean(regions=regions, width=width, depth=depth, style=style, hidden=hidden)
    network = settings.build(spectral=False, origins=origins)

    def prepare(params: PyTree, images: Images, labels: AnyArray | None) -> Any:
        settings.check(*images.shape[1:3])
        if labels is None:
            raise ValueError(
                "The generator draws regions, and the pictures have no label maps; hand them in "
                "as regions."
            )
        one_hot = jax.nn.one_hot(labels, len(origins or regions), dtype=images.dtype)
        return scaled(images), network.apply(params, one_hot, method="prepare")

    def encode(params: PyTree, context: Any) -> Codes:
        pixels, about = context
        codes: Codes = network.apply(params, pixels, about.grids[-1].one_hot, method="encode")
        return codes

    def decode(params: PyTree, context: Any, codes: Codes, keys: PRNGKeys) -> Images:
        pixels = network.apply(params, context[1], codes, keys, method="decode")
        return unscaled(pixels)

    return encode, decode, prepare
