"""The latent space of an autoencoder that was trained on the pictures that are explained."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.generator import Generator, check_size
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, PRNGKeys, PyTree
from xai_jax.nn import autoencoder as nets
from xai_jax.nn.learner import Weights
from xai_jax.runtime import header, weights_file
from xai_jax.runtime.files import place
from xai_jax.runtime.weights_file import Content

KIND = "autoencoder"


@dataclasses.dataclass(slots=True, kw_only=True)
class Autoencoder(Settings):
    """A trained `nn.autoencoder.Network`; codes are ``[b n]``.

    Attributes:
        weights: the .safetensors file that its training has left, or the folder of that run.
    """

    weights: str = ""

    def file(self) -> Content:
        """The file, its header checked.

        Raises:
            ValueError: none is named, there is none, it is damaged, or it holds something else.
            OSError: it cannot be read.
        """
        if not self.weights:
            raise ValueError(
                "An autoencoder is trained on the pictures that are explained; train one, with a "
                "config like configs/mnist/autoencoder.py, and name what that has left with "
                "--generator FILE (in a config, Autoencoder(weights=...))."
            )
        content = weights_file.read(place(self.weights))
        weights_file.check_kind(content, (KIND,))
        return content

    def build(self, classifier: Classifier) -> Generator:
        """The latent space.

        Raises:
            ValueError: see `file`; or a picture has other sides, when it is prepared.
            OSError: see `file`.
        """
        del classifier
        content = self.file()
        network = header.settings(nets.Autoencoder(), _network(content), content.path, "network")
        size = content.header.preprocess.height, content.header.preprocess.width
        module = network.build(size)
        abstract = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, *size, 3)))
        wanted = Weights(params=abstract["params"], statistics={})
        found = weights_file.weights(content, wanted, header.REMEDY)
        encode, decode, prepare = _functions(module)
        return Generator(
            params=jax.tree.map(jnp.asarray, found.params),
            encode_fn=encode,
            decode_fn=decode,
            prepare_fn=prepare,
        )


def _network(content: Content) -> dict:
    """What the header says of the network."""
    found = content.header.config.get("network")
    if not isinstance(found, dict):
        raise ValueError(f"{content.path} does not describe its network; {header.REMEDY}.")
    return found


@functools.cache
def _functions(module: nets.Network) -> tuple:
    """One object of each a network: what is compiled with it is not compiled again."""
    parts = (_encode, _decode, _prepare)
    return tuple(functools.partial(part, module=module) for part in parts)


def _prepare(params: PyTree, images: Images, regions, *, module: nets.Network) -> Images:
    del params, regions
    check_size(images, module.size, "the autoencoder")
    return images


def _encode(params: PyTree, context: Images, *, module: Any) -> AnyArray:
    codes: AnyArray = module.apply({"params": params}, context, method="encode")
    return codes


def _decode(
    params: PyTree, context: Images, codes: AnyArray, keys: PRNGKeys, *, module: Any
) -> Images:
    del keys
    drawn = module.apply({"params": params}, codes, method="decode")
    return jnp.broadcast_to(drawn, (*drawn.shape[:3], context.shape[3]))
