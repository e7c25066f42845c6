"""An autoencoder of brain slices at 64 x 64: the latent space of latent shift and of paths.

    python train.py --config=configs/lgg_mri/autoencoder.py --workdir=runs/lgg_autoencoder

128 numbers a slice; all slices of the training, matched or not.

Expect in the last line of metrics.jsonl valid/squared 0.0010, after 7 minutes on a CPU core that is
not alone.
"""

from configs.lgg_mri.matched import EVERY
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.generators.autoencoder import KIND
from xai_jax.nn.autoencoder import Autoencoder
from xai_jax.pretrain import autoencoder

STEPS = 2000


def get_config() -> Experiment:
    """The experiment."""
    method = autoencoder.Config(
        network=Autoencoder(widths=(16, 32, 64), code=128), decay_steps=STEPS
    )
    moved = Augment(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    return Experiment(
        method=method,
        data=EVERY.training(moved),
        validation=Validation(data=EVERY.once("validation"), every=500),
        num_steps=STEPS,
        batch_size=32,
        export=EVERY.exported(KIND, method),
    )
