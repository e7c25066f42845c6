"""Terms on the classifier's answers to the kept and to the removed part of a picture."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Num

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.types import Classes, Images, Logits, Maps, PerExample

Labels = Num[Array, "b k"]
LogProbs = Float[Array, "b k"]
IsFake = Num[Array, "b"]


def of_both_parts(
    classifier: Classifier,
    images: Images,
    keep: Maps,
    filled: Images,
    *,
    ask: Callable[[Images], Logits] | None = None,
) -> tuple[Logits, Logits]:
    """The classifier's logits on what a mask keeps of the pictures, and on what it removes.

    Args:
        classifier: the explained one.
        images: unit pixels.
        keep: in [0, 1].
        filled: what stands in for the missing part, unit pixels.
        ask: answers in place of the classifier, first the kept and then the removed part: its
            answer to a picture depends on the batch.
    """
    parts = [compose(images, part, filled) for part in (keep, 1.0 - keep)]
    if ask is not None:
        return ask(parts[0]), ask(parts[1])
    # One call for both parts, for the sake of one copy of the classifier in the program. They stand
    # side by side, so that both are on the device that has the picture.
    both = jnp.stack(parts, axis=1).reshape(-1, *images.shape[1:])  # [b*2 h w c]
    logits = classifier.logits(both).reshape(len(images), 2, -1)
    return logits[:, 0], logits[:, 1]


def binary_cross_entropy(logits: Logits, labels: Labels) -> PerExample:
    """Mean over the classes of each one's binary cross-entropy, in nats, >= 0; no class weights."""
    labels = labels.astype(logits.dtype)
    return optax.sigmoid_binary_cross_entropy(logits, labels).mean(axis=1)


def cross_entropy(logits: Logits, target: Classes) -> PerExample:
    """``- log softmax`` of the target class, in nats, >= 0."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, target)


def negative_entropy(logits: Logits) -> PerExample:
    """Entropy of the softmax over the number of classes, negative: in [- ln k / k, 0].

    The inverse-mask term of Stalder et al. 2022: smallest where the classifier knows nothing. Their
    clamp of p at 1e-16 would change less than 4e-15 a class. A single logit (a sigmoid head of one
    class) is one of two whose other is 0; the softmax of one would never be in doubt.
    """
    if logits.shape[1] == 1:
        logits = jnp.concatenate([jnp.zeros_like(logits), logits], axis=1)
    log_probs = jax.nn.log_softmax(logits)
    return (jnp.exp(log_probs) * log_probs).mean(axis=1)


def lacking_evidence(log_probs: LogProbs, labels: Labels) -> PerExample:
    """Mean of ``- log p`` over the classes in the image, in nats, >= 0; 0 without a class.

    Dabkowski & Gal 2017, eq. 3 (- log f(kept)), for one class or several.

    Args:
        log_probs: of the classifier on the kept part; softmax or, of many labels, sigmoid.
        labels: above 0 for the classes in the image.
    """
    is_target, num_targets = _targets(labels)
    return -jnp.where(is_target, log_probs, 0.0).sum(axis=1) / num_targets


def remaining_evidence(log_probs: LogProbs, labels: Labels, *, power: float) -> PerExample:
    """``(mean of p over the classes in the image)^power``, in [0, 1]; 0 without a class.

    Dabkowski & Gal 2017, eq. 3 (f(removed)^0.3). It stays in logs: a power below 1 has no finite
    slope at p = 0, but one at every finite log p.

    Args:
        log_probs: of the classifier on the removed part; softmax or, of many labels, sigmoid.
        labels: above 0 for the classes in the image.
        power: above 0.
    """
    is_target, num_targets = _targets(labels)
    # A row without a class is computed as if it had all, and then left out.
    none = ~is_target.any(axis=1, keepdims=True)
    log_sum = jax.nn.logsumexp(log_probs, axis=1, where=is_target | none)
    return jnp.where(none[:, 0], 0.0, jnp.exp(power * (log_sum - jnp.log(num_targets))))


def presence(log_odds: Logits, labels: Labels) -> PerExample:
    """Mean of ``- log(1 - p)`` over the classes in the image, in nats, >= 0; 0 without a class.

    How far the classifier is from saying that they are not there: the cross-entropy with "absent"
    (with "healthy", where the one class is a finding).

    Args:
        log_odds: of each class, on the removed part.
        labels: above 0 for the classes in the image.
    """
    is_target, num_targets = _targets(labels)
    return jnp.where(is_target, jax.nn.softplus(log_odds), 0.0).sum(axis=1) / num_targets


def preservation_margin(
    logits: Logits, target: Classes, is_fake: IsFake, *, margin: float = 1.0
) -> PerExample:
    """What the target's logit on the kept part lacks to lead all others by `margin`, >= 0.

    For a class that is not in the picture (`is_fake`), what it lacks to trail by `margin`. The
    preserver of Dabkowski & Gal's code.
    """
    lead = _lead(logits, target)
    return jax.nn.relu(margin + jnp.where(is_fake > 0, lead, -lead))


def destruction_margin(
    logits: Logits,
    target: Classes,
    is_fake: IsFake,
    *,
    confidence: float = 5.0,
    fake_margin: float = 1.0,
) -> PerExample:
    """What the target's logit on the removed part lacks to trail the best by `confidence`, >= 0.

    For a class that is not in the picture (`is_fake`), what it lacks to lead by `fake_margin`. The
    destroyer of Dabkowski & Gal's code.
    """
    lead = _lead(logits, target)
    real, fake = jax.nn.relu(confidence + lead), jax.nn.relu(fake_margin - lead)
    return jnp.where(is_fake > 0, fake, real)


def _targets(labels: Labels) -> tuple[Array, Array]:
    """Which classes count ``[b k]``, and how many they are ``[b]``, at least 1."""
    is_target = labels > 0
    return is_target, jnp.maximum(is_target.sum(axis=1), 1)


def _lead(logits: Logits, target: Classes) -> PerExample:
    """Logit of the target less the largest of the others."""
    is_target = jax.nn.one_hot(target, logits.shape[1], dtype=bool)
    at_target = jnp.take_along_axis(logits, target[:, None], axis=1)[:, 0]
    return at_target - jnp.where(is_target, -jnp.inf, logits).max(axis=1)
