"""RTIS of the classifier of mosaics, as NN-Explainer's authors adapted it to several classes.

    python train.py --config=configs/mosaic/rtis_lite0.py --workdir=runs/mosaic_rtis

The network, pictures, steps and optimiser are those of explainer_lite0, without the classifier's
evidence to begin with; the loss and its weights are the published ones. It needs the classifier of
configs/mosaic/classifier_lite0.py.

Expect, in configs/mosaic/evaluate.py, a Focus of 27.9 %, hardly more than that of a map that knows
nothing (docs/explainer.md).
"""

import dataclasses

from configs import lite0, recipes
from configs.mosaic import explainer_lite0
from configs.mosaic.mosaics import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.methods import rtis
from xai_jax.report.while_training import ClassMasks


def get_config() -> Experiment:
    """The experiment."""
    method = rtis.Config(
        network=lite0.light(PICTURES),
        alternative=dataclasses.replace(lite0.RTIS_BLUR),
        learning_rate=1e-3,
        decay_steps=explainer_lite0.STEPS,
    )
    like = explainer_lite0.get_config()
    assert isinstance(like.panels, ClassMasks)
    panels = dataclasses.replace(like.panels, method=method)
    return dataclasses.replace(recipes.new_rtis(like, method), panels=panels)
