"""The scoring loop against tables worked by hand, against itself stopped, and on bad input."""

import csv
import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judged import GAIN, GREY, NUM_CLASSES, SIDE, Learned, Noise, Pictures, Rows, noise_masks
from judged import evaluation as small

from xai_jax.core.domains import Natural
from xai_jax.core.method import Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.rng import image_ids
from xai_jax.core.targets import Head
from xai_jax.infills.constant import Mean
from xai_jax.runs import worker
from xai_jax.runtime import weights_file
from xai_jax.scoring.entrant import Entrant
from xai_jax.scoring.evaluation import Contestant, stretched_saliency
from xai_jax.scoring.score import score

DATA = Pictures()
NAMES = (
    "mean_f1",
    "soft_iou",
    "auc",
    "saliency",
    "background_coverage",
    "object_coverage",
    "dice",
    "pointing",
    "kept",
    "removed",
)
SHOWN = np.flatnonzero(DATA.labels().any(axis=1))  # 17 of 20 show a class


def table(path) -> dict[str, dict[str, float]]:
    with open(path) as file:
        rows = list(csv.DictReader(file))
    names = {row.pop("contestant"): row for row in rows}
    return {
        name: {column: float(value) if value else np.nan for column, value in row.items()}
        for name, row in names.items()
    }


def explained(**changes) -> Explained:
    return Explained(classifier=Rows(**changes), infill=Mean())


