"""The variants and rivals of SyCE, each a setting: weights, what they draw, what they show."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from cornered import NOTHING, SIDE, SMALL, batch_of, frozen

from xai_jax.methods import syce
from xai_jax.methods.syce import blurred as blurring
from xai_jax.methods.syce import terms
from xai_jax.nn.unet import UNet

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


def test_the_weights_of_every_variant_are_those_of_the_specification():
    """Specs: generative, sec. 3; the identity weighs half the cycle, as CycleGAN's."""

    def weights(loss):
        return {name: weight for name, weight in dataclasses.asdict(loss).items() if weight}

    keep, real = {"flip": 0.2, "keep": 0.01}, {"realism": 0.25, "penalty": 1}
    assert weights(syce.Loss()) == {"symmetry": 10, "cycle": 2, "cycle_keep": 0.005} | keep | real
    cycle = {"cycle": 10, "flip": 0.2, "cycle_keep": 0.005} | real
    assert weights(syce.Loss.cyce()) == cycle
    assert weights(syce.Config.cyce_identity().loss) == cycle | {"identity": 5}
    assert weights(syce.Config.single().loss) == {"symmetry": 12, "flip": 0.2, "keep": 0.015} | real


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
