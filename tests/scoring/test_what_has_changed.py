"""What scores depend on is recognised by its content: pictures, masks, metrics, explanations."""

import csv
import dataclasses
import inspect
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import weights_files
from judged import GREY, NUM_CLASSES, Noise, Rows, row_logits
from PIL import Image

import xai_jax
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained, Inspector
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import Output
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import Example
from xai_jax.data.pipeline import Pipeline
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.metrics.curves import curves
from xai_jax.metrics.specificity import specificity
from xai_jax.metrics.truth import overlap
from xai_jax.scoring import measure, stage
from xai_jax.scoring.evaluation import Contestant, Evaluation
from xai_jax.scoring.items import Items
from xai_jax.scoring.record import settings_of
from xai_jax.scoring.score import score

SIZE, NUM = 8, 5
SHOWS = ((0,), (0, 2), (1,), (1, 2), (0, 1, 2))  # the classes of each picture


@dataclasses.dataclass(kw_only=True)
class Files:
    """Examples whose pictures and masks are files."""

    folder: str
    class_names: tuple[str, ...] = ("ant", "bee", "cat")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{i}.png" for i in range(NUM))

    def __len__(self) -> int:
        return NUM

    def __getitem__(self, index: int) -> Example:
        labels = np.isin(np.arange(NUM_CLASSES), SHOWS[index]).astype(np.float32)
        name = self.names[index]
        picture, mask = Path(self.folder, name), Path(self.folder, f"mask_{name}")
        return Example(row=index, name=name, picture=picture, mask=mask, labels=labels)


def draw(folder: Path, i: int, *, seed: int = 0) -> None:
    noise = np.random.default_rng([seed, i]).integers(0, 200, (SIZE, SIZE, 3), np.uint8)
    Image.fromarray(noise).save(folder / f"{i}.png")


def draw_mask(folder: Path, i: int, *, first: int = 0) -> None:
    """Two rows for each class, from the row `first` on."""
    ids = np.zeros((SIZE, SIZE), np.uint8)
    for n, k in enumerate(SHOWS[i]):
        ids[first + 2 * n : first + 2 * n + 2] = 1 + k
    Image.fromarray(ids).save(folder / f"mask_{i}.png")


def nan_if_white(params, normalised):
    white = normalised.mean(axis=(1, 2, 3)) > 0.7  # of unit pixels less GREY
    return jnp.where(white[:, None], jnp.nan, row_logits(params, normalised))


@dataclasses.dataclass(slots=True, kw_only=True)
class NoWhite:
    def build(self) -> Classifier:
        return Classifier.from_callable(nan_if_white, {"gain": jnp.float32(8.0)}, mean=GREY)


@pytest.fixture
def folder(tmp_path) -> Path:
    found = tmp_path / "data"
    found.mkdir()
    for i in range(NUM):
        draw(found, i)
        draw_mask(found, i)
    return found


def data_of(folder: Path, masks="soft") -> Pipeline:
    resize = Preprocess(height=SIZE, width=SIZE)
    return Pipeline(source=Files(folder=str(folder)), resize=resize, masks=masks)


def evaluation(folder: Path, **changes) -> Evaluation:
    settings = {
        "explained": Explained(classifier=NoWhite(), infill=Mean()),
        "data": data_of(folder),
        "batch_size": 2,
        "contestants": {"noise": Contestant(method=Noise())},
        "classes": (0, 2),
    }
    return Evaluation(**(settings | changes))


def rows(workdir: Path) -> dict[tuple[str, str], list[str]]:
    with open(workdir / "per_picture.csv") as file:
        return {(row[0], row[1]): row[2:] for row in csv.reader(file)}


@pytest.fixture
def done(monkeypatch) -> dict[str, set]:
    """The items that are explained and the pictures that are scored, from now on."""
    found: dict[str, set] = {"explained": set(), "scored": set()}
    read, add = Items.read, measure._Tally.add

    def spied_read(self, row):
        found["explained"].add(self.names[row])
        return read(self, row)

    def spied_add(self, read):
        found["scored"] |= {self._known[row].name for row in read}
        return add(self, read)

    monkeypatch.setattr(Items, "read", spied_read)
    monkeypatch.setattr(measure._Tally, "add", spied_add)
    return found


