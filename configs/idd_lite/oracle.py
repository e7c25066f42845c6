"""Who judges counterfactual skies beside the explained classifier: another network, another seed.

    python train.py --config=configs/idd_lite/oracle.py --workdir=runs/idd_oracle

EfficientNet-Lite2, trained as classifier.py trains Lite0. With `:road`, `:naive` and `:ahead` of
those decisions: evaluate.py looks for it in runs/idd_road_oracle, say.

Expect of `:small` 96.8 % of the validation pictures to be decided rightly, at step 1,100, after 19
minutes on a busy machine of two CPU cores. The full size was not trained.
The figure is of 189 pictures, those that are explained among them; today these are kept out.
"""

from configs.idd_lite import classifier
from xai_jax.experiment import Experiment


def get_config(which: str = "sky") -> Experiment:
    """The experiment; `which` as of classifier.py."""
    return classifier.get_config(which, "efficientnet_lite2", seed=1)
