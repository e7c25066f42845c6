"""STEEX against the passes of its generator and classifier alone, and a batch against one by one.

The passes are the picture of a prepared label map, the classifier's log-odds of it, and their
gradient with respect to the codes, as often as there are steps.
"""

import dataclasses

import jax
import jax.numpy as jnp

from benchmarks import sean_subject, subject, timing
from xai_jax.core.types import Batch
from xai_jax.generators import sean
from xai_jax.methods import steex
from xai_jax.nn.learner import Weights
from xai_jax.nn.sean import Sean

SIDE, STEPS, BATCH = 64, 24, 8
NETWORK = Sean(regions=sean_subject.FULL.regions[:7], width=16, depth=4, style=64, hidden=0)


def frozen():
    """Lite0, and a light SEAN with random weights."""
    found = sean_subject.variables(NETWORK, SIDE)
    weights = Weights(params=found["params"], statistics=found["batch_stats"])
    return dataclasses.replace(subject.frozen(), generator=sean.of_weights(NETWORK, weights))


def batch(num: int) -> Batch:
    """Noise, and stripes as label maps."""
    images = 0.5 * (sean_subject.images(num, SIDE) + 1.0)
    regions = sean_subject.one_hot(NETWORK, num, SIDE).argmax(axis=-1)
    return dataclasses.replace(subject.batch_of(images), regions=regions.astype(jnp.int32))


def passes(of, rows: Batch):
    """One function that does them all."""

    @jax.jit
    def run(of, rows, context, codes, keys):
        def total(codes):
            picture = of.generator.decode(context, codes, keys)
            return of.classifier.log_odds(picture, rows.target).sum()

        def step(codes, _):
            return codes - 1e-3 * jax.grad(total)(codes), None

        return jax.lax.scan(step, codes, None, STEPS)[0]

    context = jax.jit(lambda of, rows: of.generator.prepare(rows.images, rows.regions))(of, rows)
    codes = jax.jit(lambda of, context: of.generator.encode(context))(of, context)
    keys = jax.random.split(jax.random.key(0), len(rows.images))
    return lambda: run(of, rows, context, codes, keys)


def step_rows():
    explain = jax.jit(steex.Config(num_steps=STEPS).build().explain)
    of, rows, key = frozen(), batch(BATCH), jax.random.key(1)
    seconds, limit, ratio = timing.paired(
        lambda: explain((), of, rows, key), passes(of, rows), repeats=5
    )
    yield {
        "case": f"{BATCH} pictures of {SIDE} x {SIDE}, Lite0, {STEPS} steps",
        "value": round(1e3 * seconds / STEPS),
        "unit": "ms a step",
        "limit": round(1e3 * limit / STEPS),
        "ratio": round(ratio, 3),
        "must_reach": 1.10,
    }


def batch_rows():
    explain = jax.jit(steex.Config(num_steps=STEPS).build().explain)
    of, rows, key = frozen(), batch(BATCH), jax.random.key(1)
    alone = [jax.tree.map(lambda x, n=n: x[n : n + 1], rows) for n in range(BATCH)]
    together, apart, ratio = timing.paired(
        lambda: explain((), of, rows, key),
        lambda: [explain((), of, one, key) for one in alone],
        repeats=5,
    )
    yield {
        "case": f"{BATCH} pictures of {SIDE} x {SIDE} in one call against one at a time",
        "value": round(1e3 * together / BATCH),
        "unit": "ms a picture",
        "limit": round(1e3 * apart / BATCH),
        "ratio": round(ratio, 3),
        "must_reach": 0.9,
    }