def same_as_anew(workdir: Path, made: Evaluation, tmp_path: Path) -> None:
    score(made, tmp_path / "anew")
    for name in ("per_picture.csv", "specificity.csv", "classifier.json"):
        assert (workdir / name).read_bytes() == (tmp_path / "anew" / name).read_bytes(), name


def test_a_mask_that_is_corrected_in_place_is_scored_anew_and_nothing_else_is(
    folder, tmp_path, done
):
    out = tmp_path / "out"
    score(evaluation(folder), out)
    before = rows(out)
    done["explained"].clear(), done["scored"].clear()
    draw_mask(folder, 3, first=1)
    score(evaluation(folder), out)
    assert done == {"explained": set(), "scored": {"3.png"}}
    after = rows(out)
    changed = {key for key in before if before[key] != after[key]}
    assert changed and {picture for _, picture in changed} == {"3.png"}
    same_as_anew(out, evaluation(folder), tmp_path)


def test_maps_that_are_explained_with_are_a_part_of_the_picture(folder):
    def known(**settings):
        data = dataclasses.replace(data_of(folder, masks="ids"), **settings)
        return [known.picture for known in stage._known(data)]

    before, plain = known(regions=True), known()
    draw_mask(folder, 3, first=2)
    after = known(regions=True)
    assert known() == plain
    assert [i for i in range(NUM) if after[i] != before[i]] == [3]
    assert not set(known(regions=True, void_region=2)) & set(after)


def test_explanations_on_another_infill_are_refused_and_the_infill_is_named(folder, tmp_path):
    def judged(infill, workdir):
        frozen = Explained(classifier=Rows(), infill=infill).build()
        one = {"one": Inspector(method=Noise(), frozen=frozen)}
        return xai_jax.evaluate(one, data_of(folder), [overlap()], tmp_path / workdir)

    judged(Blur(sigma=1.0), "out")
    manifest = xai_jax.load(tmp_path / "out" / "one").manifest
    assert (manifest.infill, manifest.infill_config["sigma"]) == ("blur", 1.0)
    with pytest.raises(ValueError, match="infill_config.sigma is 1.0 there and 2.0 here"):
        judged(Blur(sigma=2.0), "out")
    with pytest.raises(ValueError, match="infill is"):
        judged(Mean(), "out")


def test_a_curves_weights_are_known_by_what_the_file_holds(tmp_path):
    shipped = Denoiser().file()
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(Path(shipped.path).read_bytes())
    before = settings_of(curves(Denoiser(weights=str(copy)), "own"))
    assert settings_of(curves(Denoiser(weights=str(copy)), "own")) == before
    about, arrays = weights_files.parts(copy)
    weights_files.write(copy, about, {name: 2 * array for name, array in arrays.items()})
    assert settings_of(curves(Denoiser(weights=str(copy)), "own")) != before


def test_a_picture_that_is_replaced_is_explained_and_scored_anew_and_no_other_is(
    folder, tmp_path, done
):
    out = tmp_path / "out"
    score(evaluation(folder), out)
    before = rows(out)
    done["explained"].clear(), done["scored"].clear()
    draw(folder, 1, seed=7)
    score(evaluation(folder), out)
    assert done["explained"] == {"1.png · ant", "1.png · cat"} and done["scored"] == {"1.png"}
    after = rows(out)
    assert {picture for (_, picture), row in after.items() if before[_, picture] != row} == {
        "1.png"
    }
    same_as_anew(out, evaluation(folder), tmp_path)


