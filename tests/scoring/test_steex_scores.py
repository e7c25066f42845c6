"""STEEX scored on planted streets: the road hands label maps on, and numbers reach the metrics."""

import csv
import dataclasses
import functools

import flat_regions
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.classifier import Classifier
from xai_jax.core.generator import Generator
from xai_jax.core.method import Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.streets import DECIDES, REGIONS, Streets
from xai_jax.infills.constant import Constant
from xai_jax.methods import steex
from xai_jax.metrics.counterfactuals import flips
from xai_jax.metrics.distributions import distances, kid
from xai_jax.metrics.likeness import structure
from xai_jax.metrics.region_effects import region_effects
from xai_jax.metrics.regions import diversity, flips_alone, region_changes
from xai_jax.metrics.sureness import surely
from xai_jax.runtime import results
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency
from xai_jax.scoring.score import score
from xai_jax.scoring.stage import Stage

SIDE, NUM = 32, 3


def _greener(params, images):
    """Whether the sky, the upper quarter, is greener than it is red."""
    sky = images[:, : images.shape[1] // 8].mean((1, 2))
    return params["gain"] * (sky[:, 1] - sky[:, 0])[:, None]


def colours(judge, images):
    del judge
    return images.mean((1, 2))


@dataclasses.dataclass(slots=True, kw_only=True)
class Greener:
    """Settings of the classifier."""

    def build(self) -> Classifier:
        return Classifier.from_callable(_greener, {"gain": jnp.float32(20)}, head=Head.SIGMOID)


@dataclasses.dataclass(slots=True, kw_only=True)
class Flat:
    """Settings of the generator."""

    def build(self, classifier) -> Generator:
        del classifier
        return flat_regions.flat(0.0, REGIONS)


def test_general_mode_and_each_region_are_scored_against_the_truth(tmp_path):
    cfg = {"num_steps": 12, "learning_rate": 0.1, "fresh_noise": False}
    methods = {
        "reconstruction": steex.Config(num_steps=0),
        "general": steex.Config(**cfg),
        "targeted": steex.Config(targeted=(DECIDES,), **cfg),
        "sparsest": steex.Sparsest(margin=1.0, **cfg),
    }
    evaluation = Evaluation(
        explained=Explained(classifier=Greener(), infill=Constant(), generator=Flat()),
        data=Pipeline(
            source=Streets(size=SIDE, num=NUM),
            resize=Preprocess(height=SIDE, width=SIDE),
            regions=True,
        ),
        batch_size=NUM,
        contestants={
            name: Contestant(method=method, mask=stretched_saliency)
            for name, method in methods.items()
        },
        metrics=(
            flips(),
            surely(),
            region_changes(REGIONS, "sky"),
            flips_alone(REGIONS),
            diversity(),
            structure(),
            distances("counterfactual", colours),
        ),
        truth=False,
        absent=True,
    )
    score(evaluation, tmp_path)
    with (tmp_path / "scores.csv").open() as file:
        rows = {row["contestant"]: row for row in csv.DictReader(file)}
    assert float(rows["general"]["names_it"]) == float(rows["general"]["flipped"]) == 1.0
    assert rows["general"]["already_flips"] != ""  # the road hands the reconstruction on
    already = rows["reconstruction"]  # flips where it flips by itself, and nowhere else
    assert already["flipped"] == already["already_flips"] == rows["general"]["already_flips"]
    assert 0.0 < float(rows["general"]["ssim"]) < float(already["ssim"]) < 1.0
    # Its mean colours are the pictures' own, which sets it apart from what has moved.
    own = np.asarray(results.load(tmp_path / "reconstruction")["images"]).mean((1, 2)) / 255
    assert float(already["kid"]) == pytest.approx(kid(own, own), abs=1e-3)
    assert abs(float(rows["general"]["kid"]) - float(already["kid"])) > 1e-3
    assert float(rows["targeted"]["flipped"]) < 1.0  # the light reaches few rows of the sky's
    assert float(rows["sparsest"]["flips_by_sky"]) == 1.0
    assert float(rows["sparsest"]["flips_by_road"]) == 0.0
    assert float(rows["sparsest"]["flipping_regions"]) >= 1.0
    assert rows["general"]["diversity"] == ""
    assert rows["general"]["flips_by_sky"] == ""  # it moves no region alone


SWAPPED = (REGIONS[1], REGIONS[0], *REGIONS[2:])


@pytest.mark.parametrize("names", [SWAPPED, (*REGIONS, "moon")], ids=["swapped", "longer"])
@pytest.mark.parametrize("of", [region_changes, region_effects, flips_alone])
def test_names_that_are_not_the_generators_are_refused_before_anything_is_written(
    names, of, tmp_path
):
    resize = Preprocess(height=SIDE, width=SIDE)
    evaluation = Evaluation(
        explained=Explained(classifier=Greener(), infill=Constant(), generator=Flat()),
        data=Pipeline(source=Streets(size=SIDE, num=NUM), resize=resize, regions=True),
        batch_size=NUM,
        contestants={"sparsest": Contestant(method=steex.Sparsest(), mask=stretched_saliency)},
        metrics=(of(names),),
        truth=False,
        absent=True,
    )
    said = f"^The regions that are scored are {', '.join(names)}, and the generator draws sky, "
    with pytest.raises(ValueError, match=said):
        score(evaluation, tmp_path)
    assert not list(tmp_path.iterdir())


class Swapped(Pipeline):
    """Label maps of a segmenter that numbers the regions in another order."""

    region_names = REGIONS[::-1]


def test_predicted_label_maps_have_the_regions_that_the_generator_draws():
    resize = Preprocess(height=SIDE, width=SIDE)
    explained = Explained(classifier=Greener(), infill=Constant(), generator=Flat())
    stage = functools.partial(
        Stage, explained.build(), batch_size=NUM, classes=(), seed=0, devices=None, absent=True
    )
    with pytest.raises(ValueError, match="^The segmenter finds lamp, .*, and the generator draws"):
        stage(Swapped(source=Streets(size=SIDE, num=NUM), resize=resize, regions=True))
