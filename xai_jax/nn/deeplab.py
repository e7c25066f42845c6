"""DeepLabv3 (Chen et al. 2017) on ResNet-50 or 101: one mask logit a class."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core import image
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn import convert, resnet
from xai_jax.nn.layers import BatchNorm, Conv, Dropout, DType, InTraining

_RATES = (12, 24, 36)  # dilations of the three windows
_WIDTH = 256
_NAMES = {  # ours -> torchvision's
    "point": "classifier.0.convs.0.0",
    "point_norm": "classifier.0.convs.0.1",
    **{f"window{rate}": f"classifier.0.convs.{i + 1}.0" for i, rate in enumerate(_RATES)},
    **{f"window{rate}_norm": f"classifier.0.convs.{i + 1}.1" for i, rate in enumerate(_RATES)},
    "whole": "classifier.0.convs.4.1",
    "whole_norm": "classifier.0.convs.4.2",
    "project": "classifier.0.project.0",
    "project_norm": "classifier.0.project.1",
    "smooth": "classifier.1",
    "smooth_norm": "classifier.2",
    "classes": "classifier.4",
}


class DeepLab(linen.Module):
    """DeepLabv3 with output stride 8, without auxiliary head or background channel.

    Training needs keys of dropout and at least two pictures.

    Fields:
        num_classes: channels of the masks.
        dtype: of the computation, ``None``: that of the input; logits are float32 always.
        depth: of its ResNet, 50 or 101.
    """

    num_classes: int
    dtype: DType | None = None
    depth: int = 50

    @linen.compact
    def __call__(self, normalised: AnyArray, training: InTraining | None = None) -> AnyArray:
        """Mask logits ``[b h w k]`` of ``[b h w 3]``, upsampled before any sigmoid."""

        def conv_relu(x, name, **shape):
            x = Conv(_WIDTH, name=name, dtype=self.dtype, **shape)(x)
            return jax.nn.relu(BatchNorm(name=f"{name}_norm")(x, training))

        how: Any = {"depth": self.depth, "dilate": (False, True, True), "dtype": self.dtype}
        x = resnet.ResNetTrunk(name="trunk", **how)(normalised, training)
        branches = [conv_relu(x, "point")]
        branches += [conv_relu(x, f"window{rate}", kernel=3, dilation=rate) for rate in _RATES]
        whole = conv_relu(x.mean(axis=(1, 2), keepdims=True), "whole")
        branches.append(jnp.broadcast_to(whole, branches[0].shape))
        x = conv_relu(jnp.concatenate(branches, axis=3), "project")
        x = Dropout(0.5)(x, training)
        x = conv_relu(x, "smooth", kernel=3)
        logits = Conv(self.num_classes, use_bias=True, name="classes", dtype=self.dtype)(x)
        return image.resize(logits.astype(jnp.float32), *normalised.shape[1:3])


def variables(state_dict: convert.StateDict, depth: int = 50) -> PyTree:
    """Variables of `DeepLab` from torchvision's network, with as many classes as it has.

    Args:
        state_dict: under torchvision's names.
        depth: of its ResNet.

    Raises:
        ValueError: an array is missing, left over, of another shape or not finite.
    """
    num_classes = len(state_dict.get("classifier.4.bias", [0]))
    template = convert.shapes_of(DeepLab(num_classes, depth=depth), (1, 64, 64, 3))
    name = f"deeplabv3_resnet{depth}"
    return convert.variables(template, state_dict, torch_name, name, ignored=("aux_classifier.",))


def torch_name(path: tuple[str, ...]) -> str:
    """The name in torchvision of one of the layers."""
    if path[0] == "trunk":
        return f"backbone.{resnet.torch_name(path[1:])}"
    return _NAMES[path[0]]
