"""The area bounds of the classes in each picture, gathered, against sorting every class's mask."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import timing
from xai_jax.losses import class_masks

BATCH, SIZE, CLASSES = 4, 224, 91
MAX_TARGETS = 8
BOUNDS = {"min_area": 0.05, "max_area": 0.3}
MUST_REACH = 0.1


def gathered(class_keep, labels):
    """As the Explainer is trained."""
    channels, counted = class_masks.target_channels(class_keep, labels, max_targets=MAX_TARGETS)
    return class_masks.bounded_area(channels, counted, **BOUNDS).sum()


def sorting_all(class_keep, labels):
    """The formula as it stands: v_1 >= ... >= v_K of every class."""
    batch, height, width, classes = class_keep.shape
    flat = class_keep.transpose(0, 3, 1, 2).reshape(batch, classes, height * width)  # [b k hw]
    values = -jnp.sort(-flat, axis=2)
    first, last = (int(share * height * width) for share in BOUNDS.values())
    lacking = (1.0 - values[:, :, :first]).sum(axis=2) + values[:, :, last:].sum(axis=2)
    return (lacking * labels).sum() / (height * width)


def rows():
    class_keep = jax.random.uniform(jax.random.key(0), (BATCH, SIZE, SIZE, CLASSES))
    numbers = np.arange(BATCH)[:, None], (np.arange(3 * BATCH).reshape(BATCH, 3) * 7) % CLASSES
    labels = jnp.zeros((BATCH, CLASSES)).at[numbers].set(1.0)
    ours, theirs = (jax.jit(jax.value_and_grad(loss)) for loss in (gathered, sorting_all))

    # The two must compute the same thing before their times are compared.
    (value, gradient), (expected, expected_gradient) = (
        f(class_keep, labels) for f in (ours, theirs)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-9)

    seconds, limit, ratio = timing.paired(
        lambda: ours(class_keep, labels), lambda: theirs(class_keep, labels), repeats=3
    )
    yield {
        "case": f"{CLASSES} classes, {SIZE} px, up to {MAX_TARGETS} in a picture, with gradient",
        "value": round(1e3 * seconds / BATCH, 1),
        "unit": "ms an image",
        "limit": round(1e3 * limit / BATCH, 1),
        "ratio": round(ratio, 4),
        "must_reach": MUST_REACH,
    }
