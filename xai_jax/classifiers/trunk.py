"""Published weights for the trunk of a network that is to be trained."""

import dataclasses
from typing import Any

from xai_jax.classifiers import entries, torch_file
from xai_jax.core.settings import Settings
from xai_jax.nn import convert, lite0, resnet
from xai_jax.nn.segmenter import Architecture
from xai_jax.runtime.files import place

_TRUNKS = {
    Architecture.DEEPLAB: ("resnet50", resnet.trunk_variables),
    Architecture.LIGHT: ("efficientnet_lite0", lite0.trunk_variables),
}


@dataclasses.dataclass(slots=True, kw_only=True)
class Trunk(Settings):
    """The `start` of an Experiment: an ImageNet trunk in a state that is a `nn.learner.Learner`.

    Fields:
        architecture: of the network that is trained.
        weights: a file of the trunk's classifier (ResNet-50 for DeepLab, EfficientNet-Lite0 for
            Light; for ResNet-101 there is none yet); empty: those of its Python package.
    """

    architecture: Architecture
    weights: str = ""

    def __call__(self, state: Any) -> Any:
        """The state with the trunk's weights and statistics replaced.

        Raises:
            ValueError: there are no weights, they are damaged or of another architecture, or none
                are known for this one.
        """
        if self.architecture not in _TRUNKS:
            raise ValueError(
                f"There are no trunks for {self.architecture.value!r} yet; leave out start, or "
                f"choose {' or '.join(repr(one.value) for one in _TRUNKS)}."
            )
        name, variables_of = _TRUNKS[self.architecture]
        path = entries.weights_file(name, place(self.weights) if self.weights else None)
        trunk = variables_of(torch_file.read(path))
        own = {"params": state.params, "batch_stats": state.statistics}
        joined = convert.with_trunk(own, trunk)
        return dataclasses.replace(state, params=joined["params"], statistics=joined["batch_stats"])
