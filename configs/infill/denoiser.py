"""A small denoiser that fills holes: `--infill denoiser --infill-weights runs/infill_denoiser`.

    python train.py --config=configs/infill/denoiser.py --workdir=runs/infill_denoiser

It leaves runs/infill_denoiser/denoiser.safetensors in half precision, which is the file that comes
with the package. It reads no classifier, so that nothing in it was trained to please one.

Expect 29.6 dB on held-out crops with noise of 0.1 (valid/psnr of the last line of metrics.jsonl),
after 63 minutes on one CPU core that shared its memory with another training.
"""

from configs.infill import photographs
from xai_jax.experiment import Experiment
from xai_jax.pretrain import denoiser

SIDE, STEPS = 96, 24_000


def get_config() -> Experiment:
    """The experiment."""
    method = denoiser.Config(learning_rate=1e-3, decay_steps=STEPS)
    often = {"log_every": 200, "checkpoint_every": 1000}
    return photographs.infill(
        "denoiser",
        photographs.free(),
        method,
        method.network,
        SIDE,
        num_steps=STEPS,
        batch_size=4,
        **often,
    )
