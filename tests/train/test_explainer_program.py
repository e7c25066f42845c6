"""The Explainer, trained by the real train.py on pictures whose evidence is known."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from configs.smoke import explainer as smoke
from xai_jax.choices import METHODS
from xai_jax.core.method import Frozen
from xai_jax.methods import explainer
from xai_jax.metrics import segmentation
from xai_jax.runs import trained

ROOT = Path(__file__).parents[2]
STEPS = 80


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    """A run of the program, as a user starts it."""
    folder = tmp_path_factory.mktemp("run")
    command = [sys.executable, "train.py", "--config=configs/smoke/explainer.py"]
    command += [f"--workdir={folder}", f"--config.num_steps={STEPS}"]
    command += ["--config.batch_size=8", f"--config.validation.every={STEPS // 2}"]
    one_device = os.environ | {"XLA_FLAGS": ""}
    subprocess.run(command, cwd=ROOT, check=True, timeout=500, env=one_device)
    return folder


def test_every_term_is_logged_and_the_loss_falls(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    train = [line for line in lines if "train/loss" in line]
    terms = ("classification", "entropy", "variation", "area_bound", "target_area", "other_area")
    assert {f"train/{term}" for term in terms} <= set(train[0])
    assert train[-1]["train/loss"] < 0.0 < train[0]["train/loss"]
    valid = [line["valid/loss"] for line in lines if "valid/loss" in line]
    assert len(valid) == 2 and valid[1] < -0.1


def test_the_exported_masks_lie_on_the_planted_shapes(workdir):
    classifier = smoke.Reader().build()
    frozen = Frozen(classifier=classifier, infill=smoke.Constant(value=0.5).build(classifier))
    names = smoke.planted.TEXTURES[: smoke.CLASSES]
    inspector = trained.load(workdir, frozen, METHODS, class_names=names)
    assert inspector.method == explainer.Config.smoke()
    batch = next(smoke.pictures("test", 64, 1).batches(64))
    explain = jax.jit(inspector.method.build().explain)
    found = explain(inspector.weights, frozen, batch, jax.random.key(0))
    merged = lambda maps: (maps * batch.labels[:, None, None]).max(axis=3, keepdims=True)  # noqa: E731
    keep, truth = merged(found.class_keep), jnp.asarray(merged(batch.masks))
    # A mask that keeps everything overlaps by the shapes' own share of the picture, 0.15.
    assert float(segmentation.soft_iou(keep, truth).mean()) > 0.45
