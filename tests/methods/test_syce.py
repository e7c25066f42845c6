"""SyCE and CyCE: losses by NumPy, the order of the updates, domains, evidence that is planted."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import planted
import pytest
import scipy.ndimage

from xai_jax.core.classifier import Classifier
from xai_jax.core.errors import BadPicture
from xai_jax.core.image import held_in_unit
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import syce
from xai_jax.methods.syce import blurred as blurring
from xai_jax.methods.syce import domains, paths, terms, training
from xai_jax.methods.syce.domains import NAMES
from xai_jax.nn import learner
from xai_jax.nn.learner import Learner
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet

SIDE = 8
NOTHING = syce.Loss(**{field.name: 0.0 for field in dataclasses.fields(syce.Loss)})
SMALL = {"network": UNet(widths=(2, 2)), "critic": PatchDiscriminator(widths=(2,))}


def corner(params, images):
    """One logit: how bright the upper left quarter is."""
    half = images.shape[1] // 2
    return params * (images[:, :half, :half].mean((1, 2, 3)) - 0.5)[:, None]


def frozen(gain: float = 20.0) -> Frozen:
    classifier = Classifier.from_callable(corner, jnp.float32(gain), head=Head.SIGMOID)
    return Frozen(classifier=classifier, infill=Constant(value=0.5).build(classifier))


def batch_of(num: int, key, side: int = SIDE) -> Batch:
    """Row i has a bright corner if i is odd, as the quarter beside it always is."""
    of_levels, of_noise = jax.random.split(key)
    bright = jnp.zeros((num, 2, 2)).at[:, 0, 1].set(1.0)
    bright = bright.at[:, 0, 0].set(jnp.arange(num) % 2)
    bright = bright + jax.random.uniform(of_levels, bright.shape, minval=-0.1, maxval=0.1)
    clean = 0.2 + 0.6 * bright.repeat(side // 2, 1).repeat(side // 2, 2)[..., None]
    noise = 0.05 * jax.random.normal(of_noise, clean.shape)
    images = jnp.clip(clean + noise, 0.0, 1.0).repeat(3, axis=3)
    return Batch(
        images=images,
        target=jnp.zeros(num, jnp.int32),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
    )


def test_a_batch_is_halved_by_neighbours_and_wrong_neighbours_weigh_nothing():
    batch = batch_of(6, jax.random.key(0)).replace(weight=jnp.array([1, 1, 1, 1, 1, 0.0]))
    odds = jnp.array([-1.0, 2.0, 3.0, -4.0, 1.0, 5.0])
    (zero, one), (low, high) = domains.halves(batch, odds)
    assert zero.image_id.tolist() == [0, 3, 4] and one.image_id.tolist() == [1, 2, 5]
    assert low.tolist() == [-1, -4, 1] and high.tolist() == [2, 3, 5]
    assert zero.weight.tolist() == [1, 1, 0] and one.weight.tolist() == [1, 1, 0]
    np.testing.assert_array_equal(zero.images[1], batch.images[3])


def test_each_picture_is_drawn_by_its_own_domains_network():
    params = {"zero": jnp.float32(1.0), "one": jnp.float32(10.0)}
    images = jnp.arange(4.0).reshape(4, 1, 1, 1)
    is_one = jnp.array([True, False, False, True])
    found = domains.by_domain(lambda own, other, x: (own * x, other * x), params, images, is_one)
    assert found[0].ravel().tolist() == [0, 1, 2, 30]
    assert found[1].ravel().tolist() == [0, 10, 20, 3]
    shared = domains.by_domain(lambda own, other, x: own + other + x, {"both": 1.0}, images, is_one)
    assert shared.ravel().tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize("num_one", [0, 1, 9, 20])
def test_sorted_into_chunks_each_picture_is_drawn_as_without(num_one):
    pair = jnp.float32(1.0), jnp.float32(10.0)
    images = jnp.arange(20.0).reshape(20, 1, 1, 1)
    is_one = jnp.asarray(np.random.default_rng(0).permutation(20) < num_one)
    apply = lambda own, other, x: {"own": own * x, "other": other * x}  # noqa: E731
    found = domains.in_chunks(apply, pair, images, is_one)
    wanted = np.where(is_one, 10.0, 1.0) * np.arange(20)
    np.testing.assert_array_equal(found["own"].ravel(), wanted)
    np.testing.assert_array_equal(found["other"].ravel(), np.arange(20) * 11.0 - wanted)


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


def rec(u, v):
    return jnp.mean((u - v) ** 2) + jnp.mean(jnp.abs(u - v))


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


VARIANTS = {
    "cyce with identity": syce.Config.cyce_identity(),
    "others": syce.Config(
        stable=syce.Stable.CYCLE,
        soft_targets=True,
        critic_shift=1,
        average=0.9,
        loss=syce.Loss(proximity=1.0, penalty=0.0),
    ),
    "told which side": syce.Config.conditional(),
    "SAGen": syce.Config.sagen(),
    "single without a critic": dataclasses.replace(
        syce.Config.single(), loss=dataclasses.replace(syce.Config.single().loss, realism=0.0)
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_setting_and_learns_and_explains(name):
    heads = VARIANTS[name].network.head_widths and (3, 2)
    cfg = dataclasses.replace(VARIANTS[name], **SMALL, learning_rate=0.01)
    cfg.network = dataclasses.replace(cfg.network, head_widths=heads)
    method, known, batch = cfg.build(), frozen(), batch_of(4, jax.random.key(1))
    trainable = method.trainable
    state = jax.jit(trainable.init)(jax.random.key(0), known, batch)
    step = jax.jit(lambda state, key: trainable.step(state, known, batch, key))
    for i in range(2):
        state, metrics = step(state, jax.random.key(i))
    assert all(np.isfinite(value) for value in metrics.values())
    weights = trainable.weights(state)
    found = jax.jit(method.explain)(weights, known, batch, jax.random.key(0))
    assert found.numbers["decision"].tolist() == [0, 1, 0, 1]
    stable, made = found.pictures["stable"], found.pictures["counterfactual"]
    difference = (stable - made).mean(axis=3, keepdims=True)
    np.testing.assert_allclose(found.maps["difference"], difference, atol=1e-6)
    np.testing.assert_allclose(found.saliency, jnp.abs(difference), atol=1e-6)  # of grey pictures
    assert (stable == batch.images).all() == (cfg.stable is syce.Stable.INPUT)
    values = jax.jit(trainable.measure)(weights, state, known, batch, jax.random.key(0))
    assert all(v.shape == (4,) for v in values.values())
    told = trainable.summary({name: float(value.mean()) for name, value in values.items()})
    assert {"loss", "flipped", "flip_zero", "flipped_one", "adversarial"} <= set(told)
    assert ("collapsed_zero" in told) == bool(state.learning.critics)
    assert told["loss"] == pytest.approx(told["loss_zero"] + told["loss_one"])


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


def test_the_weights_of_every_variant_are_those_of_the_specification():
    """Specs: generative, sec. 3; GANterfactual's identity weighs half the cycle."""

    def weights(loss):
        return {name: weight for name, weight in dataclasses.asdict(loss).items() if weight}

    keep, real = {"flip": 0.2, "keep": 0.01}, {"realism": 0.25, "penalty": 1}
    assert weights(syce.Loss()) == {"symmetry": 10, "cycle": 2, "cycle_keep": 0.005} | keep | real
    cycle = {"cycle": 10, "flip": 0.2, "cycle_keep": 0.005} | real
    assert weights(syce.Loss.cyce()) == cycle
    assert weights(syce.Config.cyce_identity().loss) == cycle | {"identity": 5}
    assert weights(syce.Config.single().loss) == {"symmetry": 12, "flip": 0.2, "keep": 0.015} | real


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


