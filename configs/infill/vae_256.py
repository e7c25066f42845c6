"""FIDO's variational autoencoder as published, at 256 pixels: for a GPU.

    python train.py --config=configs/infill/vae_256.py --workdir=runs/infill_vae_256

It leaves runs/infill_vae_256/vae.safetensors. 37 GMAC a picture forward and about 110 a step
(specs: 28.7 forward at 224 pixels), so that 200,000 crops are 22 million GMAC: some 60 hours at 100
GMAC/s on two CPU cores. Photographs of your own go into configs/infill/photographs.py.

Expect no figure: nobody has run it here.
"""

from configs.infill import photographs
from xai_jax.experiment import Experiment
from xai_jax.nn.vae import Network
from xai_jax.pretrain import vae_inpainter

SIDE, STEPS, BATCH = 256, 100_000, 2  # the published batch


def get_config() -> Experiment:
    """The experiment."""
    network = Network()
    method = vae_inpainter.Config(network=network, prior_weight=BATCH / 200_000)
    return photographs.infill(
        "vae", photographs.paths(), method, network, SIDE, num_steps=STEPS, batch_size=BATCH
    )
