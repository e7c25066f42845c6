"""SEAN's released weights, ``latest_net_G.pth`` of the authors and of STEEX, as ours.

Zhu, Abdal, Qin, Wonka, CVPR 2020 (specs: steex, sec. 1.3, 1.4). PyTorch's spectral norm keeps a
kernel and two vectors, whose product is the norm by which the kernel is divided in use; here it is
divided once, and `nn.sean.Sean.spectral` is off. All sizes are read off the arrays.
"""

import numpy as np

from xai_jax.core.types import PyTree
from xai_jax.nn.learner import Weights
from xai_jax.nn.sean import Sean
from xai_jax.nn.state_reader import StateDict, StateReader

ENCODER = "Zencoder."  # begins names that no other network has
_SHRINKING = {"conv0": 1, "conv1": 4, "conv2": 7}  # layers of the encoder, and their places in it
_DOUBLED, _STYLES = f"{ENCODER}model.10", f"{ENCODER}model.14"
_FIRST = ("head_0", "G_middle_0", "G_middle_1")  # blocks; then up_0, up_1, ...
_NORMS = {"ace_0": "norm0", "ace_1": "norm1", "ace_s": "norm_skip"}
_CONVS = {"conv_0": "spectral0", "conv_1": "spectral1", "conv_s": "spectral_skip"}


def is_sean(state_dict: StateDict) -> bool:
    """Whether these are weights of a SEAN, by their names."""
    return any(name.startswith(ENCODER) for name in state_dict)


def network(state_dict: StateDict, regions: tuple[str, ...]) -> tuple[Sean, Weights]:
    """Settings and weights of a released generator with its encoder.

    Args:
        state_dict: under the authors' names.
        regions: names of the label map's numbers.

    Raises:
        ValueError: an array is missing, left over, of another shape or not finite; or it has
            another number of regions.
    """
    read = StateReader(state_dict, "SEAN")
    blocks = [*_FIRST, *_rising(state_dict)]
    settings = _settings(read, blocks, regions)
    top = settings.width * 2 ** (settings.depth - 1)
    params = {
        "encoder": _encoder(read, settings),
        "start": read.conv("fc", shape=(top, len(regions), 3, 3), bias=True),
        "colours": read.conv("conv_img", shape=(3, settings.width, 3, 3), bias=True),
    }
    statistics, inputs = {}, top
    for i, name in enumerate(blocks):
        outputs = top if i < len(_FIRST) else inputs // 2
        style = 0 if name == blocks[-1] else settings.style
        sizes = inputs, outputs, style
        params[f"blocks_{i}"], statistics[f"blocks_{i}"] = _block(read, name, settings, *sizes)
        inputs = outputs
    read.done()
    return settings, Weights(params=params, statistics=statistics)


def _settings(read: StateReader, blocks: list[str], regions: tuple[str, ...]) -> Sean:
    """All sizes, and the names of the regions, which must be as many as the network knows."""
    found = read.shape("fc.weight")[1]
    if found != len(regions):
        raise ValueError(
            f"The weights are of {found} regions, and {len(regions)} are named; name each of them "
            "once, in the order of the label map's numbers."
        )
    return Sean(
        regions=regions,
        width=read.shape(f"{blocks[-1]}.conv_1.weight_orig")[0],
        depth=len(blocks) - 2,
        style=read.shape(f"{_STYLES}.weight")[0],
        hidden=read.shape("head_0.ace_0.Spade.mlp_shared.0.weight")[0],
        spectral=False,
    )


def _rising(state_dict: StateDict) -> list[str]:
    names = {name.partition(".")[0] for name in state_dict if name.startswith("up_")}
    return [f"up_{i}" for i in range(len(names))] or ["up_0"]


