"""Occlusion and prediction difference analysis: what is lost without a square of the picture."""

import dataclasses
import math
from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from xai_jax.core import lengths, parts
from xai_jax.core.domains import Count
from xai_jax.core.method import Frozen, Method
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Score, log_odds, scores
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.methods.occlusion import windows

LogOdds = Float[Array, "..."]


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings of occlusion (Zeiler & Fergus 2014, sec. 4.2); sizes as Fong & Vedaldi ran it.

    Attributes:
        window: side of the square that is removed, pixels. ``None``: 35 where the short side is
            224, and in proportion elsewhere.
        stride: pixels from one square to the next; ``None``: 7, likewise.
        score: what is lost.
        inner_batch_size: at most so many composites go through the classifier at once (images x
            squares); bounds memory, leaves the result as it is.
    """

    window: Count | None = None
    stride: Count | None = None
    score: Score = Score.PROBABILITY
    inner_batch_size: Count = 64

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: a second on one CPU core, on small pictures."""
        return cls(window=8, stride=4, inner_batch_size=32)

    def squares(self, size: lengths.Size) -> tuple[int, int]:
        """Side of a square, and from one to the next, on pictures of `size`; pixels."""
        window = lengths.whole(self.window, 35, size)
        return window, lengths.whole(self.stride, 7, size)

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights
            classifier, size = frozen.classifier, batch.images.shape[1:3]
            window, stride = self.squares(size)

            def read(logits, target):
                return scores(logits, target, classifier.head, self.score)

            left = windows.without_each(
                frozen,
                batch,
                example_keys(key, batch.image_id),
                read,
                window=window,
                stride=stride,
                num_samples=1,
                limit=self.inner_batch_size,
            )[..., 0]
            whole = read(classifier.logits(batch.images), batch.target)
            lost = whole[:, None, None] - left
            saliency = windows.spread(lost, size, window, stride)
            return Explanation(target=batch.target, saliency=saliency)

        check = _check_of(self.squares, self.inner_batch_size)
        return Method(explain=explain, check=check)


@dataclasses.dataclass(slots=True, kw_only=True)
class PredictionDifference(Settings):
    """Settings of prediction difference analysis (Zintgraf et al. 2017, sec. 3 and 4.1).

    Attributes:
        window: side of the square that is removed, pixels. ``None``: 10 where the short side is
            224, and in proportion elsewhere.
        stride: pixels from one square to the next; ``None``: 1, likewise.
        num_samples: infills drawn for each square; 1 will do for an infill without randomness.
        inner_batch_size: at most so many composites go through the classifier at once (images x
            squares x samples); bounds memory, leaves the result as it is.
    """

    window: Count | None = None
    stride: Count | None = None
    num_samples: Count = 10
    inner_batch_size: Count = 64

    @classmethod
    def fast(cls) -> "PredictionDifference":
        """A two-thousandth of the classifier calls: larger squares, further apart, one infill."""
        return cls(window=32, stride=16, num_samples=1)

    @classmethod
    def smoke(cls) -> "PredictionDifference":
        """The smallest honest run: a second on one CPU core, on small pictures."""
        return cls(window=8, stride=6, num_samples=2, inner_batch_size=32)

    def squares(self, size: lengths.Size) -> tuple[int, int]:
        """Side of a square, and from one to the next, on pictures of `size`; pixels."""
        window = lengths.whole(self.window, 10, size)
        return window, lengths.whole(self.stride, 1, size)

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights
            classifier, size = frozen.classifier, batch.images.shape[1:3]
            window, stride = self.squares(size)
            left = windows.without_each(
                frozen,
                batch,
                example_keys(key, batch.image_id),
                lambda logits, target: log_odds(logits, target, classifier.head),
                window=window,
                stride=stride,
                num_samples=self.num_samples,
                limit=self.inner_batch_size,
            )
            whole = classifier.log_odds(batch.images, batch.target)
            evidence = (whole[:, None, None] - _of_mean(left)) / math.log(2.0)  # bits
            saliency = windows.spread(evidence, size, window, stride)
            return Explanation(target=batch.target, saliency=saliency)

        check = _check_of(self.squares, self.inner_batch_size)
        return Method(explain=explain, check=check)


def _of_mean(odds: LogOdds) -> LogOdds:
    """Log-odds of the mean probability over the last axis, without forming a probability."""
    speaks_for = jax.nn.logsumexp(jax.nn.log_sigmoid(odds), axis=-1)
    return speaks_for - jax.nn.logsumexp(jax.nn.log_sigmoid(-odds), axis=-1)


def _check_of(
    squares: Callable[[lengths.Size], tuple[int, int]], limit: int
) -> Callable[[Frozen, tuple[int, int, int, int]], None]:
    def check(frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
        del frozen
        parts.check_limit(shape[0], 1, limit)
        for pixels in shape[1:3]:
            windows.starts(pixels, *squares(shape[1:3]))

    return check