def test_what_cannot_be_explained_is_refused_with_what_to_set():
    several = planted.quadrant()
    many = Frozen(classifier=several, infill=frozen().infill)
    batch = batch_of(4, jax.random.key(0))
    with pytest.raises(ValueError, match="has 4 classes, and its decision must be one of two; set"):
        syce.Config().build().check(many, batch.images.shape)
    with pytest.raises(ValueError, match="decided_class is 4, and the classifier has the classes"):
        syce.Config(decided_class=4).build().check(many, batch.images.shape)
    with pytest.raises(ValueError, match="are 9 x 8; set data.resize to multiples of 4, or take"):
        syce.Config().build().check(frozen(), (4, 9, 8, 3))
    with pytest.raises(ValueError, match="A batch of 3 pictures has no two halves; set batch_size"):
        domains.halves(planted.take(batch, slice(0, 3)), jnp.zeros(3))


def test_pictures_that_are_decided_alike_are_told_before_anything_is_trained():
    look = syce.Config().build().trainable.look
    mixed, alike = batch_of(4, jax.random.key(0)), batch_of(4, jax.random.key(0))
    alike = jax.tree.map(lambda x: x[0::2], alike)
    look(frozen(), iter([alike, mixed]))
    with pytest.raises(ValueError, match="decides 6 pictures alike: none of them show"):
        look(frozen(), iter([alike] * 3))
    nearly = "decides 10 pictures nearly alike: 2 of them show the class, and a batch is to have"
    with pytest.raises(ValueError, match=nearly):
        look(frozen(), iter([alike, alike, alike, mixed]))


