"""Adversarial losses by hand, and the gradient penalty against the gradient of a gradient."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.losses import adversarial

KEYS = jax.random.split(jax.random.key(0), 3)


def test_reconstruction_is_the_mean_square_and_the_mean_absolute_difference():
    one = jnp.array([0.0, 0.5, 1.0, 0.2]).reshape(1, 2, 2, 1)
    other = jnp.array([0.1, 0.5, 0.6, 0.5]).reshape(1, 2, 2, 1)
    wanted = (0.01 + 0.16 + 0.09) / 4 + (0.1 + 0.4 + 0.3) / 4
    np.testing.assert_allclose(adversarial.reconstruction(one, other), [wanted], rtol=1e-6)


def test_what_is_drawn_right_is_left_as_it_is():
    same = jnp.array([0.0, 0.5, 1.0, 0.2]).reshape(1, 2, 2, 1)
    slope = jax.grad(lambda x: adversarial.reconstruction(x, same).sum())(same)
    np.testing.assert_array_equal(slope, 0.0)


def test_says_is_the_cross_entropy_of_the_logits_probability():
    logits = jnp.array([2.0, -1.0, 0.3])
    p = 1 / (1 + np.exp(-np.asarray(logits)))
    for target in (0.0, 1.0, 0.7):
        wanted = -(target * np.log(p) + (1 - target) * np.log(1 - p))
        np.testing.assert_allclose(adversarial.says(logits, target), wanted, rtol=1e-5)
    assert adversarial.says(jnp.array([-200.0]), 1.0) == 200.0  # no probability is cut off


def curved(weights, images):
    """A critic that bends everywhere."""
    hidden = jnp.tanh(images.reshape(len(images), -1) @ weights["in"])
    return jnp.square(hidden) @ weights["out"]


def test_the_penaltys_gradient_is_that_of_a_gradient_taken_twice():
    rng = np.random.default_rng(0)
    weights = {"in": jnp.asarray(rng.normal(size=(12, 5))), "out": jnp.asarray(rng.normal(size=5))}
    real, fake = (jnp.asarray(rng.random((3, 2, 2, 3))) for _ in range(2))
    holes = jnp.asarray(rng.integers(0, 2, (3, 2, 2, 1)), jnp.float32)

    def plainly(weights):
        between = jax.vmap(lambda key: jax.random.uniform(key, (1, 1, 1)))(KEYS)
        mixed = real + between * (fake - real)
        slope = jax.grad(lambda x: curved(weights, x).sum())(mixed) * holes
        return jnp.square(jnp.sqrt(jnp.square(slope).sum((1, 2, 3)) + 1e-12) - 1.0)

    def ours(weights):
        critic = lambda x: curved(weights, x)  # noqa: E731
        return adversarial.gradient_penalty(critic, real, fake, holes, KEYS)

    np.testing.assert_allclose(ours(weights), plainly(weights), rtol=1e-5)
    found, wanted = (jax.grad(lambda w, f=f: f(w).sum())(weights) for f in (ours, plainly))
    for name in weights:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5)
