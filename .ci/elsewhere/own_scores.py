"""A config as a user writes it: gradients of the classifier of own_training.py, scored."""

from own_pictures import pictures

from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.infills.constant import Mean
from xai_jax.methods import gradients
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency


def get_config() -> Evaluation:
    """The evaluation."""
    return Evaluation(
        explained=Explained(
            classifier=Named(name="runs/own/classifier.safetensors"), infill=Mean()
        ),
        data=pictures("test", 8, "soft"),
        batch_size=4,
        contestants={"gradient": Contestant(method=gradients.Gradient(), mask=stretched_saliency)},
    )
