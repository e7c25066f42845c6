"""Latent shift in a latent space without training, where every step is known in closed form."""

import dataclasses

import flat_regions
import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core.classifier import Classifier
from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import latent_shift

SIZE = 16


def corner_logit(params, images):
    """Mean brightness of the upper left quarter, in nats above a half."""
    return params * (images[:, : SIZE // 2, : SIZE // 2].mean((1, 2, 3)) - 0.5)[:, None]


def frozen(gain=20.0) -> Frozen:
    classifier = Classifier.from_callable(corner_logit, jnp.float32(gain), head=Head.SIGMOID)
    infill = Constant(value=0.5).build(classifier)
    return Frozen(classifier=classifier, infill=infill, generator=planted.pooled())


def batch_of(levels) -> Batch:
    num = len(levels)
    images = jnp.broadcast_to(jnp.array(levels)[:, None, None, None], (num, SIZE, SIZE, 3))
    return Batch(
        images=images,
        target=jnp.zeros(num, jnp.int32),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
    )


def explain(settings, frozen, batch):
    method = settings.build()
    method.check(frozen, batch.images.shape)
    return jax.jit(method.explain)((), frozen, batch, jax.random.key(0))


def test_the_shift_is_the_smallest_of_the_grid_that_flips_by_the_margin():
    settings = latent_shift.Config(least=0.1, largest=1.6, num_trials=5, margin=2.0)
    found = explain(settings, frozen(), batch_of([0.4, 0.6]))
    # A code is flat, 16 cells of -0.1 (or 0.1) in three channels: its length is 0.4 * 3^0.5, and a
    # step of that length is spread over the four cells of the corner, 0.2 in each. To -2 nats of
    # the other side are 0.2, half the pixels' way of which is at 0.5: the shift is 1 or above.
    np.testing.assert_allclose(found.numbers["shift"], [1.6, 1.6], rtol=1e-5)
    loose = latent_shift.Config(least=0.1, largest=1.6, num_trials=5, margin=0.0)
    found = explain(loose, frozen(), batch_of([0.4, 0.6]))
    np.testing.assert_allclose(found.numbers["shift"], [0.8, 0.8], rtol=1e-5)  # 0.4 is too short
    corner = np.asarray(found.pictures["counterfactual"])[:, :8, :8]
    np.testing.assert_allclose(corner[0], 0.56, atol=1e-5)  # 0.4 + 0.8 * 0.2
    np.testing.assert_allclose(corner[1], 0.44, atol=1e-5)


def test_the_map_is_the_largest_change_on_the_way_and_lies_where_the_classifier_looks():
    found = explain(latent_shift.Config(), frozen(), batch_of([0.3, 0.7]))
    saliency = np.asarray(found.saliency)
    np.testing.assert_allclose(saliency[:, 8:], 0.0, atol=1e-6)
    np.testing.assert_allclose(saliency[:, :, 8:], 0.0, atol=1e-6)
    difference = np.asarray(found.maps["difference"])
    np.testing.assert_allclose(saliency, np.abs(difference), atol=1e-5)
    assert difference[0, 0, 0, 0] < 0 < difference[1, 0, 0, 0]  # brighter, darker
    np.testing.assert_allclose(found.pictures["stable"], batch_of([0.3, 0.7]).images, atol=1e-6)


def test_what_no_shift_flips_is_shifted_as_far_as_is_tried_and_a_flat_classifier_moves_nothing():
    settings = latent_shift.Config(least=0.1, largest=0.2, num_trials=2)
    found = explain(settings, frozen(), batch_of([0.1]))
    np.testing.assert_allclose(found.numbers["shift"], [0.2], rtol=1e-6)
    once = latent_shift.Config(least=0.1, largest=3.0, num_trials=1, margin=0.0)
    found = explain(once, frozen(), batch_of([0.4]))
    np.testing.assert_allclose(found.numbers["shift"], [3.0], rtol=1e-6)
    assert found.pictures["counterfactual"][0, 0, 0, 0] > 0.5  # it was asked about, and flips
    found = explain(settings, frozen(gain=0.0), batch_of([0.1]))
    np.testing.assert_array_equal(found.saliency, 0.0)


def test_without_a_latent_space_it_is_refused():
    blind = frozen().replace(generator=None)
    with pytest.raises(ValueError, match="there is no generator; name what the training"):
        latent_shift.Config().build().check(blind, (1, SIZE, SIZE, 3))
    with pytest.raises(ValueError, match="least is 2.0 and largest 1.0; swap the two"):
        latent_shift.Config(least=2.0, largest=1.0).build().check(frozen(), (1, SIZE, SIZE, 3))


def test_codes_of_regions_are_shifted_too_and_a_picture_without_a_label_map_is_skipped():
    regions = jnp.zeros((1, SIZE, SIZE), jnp.int32).at[:, 8:].set(2)
    batch = dataclasses.replace(batch_of([0.4]), regions=regions.at[:, :8, 8:].set(1))
    space = flat_regions.flat(noise=0.0)
    of_regions = frozen().replace(generator=space)
    found = explain(latent_shift.Config(), of_regions, batch)
    made = np.asarray(found.pictures["counterfactual"])
    assert (made[:, :8, :8] > 0.5).all()
    np.testing.assert_allclose(made[:, 8:], 0.4, atol=1e-6)
    admit = latent_shift.Config().build().admit
    with pytest.raises(BadPicture, match="It has no label map; hand one in as regions"):
        admit(of_regions, {})
    with pytest.raises(
        BadPicture, match="has the number 5, and the generator's regions are 0 to 4"
    ):
        admit(of_regions, {"regions": np.full((SIZE, SIZE), 5)})
    admit(frozen(), {})
