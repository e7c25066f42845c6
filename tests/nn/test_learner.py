"""A network with batch norm learns the same on one device, on eight under jit, and under pmap."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xai_jax.core.types import Batch
from xai_jax.nn import learner
from xai_jax.nn.layers import BatchNorm, Conv, InTraining

TX = optax.sgd(0.1)  # follows the scale of a gradient, as Adam does not


class Small(linen.Module):
    @linen.compact
    def __call__(self, normalised, training=None):
        x = Conv(4, kernel=3, name="first")(normalised)
        x = BatchNorm(name="norm")(x, training)
        return Conv(1, name="last", use_bias=True)(jax.nn.relu(x))


def loss(params, statistics, batch, key, axis_name):
    out, statistics = learner.apply_training(
        Small(),
        params,
        statistics,
        batch.images,
        InTraining(weight=batch.weight, axis_name=axis_name),
    )
    return jnp.square(out - batch.images[..., :1]).mean(axis=(1, 2, 3)), {}, statistics


def step(state, batch, key, axis_name=None, micro_batches=1):
    of_key = lambda *given: loss(*given, axis_name)  # noqa: E731
    parts = {"axis_name": axis_name, "micro_batches": micro_batches}
    return learner.minimise(state, TX, of_key, batch, key, **parts)


@pytest.fixture(scope="module")
def batch() -> Batch:
    images = jax.random.normal(jax.random.key(0), (16, 6, 5, 3)) + 1.0
    weight = jnp.ones(16).at[jnp.array([0, 1, 5])].set(0.0)  # device 0 has nothing but padding
    ids = jnp.arange(16, dtype=jnp.uint32)
    return Batch(images=images, target=jnp.zeros(16, jnp.int32), image_id=ids, weight=weight)


@pytest.fixture(scope="module")
def state(batch):
    return learner.init(Small(), TX, jax.random.key(1), batch.images)


@pytest.fixture(scope="module")
def stepped(state, batch):
    return jax.jit(step)(state, batch, jax.random.key(2))


def alike(found, wanted):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6), found, wanted)


def test_the_running_mean_moves_a_tenth_towards_that_of_the_real_rows(state, batch, stepped):
    first = Conv(4, kernel=3).apply({"params": state.params["first"]}, batch.images)
    real = np.asarray(first)[np.asarray(batch.weight) == 1]
    norm = stepped[0].statistics["norm"]
    np.testing.assert_allclose(norm["mean"], 0.1 * real.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    count = real[..., 0].size
    spread = real.var((0, 1, 2)) * count / (count - 1)
    np.testing.assert_allclose(norm["var"], 0.9 + 0.1 * spread, rtol=1e-4)


def test_eight_devices_under_jit_learn_what_one_does(state, batch, stepped):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))
    alike(jax.jit(step)(state, spread, jax.random.key(2)), stepped)


def test_pmap_learns_what_jit_does_although_padding_is_unequal(state, batch, stepped):
    def centred(state, batch, key):
        return step(state, batch, key, axis_name="data")

    split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), batch)
    mapped = jax.pmap(centred, axis_name="data", in_axes=(None, 0, None))
    found = mapped(state, split, jax.random.key(2))
    alike(jax.tree.map(lambda x: x[0], found), stepped)
    alike(jax.tree.map(lambda x: x[7], found), stepped)


def test_micro_batches_hand_the_statistics_on(state, batch):
    found, _ = jax.jit(lambda *given: step(*given, micro_batches=2))(
        state, batch, jax.random.key(2)
    )
    halves = [jax.tree.map(lambda x, i=i: x[i::2], batch) for i in range(2)]
    statistics = state.statistics
    for half in halves:
        _, _, statistics = loss(state.params, statistics, half, jax.random.key(2), None)
    alike(found.statistics, statistics)


def test_what_is_used_depends_on_no_other_picture(state, batch):
    together = learner.apply(Small(), state, batch.images)
    alone = learner.apply(Small(), state, batch.images[3:4])
    np.testing.assert_allclose(together[3:4], alone, atol=1e-6)


def test_one_compiled_step_updates_two_generators_and_a_critic_a_line_each(state, batch):
    """Each loss sees the others as the lines before left them; by hand with plain gradients."""

    def of_critic(params, statistics, batch, one, two):
        found = params["w"] * (one.params["w"] - two.params["w"]) * jnp.ones(len(batch.weight))
        return found, {}, statistics

    def of_generator(params, statistics, batch, sign, critic):
        found = sign * critic.params["w"] * params["w"] ** 2 * jnp.ones(len(batch.weight))
        return found, {"w": jnp.broadcast_to(params["w"], found.shape)}, statistics

    def one_step(critic, first, second, batch):
        critic, _ = learner.minimise(critic, TX, of_critic, batch, first, second)
        first, said = learner.minimise(first, TX, of_generator, batch, 1.0, critic)
        second, _ = learner.minimise(second, TX, of_generator, batch, -1.0, critic)
        return critic, first, second, said

    def begun(w):
        params = {"w": jnp.float32(w)}
        return learner.Learner(params=params, statistics={}, opt_state=TX.init(params))

    *found, said = jax.jit(one_step)(begun(1.0), begun(2.0), begun(3.0), batch)
    critic = 1.0 - 0.1 * (2.0 - 3.0)
    wanted = [critic, 2.0 - 0.1 * critic * 2 * 2.0, 3.0 + 0.1 * critic * 2 * 3.0]
    np.testing.assert_allclose([x.params["w"] for x in found], wanted, rtol=1e-6)
    assert said["loss"] == pytest.approx(critic * 4.0) and said["w"] == 2.0


def test_a_trunk_has_a_rate_of_its_own():
    """Adam's first step is the rate, whatever the gradient."""
    params = {"trunk": {"a": jnp.ones(3)}, "classes": {"b": jnp.ones(2)}}
    grads = jax.tree.map(lambda x: 0.3 * x, params)
    for tx, wanted in (
        (learner.adam(0.1, 0, trunk_rate=0.01), (0.01, 0.1)),
        (learner.adam(0.1, 0, trunk_rate=0.0), (0.0, 0.1)),
        (learner.adam(0.1, 0), (0.1, 0.1)),
    ):
        updates, _ = tx.update(grads, tx.init(params), params)
        np.testing.assert_allclose(updates["trunk"]["a"], -wanted[0], rtol=1e-4)
        np.testing.assert_allclose(updates["classes"]["b"], -wanted[1], rtol=1e-4)
