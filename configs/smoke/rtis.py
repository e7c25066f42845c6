"""Minutes on a CPU: RTIS learns where the textures are that a known classifier reads.

    python train.py --config=configs/smoke/rtis.py --workdir=runs/smoke_rtis

Pictures, network and steps are those of configs/smoke/explainer.py.

Expect no figure: no command has measured these masks.
"""

import dataclasses

from configs.smoke import explainer
from xai_jax.experiment import Experiment
from xai_jax.methods import rtis
from xai_jax.runtime.weights_file import WeightsFile


def get_config() -> Experiment:
    """The experiment."""
    method, like = rtis.Config.smoke(), explainer.get_config()
    assert isinstance(like.export, WeightsFile)
    return dataclasses.replace(
        like, method=method, export=dataclasses.replace(like.export, kind="rtis", config=method)
    )
