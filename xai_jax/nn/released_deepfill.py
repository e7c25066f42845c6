"""The released weights of DeepFill v1, and those of its known PyTorch conversion, as ours.

Names of the TensorFlow checkpoint ``release_imagenet_256`` (``inpaint_net/conv1/kernel``) and of
the conversion (``coarse_generator.conv1.conv.weight``); specs: FIDO, sec. 3.2. The networks were
fed pictures as OpenCV reads them, blue first.
"""

from collections.abc import Mapping

import numpy as np

from xai_jax.core.types import PyTree

Arrays = Mapping[str, np.ndarray]

_DOWN = (
    "conv1",
    "conv2_downsample",
    "conv3",
    "conv4_downsample",
    "conv5",
    "conv6",
)
_ATROUS = tuple(f"conv{i}_atrous" for i in range(7, 11))
_UP = {"up0": 13, "near0": 14, "up1": 15, "near1": 16, "colours": 17}
_RELEASED = "inpaint_net/"  # before all names of the generator in the checkpoint


def names() -> dict[str, tuple[str, str]]:
    """Our name of each layer, and what it is called in the checkpoint and in the conversion."""
    found = {}
    for i, name in enumerate((*_DOWN, *_ATROUS, "conv11", "conv12")):
        found[f"coarse{i}"] = name, f"coarse_generator.{name}"
    for i, name in enumerate((*_DOWN, *_ATROUS)):
        found[f"convolved{i}"] = f"x{name}", f"fine_generator.{name}"
    attended = {f"attended{i}": f"pm{name}" for i, name in enumerate(_DOWN[:5])}
    attended |= {"matched": "pmconv6", "copied0": "pmconv9", "copied1": "pmconv10"}
    attended |= {"joined0": "allconv11", "joined1": "allconv12"}
    found |= {ours: (name, f"fine_generator.{name}") for ours, name in attended.items()}
    for stage, of, prefix in (("coarse", "coarse", "conv"), ("fine", "fine", "allconv")):
        for part, number in _UP.items():
            name = f"{prefix}{number}"
            enlarged = f"{name}_upsample/{name}_upsample_conv" if part.startswith("up") else name
            found[f"{stage}_{part}"] = enlarged, f"{of}_generator.{name}"
    return found


def params(arrays: Arrays, shapes: PyTree, *, blue_first: bool = True) -> PyTree:
    """The generator's parameters.

    Args:
        arrays: of either file; of the checkpoint what is not ``inpaint_net/...`` (critics, moments
            of the optimiser) is left aside.
        shapes: of our parameters, ``{layer: {"kernel": ..., "bias": ...}}`` with a ``.shape`` each.
        blue_first: the network was fed blue, green, red; colours change places at both its ends.

    Raises:
        ValueError: an array is missing, left over, of another shape, or not finite; by name.
    """
    converted = not any(name.startswith(_RELEASED) for name in arrays)
    left = {k: v for k, v in arrays.items() if converted or _is_generators(k)}
    found = {}
    for layer, (released, torch_name) in names().items():
        if converted:
            kernel = _taken(left, f"{torch_name}.conv.weight").transpose(2, 3, 1, 0)
            bias = _taken(left, f"{torch_name}.conv.bias")
        else:
            kernel = _taken(left, f"{_RELEASED}{released}/kernel")
            bias = _taken(left, f"{_RELEASED}{released}/bias")
        found[layer] = {"kernel": kernel, "bias": bias}
        for name, array in found[layer].items():
            wanted = shapes[layer][name].shape
            if array.shape != wanted:
                raise ValueError(
                    f"These are not weights of DeepFill v1: the {name} of "
                    f"{torch_name if converted else released} has shape {array.shape} instead of "
                    f"{wanted}."
                )
    if left:
        raise ValueError(
            f"These are not weights of DeepFill v1: {len(left)} arrays are left over, "
            f"{min(left)!r} among them."
        )
    return _reversed(found) if blue_first else found


def _is_generators(name: str) -> bool:
    """Whether a variable of the checkpoint is the generator's, and no moment of its optimiser."""
    return name.startswith(_RELEASED) and name.endswith(("/kernel", "/bias"))


def _taken(left: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in left:
        raise ValueError(
            f"These are not weights of DeepFill v1: {name!r} is missing; name the .index of the "
            "released checkpoint, or the .pth of its PyTorch conversion."
        )
    array = np.asarray(left.pop(name), np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"The weights hold NaN or infinity in {name!r}; the file is damaged.")
    return array


def _reversed(layers: PyTree) -> PyTree:
    """For pictures whose red comes first."""
    for first in ("coarse0", "convolved0", "attended0"):  # they eat colours, ones, and holes
        kernel = layers[first]["kernel"]
        layers[first]["kernel"] = np.concatenate([kernel[:, :, 2::-1], kernel[:, :, 3:]], axis=2)
    for last in ("coarse_colours", "fine_colours"):
        layers[last] = {name: array[..., ::-1].copy() for name, array in layers[last].items()}
    return layers
