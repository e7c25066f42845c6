"""The loss of the Explainer, term by term, each ``[b]``; and of its self-explaining variant.

Stalder, Perraudin, Achanta, Perez-Cruz, Volpi, "What You See is What You Classify", NeurIPS 2022,
with the terms of the authors' code. z are mask logits ``[b h w k]``, m the mask of the classes in
the picture (their maximum) and n that of the others.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.targets import Head, class_log_odds
from xai_jax.core.types import Batch, Images, Logits, Maps, PerExample, PRNGKey
from xai_jax.losses import class_masks, evidence, masks
from xai_jax.losses.absolute import absolute
from xai_jax.losses.class_masks import ClassMaps
from xai_jax.metrics import labels as decided

Terms = dict[str, PerExample]


def explained(
    frozen: Frozen,
    batch: Batch,
    class_logits: ClassMaps,
    key: PRNGKey,
    *,
    max_targets: int,
    area: tuple[float, float],
    ask: Callable[[Images], Logits] | None = None,
) -> tuple[Terms, Terms]:
    """What the masks do to the classifier, and their shape.

    Args:
        frozen: the classifier, and what stands in for what is removed (published: its mean colour).
        batch: with labels.
        class_logits: z.
        key: of the infill.
        max_targets: most classes of a picture.
        area: bounds of the area of each class's mask, shares of the picture.
        ask: the classifier in training mode; ``None``: it answers as when it explains.

    Returns:
        The terms, and the right and wrong decisions on the kept part (`metrics.labels.decisions` at
        the authors' threshold), which are not in the loss.
    """
    keep, other = class_masks.merged(class_logits, batch.labels)
    filled = _filled(frozen, batch, keep, key)
    on_kept, on_removed = evidence.of_both_parts(
        frozen.classifier, batch.images, keep, filled, ask=ask
    )
    terms = {
        "classification": _wrong(on_kept, batch, frozen.classifier.head),
        "entropy": evidence.negative_entropy(on_removed),
        "presence": evidence.presence(
            class_log_odds(on_removed, frozen.classifier.head), batch.labels
        ),
        **_shape(keep, other),
        "area_bound": _bound(class_logits, batch, max_targets, area),
    }
    return terms, _decisions(on_kept, batch, frozen.classifier.head)


def self_explained(
    frozen: Frozen,
    batch: Batch,
    draw: Callable[[Images], ClassMaps],
    key: PRNGKey,
    *,
    max_targets: int,
    area: tuple[float, float],
) -> tuple[Terms, Terms]:
    """Of a network whose class scores are the means of its own mask logits.

    The network is asked twice, about the picture and about the part that it keeps of it, and both
    answers shall be right and alike (the authors' "fcnn").

    Args:
        frozen: of the infill.
        batch: with labels.
        draw: the network, ``[b h w c]`` unit pixels -> z.
        key: of the infill.
        max_targets: most classes of a picture.
        area: bounds of the area of each class's mask, shares of the picture.
    """
    whole = draw(batch.images)
    keep, other = class_masks.merged(whole, batch.labels)
    part = draw(compose(batch.images, keep, _filled(frozen, batch, keep, key)))
    again, other_again = class_masks.merged(part, batch.labels)
    scores = [logits.mean(axis=(1, 2)) for logits in (whole, part)]
    both = jax.tree.map(jnp.add, _shape(keep, other), _shape(again, other_again))
    bounds = [_bound(logits, batch, max_targets, area) for logits in (whole, part)]
    terms = {
        "classification": sum(
            evidence.binary_cross_entropy(score, batch.labels) for score in scores
        ),
        "similarity": absolute(scores[0] - scores[1]).mean(axis=1),
        "coherency": absolute(keep - again).mean(axis=(1, 2, 3)),
        **both,
        "area_bound": sum(bounds),
    }
    return terms, _decisions(scores[1], batch, Head.SIGMOID)


def _decisions(logits: Logits, batch: Batch, head: Head) -> Terms:
    """How many classes are found rightly and wrongly; nothing of a head that finds always one."""
    if head is Head.SOFTMAX:
        return {}
    return decided.decisions(logits, batch.labels, threshold=decided.EXPLAINER_THRESHOLD)


def _filled(frozen: Frozen, batch: Batch, keep: Maps, key: PRNGKey) -> Images:
    context = frozen.infill.prepare(batch.images)
    return frozen.infill(context, jnp.round(keep), example_keys(key, batch.image_id))


def _wrong(logits: Logits, batch: Batch, head: Head) -> PerExample:
    """How far the classifier's answer is from the labels, in nats."""
    if head is Head.SIGMOID:
        return evidence.binary_cross_entropy(logits, batch.labels)
    return evidence.cross_entropy(logits, jnp.argmax(batch.labels, axis=1))


def _shape(keep: Maps, other: Maps) -> Terms:
    return {
        "variation": masks.mean_variation(keep) + masks.mean_variation(other),
        "target_area": masks.area(keep),
        "other_area": masks.area(other),
    }


def _bound(
    class_logits: ClassMaps, batch: Batch, max_targets: int, area: tuple[float, float]
) -> PerExample:
    chosen, counted = class_masks.target_channels(
        class_logits, batch.labels, max_targets=max_targets
    )
    return class_masks.bounded_area(
        jax.nn.sigmoid(chosen), counted, min_area=area[0], max_area=area[1]
    )
