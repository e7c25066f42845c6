"""Masks that nobody has to compute: constants, whose scores are known, and the truth itself."""

import dataclasses

import jax.numpy as jnp

from xai_jax.core.domains import Share
from xai_jax.core.method import Method, no_state
from xai_jax.core.settings import Settings
from xai_jax.core.types import Explanation
from xai_jax.evaluate.evaluation import Contestant


@dataclasses.dataclass(slots=True, kw_only=True)
class Constant(Settings):
    """The same number everywhere.

    Fields:
        value: in [0, 1].
    """

    value: Share

    def build(self) -> Method:
        """The method."""

        def explain(state, frozen, batch, key):
            del state, frozen, key
            keep = jnp.full_like(batch.images[..., :1], self.value)
            return Explanation(keep=keep, saliency=keep, target=batch.target)

        return Method(init=no_state, step=None, explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class Truth(Settings):
    """What people drew: the best mask by the metrics that compare with it.

    The one "method" that looks at `Batch.masks`; what it shows is how the classifier answers.
    """

    def build(self) -> Method:
        """The method."""

        def explain(state, frozen, batch, key):
            del state, frozen, key
            if batch.masks.shape[3] == 1:
                return Explanation(keep=batch.masks, saliency=batch.masks, target=batch.target)
            target = batch.target[:, None, None, None]
            keep = jnp.take_along_axis(batch.masks, target, axis=3)
            return Explanation(
                keep=keep, saliency=keep, target=batch.target, class_keep=batch.masks
            )

        return Method(init=no_state, step=None, explain=explain)


def baselines() -> dict[str, Contestant]:
    """The rows that stand in every table; constants say nothing about a class."""
    constants = {
        f"{value:g}": Contestant(method=Constant(value=value), num_specific=0)
        for value in (0.0, 0.5, 1.0)
    }
    return constants | {"truth": Contestant(method=Truth())}
