"""SyCE: its domains, evidence that is planted, paths, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
from cornered import NOTHING, SIDE, SMALL, batch_of, corner, frozen

from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Frozen
from xai_jax.methods import syce
from xai_jax.methods.syce import domains, paths
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet


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


def test_what_cannot_be_explained_is_refused_with_what_to_set():
    several = planted.quadrant()
    many = Frozen(classifier=several, infill=frozen().infill)
    batch = batch_of(4, jax.random.key(0))
    with pytest.raises(ValueError, match="has 4 classes, and its decision must be one of two; set"):
        syce.Config().build().check(many, batch.images.shape)
    with pytest.raises(ValueError, match="decided_class is 4 and the classifier's classes are 0"):
        syce.Config(decided_class=4).build().check(many, batch.images.shape)
    with pytest.raises(ValueError, match="are 9 x 8; set data.resize to multiples of 4, or take"):
        syce.Config().build().check(frozen(), (4, 9, 8, 3))
    with pytest.raises(ValueError, match="A batch of 3 pictures has no two halves; set batch_size"):
        domains.halves(planted.take(batch, slice(0, 3)), jnp.zeros(3))


def test_pictures_that_are_decided_alike_are_told_before_anything_is_trained():
    look = syce.Config().build().trainable.look
    mixed, alike = batch_of(4, jax.random.key(0)), batch_of(4, jax.random.key(0))
    alike = jax.tree.map(lambda x: x[0::2], alike)
    look(frozen(), iter([alike, mixed]), True)
    for to_train in (True, False):
        with pytest.raises(ValueError, match="decides 6 pictures alike: none of them show"):
            look(frozen(), iter([alike] * 3), to_train)
    nearly = "decides 10 pictures nearly alike: 2 of them show the class, and a batch is to have"
    rare = [alike, alike, alike, mixed]
    with pytest.raises(ValueError, match=nearly):
        look(frozen(), iter(rare), True)
    look(frozen(), iter(rare), False)  # to validate with they are as they come


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
