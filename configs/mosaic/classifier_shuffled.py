"""A classifier of mosaics whose labels are those of other pictures: a control.

    python train.py --config=configs/mosaic/classifier_shuffled.py --workdir=runs/mosaic_shuffled

What classifier_lite0.py trains, on tiles that keep their pictures and have the labels of others,
and from a head that knows nothing. There is nothing to find in a picture that was not trained on,
so that a map of this classifier has no reason to be on the tiles of a class
(configs/mosaic/evaluate.py:shuffled).

Expect, at the end of its metrics.jsonl, a validation loss of 0.476, and none of the 2.09 classes of
a mosaic found.
"""

import dataclasses

from configs.mosaic import classifier_lite0
from configs.mosaic.mosaics import SHUFFLED
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    like = classifier_lite0.get_config()
    assert like.validation is not None
    return dataclasses.replace(
        like,
        start=None,
        data=SHUFFLED.training(classifier_lite0.COLOURS),
        validation=dataclasses.replace(like.validation, data=SHUFFLED.once("validation")),
    )
