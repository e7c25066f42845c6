"""Counterfactuals that change regions: which one changes most, and what leaks."""

import dataclasses
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.generator import check_region_names
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.settings import nearest
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, PerExample, PRNGKey

_CHANGED = 0.1  # of the largest change; a region whose code changes by more counts


def region_changes(names: Sequence[str], decides: str | None = None) -> Metric:
    """Scores of the numbers that `methods.steex` answers, and whether they name what decides.

    Whether decisions flip, and how many reconstructions do so already, are `counterfactuals.flips`
    and `sureness.surely`.

    Args:
        names: of the label maps' numbers; where the generator's are others, they are refused.
        decides: the one that decides; ``None``: it is not known, and what is about it is NaN, as
            where no code has changed, or the picture has none of it.

    Raises:
        ValueError: `decides` is none of them.
    """
    measure = _Changes(names=tuple(names), decides=number_of(decides, names))
    return Metric(measure=measure, rows=_ROWS, columns=_COLUMNS)


def number_of(region: str | None, names: Sequence[str]) -> int | None:
    """Of a region in label maps whose numbers have these names; ``None`` of none.

    Raises:
        ValueError: there is no such region; says which is near.
    """
    if region is None:
        return None
    if region not in names:
        raise ValueError(f"There is no region {region!r}; {nearest(region, names)}")
    return names.index(region)


def flips_alone(names: Sequence[str]) -> Metric:
    """How often each region alone flips the decision (`methods.steex.Sparsest`), and newly.

    Newly: where the region's own reconstruction, the picture around it, does not flip it already.
    Rates are of the pictures that have the region, and in which the generator sees it.

    Args:
        names: of the label maps' numbers; where the generator's are others, they are refused.

    Raises:
        ValueError: two names differ by nothing but blanks, hyphens and underscores.
    """
    called = {_called(name): name for name in names}
    if len(called) < len(names):
        raise ValueError(
            f"Two of the regions {', '.join(names)} would have one column; their names have to "
            "differ by more than blanks, hyphens and underscores."
        )
    ways = {  # head of the column, and what the row says after the name of the region
        "flips": ("flips", "alone flips the decision"),
        "newly_flips": ("newly flips", "alone flips it, and its reconstruction does not"),
    }
    said = [
        (f"{way}_{row}", name, *words)
        for way, words in ways.items()
        for row, name in called.items()
    ]
    return Metric(
        measure=_Alone(names=tuple(names)),
        rows=tuple(
            outputs.number(
                row, "0 or 1", f"Whether the region {name} {what}; NaN: it is not there."
            )
            for row, name, _, what in said
        ),
        columns=tuple(
            Column(row, f"{name} alone {head} %", "neither", 0.0, 1.0, "%", "ours", 1)
            for row, name, head, _ in said
        ),
    )


def _called(name: str) -> str:
    return f"by_{name.replace(' ', '_').replace('-', '_')}"


def diversity() -> Metric:
    """How many regions flip the decision each by itself, and how far these pictures lie apart.

    Of a method that moves each region alone (`methods.steex.Sparsest`). Regions that a picture does
    not have do not count, nor those whose reconstruction alone flips it already. Apart: the mean
    absolute difference of two of the counterfactuals that flip, over all pairs of them; NaN, and
    left out of the mean, where fewer than two do.
    """
    rows = (
        outputs.number(
            "flipping_regions",
            "regions",
            "How many regions flip, each by itself, and not by their reconstruction.",
        ),
        outputs.number(
            "diversity", "unit pixels", "Mean difference of two counterfactuals by other regions."
        ),
    )
    columns = (
        Column("flipping_regions", "regions that flip", "neither", 0.0, math.inf, "", "ours", 2),
        Column("diversity", "diversity", "higher", 0.0, 1.0, "", "ours", 4),
    )
    return Metric(measure=_diversity, rows=rows, columns=columns)


