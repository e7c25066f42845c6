"""``xai-jax explain --generator``: pictures whose codes move, from the command to the report."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_cli
import tiny_run
from tiny_cli import only_sentence

import xai_jax
from xai_jax.core.preprocess import Preprocess
from xai_jax.generators.autoencoder import KIND
from xai_jax.nn import autoencoder as nets
from xai_jax.nn.learner import Weights
from xai_jax.pretrain import autoencoder
from xai_jax.runtime.weights_file import WeightsFile

SIZE, NETWORK = tiny_cli.SIZE, nets.Autoencoder(widths=(4,), code=5, channels=3)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    module = NETWORK.build((SIZE, SIZE))
    params = module.init(jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3)))["params"]
    params = jax.tree.map(lambda x: 2.0 * x, params)
    write = WeightsFile(
        kind=KIND,
        config=autoencoder.Config(network=NETWORK),
        preprocess=Preprocess(height=SIZE, width=SIZE),
    )
    return write(Weights(params=params, statistics={}), tmp_path_factory.mktemp("space"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), 3)


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


SHIFT = ("--method", "latent_shift", "--num-trials", "3", "--num-pictures", "2")


def test_what_an_autoencoder_has_left_explains_and_is_in_the_manifest(run, folder, file, tmp_path):
    out = tmp_path / "run"
    arguments = (*tiny_cli.PLANTED, *SHIFT, "--generator", file.parent, "--out", out, folder)
    assert run("explain", *arguments)[0] == 0
    found = xai_jax.load(out)
    assert len(found.manifest.generator_sha256) == 64
    assert found["counterfactual"].shape == found["stable"].shape == (3, SIZE, SIZE, 3)
    assert {"flipped", "changed_by", "shift"} <= set(found.outputs)
    assert 'class="turned"' in (out / "report.html").read_text()


def test_a_missing_or_another_file_is_refused_in_a_sentence(run, folder, file, tmp_path):
    arguments = (*tiny_cli.PLANTED, *SHIFT, "--out", tmp_path / "run", folder)
    said = only_sentence(*run("explain", *arguments))
    assert said.startswith("Latent shift moves the code of a picture and there is no generator")
    other = WeightsFile(kind="vae", config=NETWORK, preprocess=Preprocess(height=8, width=8))
    path = other({"a": np.zeros(1)}, tmp_path)
    said = only_sentence(*run("explain", "--generator", path, *arguments))
    assert "holds a trained vae, not autoencoder" in said
