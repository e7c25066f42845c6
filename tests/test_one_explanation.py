"""One picture, one seed, one setting: one explanation, whoever is asked, in whatever company."""

import csv

import jax
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_run

import xai_jax
from xai_jax.core.method import Explained, Inspector
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import pictures
from xai_jax.data.folder import Folder, Listed
from xai_jax.data.pipeline import Pipeline
from xai_jax.infills.constant import Constant
from xai_jax.methods import fido
from xai_jax.metrics.fidelity import fidelity
from xai_jax.runs import worker
from xai_jax.runtime.mesh import data_mesh

NUM, SEED = 6, 3
METHOD = fido.Config(grids=(4,), num_steps=4, num_samples=2)  # as tiny_cli.SMALL
ROUNDING = 1e-6  # of four steps of float32 in programs of other shapes, seen 1.2e-7
PREPROCESS = Preprocess(height=tiny_cli.SIZE, width=tiny_cli.SIZE, crop=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    tiny_run.make_pictures(root / "images", NUM)
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("file", "classes"), *((f"{i}.png", f"c{i % 4}") for i in range(NUM))]
        )
    return root


@pytest.fixture(scope="module")
def images(folder):
    return np.stack([pictures.read(folder / "images" / f"{i}.png", PREPROCESS) for i in range(NUM)])


def explained(images, **changes):
    settings = {"method": METHOD, "infill": Constant(), "key": SEED, "batch_size": NUM}
    return xai_jax.explain(planted.quadrant(), images, **settings | changes)


@pytest.fixture(scope="module")
def wanted(images):
    return explained(images)


def check(found, wanted, *, same_shape=False):
    for name in ("keep", "saliency"):
        found_map, wanted_map = np.asarray(found[name]), np.asarray(getattr(wanted, name))
        if same_shape:
            np.testing.assert_array_equal(found_map, wanted_map)
        np.testing.assert_allclose(found_map, wanted_map, atol=ROUNDING)


@pytest.mark.parametrize("batch_size", [1, 4, 8])
@pytest.mark.parametrize("devices", [1, 8])
def test_in_any_batch_on_any_devices(images, wanted, batch_size, devices):
    mesh = data_mesh() if devices == 8 else None
    check(explained(images, batch_size=batch_size, mesh=mesh).named(), wanted)


def test_in_another_order_and_beside_metrics_to_the_bit(images, wanted):
    backwards = explained(images[::-1], metrics=[fidelity()]).named()
    found = {name: backwards[name][::-1] for name in ("keep", "saliency")}
    check(found, wanted)


def test_at_the_same_place_of_the_same_program_in_other_company_to_the_bit(images, wanted):
    others = images[[0, 5, 4, 3, 2, 1]]
    found = explained(others).named()
    np.testing.assert_array_equal(found["keep"][0], wanted.keep[0])
    np.testing.assert_array_equal(found["keep"][3], wanted.keep[3])


def test_by_the_command_line_on_all_devices(folder, wanted, tmp_path, monkeypatch, capsys):
    run, place, devices = tiny_cli.caller(monkeypatch, capsys), worker.place_split, set()
    monkeypatch.setattr(worker, "place_split", lambda m, x: devices.add(m.size) or place(m, x))
    for size in (1, 4, 6):
        flags = (*tiny_cli.SMALL, "--preset", "published", "--seed", SEED, "--batch-size", size)
        code, _, said = run("explain", *flags, "--out", tmp_path / str(size), folder / "images")
        assert code == 0, said
        check(xai_jax.load(tmp_path / str(size)), wanted)
    assert devices == {8}


def test_by_an_evaluation_and_the_table_scores_what_the_folder_holds(folder, wanted, tmp_path):
    data = Pipeline(
        source=Folder(root=str(folder), labels=Listed(column="classes")), resize=PREPROCESS
    )
    frozen = Explained(classifier=planted.quadrant(), infill=Constant()).build()
    inspector = Inspector(method=METHOD, frozen=frozen)
    metric = fidelity()
    table = xai_jax.evaluate({"fido": inspector}, data, [metric], tmp_path, seed=SEED, batch_size=4)
    found = xai_jax.load(tmp_path / "fido")
    check(found, wanted)
    np.testing.assert_allclose(table["kept_area"][0], np.asarray(found.keep).mean(), rtol=1e-6)


def test_another_seed_is_another_explanation(images, wanted):
    other = explained(images, key=jax.random.key(SEED + 1))
    assert np.abs(other.keep - wanted.keep).max() > 1e-3
