"""SEAN's training on planted streets, small, and the file that it leaves as a generator."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.smoke import steex as smoke
from xai_jax.core.components import Components
from xai_jax.core.errors import BadPicture
from xai_jax.core.generator import check_prepares
from xai_jax.core.types import Batch
from xai_jax.generators.sean import Sean, of_weights
from xai_jax.nn.learner import Learner
from xai_jax.nn.sean import Sean as Network
from xai_jax.pretrain import sean

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def experiment():
    made = smoke.get_config()
    made.method.critic_from = 3
    made.method.decay_steps = 200
    return made


@pytest.fixture(scope="module")
def batch(experiment):
    stream = experiment.data.batches(8)
    found = jax.tree.map(jnp.asarray, next(stream))
    stream.close()
    return found


@pytest.fixture(scope="module")
def trainable(experiment):
    return experiment.method.build()


@pytest.fixture(scope="module")
def step(trainable):
    return jax.jit(trainable.step)


@pytest.fixture(scope="module")
def states(trainable, step, batch):
    """Before the first step, after three (no critic yet), and after twenty of the same batch."""
    rng = np.random.default_rng(0)

    def drawn(leaf):
        return jnp.asarray(0.3 * rng.normal(size=leaf.shape), leaf.dtype)

    def zero(leaf):
        return jnp.zeros(leaf.shape, leaf.dtype)

    # Not by `init`, whose program takes as long to compile as the step's.
    state = jax.eval_shape(trainable.init, KEY, None, batch)
    learning = jax.tree.map(zero, state.learning)
    params = {"params": jax.tree.map(drawn, state.learning.generator.params)}
    generator = dataclasses.replace(learning.generator, **params)
    critics = dataclasses.replace(
        learning.critics, params=jax.tree.map(drawn, state.learning.critics.params)
    )
    learning = dataclasses.replace(learning, generator=generator, critics=critics)
    state = dataclasses.replace(jax.tree.map(zero, state), learning=learning)
    found, said = {0: state}, []
    for n in range(20):
        state, metrics = step(state, None, batch, jax.random.fold_in(KEY, n))
        said.append(metrics)
        found[n + 1] = state
    return found, said


def same(one, other):
    return all(map(np.array_equal, jax.tree.leaves(one), jax.tree.leaves(other)))


def test_it_learns_and_the_critics_join_in_when_they_are_told(states):
    found, said = states
    assert said[-1]["pixels"] < 0.8 * said[0]["pixels"]
    assert all(np.isfinite(v) for metrics in said for v in metrics.values())
    critics = {n: state.learning.critics.params for n, state in found.items()}
    assert same(critics[0], critics[3]) and not same(critics[3], critics[4])
    assert said[2]["critics"] == 0.0 and said[3]["critics"] > 0.0
    assert int(found[20].learning.num_steps) == 20


def test_before_they_join_in_nobody_asks_them(states, step, batch):
    """So that their passes cost nothing until then: what they would say is not a number here."""
    begun = states[0][0]
    critics = begun.learning.critics
    broken = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), critics.params)
    learning = dataclasses.replace(
        begun.learning, critics=dataclasses.replace(critics, params=broken)
    )
    after, said = step(
        dataclasses.replace(begun, learning=learning), None, batch, jax.random.fold_in(KEY, 0)
    )
    assert same(after.learning.generator.params, states[0][1].learning.generator.params)
    assert said["fooled"] == 0.0 and said["matching"] == 0.0


def test_the_first_steps_see_the_pictures_at_half_the_size(monkeypatch):
    images = jax.random.uniform(KEY, (2, 16, 24, 3))
    regions = jax.random.randint(KEY, (2, 16, 24), 0, 2)
    given = {"target": jnp.zeros(2, int), "image_id": jnp.arange(2, dtype=jnp.uint32)}
    batch = Batch(images=images, regions=regions, weight=jnp.ones(2), **given)

    def told(state, frozen, batch, key, axis_name):
        """How many rows there are, a pixel and a region of each picture."""
        del frozen, key, axis_name
        assert batch.images.shape[:3] == batch.regions.shape
        said = {"square": batch.images[1, 3, 2], "regions": batch.regions[:, 1, 1]}
        state = dataclasses.replace(state, num_steps=state.num_steps + 1)
        return state, {**said, "rows": batch.images.shape[1]}

    monkeypatch.setattr(sean, "_whole_step", lambda cfg: told)
    network = Network(regions=("sky", "road"), width=2, depth=2, style=3)
    cfg = sean.Config(network=network, half_steps=2, feature_weight=0.0)
    step = jax.jit(sean._step(cfg))
    nobody = Learner(params={}, statistics={}, opt_state={})
    state = sean.State(generator=nobody, critics=nobody, num_steps=jnp.int32(0))
    for n in range(4):
        state, said = step(state, None, batch, KEY)
        square = images[1, 6:8, 4:6].mean((0, 1)) if n < 2 else images[1, 3, 2]
        np.testing.assert_allclose(said["square"], square, rtol=1e-6)
        np.testing.assert_array_equal(
            said["regions"], regions[:, 2, 2] if n < 2 else regions[:, 1, 1]
        )
        assert said["rows"] == (8 if n < 2 else 16)
    for rows in (4, 9, 12):  # of 4 and 12 the half does not halve twice, of 9 the whole does not
        short = dataclasses.replace(batch, images=images[:, :rows], regions=regions[:, :rows])
        with pytest.raises(ValueError, match=f"{rows} x 24; set data.resize to multiples of 8"):
            jax.eval_shape(cfg.build().init, KEY, None, short)


def test_features_of_no_network_are_refused(experiment, batch):
    cfg = sean.Config(network=experiment.method.network)
    with pytest.raises(ValueError, match="feature_weight is 10, and there is no network"):
        jax.eval_shape(cfg.build().init, KEY, None, batch)


def test_each_side_has_its_own_rate():
    """Adam's first update is the rate itself, whatever the gradient."""
    network = smoke.get_config().method.network
    cfg = sean.Config(network=network, steady_steps=2, decay_steps=4)
    for rate, wanted in ((cfg.generator_rate, 1e-4), (cfg.critic_rate, 4e-4)):
        params = jnp.ones(2)
        state, moves = cfg.optimiser(rate, 0).init(params), []
        for n in range(6):
            updates, state = cfg.optimiser(rate, n).update(jnp.array([3.0, -0.5]), state, params)
            moves.append(abs(updates[0]))
        shares = [1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
        np.testing.assert_allclose(moves, wanted * np.array(shares), rtol=1e-3)


def test_critics_that_join_in_late_have_the_rate_of_the_run(states, experiment):
    """That of step 3 of 200, and not that of a first step: 1.5 % less."""
    before, after = (states[0][n].learning.critics.params for n in (3, 4))
    moved = jax.tree.map(lambda a, b: float(abs(a - b).max()), before, after)
    wanted = experiment.method.critic_rate * (1.0 - 3 / 200)
    np.testing.assert_allclose(jax.tree.leaves(moved), wanted, rtol=2e-3)


def test_layers_are_matched_but_for_the_scores():
    ones, twos = jnp.ones((2, 3, 3, 4)), 2.0 * jnp.ones((2, 3, 3, 4))
    fake = [[ones, ones, twos], [twos, ones, ones]]
    real = [[twos, ones, ones], [ones, ones + 3.0, twos]]
    np.testing.assert_allclose(sean.matching(fake, real), (1.0 + 0.0 + 1.0 + 3.0) / 2)


def test_label_maps_that_do_not_fit_are_refused(trainable, batch):
    right = np.asarray(batch.regions[0])
    trainable.admit({"regions": right})
    wrong = right.copy()
    wrong[0, 0] = 255
    with pytest.raises(BadPicture, match="the number 255, and network.regions names 0 to 6; name"):
        trainable.admit({"regions": wrong})
    with pytest.raises(BadPicture, match="of float32; regions must be whole numbers"):
        trainable.admit({"regions": right.astype(np.float32)})
    with pytest.raises(BadPicture, match="set regions=True"):
        trainable.admit({"labels": np.zeros(1)})
    without = dataclasses.replace(batch, regions=None)
    with pytest.raises(ValueError, match="set regions=True"):
        jax.eval_shape(trainable.init, KEY, None, without)


def test_the_file_is_the_generator_of_the_weights(experiment, trainable, states, tmp_path):
    weights = trainable.weights(states[0][20])
    experiment.export(weights, tmp_path)
    found = Sean(weights=str(tmp_path)).build()
    wanted = of_weights(experiment.method.network, weights)
    assert found.region_names == experiment.method.network.regions
    again = Sean(weights=str(tmp_path)).build()
    assert found.decode_fn is wanted.decode_fn  # nothing compiles anew
    assert found.prepare_fn is again.prepare_fn
    jax.tree.map(np.testing.assert_array_equal, found.params, wanted.params)


@pytest.mark.parametrize(
    "path, sentence",
    [("", "has no weights; train it"), ("nowhere.safetensors", "nowhere.safetensors")],
)
def test_a_generator_without_its_file_says_so(path, sentence):
    with pytest.raises((ValueError, OSError), match=sentence):
        Sean(weights=path).build()


@pytest.mark.parametrize("components", [Components(), Components(at_most=2)])
def test_pictures_of_another_size_than_it_has_learned_are_refused(
    experiment, states, trainable, components, tmp_path
):
    """Which the file says, also where twice that size would halve as often."""
    experiment.export(trainable.weights(states[0][0]), tmp_path)
    generator = Sean(weights=str(tmp_path), components=components).build()
    check_prepares(generator, (1, smoke.SIDE, smoke.SIDE, 3))
    for height, width in ((64, 32), (32, 64), (16, 16)):
        sentence = f"are {height} x {width}, and SEAN was trained on 32 x 32; train one on"
        with pytest.raises(ValueError, match=sentence):
            check_prepares(generator, (1, height, width, 3))


def test_pictures_that_do_not_halve_or_without_maps_are_refused(experiment, states, trainable):
    weights = trainable.weights(states[0][0])
    generator = of_weights(experiment.method.network, weights)
    shape = functools.partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
    with pytest.raises(ValueError, match="30 x 32; set data.resize to multiples of 4"):
        jax.eval_shape(generator.prepare, shape((1, 30, 32, 3)), shape((1, 30, 32)))
    with pytest.raises(ValueError, match="no label maps"):
        jax.eval_shape(generator.prepare, shape((1, 32, 32, 3)))
    with pytest.raises(ValueError, match="no region 'cat'"):
        of_weights(experiment.method.network, weights, Components(of=("cat",)))
