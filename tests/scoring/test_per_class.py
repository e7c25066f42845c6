"""Metrics of the mask of each true class, through the whole loop: a row of a picture is a tile."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judged import Noise, Pictures, noise_masks
from judged import evaluation as small

from xai_jax.core.rng import image_ids
from xai_jax.core.types import Explanation
from xai_jax.metrics.tiles import focus
from xai_jax.scoring.evaluation import Contestant, positive_saliency
from xai_jax.scoring.score import score
from xai_jax.scoring.table import plain

DATA = Pictures(num=8)
SHOWN = range(1, 8)  # of picture 0 nothing is a class


def table(path) -> dict[str, dict[str, str]]:
    head, *lines = [line.split(",") for line in path.read_text().splitlines()]
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines}


def by_hand(masks: np.ndarray) -> dict[str, float]:
    """Of ``[n 4 4 3]``: class k's tile is row k."""
    found: dict[str, list[float]] = {"focus": [], "tile_diagonal": [], "tile_off_diagonal": []}
    for mask, labels in zip(masks, DATA.labels()[1:], strict=True):
        true = np.flatnonzero(labels)
        rows = mask.mean(axis=1)  # [row k]
        found["focus"].append(np.mean([rows[k, k] / rows[:, k].sum() for k in true]))
        found["tile_diagonal"].append(np.mean([rows[k, k] for k in true]))
        others = [rows[i, k] for i in true for k in true if i != k]
        found["tile_off_diagonal"] += [np.mean(others)] if others else []
    return {name: float(np.mean(values)) for name, values in found.items()}


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("tiles")
    contestants = {
        "each": Contestant(method=Noise(), num_specific=0),
        "all": Contestant(method=Noise(at_once=True), num_specific=0),
        "stretched": Contestant(method=Noise(), stretched=True, num_specific=0),
    }
    score(small(data=DATA, contestants=contestants, metrics=(focus(),), batch_size=3), workdir)
    return table(workdir / "scores.csv")


def test_the_mask_of_each_true_class_is_scored_by_itself(scores):
    images = DATA.images()[1:]
    key = jax.random.split(jax.random.key(3))[0]
    masks = np.asarray(noise_masks(jnp.asarray(images), jnp.asarray(image_ids(images)), key))
    for name, expected in by_hand(masks).items():
        for row in ("each", "all"):
            np.testing.assert_allclose(float(scores[row][name]), expected, rtol=1e-6)
    low, high = masks.min(axis=(1, 2), keepdims=True), masks.max(axis=(1, 2), keepdims=True)
    stretched = by_hand((masks - low) / (high - low))
    for name, expected in stretched.items():
        np.testing.assert_allclose(float(scores["stretched"][name]), expected, rtol=1e-5)


def test_a_constant_has_the_share_of_a_tile_and_the_truth_has_all(scores):
    named = {row: [scores[row][c.name] for c in focus().columns] for row in scores}
    assert named["1"] == ["0.25", "1", "1"] and named["0.5"] == ["0.25", "0.5", "0.5"]
    assert named["0"] == [plain(float("nan")), "0", "0"]
    assert named["truth"] == ["1", "1", "0"]


def test_masks_of_all_classes_together_are_refused(tmp_path):
    with pytest.raises(ValueError, match="^Focus needs the tiles of each class"):
        score(small(data=Pictures(masks="union"), metrics=(focus(),), classes=()), tmp_path)


def test_positive_saliency_is_the_evidence_over_its_largest():
    saliency = jnp.array([[3.0, -5.0], [0.0, 6.0], [-1.0, -2.0], [0.0, 0.0]]).reshape(4, 1, 2, 1)
    found = positive_saliency(Explanation(target=None, saliency=saliency))
    expected = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], np.float32).reshape(4, 1, 2, 1)
    np.testing.assert_array_equal(found, expected)