@pytest.mark.parametrize("kind", ["unreadable", "missing", "white"])
def test_an_odd_picture_is_skipped_by_name_and_costs_the_others_nothing(folder, tmp_path, kind):
    score(evaluation(folder), tmp_path / "whole")
    if kind == "unreadable":
        (folder / "2.png").write_bytes(b"no picture")
    elif kind == "missing":
        (folder / "2.png").unlink()
    else:
        Image.new("RGB", (SIZE, SIZE), "white").save(folder / "2.png")
    out = tmp_path / "out"
    page = score(evaluation(folder), out).read_text()
    assert "1 of 5 pictures were skipped. 2.png: " in page
    assert ("NaN" in page) == (kind == "white")
    whole = rows(tmp_path / "whole")
    assert rows(out) == {key: row for key, row in whole.items() if key[1] != "2.png"}
    draw(folder, 2)  # repaired
    score(evaluation(folder), out)
    assert rows(out) == whole
    same_as_anew(out, evaluation(folder), tmp_path)


def test_a_broken_mask_is_skipped_until_it_is_repaired(folder, tmp_path):
    score(evaluation(folder), tmp_path / "whole")
    (folder / "mask_2.png").write_bytes(b"no mask")
    out = tmp_path / "out"
    page = score(evaluation(folder), out).read_text()
    assert "1 of 5 pictures were skipped. 2.png: Its mask is unusable" in page
    draw_mask(folder, 2)
    score(evaluation(folder), out)
    assert rows(out) == rows(tmp_path / "whole")


def inspectors(**methods) -> dict[str, Inspector]:
    frozen = Explained(classifier=Rows(), infill=Mean()).build()
    return {name: Inspector(method=method, frozen=frozen) for name, method in methods.items()}


@pytest.mark.parametrize("at_once", [False, True])
def test_the_table_scores_what_the_store_holds(folder, tmp_path, at_once):
    data, explainers = data_of(folder), inspectors(noise=Noise(at_once=at_once))
    table = xai_jax.evaluate(explainers, data, [overlap()], tmp_path / "out", batch_size=2, seed=5)
    stored = xai_jax.load(tmp_path / "out" / "noise")
    assert stored.complete and (tmp_path / "out" / "noise" / "report.html").exists()
    found = []
    for i, classes in enumerate(SHOWS):
        if at_once:
            masks = stored["class_keep"][i][..., list(classes)].astype(np.float64)
        else:
            names = [f"{i}.png · {data.class_names[k]}" for k in classes]
            places = [stored.manifest.pictures.index(name) for name in names]
            masks = np.concatenate([stored.keep[place] for place in places], axis=2)
        keep = masks.max(axis=2)
        truth = data.example(i)["masks"].sum(axis=2)
        found.append(np.minimum(keep, truth).sum() / np.maximum(keep, truth).sum())
    np.testing.assert_allclose(table["soft_iou"], [np.mean(found)], rtol=1e-6)


def test_what_is_stored_is_what_explain_answers(folder, tmp_path):
    data, explainers = data_of(folder), inspectors(noise=Noise())
    xai_jax.evaluate(explainers, data, [overlap()], tmp_path / "out", batch_size=2, seed=5)
    stored = xai_jax.load(tmp_path / "out" / "noise")
    images = stored.images[:].astype(np.float32) / 255
    alone = xai_jax.explain(explainers["noise"], images, stored.target[:], key=5)
    np.testing.assert_array_equal(stored.keep[:], alone.keep)


def brightness(params, frozen, batch, explanation, key):
    del frozen, key
    return {"brightness": params * (explanation.keep * batch.images).mean(axis=(1, 2, 3))}


def brightness_metric(gain: float = 1.0) -> Metric:
    row = Output(
        name="brightness", kind="number", axes=(), unit="unit pixels", meaning="Of a part."
    )
    column = Column("brightness", "bright %", "neither", 0.0, 1.0, "%", "this test", 1)
    return Metric(measure=brightness, rows=(row,), columns=(column,), params=jnp.float32(gain))


def test_a_metric_is_added_by_one_object_and_nothing_is_explained_again(folder, tmp_path, done):
    out = tmp_path / "out"
    score(evaluation(folder), out)
    done["explained"].clear(), done["scored"].clear()
    page = score(evaluation(folder, metrics=(brightness_metric(),)), out).read_text()
    assert not done["explained"] and len(done["scored"]) == NUM
    assert "bright %" in page.splitlines()[0]
    with open(out / "scores.csv") as file:
        first = {row["contestant"]: row for row in csv.DictReader(file)}
    assert float(first["0"]["brightness"]) == 0 < float(first["noise"]["brightness"])
    header = (out / "per_picture.csv").read_text().splitlines()[0]
    assert header.endswith(",kept,removed,brightness")
    score(evaluation(folder, metrics=(brightness_metric(2.0),)), out)
    with open(out / "scores.csv") as file:
        second = {row["contestant"]: row for row in csv.DictReader(file)}
    ratio = float(second["noise"]["brightness"]) / float(first["noise"]["brightness"])
    assert ratio == pytest.approx(2) and not done["explained"]


