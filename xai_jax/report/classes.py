"""The classes of one picture: the likeliest, and the masks of all, side by side."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from xai_jax.report.wording import class_name

MOST = 20  # masks are shown of a picture: all of VOC's
LIKELIEST = 5  # classes are named of a picture


@dataclasses.dataclass(frozen=True, kw_only=True)
class Class:
    """One class.

    Fields:
        words: the class as people call it.
        log_odds: of the class in the whole picture, nats; NaN where it is not known.
        is_target: whether it is the class that is explained.
    """

    words: str
    log_odds: float
    is_target: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassMask(Class):
    """A class and its mask.

    Fields:
        keep: ``[h w]`` in [0, 1], 1 = kept.
    """

    keep: np.ndarray


def likeliest(
    log_odds: np.ndarray, class_names: Sequence[str], target: int | None
) -> tuple[Class, ...]:
    """The `LIKELIEST` most probable classes, the first first; none of a single logit.

    Args:
        log_odds: ``[k]`` in nats; NaN last.
        class_names: by index; empty where they are not known.
        target: the class that is explained.
    """
    if len(log_odds) < 2:
        return ()
    return tuple(
        Class(
            words=class_name(index, class_names[index] if class_names else ""),
            log_odds=float(log_odds[index]),
            is_target=index == target,
        )
        for index in _order(log_odds)[:LIKELIEST]
    )


def shown(
    class_keep: np.ndarray,
    log_odds: np.ndarray | None,
    class_names: Sequence[str],
    target: int | None,
) -> tuple[ClassMask, ...]:
    """The most probable classes, at most `MOST`, the explained one always among them.

    Args:
        class_keep: ``[h w k]`` in [0, 1], 1 = kept.
        log_odds: ``[k]`` in nats; the order, NaN last. ``None`` where they are not known.
        class_names: by index; empty where they are not known.
        target: the class that is explained.
    """
    if log_odds is None:
        log_odds = np.full(class_keep.shape[-1], np.nan)
    order = _order(log_odds)
    first = order[:MOST]
    if target in order[MOST:]:
        first[-1] = target
    return tuple(
        ClassMask(
            words=class_name(index, class_names[index] if class_names else ""),
            keep=class_keep[..., index].astype(np.float32),
            log_odds=float(log_odds[index]),
            is_target=index == target,
        )
        for index in first
    )


def _order(log_odds: np.ndarray) -> list[int]:
    """The classes, the most probable first; NaN goes to the end."""
    order: list[int] = np.argsort(-log_odds, kind="stable").tolist()
    return order
