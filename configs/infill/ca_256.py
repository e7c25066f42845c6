"""DeepFill as published, 256 pixels, two critics with a gradient penalty: for GPUs.

    python train.py --config=configs/infill/ca_256.py --workdir=runs/infill_ca_256

It leaves runs/infill_ca_256/ca.safetensors and reads no classifier. A retraining that is known took
430,000 iterations and 150 hours on three GPUs (specs: FIDO, sec. 12); with five critic steps one is
about 300 GMAC a picture, so that two CPU cores at 100 GMAC/s would take eight months. Photographs
of your own go into configs/infill/photographs.py.

Expect no figure: nobody has run it here.
"""

from configs.infill import photographs
from xai_jax.experiment import Experiment
from xai_jax.pretrain import ca_inpainter

SIDE, STEPS, BATCH = 256, 430_000, 16


def get_config() -> Experiment:
    """The experiment."""
    method = ca_inpainter.Config()
    return photographs.infill(
        "ca", photographs.paths(), method, method.network, SIDE, num_steps=STEPS, batch_size=BATCH
    )
