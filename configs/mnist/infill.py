"""FIDO's variational autoencoder for MNIST, of 3s and 8s: what may stand where nothing is known.

    python train.py --config=configs/mnist/infill.py --workdir=runs/mnist_infill

Batches of 128 and a rate of 1e-3, as in FIDO's experiment; forty epochs of these 9,586 pictures,
two thirds of the updates of its ten epochs of 60,000. It leaves runs/mnist_infill/vae.safetensors
for `--infill vae`, and reads no classifier.

Expect 15.0 dB on the removed pixels of the validation pictures (valid/psnr of the last line of
metrics.jsonl), after 5 minutes on a CPU core.
"""

from configs.mnist.digits import PICTURES
from xai_jax.experiment import Experiment, Validation
from xai_jax.nn.vae import Network, Pictures
from xai_jax.pretrain import vae_inpainter

NUM, BATCH = 9586, 128  # pictures, and those of a batch
STEPS = 40 * NUM // BATCH


def get_config() -> Experiment:
    """The experiment."""
    network = Network(width=8, pictures=Pictures.DIGITS)
    return Experiment(
        method=vae_inpainter.Config(network=network, learning_rate=1e-3, prior_weight=BATCH / NUM),
        data=PICTURES.training(),
        validation=Validation(data=PICTURES.once("validation"), every=250),
        num_steps=STEPS,
        batch_size=BATCH,
        export=PICTURES.exported("vae", network),
    )
