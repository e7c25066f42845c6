"""Training the denoiser: what it is shown, its loss by hand, and that it learns to see the mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.types import Batch
from xai_jax.nn import denoiser as network
from xai_jax.nn.denoiser import Network
from xai_jax.pretrain import denoiser

SMALL = denoiser.Config(network=Network(width=4, num_blocks=1), learning_rate=1e-2, average=0.9)


def batch(num: int, ids=None) -> Batch:
    """Pictures of one colour each."""
    ids = np.arange(num) if ids is None else np.asarray(ids)
    colours = np.random.default_rng(0).uniform(size=(64, 1, 1, 3)).astype(np.float32)
    return Batch(
        images=jnp.asarray(np.broadcast_to(colours[ids], (len(ids), 16, 12, 3))),
        target=jnp.zeros(len(ids), jnp.int32),
        image_id=jnp.asarray(ids, jnp.uint32),
        weight=jnp.ones(len(ids)),
    )


def test_pictures_are_shown_in_three_ways_by_their_ids():
    pictures = batch(60)
    shown = denoiser._shown(SMALL, pictures, jax.random.key(0))
    found = {"noise": 0, "noisy holes": 0, "filled holes": 0}
    for image, noisy, level in zip(pictures.images, shown.noisy, shown.level, strict=True):
        unknown = np.asarray(level[..., 0] > 0)
        np.testing.assert_allclose(noisy[~unknown], image[~unknown], atol=1e-6)
        if not unknown.any():  # a mask may keep everything
            continue
        (told,) = np.unique(level[unknown])
        departure = np.asarray(noisy - image)[unknown]
        if told == network.START:  # push-pull of one colour is that colour
            np.testing.assert_allclose(departure, 0.0, atol=1e-5)
            found["filled holes"] += 1
        else:
            assert SMALL.lowest <= told <= SMALL.highest
            if departure.size > 300:
                np.testing.assert_allclose(departure.std() / told, 1.0, atol=0.15)
            found["noise" if unknown.all() else "noisy holes"] += 1
    assert min(found.values()) >= 8, found
    some = denoiser._shown(SMALL, batch(3, [40, 7, 21]), jax.random.key(0))
    np.testing.assert_allclose(some.noisy, shown.noisy[jnp.array([40, 7, 21])], atol=1e-6)


def test_the_loss_is_of_the_unknown_pixels_in_units_of_their_level():
    images = jnp.zeros((1, 2, 2, 3))
    level = jnp.zeros((1, 2, 2, 1)).at[0, 0, 0].set(0.25)
    clean = jnp.full((1, 2, 2, 3), 0.5)
    # One unknown pixel is off by 0.5, which is twice its level.
    np.testing.assert_allclose(denoiser._error(clean, images, level), [4.0], rtol=1e-5)
    np.testing.assert_array_equal(denoiser._error(clean, images, 0 * level), [0.0])


def test_it_learns_and_its_average_is_what_is_measured():
    trainable = SMALL.build()
    pictures, key = batch(16), jax.random.key(1)
    state = trainable.init(key, None, pictures)
    measure = jax.jit(lambda state: trainable.measure(state.weights, state, None, pictures, key))
    before = measure(state)
    step = jax.jit(lambda state, key: trainable.step(state, None, pictures, key))
    for number in range(150):
        state, metrics = step(state, jax.random.fold_in(key, number))
    assert step._cache_size() == 1 and np.isfinite(metrics["loss"])
    after = measure(state)
    assert after["loss"].mean() < 0.8 * before["loss"].mean()
    assert after["psnr"].mean() > before["psnr"].mean() + 0.5


def test_levels_that_are_swapped_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="lowest is 0.5 and highest 0.4; swap"):
        denoiser.Config(lowest=0.5).build()
