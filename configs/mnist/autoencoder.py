"""An autoencoder of MNIST's 3s and 8s: the latent space of latent shift and of paths.

    python train.py --config=configs/mnist/autoencoder.py --workdir=runs/mnist_autoencoder

32 numbers a digit; it reads no classifier.

Expect in the last line of metrics.jsonl valid/squared 0.0078, after 2 minutes on two CPU cores.
"""

from configs.mnist.digits import PICTURES
from xai_jax.data.transforms import Warp
from xai_jax.experiment import Experiment, Validation
from xai_jax.generators.autoencoder import KIND
from xai_jax.pretrain import autoencoder

STEPS = 1500


def get_config() -> Experiment:
    """The experiment."""
    method = autoencoder.Config(decay_steps=STEPS)
    return Experiment(
        method=method,
        data=PICTURES.training(Warp()),
        validation=Validation(data=PICTURES.once("validation"), every=500),
        num_steps=STEPS,
        batch_size=64,
        export=PICTURES.exported(KIND, method),
    )