def _encoder(read: StateReader, settings: Sean) -> PyTree:
    own, made, inputs = settings.width // 2, {}, 3
    for i, (layer, place) in enumerate(_SHRINKING.items()):
        shape = (2**i * own, inputs, 3, 3)
        made[layer] = read.conv(f"{ENCODER}model.{place}", shape=shape, bias=True)
        inputs = shape[0]
    doubled = read.take(f"{_DOUBLED}.weight", (inputs, 8 * own, 3, 3))  # inputs first
    made["doubled"] = {
        "kernel": np.ascontiguousarray(doubled[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)),
        "bias": read.take(f"{_DOUBLED}.bias", (8 * own,)),
    }
    made["styles"] = read.conv(_STYLES, shape=(settings.style, 8 * own, 3, 3), bias=True)
    return made


def _block(
    read: StateReader, name: str, settings: Sean, inputs: int, outputs: int, style: int
) -> tuple[PyTree, PyTree]:
    """Parameters and running statistics."""
    middle = min(inputs, outputs)
    shapes = {"conv_0": (middle, inputs, 3, 3), "conv_1": (outputs, middle, 3, 3)}
    widths = {"ace_0": inputs, "ace_1": middle}
    if inputs != outputs:
        shapes["conv_s"], widths["ace_s"] = (outputs, inputs, 1, 1), inputs
    params: PyTree = {
        _CONVS[conv]: _normed(read, f"{name}.{conv}", shape) for conv, shape in shapes.items()
    }
    statistics = {}
    for norm, channels in widths.items():
        own = _norm(read, f"{name}.{norm}", settings, channels, style)
        params[_NORMS[norm]], statistics[_NORMS[norm]] = own
    return params, statistics


def _normed(read: StateReader, key: str, shape: tuple[int, int, int, int]) -> PyTree:
    """A kernel that is divided for good; the one of the way around has no bias."""
    kernel = read.take(f"{key}.weight_orig", shape)
    matrix = shape[0], shape[1] * shape[2] * shape[3]
    left, right = (read.take(f"{key}.weight_{x}", (n,)) for x, n in zip("uv", matrix, strict=True))
    norm = left @ kernel.reshape(matrix) @ right
    made = {"kernel": np.ascontiguousarray((kernel / norm).transpose(2, 3, 1, 0))}
    return made if shape[2] == 1 else {**made, "bias": read.take(f"{key}.bias", shape[:1])}


def _norm(
    read: StateReader, key: str, settings: Sean, channels: int, style: int
) -> tuple[PyTree, PyTree]:
    num, hidden = len(settings.regions), settings.hidden
    own: PyTree = {
        "noise": read.take(f"{key}.noise_var", (channels,)),
        "blend": np.concatenate(
            [read.take(f"{key}.blending_{which}", (1,)) for which in ("gamma", "beta")]
        ),
        "around": read.conv(f"{key}.Spade.mlp_shared.0", shape=(hidden, num, 3, 3), bias=True),
        "of_map": _pair(read, f"{key}.Spade.mlp", (channels, hidden, 3, 3)),
    }
    read.ignore(f"{key}.Spade.param_free_norm.")  # published, and never used
    if style:
        layers = [read.dense(f"{key}.fc_mu{region}", style, style) for region in range(num)]
        own["own_kernel"] = np.stack([layer["kernel"] for layer in layers])
        own["own_bias"] = np.stack([layer["bias"] for layer in layers])
        own |= _pair(read, f"{key}.conv", (channels, style, 3, 3))
    mean, var = (
        read.take(f"{key}.param_free_norm.running_{which}", (channels,))
        for which in ("mean", "var")
    )
    return own, {"norm": {"mean": mean, "var": var}}


def _pair(read: StateReader, key: str, shape: tuple[int, int, int, int]) -> PyTree:
    """The convolutions of the scale and of the shift, side by side."""
    both = [read.conv(f"{key}_{which}", shape=shape, bias=True) for which in ("gamma", "beta")]
    return {leaf: np.concatenate([one[leaf] for one in both], axis=-1) for leaf in both[0]}
