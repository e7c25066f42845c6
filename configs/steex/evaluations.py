"""What the evaluations of STEEX share, whatever the pictures."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from configs import recipes
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Builds, Method
from xai_jax.core.metric import Metric
from xai_jax.data.pipeline import Pipeline
from xai_jax.experiment import Experiment
from xai_jax.generators.sean import KIND, Sean
from xai_jax.methods import adversarial, latent_shift, steex
from xai_jax.metrics.counterfactuals import flips
from xai_jax.metrics.distributions import distances, mean_features
from xai_jax.metrics.likeness import structure
from xai_jax.metrics.pasted import cout
from xai_jax.metrics.realism import kernel_distance
from xai_jax.metrics.region_effects import region_effects
from xai_jax.metrics.regions import diversity, flips_alone, region_changes
from xai_jax.metrics.sureness import surely
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency


@functools.cache
def judge() -> Classifier:
    """Whose features say how real pictures are: ImageNet's Lite2, which explains nothing here."""
    return Named(name="efficientnet_lite2").build()


def _rows(methods: Mapping[str, Builds[Method]]) -> dict[str, Contestant]:
    return {
        name: Contestant(method=method, mask=stretched_saliency) for name, method in methods.items()
    }


def floors(scores: Evaluation, oracle: str = "") -> Evaluation:
    """Beside STEEX by the sparing setting: pixels, and all codes along one gradient.

    Rates of all three stand beside those of the reconstructions, of pixels of none.

    Args:
        scores: as of `scores`, whose contestants and metrics are replaced.
        oracle: as of `scores`.
    """
    methods = {
        "adversarial": adversarial.Config.sparing(),
        "latent_shift": latent_shift.Config(),
        "steex": steex.Config.sparing(),
    }
    metrics = *_of_flips(scores.explained.classifier, oracle), cout()
    return dataclasses.replace(scores, contestants=_rows(methods), metrics=metrics)


def few(
    trained: Experiment,
    data: Pipeline,
    runs: tuple[str, str],
    regions: Sequence[str],
    decides: str,
    **asked: Any,
) -> Evaluation:
    """The sparing setting alone, in general mode and with one region free; a few minutes.

    Args:
        trained: as of `scores`, as are the next four.
        data: with regions.
        runs: of the classifier and of the generator.
        regions: names of the label maps' numbers.
        decides: one of them, the free one.
        **asked: `oracle` and `luma` of `scores`.
    """
    methods = {"general": steex.Config.sparing(), "targeted": _by(decides)}
    metrics = _of_regions(runs, regions, decides, **asked)
    return _evaluation(trained, data, runs, methods, metrics)


def scores(
    trained: Experiment,
    data: Pipeline,
    runs: tuple[str, str],
    regions: Sequence[str],
    decides: str | None,
    *,
    oracle: str = "",
    luma: Sequence[float] = (),
) -> Evaluation:
    """General mode, published and sparing, and each region by itself with the sparsest set.

    Beside them what the generator alone does, rates and likeness of the reconstruction, and what
    comes of moving nothing but the region that decides.

    Args:
        trained: the training of the explained classifier.
        data: with regions.
        runs: folders in which the trainings of the classifier and of the generator have left them.
        regions: names of the label maps' numbers, as the generator has learned them.
        decides: the one that should decide; ``None``: that is not known.
        oracle: the folder in which the training of a second classifier of the same classes has
            left it, which is asked too; "": nobody is.
        luma: of a decision by brightness, as of `region_effects`.
    """
    methods = {
        "reconstruction": steex.Config(num_steps=0),
        "published": steex.Config(),
        "general": steex.Config.sparing(),
        **({} if decides is None else {"targeted": _by(decides)}),
        "sparsest": steex.Sparsest(),
    }
    alone = flips_alone(regions), diversity()
    metrics = *_of_regions(runs, regions, decides, oracle, luma), *alone, cout(), structure()
    return _evaluation(trained, data, runs, methods, metrics)


def _by(region: str) -> steex.Config:
    """The sparing setting with one region free."""
    return dataclasses.replace(steex.Config.sparing(), targeted=(region,))


def _of_regions(
    runs: tuple[str, str],
    regions: Sequence[str],
    decides: str | None,
    oracle: str = "",
    luma: Sequence[float] = (),
) -> tuple[Metric, ...]:
    """Whether decisions turn, and by which regions."""
    of_regions = region_changes(regions, decides), region_effects(regions, decides, luma=luma)
    return *_of_flips(_explained(runs), oracle), *of_regions


def _of_flips(explained: Named, run: str) -> tuple[Metric, ...]:
    """Whether and how surely decisions turn, and how real the pictures are.

    By their distance from those of the side that they were to reach, and from all that are
    explained: of the reconstruction alone that says what the generator loses. Frechet's is empty
    where no more pictures are explained than Lite2 has features, 1,280; KID's is not.
    """
    oracle = recipes.oracle(explained, run) if run else None
    lite2 = judge()
    to_sides = kernel_distance(mean_features, lite2)
    return flips(oracle), surely(oracle), to_sides, distances("counterfactual", judge=lite2)


def _explained(runs: tuple[str, str]) -> Named:
    return Named(name=f"{runs[0]}/classifier.safetensors")


def _evaluation(
    trained: Experiment,
    data: Pipeline,
    runs: tuple[str, str],
    methods: Mapping[str, Builds[Method]],
    metrics: tuple[Metric, ...],
) -> Evaluation:
    made = recipes.scores_of(trained, data, _rows(methods))
    made.explained = dataclasses.replace(
        made.explained,
        classifier=_explained(runs),
        generator=Sean(weights=f"{runs[1]}/{KIND}.safetensors"),
    )
    made.metrics = metrics
    made.truth, made.absent, made.resamples = False, True, 2000
    return made
