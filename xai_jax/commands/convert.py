"""``xai-jax convert``: released weights of DeepFill become what --infill-weights takes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import tyro

from xai_jax.classifiers import torch_file
from xai_jax.core.preprocess import Preprocess
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.nn import deepfill, released_deepfill
from xai_jax.nn.learner import Weights
from xai_jax.runtime import tensor_bundle, weights_file


@dataclasses.dataclass(kw_only=True)
class Arguments:
    r"""Converts the released weights of DeepFill v1 for "--infill ca".

    For example:
      xai-jax convert release_imagenet_256/snap-0.index --out ca.safetensors
      xai-jax explain --infill ca --infill-weights ca.safetensors \
          --classifier efficientnet_lite0 --out results photo.jpg

    Args:
        weights: the .index of the TensorFlow checkpoint (its .data file beside it), or the .pth of
            its known PyTorch conversion.
        out: the .safetensors file to write.
        blue_first: whether the network was fed blue, green, red, as the released one was.
    """

    weights: tyro.conf.Positional[Path]
    out: Path
    blue_first: bool = True


def main(argv: Sequence[str]) -> None:
    """Writes the file, and says where it is.

    Raises:
        ValueError: the file is missing, damaged, or of another network; or `out` has another
            ending.
    """
    args = tyro.cli(Arguments, args=argv, prog="xai-jax convert")
    if args.out.suffix != ".safetensors":
        raise ValueError(f"--out {args.out} has to end in .safetensors.")
    read = tensor_bundle.read if args.weights.suffix == ".index" else torch_file.read
    network = deepfill.Network()
    image = jnp.zeros((1, 32, 32, network.channels))
    shapes = jax.eval_shape(network.build().init, jax.random.key(0), image, image[..., :1])
    params = released_deepfill.params(
        read(args.weights), shapes["params"], blue_first=args.blue_first
    )
    weights_file.write(
        args.out,
        Weights(params=params, statistics={}),
        kind=ContextualAttention.kind,
        config=network,
        preprocess=Preprocess(),
        class_names=(),
    )
    print(args.out)
