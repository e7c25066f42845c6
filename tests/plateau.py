"""A method that listens to its validations."""

import dataclasses

import jax.numpy as jnp

from configs.smoke.straight_line import Line
from xai_jax.core.method import Trainable


@dataclasses.dataclass(slots=True, kw_only=True)
class Plateau:
    """A `Line` whose steps are halved after each validation that is not the best so far."""

    line: Line = dataclasses.field(default_factory=Line)

    def build(self) -> Trainable:
        line = self.line.build()

        def init(key, frozen, batch):
            begun = line.init(key, frozen, batch)
            return {"line": begun, "share": jnp.float32(1.0), "best": jnp.float32(1e30)}

        def step(state, frozen, batch, key, axis_name=None):
            after, metrics = line.step(state["line"], frozen, batch, key, axis_name)
            shorter = lambda new, old: old + state["share"] * (new - old)  # noqa: E731
            w = shorter(after["w"], state["line"]["w"])
            return state | {"line": after | {"w": w}}, metrics | {"share": state["share"]}

        def validated(state, values):
            is_best = values["loss"] < state["best"]
            share = state["share"] if is_best else state["share"] / 2
            return state | {"share": share, "best": jnp.minimum(state["best"], values["loss"])}

        weights = lambda state: state["line"]["w"]  # noqa: E731
        return line._replace(init=init, step=step, weights=weights, validated=validated)
