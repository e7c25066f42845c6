"""Names of classes that do not fit are refused before anything is compiled or written."""

import dataclasses

import normed
import pytest

from configs.smoke.straight_line import Line, LineData
from xai_jax.core.method import Explained, Method
from xai_jax.core.preprocess import Preprocess
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.runtime.weights_file import WeightsFile
from xai_jax.train import checks
from xai_jax.train import fit as fit_module
from xai_jax.train.fit import fit


@dataclasses.dataclass(slots=True, kw_only=True)
class Named(LineData):
    class_names: tuple[str, ...] = ("cat", "dog", "owl")


@dataclasses.dataclass(slots=True, kw_only=True)
class Counted(Line):
    num_classes: int = 3


def export(*class_names: str) -> WeightsFile:
    about = {"kind": "line", "config": Line(), "preprocess": Preprocess()}
    return WeightsFile(class_names=class_names, **about)


def run(method=None, data=None, validation=None, **changes) -> Experiment:
    judged = Validation(data=validation or Named(endless=False), every=1)
    return Experiment(
        method=method or Counted(),
        data=data or Named(),
        validation=judged,
        num_steps=1,
        batch_size=8,
        **changes,
    )


BAD = {
    "order": (
        {"export": export("cat", "owl", "dog")},
        r"^export.class_names\[1\] is 'owl' and data.class_names\[1\] 'dog': class k of the one",
    ),
    "number": (
        {"export": export("cat", "dog")},
        "^export.class_names has 2 names and data.class_names 3: .*; give both the same names",
    ),
    "more": (
        {"export": export("cat", "dog", "owl", "hen")},
        "^export.class_names has 4 names and data.class_names 3",
    ),
    "missing": ({"export": export()}, "^export.class_names has 0 names and data.class_names 3"),
    "duplicate": (
        {"export": export("cat", "dog", "cat")},
        "^export.class_names has 'cat' twice; give every class a name of its own.$",
    ),
    "duplicate in the data": (
        {"data": Named(class_names=("a", "a", "b"))},
        "^data.class_names has 'a' twice",
    ),
    "validation": (
        {"validation": Named(class_names=("dog", "cat", "owl"), endless=False)},
        r"^data.class_names\[0\] is 'cat' and validation.data.class_names\[0\] 'dog'",
    ),
    "validation against the file": (
        {
            "data": LineData(),
            "export": export("cat", "dog", "owl"),
            "validation": Named(class_names=("cat", "dog"), endless=False),
        },
        "^export.class_names has 3 names and validation.data.class_names 2",
    ),
    "network": (
        {"method": Counted(num_classes=2), "export": export("cat", "dog", "owl")},
        "^The network of method has 2 classes and export.class_names 3 names; make the two agree.$",
    ),
    "network without a file": (
        {"method": Counted(num_classes=4)},
        "^The network of method has 4 classes and data.class_names 3 names",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_names_that_do_not_fit_are_refused_before_anything_is_compiled(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(fit_module, "_Run", None)  # which compiles
    changes, sentence = BAD[kind]
    with pytest.raises(ValueError, match=sentence):
        fit(run(**changes), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@dataclasses.dataclass(slots=True, kw_only=True)
class Explains(Counted):
    def build(self):
        trainable = Counted.build(self)
        return Method(explain=lambda *_: None, trainable=trainable)


@dataclasses.dataclass(slots=True, kw_only=True)
class Animals(normed.Normed):
    channels: int = 1
    class_names: tuple[str, ...] = ("owl", "cat", "dog")


def test_the_explained_classifier_has_the_same_classes_and_a_trunk_under_a_new_head_others(
    tmp_path,
):
    explained = Explained(classifier=Animals(), infill=Mean())
    sentence = r"^data.class_names\[0\] is 'cat' and explained.classifier.class_names\[0\] 'owl'"
    with pytest.raises(ValueError, match=sentence):
        fit(run(method=Explains(), explained=explained), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    fit(run(method=Counted(), explained=explained), tmp_path / "head")


def test_who_does_not_know_names_or_has_no_classes_is_not_asked(tmp_path):
    fit(run(method=Line(), export=export()), tmp_path / "c")
    fit(run(export=lambda_free), tmp_path / "a")
    fit(run(method=Line(), data=LineData(), validation=LineData(endless=False)), tmp_path / "b")


@dataclasses.dataclass(slots=True, kw_only=True)
class Network:
    regions: tuple[str, ...] = ("road", "sky", "unlabelled")


@dataclasses.dataclass(slots=True, kw_only=True)
class Draws(Line):
    network: Network = dataclasses.field(default_factory=Network)


@dataclasses.dataclass(slots=True, kw_only=True)
class Predicted(LineData):
    region_names: tuple[str, ...] = ("sky", "road")


def test_predicted_label_maps_have_the_regions_that_are_learned(tmp_path):
    sentence = "^The segmenter finds sky, road, and method.network.regions are road, sky; name two"
    with pytest.raises(ValueError, match=sentence):
        fit(run(method=Draws(), data=Predicted(), validation=LineData()), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    checks.check_regions(run(method=Draws(), data=Predicted(region_names=("road", "sky"))))
    checks.check_regions(run(method=Line(), data=Predicted()))


def lambda_free(weights, workdir):
    del weights
    return workdir / "nothing"
