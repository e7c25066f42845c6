"""One compiled call that explains a whole batch, and measures what is asked for."""

import copy
import dataclasses
import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier, compiled_logits
from xai_jax.core.content import content
from xai_jax.core.method import Builds, Frozen, Inspector, Method
from xai_jax.core.metric import MeasureFn, Metric
from xai_jax.core.outputs import Output
from xai_jax.core.rng import image_ids
from xai_jax.core.targets import ChooseTarget, Head
from xai_jax.core.types import Batch, Explanation, PRNGKey, PyTree
from xai_jax.runs.sources import Picture

BAD_LOGITS = (
    "The classifier returned NaN or infinity for it; check the classifier's weights, and that it "
    "expects the mean and std it was given."
)


def reason(sentence: str, classifier: Classifier) -> str:
    """Why a picture has no result, and in bfloat16 what to try first."""
    if classifier.precision == "float32":
        return sentence
    return f"{sentence} It computes in bfloat16, in which it may overflow: try float32 first."


class Static:
    """Settings and measures as a static argument: equal ones share one compiled program.

    A measure comes with whether it asks the method again.
    """

    def __init__(
        self, config: Builds[Method] | None, measures: tuple[tuple[MeasureFn, bool], ...]
    ) -> None:
        """No settings are needed where no measure asks."""
        self.config: Any = copy.deepcopy(config)
        self.measures = measures
        self._value = (content(self.config), measures)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@functools.partial(jax.jit, static_argnums=0)
def _explain(
    static: Static,
    frozen: Frozen,
    weights: PyTree,
    params: tuple[PyTree, ...],
    batch: Batch,
    key: PRNGKey,
) -> tuple[Explanation, jax.Array]:
    method = static.config.build()
    explain_key, measure_key = jax.random.split(key)  # the one rule: no door splits it otherwise
    explanation = method.explain(weights, frozen, batch, explain_key)
    _check_declared(static.config, method, explanation)
    numbers = dict(explanation.numbers)
    again = lambda frozen, batch: method.explain(weights, frozen, batch, explain_key)  # noqa: E731
    for (measure, asks), own in zip(static.measures, params, strict=True):
        more = (again,) if asks else ()
        numbers |= measure(own, frozen, batch, explanation, measure_key, *more)
    finite = _is_finite(explanation, len(batch.images))
    return dataclasses.replace(explanation, numbers=numbers), finite


def _is_finite(explanation: Explanation, num: int) -> jax.Array:
    """Which rows hold neither NaN nor infinity in what the method itself answers, ``[b]``.

    A metric may be undefined for a picture; a method may not.
    """
    finite = jnp.ones(num, bool)
    for values in explanation.named().values():
        if jnp.issubdtype(values.dtype, jnp.floating):
            finite &= jnp.isfinite(values).reshape(num, -1).all(axis=1)
    return finite


def explain_batch(
    inspector: Inspector, batch: Batch, key: PRNGKey, metrics: Sequence[Metric] = ()
) -> tuple[Explanation, jax.Array]:
    """Explains every image of `batch`, and measures it.

    Compiled once for equal settings and shapes. Under a mesh, hand in sharded images: nothing here
    mentions devices.

    Args:
        inspector: who explains.
        batch: its targets are known.
        key: of all randomness.
        metrics: what is measured; their rows are among the explanation's `numbers`.

    Returns:
        The explanation, and which rows of what the method answers are finite throughout, ``[b]``.

    Raises:
        ValueError: the method says something that it does not declare.
    """
    return _explain(*_arguments(inspector, batch, key, metrics))


def compiled(
    inspector: Inspector, batch: Batch, key: PRNGKey, metrics: Sequence[Metric] = ()
) -> jax.stages.Compiled:
    """The program of `explain_batch` for these arguments, which is not run."""
    return _explain.lower(*_arguments(inspector, batch, key, metrics)).compile()


def _arguments(
    inspector: Inspector, batch: Batch, key: PRNGKey, metrics: Sequence[Metric]
) -> tuple[Any, ...]:
    params = tuple(metric.params for metric in metrics)
    return static(inspector, metrics), inspector.frozen, inspector.weights, params, batch, key


def static(inspector: Inspector, metrics: Sequence[Metric]) -> Static:
    """What tells the program of an inspector from others, beside its arrays."""
    return Static(inspector.method, tuple((metric.measure, metric.asks) for metric in metrics))


def declared(inspector: Inspector, metrics: Sequence[Metric] = ()) -> dict[str, Output]:
    """Everything that `explain_batch` may answer, by name."""
    rows = [row for metric in metrics for row in metric.rows]
    own = inspector.method.build().outputs
    return outputs.by_name([*outputs.FIXED, *own, *rows])


def check_weights(inspector: Inspector) -> None:
    """Raises ValueError where a method lacks its weights, or has some and learns nothing."""
    name = _name(inspector.method)
    learns = inspector.method.build().trainable is not None
    has_weights = not (isinstance(inspector.weights, tuple) and not inspector.weights)
    if learns and not has_weights:
        raise ValueError(
            f"{name} explains with a trained network; train it first and load what its training "
            "has left: xai_jax.load_trained(path, classifier)."
        )
    if has_weights and not learns:
        raise ValueError(f"{name} learns nothing across images; leave out the weights.")


