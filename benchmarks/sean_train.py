"""A training step's generator, reduced: SEAN with its style branch folded against plain.

Forward, and gradient with respect to all parameters, in training mode; both give the same.
"""

import jax
import jax.numpy as jnp

from benchmarks import sean_subject, timing
from xai_jax.nn.layers import InTraining

BATCH, SIDE, MUST_REACH = 8, 128, 2.0


def _step(settings, folded: bool | None):
    network = settings.build(folded=folded)
    pixels, one_hot = sean_subject.images(BATCH, SIDE), sean_subject.one_hot(settings, BATCH, SIDE)
    keys = jax.random.split(jax.random.key(2), BATCH)

    @jax.jit
    def run(params, statistics, pixels, one_hot):
        def total(params):
            variables = {"params": params, "batch_stats": statistics}
            given = pixels, one_hot, keys, InTraining()
            picture, _ = network.apply(variables, *given, mutable=["batch_stats"])
            return jnp.abs(picture - pixels).mean()

        return jax.value_and_grad(total)(params)

    return lambda variables: run(variables["params"], variables["batch_stats"], pixels, one_hot)


def rows():
    settings = sean_subject.LIGHT
    variables = sean_subject.variables(settings, SIDE)
    ours, plain = (_step(settings, folded) for folded in (None, False))
    (value, grads), (wanted, wanted_grads) = ours(variables), plain(variables)
    slow, quick, ratio = timing.paired(lambda: plain(variables), lambda: ours(variables), repeats=5)
    yield {
        "case": f"width 16, style 128, {BATCH} pictures of {SIDE} x {SIDE}",
        "value": round(1e3 * quick),
        "unit": "ms a step, folded",
        "limit": round(1e3 * slow),
        "ratio": round(ratio, 2),
        "loss_off": float(jnp.abs(value / wanted - 1.0)),
        "gradient_off": sean_subject.off(grads, wanted_grads),
        "must_reach": MUST_REACH,
    }
