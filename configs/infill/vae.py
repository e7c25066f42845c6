"""FIDO's variational autoencoder at a quarter of its width, for holes in photographs.

    python train.py --config=configs/infill/vae.py --workdir=runs/infill_vae

It leaves runs/infill_vae/vae.safetensors for `xai-jax explain --infill vae --infill-weights
runs/infill_vae`, and reads no classifier. 45,000 crops of 128 pixels.

Expect 18.7 dB on the removed pixels of held-out crops (valid/psnr at step 2,500, which is exported
for its valid/loss), after 40 minutes on two CPU cores.
"""

from configs.infill import photographs
from xai_jax.experiment import Experiment
from xai_jax.nn.vae import Network
from xai_jax.pretrain import vae_inpainter

SIDE, STEPS, BATCH = 128, 2800, 16


def get_config() -> Experiment:
    """The experiment."""
    network = Network(width=16)
    method = vae_inpainter.Config(
        network=network,
        learning_rate=1e-3,
        decay_steps=STEPS,
        prior_weight=BATCH / (BATCH * STEPS),
    )
    return photographs.infill(
        "vae", photographs.paths(), method, network, SIDE, num_steps=STEPS, batch_size=BATCH
    )