def test_what_makes_the_difference_is_found_and_flipped():
    """The corner alone decides: the maps lie on it, and the counterfactuals flip."""
    cfg = dataclasses.replace(
        syce.Config.smoke(), decided_class=None, learning_rate=5e-3, loss=syce.Loss(flip=1.0)
    )
    method, known, side = cfg.build(), frozen(), 16
    trainable = method.trainable
    state = jax.jit(trainable.init)(jax.random.key(0), known, batch_of(16, jax.random.key(0), side))

    @jax.jit
    def step(state, key):
        return trainable.step(state, known, batch_of(16, key, side), key)

    for key in jax.random.split(jax.random.key(1), 150):
        state, _ = step(state, key)
    weights = trainable.weights(state)
    batch = batch_of(64, jax.random.key(7), side)
    found = jax.jit(method.explain)(weights, known, batch, jax.random.key(0))
    odds = corner(20.0, found.pictures["counterfactual"])[:, 0]
    is_one = np.arange(64) % 2 == 1
    assert ((odds >= 0) != is_one).mean() > 0.9
    inside = found.saliency[:, :8, :8].sum((1, 2, 3)) / found.saliency.sum((1, 2, 3))
    assert inside.mean() > 0.5  # a quarter by chance


def test_a_network_that_is_told_the_side_draws_each_picture_by_its_own():
    params = {"either": jnp.float32(3.0)}
    images, is_one = jnp.arange(3.0).reshape(3, 1, 1, 1), jnp.array([True, False, True])

    def apply(own, other, x):
        side = own.domain[:, None, None, None]
        np.testing.assert_array_equal(own.domain + other.domain, 1.0)
        return own.params * x + side

    found = domains.by_domain(apply, params, images, is_one)
    assert found.ravel().tolist() == [1, 3, 7]
    assert domains.network_of(params, 1).domain == 1


def test_what_sagen_is_trained_by_is_two_pictures_near_the_picture_and_each_other():
    rng = np.random.default_rng(0)
    x, a, s = rng.random((3, 2, 3, 3, 1)).astype(np.float32)
    loss, target = syce.Loss.sagen(), np.array([1.0, 0.0])
    said = {"adversarial": jnp.array([0.5, -2.0]), "symmetric": jnp.array([1.0, 0.1])}
    pictures = {"adversarial": jnp.asarray(a), "symmetric": jnp.asarray(s)}
    found = terms.terms(loss, jnp.asarray(x), jnp.asarray(target), pictures, said, None)
    assert set(found) == {"flip", "keep", "symmetry", "pair"}
    off = s - a
    np.testing.assert_allclose(found["pair"], (off**2 + abs(off)).mean((1, 2, 3)), rtol=1e-5)


def mgen(**fields) -> syce.Config:
    network = UNet(widths=(2, 3, 2), finest=1)
    return dataclasses.replace(syce.Config.mgen(), network=network, learning_rate=0.02, **fields)


def test_mgen_blurs_what_its_mask_takes_and_explains_by_the_mask():
    cfg, known, batch = mgen(), frozen(), batch_of(4, jax.random.key(1))
    method = cfg.build()
    state = jax.jit(method.trainable.init)(jax.random.key(0), known, batch)
    state, metrics = jax.jit(method.trainable.step)(state, known, batch, jax.random.key(1))
    assert {"area_zero", "variation_one", "flip_one"} <= set(metrics) and not state.learning.critics
    weights = method.trainable.weights(state)
    found = jax.jit(method.explain)(weights, known, batch, jax.random.key(0))
    mask = np.asarray(found.saliency)
    assert mask.shape == (4, SIDE, SIDE, 1) and mask.min() >= 0 and mask.max() <= 1
    np.testing.assert_array_equal(mask[:, ::2, ::2], mask[:, 1::2, 1::2])  # squares of two pixels
    blurred = np.asarray(blurring.darkened(batch.images))
    wanted = np.asarray(batch.images) * (1 - mask) + blurred * mask
    np.testing.assert_allclose(found.pictures["counterfactual"], wanted, atol=1e-5)
    np.testing.assert_array_equal(found.pictures["stable"], batch.images)


