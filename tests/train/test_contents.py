"""A run goes on with the very pictures, labels and masks that it began with, or not at all."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
from long_fit import Grey
from PIL import Image

from configs.smoke.straight_line import Line, LineData
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Folder
from xai_jax.data.pipeline import Pipeline
from xai_jax.experiment import Experiment
from xai_jax.train import contents
from xai_jax.train import fit as fit_module
from xai_jax.train.fit import fit

TABLE = "file,split,classes_present\n" + "".join(
    f"{i}.png,{'test' if i == 8 else 'train'},{1 + i % 2}\n" for i in range(9)
)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    for part, number in (("images", 40), ("masks", 1)):
        (root / part).mkdir(parents=True)
        for i in range(9):
            pixels = np.full((4, 4), number * (1 + i % 2), np.uint8)
            Image.fromarray(pixels).save(root / part / f"{i}.png")
    (root / "labels.csv").write_text(TABLE)
    return root


def run(root, num_steps=2) -> Experiment:
    source = Folder(root=str(root), split="train")
    resize = Preprocess(height=4, width=4)
    data = Pipeline(source=source, resize=resize, masks="soft", num_epochs=0, num_threads=1)
    return Experiment(method=Grey(), data=data, num_steps=num_steps, batch_size=8)


def other_bytes(path) -> None:
    """Other content, of the same size and the same times."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rewritten(text):
    return lambda root: (root / "labels.csv").write_text(text)


CHANGES = {
    "the content of images/3.png has changed": lambda root: other_bytes(root / "images/3.png"),
    "the content of masks/6.png has changed": lambda root: other_bytes(root / "masks/6.png"),
    "the content of labels.csv has changed": rewritten(
        TABLE.replace("3.png,train,2", "3.png,train,1")
    ),
    "masks/0.png is there no more": lambda root: shutil.rmtree(root / "masks"),
    "classes.json is new": lambda root: (root / "classes.json").write_text('["0", "1", "2"]'),
}


@pytest.mark.parametrize("sentence", CHANGES)
def test_another_picture_mask_or_label_is_refused_by_its_name(
    tmp_path, folder, monkeypatch, sentence
):
    workdir = tmp_path / "run"
    fit(run(folder), workdir)
    files = {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()}
    config = json.loads((workdir / "config.json").read_text())
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    CHANGES[sentence](folder)
    with monkeypatch.context() as patched:
        patched.setattr(fit_module, "_Run", None)  # which compiles
        changed = "has learned from other data: .*" + sentence
        if "no more" in sentence:  # without any mask the labels' table means the same
            changed = "has learned from other data: masks/0.png is there no more"
        with pytest.raises(ValueError, match=changed + "; put back what the run began with, or"):
            fit(run(folder), workdir)
    assert files == {path: path.read_bytes() for path in files}
    shutil.rmtree(folder)
    kept.rename(folder)
    assert fit(run(folder), workdir).step == 2
    assert json.loads((workdir / "config.json").read_text()) == config


def test_what_is_not_learned_from_may_change(tmp_path, folder):
    fit(run(folder), tmp_path / "run")
    other_bytes(folder / "images" / "8.png")  # of the test
    (folder / "labels.csv").write_text(TABLE.replace("8.png,test,1", "8.png,test,2"))
    assert fit(run(folder), tmp_path / "run").step == 2


def test_the_record_says_what_every_file_held(tmp_path, folder):
    fit(run(folder), tmp_path / "run")
    said = json.loads((tmp_path / "run" / contents.NAME).read_text())
    assert said == {"data": Pipeline.digests(run(folder).data)}
    assert len(said["data"]) == 1 + 8 + 8
    assert {len(digest) for digest in said["data"].values()} == {32}


def test_a_record_that_was_lost_is_refused_once_there_is_a_checkpoint(tmp_path, folder):
    exp, workdir = run(folder), tmp_path / "run"
    fit(exp, workdir)
    (workdir / contents.NAME).write_text("{")
    with pytest.raises(ValueError, match=r"data\.json is damaged: .* choose another --workdir"):
        fit(exp, workdir)
    (workdir / contents.NAME).unlink()
    with pytest.raises(ValueError, match=r"data\.json is missing, so that nobody knows what"):
        fit(exp, workdir)
    shutil.rmtree(workdir / fit_module.CHECKPOINTS)  # as if killed before there was any
    assert fit(exp, workdir).step == 2


def test_data_without_digests_is_recognised_by_its_settings_alone(tmp_path):
    exp = Experiment(method=Line(), data=LineData(), num_steps=1, batch_size=8)
    fit(exp, tmp_path)
    assert json.loads((tmp_path / contents.NAME).read_text()) == {"data": None}
    contents.check(tmp_path, {"data": {"a.png": "now it can say"}}, has_begun=True)
    assert fit(exp, tmp_path).step == 1
    with pytest.raises(ValueError, match="data.num is 40 there and 41 here"):
        fit(dataclasses.replace(exp, data=LineData(num=41)), tmp_path)
