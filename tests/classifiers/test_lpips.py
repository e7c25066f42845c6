"""LPIPS against the answers of the package lpips-nnx 0.1.0 with the same random weights."""

import hashlib
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from tests.classifiers import random_weights
from xai_jax.classifiers import lpips, vgg
from xai_jax.nn import state_reader

WIDTHS = (64, 128, 256, 512, 512)
ANSWERS = (0.21719313, 0.16255353)  # of the pictures below


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package's folder with random weights of its names."""
    heads = {f"lin{i}": abs(random_weights.weight(f"lin{i}", (n,))) for i, n in enumerate(WIDTHS)}
    file = tmp_path / lpips._FILE
    file.parent.mkdir()
    np.savez(file, **{name: x[None, None, :, None] for name, x in heads.items()})
    monkeypatch.setattr(lpips, "package_folder", lambda name: tmp_path)
    monkeypatch.setattr(lpips, "_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file


def test_it_answers_what_another_implementation_answers(package):
    golden = np.load(pathlib.Path(__file__).parent / "golden" / "vgg16.npz")
    shapes = {
        name: (1,) * len(shape) if name.startswith("classifier") else shape
        for name, shape in json.loads(str(golden["shapes"])).items()
    }
    arrays = random_weights.state_dict(shapes)
    read, stages, index = state_reader.StateReader(arrays, "vgg16"), [], 0
    for stage in vgg.VGG16.shapes(1)["stages"]:
        layers = [f"features.{index + 2 * i}" for i in range(len(stage))]
        kernels = [arrays[f"{layer}.weight"].shape for layer in layers]
        made = [read.conv(k, shape=s, bias=True) for k, s in zip(layers, kernels, strict=True)]
        stages.append(jax.tree.map(jnp.asarray, made))
        index += 2 * len(stage) + 1
    asked = lpips.Lpips(params={"stages": stages}, heads=lpips._heads())
    pictures = np.clip(random_weights.pictures(32) / 4 + 0.5, 0, 1)
    one, other = jnp.asarray(pictures), jnp.asarray(0.7 * pictures[::-1])
    distance = jax.jit(lambda judge, *both: judge(*both))
    np.testing.assert_allclose(distance(asked, one, other), ANSWERS, rtol=1e-4)
    np.testing.assert_allclose(distance(asked, one, one), 0.0, atol=1e-12)


def test_other_weights_are_refused_in_a_sentence(package, tmp_path, monkeypatch):
    package.write_bytes(package.read_bytes() + b"0")
    with pytest.raises(ValueError, match=r"are not those that were published; install version"):
        lpips._heads()
    monkeypatch.setattr(lpips, "package_folder", lambda name: None)
    with pytest.raises(ValueError, match=r'not installed; run pip install "xai-jax\[lpips\]"\.'):
        lpips._heads()
    safetensors.numpy.save_file({"conv1.weight": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="These are not weights of vgg16"):
        lpips.load(tmp_path / "other.safetensors")
