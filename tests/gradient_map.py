"""The least that a method may be: a map of each picture, without steps, weights or a mask."""

import dataclasses

import jax
import jax.numpy as jnp

from xai_jax.core.method import Method
from xai_jax.core.settings import Settings
from xai_jax.core.types import Explanation


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings of input times gradient; there are none."""

    @classmethod
    def smoke(cls) -> "Config":
        return cls()

    def build(self) -> Method:
        return Method(explain=_explain)


def _explain(weights, frozen, batch, key):
    def total(images):
        return frozen.classifier.log_odds(images, batch.target).sum()

    gradient = jax.grad(total)(batch.images)
    saliency = jnp.sum(gradient * batch.images, axis=3, keepdims=True)
    return Explanation(target=batch.target, saliency=saliency)