def _diversity(
    params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params, frozen, batch, key
    if "counterfactual_alone" not in explanation.pictures:
        raise ValueError(_NONE_ALONE)
    is_there, gains, already = (
        explanation.numbers[name] > 0 for name in ("region_share", "gained_alone", "already_alone")
    )  # [b n]
    flips = (is_there & gains & ~already).astype(jnp.float32)
    pictures = jnp.moveaxis(explanation.pictures["counterfactual_alone"], 1, 0)  # [n b h w c]

    def from_one(one: Images) -> jnp.ndarray:
        return jax.lax.map(lambda other: _mean(jnp.abs(one - other)), pictures)  # [n b]

    apart = jnp.moveaxis(jax.lax.map(from_one, pictures), 2, 0)  # [b n n]; 0 of one and itself
    num = flips.sum(axis=1)
    pairs = num * (num - 1.0)
    total = jnp.einsum("bn,bnm,bm->b", flips, apart, flips)
    mean = jnp.where(pairs > 0, total / jnp.where(pairs > 0, pairs, 1.0), jnp.nan)
    return {"flipping_regions": num, "diversity": mean}


_NONE_ALONE = "The method moves no region alone."


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Alone:
    names: tuple[str, ...]

    def __call__(
        self, params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, key
        numbers = explanation.numbers
        if "gained_alone" not in numbers:
            raise ValueError(_NONE_ALONE)
        check_region_names(self.names, frozen.generator)
        there = movable(frozen, batch, explanation)
        flips, already = (numbers[name] > 0 for name in ("gained_alone", "already_alone"))  # [b n]
        return {
            f"{way}_{_called(name)}": jnp.where(there[:, n], which[:, n], jnp.nan)
            for way, which in {"flips": flips, "newly_flips": flips & ~already}.items()
            for n, name in enumerate(self.names)
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Changes:
    names: tuple[str, ...]
    decides: int | None

    def __call__(
        self, params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, key
        change = changes(explanation)
        check_region_names(self.names, frozen.generator)
        first, share = self._named(change, movable(frozen, batch, explanation))
        pictures = explanation.pictures
        off = pictures["generated"] - pictures["reconstruction"]
        found = {
            "names_it": first,
            "share_of_change": share,
            "leaks": leaked(off, batch.regions, change > 0),
            "reconstruction_l1": _mean(jnp.abs(pictures["reconstruction"] - batch.images)),
            "code_distance": jnp.sqrt(jnp.square(change).sum(axis=1)),
            "changed_regions": (change > _CHANGED * change.max(axis=1, keepdims=True)).sum(axis=1),
        }
        return {name: values.astype(jnp.float32) for name, values in found.items()}

    def _named(self, change: AnyArray, there: AnyArray) -> tuple[PerExample, PerExample]:
        """Whether the region that decides changed most, and its share of all change."""
        if self.decides is None:
            return (jnp.full(len(change), jnp.nan),) * 2
        whole = change.sum(axis=1)
        known = (whole > 0) & there[:, self.decides]
        first = jnp.where(known, change.argmax(axis=1) == self.decides, jnp.nan)
        return first, jnp.where(known, change[:, self.decides] / whole, jnp.nan)


def changes(explanation: Explanation) -> AnyArray:
    """How far each region's code has moved, ``[b n]``.

    Raises:
        ValueError: the method moves none.
    """
    if "region_change" not in explanation.numbers:
        raise ValueError("The method changes no regions.")
    found: AnyArray = explanation.numbers["region_change"]
    return found


def movable(frozen: Frozen, batch: Batch, explanation: Explanation) -> AnyArray:
    """Which regions a picture has ``[b n]``, less those that are too small for the generator."""
    there: AnyArray = explanation.numbers["region_share"] > 0
    return there if frozen.generator is None else there & frozen.generator.seen(batch.regions)


def leaked(off: Images, labels: jnp.ndarray, moved: jnp.ndarray) -> PerExample:
    """Share of all absolute change of pixels outside of the regions whose codes changed.

    Args:
        off: ``[b h w c]``, the change.
        labels: ``[b h w]``.
        moved: ``[b n]`` bool, whether a region's code changed.
    """
    inside = jnp.take_along_axis(moved, labels.reshape(len(labels), -1), axis=1)
    size = jnp.abs(off).sum(axis=3).reshape(inside.shape)
    whole = size.sum(axis=1)
    outside = jnp.where(inside, 0.0, size).sum(axis=1)
    return jnp.where(whole > 0, outside / jnp.where(whole > 0, whole, 1.0), 0.0)


def _mean(images: Images) -> PerExample:
    return images.mean(axis=(1, 2, 3))


_ROWS = (
    outputs.number(
        "names_it",
        "0 or 1",
        "Whether the code of the region that decides changed most; NaN: not there.",
    ),
    outputs.number(
        "share_of_change",
        "in [0, 1]",
        "Share of the region that decides in all codes' change; NaN: not there.",
    ),
    outputs.number(
        "leaks", "in [0, 1]", "Share of the generated picture's change outside of what has moved."
    ),
    outputs.number("code_distance", "in the codes", "Length of the change of all codes."),
    outputs.number(
        "changed_regions", "regions", "How many codes change by a tenth of the largest or more."
    ),
    outputs.number(
        "reconstruction_l1", "unit pixels", "Mean absolute error of the reconstruction."
    ),
)
_COLUMNS = (
    Column("names_it", "names it first %", "higher", 0.0, 1.0, "%", "ours", 1),
    Column("share_of_change", "share of change %", "higher", 0.0, 1.0, "%", "ours", 1),
    Column("code_distance", "code distance", "lower", 0.0, math.inf, "", "ours", 3),
    Column("changed_regions", "regions changed", "lower", 0.0, math.inf, "", "ours", 2),
    Column("leaks", "leaks %", "lower", 0.0, 1.0, "%", "ours", 1),
    Column("reconstruction_l1", "reconstruction L1", "lower", 0.0, 1.0, "", "ours", 4),
)
