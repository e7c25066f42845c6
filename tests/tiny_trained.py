"""A small Explainer as a finished training leaves it; its weights are random."""

import dataclasses
import functools
from pathlib import Path

import jax
import numpy as np
import planted
import tiny_cli
from flax import linen

from xai_jax.core.method import Frozen
from xai_jax.core.preprocess import Preprocess
from xai_jax.infills.constant import Constant
from xai_jax.methods import explainer
from xai_jax.nn.learner import Weights
from xai_jax.runtime import weights_file

SIZE = tiny_cli.SIZE
NAMES = tiny_cli.NAMES
PREPROCESS = Preprocess(height=SIZE, width=SIZE, crop=1.0)


def small(checkpoint: Path) -> tuple:
    """Arguments of ``xai-jax explain``, as `tiny_cli.SMALL`."""
    return ("--method", "explainer", "--checkpoint", checkpoint, *tiny_cli.PLANTED)


def frozen() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier, Constant(value=planted.DARK).build(classifier))


def learned(seed: int = 0, num_classes: int = len(NAMES)) -> Weights:
    """Weights and statistics drawn at random, loud enough that the masks differ."""
    return _drawn(seed, num_classes, config(num_classes).network.build())


@functools.cache
def _drawn(seed: int, num_classes: int, network: linen.Module) -> Weights:
    del network  # another one has other weights
    batch = planted.quadrant_batch(1, SIZE, jax.random.key(0))
    trainable = config(num_classes).build().trainable
    shapes = jax.eval_shape(trainable.init, jax.random.key(0), frozen(), batch)
    rng = np.random.default_rng(seed)
    draw = lambda x: (0.3 * rng.normal(size=x.shape)).astype(x.dtype)  # noqa: E731
    params, logs = jax.tree.map(draw, (shapes.params, shapes.statistics))
    return Weights(params=params, statistics=jax.tree.map(np.exp, logs))  # variances above 0


def config(num_classes: int = len(NAMES)) -> explainer.Config:
    made = explainer.Config.smoke()
    network = dataclasses.replace(made.network, num_classes=num_classes)
    return dataclasses.replace(made, network=network)


def write(path: Path, *, seed: int = 0, num_classes: int = len(NAMES), **changes) -> Path:
    """Writes the file; `changes` are of what it says beside the weights."""
    weights = learned(seed, num_classes)
    about = {
        "kind": "explainer",
        "config": config(num_classes),
        "preprocess": PREPROCESS,
        "class_names": NAMES[:num_classes],
        **changes,
    }
    weights_file.write(path, weights, **about)
    return path
