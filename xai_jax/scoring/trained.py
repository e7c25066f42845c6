"""The one seam to what a training has left: whoever reads it is called here and nowhere else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.method import Frozen, Inspector
from xai_jax.core.settings import to_json
from xai_jax.core.types import Batch
from xai_jax.runtime import architecture, export
from xai_jax.runtime.export import Exported
from xai_jax.runtime.manifest import in_words
from xai_jax.scoring.evaluation import Contestant
from xai_jax.scoring.stage import Stage


def inspector_of(name: str, contestant: Contestant, frozen: Frozen, stage: Stage) -> Inspector:
    """Who explains, with the weights that its training has left.

    Args:
        name: of the contestant.
        contestant: its settings.
        frozen: what it reads.
        stage: whose pictures it explains.

    Raises:
        ValueError: a trained file is missing, superfluous or damaged, of another method or network,
            or for other pictures or classes.
        OSError: it cannot be read.
    """
    learns = contestant.method.build().trainable is not None
    if not learns and contestant.trained:
        raise ValueError(f"{name} learns nothing across images; leave its `trained` empty.")
    if not learns:
        return Inspector(method=contestant.method, frozen=frozen)
    here = f"--config.contestants.{name}.trained"
    if not contestant.trained:
        raise ValueError(f"{name} explains with a trained network; set {here} to its file.")
    path = Path(contestant.trained)
    if not path.exists():
        raise ValueError(f"{path} does not exist; train {name} first, or set {here} to its file.")
    return _loaded(path, name, contestant, frozen, stage)


# To be replaced by the loader of all doors, `runs.trained.load(path, frozen, ..., shape=...,
# preprocess=..., class_names=..., method=contestant.method)`, which answers an Inspector too.
def _loaded(
    path: Path, name: str, contestant: Contestant, frozen: Frozen, stage: Stage
) -> Inspector:
    exported = export.read(path)
    if set(exported.config) != set(to_json(contestant.method)):
        raise ValueError(
            f"{path} holds a trained {exported.kind}, whose settings are not those of the method "
            f"of {name}; name what the training of that method has left."
        )
    difference = _difference(exported, stage)
    if difference:
        raise ValueError(
            f"{path} does not fit the pictures: {difference}; name what was trained on such "
            f"pictures, or choose the data that {name} was trained for."
        )
    trainable = contestant.method.build().trainable
    assert trainable is not None  # `inspector_of` has looked
    begun = jax.eval_shape(
        lambda key, frozen, batch: trainable.weights(trainable.init(key, frozen, batch)),
        jax.random.key(0),
        frozen,
        abstract_batch(stage, 1),
    )
    remedy = f"set the method of {name} to the settings that it was trained with"
    weights = architecture.filled(begun, exported.tree, path, remedy)
    return Inspector(
        method=contestant.method, frozen=frozen, weights=jax.tree.map(jnp.asarray, weights)
    )


def _difference(exported: Exported, stage: Stage) -> str | None:
    """Between the pictures of the training and those of the evaluation, in words."""
    ours, theirs = getattr(stage.data, "resize", exported.preprocess), exported.preprocess
    if ours != theirs:
        return in_words("preprocess", to_json(theirs), to_json(ours))
    return other_classes(exported.class_names, stage.data.class_names)


def other_classes(there: Sequence[str], here: Sequence[str]) -> str | None:
    """Where two lists of classes differ, in words; ``None`` where one of them is not known."""
    if not there or not here or tuple(there) == tuple(here):
        return None
    return in_words("class_names", list(there), list(here))


def abstract_batch(stage: Stage, size: int) -> Batch:
    """The shapes of a Batch as the road makes it, with labels."""

    def one(dtype: Any, *axes: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((size, *axes), dtype)

    return Batch(
        images=one(np.float32, *stage.image_shape),
        target=one(np.int32),
        image_id=one(np.uint32),
        weight=one(np.float32),
        labels=one(np.float32, stage.num_classes),
    )
