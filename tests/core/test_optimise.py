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


def test_a_memory_goes_from_step_to_step_and_is_not_differentiated():
    def objective(theta, step, fill):
        # Filled anew at every third step, from what the mask is then: a gradient would show.
        fill = jnp.where(step % 3 == 0, 10.0 * theta, fill)
        value = 0.5 * ((theta - jax.lax.stop_gradient(fill)) ** 2).sum(axis=1)
        return value, {"fill": fill[:, 0]}, fill

    theta = jnp.ones((3, 1)) * jnp.array([[1.0], [2.0], [3.0]])
    begun = jnp.zeros_like(theta)
    found, trace = optimise(objective, theta, optax.sgd(0.1), jnp.arange(5), memory=begun)
    for row, start in enumerate((1.0, 2.0, 3.0)):
        by_hand, fill, fills = start, 0.0, []
        for step in range(5):
            fill = 10.0 * by_hand if step % 3 == 0 else fill
            fills.append(fill)
            by_hand -= 0.1 * (by_hand - fill)
        np.testing.assert_allclose(found[row, 0], by_hand, rtol=1e-5)
        np.testing.assert_allclose(trace["fill"][row], fills, rtol=1e-5)


def test_pictures_settle_each_at_its_own_step_and_stay_as_they_were():
    settled = lambda terms: terms["objective"] < 2.0  # noqa: E731
    steps = jnp.arange(6)
    found, trace = optimise(parabolas, jnp.zeros(3), optax.sgd(0.25), steps, settled=settled)
    moves = []
    for row, goal in enumerate(np.asarray(GOAL)):
        by_hand, still, moved = 0.0, False, 0
        for step in range(6):
            value = (by_hand - goal) ** 2
            np.testing.assert_allclose(trace["objective"][row, step], value, rtol=1e-5)
            still = still or value < 2.0
            by_hand, moved = (by_hand, moved) if still else ((by_hand + goal) / 2, moved + 1)
        np.testing.assert_allclose(found[row], by_hand, rtol=1e-5)
        moves.append(moved)
    assert moves == [0, 1, 2]


def test_of_no_steps_nothing_moves_whether_or_not_pictures_settle():
    for settled in (None, lambda terms: terms["objective"] < 2.0):
        found, trace = optimise(
            parabolas, GOAL + 1.0, optax.sgd(0.25), jnp.arange(0), settled=settled
        )
        np.testing.assert_array_equal(found, GOAL + 1.0)
        assert {name: values.shape for name, values in trace.items()} == {
            "objective": (3, 0),
            "distance": (3, 0),
        }


def test_a_memory_and_chunks_do_not_go_together():
    with pytest.raises(ValueError, match="a memory or comes in chunks, not both"):
        optimise(
            parabolas,
            jnp.zeros(3),
            optax.sgd(0.1),
            jnp.arange(2),
            memory=jnp.zeros(3),
            chunks=jnp.arange(2)[:, None],
        )


def test_what_is_said_of_a_still_picture_does_not_depend_on_its_company():
    """The step's number is a term of its own: it stays at the one at which the picture settled."""

    def objective(theta, x):
        value, terms = parabolas(theta, x)
        return value, {**terms, "step": jnp.full(3, 1.0) * x}

    settled = lambda terms: terms["objective"] < 2.0  # noqa: E731
    steps = jnp.arange(6)
    _, trace = optimise(objective, jnp.zeros(3), optax.sgd(0.25), steps, settled=settled)
    np.testing.assert_array_equal(trace["step"], np.minimum(np.arange(6), [[0], [1], [2]]))
