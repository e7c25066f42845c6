"""A new head that begins with what a published one knows, where its classes are groups of those."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.pretrained import Named
from xai_jax.core.domains import Natural
from xai_jax.core.settings import Settings


@dataclasses.dataclass(slots=True, kw_only=True)
class GroupedHead(Settings):
    """The `start` of an Experiment: the last layer of a `pretrain.classifier` that learns groups.

    The kernel of a group is the mean of its classes', less the mean of all classes', and so is its
    bias: the logit is how much more the network speaks for a class of the group than for any. It
    helps where pictures are few: what is common to all dogs is not learned from a hundred of them.

    Fields:
        pretrained: the classifier whose head it is; the one that the experiment names.
        groups: by name, in the order of the new classes: the numbers of its classes.
    """

    pretrained: Named
    groups: Mapping[str, tuple[Natural, ...]]

    def __call__(self, state: Any) -> Any:
        """The state with the last layer of its head replaced.

        Raises:
            ValueError: the head has another shape, a group is empty or names a class that is not
                there, or there are no weights.
        """
        published = self.pretrained.build().params["classes"]
        new = state.params["head"]["classes"]
        kernel, bias = published["kernel"], published["bias"]
        members = [np.array(self._members(name, len(bias))) for name in self.groups]
        layer = {
            "kernel": jnp.stack([kernel[:, k].mean(1) for k in members], 1)
            - kernel.mean(1)[:, None],
            "bias": jnp.stack([bias[k].mean() for k in members]) - bias.mean(),
        }
        if layer["kernel"].shape != new["kernel"].shape:
            raise ValueError(
                f"The head has {new['kernel'].shape[1]} classes of {new['kernel'].shape[0]} "
                f"features, and there are {len(members)} groups of {len(kernel)}; make the two "
                "agree."
            )
        head = {**state.params["head"], "classes": layer}
        return dataclasses.replace(state, params={**state.params, "head": head})

    def _members(self, name: str, num_classes: int) -> list[int]:
        members = list(self.groups[name])
        if not members or max(members) >= num_classes:
            raise ValueError(
                f"The group {name!r} is {members}; name one or more of 0 to {num_classes - 1}."
            )
        return members
