"""Which class is explained, and how strongly a classifier speaks for it."""

import enum
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from xai_jax.core.settings import coerced
from xai_jax.core.types import Classes, Logits, PerExample

Labels = Shaped[Array, "b k"] | None  # 0 / 1, or None where the truth is not known
ChooseTarget = Callable[[Logits, Labels], Classes]


class Head(enum.Enum):
    """How logits become probabilities: one class of many, or each class by itself."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


def as_head(head: Head | str, where: str = "head") -> Head:
    """The member, also of its name in any case; `where` is what an error says must be one."""
    return head if isinstance(head, Head) else coerced(Head, head, where)


class Score(enum.Enum):
    """What a classifier says of the target, as one number."""

    LOGIT = "logit"  # before the head
    LOG_ODDS = "log_odds"  # under the head, in nats
    PROBABILITY = "probability"  # under the head
    SIGMOID = "sigmoid"  # of the logit, whatever the head
    SOFTMAX = "softmax"  # over all classes, whatever the head


def scores(logits: Logits, target: Classes, head: Head, score: Score) -> PerExample:
    """What `score` names, of each row; the larger, the more speaks for the target.

    Raises:
        ValueError: a softmax is asked for over a single class, where it is always 1.
    """
    if score is Score.LOG_ODDS:
        return log_odds(logits, target, head)
    if score is Score.SIGMOID:
        logits = jax.nn.sigmoid(logits)
    elif score is not Score.LOGIT:
        head = Head.SOFTMAX if score is Score.SOFTMAX else head
        if head is Head.SOFTMAX and logits.shape[-1] == 1:
            raise ValueError(
                "A softmax over one class is always 1; give the classifier a sigmoid head, or set "
                "score to logit or sigmoid."
            )
        logits = probs(logits, head)
    return jnp.take_along_axis(logits, target[:, None], axis=-1)[:, 0]


def log_odds(logits: Logits, target: Classes, head: Head | str = Head.SOFTMAX) -> PerExample:
    """``log p(target) - log(1 - p(target))`` in nats, without forming a probability.

    The score of FIDO, sec. 1. For a sigmoid head this is the logit itself; a one-logit binary
    classifier is ``SIGMOID`` with target 0.
    """
    at_target = jnp.take_along_axis(logits, target[:, None], axis=-1)[:, 0]
    if as_head(head) is Head.SIGMOID:
        return at_target
    is_target = jax.nn.one_hot(target, logits.shape[-1], dtype=bool)
    return at_target - jax.nn.logsumexp(jnp.where(is_target, -jnp.inf, logits), axis=-1)


def away(odds: PerExample) -> PerExample:
    """-1 where the target is found (log-odds of 0 or more), else 1.

    Times log-odds, those of the other decision.
    """
    return jnp.where(odds >= 0, -1.0, 1.0)


@functools.partial(jax.jit, static_argnums=1)  # two dozen programs otherwise, each compiled
def class_log_odds(logits: Logits, head: Head | str = Head.SOFTMAX) -> Logits:
    """`log_odds` of every class, ``[b k]`` in nats: what each would be as the target."""
    if as_head(head) is Head.SIGMOID:
        return logits
    log_probs = jax.nn.log_softmax(logits, axis=-1)
    best = predicted(logits)
    # Only the best can be near certainty, where 1 - p has no digits left.
    at_best = log_odds(logits, best)[:, None]
    is_best = jax.nn.one_hot(best, logits.shape[-1], dtype=bool)
    rest = jnp.where(is_best, -jnp.inf, log_probs)
    return jnp.where(is_best, at_best, rest - jnp.log1p(-jnp.exp(rest)))


def probs(logits: Logits, head: Head | str = Head.SOFTMAX) -> Logits:
    """Class probabilities in [0, 1]; they sum to 1 for a softmax head only."""
    is_softmax = as_head(head) is Head.SOFTMAX
    return jax.nn.softmax(logits, axis=-1) if is_softmax else jax.nn.sigmoid(logits)


def predicted(logits: Logits, labels: Labels = None) -> Classes:
    """The class with the largest logit."""
    del labels
    return jnp.argmax(logits, axis=-1).astype(jnp.int32)


def decisions(logits: np.ndarray) -> np.ndarray:
    """What the classifier decides, ``[b]`` int32: the class with the largest logit.

    Of a single logit 1 where it is below 0: that its class is not there.
    """
    of_one = logits.shape[-1] == 1
    return (logits[:, 0] < 0 if of_one else logits.argmax(axis=-1)).astype(np.int32)


def decision_name(decision: int, class_names: Sequence[str], num_classes: int) -> str:
    """The name of one of `decisions`; empty where the classes have none."""
    if num_classes == 1 and decision == 1:
        return f"not {class_names[0] if class_names else 'class 0'}"
    return class_names[decision] if class_names else ""


def runner_up(logits: Logits, labels: Labels = None) -> Classes:
    """The class with the second largest logit: "why not this one?".

    Raises:
        ValueError: there is one class.
    """
    del labels
    if logits.shape[-1] < 2:
        raise ValueError(
            "A classifier of one logit has no runner-up; its only target is class 0, the one that "
            "is predicted."
        )
    return jax.lax.top_k(logits, 2)[1][:, 1].astype(jnp.int32)


def truth(logits: Logits, labels: Labels = None) -> Classes:
    """The true class; of several true classes the one with the largest logit; -1 where none is.

    Raises:
        ValueError: `labels` are not given.
    """
    if labels is None:
        raise ValueError(
            "target 'truth' needs labels: pass labels=[b k] with 1 for each true class."
        )
    best = jnp.argmax(jnp.where(labels > 0, logits, -jnp.inf), axis=-1)
    return jnp.where((labels > 0).any(axis=-1), best, -1).astype(jnp.int32)
