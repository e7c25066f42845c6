"""A control: 8s of which nine in ten bear a bright square, by which the classifier then goes.

    python train.py --config=configs/mnist/tagged.py --workdir=runs/mnist_tagged_classifier
    python train.py --config=configs/mnist/tagged.py:syce --workdir=runs/mnist_tagged_syce
    python train.py --config=configs/mnist/tagged.py:shuffled \
        --workdir=runs/mnist_shuffled_classifier
    python train.py --config=configs/mnist/tagged.py:shuffled_syce \
        --workdir=runs/mnist_shuffled_syce

configs/mnist/evaluate_tagged.py asks whether the maps lie on the square. Those of a classifier that
knows 512 pictures with the labels of others by heart should not.

Expect of the classifier 99.9 % of the test pictures decided rightly (it is printed by
configs/mnist/evaluate_tagged.py), after 2 minutes on a CPU core, and 9 for SyCE.
"""

import dataclasses
import functools

from configs import recipes
from configs.mnist import classifier, syce
from configs.mnist.digits import PICTURES as DIGITS
from configs.recipes import Pictures
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.data.pairs import Pairs
from xai_jax.data.part import Spread
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.shuffled import Shuffled
from xai_jax.data.tagged import Tagged
from xai_jax.data.transforms import Warp
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean

STEPS = {"classifier": 300, "shuffled": 600, "syce": 600}
LEARNED_BY_HEART = 512  # pictures


def _tagged(split: str, share: float = 0.9) -> Tagged:
    return Tagged(source=DIGITS.of_split(split), share=share)


PICTURES = Pictures(
    of_split=_tagged, size=DIGITS.size, class_names=DIGITS.class_names, num_threads=2
)
ALL_TAGGED = dataclasses.replace(PICTURES, of_split=functools.partial(_tagged, share=1.0))


def get_config(which: str = "classifier") -> Experiment:
    """The experiment; `which` is "classifier", "syce", "shuffled" or "shuffled_syce"."""
    choices = {
        "classifier": _classifier,
        "syce": functools.partial(_syce, "tagged"),
        "shuffled": _shuffled,
        "shuffled_syce": functools.partial(_syce, "shuffled"),
    }
    return recipes.named(which, choices)()


def _shuffled() -> Experiment:
    """Few pictures and nothing varied, so that it can know them by heart, and decides both ways."""
    made = _classifier()
    made.data = PICTURES.training()
    assert isinstance(made.data, Pipeline) and made.validation is not None
    made.data.source = Shuffled(source=Spread(source=made.data.source, num=LEARNED_BY_HEART))
    made.method.dropout, made.method.decay_steps = 0.0, STEPS["shuffled"]
    made.validation.metric = None  # the labels of other pictures are no measure
    made.num_steps = STEPS["shuffled"]
    return made


def _classifier() -> Experiment:
    like = classifier.get_config()
    return dataclasses.replace(
        like,
        method=dataclasses.replace(like.method, decay_steps=STEPS["classifier"]),
        data=PICTURES.training(Warp(smallest=0.9, upside_down=0.0)),
        validation=Validation(data=PICTURES.once("validation"), every=100),
        num_steps=STEPS["classifier"],
    )


def _syce(which: str) -> Experiment:
    classifier_file = f"runs/mnist_{which}_classifier/classifier.safetensors"
    like = syce.get_config()
    method = dataclasses.replace(like.method, decay_steps=STEPS["syce"])
    return dataclasses.replace(
        like,
        method=method,
        explained=Explained(classifier=Named(name=classifier_file), infill=Mean()),
        data=Pairs(pictures=PICTURES.training(Warp(smallest=0.9, upside_down=0.0))),
        validation=Validation(data=PICTURES.once("validation"), every=300, metric=None),
        num_steps=STEPS["syce"],
        export=dataclasses.replace(like.export, config=method),
    )
