"""What each region does to the classifier: measured by colouring it otherwise in the picture.

No generator has a part in it: an offset of colour, or of luma, is added to the region's pixels, and
the classifier asked how far its log-odds move.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core import outputs
from xai_jax.core.generator import check_region_names
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, PerExample, PRNGKey
from xai_jax.metrics.ranks import rank_correlation
from xai_jax.metrics.regions import changes, movable, number_of

Effects = Float[Array, "b n"]


def region_effects(
    names: Sequence[str],
    decides: str | None = None,
    *,
    luma: Sequence[float] = (),
    spread: float = 0.2,
    num: int = 8,
) -> Metric:
    """How well the change of each region's code ranks the regions by their measured effect.

    Beside it how often the region that should decide has the largest effect: where it has not, the
    classifier looks elsewhere, and an explanation that says so is right.

    Args:
        names: of the label maps' numbers; where the generator's are others, they are refused.
        decides: that region; the share of the pictures where it has the largest effect is of those
            that have it. ``None``: it is not known, and that share is NaN.
        luma: of each region the standard deviation of its mean luma over pictures, in unit pixels,
            for decisions by brightness: all channels are shifted by it, up and down. Empty: offsets
            of colour.
        spread: standard deviation of the offsets of colour, of each channel by itself, in unit
            pixels.
        num: offsets of colour a region, each of which is a pass of the classifier.

    Raises:
        ValueError: `decides` is none of them.
    """
    measure = _Effects(
        names=tuple(names),
        decides=number_of(decides, names),
        luma=tuple(luma),
        spread=spread,
        num=num,
    )
    return Metric(measure=measure, rows=_ROWS, columns=_COLUMNS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Effects:
    names: tuple[str, ...]
    decides: int | None
    luma: tuple[float, ...]
    spread: float
    num: int

    def __call__(
        self, params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params
        change = changes(explanation)
        check_region_names(self.names, frozen.generator)
        is_there = explanation.numbers["region_share"] > 0
        measured = self._measured(frozen, batch, change.shape[1], key)
        can_move = movable(frozen, batch, explanation)
        rank = rank_correlation(change, measured, can_move)  # of two it is 1 or -1
        strongest = jnp.where(is_there, measured, -1.0).argmax(axis=1)
        decider = jnp.full(len(rank), jnp.nan)
        if self.decides is not None:
            found = strongest == self.decides
            decider = jnp.where(is_there[:, self.decides], found, jnp.nan)
        return {
            "effect_rank": jnp.where(can_move.sum(axis=1) > 2, rank, jnp.nan),
            "effect_of_decider": decider,
            "names_strongest": jnp.where(
                change.sum(axis=1) > 0, change.argmax(axis=1) == strongest, jnp.nan
            ),
        }

    def _measured(self, frozen: Frozen, batch: Batch, num_regions: int, key: PRNGKey) -> Effects:
        if not self.luma:
            offsets = of_colour(batch, key, spread=self.spread, num=self.num)
            return effects(frozen, batch, offsets, (1.0,) * num_regions)
        if len(self.luma) != num_regions:
            raise ValueError(
                f"There are {num_regions} regions, and luma has {len(self.luma)} standard "
                "deviations; give one of each."
            )
        return effects(frozen, batch, up_and_down(batch), self.luma)


Offsets = Float[Array, "k b c"]


def of_colour(batch: Batch, key: PRNGKey, *, spread: float, num: int) -> Offsets:
    """Normal, of each channel by itself; the same for every region of a picture."""
    shape = num, batch.images.shape[3]
    draw = jax.vmap(lambda key: spread * jax.random.normal(key, shape))
    return jnp.moveaxis(draw(example_keys(key, batch.image_id)), 1, 0)


def up_and_down(batch: Batch) -> Offsets:
    """By one in all channels, brighter and darker."""
    shape = 2, len(batch.images), batch.images.shape[3]
    return jnp.broadcast_to(jnp.array([1.0, -1.0])[:, None, None], shape)


def effects(frozen: Frozen, batch: Batch, offsets: Offsets, scales: Sequence[float]) -> Effects:
    """The mean absolute change of the target's log-odds, in nats; 0 of a region that is absent.

    Args:
        frozen: whose classifier is asked.
        batch: with label maps.
        offsets: which are added to the pixels of a region, in unit pixels.
        scales: of each region, by which its offsets are multiplied.
    """

    def ask(images):
        return frozen.classifier.log_odds(images, batch.target)

    before = ask(batch.images)

    def of_region(region):
        number, scale = region
        inside = (batch.regions == number)[..., None]

        def moved(offset):
            other = jnp.clip(batch.images + scale * offset[:, None, None], 0.0, 1.0)
            return jnp.abs(ask(jnp.where(inside, other, batch.images)) - before)

        return jax.lax.map(moved, offsets).mean(axis=0)

    return jax.lax.map(of_region, (jnp.arange(len(scales)), jnp.asarray(scales))).T


_ROWS = (
    outputs.number(
        "effect_rank",
        "in [-1, 1]",
        "Rank correlation of the regions' changes with their measured effects.",
    ),
    outputs.number(
        "effect_of_decider", "0 or 1", "Whether the region that should decide has most effect."
    ),
    outputs.number("names_strongest", "0 or 1", "Whether the region of most effect changed most."),
)
_COLUMNS = (
    Column("effect_rank", "rank correlation with effects", "higher", -1.0, 1.0, "", "ours", 3),
    Column("effect_of_decider", "decider has most effect %", "neither", 0.0, 1.0, "%", "ours", 1),
    Column("names_strongest", "names the strongest %", "higher", 0.0, 1.0, "%", "ours", 1),
)
