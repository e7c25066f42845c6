"""What all contestants share: the classifier on its devices, the pictures, the key."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Generator, Sequence

import jax
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.core.types import Batch, PyTree
from xai_jax.evaluate.columns import has_truth
from xai_jax.evaluate.evaluation import Evaluation
from xai_jax.runtime import mesh


class Stage:
    """One evaluation on its devices; everything that could be wrong with it has been checked."""

    def __init__(self, evaluation: Evaluation, devices: Sequence[jax.Device] | None) -> None:
        """Builds the classifier and reads the first batch.

        Raises:
            ValueError: the devices do not divide the batch, or the data does not fit the classifier
                or has no labels or masks.
        """
        if jax.process_count() > 1:
            raise ValueError(
                "evaluate.py scores as one process; start it once, without a launcher."
            )
        self.evaluation = evaluation
        self._mesh = mesh.data_mesh(devices)
        mesh.check_batch_size(evaluation.batch_size, self._mesh)
        frozen = evaluation.frozen()
        self.fingerprint = fingerprint(frozen)
        self.frozen = self.placed(frozen)
        self.key = jax.device_put(jax.random.key(evaluation.seed), mesh.replicated(self._mesh))
        with contextlib.closing(self.batches(None)) as batches:
            first = next(batches, None)
        self.example = _checked(evaluation, self.frozen.classifier, first)

    @property
    def device(self) -> str:
        """What computes, in words."""
        row = self._mesh.devices.flat
        return f"{len(row)} x {row[0].device_kind}"

    def placed(self, tree: PyTree) -> PyTree:
        """A copy on every device."""
        return mesh.place_replicated(self._mesh, tree)

    def split(self, tree: PyTree) -> PyTree:
        """Rows shared by the devices."""
        return mesh.place_split(self._mesh, tree)

    def batches(
        self, limit: int | None, *, shown: bool = False, drawn: bool = False
    ) -> Generator[Batch, None, None]:
        """Batches in host memory, from the beginning; rows that do not count have weight 0.

        Args:
            limit: only the first so many pictures that count; ``None``: all.
            shown: whether only pictures with a true class count.
            drawn: whether only pictures count of which some pixel is not void.
        """
        size = self.evaluation.batch_size
        stream = self.evaluation.data.batches(size, start=None, process_index=0, process_count=1)
        left = np.inf if limit is None else limit
        try:
            while left > 0:
                try:
                    batch = next(stream)
                except StopIteration:
                    return
                counts = np.asarray(batch.weight) > 0
                if shown:
                    counts &= (np.asarray(batch.labels) > 0).any(axis=1)
                if drawn:
                    counts &= has_truth(batch)
                counts &= np.cumsum(counts) <= left
                left -= counts.sum()
                yield dataclasses.replace(batch, weight=counts.astype(np.float32))
        finally:
            if hasattr(stream, "close"):
                stream.close()  # its threads read ahead


def fingerprint(tree: PyTree) -> str:
    """SHA-256 of arrays, their shapes and places: other weights, another fingerprint."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{path} {array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _checked(evaluation: Evaluation, classifier: Classifier, batch: Batch | None) -> Batch:
    """The first batch of data that can be scored.

    Raises:
        ValueError: with what is missing or does not fit.
    """
    if batch is None:
        raise ValueError("The data has no pictures; choose another split.")
    if batch.labels is None or batch.masks is None:
        missing = "labels" if batch.labels is None else "masks"
        raise ValueError(f"The data has no {missing} to score against; set masks='soft'.")
    num_classes = batch.labels.shape[1]
    found = classifier.num_classes(batch.images.shape[1:], len(batch.images))
    if found != num_classes:
        raise ValueError(
            f"The classifier has {found} classes and the data {num_classes}; choose the data that "
            "the classifier was trained for."
        )
    sides = batch.images.shape[:3]
    if batch.masks.shape not in ((*sides, 1), (*sides, num_classes)):
        raise ValueError(
            f"The masks have the shape {list(batch.masks.shape)}, which are no shares of pixels; "
            "set masks='soft' or masks='union'."
        )
    _check_classes(evaluation.classes, num_classes, batch.masks.shape[3])
    return batch


def _check_classes(classes: Sequence[int], num_classes: int, channels: int) -> None:
    if not classes:
        return
    is_known = all(0 <= k < num_classes for k in classes)
    if len(set(classes)) < max(2, len(classes)) or not is_known:
        raise ValueError(
            f"classes is {list(classes)}; name two or more different ones of 0 to "
            f"{num_classes - 1}, or none."
        )
    if channels != num_classes:
        raise ValueError(
            "Class specificity needs the true mask of each class; set masks='soft' or classes=()."
        )
