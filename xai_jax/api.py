"""What a notebook calls."""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from xai_jax.choices import METHODS
from xai_jax.core import targets
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.method import Frozen, MethodConfig
from xai_jax.core.types import Batch, Explanation, PRNGKey, PyTree
from xai_jax.infills.blur import Blur
from xai_jax.methods import fido
from xai_jax.runs import trained
from xai_jax.runs.batch import explain_batch, prepared

Target = int | Sequence[int] | np.ndarray | jax.Array | targets.ChooseTarget | None


def explain(
    classifier: Classifier,
    images: np.ndarray | jax.Array,
    target: Target = None,
    *,
    method: MethodConfig | None = None,
    state: PyTree = None,
    infill: Infill | None = None,
    labels: np.ndarray | None = None,
    key: PRNGKey | int = 0,
    batch_size: int = 8,
    mesh: Mesh | None = None,
) -> Explanation:
    """Explains what `classifier` sees in `images`.

    Args:
        classifier: see `Classifier.from_callable` and `xai_jax.classifiers`.
        images: ``[b h w c]`` unit pixels in [0, 1].
        target: the class to explain: one for all, one an image, or a function of ``(logits,
        labels)`` such as
            `targets.predicted` (the default), `targets.runner_up` or `targets.truth`.
        method: settings of a method; by default ``fido.Config()``, the published setting.
        state: what a method learned across images, if it does; see `xai_jax.load_trained`.
        infill: what stands in for removed pixels; by default a blur of 10 pixels.
        labels: ``[b k]`` 0 / 1, the true classes, for `targets.truth`.
        key: a random key or a seed. An image's explanation depends on the key and its own pixels,
        not on the
            batch that it is in.
        batch_size: images explained in one compiled call; bounds memory. With a mesh, a multiple of
        its devices.
        mesh: devices to spread each batch over; its first axis splits the images.

    Returns:
        An `Explanation` of host arrays in the order of `images`; raw, never normalised.

    Raises:
        ValueError: images or targets out of range, or a classifier that returns NaN or the wrong
        shape; one
            sentence, before anything is compiled where it can be known by then.
    """
    images = _checked_images(images)
    num = len(images)
    method = fido.Config() if method is None else method
    infill = Blur().build(classifier) if infill is None else infill
    frozen = Frozen(classifier=classifier, infill=infill)
    if mesh is not None:
        frozen, state = jax.device_put((frozen, state), NamedSharding(mesh, PartitionSpec()))
    key = jax.random.key(key) if isinstance(key, int) else key
    num_classes = classifier.num_classes(images.shape[1:])
    target = _checked_target(target, num, num_classes)
    if labels is not None and np.shape(labels) != (num, num_classes):
        raise ValueError(f"labels must be [{num} {num_classes}], not {list(np.shape(labels))}.")
    size = _checked_batch_size(batch_size, num, mesh)
    parts = []
    for start in range(0, num, size):
        rows = slice(start, min(start + size, num))
        chosen = _rows(target, rows)
        batch, _ = prepared(classifier, images[rows], chosen, size, _rows(labels, rows))
        explanation = explain_batch(method, frozen, _placed(batch, mesh), key, state)
        parts.append(_to_host(explanation, rows.stop - rows.start))
    return jax.tree.map(lambda *xs: np.concatenate(xs), *parts)


def load_trained(path: str | Path, classifier: Classifier) -> tuple[MethodConfig, PyTree]:
    """A method that was trained on `classifier`: `method` and `state` of `explain`.

    Args:
        path: the .safetensors file that its training has left, or the folder of that run.
        classifier: the one that it was trained on.

    Raises:
        ValueError: the file is damaged, holds something else, or is for other classes; one
            sentence.
        OSError: it cannot be read.
    """
    learning = {name: config for name, config in METHODS.items() if trained.learns(config)}
    found = trained.read(Path(path), learning)
    preprocess = found.exported.preprocess
    shape = (preprocess.height, preprocess.width, 3)
    num_classes = classifier.num_classes(shape)
    trained.check_same(
        found, "the classifier", shape=shape, class_names=(), num_classes=num_classes
    )
    frozen = Frozen(classifier=classifier, infill=Blur().build(classifier))
    return found.method, trained.state(found, found.method, frozen, shape)


def _checked_images(images: np.ndarray | jax.Array) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[0] == 0:
        raise ValueError(
            f"images must be [b h w c] with b > 0, not {list(images.shape)}; "
            "add a batch axis with images[None]."
        )
    if images.dtype == np.uint8:
        raise ValueError("images are uint8; divide by 255 to get unit pixels in [0, 1].")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0.0 and high <= 1.0):
        raise ValueError(
            f"images must be unit pixels in [0, 1], but span [{low:.3g}, {high:.3g}]; "
            "undo their normalisation: the classifier has its own mean and std."
        )
    return images.astype(np.float32)


def _checked_target(
    target: Target, num: int, num_classes: int
) -> np.ndarray | targets.ChooseTarget:
    if target is None:
        return targets.predicted
    if callable(target):
        return target
    chosen = np.asarray(target)
    if not np.issubdtype(chosen.dtype, np.integer):
        raise ValueError(f"target must be whole numbers (class indices), not {chosen.dtype}.")
    if chosen.ndim == 0:
        chosen = np.full(num, chosen)
    if chosen.shape != (num,):
        raise ValueError(
            f"target must be one class or one for each of {num} images, not shape {chosen.shape}."
        )
    if chosen.min() < 0 or chosen.max() >= num_classes:
        worst = chosen[(chosen < 0) | (chosen >= num_classes)][0]
        raise ValueError(
            f"target {worst} is outside the classifier's classes 0 to {num_classes - 1}."
        )
    return chosen.astype(np.int32)


def _checked_batch_size(batch_size: int, num: int, mesh: Mesh | None) -> int:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
    if mesh is None:
        return min(batch_size, num)
    devices = mesh.shape[mesh.axis_names[0]]
    if batch_size % devices:
        nearest = -(-batch_size // devices) * devices
        raise ValueError(
            f"batch_size {batch_size} does not divide over {devices} devices; "
            f"use a multiple, {nearest} say."
        )
    return batch_size


def _rows(values, rows: slice):
    return values if values is None or callable(values) else values[rows]


def _placed(batch: Batch, mesh: Mesh | None) -> Batch:
    if mesh is None:
        return batch
    return jax.device_put(batch, NamedSharding(mesh, PartitionSpec(mesh.axis_names[0])))


def _to_host(explanation: Explanation, count: int) -> Explanation:
    return jax.tree.map(lambda x: np.asarray(x)[:count], explanation)
