"""A published network with batch norm as it is, which can be trained on, from its trunk's module.

As long as nothing is trained it answers what the same network answers with batch norm folded into
its convolutions, which is faster.
"""

import dataclasses
import functools
from collections.abc import Callable

from flax import linen

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.classifier_training import Training
from xai_jax.core.types import AnyArray, PerExample, PyTree
from xai_jax.nn import convert, learner
from xai_jax.nn.layers import InTraining
from xai_jax.nn.state_reader import Blank, StateDict, StateReader

ENDING = "_batch_norm"  # of such a network's name


@dataclasses.dataclass(frozen=True)
class _Features:
    """The trunk, batch norm by the running statistics."""

    trunk: linen.Module

    def __call__(self, params: PyTree, normalised: AnyArray) -> AnyArray:
        weights = learner.Weights(params=params["trunk"], statistics=params["statistics"])
        return learner.apply(self.trunk, weights, normalised)


@dataclasses.dataclass(frozen=True)
class _TrainingFeatures:
    """The trunk, batch norm by the batch, and the running statistics after it."""

    trunk: linen.Module

    def __call__(
        self, params: PyTree, normalised: AnyArray, *, weight: PerExample, axis_name: str | None
    ) -> tuple[AnyArray, PyTree]:
        training = InTraining(weight=weight, axis_name=axis_name)
        return learner.apply_training(
            self.trunk, params["trunk"], params["statistics"], normalised, training
        )


def with_batch_norm(
    name: str,
    trunk: linen.Module,
    torch_name: Callable[[tuple[str, ...]], str],
    dense: str,
    channels: int,
    prepared: Callable[[StateDict], StateDict] = dict,
) -> Ported:
    """The network `name` with batch norm as it is: `name` and `ENDING`.

    Args:
        name: see above.
        trunk: ``[b h w 3] -> [b h' w' channels]``.
        torch_name: released name of the trunk's layer at a path of module names.
        dense: released name of the last layer.
        channels: see `trunk`.
        prepared: what is done with the released arrays before they are read.
    """
    template = functools.partial(convert.shapes_of, trunk, (1, 64, 64, 3))  # traced when asked for

    def params(made: PyTree, last: StateDict) -> PyTree:
        classes = StateReader(last, name).dense(dense, channels)
        return {"trunk": made["params"], "statistics": made["batch_stats"], "classes": classes}

    def converted(state_dict: StateDict) -> PyTree:
        state_dict, of_last = prepared(state_dict), f"{dense}."
        made = convert.variables(template(), state_dict, torch_name, name, ignored=(of_last,))
        return params(made, {key: x for key, x in state_dict.items() if key.startswith(of_last)})

    return Ported(
        name=f"{name}{ENDING}",
        features=_Features(trunk),
        head=layers.mean_head,
        convert=converted,
        shapes_fn=lambda num_classes: params(template(), Blank(num_classes)),
        training=Training(features_fn=_TrainingFeatures(trunk)),
    )
