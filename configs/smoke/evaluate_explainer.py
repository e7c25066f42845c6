"""Seconds on a CPU: the Explainer of planted pictures against their masks.

    python train.py --config=configs/smoke/explainer.py --workdir=runs/smoke_explainer
    python evaluate.py --config=configs/smoke/evaluate_explainer.py --workdir=runs/smoke_found

Another file: --config.contestants.explainer.trained=FILE.
"""

from configs.smoke import explainer as planted_explainer
from xai_jax.core.method import Explained
from xai_jax.infills.constant import Constant
from xai_jax.methods import explainer
from xai_jax.scoring.evaluation import Contestant, Evaluation


def get_config() -> Evaluation:
    """The evaluation."""
    return Evaluation(
        explained=Explained(classifier=planted_explainer.Reader(), infill=Constant(value=0.5)),
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
