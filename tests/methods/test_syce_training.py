"""What SyCE learns by: its terms by NumPy, the order of its updates, its rates."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cornered import NOTHING, SIDE, SMALL, batch_of, corner, frozen

from xai_jax.core.image import held_in_unit
from xai_jax.methods import syce
from xai_jax.methods.syce import terms, training
from xai_jax.methods.syce.domains import NAMES
from xai_jax.nn import learner
from xai_jax.nn.learner import Learner
from xai_jax.nn.unet import UNet


def test_the_terms_are_those_of_the_paper_by_numpy():
    rng = np.random.default_rng(0)
    x, a, s, r = rng.random((4, 2, 3, 3, 1)).astype(np.float32)
    said = {"adversarial": [0.5, -2.0], "symmetric": [1.0, 0.1], "cycled": [-1.0, 3.0]}
    real, target = np.array([0.7, -0.2]), np.array([1.0, 0.0])
    loss = syce.Loss(proximity=0.5)
    pictures = {"adversarial": a, "symmetric": s, "cycled": r}
    found = terms.terms(
        loss,
        jnp.asarray(x),
        jnp.asarray(target),
        jax.tree.map(jnp.asarray, pictures),
        {name: jnp.array(value) for name, value in said.items()},
        jnp.asarray(real),
    )

    def rec(u, v):
        return ((u - v) ** 2).mean((1, 2, 3)) + abs(u - v).mean((1, 2, 3))

    def bce(y, logits):
        p = 1 / (1 + np.exp(-np.asarray(logits)))
        return -(y * np.log(p) + (1 - y) * np.log(1 - p))

    wanted = 10 * rec(x, s) + 2 * rec(x, r) + 0.5 * abs(x - a).mean((1, 2, 3))
    wanted += 0.2 * bce(1 - target, said["adversarial"]) + 0.01 * bce(target, said["symmetric"])
    wanted += 0.005 * bce(target, said["cycled"]) + 0.25 * bce(1.0, real)
    np.testing.assert_allclose(terms.weighted(loss, found), wanted, rtol=1e-5)


def test_what_is_black_and_drawn_blacker_still_is_left_as_it_is():
    loss = dataclasses.replace(
        NOTHING, symmetry=1.0, cycle=1.0, identity=1.0, proximity=1.0, pair=1.0
    )

    def lost(drawn):
        roles = (terms.ADVERSARIAL, terms.SYMMETRIC, terms.CYCLED, terms.SAME)
        pictures = {role: held_in_unit(drawn) for role in roles}
        found = terms.terms(loss, jnp.zeros(drawn.shape), jnp.zeros(1), pictures, {}, None)
        assert len(found) == 5
        return sum(x.sum() for x in found.values())

    value, slope = jax.value_and_grad(lost)(jnp.full((1, 2, 2, 1), -0.3))
    assert value == 0.0
    np.testing.assert_array_equal(slope, 0.0)


def rec(u, v):
    off = jnp.where(u == v, 0.0, jnp.abs(u - v))  # no slope where nothing is off
    return jnp.mean((u - v) ** 2) + jnp.mean(off)


def bce(y, logits):
    p = jax.nn.sigmoid(logits)
    return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


class Plainly:
    """The losses of two halves that lie ready; parameters by domain, zero first."""

    def __init__(self, cfg, frozen, images, keys):
        self.cfg, self.gain, self.images, self.keys = cfg, frozen.classifier.params, images, keys
        self.network, self.critic = cfg.network.build(), cfg.critic.build()

    def draw(self, params, x):
        return held_in_unit(self.network.apply({"params": params}, x)).repeat(3, axis=-1)

    def say(self, params, x):
        return self.critic.apply({"params": params}, x[..., :1])

    def of_generators(self, params, c, critics):
        x, y, weights = self.images[c], float(c), self.cfg.loss
        own, other = (params[NAMES[d]] for d in (c, 1 - c))
        a = self.draw(own, x)
        s, r = self.draw(own, a), self.draw(other, a)
        fa, fs, fr = (corner(self.gain, z)[:, 0] for z in (a, s, r))
        total = weights.symmetry * rec(x, s) + weights.cycle * rec(x, r)
        total += weights.flip * bce(1 - y, fa) + weights.keep * bce(y, fs)
        total += weights.cycle_keep * bce(y, fr)
        return total + weights.realism * bce(1.0, self.say(critics[NAMES[1 - c]], a))

    def of_critic(self, params, c, generators):
        real = self.images[c]
        fake = self.draw(generators[NAMES[1 - c]], self.images[1 - c])
        between = jax.vmap(lambda key: jax.random.uniform(key, (1, 1, 1)))(self.keys[c])
        mixed = (real + between * (fake - real))[..., :1]
        slope = jax.grad(lambda x: self.say(params, x).sum())(mixed)
        length = jnp.sqrt(jnp.square(slope).sum((1, 2, 3)) + 1e-12)
        lost = bce(1.0, self.say(params, real)) + bce(0.0, self.say(params, fake))
        return lost + self.cfg.loss.penalty * jnp.mean((length - 1) ** 2)


def plain_step(cfg, state, plainly):
    """The published order of updates."""
    tx = optax.adam(cfg.learning_rate, eps=1e-7)
    params, opt = state.generators.params, state.generators.opt_state
    critics = {name: one.params for name, one in state.critics.items()}

    def updated(grads, params, opt):
        updates, opt = tx.update(grads, opt, params)
        return optax.apply_updates(params, updates), opt

    slope = jax.grad(plainly.of_generators)
    if cfg.together:
        both = [slope(params, c, critics) for c in (0, 1)]
        params, opt = updated(jax.tree.map(jnp.add, *both), params, opt)
    else:
        for c in (0, 1):
            params, opt = updated(slope(params, c, critics), params, opt)
    for c, name in enumerate(NAMES):
        grads = jax.grad(plainly.of_critic)(critics[name], c, params)
        critics[name], _ = updated(grads, critics[name], state.critics[name].opt_state)
    return params, critics


@pytest.mark.parametrize("together", [False, True])
def test_a_step_is_the_published_order_of_updates_written_plainly(together):
    # A large rate, so that what the second update sees differs from what the first one saw.
    cfg = syce.Config(**SMALL, together=together, learning_rate=0.05)
    known, batch, key = frozen(5.0), batch_of(6, jax.random.key(1)), jax.random.key(2)
    state = jax.jit(lambda key: training.init(cfg, key, known, batch))(jax.random.key(3))
    after, metrics = jax.jit(lambda *a: training.step(cfg, *a))(state, known, batch, key)
    halves = [batch.images[0::2], batch.images[1::2]]
    of_critics = [
        jax.vmap(lambda i, own=own: jax.random.fold_in(own, i))(batch.image_id[c::2])
        for c, own in enumerate(jax.random.split(key, 3)[1:])
    ]
    keys = [jax.vmap(lambda k: jax.random.split(k, 3)[0])(own) for own in of_critics]
    plainly = Plainly(cfg, known, halves, keys)
    params, critics = jax.jit(lambda s: plain_step(cfg, s, plainly))(state)
    for found, wanted in (
        (after.generators.params, params),
        *((after.critics[name].params, critics[name]) for name in critics),
    ):
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(one, other, atol=2e-3)
    assert {"loss", "flip_zero", "symmetry_one", "critic_zero", "fooled_one"} <= set(metrics)
    assert all(np.isfinite(value) for value in metrics.values())


def told_by_side(own, other):
    """Networks that are numbers: what each draws is its number times the picture."""
    return {"zero": jnp.float32(own), "one": jnp.float32(other)}


def test_each_picture_is_drawn_by_the_network_that_its_term_names():
    """By hand: G_0 halves, G_1 multiplies by 1.5; the pictures are of domain 0."""
    images = batch_of(2, jax.random.key(0)).images
    params = told_by_side(0.5, 1.5)
    draw = lambda own, x: {terms.ADVERSARIAL: own * x}  # noqa: E731
    loss = dataclasses.replace(NOTHING, symmetry=1.0, cycle=1.0, identity=1.0)
    cfg = syce.Config(loss=loss, stable=syce.Stable.CYCLE)
    found = terms.made(cfg, draw, params["zero"], params["one"], images)
    wanted = {"adversarial": 0.5, "symmetric": 0.25, "cycled": 0.75, "same": 1.5}
    assert set(found) == set(wanted)
    for name, times in wanted.items():
        np.testing.assert_allclose(found[name], times * images, rtol=1e-6)
    for stable, times in ((syce.Stable.CYCLE, 0.75), (syce.Stable.SYMMETRY, 0.25)):
        cfg = syce.Config(loss=loss, stable=stable)
        np.testing.assert_allclose(terms.stable_of(cfg, found, images), times * images, rtol=1e-6)
    said = terms.terms(loss, images, jnp.zeros(2), found, {}, None)
    for name, times in (("symmetry", 0.75), ("cycle", 0.25), ("identity", -0.5)):
        off = np.asarray(times * images)
        np.testing.assert_allclose(
            said[name], (off**2 + abs(off)).mean((1, 2, 3)), rtol=1e-5, err_msg=name
        )


def test_what_is_to_be_kept_is_the_decision_or_the_probability():
    odds = jnp.array([-1.0, 0.0, 3.0])
    hard = training.target_of(syce.Config(), odds)
    soft = training.target_of(syce.Config(soft_targets=True), odds)
    assert hard.tolist() == [0.0, 1.0, 1.0]
    np.testing.assert_allclose(soft, 1.0 / (1.0 + np.exp([1.0, -0.0, -3.0])), rtol=1e-6)


def test_critics_see_each_picture_moved_by_its_own_draw_and_black_comes_in():
    images = batch_of(8, jax.random.key(0)).images[..., :1]
    keys = jax.random.split(jax.random.key(1), 8)
    moved = np.asarray(training.shifted(2, images, keys))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    places = set()
    for found, whole in zip(moved, padded, strict=True):
        (place,) = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if (whole[i : i + SIDE, j : j + SIDE] == found).all()
        ]
        places.add(place)
    assert len(places) > 3
    assert training.shifted(0, images, keys) is images


@pytest.mark.parametrize(("num_steps", "share"), [(0, 1.0), (5, 0.3), (10, 1.0)])
def test_the_rate_falls_along_half_a_cosine_and_at_a_plateau(num_steps, share):
    """The first update of Adam is the rate, whatever the gradient."""
    cfg = syce.Config(learning_rate=0.1, decay_steps=10)
    state = training.State(
        generators=Learner(params={}, statistics={}, opt_state=()),
        critics={},
        num_steps=jnp.int32(num_steps),
        share=jnp.float32(share),
        best=jnp.float32(0.0),
        stale=jnp.int32(0),
    )
    tx = training._optimiser(cfg, state)
    update, _ = tx.update(jnp.float32(3.0), tx.init(jnp.float32(0.0)))
    rate = 0.1 * share * 0.5 * (1.0 + np.cos(np.pi * num_steps / 10))
    np.testing.assert_allclose(update, -rate, rtol=1e-4, atol=1e-9)


def test_a_network_that_draws_black_alone_is_led_back_and_a_validation_says_so():
    networks = SMALL | {"network": UNet(widths=(8, 4))}
    loss = dataclasses.replace(NOTHING, symmetry=1.0)
    cfg = syce.Config(**networks, learning_rate=0.02, loss=loss)
    trainable, known, batch = cfg.build().trainable, frozen(), batch_of(4, jax.random.key(1))
    state = jax.jit(trainable.init)(jax.random.key(0), known, batch)
    params = state.learning.generators.params
    low = {"pixels": params["zero"]["pixels"] | {"bias": jnp.full(1, -2.0)}}
    params = {name: own | low for name, own in params.items()}
    generators = dataclasses.replace(state.learning.generators, params=params)
    learning = dataclasses.replace(state.learning, generators=generators)
    state = dataclasses.replace(state, learning=learning, weights=learner.weights(generators))
    step = jax.jit(lambda state, key: trainable.step(state, known, batch, key)[0])
    measure = jax.jit(lambda s: trainable.measure(trainable.weights(s), s, known, batch, key))

    def flat(state):
        means = {name: float(value.mean()) for name, value in measure(state).items()}
        return trainable.summary(means)["flat_zero"]

    key = jax.random.key(2)
    assert flat(state) == 1.0
    for own in jax.random.split(key, 60):
        state = step(state, own)
    assert flat(state) == 0.0


def test_a_plateau_lowers_the_rate_to_a_tenth_and_no_further():
    cfg = syce.Config(**SMALL, plateau=2)
    batch = batch_of(2, jax.random.key(1))
    state = jax.jit(lambda key: training.init(cfg, key, frozen(), batch))(jax.random.key(0))
    shares, ended = [], []
    for loss in (1.0, 0.9, 0.95, 0.9, 0.8, 1.0, 1.0, 1.0, 1.0):
        state = training.validated(cfg, state, {"loss": loss})
        shares.append(round(float(state.share), 3))
        ended.append(training.finished(cfg, state))
    assert ended == 8 * [False] + [True]  # a plateau at the least rate
    assert not training.finished(dataclasses.replace(cfg, plateau=0), state)
    better = training.validated(cfg, state, {"loss": 0.1})
    assert not training.finished(cfg, better) and float(better.share) == np.float32(0.1)
    assert shares == [1, 1, 1, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1] and float(state.best) == np.float32(
        0.8
    )
