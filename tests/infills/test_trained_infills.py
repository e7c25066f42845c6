"""Infills with a network: their file, holes of any kind, sides of any length, refusals."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import weights_sha256
from xai_jax.core.preprocess import Preprocess
from xai_jax.infills import contextual_attention, denoiser, mixed, pyramid, trained
from xai_jax.infills import vae as vae_infill
from xai_jax.nn import deepfill, vae
from xai_jax.nn import denoiser as denoiser_network
from xai_jax.nn.learner import Weights
from xai_jax.runtime.weights_file import WeightsFile


def _logits(params, images):
    del params
    return images.mean(axis=(1, 2))


CLASSIFIER = Classifier.from_callable(_logits, mean=(0.25, 0.5, 0.75))
IMAGES = jax.random.uniform(jax.random.key(0), (2, 21, 19, 3))
KEEP = jax.random.bernoulli(jax.random.key(1), 0.4, (2, 21, 19, 1)).astype(jnp.float32)
KEYS = jax.random.split(jax.random.key(2), 2)
NETWORKS = {
    "denoiser": denoiser_network.Network(width=4, num_blocks=1),
    "vae": vae.Network(width=4),
    "ca": deepfill.Network(width=2),
}
INFILLS = {
    "denoiser": functools.partial(denoiser.Denoiser, num_steps=3, draw=True),
    "vae": vae_infill.Vae,
    "ca": contextual_attention.ContextualAttention,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of random weights a kind, as the exporter of a training writes it."""
    folder, found = tmp_path_factory.mktemp("weights"), {}
    for name, network in NETWORKS.items():
        image = IMAGES[:1, :16, :16]
        variables = jax.jit(network.build().init)(jax.random.key(3), image, image[..., :1])
        weights = Weights(variables["params"], variables.get("batch_stats", {}))
        export = WeightsFile(
            kind=name, config=network, preprocess=Preprocess(), half_precision=name == "denoiser"
        )
        found[name] = str(export(weights, folder))
    return found


def filled(settings, images=IMAGES, keep=KEEP, keys=KEYS, classifier=CLASSIFIER):
    infill = settings.build(classifier)
    run = jax.jit(lambda infill, images: infill(infill.prepare(images), keep, keys))
    return run(infill, images)


@pytest.mark.parametrize("name", INFILLS)
def test_it_fills_with_unit_pixels_and_the_others_leave_what_is_kept(name, files):
    found = filled(INFILLS[name](weights=files[name]))
    assert found.shape == IMAGES.shape and found.dtype == jnp.float32
    assert (found >= 0).all() and (found <= 1).all()
    if name != "vae":  # which answers what it thinks of the kept pixels, as in FIDO
        np.testing.assert_allclose(found * KEEP, IMAGES * KEEP, atol=1e-6)
    else:
        assert np.abs((found - IMAGES) * KEEP).max() > 0.1
    hidden = filled(INFILLS[name](weights=files[name]), jnp.where(KEEP == 1, IMAGES, 0.9))
    np.testing.assert_allclose(hidden, found, atol=1e-5)  # it does not look at what is removed


def test_a_network_of_digits_fills_those_that_come_in_grey_as_colour(tmp_path):
    network = vae.Network(width=2, pictures=vae.Pictures.DIGITS)
    grey = IMAGES[..., :1]
    variables = network.build().init(jax.random.key(3), grey[:, :16, :16], KEEP[:, :16, :16])
    export = WeightsFile(kind="vae", config=network, preprocess=Preprocess())
    settings = vae_infill.Vae(weights=str(export(Weights(variables["params"], {}), tmp_path)))
    one, three = filled(settings, grey), filled(settings, grey.repeat(3, axis=-1))
    assert one.shape == grey.shape
    np.testing.assert_allclose(three, one.repeat(3, axis=-1), atol=1e-6)
    green = filled(settings, IMAGES[..., :1] * jnp.array([0.0, 1.0, 0.0]))  # all of it is seen
    np.testing.assert_allclose(green, filled(settings, grey / 3).repeat(3, axis=-1), atol=1e-5)
    with pytest.raises(ValueError, match="fills pictures of 1 channels, and these have 4"):
        filled(settings, grey.repeat(4, axis=-1))