def scored(tmp_path, **changes) -> dict[str, dict[str, float]]:
    page = score(small(**changes), tmp_path)
    assert page == tmp_path / "scores.md"
    return table(tmp_path / "scores.csv")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The folder of the evaluation that most tests look at; they leave it as it is."""
    workdir = tmp_path_factory.mktemp("plain")
    score(small(), workdir)
    return workdir


def record(workdir, name) -> dict:
    """The pictures, the rows of every metric, and which of them are about class specificity."""
    found = json.loads((workdir / "contestants" / f"{name}.json").read_text())
    names = [int(p["name"]) for p in found["pictures"] if p["counts"] and not p["reason"]]
    rows = {row: values for block in found["metrics"] for row, values in block["rows"].items()}
    specific = rows.pop("probabilities", []), rows.pop("is_in", [])
    chosen = [n for n, p in enumerate(specific[0]) if p[0][0] is not None]
    return {
        "pictures": names,
        "scores": rows,
        "specific_pictures": [names[n] for n in chosen],
        "probabilities": [specific[0][n] for n in chosen],
    }


def ids_of(images) -> jax.Array:
    return jnp.asarray(image_ids(images))


def key_of(seed: int) -> jax.Array:
    """What a method is given."""
    return jax.random.split(jax.random.key(seed))[0]


def columns(workdir, name) -> dict[str, np.ndarray]:
    return {k: np.array(v, np.float64) for k, v in record(workdir, name)["scores"].items()}


def true_rows() -> np.ndarray:
    return DATA.truth().max(axis=3, keepdims=True)[SHOWN]


def seen(keep) -> np.ndarray:
    """Softmax of the classes in the picture, summed, of pictures on grey where `keep` is 0."""
    logits = GAIN * (keep * (DATA.images()[SHOWN] - GREY)).mean(axis=(2, 3))[:, :NUM_CLASSES]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (probs * DATA.labels()[SHOWN]).sum(axis=1)


def present(keep) -> np.ndarray:
    """Mean sigmoid of the classes in the picture, of pictures on grey where `keep` is 0."""
    logits = GAIN * (keep * (DATA.images()[SHOWN] - GREY)).mean(axis=(2, 3))[:, :NUM_CLASSES]
    labels = DATA.labels()[SHOWN]
    return (labels / (1 + np.exp(-logits))).sum(axis=1) / labels.sum(axis=1)


def test_constant_masks_and_the_truth_score_what_the_formulas_say(plain):
    rows = table(plain / "scores.csv")
    share = true_rows().mean(axis=(1, 2, 3))  # f of the published table, for each picture
    first = DATA.labels()[SHOWN, 0]  # the first pixel is on the object if class 0 is there
    of_all = 2 * share / (1 + share)
    zero, one = np.zeros(len(SHOWN)), np.ones(len(SHOWN))
    wanted = {
        "0": (zero, zero, np.log(0.05) - np.log(seen(0.0)), zero, zero, zero, first)
        + (present(0.0), present(1.0)),
        "0.5": (of_all / 3, share / (1 + share), np.log(0.5) - np.log(seen(0.5)), zero + 0.5)
        + (zero + 0.5, zero, first, present(0.5), present(0.5)),
        "1": (of_all, share, -np.log(seen(1.0)), one, one, of_all, first)
        + (present(1.0), present(0.0)),
        "truth": (one, one, np.log(share) - np.log(seen(true_rows())), zero, one, one, one)
        + (present(true_rows()), present(1 - true_rows())),
    }
    names = [name for name in NAMES if name != "auc"]
    assert list(rows) == ["noise", *wanted]
    for contestant, values in wanted.items():
        for name, expected in zip(names, values, strict=True):
            np.testing.assert_allclose(
                columns(plain, contestant)[name], expected, rtol=1e-5, atol=1e-6, err_msg=name
            )
            np.testing.assert_allclose(rows[contestant][name], expected.mean(), 1e-5, 1e-6)
        assert rows[contestant]["auc"] == (1.0 if contestant == "truth" else 0.5)
        assert rows[contestant]["pictures"] == 17


def merged_by_hand(seed: int = 3) -> np.ndarray:
    """``[n h w]``: the largest of the masks of the classes that picture i shows."""
    masks = np.asarray(noise_masks(DATA.images(), ids_of(DATA.images()), key_of(seed)))
    merged = np.zeros((DATA.num, SIDE, SIDE))
    for i, labels in enumerate(DATA.labels()):
        for k in np.flatnonzero(labels):
            merged[i] = np.maximum(merged[i], masks[i, :, :, k])
    return merged[SHOWN]


def test_masks_of_the_true_classes_are_merged_by_their_maximum(plain):
    keep, truth = merged_by_hand(), true_rows()[..., 0]
    found = columns(plain, "noise")
    iou = np.minimum(keep, truth).sum((1, 2)) / np.maximum(keep, truth).sum((1, 2))
    np.testing.assert_allclose(found["soft_iou"], iou, rtol=1e-5)
    both = ((keep > 0.5) & (truth > 0.5)).sum((1, 2))
    dice = 2 * both / ((keep > 0.5).sum((1, 2)) + truth.sum((1, 2)))
    np.testing.assert_allclose(found["dice"], dice, rtol=1e-5)
    pairs = [(k[t > 0][:, None] > k[t == 0]).mean() for k, t in zip(keep, truth, strict=True)]
    np.testing.assert_allclose(found["auc"], pairs, rtol=1e-5)
    peak = keep.reshape(len(keep), -1).argmax(axis=1)
    hits = np.take_along_axis(truth.reshape(len(keep), -1), peak[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(found["pointing"], hits)
    assert record(plain, "noise")["pictures"] == (100 + SHOWN).tolist()


def test_a_saliency_map_is_stretched_for_each_class_before_they_are_merged(tmp_path):
    # 5 m - 3 stretched is m stretched; the merged mask of two classes then reaches 1 twice.
    made = {"noise": Contestant(method=Noise(), mask=stretched_saliency)}
    scored(tmp_path, contestants=made, data=Pictures(num=2), classes=())
    images = DATA.images()[1:2]  # picture 1 shows class 0 alone
    mask = np.asarray(noise_masks(images, ids_of(images), key_of(3)))[0, :, :, 0]
    mask = (mask - mask.min()) / (mask.max() - mask.min())
    truth = true_rows()[0, ..., 0]
    iou = np.minimum(mask, truth).sum() / np.maximum(mask, truth).sum()
    np.testing.assert_allclose(columns(tmp_path, "noise")["soft_iou"], [iou], rtol=1e-5)


def test_the_merged_mask_is_stretched_once_where_the_contestant_says_so(plain, tmp_path):
    made = {"noise": Contestant(method=Noise(), stretched=True)}
    scored(tmp_path, contestants=made)
    keep, truth = merged_by_hand(), true_rows()[..., 0]
    low, high = keep.min((1, 2), keepdims=True), keep.max((1, 2), keepdims=True)
    keep = (keep - low) / (high - low)
    iou = np.minimum(keep, truth).sum((1, 2)) / np.maximum(keep, truth).sum((1, 2))
    np.testing.assert_allclose(columns(tmp_path, "noise")["soft_iou"], iou, rtol=1e-4)
    ours, theirs = (record(folder, "noise")["probabilities"] for folder in (tmp_path, plain))
    assert np.shape(ours) == np.shape(theirs)
    assert np.nanmax(np.abs(np.array(ours, float) - np.array(theirs, float))) > 1e-3


@pytest.mark.parametrize(("batch_size", "devices"), [(3, 1), (5, 8), (16, 2), (24, 8)])
def test_neither_batch_nor_devices_change_the_scores(plain, tmp_path, batch_size, devices):
    score(small(batch_size=batch_size), tmp_path, jax.devices()[:devices])
    for name in ("noise", "truth", "0.5"):
        ours, theirs = record(plain, name), record(tmp_path, name)
        assert ours["pictures"] == theirs["pictures"]
        for column, values in ours["scores"].items():
            np.testing.assert_allclose(theirs["scores"][column], values, rtol=2e-6, atol=1e-6)
        np.testing.assert_allclose(theirs["probabilities"], ours["probabilities"], rtol=2e-6)


def test_class_specificity_is_that_of_the_classifier_under_each_true_mask(plain):
    rows = table(plain / "scores.csv")
    # Row by row: what a mask of row c shows of class t, in the pictures with class t.
    images, labels = DATA.images(), DATA.labels()
    brightness = GAIN * (images - GREY).mean(axis=(2, 3))[:, :NUM_CLASSES]
    expected = np.zeros((2, 2))
    for t, true in enumerate((0, 2)):
        for m, masked in enumerate((0, 2)):
            values = []
            for i in np.flatnonzero(labels[:, true]):
                logits = np.zeros(NUM_CLASSES)
                logits[masked] = brightness[i, masked] * labels[i, masked]  # else its mask is empty
                values.append(np.exp(logits[true]) / np.exp(logits).sum())
            expected[t, m] = np.mean(values)
    np.testing.assert_allclose(rows["truth"]["diagonal"], np.diag(expected).mean(), rtol=1e-5)
    off = (expected[0, 1] + expected[1, 0]) / 2
    np.testing.assert_allclose(rows["truth"]["off_diagonal"], off, rtol=1e-5)
    assert np.isnan(rows["0.5"]["diagonal"])
    with open(plain / "specificity.csv") as file:
        cells = [row for row in csv.DictReader(file) if row["contestant"] == "truth"]
    assert [row["class"] for row in cells] == ["0", "2"]
    found = [[float(row["0"]), float(row["2"])] for row in cells]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_one_class_at_a_time_and_all_at_once_are_scored_alike(plain, tmp_path):
    rows = scored(tmp_path, contestants={"noise": Contestant(method=Noise(at_once=True))})
    one, other = record(plain, "noise"), record(tmp_path, "noise")
    assert one["specific_pictures"] == other["specific_pictures"]
    # All of the 17 but 2, 10 and 18, which show class 1 alone.
    assert len(one["specific_pictures"]) == 14
    np.testing.assert_allclose(one["probabilities"], other["probabilities"], rtol=1e-6)
    for column in NAMES:
        np.testing.assert_allclose(one["scores"][column], other["scores"][column], rtol=1e-6)
    off = table(plain / "scores.csv")["noise"]["off_diagonal"]
    assert rows["noise"]["off_diagonal"] == pytest.approx(off)


def test_a_contestant_may_be_scored_on_the_first_pictures_only(plain, tmp_path):
    limited = {"noise": Contestant(method=Noise(), num_pictures=5, num_specific=2)}
    scored(tmp_path, contestants=limited)
    few, every = record(tmp_path, "noise"), record(plain, "noise")
    assert few["pictures"] == every["pictures"][:5] == [101, 102, 103, 104, 105]
    assert few["specific_pictures"] == [101]  # of 101 and 102, the second shows class 1 alone
    for column in NAMES:
        assert few["scores"][column] == every["scores"][column][:5]
    page = (tmp_path / "scores.md").read_text()
    assert "On the 5 pictures that every row was scored on:" in page
    assert "every row" not in (plain / "scores.md").read_text()


def test_the_classifier_is_judged_on_all_pictures(plain):
    found = json.loads((plain / "classifier.json").read_text())
    labels = DATA.labels() > 0
    logits = GAIN * (DATA.images() - GREY).mean(axis=(2, 3))[:, :NUM_CLASSES]
    decided = logits >= 0
    hits = (decided & labels).sum()
    assert found["accuracy"] == pytest.approx((decided == labels).mean())
    assert found["precision"] == pytest.approx(hits / decided.sum())
    assert found["recall"] == pytest.approx(hits / labels.sum())
    assert found["f1"] == pytest.approx(2 * hits / (decided.sum() + labels.sum()))
    areas = [
        (logits[labels[:, k], k][:, None] > logits[~labels[:, k], k]).mean()
        for k in range(NUM_CLASSES)
    ]
    np.testing.assert_allclose(found["auc"], areas, rtol=1e-6)
    assert found["macro_auc"] == pytest.approx(np.mean(areas))
    assert (found["pictures"], found["shown"]) == (20, 17)


def test_a_softmax_classifier_decides_for_the_likeliest_class(tmp_path):
    scored(tmp_path, contestants={}, explained=explained(head=Head.SOFTMAX))
    found = json.loads((tmp_path / "classifier.json").read_text())
    logits = (DATA.images() - GREY).mean(axis=(2, 3))[:, :NUM_CLASSES]
    hits = DATA.labels()[np.arange(20), logits.argmax(axis=1)].sum()
    assert found["precision"] == pytest.approx(hits / 20)
    assert found["recall"] == pytest.approx(hits / DATA.labels().sum())


def test_the_time_is_that_of_the_median_call_for_all_true_classes(tmp_path, monkeypatch):
    ticks = iter(np.cumsum([0, 90, 5, 2, 5, 4] + [1] * 60))  # seconds
    monkeypatch.setattr(worker.time, "perf_counter", lambda: float(next(ticks)))
    rows = scored(tmp_path, classes=(), data=Pictures(num=16))
    # 14 pictures show 24 classes, explained in 3 calls of 8 rows. Without the first, 90 s, their
    # median is 3 s, which is 3/8 s an explanation.
    assert rows["noise"]["milliseconds"] == pytest.approx(1e3 * 3 / 8 * 24 / 14)


def everything(workdir) -> dict:
    return {path: path.read_bytes() for path in sorted(workdir.rglob("*")) if path.is_file()}


class Stopped(Exception):
    pass


def contents(workdir) -> dict[str, object]:
    """Every file but for the times."""
    files = {str(p.relative_to(workdir)): p for p in sorted(workdir.rglob("*")) if p.is_file()}
    found = {name: path.read_bytes() for name, path in files.items() if path.name != ".lock"}
    for name in found:
        if name.startswith("contestants"):
            fields = json.loads(found[name])
            assert fields.pop("milliseconds") > 0
            found[name] = json.dumps(fields)
    rows = [row.split(",") for row in found["scores.csv"].decode().splitlines()]
    found["scores.csv"] = str([row[:-1] for row in rows])
    lines = found["scores.md"].decode().splitlines()
    found["scores.md"] = str([line.split("|")[:-2] for line in lines if line.startswith("|")])
    return found


@pytest.mark.parametrize("num", [3, 30, 60, 90, 110])
def test_a_start_that_was_stopped_ends_with_the_same_files(plain, tmp_path, monkeypatch, num):
    taken, real = [0], Pictures.example

    def limited(self, row):
        taken[0] += 1
        if taken[0] > num:
            raise Stopped
        return real(self, row)

    monkeypatch.setattr(Pictures, "example", limited)
    with pytest.raises(Stopped):
        score(small(), tmp_path)
    monkeypatch.setattr(Pictures, "example", real)
    score(small(), tmp_path)
    assert contents(tmp_path) == contents(plain)


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """The names of the contestants that are explained, once for each batch."""
    names, real = [], Entrant.explain

    def spied(entrant, progress):
        outcome = real(entrant, progress)
        names.extend(entrant.name for _ in outcome.seconds[:1])
        return outcome

    monkeypatch.setattr(Entrant, "explain", spied)
    return names


def test_what_is_done_is_not_done_again_and_contestants_may_be_added(plain, tmp_path, computed):
    shutil.copytree(plain, tmp_path, dirs_exist_ok=True)
    before = everything(tmp_path)
    score(small(), tmp_path)
    assert everything(tmp_path) == before
    more = {"noise": Contestant(method=Noise()), "other": Contestant(method=Noise(scale=0.5))}
    score(small(contestants=more), tmp_path)
    assert computed == ["other"]
    assert list(table(tmp_path / "scores.csv")) == ["noise", "other", "0", "0.5", "1", "truth"]


def exported(path, values=(0.25, 0.625, 0.875), **changes):
    about = {"kind": "learned", "config": Learned(), "preprocess": DATA.resize}
    about |= {"class_names": ("a", "b", "c")} | changes
    tree = {"params": {"value": np.array(values, np.float32)}, "statistics": {}}
    weights_file.write(path, tree, **about)
    return {"learned": Contestant(method=Learned(), trained=str(path))}


def test_a_trained_method_explains_with_what_its_file_holds(tmp_path):
    made = exported(tmp_path / "learned.safetensors")
    scored(tmp_path / "out", contestants=made)
    # The mask of a picture is the largest value of its classes: its background is covered by that.
    largest = (np.array([0.25, 0.625, 0.875]) * DATA.labels()[SHOWN]).max(axis=1)
    found = columns(tmp_path / "out", "learned")["background_coverage"]
    np.testing.assert_allclose(found, largest, rtol=1e-5)


def test_a_file_with_other_weights_is_another_contestant(tmp_path):
    made = exported(tmp_path / "learned.safetensors")
    score(small(contestants=made), tmp_path / "out")
    exported(tmp_path / "learned.safetensors", (0.25, 0.625, 0.75))
    with pytest.raises(ValueError, match=r"learned.json was scored with other settings: state is"):
        score(small(contestants=made), tmp_path / "out")


def one(**changes) -> dict:
    return {"contestants": {"it": Contestant(**({"method": Noise()} | changes))}}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"batch_size": 0}, "batch_size must be .*at least 1, not 0."),
        ({"data": Pictures(masks="none")}, "The data has no masks to score against; set masks="),
        ({"data": Pictures(masks="ids")}, r"shape \[8, 4, 4\], which are no shares of pixels"),
        ({"data": Pictures(masks="union")}, "needs the true mask of each class; set masks='soft'"),
        ({"data": Pictures(num=0)}, "The data has no pictures; choose another split."),
        ({"classes": (0, 3)}, r"classes is \[0, 3\]; name two or more different ones of 0 to 2"),
        ({"classes": (1,)}, r"classes is \[1\]; name two or more"),
        ({"classes": (1, 1)}, r"classes is \[1, 1\]; name two or more different"),
        ({"explained": explained(num_classes=2)}, "The classifier has 2 classes and the data 3"),
        (one(method=Learned()), "trained network; set --config.contestants.it.trained to its file"),
        (one(method=Learned(), trained="none.safetensors"), "none.safetensors does not exist; tra"),
        (one(trained="some.safetensors"), "it learns nothing across images; leave its `trained`"),
        ({"contestants": {"1": Contestant(method=Noise())}}, "The row '1' comes by itself; name"),
        ({"contestants": {"a/b": Contestant(method=Noise())}}, "'a/b' cannot be the name of a con"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(tmp_path, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        score(small(**changes), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_network_of_other_settings_is_refused_with_the_leaf_that_differs(tmp_path):
    made = exported(tmp_path / "it.safetensors", (0.1, 0.2))
    shapes = r"params/value is float32 of shape \[2\] there and is float32 of shape \[3\] here"
    with pytest.raises(ValueError, match=shapes):
        score(small(contestants=made), tmp_path / "new")


@dataclasses.dataclass(slots=True, kw_only=True)
class Other(Learned):
    """Another method, with a setting more."""

    more: Natural = 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"kind": "other", "config": Other()},
            "holds a trained other, whose settings are not thos",
        ),
        (
            {"class_names": ("a", "b", "d")},
            r'fit the pictures of learned: class_names\[2\] is "d" there and "c"',
        ),
        (
            {"preprocess": Preprocess(height=999, width=7)},
            "its pictures have 999 x 7 pixels there and 4 x 4 pixels here",
        ),
    ],
)
def test_a_file_of_another_kind_or_for_other_pictures_is_refused(tmp_path, changes, sentence):
    made = exported(tmp_path / "learned.safetensors", **changes)
    with pytest.raises(ValueError, match=sentence):
        score(small(contestants=made), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@dataclasses.dataclass(slots=True, kw_only=True)
class NamedRows(Rows):
    class_names: tuple[str, ...] = ("a", "b", "d")


def test_a_classifier_of_other_classes_than_the_data_is_refused(tmp_path):
    made = Explained(classifier=NamedRows(), infill=Mean())
    with pytest.raises(ValueError, match=r'other classes than the data: class_names\[2\] is "d"'):
        score(small(explained=made), tmp_path / "new")


def test_a_classifier_that_answers_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="The classifier answers NaN or infinity"):
        score(small(explained=explained(gain=np.nan)), tmp_path)


def test_pictures_without_any_class_are_refused(tmp_path):
    with pytest.raises(ValueError, match="No picture of the data shows a class"):
        score(small(data=Pictures(num=1)), tmp_path)


@pytest.mark.parametrize("method", [Noise(scale=2.0), Noise(scale=-1.0, at_once=True)])
def test_a_mask_outside_its_range_is_refused(tmp_path, method):
    with pytest.raises(ValueError, match=r"but it must lie in \[0, 1\]; set the contestant's mask"):
        score(small(contestants={"it": Contestant(method=method)}), tmp_path)
    assert not (tmp_path / "contestants" / "it.json").exists()


def test_a_folder_of_another_evaluation_is_refused_and_left_as_it_is(plain, tmp_path):
    shutil.copytree(plain, tmp_path, dirs_exist_ok=True)
    before = everything(tmp_path)
    with pytest.raises(ValueError, match="evaluation.seed is 3 there and 4 here; choose another"):
        score(small(seed=4), tmp_path)
    other = {"noise": Contestant(method=Noise(scale=0.5))}
    wanted = "noise.json was scored with other settings: contestant.method.scale is 1.0 there and"
    with pytest.raises(ValueError, match=wanted):
        score(small(contestants=other), tmp_path)
    weights = dataclasses.replace(small(), explained=explained(head=Head.SOFTMAX))
    with pytest.raises(ValueError, match="evaluation.explained.classifier.head is"):
        score(weights, tmp_path)
    assert everything(tmp_path) == before


def test_a_record_that_is_damaged_is_told(plain, tmp_path):
    shutil.copytree(plain, tmp_path, dirs_exist_ok=True)
    (tmp_path / "contestants" / "0.json").write_text("{")
    with pytest.raises(ValueError, match="0.json is no record of scores; remove it"):
        score(small(), tmp_path)
