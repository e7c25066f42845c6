"""The classifier of opacities that SyCE explains: DenseNet-121, ImageNet's trunk trained on.

    python train.py --config=configs/rsna/classifier.py --workdir=runs/rsna_classifier \
        --config.explained.classifier.weights=densenet121.pth

It needs a GPU and torchvision's weights. Which of their networks the authors explained, and how it
was trained, is not published; this is ours.

Expect no figure: nobody has run it.
"""

from configs import recipes
from configs.rsna.chests import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment

STEPS = 20 * 372  # epochs of batches of 32


def get_config(name: str = "densenet121", seed: int = 0) -> Experiment:
    """The experiment."""
    varied = Augment(saturation=0.0, hue=0.0)
    return recipes.tuned_classifier(PICTURES, name, STEPS, varied, seed)
