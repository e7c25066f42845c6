"""The loop against closed forms, under SGD: Adam would hide a wrong scale of the gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from xai_jax.core.optimise import optimise

GOAL = jnp.array([1.0, -2.0, 4.0])


def parabolas(theta, x):
    del x
    return (theta - GOAL) ** 2, {"distance": jnp.abs(theta - GOAL)}


def test_sgd_on_parabolas_follows_the_closed_form():
    theta, trace = optimise(parabolas, jnp.zeros(3), optax.sgd(0.1), jnp.arange(5))
    # Each step keeps 80 % of the error: gradient 2 (theta - goal), rate 0.1.
    np.testing.assert_allclose(theta, GOAL * (1 - 0.8**5), rtol=1e-6)
    expected = np.abs(GOAL)[:, None] * 0.8 ** np.arange(5)
    np.testing.assert_allclose(trace["distance"], expected, rtol=1e-5)
    np.testing.assert_allclose(trace["objective"], expected**2, rtol=1e-5)


@pytest.mark.parametrize("num", [1, 2, 4])
def test_chunks_give_the_mean_over_their_objectives(num):
    """Chunk i pulls towards goal + i; the mean pulls towards goal + mean(i)."""

    def objective(theta, x, chunk):
        del x
        return ((theta[:, None] - GOAL[:, None] - chunk) ** 2).mean(axis=1), {}

    chunks = jnp.arange(4.0).reshape(num, -1)
    theta, trace = optimise(objective, jnp.zeros(3), optax.sgd(0.1), jnp.arange(5), chunks=chunks)
    np.testing.assert_allclose(theta, (GOAL + 1.5) * (1 - 0.8**5), rtol=1e-5)
    first = ((GOAL[:, None] + jnp.arange(4.0)) ** 2).mean(axis=1)
    np.testing.assert_allclose(trace["objective"][:, 0], first, rtol=1e-5)


def test_a_projection_holds_after_every_step():
    theta, trace = optimise(
        parabolas, jnp.zeros(3), optax.sgd(0.1), jnp.arange(9), project=lambda t: t.clip(-0.5, 0.5)
    )
    np.testing.assert_allclose(theta, [0.5, -0.5, 0.5])
    np.testing.assert_allclose(trace["distance"][:, -1], [0.5, 1.5, 3.5])


def test_what_changes_per_step_reaches_the_objective_in_order():
    def objective(theta, x):
        return theta * x["slope"], {"slope": x["slope"] * jnp.ones(3)}

    slopes = jnp.array([1.0, 10.0, 100.0])
    theta, trace = optimise(objective, jnp.zeros(3), optax.sgd(1.0), {"slope": slopes})
    np.testing.assert_allclose(theta, -111.0 * np.ones(3))
    np.testing.assert_allclose(trace["slope"], np.tile(slopes, (3, 1)))


def test_theta_may_be_any_pytree():
    start = {"a": jnp.zeros(2), "b": (jnp.ones((2, 3)),)}

    def objective(theta, x):
        del x
        return theta["a"] ** 2 - theta["a"] + theta["b"][0].sum(axis=1), {}

    theta, _ = optimise(objective, start, optax.sgd(0.5), jnp.arange(1))
    np.testing.assert_allclose(theta["a"], [0.5, 0.5])
    np.testing.assert_allclose(theta["b"][0], np.full((2, 3), 0.5))


def test_the_second_call_does_not_compile():
    run = jax.jit(lambda theta: optimise(parabolas, theta, optax.sgd(0.1), jnp.arange(5))[0])
    run(jnp.zeros(3))
    run(jnp.ones(3))
    assert run._cache_size() == 1
