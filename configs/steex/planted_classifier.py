"""The classifier of planted streets that STEEX explains: is the traffic light green?

    python train.py --config=configs/steex/planted_classifier.py --workdir=runs/streets_classifier
    python train.py --config=configs/steex/planted_classifier.py:shortcut \
        --workdir=runs/streets_shortcut

The second one learns from pictures in fog, in 95 % of which the lamp has the colour that the
traffic light has behind it.

EfficientNet-Lite0, its ImageNet trunk trained on. What it learns is how green a light is: a
classifier that learns whether it is rather green than red is flat where it is either, and there the
slope of another region's colour may be the larger one.

Expect 99.5 % of the validation streets to be decided rightly (valid/true_positives and
valid/true_negatives of the last line of metrics: 0.5 and 0.495), after 4 minutes on a CPU core
that was not idle; of `:shortcut` 93.0 % at step 1,400, the state that is exported, by the lamp.
"""

from configs import recipes
from configs.steex import recipe
from configs.steex.streets import PICTURES, SHORTCUTS
from xai_jax.experiment import Experiment


def get_config(which: str = "plain") -> Experiment:
    """The experiment; `which` is "plain" or "shortcut"."""
    pictures = recipes.named(which, {"plain": PICTURES, "shortcut": SHORTCUTS})
    return recipe.new_classifier(pictures, 1600, trunk_rate=5e-5)
