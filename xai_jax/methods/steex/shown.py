"""What STEEX says of a picture."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.outputs import (
    COUNTERFACTUAL,
    DIFFERENCE,
    GAINED,
    LABEL_MAP,
    REGION,
    Output,
)
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, Maps, PerExample

RECONSTRUCTION = Output(
    name="reconstruction",
    kind="picture",
    axes=COUNTERFACTUAL.axes,
    unit="unit pixels",
    meaning="The picture as the generator draws it from its own codes.",
)
GENERATED = Output(
    name="generated",
    kind="picture",
    axes=COUNTERFACTUAL.axes,
    unit="unit pixels",
    meaning="The counterfactual as the generator draws it, all of it.",
)
CHANGES = outputs.number(
    "region_change", "in the codes", "Length of the change of each region's code.", REGION
)
SHARES = outputs.number("region_share", "in [0, 1]", "Share of the pixels in each region.", REGION)
BEFORE = outputs.number("log_odds_before", "nats", "Log-odds of the target in the picture.")
RECONSTRUCTED = outputs.number(
    "log_odds_reconstruction", "nats", "The same of what stands for the picture before any change."
)
AFTER = outputs.number("log_odds_after", "nats", "The same of the counterfactual.")
ALREADY = outputs.number(
    "reconstruction_flips",
    "0 or 1",
    "Whether it is decided otherwise before any change: then the counterfactual explains nothing.",
)
OBJECTIVE = outputs.trace("objective", "nats", "What is minimised.")
DISTANCE = outputs.trace("distance", "in the codes", "Squared length of the change of all codes.")

OUTPUTS = (
    COUNTERFACTUAL,
    RECONSTRUCTION,
    GENERATED,
    DIFFERENCE,
    LABEL_MAP,
    CHANGES,
    SHARES,
    BEFORE,
    RECONSTRUCTED,
    AFTER,
    ALREADY,
    OBJECTIVE,
    GAINED,
    DISTANCE,
)


class Drawn(NamedTuple):
    """Pictures; the last one is what the classifier judges."""

    reconstruction: Images
    generated: Images
    counterfactual: Images


class Odds(NamedTuple):
    """Log-odds of the target in the picture and in what the classifier judges."""

    before: PerExample
    reconstruction: PerExample
    after: PerExample


def explanation(
    batch: Batch,
    *,
    inside: Maps,
    moved: AnyArray,
    drawn: Drawn,
    odds: Odds,
    trace: dict[str, Any],
) -> Explanation:
    """All that is said.

    Args:
        batch: with label maps.
        inside: 1 where a region may change.
        moved: ``[b n d]``, the change of each region's code.
        drawn: see `Drawn`.
        odds: see `Odds`.
        trace: ``{name: [b t]}``.
    """
    change = drawn.reconstruction - drawn.generated
    return Explanation(
        target=batch.target,
        saliency=inside * jnp.abs(change).mean(axis=-1, keepdims=True),
        maps={
            DIFFERENCE.name: change.mean(axis=-1, keepdims=True),
            LABEL_MAP.name: batch.regions[..., None].astype(jnp.int32),
        },
        pictures={
            COUNTERFACTUAL.name: drawn.counterfactual,
            RECONSTRUCTION.name: drawn.reconstruction,
            GENERATED.name: drawn.generated,
        },
        numbers={**_numbers(batch, moved, odds), **trace},
    )


def _numbers(batch: Batch, moved: AnyArray, odds: Odds) -> dict[str, AnyArray]:
    shares = (batch.regions[..., None] == jnp.arange(moved.shape[1])).mean((1, 2))
    already = (odds.reconstruction >= 0) != (odds.before >= 0)
    return {
        CHANGES.name: jnp.sqrt(jnp.square(moved).sum(-1)),
        SHARES.name: shares,
        BEFORE.name: odds.before,
        RECONSTRUCTED.name: odds.reconstruction,
        AFTER.name: odds.after,
        ALREADY.name: already.astype(jnp.float32),
    }
