"""Counterfactual slices and attributions of the tumour classifier, on the matched test slices.

    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py --workdir=runs/lgg_maps
    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py:flips --workdir=runs/lgg_flips
    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py:every --workdir=runs/lgg_every
    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py:latent --workdir=runs/lgg_latent
    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py:rivals --workdir=runs/lgg_rivals
    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py:masks --workdir=runs/lgg_masks
    python evaluate.py --config=configs/lgg_mri/evaluate_syce.py:full_size --workdir=runs/lgg_128

It needs what the configs classifier_matched, oracle_matched and syce of this folder train. The
first command sets maps against the tumours that people drew, on the slices that have one;
`syce_path` is the path integral from SyCE's counterfactual to the slice, `syce_of_picture` the
counterfactual's difference from the slice, not from the stable picture; columns that say so are of
maps that are blurred by 1.5 pixels, all alike. The second asks the classifier and the oracle of the
counterfactuals of all slices, how much of the brain they take or add, and how near they come to
slices of the other side (KID, by the oracle's features). The third is the second on all 613 slices,
for the classifier's AUC where the trivial predictor is not ruled out; the fourth is the first for
latent shift and SyCE's path through codes, which need the autoencoder, and the fifth for what
cyce.py of this folder trains, of which `:rival_flips` is the second. The sixth is the first for
methods that optimise a mask of each slice, on black as all rows. `:full_size` is the second for
what full_size.py trains. Intervals are of patients, drawn whole.

Expect of the first an IoU at equal area of 0.38 for SyCE, 0.31 for its path integral and for
occlusion, of the second 98.2 % of the slices flipped, 89.8 % by the oracle, of `:every` an AUC of
0.948 beside 0.819 for the slice's position and area alone, of `:latent` 0.06 for latent shift and
0.28 for SyCE's path through codes, of `:rivals` 0.39 for CyCE and 0.43 with the identity term, of
`:rival_flips` 100.0 and 99.5 % flipped; of `:masks`, after 45 minutes on a CPU core beside other
work, 0.34 for IGOS and 0.32 for prediction differences; docs/syce.md has more. `:full_size` has not
been run.
"""

import dataclasses

from configs import recipes
from configs.lgg_mri import cyce, full_size, matched, syce
from configs.lgg_mri.scans import patient, position_and_area
from xai_jax.core.method import Builds, Method
from xai_jax.core.targets import Score
from xai_jax.data.pipeline import Pipeline
from xai_jax.experiment import Experiment
from xai_jax.generators.autoencoder import Autoencoder
from xai_jax.infills.constant import Constant
from xai_jax.methods import (
    bbmp,
    controls,
    extremal,
    fido,
    gradcam,
    gradients,
    igos,
    latent_shift,
    occlusion,
    rise,
    rtis,
)
from xai_jax.methods import syce as methods_syce
from xai_jax.metrics.counterfactuals import area_change, flips
from xai_jax.metrics.distributions import mean_features
from xai_jax.metrics.evidence_maps import localisation
from xai_jax.metrics.percentiles import strongest
from xai_jax.metrics.realism import kernel_distance
from xai_jax.scoring.evaluation import Contestant, Evaluation, positive_saliency
from xai_jax.scoring.trivial import Trivial

BLUR = 1.5  # pixels; chosen on the validation patients


def attributions() -> dict[str, Builds[Method]]:
    """What needs no training, and what asks the classifier nothing, at 64 x 64."""
    return {
        "gradient": gradients.Gradient(),
        "input_x_gradient": gradients.InputXGradient(reference=gradients.Reference.BLACK),
        "smooth_grad": gradients.SmoothGrad(),
        "integrated_gradients": gradients.IntegratedGradients(),
        "gradcam": gradcam.Config(),
        "occlusion": occlusion.Config(window=12, stride=4),
        "rise": rise.Config(num_masks=500),
        "random": controls.Random(),
        "centred_blob": controls.CentredBlob(),
        "edges": controls.Edges(),
        "brain": controls.NotDark(),
    }


