"""A method is to explanation what Optax's GradientTransformation is to optimisation."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from flax import struct

from xai_jax.core.classifier import Classifier
from xai_jax.core.generator import Generator
from xai_jax.core.infill import Infill
from xai_jax.core.outputs import Output
from xai_jax.core.precision import Precision, in_single
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Explanation, PRNGKey, PyTree

Built_co = TypeVar("Built_co", covariant=True)


@runtime_checkable
class Builds(Protocol[Built_co]):
    """Settings of something: a dataclass whose `build` makes it, and closes over no arrays."""

    def build(self, *args: Any, **kwargs: Any) -> Built_co:
        """It, with these settings; of an infill or a generator, for the classifier it is given."""
        ...


@struct.dataclass
class Frozen:
    """Everything a method may read and never updates. Always an argument, never a closure."""

    classifier: Classifier
    infill: Infill
    generator: Generator | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Explained(Settings):
    """What is explained, and with what: the one place where a `Frozen` is put together.

    Fields:
        classifier: settings of the explained classifier, or itself.
        infill: settings of what stands in for removed pixels, or itself.
        generator: of methods that move codes; ``None`` for the others.
        precision: "bfloat16" has the classifier, the generator, the network of an infill that is
            given by its settings, and that of a method once it has learned, compute in bfloat16,
            forward and backward (`core.precision`); all else is float32.
    """

    classifier: Any
    infill: Any
    generator: Any = None
    precision: Precision = "float32"

    def build(self) -> Frozen:
        """All of it, with its weights.

        Raises:
            ValueError: a part is neither settings nor what they build; or of its own build.
        """
        classifier = in_single(_built("classifier", self.classifier, Classifier))
        if self.precision != "float32":  # else it is as it was given
            classifier = classifier.in_precision(self.precision)
        infill = in_single(_built("infill", self.infill, Infill, classifier))
        if not isinstance(self.infill, Infill):
            infill = infill.made_by(self.infill)
        if self.generator is None:
            return Frozen(classifier=classifier, infill=infill)
        generator = in_single(_built("generator", self.generator, Generator, classifier))
        if self.precision != "float32":
            generator = generator.in_precision(self.precision)
        return Frozen(classifier=classifier, infill=infill, generator=generator)


def _built(name: str, part: Any, kind: type, *needed: Any) -> Any:
    if isinstance(part, kind):
        return part
    if isinstance(part, type) or not isinstance(part, Builds):
        raise ValueError(
            f"{name} is {part!r:.80}, which is neither a {kind.__name__} nor settings that build "
            f"one; see docs/bring-your-own-classifier.md for what makes a {kind.__name__}."
        )
    return part.build(*needed)


InitFn = Callable[[PRNGKey, Any, Any], Any]
StepFn = Callable[..., tuple[Any, dict[str, Any]]]
MeasureFn = Callable[[Any, Any, Any, Any, PRNGKey], dict[str, Any]]
ExplainFn = Callable[[Any, Frozen, Batch, PRNGKey], Explanation]
CheckFn = Callable[[Frozen, tuple[int, int, int, int]], None]
AdmitFn = Callable[[Frozen, Mapping[str, Any]], None]


def _all_of_it(state: Any) -> Any:
    return state


class Trainable(NamedTuple):
    """All that a training loop needs.

    Fields:
        init: ``(key, frozen, batch) -> state``.
        step: ``(state, frozen, batch, key, axis_name=None) -> (state, metrics)``; pure, under jit
            and pmap. Metrics are finite scalars; a loop stops where they are not.
        measure: ``(weights, state, frozen, batch, key) -> {name: [b]}``, what a validation averages
            over the real pictures; ``None`` where there is nothing to validate. It judges
            `weights`, which are ``weights(state)``, or what stands in for them (their average,
            `nn.ema`); `state` is for what is not exported, a critic say.
        weights: ``state -> weights``: what is exported, and what a `Method` explains with.
        validated: ``(state, {name: mean}) -> state`` after a validation, outside compiled code: a
            schedule that waits for a plateau, say. ``None``: a validation changes nothing.
        finished: ``state -> bool``, asked after `validated`: whether training ends here. ``None``:
            the experiment alone says when.
        look: ``(frozen, batches, to_train)``; looks at as many of the first batches to train on as
            it wants, and then, with `to_train` False, at as many of those to validate with, outside
            compiled code and before anything is written; raises ValueError where nothing can be
            learned from them, or said by them. ``None``: there are no such batches.
        admit: ``{name: array}``; raises BadPicture where nothing can be learned from one picture of
            which this is known (`core.types.Batch`: labels, regions). Every picture is asked about
            as it is read, on the host. ``None``: it can learn from all.
        summary: ``{name: mean} -> {name: number}``, what is told of the means of a validation, for
            a score that is no mean of pictures. ``None``: they are told as they are.
    """

    init: InitFn
    step: StepFn
    measure: MeasureFn | None = None
    weights: Callable[[Any], Any] = _all_of_it
    validated: Callable[[Any, dict[str, float]], Any] | None = None
    finished: Callable[[Any], bool] | None = None
    look: Callable[[Any, Iterator[Any], bool], None] | None = None
    admit: Callable[[Mapping[str, Any]], None] | None = None
    summary: Callable[[dict[str, float]], dict[str, float]] | None = None


class Method(NamedTuple):
    """A way of explaining.

    Fields:
        explain: ``(weights, frozen, batch, key) -> Explanation``; pure; each image by itself, so
            that its explanation does not depend on the company.
        outputs: declares all that its explanations hold besides `target` and `saliency`: `keep`,
            where there is one, and every name in `maps`, `pictures` and `numbers`.
        trainable: how its weights are learned; ``None`` where nothing is learned across images:
            its weights are then ``()``.
        check: ``(frozen, (b, h, w, c))``; raises ValueError where it cannot explain such a batch of
            this classifier, before anything is compiled. ``None``: there is no such batch.
        admit: ``(frozen, {name: array})``; raises BadPicture where it cannot explain one picture of
            which this is known (`core.types.Batch`: labels, regions). ``None``: it can explain all.
    """

    explain: ExplainFn
    outputs: tuple[Output, ...] = ()
    trainable: Trainable | None = None
    check: CheckFn | None = None
    admit: AdmitFn | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspector:
    """A method with all that it needs to explain: what users hold and hand on.

    Fields:
        method: its settings.
        frozen: the classifier that it explains, and what else it reads.
        weights: what it learned across images; ``()`` where that is nothing.
    """

    method: Builds[Method]
    frozen: Frozen
    weights: PyTree = ()
