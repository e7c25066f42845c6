"""``xai-jax convert``: released weights become files as our own trainings leave them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import tyro

from xai_jax.classifiers import entries, new_head, segmenter, torch_file
from xai_jax.core.domains import Count, Names, Share
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import coerced
from xai_jax.core.targets import Head
from xai_jax.generators import sean
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.nn import deepfill, deeplab, released_deepfill, released_sean
from xai_jax.nn.learner import Weights
from xai_jax.nn.segmenter import Architecture, RegionSegmenter
from xai_jax.nn.state_reader import StateDict
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
        classes: names of a classifier's outputs, in their order, each a decision by itself
            (sigmoid); its pictures are taken to be in [-1, 1].
        architecture: of the classifier.
        height: of the pictures that a network with regions or classes was trained on.
        width: likewise.
        crop: how these were cut out, as "crop" of a classifier's settings: the middle share of a
            side, 0.8427 for STEEX's of CelebA (150 pixels of 178); 0: the whole picture.
        resample: how these were resized; STEEX's authors did it bicubically.
    """

    weights: tyro.conf.Positional[Path]
    out: Path
    blue_first: bool = True
    regions: tuple[str, ...] = ()
    first_is_last: bool = False
    classes: tuple[str, ...] = ()
    architecture: str = "densenet121"
    height: Count = 256
    width: Count = 256
    crop: Share = 0.0
    resample: Literal["bicubic", "bilinear"] = "bicubic"


def main(argv: Sequence[str]) -> None:
    """Writes the file, and says where it is.

    Raises:
        ValueError: the file is missing, damaged, or of another network; or `out` has another
            ending; or both regions and classes are named, or one of them twice.
    """
    args = tyro.cli(Arguments, args=argv, prog="xai-jax convert")
    if args.out.suffix != ".safetensors":
        raise ValueError(f"--out {args.out} has to end in .safetensors.")
    for flag, names in (("--regions", args.regions), ("--classes", args.classes)):
        coerced(Names, names, flag)
    if args.regions and args.classes:
        raise ValueError("A network has regions or classes; name one of --regions and --classes.")
    if args.regions:
        _convert_with_regions(args)
    elif args.classes:
        _convert_classifier(args)
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


def _convert_with_regions(args: Arguments) -> None:
    state_dict = torch_file.read(args.weights)
    if released_sean.is_sean(state_dict):
        _convert_sean(args, state_dict)
    else:
        _convert_segmenter(args, state_dict)


def _convert_sean(args: Arguments, state_dict: StateDict) -> None:
    network, weights = released_sean.network(state_dict, args.regions)
    network.check(args.height, args.width, remedy="set --height and --width")
    _write(args, weights, sean.KIND, network)


def _convert_classifier(args: Arguments) -> None:
    network = entries.architecture_of(args.architecture).network
    # The trunk of the authors' networks is a part of them.
    state_dict = {
        name.removeprefix("feat_extract."): array
        for name, array in torch_file.read(args.weights).items()
    }
    params = network.convert(state_dict)
    _check_names("--classes", args.classes, params["classes"]["bias"].shape[0], args.weights)
    about = new_head.NewHead(
        architecture=args.architecture, head=Head.SIGMOID, mean=(0.5,) * 3, std=(0.5,) * 3
    )
    _write(args, new_head.parts(params), new_head.KIND, about, args.classes)


def _write(
    args: Arguments, weights: Weights, kind: str, config: Any, classes: tuple[str, ...] = ()
) -> None:
    size = Preprocess(height=args.height, width=args.width, crop=args.crop, resample=args.resample)
    weights_file.write(
        args.out, weights, kind=kind, config=config, preprocess=size, class_names=classes
    )


def _check_names(flag: str, names: tuple[str, ...], found: int, path: Path) -> None:
    if found != len(names):
        raise ValueError(
            f"{path} has {found} outputs, and {flag} names {len(names)}; name each of them once."
        )


def _convert_segmenter(args: Arguments, state_dict: StateDict) -> None:
    depth = 101 if any(name.startswith("backbone.layer3.22.") for name in state_dict) else 50
    variables = deeplab.variables(state_dict, depth)
    params = variables["params"]
    _check_names("--regions", args.regions, params["classes"]["bias"].shape[0], args.weights)
    if args.first_is_last:
        moved = {name: jnp.roll(leaf, -1, axis=-1) for name, leaf in params["classes"].items()}
        params = {**params, "classes": moved}
    kind = Architecture.DEEPLAB101 if depth == 101 else Architecture.DEEPLAB
    config = RegionSegmenter(regions=args.regions, architecture=kind)
    weights = Weights(params=params, statistics=variables["batch_stats"])
    _write(args, weights, segmenter.KIND, config)
