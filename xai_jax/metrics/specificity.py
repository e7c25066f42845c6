"""Whether a class's mask shows that class and no other: the matrix of Stalder et al. 2022."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.types import Images

DECILES = tuple(n / 10 for n in range(1, 10))
ClassMaps = Float[Array, "b h w n"]
Chosen = Int[Array, "n"]


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