def test_a_table_is_looked_at_and_written(folder, tmp_path):
    explainers = inspectors(one=Noise(), other=Noise(scale=0.5))
    table = xai_jax.evaluate(
        explainers, data_of(folder), [overlap()], tmp_path / "out", baselines=True
    )
    assert table.rows == ("one", "other", "0", "0.5", "1", "truth")
    assert [column.name for column in table.columns][:3] == ["pictures", "mean_f1", "soft_iou"]
    assert table["soft_iou"].shape == (6,) and table["soft_iou"][-1] == 1.0
    table.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == (tmp_path / "out" / "scores.csv").read_bytes()
    assert table.to_markdown() in (tmp_path / "out" / "scores.md").read_text()
    assert "<td>truth</td>" in table._repr_html_() and "<th>mean F1</th>" in table._repr_html_()
    again = xai_jax.evaluate(inspectors(one=Noise()), data_of(folder), [overlap()])
    assert again.rows == ("one",) and again["soft_iou"][0] == table["soft_iou"][0]


def test_explainers_data_and_metrics_that_do_not_fit_are_refused_before_anything_is_written(
    folder, tmp_path, monkeypatch
):
    plain = data_of(folder, masks="none")
    one = inspectors(one=Noise())
    other = {"other": dataclasses.replace(one["one"], frozen=Explained(
        classifier=Rows(gain=2.0), infill=Mean()).build())}  # fmt: skip
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="The data has no masks to score against"):
        xai_jax.evaluate(one, plain, [overlap()], out)
    with pytest.raises(ValueError, match="one and other explain different classifiers"):
        xai_jax.evaluate(one | other, plain, [brightness_metric()], out)
    with pytest.raises(ValueError, match="There are no explainers"):
        xai_jax.evaluate({}, plain, [overlap()], out)
    with pytest.raises(ValueError, match="The explainer fido is 'fido' and no Inspector; make one"):
        inspect.unwrap(xai_jax.evaluate)({"fido": "fido"}, plain, [overlap()], out)
    wrong = brightness_metric()._replace(rows=())
    with pytest.raises(ValueError, match="make its rows say what it measures"):
        xai_jax.evaluate(one, plain, [wrong], out)
    with pytest.raises(ValueError, match="Two columns are called 'brightness'; leave one"):
        xai_jax.evaluate(one, plain, [brightness_metric(), brightness_metric(2.0)], out)
    with pytest.raises(ValueError, match="Class specificity is among the metrics twice"):
        xai_jax.evaluate(one, plain, [specificity((0, 1)), specificity((0, 2))], out)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ValueError, match="xai_jax.evaluate scores as one process"):
        xai_jax.evaluate(one, plain, [brightness_metric()], out)
    monkeypatch.undo()
    assert not out.exists()
    assert xai_jax.evaluate(one, plain, [brightness_metric()], out)["brightness"][0] > 0


def test_class_specificity_in_a_notebook_is_that_of_a_config(folder, tmp_path):
    score(evaluation(folder, explained=Explained(classifier=Rows(), infill=Mean())), tmp_path / "a")
    metrics = [specificity((0, 2))]
    one = inspectors(noise=Noise())
    table = xai_jax.evaluate(one, data_of(folder), metrics, tmp_path / "b", batch_size=2)
    with open(tmp_path / "a" / "scores.csv") as file:
        row = next(csv.DictReader(file))
    assert float(row["diagonal"]) == pytest.approx(table["diagonal"][0], rel=1e-6)
    first, second = ((tmp_path / x / "specificity.csv").read_text().splitlines() for x in "ab")
    assert second == first[:3]
