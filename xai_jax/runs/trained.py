"""Methods that were trained, out of the file that their training left, and for which pictures."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.method import Frozen, MethodConfig
from xai_jax.core.settings import changed
from xai_jax.core.types import Batch
from xai_jax.nn.learner import Learner
from xai_jax.runtime import architecture, export, manifest
from xai_jax.runtime.export import Exported


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """A method with its weights, on the host.

    Fields:
        path: where it was read.
        method: the settings that it was trained with.
        exported: all else that the file says.
    """

    path: Path
    method: MethodConfig
    exported: Exported


def learns(config: type) -> bool:
    """Whether the method of these settings is trained before it explains."""
    return config().build().step is not None


def read(path: Path, methods: Mapping[str, type]) -> Trained:
    """The trained method in a file, or in a run's folder.

    Args:
        path: see `runtime.export.read`.
        methods: the settings' class by name, of every method that will do.

    Raises:
        ValueError: the file is damaged, or holds something else.
        OSError: it cannot be read.
    """
    exported = export.read(path)
    if exported.kind not in methods:
        wanted = " or ".join(methods)
        raise ValueError(
            f"{path} holds a trained {exported.kind}, not {wanted}; "
            f"name what the training of {wanted} has left."
        )
    base = methods[exported.kind]()
    return Trained(
        path=path,
        method=changed(base, exported.config, f"{path}: config"),
        exported=exported,
    )


def check_same(
    trained: Trained,
    classifier: str,
    *,
    shape: tuple[int, ...],
    class_names: Sequence[str],
    num_classes: int,
) -> None:
    """Refuses a method that was trained for other pictures or classes.

    Args:
        trained: the method.
        classifier: its name, for the sentence.
        shape: ``(h, w, c)`` of the pictures.
        class_names: the classifier's, by index; empty where they are not known.
        num_classes: of the classifier.

    Raises:
        ValueError: sizes or classes differ; names both.
    """
    ours, difference = trained.exported.class_names, None
    preprocess = trained.exported.preprocess
    size = (preprocess.height, preprocess.width)
    if size != shape[:2]:
        there, here = (f"{height} x {width} pixels" for height, width in (size, shape[:2]))
        difference = f"its pictures have {there} there and {here} here"
    elif ours and len(ours) != num_classes:
        difference = f"it has {len(ours)} classes there and {num_classes} here"
    elif ours and class_names and tuple(class_names) != ours:
        difference = manifest.in_words("class_names", list(ours), list(class_names))
    if difference:
        raise ValueError(
            f"{trained.path} does not fit {classifier}: {difference}; "
            "name the classifier that it was trained on."
        )


def state(
    trained: Trained, method: MethodConfig, frozen: Frozen, shape: tuple[int, ...]
) -> Learner:
    """What `runs.batch.explain_batch` explains with, on the device; nothing is computed.

    Args:
        trained: the weights.
        method: the settings that are used: those of `trained`, or some of them changed.
        frozen: what the method reads.
        shape: ``(h, w, c)`` of the pictures.

    Raises:
        OtherArchitecture: the weights are not those of the method's network, with the first leaf
            that differs.
    """
    begun = jax.eval_shape(method.build().init, jax.random.key(0), frozen, _abstract(shape))
    remedy = "leave out the settings that change the network"
    found = architecture.filled(begun, trained.exported.tree, trained.path, remedy)
    return jax.tree.map(jnp.asarray, found)


def _abstract(shape: tuple[int, ...]) -> Batch:
    """The shapes of a Batch of one picture."""

    def one(dtype: Any, *axes: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *axes), dtype)

    return Batch(
        images=one(np.float32, *shape),
        target=one(np.int32),
        image_id=one(np.uint32),
        weight=one(np.float32),
    )
