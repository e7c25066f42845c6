"""``xai-jax explain --checkpoint`` with SyCE: both pictures, the map and the signed difference."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_run
import tiny_trained
from PIL import Image
from tiny_cli import only_sentence

import xai_jax
from xai_jax.core import outputs
from xai_jax.methods import syce
from xai_jax.nn.unet import UNet
from xai_jax.report import embedded, panels
from xai_jax.runtime import weights_file

NUM, SIZE = 3, tiny_cli.SIZE
METHOD = dataclasses.replace(syce.Config.smoke(), network=UNet(widths=(2,)))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """As a training leaves it; its weights are those of fresh networks."""
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(0))
    trainable, frozen = METHOD.build().trainable, tiny_trained.frozen()
    made = jax.jit(lambda key: trainable.weights(trainable.init(key, frozen, batch)))
    path = tmp_path_factory.mktemp("trained") / "syce.safetensors"
    about = {"preprocess": tiny_trained.PREPROCESS, "class_names": tiny_trained.NAMES}
    weights_file.write(path, made(jax.random.key(1)), kind="syce", config=METHOD, **about)
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


def test_what_syce_has_learned_explains_from_the_command_to_the_report(run, checkpoint, tmp_path):
    folder, out = tiny_run.make_pictures(tmp_path / "pictures", NUM), tmp_path / "run"
    arguments = (*tiny_cli.PLANTED, "--checkpoint", checkpoint.parent, "--batch-size", "3")
    code, said, _ = run("explain", *arguments, "--out", out, folder)
    assert (code, said) == (0, f"{out / 'report.html'}\n")
    found = xai_jax.load(out)
    stable, made = np.asarray(found["stable"]), np.asarray(found["counterfactual"])
    assert stable.shape == made.shape == (NUM, SIZE, SIZE, 3)
    difference = np.asarray(found["difference"])
    np.testing.assert_allclose(
        difference, (stable - made).mean(axis=3, keepdims=True), atol=0.5 / 255 + 1e-6
    )
    np.testing.assert_allclose(found.saliency, np.abs(difference), atol=1e-6)  # of grey pictures
    assert np.asarray(found["decision"]).tolist() == [1, 0, 0]  # picture i is of class i
    assert {"flipped", "changed_by"} <= set(found.outputs)
    odds = {name: np.asarray(found[f"odds_{name}"]) for name in ("before", "stable", "after")}
    assert ((odds["before"] >= 0) == np.asarray(found["decision"])).all()
    flipped = (odds["after"] >= 0) != (odds["before"] >= 0)
    assert (flipped == np.asarray(found["flipped"])).all()
    assert "odds_after" in (out / "summary.csv").read_text().splitlines()[0]
    with Image.open(out / "pictures" / "0.png") as sheet:
        assert sheet.width > 4 * SIZE  # the picture, two that are made of it, and the map
    text = (out / "report.html").read_text()
    assert 'class="turned"' in text and 'class="ramp signed"' in text
    assert outputs.STABLE.meaning in text and outputs.COUNTERFACTUAL.meaning in text
    drawn = panels.signed_overlay(np.asarray(found.images[0]), difference[0])
    assert embedded.thumbnail(drawn)[0] in text


def test_an_oracle_decides_each_picture_too(run, checkpoint, tmp_path):
    folder, out = tiny_run.make_pictures(tmp_path / "pictures", NUM), tmp_path / "run"
    arguments = ("explain", *tiny_cli.PLANTED, "--checkpoint", checkpoint, "--out", out)
    assert run(*arguments, "--oracle", "oracle", folder)[0] == 0
    found, oracle = xai_jax.load(out), planted.quadrant(tiny_cli.ORACLE_GAIN)
    stable, made = (np.asarray(found[name]) for name in ("stable", "counterfactual"))
    seen = {"before": np.asarray(found.images) / 255, "stable": stable, "after": made}
    for when, images in seen.items():
        odds = oracle.log_odds(jnp.asarray(images, jnp.float32), jnp.zeros(NUM, jnp.int32))
        np.testing.assert_allclose(found[f"oracle_odds_{when}"], odds, atol=0.02)
        assert not np.allclose(found[f"oracle_odds_{when}"], found[f"odds_{when}"], atol=0.1)
    before, after = (np.asarray(found[f"oracle_odds_{when}"]) for when in ("before", "after"))
    agrees = (before >= 0) == np.asarray(found["decided"])
    turned = np.where(agrees, (after >= 0) != (before >= 0), np.nan)
    np.testing.assert_array_equal(found["oracle_flipped"], turned)
    header = (out / "summary.csv").read_text().splitlines()[0].split(",")
    named = {"oracle_agrees", "oracle_flipped", "oracle_stays"}
    assert named | {f"oracle_odds_{when}" for when in seen} <= set(header)
    page = (out / "report.html").read_text()
    assert "oracle odds before" in page and "oracle flipped" in page
    assert found.manifest.oracle_sha256 == "1" * 64
    said = only_sentence(*run(*arguments, folder))  # the same folder, without the oracle
    assert f"{out} holds another run: oracle_sha256 is" in said


@pytest.mark.parametrize(
    ("oracle", "said"),
    [
        ("one_logit", "The oracle one_logit knows 1 classes and the explained classifier 4; name"),
        ("large_oracle", "takes pictures of 32 x 32 pixels and those explained have 16 x 16; name"),
        ("strange_oracle", "Class 0 of the oracle strange_oracle is 'crane' and of the explained"),
    ],
)
def test_an_oracle_of_something_else_is_refused(run, checkpoint, tmp_path, oracle, said):
    folder = tiny_run.make_pictures(tmp_path / "pictures", 1)
    arguments = ("explain", *tiny_cli.PLANTED, "--checkpoint", checkpoint, "--oracle", oracle)
    assert said in only_sentence(*run(*arguments, "--out", tmp_path / "run", folder))
    assert not (tmp_path / "run").exists()


def test_an_oracle_of_a_method_without_counterfactuals_is_refused(run, tmp_path):
    folder = tiny_run.make_pictures(tmp_path / "pictures", 1)
    arguments = ("explain", *tiny_cli.PLANTED, "--method", "gradient", "--oracle", "oracle")
    said = only_sentence(*run(*arguments, "--out", tmp_path / "run", folder))
    assert said.startswith("An oracle decides counterfactual pictures and this method makes none;")


def test_a_path_through_codes_that_are_not_there_is_refused(run, checkpoint, tmp_path):
    folder = tiny_run.make_pictures(tmp_path / "pictures", 1)
    arguments = (*tiny_cli.PLANTED, "--checkpoint", checkpoint, "--map", "latent")
    said = only_sentence(*run("explain", *arguments, "--out", tmp_path / "run", folder))
    assert said.startswith("The path goes through codes and there is no generator; name what")