def test_the_blur_darkens_to_a_third_in_the_middle_and_is_scipys():
    flat = jnp.ones((1, 81, 81, 1))
    taps = np.exp(-(np.arange(-16, 17) ** 2) / 800) / (np.sqrt(2 * np.pi) * 20)
    assert taps.sum() ** 2 == pytest.approx(0.349, abs=0.001)  # specs: generative, sec. 3.4
    found = np.asarray(blurring.darkened(flat))[0, ..., 0]
    wanted = scipy.ndimage.correlate1d(np.ones((81, 81)), taps, axis=0, mode="constant")
    wanted = scipy.ndimage.correlate1d(wanted, taps, axis=1, mode="constant")
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("kind", [syce.Map.STRAIGHT, syce.Map.LATENT])
def test_what_a_path_adds_is_all_that_the_probability_gains_and_lies_on_the_corner(kind):
    cfg = syce.Config(**SMALL, map=kind, path_steps=200)
    known = frozen().replace(generator=planted.pooled())
    batch = batch_of(4, jax.random.key(1))
    adversarial = batch.images.at[:, :4, :4].set(1.0 - batch.images[:, :4, :4])
    path = paths.path_of(kind, known, batch, adversarial, jax.random.key(0))
    ask = lambda x: jax.nn.sigmoid(corner(20.0, x)[:, 0])  # noqa: E731
    found = paths.added(ask, path, cfg.path_steps)
    assert np.abs(found[:, 4:]).max() == 0 and np.abs(found[:, :, 4:]).max() == 0
    gained = ask(path(jnp.float32(1.0))) - ask(path(jnp.float32(0.0)))
    np.testing.assert_allclose(found.sum((1, 2, 3)), gained, atol=1e-3)
    assert np.abs(gained).min() > 0.9
    method = cfg.build()
    state = method.trainable.init(jax.random.key(0), known, batch)
    weights = method.trainable.weights(state)
    shown = jax.jit(method.explain)(weights, known, batch, jax.random.key(0))
    assert shown.saliency.shape == (4, SIDE, SIDE, 1) and shown.saliency.min() >= 0


@pytest.mark.parametrize(
    "cfg",
    [
        syce.Config(loss=syce.Loss(flip=0.0, keep=0.0, cycle_keep=0.0)),
        syce.Config(loss=dataclasses.replace(NOTHING, flip=1.0)),
        syce.Config(loss=dataclasses.replace(NOTHING, realism=1.0)),
        dataclasses.replace(
            syce.Config.cyce(), loss=dataclasses.replace(syce.Loss.cyce(), pair=1.0)
        ),
    ],
)
def test_any_term_may_be_left_out_or_added(cfg):
    cfg = dataclasses.replace(cfg, **SMALL)
    trainable, known, batch = cfg.build().trainable, frozen(), batch_of(4, jax.random.key(1))
    key = jax.random.key(0)
    state = jax.eval_shape(trainable.init, key, known, batch)
    _, metrics = jax.eval_shape(trainable.step, state, known, batch, key)
    weights = jax.eval_shape(trainable.weights, state)
    values = jax.eval_shape(trainable.measure, weights, state, known, batch, key)
    wanted = {name for name, weight in dataclasses.asdict(cfg.loss).items() if weight}
    for name in wanted - {"penalty"}:
        assert f"{name}_zero" in metrics and f"{name}_one" in values
    assert "flipped_one" in values  # whether it was trained for or not


def test_a_path_through_regions_asks_for_the_label_map():
    space = dataclasses.replace(
        planted.pooled(),
        prepare_fn=lambda params, images, regions: images + 0.0 * regions[..., None],
        region_names=("a", "b"),
    )
    known, batch = frozen().replace(generator=space), batch_of(4, jax.random.key(1))
    method = syce.Config(**SMALL, map=syce.Map.LATENT).build()
    method.check(known, batch.images.shape)
    method.admit(known, {"regions": np.zeros((SIDE, SIDE), np.int32)})
    with pytest.raises(BadPicture, match="It has no label map; hand one in as regions"):
        method.admit(known, {})
    assert syce.Config(**SMALL).build().admit is None


def test_settings_that_do_not_go_together_are_refused():
    shape = (4, SIDE, SIDE, 3)
    stemmed = syce.Config.mgen()
    stemmed.network = UNet(widths=(2, 2), stem=2)
    for cfg, words in (
        (syce.Config(draws=syce.Draws.MASK), "network.stem to 1 and stable to input"),
        (stemmed, "network.stem to 1 and stable to input"),
        (syce.Config(network=UNet(finest=1)), "set network.finest to 0"),
        (syce.Config(network=UNet(finest=3)), "there are 3 widths; set it below their number"),
        (syce.Config(told=True), "told which; set shared too"),
        (syce.Config(map=syce.Map.LATENT), "there is no generator; name what the training"),
        (syce.Config(critic=PatchDiscriminator(stem=3)), "are 8 x 8; set data.resize to multiples"),
        (syce.Config(loss=NOTHING), "generators' loss are 0; set loss.flip, say"),
        (syce.Config(loss=syce.Loss(area=1.0)), "are of masks, and pictures are drawn; set both"),
        (syce.Config(loss=syce.Loss(variation=1.0)), "or draws to mask"),
    ):
        with pytest.raises(ValueError, match=words):
            cfg.build().check(frozen(), shape)
