"""Whose code the distances of counterfactuals are of: a small VAE that learns the decisions too.

    python train.py --config=configs/mnist/judge.py --workdir=runs/mnist_judge

It needs the classifier of configs/mnist/classifier.py. The published one learned for 60 epochs at
1e-4; this one for eight, at a rate that falls from 1e-3 to 0.

Expect in the last line of metrics.jsonl valid/agrees 0.994 and valid/pixels 0.070, after 3 minutes
on two CPU cores.
"""

from configs.mnist.digits import PICTURES
from xai_jax.classifiers.judge import KIND
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.data.transforms import Warp
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import judge

STEPS = 2400


def get_config() -> Experiment:
    """The experiment."""
    method = judge.Config(learning_rate=1e-3, decay_steps=STEPS)
    return Experiment(
        method=method,
        explained=Explained(
            classifier=Named(name="runs/mnist_classifier/classifier.safetensors"), infill=Mean()
        ),
        data=PICTURES.training(Warp()),
        validation=Validation(data=PICTURES.once("validation"), every=600),
        num_steps=STEPS,
        batch_size=32,
        export=PICTURES.exported(KIND, method),
    )
