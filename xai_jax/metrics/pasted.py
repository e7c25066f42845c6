"""COUT: how soon a picture is decided otherwise while its counterfactual is pasted into it."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import COUNTERFACTUAL
from xai_jax.core.rng import example_keys
from xai_jax.core.targets import away
from xai_jax.core.types import Batch, Explanation, PerExample, PRNGKey
from xai_jax.metrics.curves import shuffled_ranks

STEPS = 50  # as published


def cout() -> Metric:
    """Area under p(other decision) less that under p(own decision); 51 classifier calls a picture.

    Khorram and Fuxin 2022, as in specs: steex, sec. 4.3: pixels of the counterfactual are pasted
    into the picture in 50 equal steps, those that changed most (in the mean of the channels) first.
    Near 1 few pixels turn the decision; below 0 not even all of them do for long.

    The decision is whether the explained class is found (log-odds of 0 or more).
    """
    return Metric(measure=_cout, rows=(_ROW,), columns=(_COLUMN,))


def _cout(
    params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params
    if COUNTERFACTUAL.name not in explanation.pictures:
        raise ValueError("The method makes no counterfactual pictures.")
    made = explanation.pictures[COUNTERFACTUAL.name]
    change = jnp.abs(made - batch.images).mean(axis=-1, keepdims=True)
    rank = shuffled_ranks(change, example_keys(key, batch.image_id))
    ask = lambda images: frozen.classifier.log_odds(images, explanation.target)  # noqa: E731
    toward = away(ask(batch.images))

    def other(num: jax.Array) -> PerExample:
        """Probability of the other decision with so many pixels pasted."""
        own = (rank >= num).astype(jnp.float32)
        return jax.nn.sigmoid(toward * ask(compose(batch.images, own, made)))

    num_pixels = rank.shape[1] * rank.shape[2]
    nums = np.round(np.arange(STEPS + 1) / STEPS * num_pixels).astype(np.int32)
    apart = 2.0 * jax.lax.map(other, jnp.asarray(nums)) - 1.0  # [51 b]
    area = (apart.sum(axis=0) - 0.5 * (apart[0] + apart[-1])) / STEPS  # by trapezoids
    return {_ROW.name: area}


_ROW = outputs.number(
    "cout", "in [-1, 1]", "Area under p(other decision) less p(own), the most changed pixels first."
)
_COLUMN = Column(_ROW.name, "COUT", "higher", -1.0, 1.0, "", "Khorram and Fuxin 2022")
