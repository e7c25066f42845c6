"""A minute on a CPU: SEAN, whose codes STEEX moves, learns to draw planted streets.

    python train.py --config=configs/smoke/steex.py --workdir=runs/smoke_steex

Without a perceptual network, so that no weights are needed.

Expect no figure: it shows that everything runs, and learns too little to look at.
"""

import dataclasses

from configs.steex.recipe import with_regions
from configs.steex.streets import PICTURES
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.streets import REGIONS
from xai_jax.experiment import Experiment, Validation
from xai_jax.generators.sean import KIND
from xai_jax.nn.sean import Sean
from xai_jax.pretrain import sean

SIDE = 32


def get_config() -> Experiment:
    """The experiment."""
    network = Sean(regions=REGIONS, width=4, depth=2, style=8, hidden=0, gain=1.0)
    method = sean.Config(
        network=network,
        critic_width=4,
        generator_rate=5e-3,
        pixel_weight=5.0,
        feature_weight=0.0,
        matching_weight=1.0,
        adversarial_weight=0.1,
        critic_from=20,
    )
    pictures = dataclasses.replace(PICTURES, size=Preprocess(height=SIDE, width=SIDE))
    return Experiment(
        method=method,
        data=with_regions(pictures.training()),
        validation=Validation(data=with_regions(pictures.once("validation")), every=30),
        num_steps=60,
        batch_size=8,
        export=pictures.exported(KIND, network),
    )