def optimised() -> dict[str, Builds[Method]]:
    """What optimises a mask, or asks for each patch, of every slice by itself."""
    few = 150  # steps, in which the area weight grows as far as in the published 800
    growth = 1.0035 ** (800 / few)
    areas = (0.02, 0.05, 0.1)
    return {
        "fido": fido.Config.fast(),
        "bbmp": bbmp.Config(),
        "extremal": extremal.Config(num_steps=few, area_growth=growth, areas=areas),
        "igos": igos.Config(inner_batch_size=128, score=Score.SIGMOID),
        "prediction_difference": occlusion.PredictionDifference(window=8, stride=4, num_samples=1),
        "rtis_per_image": rtis.PerImage(loss=rtis.Loss()),  # margins need a second class
    }


def _made() -> dict[str, Contestant]:
    """What is trained."""
    trained = recipes.left_by(syce.get_config(), "runs/lgg_syce")
    return {
        "syce": trained,
        "syce_path": recipes.otherwise(trained, map=methods_syce.Map.STRAIGHT),
        "syce_of_picture": recipes.otherwise(trained, stable=methods_syce.Stable.INPUT),
    }


def _rivals() -> dict[str, Contestant]:
    """The rows of configs/lgg_mri/cyce.py."""
    runs = {"cyce": "runs/lgg_cyce", "identity": "runs/lgg_cyce_identity"}
    return {
        run.removeprefix("runs/lgg_"): recipes.left_by(cyce.get_config(which), run)
        for which, run in runs.items()
    }


def get_config(which: str = "maps") -> Evaluation:
    """The evaluation; `which` is one of the keys below."""
    sets = {"every": matched.EVERY, "full_size": matched.FULL_SIZE}
    pictures = sets.get(which, matched.PICTURES)
    choices = {
        "maps": _maps,
        "flips": _flips,
        "every": _flips,
        "latent": _latent,
        "rivals": _rival_maps,
        "masks": _masks,
        "rival_flips": _rival_flips,
        "full_size": _full_size,
    }
    made = recipes.named(which, choices)(pictures.once("test", "soft"))
    for contestant in made.contestants.values():
        contestant.mask = positive_saliency
    made.explained = dataclasses.replace(made.explained, infill=Constant(value=0.0))
    made.batch_size, made.resamples, made.group_of = 32, 2000, patient
    made.trivial = Trivial(
        data=pictures.once("train"),
        numbers=position_and_area,
        called="the slice's position and the brain's area",
    )
    return made


def _maps(data: Pipeline) -> Evaluation:
    contestants = _made()
    contestants |= {name: Contestant(method=method) for name, method in attributions().items()}
    made = recipes.scores_of(syce.get_config(), data, contestants)
    made.metrics = (strongest(), strongest((95.0,), BLUR), localisation())
    return made


def _latent(data: Pipeline) -> Evaluation:
    made = _maps(data)
    trained = _made()["syce"]
    made.contestants = {
        "latent_shift": Contestant(method=latent_shift.Config()),
        "syce_codes": recipes.otherwise(trained, map=methods_syce.Map.LATENT),
    }
    space = Autoencoder(weights="runs/lgg_autoencoder")
    made.explained = dataclasses.replace(made.explained, generator=space)
    return made


def _masks(data: Pipeline) -> Evaluation:
    contestants = {name: Contestant(method=method) for name, method in optimised().items()}
    return dataclasses.replace(_maps(data), contestants=contestants)


def _rival_maps(data: Pipeline) -> Evaluation:
    return dataclasses.replace(_maps(data), contestants=_rivals())


def _rival_flips(data: Pipeline) -> Evaluation:
    return dataclasses.replace(_flips(data), contestants=_rivals())


def _full_size(data: Pipeline) -> Evaluation:
    return _flips(data, full_size.get_config(), "_128")


def _flips(data: Pipeline, trained: Experiment | None = None, size: str = "") -> Evaluation:
    trained = trained or syce.get_config()
    contestants = {"syce": recipes.left_by(trained, f"runs/lgg_syce{size}")}
    made = recipes.scores_of(trained, data, contestants)
    oracle = recipes.oracle(made.explained.classifier, f"runs/lgg_oracle{size}")
    made.metrics = (flips(oracle), area_change(), kernel_distance(mean_features, oracle))
    made.truth, made.absent = False, True
    return made
