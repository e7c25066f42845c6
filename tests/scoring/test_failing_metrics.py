"""A metric that cannot judge a contestant, metrics that ask a method again, data without masks."""

import csv
import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
from judged import Noise, Pictures, Rows
from judged import evaluation as small

from xai_jax.core.method import Explained
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import Output
from xai_jax.infills.constant import Mean
from xai_jax.metrics.counterfactuals import flips
from xai_jax.metrics.curves import curves
from xai_jax.scoring.evaluation import Contestant
from xai_jax.scoring.score import score
from xai_jax.scoring.stage import Stage

ROW = Output(name="again", kind="number", axes=(), unit="", meaning="Mean difference.")
BROKEN = True
COLUMN = Column("again", "again", "lower", 0.0, np.inf, "", "ours")


def _again(params, frozen, batch, explanation, key, explain):
    """How far the merged mask is from that of the first true class alone."""
    del params, key
    one = explain(frozen, batch).keep
    return {"again": jnp.abs(one - explanation.keep).mean(axis=(1, 2, 3))}


def _needs(params, frozen, batch, explanation, key):
    del params, frozen, batch, key
    if BROKEN:
        raise ValueError("It needs pictures that are called cause.")
    return {"needs": explanation.saliency.mean(axis=(1, 2, 3))}


def _never(*_):
    raise AssertionError("Too few pictures are measured.")


def rows(workdir) -> dict[str, dict[str, str]]:
    with open(workdir / "scores.csv") as file:
        return {row["contestant"]: row for row in csv.DictReader(file)}


def test_a_metric_may_ask_the_method_again_and_a_given_mask_has_no_such_score(tmp_path):
    ask = Metric(measure=_again, rows=(ROW,), columns=(COLUMN,), asks=True)
    evaluation = small(classes=(), metrics=(ask,), resamples=20)
    score(evaluation, tmp_path)
    found = rows(tmp_path)
    assert not found["1"]["again"] and not found["truth"]["again"]
    assert float(found["noise"]["again"]) > 0.01  # pictures of several classes differ
    record = json.loads((tmp_path / "contestants" / "noise.json").read_text())
    (values,) = (b["rows"]["again"] for b in record["metrics"] if "again" in b["rows"])
    names = [int(picture["name"]) - 100 for picture in record["pictures"]]
    single = np.array([Pictures().labels()[name].sum() == 1 for name in names])
    assert (np.array(values)[single] == 0).all()  # the same randomness: the same mask
    page = (tmp_path / "scores.md").read_text()
    assert "again of 0, 0.5, 1, truth could not be measured: It asks the method again" in page


def test_a_metric_that_fails_costs_the_others_nothing_and_is_tried_again(tmp_path, monkeypatch):
    row = Output(name="needs", kind="number", axes=(), unit="", meaning="A mean.")
    metric = Metric(measure=_needs, rows=(row,), columns=(COLUMN._replace(name="needs"),))
    # What is found before anything is compiled is refused; so let it be found later.
    monkeypatch.setattr("xai_jax.scoring.shapes.check", lambda *_: None)
    score(small(classes=(), metrics=(metric,), resamples=20), tmp_path)
    found = rows(tmp_path)
    assert not found["noise"]["needs"] and found["noise"]["auc"]
    assert "It needs pictures that are called cause." in (tmp_path / "scores.md").read_text()
    monkeypatch.setattr("test_failing_metrics.BROKEN", False)
    score(small(classes=(), metrics=(metric,), resamples=20), tmp_path)
    again = rows(tmp_path)
    assert again["noise"]["auc"] == found["noise"]["auc"] and float(again["noise"]["needs"]) > 0


def test_a_metric_of_more_pictures_than_there_are_measures_none_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("test_failing_metrics.BROKEN", False)
    # Shapes are asked before; so whoever measures afterwards is found out by what it raises.
    monkeypatch.setattr("xai_jax.scoring.shapes.check", lambda *_: None)
    row = Output(name="needs", kind="number", axes=(), unit="", meaning="A mean.")
    column = COLUMN._replace(name="needs")
    few = Metric(measure=_never, rows=(row,), columns=(column,), least=2048)
    evaluation = small(classes=(), metrics=(few,), resamples=20)
    score(evaluation, tmp_path)
    found = rows(tmp_path)
    assert not found["noise"]["needs"] and found["noise"]["auc"]
    said = "It needs 2,048 pictures and there are 17; score more of them, or leave it out."
    assert said in (tmp_path / "scores.md").read_text()
    read = []
    monkeypatch.setattr(Stage, "read", lambda stage, rows, **_: read.extend(rows) or iter(()))
    score(evaluation, tmp_path)  # nobody reads the pictures again for it
    assert not read and rows(tmp_path)["noise"]["auc"] == found["noise"]["auc"]
    enough = few._replace(measure=_needs, least=17)
    monkeypatch.undo()
    monkeypatch.setattr("test_failing_metrics.BROKEN", False)
    score(small(classes=(), metrics=(enough,), resamples=20), tmp_path)
    assert float(rows(tmp_path)["noise"]["needs"]) > 0


def test_data_without_masks_is_scored_by_what_needs_no_truth(tmp_path):
    data = Pictures(masks="none")
    contestants = {
        "noise": Contestant(method=Noise()),
        "flat": Contestant(method=Noise(scale=0.0)),
    }
    metrics = (curves(num_steps=4),)
    evaluation = small(data=data, classes=(), contestants=contestants, metrics=metrics, truth=False)
    score(evaluation, tmp_path)
    found = rows(tmp_path)
    assert list(found) == ["noise", "flat"] and "auc" not in found["noise"]
    assert found["flat"]["flat_maps"] == "17" and found["noise"]["flat_maps"] == "0"
    assert all(found[name]["srg"] for name in found)
    assert (
        "an order that says nothing stands for them: 17 of flat."
        in (tmp_path / "scores.md").read_text()
    )
    with pytest.raises(ValueError, match=r"masks='soft' of data that has some .*truth=False"):
        score(small(data=data, classes=()), tmp_path / "other")


@dataclasses.dataclass(kw_only=True)
class Turning(Noise):
    decided_class: int | None = 2


def test_decisions_are_counted_of_the_class_that_is_turned(tmp_path):
    def one(method, metric):
        contestants = {"turning": Contestant(method=method)}
        score(small(contestants=contestants, metrics=(metric,)), tmp_path / "run")

    words = "turning turns the decision of class 2, and flipped counts that of class 0; give"
    with pytest.raises(ValueError, match=words):
        one(Turning(), flips())
    assert not (tmp_path / "run").exists()
    for method, metric in ((Turning(), flips(decided_class=2)), (Noise(), flips())):
        with pytest.raises(ValueError, match="counterfactual"):  # which noise does not draw
            one(method, metric)


def test_every_column_is_defined_of_a_classifier_that_is_right_on_no_picture(tmp_path):
    never = Explained(classifier=Rows(gain=-1e4), infill=Mean())  # what is shown has p = 0
    metrics = (curves(num_steps=4),)
    score(small(explained=never, classes=(), metrics=metrics, resamples=20), tmp_path)
    classifier = json.loads((tmp_path / "classifier.json").read_text())
    assert classifier["recall"] == 0.0 and classifier["macro_auc"] < 0.01
    found = rows(tmp_path)["noise"]
    assert all(found[c.name] for metric in metrics for c in metric.columns), found
    assert float(found["average_drop"]) == 0.0
    assert found["auc"] and found["kept"]
    assert "flat maps" in (tmp_path / "scores.md").read_text()
    assert "an order that says nothing" not in (tmp_path / "scores.md").read_text()
