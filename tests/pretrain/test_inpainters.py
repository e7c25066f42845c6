"""Training the VAE and DeepFill: their losses by hand, and that steps learn, compiled once."""

import dataclasses

import hurried
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch
from xai_jax.losses import adversarial
from xai_jax.nn import deepfill, vae
from xai_jax.nn.deepfill import Critic
from xai_jax.pretrain import ca_inpainter, ca_light, ca_losses, holes, perceptual, vae_inpainter

KEYS = jax.random.split(jax.random.key(0), 3)


def batch(num: int = 4, height: int = 16, width: int = 24) -> Batch:
    """Pictures of one colour each."""
    colours = np.random.default_rng(0).uniform(0.2, 0.8, (num, 1, 1, 3)).astype(np.float32)
    return Batch(
        images=jnp.asarray(np.broadcast_to(colours, (num, height, width, 3))),
        target=jnp.zeros(num, jnp.int32),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
    )


def king(keep, rate):
    """By looking at every known pixel; beyond the border everything is known."""
    height, width = keep.shape
    out = np.zeros(keep.shape)
    for y, x in np.argwhere(keep == 0):
        border = min(y, x, height - 1 - y, width - 1 - x) + 1
        known = [max(abs(y - v), abs(x - u)) for v, u in np.argwhere(keep == 1)]
        out[y, x] = rate ** (min([border, *known]) - 1)
    return out


def test_the_discount_falls_with_the_distance_from_what_is_known():
    masks = np.array(holes.holes(KEYS, 14, 11))
    masks[0] = 1.0
    masks[0, 2:11, 3:9] = 0.0
    found = ca_losses.discount(jnp.asarray(masks), 0.9)
    for mask, weights in zip(masks[..., 0], found[..., 0], strict=True):
        np.testing.assert_allclose(weights, king(mask, 0.9), rtol=1e-5)
    # Of a rectangle: 0.9^min(i, j, h - 1 - i, w - 1 - j).
    np.testing.assert_allclose(found[0, 6, 6, 0], 0.9**2, rtol=1e-5)


def test_the_gradient_penalty_of_a_linear_critic_is_known():
    weights = jax.random.normal(jax.random.key(1), (6, 6, 3))
    where = jnp.zeros((2, 6, 6, 1)).at[:, 1:4, 2:5].set(1.0)
    real, fake = jax.random.uniform(jax.random.key(2), (2, 2, 6, 6, 3))
    found = adversarial.gradient_penalty(
        lambda x: (x * weights).sum((1, 2, 3)), real, fake, where, KEYS[:2]
    )
    slope = np.linalg.norm(np.asarray(weights * where[0]).ravel())
    np.testing.assert_allclose(found, [(slope - 1) ** 2] * 2, rtol=1e-5)


def test_the_gradient_penalty_looks_between_the_two_pictures():
    # A critic of half the squared norm has itself for a slope: that of the place between.
    real, fake = jnp.zeros((1, 4, 4, 3)), jnp.ones((1, 4, 4, 3))
    say = lambda x: 0.5 * jnp.square(x).sum((1, 2, 3))  # noqa: E731
    between = float(jax.random.uniform(KEYS[0], (1, 1, 1))[0, 0, 0])
    found = adversarial.gradient_penalty(say, real, fake, jnp.ones((1, 4, 4, 1)), KEYS[:1])
    np.testing.assert_allclose(found, [(between * np.sqrt(48) - 1) ** 2], rtol=1e-5)


def test_the_vaes_terms_are_the_normal_likelihood_and_the_divergence():
    cfg = vae_inpainter.Config(network=vae.Network(width=2))
    images = jax.random.uniform(jax.random.key(3), (1, 4, 4, 3))
    keep = jnp.ones((1, 4, 4, 1)).at[0, 1, 2].set(0.0)
    mean, log_variance = jnp.full((1, 4, 4, 3), 0.3), jnp.full((1, 4, 4, 3), -0.7)
    code = vae.Code(jnp.full((1, 1, 1, 2), 0.5), jnp.full((1, 1, 1, 2), 0.4))
    terms = vae_inpainter._terms(cfg, images, keep, code, vae.Code(mean, log_variance))
    pixels = (np.asarray(images[0, 1, 2]) - 0.5) / 0.25
    constant = 1.5 * np.log(2 * np.pi)  # which the published loss leaves out
    nats = -stats.norm(0.3, np.exp(-0.35)).logpdf(pixels).sum() - constant
    np.testing.assert_allclose(terms["pixels"], [nats], rtol=1e-5)
    each = np.log(1 / np.exp(0.2)) + (np.exp(0.4) + 0.25) / 2 - 0.5  # KL of two normals
    np.testing.assert_allclose(terms["prior"], [2 * each], rtol=1e-5)


def test_the_digits_vae_is_judged_on_all_pixels_by_their_cross_entropy():
    cfg = vae_inpainter.Config(network=vae.Network(width=2, pictures="digits"))
    images = jnp.array([1.0, 0.0, 0.25, 1.0]).reshape(1, 2, 2, 1)
    logits = jnp.array([2.0, -1.0, 0.5, -3.0]).reshape(1, 2, 2, 1)
    code = vae.Code(jnp.zeros((1, 1, 1, 2)), jnp.zeros((1, 1, 1, 2)))
    terms = vae_inpainter._terms(cfg, images, images, code, vae.Code(logits, 0 * logits))
    p = 1 / (1 + np.exp(-np.array([2.0, -1.0, 0.5, -3.0])))
    x = np.array([1.0, 0.0, 0.25, 1.0])
    wanted = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum()
    np.testing.assert_allclose(terms["pixels"], [wanted], rtol=1e-5)
    np.testing.assert_allclose(terms["prior"], [0.0], atol=1e-6)