def check_head(head: Head, num_classes: int) -> None:
    """Raises ValueError where a classifier is certain whatever it sees."""
    if num_classes == 1 and head is Head.SOFTMAX:
        raise ValueError(
            "The classifier has one logit and a softmax head, which is certain of its only class "
            "whatever it sees; set head='sigmoid'."
        )


def _check_declared(config: Any, method: Method, explanation: Explanation) -> None:
    known = outputs.by_name([*outputs.FIXED, *method.outputs])
    for name, values in explanation.named().items():
        if name not in known or len(known[name].axes) + 1 != values.ndim:
            axes = ["picture", *known[name].axes] if name in known else "not at all"
            raise ValueError(
                f"{_name(config)} answers {name!r} of shape {list(values.shape)}, which it "
                f"declares {axes}; make its outputs say what it answers."
            )


def _name(config: Any) -> str:
    kind = type(config)
    return f"{kind.__module__}.{kind.__qualname__}"


def checked_logits(classifier: Classifier, images: Any) -> np.ndarray:
    """Logits ``[b k]`` on the host; NaN and infinity may be among them.

    Raises:
        ValueError: the shape is wrong: found before anything is compiled.
    """
    classifier.num_classes(images.shape[1:], len(images))
    logits = np.asarray(compiled_logits(classifier, images))
    if _are_probabilities(logits):
        warnings.warn(_PROBABILITIES, stacklevel=2)
    return logits


_PROBABILITIES = (
    "The classifier's answers are positive and sum to 1, so that they seem to be probabilities; "
    "hand over what stands before its softmax, or the logarithm of them."
)


def _are_probabilities(logits: np.ndarray) -> bool:
    """Whether every row is positive and sums to 1, which logits do by chance alone."""
    if logits.shape[1] < 2 or not (logits >= 0).all():
        return False
    return bool(np.allclose(logits.sum(axis=1, dtype=np.float64), 1.0, atol=1e-4))


def batch_of(pictures: Sequence[Picture], places: Sequence[int], size: int) -> Batch:
    """A batch of `size` rows with every picture at its own place, whoever else is missing.

    A place without a picture holds a copy of the first one, of weight 0: every call has one shape,
    and a picture that is explained later, by itself, finds the place that it would have had. The
    targets are 0, to be replaced.

    Args:
        pictures: ``n`` of one size, at least one.
        places: of each of them, below `size`.
        size: rows.
    """
    images = _stacked([picture.image for picture in pictures])
    whole = Batch(
        images=images,
        target=np.zeros(len(pictures), np.int32),
        image_id=image_ids(images),
        weight=np.ones(len(pictures), np.float32),
        **{name: np.stack([p.known[name] for p in pictures]) for name in pictures[0].known},
    )
    if list(places) == list(range(size)):
        return whole  # and nothing is copied
    row_of = np.zeros(size, int)
    row_of[list(places)] = np.arange(len(pictures))
    weight = np.zeros(size, np.float32)
    weight[list(places)] = 1.0
    return dataclasses.replace(jax.tree.map(lambda x: x[row_of], whole), weight=weight)


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    """One array of several; no copy where they already are the rows of one, in order."""
    first, whole = rows[0], rows[0].base
    if not isinstance(whole, np.ndarray) or whole.shape[1:] != first.shape:
        return np.stack(rows)
    begin = (first.ctypes.data - whole.ctypes.data) // first.nbytes
    found = whole[begin : begin + len(rows)]
    pairs = zip(rows, found, strict=False)
    same = [(a.ctypes.data, a.strides) == (b.ctypes.data, b.strides) for a, b in pairs]
    return found if len(same) == len(rows) and all(same) else np.stack(rows)


def on_host(explanation: Explanation) -> Explanation:
    """NumPy arrays."""
    return jax.tree.map(np.asarray, explanation)


def taken(explanation: Explanation, rows: Sequence[int] | np.ndarray) -> Explanation:
    """Some rows of an explanation on the host."""
    rows = list(rows)
    if rows == list(range(len(explanation.target))):
        return explanation
    return jax.tree.map(lambda x: np.asarray(x)[rows], explanation)


def chosen(
    choose: ChooseTarget, logits: np.ndarray, labels: np.ndarray | None, names: Mapping[int, str]
) -> np.ndarray:
    """Targets ``[b]`` that a function of the logits chooses.

    Args:
        choose: the function.
        logits: ``[b k]``.
        labels: ``[b k]`` 0 / 1, where they are known.
        names: of the rows that count.

    Raises:
        ValueError: it answers a class that there is not; names the first such picture.
    """
    known = None if labels is None else jnp.asarray(labels)
    target = np.asarray(choose(jnp.asarray(logits), known))
    num, num_classes = logits.shape
    if target.shape != (num,) or not np.issubdtype(target.dtype, np.integer):
        raise ValueError(
            f"The target function must answer one class a picture, whole numbers [{num}], not "
            f"{target.dtype} {list(target.shape)}."
        )
    for row, name in names.items():
        if not 0 <= target[row] < num_classes:
            raise ValueError(
                f"The target function answers class {target[row]} for {name}, but the classifier "
                f"has the classes 0 to {num_classes - 1}."
            )
    return target.astype(np.int32)
