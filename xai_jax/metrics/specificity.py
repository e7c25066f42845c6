"""Whether a class's mask shows that class and no other: the matrix of Stalder et al. 2022."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows
from xai_jax.core.outputs import Output
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, PRNGKey, PyTree

DECILES = tuple(n / 10 for n in range(1, 10))
ClassMaps = Float[Array, "b h w n"]
Chosen = Int[Array, "n"]

COMPARED_KEEP = Output(
    name="compared_keep",
    kind="map",
    axes=(outputs.ROW, outputs.COLUMN, outputs.CLASS),
    unit="in [0, 1]",
    meaning="As keep, for each class that is compared; NaN in a picture where none was drawn.",
)


def specificity(classes: Sequence[int]) -> Metric:
    """How a class answers to its own mask and to those of the others; a metric of a set.

    It reads ``Explanation.maps["compared_keep"]``, the masks of these classes in this order, and
    takes 1 + 9 n classifier calls a picture. A picture without any of the classes, or whose masks
    are NaN, is not looked at.

    Args:
        classes: indices of the n classes that are compared, two or more.
    """
    return Metric(
        measure=_measured,
        rows=_ROWS,
        columns=_COLUMNS,
        reduce=_reduced,
        params={"classes": np.array(classes, np.int32)},
    )


def classes_of(metrics: Sequence[Metric]) -> tuple[int, ...]:
    """The classes that a specificity among `metrics` compares; empty without one.

    Raises:
        ValueError: there are two of them.
    """
    found = [metric for metric in metrics if metric.measure is _measured]
    if len(found) > 1:
        raise ValueError("Class specificity is among the metrics twice; leave one out.")
    return tuple(np.asarray(found[0].params["classes"]).tolist()) if found else ()


def _measured(
    params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, AnyArray]:
    del key
    classes, masks = params["classes"], explanation.maps[COMPARED_KEEP.name]
    is_in = (jnp.take(batch.labels, classes, axis=1) > 0).astype(jnp.float32)  # [b n]
    wanted = ~jnp.isnan(masks).any(axis=(1, 2, 3)) & (is_in > 0).any(axis=1)
    num = is_in.shape[1]
    found = jax.lax.cond(
        wanted.any(),  # most batches of a limited evaluation ask for nothing
        lambda: probabilities(frozen.classifier, batch.images, masks, classes),
        lambda: jnp.zeros((len(is_in), num, 1 + num), jnp.float32),
    )
    return {"probabilities": jnp.where(wanted[:, None, None], found, jnp.nan), "is_in": is_in}


def table(rows: Rows) -> Float[np.ndarray, "n m"] | None:
    """`matrix` of what the metric has measured of pictures; ``None`` where that is nothing."""
    found, is_in = (np.asarray(rows[row.name], np.float64) for row in _ROWS)
    if not len(found):
        return None
    known = ~np.isnan(found).reshape(len(found), -1).any(axis=1)
    return matrix(found[known], is_in[known]) if known.any() else None


def _reduced(rows: Rows) -> dict[str, float]:
    """Over the classes that are in some picture; NaN for less than two of them."""
    whole = table(rows)
    undefined = {"diagonal": math.nan, "off_diagonal": math.nan}
    if whole is None:
        return undefined
    there = np.flatnonzero(~np.isnan(whole[:, 0]))
    if len(there) < 2:
        return undefined
    part = whole[np.ix_(there, np.concatenate([[0], 1 + there]))]
    return {"diagonal": diagonal(part), "off_diagonal": off_diagonal(part)}


def probabilities(
    classifier: Classifier, images: Images, class_keep: ClassMaps, classes: Chosen
) -> Float[Array, "b n m"]:
    """Softmax probability of each class (axis 1) under no mask and each class's mask (axis 2).

    Column 0 is of the whole picture, column 1 + j of the mask of ``classes[j]``, averaged over the
    mask cut above 0.1, 0.2, ... 0.9. What is removed becomes the classifier's mean colour, which is
    0 in what it eats. 1 + 9 n classifier calls a picture.

    Args:
        classifier: the explained one.
        images: unit pixels.
        class_keep: the method's mask of each of the `classes`, in [0, 1].
        classes: indices of the n classes that are compared.
    """
    of_classes = lambda x: jax.nn.softmax(classifier.logits(x))[:, classes]  # noqa: E731
    mean_colour = jnp.broadcast_to(classifier.mean, images.shape)
    num_masks, num_cuts = class_keep.shape[3], len(DECILES)

    def cut(part: tuple[Array, Array]) -> Array:
        mask, threshold = part
        keep = jnp.take(class_keep, mask[None], axis=3) > threshold
        return of_classes(compose(images, keep.astype(images.dtype), mean_colour))

    # One loop over masks and cuts, for the sake of one copy of the classifier in the program.
    parts = jnp.repeat(jnp.arange(num_masks), num_cuts), jnp.tile(jnp.array(DECILES), num_masks)
    masked = jax.lax.map(cut, parts)  # [n*9 b n]
    masked = masked.reshape(num_masks, num_cuts, *masked.shape[1:]).mean(axis=1)  # [m b n]
    whole = of_classes(images)[None]
    return jnp.moveaxis(jnp.concatenate([whole, masked]), 0, 2)


def matrix(
    found: Float[np.ndarray, "b n m"], is_in: Float[np.ndarray, "b n"]
) -> Float[np.ndarray, "n m"]:
    """Mean of `probabilities` over the pictures that contain the class of the row; NaN without any.

    Args:
        found: of all pictures.
        is_in: 1 where the class is in the picture, 0 where not (or the picture is padding).
    """
    sums = np.einsum("bnm,bn->nm", found, is_in, dtype=np.float64)
    counts = is_in.sum(axis=0, dtype=np.float64)[:, None]
    return np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)


def diagonal(table: Float[np.ndarray, "n m"]) -> float:
    """Mean probability of a class under its own mask: high for a mask that shows it."""
    return float(np.diagonal(table[:, 1:]).mean())


def off_diagonal(table: Float[np.ndarray, "n m"]) -> float:
    """Mean probability of a class under the others' masks: low for masks that show one class."""
    masked = table[:, 1:]
    return float(masked[~np.eye(len(masked), dtype=bool)].mean())


_ROWS = (
    outputs.number(
        "probabilities",
        "in [0, 1]",
        "Softmax of each compared class without a mask and under each of their masks.",
        outputs.CLASS,
        "mask",
    ),
    outputs.number(
        "is_in", "0 or 1", "1 where the compared class is in the picture.", outputs.CLASS
    ),
)
_SOURCE = "Stalder et al. 2022, class-specific masks; unweighted mean of the matrix"
_COLUMNS = (
    Column("diagonal", "own class %", "higher", 0.0, 1.0, "%", _SOURCE, 1),
    Column("off_diagonal", "other class %", "lower", 0.0, 1.0, "%", _SOURCE, 1),
)
