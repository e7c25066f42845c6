"""DeepFill guesses what stood in the holes, from patches of what is known; the same every time."""

import dataclasses
import functools
from typing import Any

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill, compose
from xai_jax.core.precision import Precision, computed
from xai_jax.core.types import Images, Maps
from xai_jax.infills import trained
from xai_jax.nn import deepfill
from xai_jax.nn.deepfill import Generator, Network


@dataclasses.dataclass(slots=True, kw_only=True)
class ContextualAttention(trained.Trained):
    """FIDO's "CA" (sec. 3): a network that was trained against critics.

    It has no weights of its own: `weights` names what configs/infill/ca.py has left. The picture is
    filled at its own size; FIDO's wrapper enlarges 224 pixels to 256 and rounds to bytes.
    """

    kind = "ca"

    def build(self, classifier: Classifier) -> Infill:
        """The infill.

        Raises:
            ValueError: the file is not named, missing, damaged, or of another network; or a picture
                has other than three channels or one, when it is prepared.
            OSError: the file cannot be read.
        """
        network, variables = trained.loaded(self.file(), Network())
        fill = _fill_with(network.build(), classifier.precision)
        prepare = trained.preparing(network.channels, self.kind)
        return Infill(params=variables, fill_fn=fill, prepare_fn=prepare)


@functools.cache
def _fill_with(module: Generator, precision: Precision):
    return functools.partial(_fill, apply=computed(module.apply, precision))  # one a network


def _fill(params, context: Images, keep: Maps, keys, *, apply: Any):
    del keys

    def fill(images: Images, known: Maps) -> Images:
        found = apply(params, trained.learned(images, 3), known).fine
        return trained.answered(deepfill.unscaled(found), images)

    return compose(context, keep, trained.at_any_size(fill, context, keep, deepfill.STRIDE))
