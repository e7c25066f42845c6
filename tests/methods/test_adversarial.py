"""Adversarial pictures of a classifier whose gradient is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import adversarial

SIZE = 8


def corner_logit(params, images):
    """20 nats a unit of the mean brightness of the upper left quarter, above a half."""
    del params
    return 20.0 * (images[:, : SIZE // 2, : SIZE // 2].mean((1, 2, 3)) - 0.5)[:, None]


def explained(levels, **settings):
    images = jnp.broadcast_to(jnp.array(levels)[:, None, None, None], (len(levels), SIZE, SIZE, 3))
    classifier = Classifier.from_callable(corner_logit, None, head=Head.SIGMOID)
    batch = Batch(
        images=images,
        target=jnp.zeros(len(levels), jnp.int32),
        image_id=jnp.arange(len(levels), dtype=jnp.uint32),
        weight=jnp.ones(len(levels)),
    )
    frozen = Frozen(classifier=classifier, infill=Constant(value=0.5).build(classifier))
    method = adversarial.Config(**settings).build()
    return jax.jit(method.explain)((), frozen, batch, jax.random.key(0))


def corner(found):
    made = np.asarray(found.pictures["counterfactual"])
    inside = made[:, : SIZE // 2, : SIZE // 2]
    assert (inside == inside[:, :1, :1, :1]).all()
    return inside[:, 0, 0, 0]


def test_each_pixel_that_counts_moves_alike_until_the_other_decision_is_sure_enough():
    found = explained([0.45, 0.56], radius=0.2, learning_rate=0.02, num_steps=9, margin=0.5)
    # 0.475 is to be crossed from below and 0.525 from above, in steps of 0.02 from 0.45 and 0.56.
    np.testing.assert_allclose(corner(found), [0.53, 0.46], atol=1e-6)
    gained = np.asarray(found.numbers["gained"])
    np.testing.assert_allclose(gained[0, :5], [-1.0, -0.6, -0.2, 0.2, 0.6], atol=1e-5)
    np.testing.assert_allclose(gained[0, 5:], 0.6, atol=1e-5)
    saliency, difference = np.asarray(found.saliency), np.asarray(found.maps["difference"])
    # 20 nats over 16 pixels of three channels, each moved by 0.08, are 1.6 nats in all.
    np.testing.assert_allclose(saliency[0, :4, :4], 1.6 / 16, atol=1e-6)
    np.testing.assert_allclose(difference[:, 0, 0, 0], [-0.08, 0.10], atol=1e-6)  # brighter, darker
    assert (saliency[:, 4:] == 0).all() and (saliency[:, :, 4:] == 0).all()


def test_no_pixel_leaves_the_ball_or_the_range():
    found = explained([0.3, 0.02], radius=0.05, learning_rate=0.02, num_steps=9)
    np.testing.assert_allclose(corner(found), [0.35, 0.07], atol=1e-6)
    found = explained([0.98], radius=0.6, learning_rate=0.3, num_steps=9)
    np.testing.assert_allclose(corner(found), [0.38], atol=1e-6)


def test_it_begins_where_the_authors_do():
    own = dataclasses.asdict(adversarial.Config())
    assert own == {"radius": 8 / 255, "learning_rate": 2 / 255, "num_steps": 20, "margin": None}
