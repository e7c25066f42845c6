"""Who judges counterfactual skies beside the explained classifier: another network, another seed.

    python train.py --config=configs/idd_lite/oracle.py --workdir=runs/idd_oracle

EfficientNet-Lite2, trained as classifier.py trains Lite0. With `:road`, `:naive` and `:ahead` of
those decisions: evaluate.py looks for it in runs/idd_road_oracle, say.

Expect 98.6 % of 141 validation pictures to be decided rightly, at step 1,400, the state that is
exported, after 12 minutes on a CPU core that is not alone. The other decisions' were not trained.
"""

from configs.idd_lite import classifier
from xai_jax.experiment import Experiment


def get_config(which: str = "sky") -> Experiment:
    """The experiment; `which` as of classifier.py."""
    return classifier.get_config(which, "efficientnet_lite2", seed=1)
