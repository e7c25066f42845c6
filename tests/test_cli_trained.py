"""``xai-jax explain --checkpoint``: what a trained method leaves, and which files are refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_run
import tiny_trained
import zarr
from tiny_cli import only_sentence
from tiny_trained import small

import xai_jax
from xai_jax.core.preprocess import Preprocess
from xai_jax.methods import fido
from xai_jax.nn import learner

pytestmark = pytest.mark.usefixtures("small_masks")
NUM = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), NUM)


@pytest.fixture(scope="module")
def checkpoint(small_masks, tmp_path_factory):
    return tiny_trained.write(tmp_path_factory.mktemp("trained") / "explainer.safetensors")


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


def test_a_trained_method_leaves_the_masks_of_all_classes(run, folder, checkpoint, tmp_path):
    out = tmp_path / "run"
    arguments = (*small(checkpoint), "--batch-size", "2")
    assert run("explain", *arguments, "--out", out, folder)[:2] == (0, f"{out / 'report.html'}\n")
    found = xai_jax.load(out)
    # The pictures as they are stored, through the network by itself.
    network = tiny_trained.config().network.build()
    normalised = np.asarray(found.images, np.float32) / 255  # the classifier has mean 0 and std 1
    logits = learner.apply(
        network, jax.tree.map(jnp.asarray, tiny_trained.learned()), jnp.asarray(normalised)
    )
    masks = 1 / (1 + np.exp(-np.asarray(logits)))
    np.testing.assert_allclose(found["class_keep"], masks, atol=0.5 / 256 + 1e-5)
    np.testing.assert_array_equal(np.asarray(found["class_keep"]) * 256 % 1, 0)
    own = np.arange(NUM), slice(None), slice(None), np.arange(NUM) % 4  # picture i is of class i
    np.testing.assert_allclose(np.asarray(found.keep)[..., 0], masks[own], atol=1e-5)
    assert found.class_names == tiny_trained.NAMES
    group = zarr.open_group(out / "explanations.zarr", mode="r")
    assert group["class_keep"].metadata.dimension_names[-1] == "class"
    np.testing.assert_array_equal(group["class_keep"][:], found["class_keep"])
    assert group.attrs["class_names"] == list(tiny_trained.NAMES)
    # Log-odds of a softmax by hand: the quadrant's mean brightness times 20 is its logit.
    logits = 20 * normalised.reshape(NUM, 2, 8, 2, 8, 3).mean(axis=(2, 4, 5)).reshape(NUM, 4)
    others = np.exp(logits).sum(axis=1, keepdims=True) - np.exp(logits)
    np.testing.assert_allclose(found["class_log_odds"], logits - np.log(others), atol=1e-3)


def test_a_trained_run_is_repeated_from_its_manifest_from_python_and_in_shards(
    run, folder, checkpoint, tmp_path
):
    arguments = (*small(checkpoint.parent), "--batch-size", "2", folder)  # the folder of its run
    whole = tmp_path / "whole"
    assert run("explain", *arguments, "--out", whole)[0] == 0
    assert xai_jax.load(whole).manifest.preset == "checkpoint"
    file = ("--config", whole / "manifest.json", "--checkpoint", checkpoint)
    again = (*file, "--no-compilation-cache", "--out", tmp_path / "again", folder)
    assert run("explain", *again)[0] == 0
    assert tiny_run.hashes(tmp_path / "again") == tiny_run.hashes(whole)
    for i in (1, 2):
        assert run("explain", *arguments, "--shard", f"{i}/2", "--out", tmp_path / str(i))[0] == 0
    assert run("merge", "--out", tmp_path / "merged", tmp_path / "1", tmp_path / "2")[0] == 0
    assert tiny_run.hashes(tmp_path / "merged") == tiny_run.hashes(whole)
    classifier = planted.quadrant()
    inspector = xai_jax.load_trained(checkpoint, classifier)
    images = np.asarray(xai_jax.load(whole).images, np.float32) / 255
    found = xai_jax.explain(inspector, images, batch_size=2)
    stored = np.asarray(xai_jax.load(whole)["class_keep"])
    np.testing.assert_allclose(found.class_keep, stored, atol=0.5 / 256 + 1e-4)
    with pytest.raises(ValueError, match="explains with a trained network; train it first"):
        xai_jax.explain(classifier, images, method=inspector.method)
    with pytest.raises(ValueError, match="has its own method and infill; leave both out"):
        xai_jax.explain(inspector, images, method=inspector.method)
    alone = dataclasses.replace(inspector, method=fido.Config.smoke())
    with pytest.raises(ValueError, match="learns nothing across images; leave out the weights"):
        xai_jax.explain(alone, images)


def test_settings_lie_over_those_of_the_checkpoint(run, folder, tmp_path):
    changed = dataclasses.replace(tiny_trained.config(), min_area=0.01, max_area=0.2)
    made = tiny_trained.write(tmp_path / "explainer.safetensors", config=changed)
    arguments = (*small(made), "--max-area", "0.4", "--out", tmp_path / "run", folder / "0.png")
    assert run("explain", *arguments)[0] == 0
    config = xai_jax.load(tmp_path / "run").manifest.config
    assert (config["min_area"], config["max_area"]) == (0.01, 0.4)


def test_another_checkpoint_is_refused_where_a_run_began(run, folder, checkpoint, tmp_path):
    out = tmp_path / "run"
    assert run("explain", *small(checkpoint), "--out", out, folder)[0] == 0
    other = tiny_trained.write(tmp_path / "other.safetensors", seed=1)
    failed = run("explain", *small(other), "--out", out, folder)
    assert "holds another run: checkpoint_sha256 is" in only_sentence(*failed)


WRONG_CHECKPOINTS = {
    "kind": ({"kind": "classifier"}, "holds a trained classifier, not explainer; name what"),
    "size": (
        {"preprocess": Preprocess(height=24, width=32)},
        "does not fit quadrant: its pictures have 24 x 32 pixels there and 16 x 16 pixels here; "
        "name the classifier that it was trained on.",
    ),
    "names": (
        {"class_names": ("tabby, tabby cat", "Egyptian cat", "grey fox", "heron")},
        'does not fit quadrant: class_names[3] is "heron" there and "crane" here; name',
    ),
    "number": ({"num_classes": 3}, "does not fit quadrant: it has 3 classes there and 4 here;"),
    "network": (
        {"config": tiny_trained.config(5)},
        "is of another architecture: params/",
    ),
    "settings": ({"config": Preprocess()}, "config has a field 'height' that does not exist"),
}


@pytest.mark.parametrize("wrong", WRONG_CHECKPOINTS)
def test_a_checkpoint_of_something_else_is_refused_in_one_sentence(run, folder, tmp_path, wrong):
    changes, said = WRONG_CHECKPOINTS[wrong]
    made = tiny_trained.write(tmp_path / "explainer.safetensors", **changes)
    failed = run("explain", *small(made), "--out", tmp_path / "run", folder)
    assert str(made) in (sentence := only_sentence(*failed))
    assert said in sentence
    assert list(tmp_path.iterdir()) == [made]


def test_a_damaged_a_strange_and_a_missing_checkpoint_are_refused_in_one_sentence(
    run, folder, checkpoint, tmp_path
):
    def said(path, *arguments):
        out = ("--out", tmp_path / "run", folder)
        return only_sentence(*run("explain", *small(path), *arguments, *out))

    file = tmp_path / "explainer.safetensors"
    for content in (checkpoint.read_bytes()[:-1], b"no weights", b""):
        file.write_bytes(content)
        assert f"{file} is no file that a finished training has written, or is damaged" in said(
            file
        )
    file.unlink()
    assert said(file).startswith(f"There is no {file}; train what leaves it first")
    assert said(tmp_path) == f"{tmp_path} holds no .safetensors files; let its training end first."
    for name in ("a.safetensors", "b.safetensors"):
        (tmp_path / name).touch()
    assert "holds 2 .safetensors files; name one, " in said(tmp_path)
    assert (
        "fido explains each picture by itself and learns nothing; leave out --checkpoint"
        in said(checkpoint, "--method", "fido")
    )
    assert "leave out the preset." in said(checkpoint, "--preset", "smoke")
    failed = run("explain", *tiny_cli.PLANTED, "--method", "explainer", "--out", file, folder)
    assert only_sentence(*failed) == (
        "explainer explains with a network that is trained first; "
        "name what its training has left with --checkpoint FILE."
    )
