"""Integrated gradients: what each pixel adds to the score on the way from a reference.

Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.
"""

import dataclasses

import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.domains import Count
from xai_jax.core.method import Frozen, Method
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Score, scores
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.methods.gradients.method import (
    Channels,
    Reference,
    check_of,
    mean_gradient,
    merged,
    reference_images,
)

_COMPLETENESS = outputs.number(
    "completeness_error",
    "of the setting `score`",
    "Sum of the attributions less what the score gains from the reference to the picture.",
)


@dataclasses.dataclass(slots=True, kw_only=True)
class IntegratedGradients(Settings):
    """Settings; the defaults are the published ones (sec. 3 and 5).

    Attributes:
        num_steps: points on the path, one classifier call each.
        reference: where the path begins.
        score: what is differentiated.
        inner_batch_size: at most so many points go through the classifier at once (images x
            steps); bounds memory, leaves the result as it is.
    """

    num_steps: Count = 50
    reference: Reference = Reference.BLACK
    score: Score = Score.PROBABILITY
    inner_batch_size: Count = 64

    @classmethod
    def smoke(cls) -> "IntegratedGradients":
        """The smallest honest run: a second on one CPU core, on small pictures."""
        return cls(num_steps=10, inner_batch_size=32)

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights
            keys = example_keys(key, batch.image_id)
            begin = reference_images(frozen, batch.images, self.reference, keys)
            way = batch.images - begin

            def points(steps):  # in the middle of each step
                along = (steps + 0.5) / self.num_steps
                return begin[:, None] + along[:, None, None, None] * way[:, None]

            limit = self.inner_batch_size
            mean = mean_gradient(frozen, batch, points, self.num_steps, self.score, limit)
            saliency = merged(way * mean, Channels.SIGNED)
            gained = self._of(frozen, batch, batch.images) - self._of(frozen, batch, begin)
            error = jnp.sum(saliency, axis=(1, 2, 3)) - gained
            return Explanation(
                target=batch.target, saliency=saliency, numbers={_COMPLETENESS.name: error}
            )

        return Method(
            explain=explain, outputs=(_COMPLETENESS,), check=check_of(self.inner_batch_size)
        )

    def _of(self, frozen: Frozen, batch: Batch, images):
        classifier = frozen.classifier
        return scores(classifier.logits(images), batch.target, classifier.head, self.score)
