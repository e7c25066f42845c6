"""Scores on VOC's own archives: of the pixels that people decided, and of void where asked for."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from archives import SIZE, make_voc, save_regions, write
from cut_out import by_hand
from judged import GREY, Noise, Pictures
from judged import evaluation as small

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained, Method
from xai_jax.core.outputs import CLASS_KEEP, KEEP
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.core.types import Explanation
from xai_jax.data import catalog
from xai_jax.data.pipeline import Pipeline
from xai_jax.infills.constant import Mean
from xai_jax.metrics import specificity
from xai_jax.scoring import record
from xai_jax.scoring.evaluation import Contestant, Evaluation, standard
from xai_jax.scoring.score import score
from xai_jax.scoring.table import means

CAR, CAT, PERSON = 6, 7, 14
WIDTH, HEIGHT = SIZE


def drawn() -> dict[str, np.ndarray]:
    """The masks of pictures 1 (a person, and a dog that was not drawn) and 2 (a car)."""
    first = np.zeros((HEIGHT, WIDTH), np.uint8)
    first[:3, :4], first[5] = 1 + PERSON, 255
    generator = np.random.default_rng(0)
    second = generator.choice(np.uint8([0, 1 + CAR, 255]), (HEIGHT, WIDTH))
    return {"1": first, "2": second}


@pytest.fixture(scope="module")
def voc(tmp_path_factory) -> str:
    """A prepared copy: the test has pictures 1 to 3, of which 3 (a cat) was not segmented."""
    root = tmp_path_factory.mktemp("voc")
    make_voc(root)
    home = root / "VOCdevkit" / "VOC2007"
    for name, ids in drawn().items():
        save_regions(home, name, ids)
    lists = {"Main": ("1", "3", "1\n2\n3"), "Segmentation": ("1", "2", "1\n2")}
    for kind, parts in lists.items():
        for part, names in zip(("train", "val", "test"), parts, strict=True):
            write(home / "ImageSets" / kind / f"{part}.txt", names)
    catalog.prepare(catalog.VOC2007, archives=str(root), data_dir=str(root / "prepared"))
    return str(root / "prepared")


def brightness_logits(params, normalised):
    return normalised.mean(axis=(1, 2, 3))[:, None] * params["slope"]


@dataclasses.dataclass(slots=True, kw_only=True)
class Bright:
    """The brighter the picture, the larger the logits of the later classes."""

    def build(self) -> Classifier:
        params = {"slope": jnp.linspace(0.0, 40.0, 20)}
        return Classifier.from_callable(brightness_logits, params, mean=GREY, head=Head.SIGMOID)


def ramp() -> np.ndarray:
    """``[h w]`` from 0 on the left to 7/8 on the right."""
    return np.broadcast_to(np.arange(WIDTH, dtype=np.float32) / 8, (HEIGHT, WIDTH))


@dataclasses.dataclass(slots=True, kw_only=True)
class Ramp:
    """The same mask for every class of every picture."""

    def build(self) -> Method:
        def explain(state, frozen, batch, key):
            del state, frozen, key
            keep = jnp.broadcast_to(ramp()[None, ..., None], (*batch.images.shape[:3], 1))
            every = jnp.broadcast_to(keep, (*keep.shape[:3], 20))
            maps = {"class_keep": every}
            return Explanation(keep=keep, saliency=keep, target=batch.target, maps=maps)

        return Method(explain=explain, outputs=(KEEP, CLASS_KEEP))


def evaluation(voc, split, masks, classes=(), void_is_object=False) -> Evaluation:
    resize = Preprocess(height=HEIGHT, width=WIDTH)  # as large as the pictures: no pixel is mixed
    source = catalog.Tfds(spec=catalog.VOC2007, split=split, data_dir=voc)
    return Evaluation(
        explained=Explained(classifier=Bright(), infill=Mean()),
        data=Pipeline(source=source, resize=resize, masks=masks, void_is_object=void_is_object),
        batch_size=2,
        contestants={"ramp": Contestant(method=Ramp())},
        classes=classes,
    )


class Row:
    """What is kept of a contestant, by what the tests ask of it."""

    def __init__(self, found: record.Record, classes: tuple[int, ...]) -> None:
        self._found, self._metrics = found, standard(classes)
        rows = {name: v for m in self._metrics for name, v in found.rows(m).items()}
        self.scores = {name: v.tolist() for name, v in rows.items() if v.ndim == 1}
        self.pictures = list(found.names)
        if not classes:
            return
        compared = specificity.specificity(classes)
        chosen = ~np.isnan(rows["probabilities"]).any(axis=(1, 2))
        self.specific_pictures = [n for n, is_in in zip(found.names, chosen, strict=True) if is_in]
        self.is_in = rows["is_in"][chosen].tolist()
        self.matrix = lambda: specificity.table(found.rows(compared))

    def means(self):
        return means(self._found, self._metrics)


def scored(evaluation, workdir) -> dict[str, Row]:
    """What is kept of each row that has one."""
    score(evaluation, workdir, jax.devices()[:1])
    folder = workdir / record.FOLDER
    names = ("ramp", "0", "0.5", "1", "truth")
    settings = {n: json.loads((folder / f"{n}.json").read_text())["settings"] for n in names}
    return {
        name: Row(record.read(workdir, name, settings[name]), evaluation.classes) for name in names
    }


COMPARED = ("mean_f1", "soft_iou", "auc", "background_coverage", "object_coverage", "dice")
COMPARED += ("pointing",)


def check(found: Row, expected: list[dict[str, float]]) -> None:
    for name in COMPARED:
        values = [picture[name] for picture in expected]
        np.testing.assert_allclose(found.scores[name], values, rtol=2e-6, err_msg=name)


@pytest.mark.parametrize("masks", ["soft", "union"])
def test_pixels_that_are_void_in_voc_are_scored_as_if_they_were_not_there(voc, tmp_path, masks):
    rows = scored(evaluation(voc, "test_masks", masks), tmp_path)
    known = [(ramp()[ids != 255], ids[ids != 255] > 0) for ids in drawn().values()]
    check(rows["ramp"], [by_hand(*pixels) for pixels in known])
    # Of picture 1 the person covers 12 of the 40 pixels that are not void.
    share = np.array([12 / 40, (drawn()["2"] == 1 + CAR).sum() / (drawn()["2"] != 255).sum()])
    np.testing.assert_allclose(rows["1"].scores["mean_f1"], 2 * share / (1 + share), rtol=1e-6)
    np.testing.assert_allclose(rows["0.5"].scores["soft_iou"], share / (1 + share), rtol=1e-6)
    assert rows["1"].scores["background_coverage"] == rows["1"].scores["object_coverage"] == [1, 1]
    truth = rows["truth"].means()
    assert all(truth[name] == (name != "background_coverage") for name in COMPARED)


def test_void_is_scored_as_object_in_the_published_protocol(voc, tmp_path):
    rows = scored(evaluation(voc, "test_masks", "union", void_is_object=True), tmp_path)
    check(rows["ramp"], [by_hand(ramp().ravel(), (ids > 0).ravel()) for ids in drawn().values()])
    share = np.array([20 / 48, (drawn()["2"] > 0).mean()])
    np.testing.assert_allclose(rows["1"].scores["mean_f1"], 2 * share / (1 + share), rtol=1e-6)
    truth = rows["truth"].means()
    assert all(truth[name] == (name != "background_coverage") for name in COMPARED)


def test_pictures_that_were_not_segmented_count_for_class_specificity_alone(voc, tmp_path):
    classes = (CAR, CAT, PERSON)
    rows = scored(evaluation(voc, "test", "soft", classes), tmp_path / "all")
    names = list(evaluation(voc, "test", "soft").data.names)
    assert rows["ramp"].pictures == rows["ramp"].specific_pictures == names
    assert rows["ramp"].is_in == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    alone = scored(evaluation(voc, "test_masks", "soft", classes), tmp_path / "segmented")
    for name in COMPARED:
        values = rows["ramp"].scores[name]
        assert values[:2] == alone["ramp"].scores[name] and np.isnan(values[2])
        assert rows["ramp"].means()[name] == alone["ramp"].means()[name]
    assert np.isfinite(rows["ramp"].scores["saliency"]).all()
    # A cat under one mask, by hand: the softmax of what is left at each of the nine cuts.
    grey = 120 / 255 - GREY
    cuts = [(ramp() > n / 10).mean() * grey for n in range(1, 10)]
    logits = np.array(cuts)[:, None] * np.linspace(0, 40, 20)
    probability = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))[:, CAT].mean()
    np.testing.assert_allclose(rows["ramp"].matrix()[1, 1:], probability, rtol=1e-4)
    # What people drew says nothing of a picture that they did not draw on.
    assert rows["truth"].pictures == rows["truth"].specific_pictures == names[:2]
    assert (
        "On the 2 pictures that every row was scored on"
        in (tmp_path / "all" / "scores.md").read_text()
    )


def test_where_nothing_was_segmented_no_row_and_no_column_speaks_of_the_truth(voc, tmp_path):
    made = evaluation(voc, "validation", "soft", (CAR, CAT))
    page = score(made, tmp_path, jax.devices()[:1]).read_text()
    head = [word.strip() for word in page.splitlines()[0].split("|")[2:-1]]
    assert head == ["pictures", "saliency", "kept %", "removed %", "passes", "ms a picture"]
    names = [line.split(" | ")[0] for line in page.splitlines()[2:6]]
    assert names == ["| ramp", "| 0", "| 0.5", "| 1"]
    assert score(made, tmp_path, jax.devices()[:1]).read_text() == page


@dataclasses.dataclass(kw_only=True)
class WithoutVoid(Pictures):
    """The same pictures, and that every pixel counts."""

    def example(self, row):
        arrays = super().example(row)
        return arrays | {"counted": np.ones_like(arrays["masks"][..., :1])}


def test_pixels_that_all_count_change_no_bit_of_any_score(tmp_path):
    plain, weighed = tmp_path / "plain", tmp_path / "weighed"
    contestants = {"noise": Contestant(method=Noise(at_once=True))}
    score(small(contestants=contestants), plain)
    score(small(contestants=contestants, data=WithoutVoid()), weighed)
    for file in ("per_picture.csv", "specificity.csv", "classifier.json"):
        assert (weighed / file).read_bytes() == (plain / file).read_bytes()
