"""SyCE of the tumour classifier at 64 x 64: what would make a slice healthy, or ill.

    python train.py --config=configs/lgg_mri/syce.py --workdir=runs/lgg_syce
    python train.py --config=configs/lgg_mri/syce.py:long --workdir=runs/lgg_syce_long

It needs the classifier of configs/lgg_mri/classifier_matched.py, and learns from the same pairs of
slices, so that neither the classifier nor the critics can go by the size of the brain. The loss'
weights for scans are not published: these are those of MNIST. Places of the networks are squares
of 2 x 2 pixels, what the critics see is shifted by up to 4 pixels, and a moving average of the
generators is exported. `:long` is six times as long.

Expect 99.5 % of the validation slices flipped and 74 % kept by the stable picture (metrics.jsonl);
docs/syce.md has the scores.
"""

from configs import recipes
from configs.lgg_mri.matched import PICTURES
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.data.pairs import Pairs
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import syce
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet

STEPS = {"quick": 1000, "long": 6000}


def get_config(which: str = "quick") -> Experiment:
    """The experiment; `which` is "quick" or "long"."""
    num_steps = recipes.named(which, STEPS)
    method = syce.Config(
        network=UNet(stem=2),
        critic=PatchDiscriminator(stem=2),
        critic_shift=4,
        learning_rate=1e-3,
        decay_steps=num_steps,
        average=0.995,
    )
    moved = Augment(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    return Experiment(
        method=method,
        explained=Explained(
            classifier=Named(name="runs/lgg_matched/classifier.safetensors"), infill=Mean()
        ),
        data=Pairs(pictures=PICTURES.training(moved)),
        validation=Validation(data=PICTURES.once("validation"), every=500),
        num_steps=num_steps,
        batch_size=32,
        checkpoint_every=250,
        export=PICTURES.exported("syce", method),
    )
