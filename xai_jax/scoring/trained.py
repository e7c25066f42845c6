"""The one seam to what a training has left: whoever reads it is called here and nowhere else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.core.content import to_json
from xai_jax.core.method import Frozen, Inspector
from xai_jax.core.types import Batch
from xai_jax.runs import trained
from xai_jax.runtime import weights_file
from xai_jax.runtime.files import place
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
    path = place(contestant.trained)
    if not path.exists():
        raise ValueError(f"{path} does not exist; train {name} first, or set {here} to its file.")
    return _loaded(path, name, contestant, frozen, stage)


def _loaded(
    path: Path, name: str, contestant: Contestant, frozen: Frozen, stage: Stage
) -> Inspector:
    """By the one loader; the file must be of the contestant's own method."""
    method = contestant.method
    content = weights_file.read(path)
    if not set(content.header.config) <= set(to_json(method)):  # an older file has fewer
        raise ValueError(
            f"{path} holds a trained {content.header.kind}, whose settings are not those of the "
            f"method of {name}; name what the training of that method has left."
        )
    return trained.load(
        path,
        frozen,
        {content.header.kind: type(method)},
        shape=stage.image_shape,
        preprocess=getattr(stage.data, "resize", None),
        class_names=stage.data.class_names,
        classifier=f"the pictures of {name}",
        method=method,
    )


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
        regions=one(np.int32, *stage.image_shape[:2]) if "regions" in stage.first else None,
    )
