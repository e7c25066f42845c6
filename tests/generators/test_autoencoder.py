"""An autoencoder: trained, left in a file, read as a latent space, refused where it fails."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core.preprocess import Preprocess
from xai_jax.generators.autoencoder import KIND, Autoencoder
from xai_jax.nn import autoencoder as nets
from xai_jax.pretrain import autoencoder
from xai_jax.runtime.weights_file import WeightsFile

SIZE = 16
NETWORK = nets.Autoencoder(widths=(4, 8), code=6)


def learned(num_steps, cfg, darkened=1.0):
    trainable = cfg.build()
    batch = planted.quadrant_batch(8, SIZE, jax.random.key(0))
    batch = dataclasses.replace(batch, images=jnp.maximum(0.0, batch.images - 1.0 + darkened))

    @jax.jit
    def run(batch):
        state = trainable.init(jax.random.key(1), None, batch)
        keys = jax.random.split(jax.random.key(2), num_steps)
        return jax.lax.scan(lambda s, k: trainable.step(s, None, batch, k), state, keys)

    state, metrics = run(batch)
    return trainable, state, metrics, batch


@pytest.fixture(scope="module")
def trained():
    return learned(150, autoencoder.Config(network=NETWORK, learning_rate=1e-2))


@pytest.fixture
def file(trained, tmp_path):
    trainable, state, _, _ = trained
    cfg = autoencoder.Config(network=NETWORK, learning_rate=1e-2)
    write = WeightsFile(kind=KIND, config=cfg, preprocess=Preprocess(height=SIZE, width=SIZE))
    return write(trainable.weights(state), tmp_path)


def test_it_learns_which_quadrant_is_bright(trained):
    _, _, metrics, _ = trained
    assert metrics["loss"][-1] < 0.6 * metrics["loss"][0]


def test_pictures_that_are_mostly_black_are_not_drawn_black_for_good():
    """As brain slices are: black all over is the best that does not look at the picture."""
    cfg = autoencoder.Config(network=NETWORK, learning_rate=3e-2)
    _, _, metrics, batch = learned(150, cfg, darkened=0.4)
    black = batch.images.mean(axis=-1)
    assert jnp.median(black) == 0.0
    assert metrics["loss"][-1] < 0.7 * (black + black**2).mean()


def test_the_loss_is_squares_and_absolute_differences_of_the_grey_picture(trained):
    trainable, state, _, batch = trained
    weights = trainable.weights(state)
    found = trainable.measure(weights, state, None, batch, jax.random.key(0))
    drawn = NETWORK.build((SIZE, SIZE)).apply({"params": weights.params}, batch.images)
    off = np.asarray(batch.images.mean(-1, keepdims=True) - drawn, np.float64)
    np.testing.assert_allclose(found["squared"], np.square(off).mean((1, 2, 3)), rtol=1e-5)
    wanted = (np.square(off) + np.abs(off)).mean((1, 2, 3))
    np.testing.assert_allclose(found["loss"], wanted, rtol=1e-5)


def test_what_a_training_has_left_is_a_latent_space(trained, file):
    trainable, state, _, batch = trained
    space, again = (Autoencoder(weights=str(file)).build(planted.quadrant()) for _ in range(2))
    context = space.prepare(batch.images)
    codes = space.encode(context)
    assert codes.shape == (8, NETWORK.code)
    drawn = space.decode(context, codes, jax.random.split(jax.random.key(0), 8))
    wanted = NETWORK.build((SIZE, SIZE)).apply({"params": state.params}, batch.images)
    np.testing.assert_allclose(drawn, jnp.broadcast_to(wanted, batch.images.shape), atol=1e-6)
    assert space.decode_fn is again.decode_fn  # nothing is compiled twice


def test_pictures_of_another_size_and_other_files_are_refused(file, tmp_path):
    space = Autoencoder(weights=str(file)).build(planted.quadrant())
    with pytest.raises(ValueError, match="8 x 8, and the autoencoder was trained on 16 x 16"):
        space.prepare(jnp.zeros((1, 8, 8, 3)))
    with pytest.raises(ValueError, match="name what that has left with --generator FILE"):
        Autoencoder().build(planted.quadrant())
    other = WeightsFile(kind="other", config=NETWORK, preprocess=Preprocess(height=8, width=8))
    path = other({"a": jnp.zeros(1)}, tmp_path)
    with pytest.raises(ValueError, match="holds a trained other, not autoencoder"):
        Autoencoder(weights=str(path)).build(planted.quadrant())
    strange = WeightsFile(kind=KIND, config=NETWORK, preprocess=Preprocess(height=8, width=8))
    with pytest.raises(ValueError, match="does not describe its network"):
        Autoencoder(weights=str(strange({"a": jnp.zeros(1)}, tmp_path))).build(planted.quadrant())


def test_a_network_that_does_not_fit_the_pictures_is_refused():
    with pytest.raises(ValueError, match="The pictures are 18 x 16; set data.resize to multiples"):
        NETWORK.check((1, 18, 16, 3))
    with pytest.raises(ValueError, match="network.channels is 2 and the pictures have 3"):
        nets.Autoencoder(channels=2).check((1, 16, 16, 3))
