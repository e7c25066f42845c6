"""A classifier trained by train.py, as users have it: one file for predict and for explain."""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
from PIL import Image

import xai_jax
from configs.smoke import classifier as smoke
from xai_jax import cli
from xai_jax.classifiers import pretrained
from xai_jax.core.targets import Head
from xai_jax.data import pictures, planted
from xai_jax.runtime import weights_file

ROOT = pathlib.Path(__file__).parents[2]
SHAPE = smoke.HEIGHT, smoke.WIDTH, 3
STEPS = 50


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> pathlib.Path:
    """A run of the program, as a user starts it."""
    folder = tmp_path_factory.mktemp("run")
    command = [sys.executable, "train.py", "--config=configs/smoke/classifier.py"]
    one_device = os.environ | {"XLA_FLAGS": ""}
    command += [f"--workdir={folder}", f"--config.num_steps={STEPS}"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=500, env=one_device)
    return folder


@pytest.fixture(scope="module")
def file(workdir) -> pathlib.Path:
    return workdir / "classifier.safetensors"


@pytest.fixture(scope="module")
def loaded(file) -> pretrained.Pretrained:
    return pretrained.load(str(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """Three planted pictures that no training has seen, one object each."""
    folder = tmp_path_factory.mktemp("pictures")
    for i, example in enumerate(_unseen(3)):
        Image.fromarray(example.picture).save(folder / f"{i}.png")
    return folder


def _unseen(num: int):
    return planted.Planted(
        size=smoke.WIDTH, num_classes=smoke.CLASSES, num=num, split="test", two=0.0
    )


@pytest.fixture
def run(capsys):
    """``run(*arguments) -> (exit code, stdout, stderr)`` in this process."""

    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


# --- the program --------------------------------------------------------------------------------


def test_the_program_learns_the_planted_textures(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    valid = [line for line in lines if "valid/loss" in line]
    # Always saying how frequent a class is costs 0.66 nats at a share of 3 in 8.
    assert valid[-1]["valid/loss"] < 0.5
    names = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    decisions = sum(valid[-1][f"valid/{name}"] for name in names)
    assert decisions == pytest.approx(smoke.CLASSES)


def test_the_file_says_all_that_its_use_needs(loaded, file):
    assert loaded.name == file.parent.name and loaded.source == str(file)
    assert loaded.class_names == planted.TEXTURES[: smoke.CLASSES]
    assert (loaded.preprocess.height, loaded.preprocess.width) == SHAPE[:2]
    assert loaded.preprocess.crop == 0.0 and loaded.classifier.head is Head.SIGMOID
    assert loaded.weights_sha256 == weights_file.read(file).sha256


def test_a_loaded_classifier_is_the_pretrained_trunk_under_the_trained_head(loaded, file):
    images = np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)
    imagenet = pretrained.load(smoke.NAME).classifier
    arrays = weights_file.read(file).arrays
    head = {name: arrays[f"params/head/classes/{name}"] for name in ("kernel", "bias")}
    features = np.asarray(jax.jit(type(imagenet).features)(imagenet, images))
    wanted = features.mean((1, 2)) @ head["kernel"] + head["bias"]
    logits = jax.jit(type(imagenet).logits)(loaded.classifier, images)
    np.testing.assert_allclose(logits, wanted, rtol=1e-3, atol=1e-4)
    assert np.abs(wanted).max() > 0.1
    # In two halves, for Grad-CAM, it is the same.
    features = loaded.classifier.features(jax.numpy.asarray(images))
    ours = loaded.classifier.logits_of_features(features)
    np.testing.assert_allclose(ours, logits, rtol=1e-4, atol=1e-4)
    named = pretrained.Named(name=str(file)).build()
    np.testing.assert_array_equal(named.params["classes"]["bias"], head["bias"])


def test_loading_the_file_twice_compiles_once(file):
    traces = []

    @jax.jit
    def logits(classifier, images):
        traces.append(images.shape)
        return classifier.logits(images)

    images = np.zeros((1, 32, 32, 3), np.float32)
    for _ in range(2):
        logits(pretrained.load(str(file)).classifier, images)
    assert len(traces) == 1


def test_the_examples_of_the_page_run(capsys):
    page = (ROOT / "docs" / "classifier.md").read_text()
    known = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/classifier.md", "exec"), known)
    said = capsys.readouterr().out
    assert "num_classes=2" in said and "'f1': 0.5833" in said  # 2 * 1.4 / (2 * 1.4 + 0.7 + 1.3)
    known["get_config"]().method.build()


# --- the commands -------------------------------------------------------------------------------


def test_predict_prints_the_sigmoid_of_each_class_of_ours(run, file, folder, loaded):
    code, out, _ = run("predict", "--classifier", file, "--json", folder)
    assert code == 0
    answers = json.loads(out)
    assert [answer["picture"] for answer in answers] == ["0.png", "1.png", "2.png"]
    image = pictures.read(folder / "0.png", loaded.preprocess)
    assert image.shape == SHAPE
    logits = np.asarray(loaded.classifier.logits(jax.numpy.asarray(image[None])))[0]
    top = answers[0]["top"]
    assert {found["name"] for found in top} == set(planted.TEXTURES[: smoke.CLASSES])
    for found in top:
        probability = 1 / (1 + np.exp(-logits[found["index"]]))
        assert found["probability"] == pytest.approx(probability, abs=1e-3)
        assert found["name"] == planted.TEXTURES[found["index"]]


def test_explain_takes_the_file_a_class_by_its_name_and_pictures_that_are_not_square(
    run, file, folder, loaded, tmp_path
):
    out = tmp_path / "out"
    few = ("--grids", "4", "--num-steps", "2", "--num-samples", "1", "--no-compilation-cache")
    name = planted.TEXTURES[2]
    where = ("--classifier", file, "--target", name, "--infill", "mean", "--out", out)
    code, page, error = run("explain", *few, *where, folder)
    assert code == 0 and "warning" not in error
    assert pathlib.Path(page.strip()).is_file()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["classifier"] == file.parent.name
    assert manifest["weights_sha256"] == loaded.weights_sha256
    assert manifest["target"] == 2
    assert manifest["preprocess"] == {
        "height": smoke.HEIGHT,
        "width": smoke.WIDTH,
        "crop": 0.0,
        "resample": "bilinear",
    }
    found = xai_jax.load(out)
    assert np.asarray(found.saliency).shape == (3, *SHAPE[:2], 1)
    with open(out / "summary.csv", newline="") as table:
        assert len(list(csv.DictReader(table))) == 3


def test_a_class_that_the_file_does_not_have_is_answered_with_the_nearest(
    run, file, folder, tmp_path
):
    where = ("--classifier", file, "--target", "0 degree, 3.2 px", "--out", tmp_path / "out")
    code, _, error = run("explain", *where, folder)
    sentence = error.splitlines()[-1]  # after what it says while it loads
    assert code == 1 and "Traceback" not in error
    assert sentence.startswith("xai-jax: The classifier has no class '0 degree, 3.2 px'")
    assert "did you mean '0 degrees, 3.2 px'" in sentence
    assert not (tmp_path / "out").exists()


# --- other files --------------------------------------------------------------------------------


def test_the_commands_say_in_one_sentence_that_a_file_is_missing_or_none_of_ours(
    run, folder, tmp_path
):
    for content, expected in (
        (None, "train what leaves it first"),
        (b"no weights", "no file that a finished"),
    ):
        path = tmp_path / "x.safetensors"
        if content is not None:
            path.write_bytes(content)
        code, _, error = run("predict", "--classifier", path, folder)
        assert code == 1 and expected in error and error.count("\n") == 1 and str(path) in error
