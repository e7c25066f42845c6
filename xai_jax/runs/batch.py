"""One compiled call that explains and scores a whole batch."""

import copy
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import Classifier, compiled_logits
from xai_jax.core.content import content
from xai_jax.core.method import Frozen, MethodConfig
from xai_jax.core.rng import image_ids
from xai_jax.core.targets import ChooseTarget
from xai_jax.core.types import Batch, Explanation, PRNGKey, PyTree
from xai_jax.metrics import fidelity


class _ByValue:
    """A config as a static argument of `jax.jit`: equal settings share one compiled program."""

    def __init__(self, config: MethodConfig):
        self.config = copy.deepcopy(config)
        self._value = content(self.config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByValue) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@functools.partial(jax.jit, static_argnums=0)
def _explain(
    by_value: _ByValue, frozen: Frozen, batch: Batch, key: PRNGKey, state: PyTree
) -> Explanation:
    method = by_value.config.build()
    explain_key, score_key = jax.random.split(key)
    if method.step is None:
        state = method.init(explain_key, frozen, batch)
    explanation = method.explain(state, frozen, batch, explain_key)
    return fidelity.scored(frozen, batch, explanation, score_key)


def explain_batch(
    config: MethodConfig, frozen: Frozen, batch: Batch, key: PRNGKey, state: PyTree = None
) -> Explanation:
    """Explains every image of `batch`, and scores the kept and the removed part.

    Compiled once for equal settings and shapes. Under a mesh, hand in sharded images: nothing here
    mentions devices.

    Args:
        config: of the method.
        frozen: what the method reads.
        batch: its targets are known.
        key: of all randomness.
        state: of a method that was trained (see `runs.trained`); ``None`` for the others.

    Raises:
        ValueError: the method learns across images and therefore needs a trained state, or it does
            not and was given one.
    """
    learns = config.build().step is not None
    if learns and state is None:
        raise ValueError(
            f"{type(config).__module__} explains with a trained network; "
            "train it first and pass its checkpoint."
        )
    if state is not None and not learns:
        raise ValueError(
            f"{type(config).__module__} learns nothing across images; leave out the state."
        )
    return _explain(_ByValue(config), frozen, batch, key, state)


def checked_logits(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Logits ``[b k]`` on the host.

    Raises:
        ValueError: the shape is wrong (found before anything is compiled), or a logit is not
        finite.
    """
    classifier.num_classes(images.shape[1:], len(images))
    logits = np.asarray(compiled_logits(classifier, images))
    if not np.isfinite(logits).all():
        row = int(np.argwhere(~np.isfinite(logits))[0, 0])
        raise ValueError(
            f"The classifier returned NaN or infinity for image {row} of the batch; "
            "check its weights, and that it expects the mean and std it was given."
        )
    return logits


def padded(batch: Batch, size: int) -> Batch:
    """`batch` with weight-0 copies of its first row up to `size` rows: every call has one shape."""
    missing = size - batch.images.shape[0]
    if missing == 0:
        return batch
    grown = jax.tree.map(lambda x: np.concatenate([x, np.repeat(x[:1], missing, axis=0)]), batch)
    weight = np.concatenate([batch.weight, np.zeros(missing, np.float32)])
    return dataclasses.replace(grown, weight=weight)


def prepared(
    classifier: Classifier,
    images: np.ndarray,
    target: np.ndarray | ChooseTarget,
    size: int,
    labels: np.ndarray | None = None,
) -> tuple[Batch, np.ndarray]:
    """A batch padded to `size` rows whose targets are known, and their logits ``[size k]``.

    Args:
        classifier: asked once.
        images: ``[n h w c]`` unit pixels, at most `size`.
        target: ``[n]`` classes, or how to choose them.
        size: rows of the batch.
        labels: ``[n k]`` 0 / 1, for targets that are chosen by them.

    Raises:
        ValueError: see `checked_logits`.
    """
    num = len(images)
    batch = Batch(
        images=images,
        target=np.zeros(num, np.int32) if callable(target) else target,
        image_id=image_ids(images),
        weight=np.ones(num, np.float32),
        labels=labels,
    )
    batch = padded(batch, size)
    logits = checked_logits(classifier, batch.images)
    if callable(target):
        known = None if batch.labels is None else jnp.asarray(batch.labels)
        chosen = target(jnp.asarray(logits), known)
        batch = dataclasses.replace(batch, target=np.asarray(chosen))
    return batch, logits
