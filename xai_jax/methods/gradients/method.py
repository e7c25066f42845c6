"""Gradient, input x gradient and SmoothGrad: how fast the score moves with each pixel."""

import dataclasses
import enum
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core import parts
from xai_jax.core.domains import Count, NotNegative
from xai_jax.core.method import Frozen, Method
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Score, scores
from xai_jax.core.types import Batch, Explanation, Images, Maps, PRNGKey, PRNGKeys

Points = Float[Array, "b m h w c"]


class Channels(enum.Enum):
    """How the channels of a pixel become one number."""

    LARGEST = "largest"  # the largest absolute value
    ABSOLUTE = "absolute"  # the sum of the absolute values
    SIGNED = "signed"  # the sum


class Reference(enum.Enum):
    """The picture that says nothing."""

    BLACK = "black"
    MEAN = "mean"  # the classifier's mean colour: 0 in what the network eats
    INFILL = "infill"  # the infill of a picture that is all removed


@dataclasses.dataclass(slots=True, kw_only=True)
class Gradient(Settings):
    """Settings; the defaults are the published ones (Simonyan et al. 2014, sec. 3.1).

    Attributes:
        score: what is differentiated.
        channels: how the channels of a pixel become one number.
    """

    score: Score = Score.LOGIT
    channels: Channels = Channels.LARGEST

    @classmethod
    def smoke(cls) -> "Gradient":
        """The published setting."""
        return cls()

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights, key
            points = batch.images[:, None]
            gradient = point_gradients(frozen, batch, points, self.score)[:, 0]
            saliency = merged(gradient, self.channels)
            return Explanation(target=batch.target, saliency=saliency)

        return Method(explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class InputXGradient(Settings):
    """Settings; the defaults are the published ones (Shrikumar et al. 2016).

    Attributes:
        score: what is differentiated.
        reference: the picture from which the input is counted.
    """

    score: Score = Score.LOGIT
    reference: Reference = Reference.MEAN

    @classmethod
    def smoke(cls) -> "InputXGradient":
        """From black, as the small pictures of tests are bright on dark."""
        return cls(reference=Reference.BLACK)

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights
            keys = example_keys(key, batch.image_id)
            moved = batch.images - reference_images(frozen, batch.images, self.reference, keys)
            gradient = point_gradients(frozen, batch, batch.images[:, None], self.score)[:, 0]
            saliency = merged(moved * gradient, Channels.SIGNED)
            return Explanation(target=batch.target, saliency=saliency)

        return Method(explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class SmoothGrad(Settings):
    """Settings; the defaults are the published ones (Smilkov et al. 2017, sec. 3).

    Attributes:
        num_samples: noisy copies of the picture, one classifier call each.
        noise: standard deviation of the noise, as a share of the picture's range of pixels.
        score: what is differentiated.
        channels: how the channels of the mean gradient become one number.
        inner_batch_size: at most so many copies go through the classifier at once (images x
            samples); bounds memory, leaves the result as it is.
    """

    num_samples: Count = 50
    noise: NotNegative = 0.15
    score: Score = Score.LOGIT
    channels: Channels = Channels.LARGEST
    inner_batch_size: Count = 64

    @classmethod
    def smoke(cls) -> "SmoothGrad":
        """The smallest honest run: a second on one CPU core, on small pictures."""
        return cls(num_samples=6, inner_batch_size=32)

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights
            noisy = _noisy(self.noise, batch.images, example_keys(key, batch.image_id))
            limit = self.inner_batch_size
            mean = mean_gradient(frozen, batch, noisy, self.num_samples, self.score, limit)
            return Explanation(target=batch.target, saliency=merged(mean, self.channels))

        return Method(explain=explain, check=check_of(self.inner_batch_size))


def _noisy(share: float, images: Images, keys: PRNGKeys) -> Callable[[parts.Indices], Points]:
    """Copies of the pictures, each with noise of its own; they are not clipped to [0, 1]."""
    spread = share * (images.max(axis=(1, 2, 3)) - images.min(axis=(1, 2, 3)))

    def one(key, image, deviation, sample):
        noise = jax.random.normal(jax.random.fold_in(key, sample), image.shape)
        return image + deviation * noise

    def copies(samples):
        of_samples = jax.vmap(one, in_axes=(None, None, None, 0))
        return jax.vmap(of_samples, in_axes=(0, 0, 0, None))(keys, images, spread, samples)

    return copies


def check_of(limit: int) -> Callable[[Frozen, tuple[int, int, int, int]], None]:
    """A `Method.check`: whether a copy of every picture fits."""

    def check(frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
        del frozen
        parts.check_limit(shape[0], 1, limit)

    return check


def point_gradients(frozen: Frozen, batch: Batch, points: Points, score: Score) -> Points:
    """Gradient of the score at pictures ``[b m h w c]``, with respect to their unit pixels."""
    classifier = frozen.classifier
    target = jnp.repeat(batch.target, points.shape[1])

    def total(flat):  # a sum: no picture's gradient depends on another
        return scores(classifier.logits(flat), target, classifier.head, score).sum()

    return jax.grad(total)(points.reshape(-1, *points.shape[2:])).reshape(points.shape)


def mean_gradient(
    frozen: Frozen,
    batch: Batch,
    points: Callable[[parts.Indices], Points],
    num: int,
    score: Score,
    limit: int,
) -> Images:
    """Mean of the gradients at `num` pictures for each of the batch, in the memory of `limit`."""
    parts.check_limit(len(batch.images), 1, limit)

    def summed(indices, counted):
        gradients = point_gradients(frozen, batch, points(indices), score)
        return jnp.einsum("m,bmhwc->bhwc", counted, gradients)

    return parts.summed(summed, num, each=len(batch.images), limit=limit) / num


def merged(gradient: Images, channels: Channels) -> Maps:
    """One number a pixel."""
    if channels is Channels.SIGNED:
        return gradient.sum(axis=3, keepdims=True)
    absolute = jnp.abs(gradient)
    if channels is Channels.ABSOLUTE:
        return absolute.sum(axis=3, keepdims=True)
    return absolute.max(axis=3, keepdims=True)


def reference_images(
    frozen: Frozen, images: Images, reference: Reference, keys: PRNGKeys
) -> Images:
    """What `reference` is for these pictures, unit pixels."""
    if reference is Reference.BLACK:
        return jnp.zeros_like(images)
    if reference is Reference.MEAN:
        return jnp.broadcast_to(frozen.classifier.mean, images.shape)
    nothing = jnp.zeros((*images.shape[:3], 1))
    return frozen.infill(frozen.infill.prepare(images), nothing, keys)
