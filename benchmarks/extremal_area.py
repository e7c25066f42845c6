"""How near extremal's mask comes to its area: with a classifier, and where nothing pulls on it.

The second row minimises the published area term alone, from a disc of the right area: what is left
is the distance between smooth masks and the hard mask that the term compares them with.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject
from xai_jax.core.optimise import optimise
from xai_jax.losses import masks
from xai_jax.methods import extremal
from xai_jax.methods.extremal.method import geometry_of
from xai_jax.methods.extremal.momentum import dampened_sgd
from xai_jax.methods.extremal.smooth_mask import smooth_mask

AREA, CLASSES = 0.1, (207,)
WITHIN = 0.01


def _row(case: str, area: float) -> dict:
    return {
        "case": case,
        "value": round(area, 4),
        "unit": "mean of the full mask",
        "limit": AREA,
        "ratio": round(area / AREA, 3),
        "must_reach": f"within {WITHIN}",
    }


def rows():
    cfg = extremal.Config(areas=(AREA,))
    frozen = subject.frozen()
    batch = subject.batch_of(subject.imagenet_samples(CLASSES), np.array(CLASSES))
    explain = jax.jit(lambda *given: cfg.build().explain((), *given, jax.random.key(0)))
    area = float(explain(frozen, batch).numbers["mask_area"][0, 0, -1])
    yield _row(f"{cfg.num_steps} steps on EfficientNet-Lite0, 224 pixels", area)
    yield _row("the area term alone, from a disc", float(_area_alone(cfg)))


def _area_alone(cfg: extremal.Config) -> jax.Array:
    geometry = geometry_of(cfg, (224, 224))
    rows, columns = np.indices(geometry.grid)
    middle = (geometry.grid[0] - 1) / 2
    disc = np.hypot(rows - middle, columns - middle) < geometry.grid[0] * math.sqrt(AREA / math.pi)
    grid = jnp.asarray(disc, jnp.float32)[None, None, :, :, None]
    num_dark = jnp.array([math.floor(math.prod(geometry.full) * (1 - AREA))])

    def objective(grid, step):
        full = smooth_mask(grid, geometry)  # [1 1 h w 1]
        weight = cfg.area_weight * cfg.area_growth ** step.astype(jnp.float32)
        deviation = masks.area_deviation(full[0], num_dark)[None]
        return weight * deviation, {"area": full.mean(axis=(2, 3, 4))}

    tx = dampened_sgd(cfg.learning_rate, cfg.momentum)
    steps = jnp.arange(cfg.num_steps)
    found = optimise(objective, grid, tx, steps, project=lambda x: jnp.clip(x, 0.0, 1.0))
    return found[1]["area"][0, 0, -1]
