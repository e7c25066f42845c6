"""A method is to explanation what Optax's GradientTransformation is to optimisation."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from flax import struct

from xai_jax.core.classifier import Classifier
from xai_jax.core.generator import Generator
from xai_jax.core.infill import Infill
from xai_jax.core.types import Batch, Explanation, PRNGKey


@struct.dataclass
class Frozen:
    """Everything a method may read and never updates. Always an argument, never a closure."""

    classifier: Classifier
    infill: Infill
    generator: Generator | None = None


InitFn = Callable[[PRNGKey, Frozen, Batch], Any]
StepFn = Callable[..., tuple[Any, dict[str, Any]]]
MeasureFn = Callable[[Any, Frozen, Batch, PRNGKey], dict[str, Any]]
ExplainFn = Callable[[Any, Frozen, Batch, PRNGKey], Explanation]


class Trainable(NamedTuple):
    """All that a training loop needs.

    Fields:
        init: ``(key, frozen, batch) -> state``.
        step: ``(state, frozen, batch, key, axis_name=None) -> (state, metrics)``; pure, under jit
        and pmap. Metrics are finite scalars; a loop stops where they are not.
        measure: ``(state, frozen, batch, key) -> {name: [b]}``, what a validation averages over the
            real pictures; ``None`` where there is nothing to validate.
    """

    init: InitFn
    step: StepFn
    measure: MeasureFn | None = None


class Method(NamedTuple):
    """A way of explaining.

    Fields:
        init: ``(key, frozen, batch) -> state``; `no_state` where nothing is learned across images.
        step: as in `Trainable`; ``None`` where nothing is learned across images.
        explain: ``(state, frozen, batch, key) -> Explanation``; pure; each image by itself, so that
        its
            explanation does not depend on the company.
        measure: as in `Trainable`.
    """

    init: InitFn
    step: StepFn | None
    explain: ExplainFn
    measure: MeasureFn | None = None


@runtime_checkable
class MethodConfig(Protocol):
    """The settings of a method; `build` closes over settings and never over arrays."""

    def build(self) -> Method:
        """The method with these settings."""
        ...


def no_state(key: PRNGKey, frozen: Frozen, batch: Batch) -> tuple[()]:
    """The state of a method that learns nothing across images."""
    del key, frozen, batch
    return ()
