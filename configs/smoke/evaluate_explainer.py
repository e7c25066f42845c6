"""Seconds on a CPU: the Explainer of planted pictures against their masks.

    python train.py --config=configs/smoke/explainer.py --workdir=runs/smoke_explainer
    python evaluate.py --config=configs/smoke/evaluate_explainer.py --workdir=runs/smoke_found

Another file: --config.contestants.explainer.trained=FILE.

Expect in the row "explainer" a continuous IoU above 0.45, which the test of the training programs
asks for on other pictures after 100 of the 160 steps.
"""

from configs.smoke import explainer as planted_explainer
from xai_jax.methods import explainer
from xai_jax.scoring.evaluation import Contestant, Evaluation


def get_config() -> Evaluation:
    """The evaluation."""
    return Evaluation(
        explained=planted_explainer.explained(),
        data=planted_explainer.pictures("test", 32, 1),
        batch_size=8,
        contestants={
            "explainer": Contestant(
                method=explainer.Config.smoke(),
                trained="runs/smoke_explainer/explainer.safetensors",
            )
        },
        classes=tuple(range(planted_explainer.CLASSES)),
    )
