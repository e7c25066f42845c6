"""Push-pull: what is removed takes the colours of the kept pixels around it (`core.push_pull`)."""

import dataclasses

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.push_pull import push_pull
from xai_jax.core.settings import Settings


def _fill(params, context, keep, keys):
    del keys
    return push_pull(context, keep, params)


@dataclasses.dataclass(slots=True, kw_only=True)
class Pyramid(Settings):
    """Averages of the kept pixels over windows of 2, 4, 8, ... pixels, the finest that has any.

    Smooth, deterministic, needs no training and no setting. A picture of which nothing is kept
    becomes the classifier's mean colour (0 when normalised).
    """

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        return Infill(params=classifier.mean, fill_fn=_fill)