@pytest.mark.parametrize("name", INFILLS)
def test_it_is_the_same_alone_and_the_key_is_the_draw(name, files):
    settings = INFILLS[name](weights=files[name])
    both = filled(settings)
    alone = filled(settings, IMAGES[1:], KEEP[1:], KEYS[1:])
    np.testing.assert_allclose(alone, both[1:], atol=1e-5)
    other = filled(settings, keys=KEYS[::-1])
    assert (np.abs(other - both).max() > 1e-5) == (name != "ca")


@pytest.mark.parametrize("name", INFILLS)
@pytest.mark.parametrize("kept", [0.0, 1.0])
def test_masks_that_keep_all_or_nothing_are_finite(name, kept, files):
    found = filled(INFILLS[name](weights=files[name]), keep=jnp.full_like(KEEP, kept))
    assert np.isfinite(found).all()
    if kept and name != "vae":
        np.testing.assert_allclose(found, IMAGES, atol=1e-6)


@pytest.mark.parametrize("name", INFILLS)
def test_grey_pictures_are_filled_as_colour_would_be(name, files):
    grey = Classifier.from_callable(_logits, mean=(0.5,))
    one = filled(INFILLS[name](weights=files[name]), IMAGES[..., :1], classifier=grey)
    assert one.shape == (*IMAGES.shape[:-1], 1)
    if name != "vae":
        np.testing.assert_allclose(one * KEEP, IMAGES[..., :1] * KEEP, atol=1e-6)
    if name != "denoiser":  # which draws other noise for three channels
        as_colour = IMAGES[..., :1].repeat(3, axis=-1)
        three = filled(INFILLS[name](weights=files[name]), as_colour)
        np.testing.assert_allclose(one, three.mean(axis=-1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("name", INFILLS)
def test_pictures_of_four_channels_are_refused_in_a_sentence(name, files):
    with pytest.raises(ValueError, match="fills pictures of 3 channels, and these have 4;"):
        filled(INFILLS[name](weights=files[name]), jnp.ones((2, 21, 19, 4)))


def test_a_draw_needs_a_pass_to_draw_for_and_a_level_that_falls():
    with pytest.raises(ValueError, match="draws before each pass after the first, and num_steps"):
        denoiser.Denoiser(draw=True).build(CLASSIFIER)
    with pytest.raises(ValueError, match="lowest is 0.3 and highest 0.2"):
        denoiser.Denoiser(num_steps=3, lowest=0.3).build(CLASSIFIER)


def test_a_file_of_another_kind_or_width_is_refused_in_a_sentence(files, tmp_path):
    with pytest.raises(ValueError, match="holds a trained vae, not ca;"):
        filled(INFILLS["ca"](weights=files["vae"]))
    with pytest.raises(ValueError, match="There is no .*missing.safetensors; train what leaves it"):
        filled(INFILLS["ca"](weights=str(tmp_path / "missing.safetensors")))
    content = INFILLS["ca"](weights=files["ca"]).file()
    wider = dataclasses.replace(content.header, config={"width": 4, "coarse": True})
    with pytest.raises(ValueError, match="is of another architecture: params/.* of shape"):
        trained.loaded(dataclasses.replace(content, header=wider), deepfill.Network())


@pytest.mark.parametrize("name", ["vae", "ca"])  # the denoiser comes with its own
def test_an_infill_without_weights_says_how_to_train_them(name):
    with pytest.raises(ValueError, match=f"train.py --config=configs/infill/{name}.py"):
        filled(INFILLS[name]())


def test_one_step_of_the_denoiser_is_one_pass_from_the_pyramid(files):
    settings = denoiser.Denoiser(weights=files["denoiser"])
    network, variables = trained.loaded(settings.file(), denoiser_network.Network())
    started = filled(pyramid.Pyramid())
    level = denoiser_network.START * (1 - KEEP)
    guess = network.build().apply(variables, started, level)
    wanted = jnp.where(KEEP == 1, IMAGES, jnp.clip(guess, 0, 1))
    np.testing.assert_allclose(filled(settings), wanted, atol=1e-5)


def test_the_digest_is_of_the_file_and_of_those_within_a_mixture(files):
    one = denoiser.Denoiser(weights=files["denoiser"])
    assert weights_sha256(one) == one.file().sha256
    assert weights_sha256(mixed.Mixed(denoiser=one)) == one.file().sha256
    assert weights_sha256(pyramid.Pyramid()) is None
    of_somebody = dataclasses.make_dataclass("Own", [("file", str)])("own.npz")
    assert weights_sha256(of_somebody) is None
