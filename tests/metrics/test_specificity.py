"""Class-specificity on a classifier that reads one quadrant a class, and on published tables."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.metrics import specificity

# Published cells of the Explainer on VOC with VGG-16, in percent: none, then five class masks.
EXPLAINER = np.array(
    [
        [20.57, 15.29, 4.91, 4.82, 4.82, 2.72],
        [70.52, 6.71, 62.92, 6.67, 6.66, 7.11],
        [72.78, 6.09, 6.18, 60.55, 6.33, 5.74],
        [58.00, 4.67, 4.70, 5.93, 57.60, 4.58],
        [69.37, 8.90, 6.18, 5.83, 6.57, 71.01],
    ]
)


def quadrant_logits(params, normalised):
    """Sixteen times the mean brightness of each quadrant above the mean colour."""
    del params
    quadrants = normalised.mean(axis=3).reshape(-1, 2, 4, 2, 4).mean(axis=(2, 4))
    return 16.0 * quadrants.reshape(-1, 4)


def quadrant_masks(values):
    """One mask a quadrant, ``[1 8 8 4]``, with the value of each in its own quadrant."""
    masks = np.zeros((1, 8, 8, 4), np.float32)
    for index, value in enumerate(values):
        row, column = divmod(index, 2)
        masks[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4, index] = value
    return jnp.asarray(masks)


CLASSIFIER = Classifier.from_callable(quadrant_logits, mean=0.25, std=0.5)


def test_a_mask_of_its_own_quadrant_shows_its_class_and_no_other():
    images, classes = jnp.full((1, 8, 8, 3), 0.5), jnp.array([0, 3])
    # Each quadrant is half a unit brighter than the mean colour: logit 8 where it is seen, else 0.
    masks = quadrant_masks([1.0, 0.0, 0.0, 1.0])[..., classes]
    found = jax.jit(specificity.probabilities)(CLASSIFIER, images, masks, classes)
    seen, unseen = np.exp(8) / (np.exp(8) + 3), 1 / (np.exp(8) + 3)
    expected = [[[0.25, seen, unseen], [0.25, unseen, seen]]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_soft_mask_is_cut_at_nine_levels_and_the_probabilities_are_averaged():
    images, classes = jnp.full((1, 8, 8, 3), 0.5), jnp.array([1])
    found = specificity.probabilities(
        CLASSIFIER, images, quadrant_masks([0, 0.55, 0, 0])[..., 1:2], classes
    )
    seen = np.exp(8) / (np.exp(8) + 3)  # above 0.1, 0.2, 0.3, 0.4 and 0.5; not above 0.6 to 0.9
    np.testing.assert_allclose(found[0, 0], [0.25, (5 * seen + 4 * 0.25) / 9], rtol=1e-5)


def test_the_matrix_averages_a_row_over_the_pictures_that_contain_its_class():
    found = np.arange(12.0, dtype=np.float32).reshape(2, 2, 3)
    table = specificity.matrix(found, np.array([[1, 0], [1, 0]], np.float32))
    np.testing.assert_allclose(table[0], [3, 4, 5])
    assert np.isnan(table[1]).all()


def test_diagonal_and_off_diagonal_of_the_published_matrix_are_the_published_means():
    np.testing.assert_allclose(specificity.diagonal(EXPLAINER), 53.47, atol=0.005)
    np.testing.assert_allclose(specificity.off_diagonal(EXPLAINER), 5.81, atol=0.005)
