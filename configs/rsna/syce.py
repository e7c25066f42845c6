"""SyCE of RSNA's chest X-rays at 224 x 224: what would make lungs healthy, or ill.

    python train.py --config=configs/rsna/syce.py --workdir=runs/rsna_syce

It needs the classifier of configs/rsna/classifier.py. The authors' weights and depth for X-rays are
not published; these are those of MNIST, but for what flips and keeps a decision
(configs/recipes.py), and the depth that their code begins with, four resolutions. For a GPU.

Expect no figure: nobody has run it.
"""

from configs import recipes
from configs.rsna.chests import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet

STEPS = 20_000


def get_config() -> Experiment:
    """The experiment."""
    made = recipes.new_syce(PICTURES, "runs/rsna_classifier", STEPS)
    made.method.network = UNet(widths=(16, 32, 64, 128))
    made.method.critic = PatchDiscriminator(widths=(32, 64, 96, 128))
    return made
