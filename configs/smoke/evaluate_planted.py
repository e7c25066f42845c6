"""Seconds on a CPU: three methods that learn nothing, scored on planted pictures.

    python evaluate.py --config=configs/smoke/evaluate_planted.py --workdir=runs/smoke_scores

Expect rows 0, 0.5, 1 and truth as docs/evaluation.md says, and both methods above the rows 0 and
0.5 in mean F1.
"""

from configs.smoke import explainer as planted_explainer
from xai_jax.methods import extremal, fido, gradients
from xai_jax.metrics.evidence_maps import concentration, localisation
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency


def get_config() -> Evaluation:
    """The evaluation."""
    return Evaluation(
        explained=planted_explainer.explained(),
        data=planted_explainer.pictures("test", 16, 1),
        batch_size=4,
        contestants={
            "FIDO": Contestant(method=fido.Config.smoke(), num_pictures=4, num_specific=2),
            "Extremal": Contestant(method=extremal.Config.smoke(), num_pictures=4, num_specific=0),
            "Gradient": Contestant(
                method=gradients.Gradient(),
                mask=stretched_saliency,
                num_pictures=4,
                num_specific=0,
            ),
        },
        classes=tuple(range(planted_explainer.CLASSES)),
        metrics=(localisation(), concentration()),
    )