def frozen() -> Frozen:
    classifier = Classifier.from_callable(lambda params, x: x.mean((1, 2)))
    return Frozen(classifier=classifier, infill=Infill.from_callable(lambda p, i, k, n: i))


SETTINGS = {
    "vae": vae_inpainter.Config(network=vae.Network(width=4), learning_rate=3e-3),
    "digits": vae_inpainter.Config(
        network=vae.Network(width=4, pictures="digits"), learning_rate=3e-3
    ),
    "light": ca_light.Config(
        network=deepfill.Network(width=4, coarse=False),
        feature_weight=0.0,
        critic_from=5,
        decay_steps=50,
        critic_width=2,
        average=0.5,
    ),
    "published": ca_inpainter.Config(
        network=deepfill.Network(width=4), learning_rate=1e-3, critic_steps=2, decay_steps=30
    ),
}


def test_before_it_joins_in_nobody_asks_the_critic():
    """So that its pass costs nothing until then: what it would say is not a number here."""
    trainable, pictures, key = SETTINGS["light"].build(), batch(), jax.random.key(4)
    state = hurried.jit(trainable.init)(key, None, pictures)
    learning = state.learning
    patches = learning.critics["patches"]
    broken = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), patches.params)
    critics = {"patches": dataclasses.replace(patches, params=broken)}
    step = hurried.jit(trainable.step)
    wanted, _ = step(state, None, pictures, key)
    state = dataclasses.replace(state, learning=dataclasses.replace(learning, critics=critics))
    found, _ = step(state, None, pictures, key)
    for one, other in zip(
        jax.tree.leaves(found.learning.generator),
        jax.tree.leaves(wanted.learning.generator),
        strict=True,
    ):
        assert np.array_equal(one, other)
    begun = dataclasses.replace(learning, num_steps=jnp.int32(5))
    made, _ = step(dataclasses.replace(wanted, learning=begun), None, pictures, key)
    after = made.learning.critics["patches"].params
    moved = jax.tree.map(lambda a, b: float(abs(a - b).max()), patches.params, after)
    rate = 1e-3 * 0.5 * (1.0 + np.cos(np.pi * 5 / 50))  # that of the run's step, not of a first one
    np.testing.assert_allclose(max(jax.tree.leaves(moved)), rate, rtol=2e-3)


@pytest.mark.parametrize("name", SETTINGS)
def test_steps_are_compiled_once_and_bring_the_pixels_nearer(name, monkeypatch):
    small = {"whole": Critic((2, 2)), "near": Critic((2, 2))}
    monkeypatch.setattr(ca_inpainter, "CRITICS", small)
    trainable, pictures, key = SETTINGS[name].build(), batch(), jax.random.key(4)
    state = hurried.jit(trainable.init)(key, None, pictures)
    step = hurried.jit(trainable.step)
    measure = hurried.jit(
        lambda state: trainable.measure(trainable.weights(state), state, None, pictures, key)
    )
    before = measure(state)
    for number in range(25):
        earlier = state
        state, metrics = step(state, None, pictures, jax.random.fold_in(key, number))
        assert all(np.isfinite(value) and np.ndim(value) == 0 for value in metrics.values())
    assert step._cache_size() == 1
    if name == "published":  # 50 updates of the critics, by the rate of the run's 25th step
        now, then = (one.learning.critics["whole"].params for one in (state, earlier))
        moved = jax.tree.map(lambda a, b: float(abs(a - b).max()), now, then)
        assert max(jax.tree.leaves(moved)) > 1e-4
    after = measure(state)
    assert after["psnr"].shape == (4,)
    assert after["psnr"].mean() > before["psnr"].mean() + 0.2


def test_features_are_those_of_lite1_and_of_no_other_network():
    with pytest.raises(ValueError, match="those of EfficientNet-Lite1, never of the classifiers"):
        perceptual.difference(frozen().classifier, batch().images, batch().images)
    light = dataclasses.replace(SETTINGS["light"], feature_weight=1.0).build()
    state = jax.eval_shape(light.init, KEYS[0], None, batch())
    with pytest.raises(ValueError, match="feature_weight is 1, and there is no network"):
        jax.eval_shape(light.step, state, None, batch(), KEYS[0])


def test_published_holes_lie_in_a_box_of_half_of_each_side():
    boxes = holes.boxes(KEYS, 32, 64)
    keep = holes.within(boxes, KEYS, 32, 64)
    near = ca_inpainter.near(1.0 - keep, boxes)
    assert near.shape == (3, 16, 32, 1)
    np.testing.assert_array_equal(near.sum((1, 2, 3)), (1.0 - keep).sum((1, 2, 3)))
    # At most a sixteenth of the box is lost at either end of each side.
    assert (near.sum((1, 2, 3)) >= 14 * 28).all()


@pytest.mark.parametrize("name", ["vae", "light", "published"])
def test_pictures_that_the_network_does_not_divide_are_refused_in_a_sentence(name):
    with pytest.raises(ValueError, match="15 x 24; set data.resize to multiples of"):
        SETTINGS[name].build().init(KEYS[0], None, batch(height=15))
