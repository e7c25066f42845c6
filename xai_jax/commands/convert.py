"""``xai-jax convert``: released weights become what --infill-weights or --segmenter takes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import tyro

from xai_jax.classifiers import segmenter, torch_file
from xai_jax.core.domains import Count
from xai_jax.core.preprocess import Preprocess
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.nn import deepfill, deeplab, released_deepfill
from xai_jax.nn.learner import Weights
from xai_jax.nn.segmenter import Architecture, RegionSegmenter
from xai_jax.runtime import tensor_bundle, weights_file


@dataclasses.dataclass(kw_only=True)
class Arguments:
    r"""Converts released weights.

    DeepFill v1 for "--infill ca"; with --regions a DeepLabv3 for "--segmenter".

    For example:
      xai-jax convert release_imagenet_256/snap-0.index --out ca.safetensors
      xai-jax explain --infill ca --infill-weights ca.safetensors \
          --classifier efficientnet_lite0 --out results photo.jpg

    Args:
        weights: the .index of the TensorFlow checkpoint (its .data file beside it), or the .pth of
            its known PyTorch conversion; of a segmenter its .pth.
        out: the .safetensors file to write.
        blue_first: whether DeepFill was fed blue, green, red, as the released one was.
        regions: names of a segmenter's outputs, in their order.
        first_is_last: the first output of the file is the last of --regions, as in STEEX's of
            BDD100K, whose first is "unlabelled".
        height: of the pictures that the segmenter was trained on.
        width: likewise.
    """

    weights: tyro.conf.Positional[Path]
    out: Path
    blue_first: bool = True
    regions: tuple[str, ...] = ()
    first_is_last: bool = False
    height: Count = 256
    width: Count = 256


def main(argv: Sequence[str]) -> None:
    """Writes the file, and says where it is.

    Raises:
        ValueError: the file is missing, damaged, or of another network; or `out` has another
            ending.
    """
    args = tyro.cli(Arguments, args=argv, prog="xai-jax convert")
    if args.out.suffix != ".safetensors":
        raise ValueError(f"--out {args.out} has to end in .safetensors.")
    if args.regions:
        _convert_segmenter(args)
    else:
        _convert_deepfill(args)
    print(args.out)


def _convert_deepfill(args: Arguments) -> None:
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


def _convert_segmenter(args: Arguments) -> None:
    state_dict = torch_file.read(args.weights)
    depth = 101 if any(name.startswith("backbone.layer3.22.") for name in state_dict) else 50
    variables = deeplab.variables(state_dict, depth)
    params = variables["params"]
    found = params["classes"]["bias"].shape[0]
    if found != len(args.regions):
        raise ValueError(
            f"{args.weights} has {found} outputs, and --regions names {len(args.regions)}; name "
            "each of them once."
        )
    if args.first_is_last:
        moved = {name: jnp.roll(leaf, -1, axis=-1) for name, leaf in params["classes"].items()}
        params = {**params, "classes": moved}
    kind = Architecture.DEEPLAB101 if depth == 101 else Architecture.DEEPLAB
    weights_file.write(
        args.out,
        Weights(params=params, statistics=variables["batch_stats"]),
        kind=segmenter.KIND,
        config=RegionSegmenter(regions=args.regions, architecture=kind),
        preprocess=Preprocess(height=args.height, width=args.width),
        class_names=(),
    )
