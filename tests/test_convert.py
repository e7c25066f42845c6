"""``xai-jax convert``: what it writes is what the infill takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import tiny_cli
from tiny_cli import only_sentence

from xai_jax.core.classifier import Classifier
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.nn import deepfill, released_deepfill


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


def conversion():
    """Random weights of the full width, as the PyTorch conversion names and lays them out."""
    image = jnp.zeros((1, 32, 32, 3))
    init = deepfill.Network().build().init
    shapes = jax.eval_shape(init, jax.random.key(0), image, image[..., :1])["params"]
    draw, found = np.random.default_rng(0), {}
    for layer, (_, name) in released_deepfill.names().items():
        kernel = draw.normal(0, 0.03, shapes[layer]["kernel"].shape).astype(np.float32)
        found[f"{name}.conv.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        found[f"{name}.conv.bias"] = np.zeros(kernel.shape[-1], np.float32)
    return found


def test_a_converted_file_fills_holes(run, tmp_path):
    arrays = conversion()
    safetensors.numpy.save_file(arrays, tmp_path / "released.safetensors")
    out = tmp_path / "ca.safetensors"
    code, said, _ = run("convert", tmp_path / "released.safetensors", "--out", out)
    assert code == 0 and str(out) in said

    classifier = Classifier.from_callable(lambda params, images: images.mean(axis=(1, 2)))
    infill = ContextualAttention(weights=str(out)).build(classifier)
    images = jax.random.uniform(jax.random.key(1), (1, 16, 16, 3))
    keep = jnp.ones((1, 16, 16, 1)).at[:, 4:9, 6:15].set(0.0)
    filled = infill(infill.prepare(images), keep, jax.random.split(jax.random.key(2), 1))
    np.testing.assert_array_equal(filled * keep, images * keep)
    assert np.ptp(np.asarray(filled)[0, 4:9, 6:15]) > 0


def test_other_files_are_refused_in_a_sentence(run, tmp_path):
    arrays = conversion()
    del arrays["fine_generator.pmconv6.conv.bias"]
    safetensors.numpy.save_file(arrays, tmp_path / "released.safetensors")
    for flags, sentence in (
        (("released.safetensors", "--out", "ca.npz"), "has to end in .safetensors"),
        (("released.safetensors", "--out", "ca.safetensors"), "pmconv6.conv.bias' is missing"),
        (("none.index", "--out", "ca.safetensors"), "none.index cannot be read"),
    ):
        paths = [tmp_path / flag if "." in flag else flag for flag in flags]
        assert sentence in only_sentence(*run("convert", *paths))
    assert not list(tmp_path.glob("ca.*"))
