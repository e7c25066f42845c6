"""Label maps as a trained segmenter predicts them, for pictures that have none."""

import dataclasses
import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen
from jaxtyping import Float, Int

from xai_jax.core.image import resize
from xai_jax.core.precision import Precision, computed
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray
from xai_jax.nn import convert, learner
from xai_jax.nn.deepfill import scaled
from xai_jax.nn.learner import Weights
from xai_jax.nn.segmenter import RegionSegmenter
from xai_jax.runtime import header, weights_file
from xai_jax.runtime.files import place

KIND = "segmenter"
_ONE = threading.Lock()  # pictures are read by several threads, and it is to be compiled once
_SIDE = 64  # of a picture whose shapes tell those of the parameters


@dataclasses.dataclass(slots=True, kw_only=True)
class Predicted(Settings):
    """The segmenter of a file that a training of `pretrain.segmenter` has left.

    Fields:
        weights: the .safetensors file, or the folder of that run.
        precision: in which the network computes.
    """

    weights: str = ""
    precision: Precision = "float32"

    def build(self) -> "Labels":
        """It.

        Raises:
            ValueError: no file is named, it is damaged, or it is of another network.
            OSError: it cannot be read.
        """
        if not self.weights:
            raise ValueError(
                "The segmenter has no weights; train it with "
                "train.py --config=configs/idd_lite/segmenter.py, and name what that has left."
            )
        content = weights_file.read(place(self.weights))
        weights_file.check_kind(content, (KIND,))
        settings = header.settings(RegionSegmenter(), content.header.config, content.path, "config")
        found = weights_file.weights(content, abstract(settings), header.REMEDY)
        return Labels(
            names=tuple(settings.regions),
            network=settings.build(),
            precision=self.precision,
            weights=jax.tree.map(jnp.asarray, found),
            preprocess=content.header.preprocess,
            sha256=content.sha256,
            file=content.path.name,
        )


def abstract(settings: RegionSegmenter) -> Weights:
    """Shapes of the network's variables."""
    shapes = convert.shapes_of(settings.build(), (1, _SIDE, _SIDE, 3))
    return Weights(params=shapes["params"], statistics=shapes.get("batch_stats", {}))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Labels:
    """Which region each pixel of a picture belongs to, one picture at a time.

    So the map of a picture does not depend on its company.

    Fields:
        names: of the numbers.
        network: what was trained.
        precision: in which it computes.
        weights: of it.
        preprocess: at which size it was; a picture of another is resized to that, and its map back.
        sha256: of the file.
        file: its name.
    """

    names: tuple[str, ...]
    network: linen.Module
    precision: Precision
    weights: Weights
    preprocess: Preprocess
    sha256: str
    file: str = f"{KIND}.safetensors"

    def digests(self) -> dict[str, str]:
        """Of the file, which the label maps depend on."""
        return {self.file: self.sha256[:32]}

    def __call__(self, image: Float[np.ndarray, "h w c"]) -> Int[np.ndarray, "h w"]:
        """The numbers, int32, of unit pixels."""
        size = self.preprocess.height, self.preprocess.width
        with _ONE:
            found = _predicted(
                self.network, self.precision, size, self.weights, jnp.asarray(image)[None]
            )
        return np.asarray(found[0])


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _predicted(
    network: linen.Module,
    precision: Precision,
    size: tuple[int, int],
    weights: Weights,
    images: AnyArray,
) -> AnyArray:
    apply = computed(functools.partial(learner.apply, network), precision)
    logits = apply(weights, scaled(resize(images, *size)))
    labels = logits.argmax(axis=-1).astype(jnp.int32)
    height, width = images.shape[1:3]
    rows, columns = ((np.arange(n) + 0.5) / n for n in (height, width))  # the nearest pixels
    return labels[:, (rows * size[0]).astype(int)][:, :, (columns * size[1]).astype(int)]
