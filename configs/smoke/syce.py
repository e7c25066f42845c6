"""A minute on a CPU: SyCE of one planted texture, there or not, by a classifier that is known.

    python train.py --config=configs/smoke/syce.py --workdir=runs/smoke_syce

Pictures are those of configs/smoke/explainer.py; half of each batch show the first texture.

Expect no figure: it shows that everything runs, and learns too little to look at.
"""

import dataclasses

from configs.smoke import explainer
from xai_jax.data.pairs import Pairs
from xai_jax.experiment import Experiment, Validation
from xai_jax.methods import syce
from xai_jax.runtime.weights_file import WeightsFile


def get_config() -> Experiment:
    """The experiment."""
    method, like = syce.Config.smoke(), explainer.get_config()
    assert isinstance(like.export, WeightsFile) and like.validation is not None
    without_masks = [
        dataclasses.replace(data, masks="none") for data in (like.data, like.validation.data)
    ]
    return dataclasses.replace(
        like,
        method=method,
        data=Pairs(pictures=without_masks[0]),
        validation=Validation(data=without_masks[1], every=30),
        num_steps=60,
        batch_size=8,
        export=dataclasses.replace(like.export, kind="syce", config=method),
    )
