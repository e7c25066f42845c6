"""Counterfactual 3s and 8s, judged by the explained classifier and by an oracle, on the test.

    python evaluate.py --config=configs/mnist/evaluate.py --workdir=runs/mnist_flips
    python evaluate.py --config=configs/mnist/evaluate.py:oracle --workdir=runs/mnist_scores

It needs what the configs classifier, oracle and syce of this folder train; without `:oracle` nobody
is asked but the explained classifier. `:cyce` and `:identity` add the rows of
configs/mnist/cyce.py. The Frechet distances are of the oracle's hidden layer.

Expect of SyCE with `:oracle` 98.6 % of the 1,984 test pictures flipped, 92.7 % by the oracle.
"""

import jax

from configs import recipes
from configs.mnist import cyce, syce
from configs.mnist.digits import PICTURES
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.classifier import Classifier
from xai_jax.core.types import AnyArray, Images
from xai_jax.experiment import Experiment
from xai_jax.metrics.counterfactuals import flips, realism
from xai_jax.scoring.evaluation import Evaluation, stretched_saliency

ALONE = "alone"


def _rows(which: str) -> dict[str, Experiment]:
    found = {"syce": syce.get_config()}
    if which in ("cyce", "identity"):
        found["cyce"] = cyce.get_config()
    if which == "identity":
        found["cyce_identity"] = cyce.get_config("identity")
    return found


def hidden(classifier: Classifier, images: Images) -> AnyArray:
    """What LeNet's hidden layer answers, ``[b 128]``."""
    activations = classifier.features(images)
    (layer,) = classifier.params["hidden"]
    flat = activations.transpose(0, 3, 1, 2).reshape(len(images), -1)  # [b 9216]
    return jax.nn.relu(flat @ layer["kernel"] + layer["bias"])


def get_config(which: str = ALONE) -> Evaluation:
    """The evaluation; `which` is "alone", "oracle", "cyce" or "identity"."""
    choices = {name: _rows(name) for name in (ALONE, "oracle", "cyce", "identity")}
    trained = recipes.named(which, choices)
    contestants = {
        name: recipes.left_by(experiment, f"runs/mnist_{name}")
        for name, experiment in trained.items()
    }
    for contestant in contestants.values():
        contestant.mask = stretched_saliency
    made = recipes.scores_of(trained["syce"], PICTURES.once("test"), contestants)
    if which == ALONE:
        made.metrics = (flips(),)
    else:
        oracle = Named(name="runs/mnist_oracle/classifier.safetensors").build()
        made.metrics = (flips(oracle), realism(hidden, oracle))
    made.batch_size, made.truth, made.absent = 64, False, True
    return made
