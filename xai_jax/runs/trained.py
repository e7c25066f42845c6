"""Methods that were trained, out of the file that their training left, and for which pictures."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.content import to_json
from xai_jax.core.method import Builds, Frozen, Inspector, Method
from xai_jax.core.outputs import CLASS
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.types import Batch, PyTree
from xai_jax.runtime import header, manifest, weights_file
from xai_jax.runtime.weights_file import Content

Shape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """What the training of a method has left, before anything is known of where it is used.

    Fields:
        path: of the file.
        kind: name of the method.
        method: the settings that it was trained with.
        content: the whole file.
    """

    path: Path
    kind: str
    method: Builds[Method]
    content: Content


def learns(config: type) -> bool:
    """Whether the method of these settings is trained before it explains."""
    return config().build().trainable is not None


def load(
    path: Path,
    frozen: Frozen,
    methods: Mapping[str, type],
    *,
    shape: Shape | None = None,
    preprocess: Preprocess | None = None,
    class_names: Sequence[str] = (),
    classifier: str = "the classifier",
    method: Builds[Method] | None = None,
) -> Inspector:
    """`read` and `inspector` in one."""
    found = read(path, methods)
    return inspector(
        found,
        frozen,
        shape=shape,
        preprocess=preprocess,
        class_names=class_names,
        classifier=classifier,
        method=method,
    )


def read(path: Path, methods: Mapping[str, type]) -> Trained:
    """The trained method in a file, or in a run's folder; the file says which it is.

    Args:
        path: see `runtime.weights_file.read`.
        methods: the settings' class by name; what the file holds must be one of those that learn.

    Raises:
        ValueError: the file is damaged, or holds something else.
        OSError: it cannot be read.
    """
    content = weights_file.read(path)
    learning = {name: config for name, config in methods.items() if learns(config)}
    weights_file.check_kind(content, learning)
    kind = content.header.kind
    return Trained(
        path=content.path,
        kind=kind,
        method=header.settings(learning[kind](), content.header.config, content.path, "config"),
        content=content,
    )


def inspector(
    trained: Trained,
    frozen: Frozen,
    *,
    shape: Shape | None = None,
    preprocess: Preprocess | None = None,
    class_names: Sequence[str] = (),
    classifier: str = "the classifier",
    method: Builds[Method] | None = None,
) -> Inspector:
    """The method with its weights on the device, if they are for these pictures and classes.

    Args:
        trained: what `read` found.
        frozen: the classifier that is explained, and what else the method reads.
        shape: ``(h, w, c)`` of the pictures; ``None``: as the file says, in colour.
        preprocess: how the pictures are made; ``None``: not known.
        class_names: the classifier's, by index; empty where they are not known.
        classifier: its name, for errors.
        method: settings to use in place of those that it was trained with.

    Raises:
        ValueError: pictures, classes, the settings' class or the weights do not fit; names both.
    """
    own = trained.content.header.preprocess
    shape = shape or (own.height, own.width, 3)
    num_classes = frozen.classifier.num_classes(shape)
    difference = (
        _other_size(own, shape)
        or (preprocess and _other_preprocess(own, preprocess))
        or _other_classes(trained.content.header.class_names, class_names, num_classes)
    )
    if difference:
        raise ValueError(
            f"{trained.path} does not fit {classifier}: {difference}; "
            "name the classifier that it was trained on."
        )
    used = trained.method if method is None else method
    if type(used) is not type(trained.method):
        raise ValueError(
            f"{trained.path} holds a trained {trained.kind}, and {_class_of(used)} has the "
            f"settings of another method; take {_class_of(trained.method)}."
        )
    weights = _weights(trained, used, frozen, _abstract(shape, num_classes))
    return Inspector(method=used, frozen=frozen, weights=jax.tree.map(jnp.asarray, weights))


def _other_size(there: Preprocess, here: Shape) -> str | None:
    size = (there.height, there.width)
    if size == here[:2]:
        return None
    words = (f"{height} x {width} pixels" for height, width in (size, here[:2]))
    return "its pictures have {} there and {} here".format(*words)


def _other_preprocess(there: Preprocess, here: Preprocess) -> str | None:
    if there == here:
        return None
    size = _other_size(there, (here.height, here.width, 3))
    return size or manifest.in_words("preprocess", to_json(there), to_json(here))


def _other_classes(there: tuple[str, ...], here: Sequence[str], num_classes: int) -> str | None:
    if there and len(there) != num_classes:
        return f"it has {len(there)} classes there and {num_classes} here"
    if there and here and tuple(here) != there:
        return manifest.in_words("class_names", list(there), list(here))
    return None


def _weights(trained: Trained, settings: Builds[Method], frozen: Frozen, batch: Batch) -> PyTree:
    """The weights, if they are those of the network of `settings`; nothing is computed.

    Args:
        trained: what `read` found.
        settings: of the method.
        frozen: what it reads.
        batch: shapes.
    """
    same = settings == trained.method
    try:
        method = settings.build()
        abstract = _exported(method, frozen, batch)
    except (OverflowError, TypeError, ValueError) as error:
        if not same:
            raise
        # No training can have had such settings.
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"No {trained.kind} can be made of the settings in {trained.path} ({reason:.200}); "
            f"{header.REMEDY}."
        ) from None
    remedy = header.REMEDY if same else "leave out the settings that change the network"
    found = weights_file.weights(trained.content, abstract, remedy)
    _check_masks(trained, method, abstract, frozen, batch)
    return found


def _exported(method: Method, frozen: Frozen, batch: Batch) -> PyTree:
    """Shapes of what the method's training exports."""
    trainable = method.trainable
    assert trainable is not None  # `read` has looked

    def export(key, frozen, batch):
        return trainable.weights(trainable.init(key, frozen, batch))

    return jax.eval_shape(export, jax.random.key(0), frozen, batch)


def _check_masks(
    trained: Trained, method: Method, abstract: PyTree, frozen: Frozen, batch: Batch
) -> None:
    """Refuses a network that draws more or fewer classes than there are."""
    of_classes = [output for output in method.outputs if CLASS in output.axes]
    if not of_classes:
        return
    found = jax.eval_shape(method.explain, abstract, frozen, batch, jax.random.key(0)).named()
    wanted = batch.labels.shape[1]
    for output in of_classes:
        number = found[output.name].shape[1 + output.axes.index(CLASS)]
        if number != wanted:
            raise ValueError(
                f"{trained.path} has a network whose {output.name} is of {number} classes, and "
                f"there are {wanted}; name the classifier that it was trained on."
            )


def _class_of(settings: Any) -> str:
    return f"{type(settings).__module__}.{type(settings).__qualname__}"


def _abstract(shape: Shape, num_classes: int) -> Batch:
    """The shapes of a Batch of one picture whose classes are known."""

    def one(dtype: Any, *axes: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *axes), dtype)

    return Batch(
        images=one(np.float32, *shape),
        target=one(np.int32),
        image_id=one(np.uint32),
        weight=one(np.float32),
        labels=one(np.float32, num_classes),
    )
