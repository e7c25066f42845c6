"""The file that comes with the package is what its config's exporter writes, and fills holes."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.infill import denoiser as config
from xai_jax.core.classifier import Classifier
from xai_jax.core.image import gaussian_blur
from xai_jax.infills import denoiser, pyramid, trained
from xai_jax.nn.denoiser import Network
from xai_jax.nn.learner import Weights
from xai_jax.runtime.weights_file import WeightsFile

CONTENT = denoiser.Denoiser().file()
KEYS = jax.random.key(0), jax.random.key(1)
CLASSIFIER = Classifier.from_callable(lambda params, images: images.mean((1, 2)), mean=(0.5,) * 3)


def test_it_is_what_the_exporter_of_its_config_writes_to_the_byte(tmp_path):
    experiment = config.get_config()
    export = experiment.export
    assert isinstance(export, WeightsFile)
    _, variables = trained.loaded(CONTENT, Network())
    path = export(Weights(variables["params"], {}), tmp_path)
    assert path.read_bytes() == CONTENT.path.read_bytes()
    assert all(array.dtype == np.float16 for array in CONTENT.arrays.values())


def test_all_that_comes_with_the_package_is_below_a_megabyte():
    folder = Path(denoiser.__file__).parent
    assert sum(file.stat().st_size for file in folder.glob("*.safetensors")) < 1_000_000
    text = CONTENT.path.with_suffix(".md").read_text()
    assert "Apache-2.0" in text and "train.py --config=configs/infill/denoiser.py" in text


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_it_comes_nearer_to_what_was_there_than_push_and_pull(share):
    # Smooth pictures with edges: no photograph, so that the test needs none.
    noise = jax.random.normal(jax.random.key(0), (2, 64, 64, 3))
    images = 0.5 + 0.3 * jnp.tanh(20.0 * gaussian_blur(noise, 4.0))
    keep = jax.random.bernoulli(jax.random.key(1), share, (2, 16, 16, 1)).astype(jnp.float32)
    keep = keep.repeat(4, axis=1).repeat(4, axis=2)
    keys = jax.random.split(jax.random.key(2), 2)

    def error(settings):
        infill = settings.build(CLASSIFIER)
        filled = infill(infill.prepare(images), keep, keys)
        return float(jnp.square(filled - images).mean())

    assert error(denoiser.Denoiser()) < 0.9 * error(pyramid.Pyramid())


def test_more_steps_are_one_answer_and_a_draw_is_another_for_every_key():
    context = CLASSIFIER.mean + 0.1 * jax.random.normal(jax.random.key(0), (1, 16, 16, 3))
    keep = (jnp.arange(16) % 8 < 4).astype(jnp.float32).reshape(1, 16, 1, 1) * jnp.ones((16, 1))

    def answers(**settings):
        infill = denoiser.Denoiser(num_steps=3, **settings).build(CLASSIFIER)
        return [infill(infill.prepare(context), keep, jax.random.split(key, 1)) for key in KEYS]

    same, drawn = answers(), answers(draw=True)
    np.testing.assert_array_equal(same[0], same[1])
    assert np.abs(np.asarray(drawn[0] - drawn[1])).max() > 1e-2
