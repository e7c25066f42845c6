"""Counterfactual 3s and 8s, judged by the explained classifier and by an oracle, on the test.

    python evaluate.py --config=configs/mnist/evaluate.py --workdir=runs/mnist_flips
    python evaluate.py --config=configs/mnist/evaluate.py:oracle --workdir=runs/mnist_scores
    python evaluate.py --config=configs/mnist/evaluate.py:judge --workdir=runs/mnist_judged

It needs what the configs classifier, oracle and syce of this folder train; without `:oracle` nobody
is asked but the explained classifier. `:cyce` and `:identity` add the rows of
configs/mnist/cyce.py, the latter also `cyce_twice`: CyCE, with what its network makes of a
counterfactual as the stable picture, which nothing asks of it. `:weights` adds those of
configs/mnist/flip_weights.py: flips against changes. Frechet distances and KID are of the oracle's
hidden layer, with intervals; with `:judge` Frechet and Jensen-Shannon distances are of the code of
configs/mnist/judge.py, as the authors take them, and latent shift in the codes of
configs/mnist/autoencoder.py has a row too. `:rivals` adds SAGen and MGen
(configs/mnist/variants.py) and both of CyCE to these. `:judge` and `:rivals` have intervals where
these are asked for, --config.resamples=100: the Jensen-Shannon distances of a resample take long.

Expect of SyCE with `:identity` 99.5 % of the 1,984 test pictures flipped, 96.7 % by the oracle.
"""

import dataclasses

import jax

from configs import recipes
from configs.mnist import cyce, flip_weights, syce, variants
from configs.mnist.digits import PICTURES
from xai_jax.classifiers.judge import Judge
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.classifier import Classifier
from xai_jax.core.metric import Metric
from xai_jax.core.types import AnyArray, Images
from xai_jax.experiment import Experiment
from xai_jax.generators.autoencoder import Autoencoder
from xai_jax.methods import latent_shift
from xai_jax.methods import syce as syce_settings
from xai_jax.metrics.counterfactuals import flips
from xai_jax.metrics.distributions import mean_features
from xai_jax.metrics.realism import divergence, kernel_distance, realism
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency

ALONE = "alone"
JUDGED = ("judge", "rivals")
CHOICES = (ALONE, "oracle", "cyce", "identity", "weights", *JUDGED)


def _rows(which: str) -> dict[str, Experiment]:
    found = {"syce": syce.get_config()}
    if which in ("cyce", "identity"):
        found["cyce"] = cyce.get_config()
    if which == "identity":
        found["cyce_identity"] = cyce.get_config("identity")
    if which == "weights":
        names = {weight: f"flip_{weight.replace('.', '_')}" for weight in flip_weights.WEIGHTS}
        found |= {name: flip_weights.get_config(weight) for weight, name in names.items()}
    if which == "rivals":
        found["cyce"] = cyce.get_config()
        found["cyce_identity"] = cyce.get_config("identity")
        found |= {name: variants.get_config(name) for name in ("sagen", "mgen")}
    return found


def hidden(classifier: Classifier, images: Images) -> AnyArray:
    """What LeNet's hidden layer answers, ``[b 128]``."""
    activations = classifier.features(images)
    (layer,) = classifier.params["hidden"]
    flat = activations.transpose(0, 3, 1, 2).reshape(len(images), -1)  # [b 9216]
    return jax.nn.relu(flat @ layer["kernel"] + layer["bias"])


def get_config(which: str = ALONE) -> Evaluation:
    """The evaluation; `which` is one of CHOICES."""
    trained = _rows(recipes.named(which, {name: name for name in CHOICES}))
    contestants = {
        name: recipes.left_by(experiment, f"runs/mnist_{name}")
        for name, experiment in trained.items()
    }
    if which == "identity":
        symmetric = syce_settings.Stable.SYMMETRY
        contestants["cyce_twice"] = recipes.otherwise(contestants["cyce"], stable=symmetric)
    if which in JUDGED:
        contestants["latent_shift"] = Contestant(method=latent_shift.Config())
    for contestant in contestants.values():
        contestant.mask = stretched_saliency
    made = recipes.scores_of(trained["syce"], PICTURES.once("test"), contestants)
    made.metrics = _metrics(which, made.explained.classifier)
    if which in JUDGED:
        space = Autoencoder(weights="runs/mnist_autoencoder")
        made.explained = dataclasses.replace(made.explained, generator=space)
    made.batch_size, made.truth, made.absent = 64, False, True
    made.resamples = 0 if which in (ALONE, *JUDGED) else 500
    return made


def _metrics(which: str, explained: Named) -> tuple[Metric, ...]:
    if which == ALONE:
        return (flips(),)
    oracle = recipes.oracle(explained, "runs/mnist_oracle")
    if which not in JUDGED:
        return flips(oracle), realism(hidden, oracle), kernel_distance(hidden, oracle)
    given = mean_features, Judge(weights="runs/mnist_judge").build()
    return flips(oracle), realism(*given), divergence(*given)
