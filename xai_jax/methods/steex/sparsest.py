"""Every region by itself, and the fewest regions that flip the decision together (ours).

Each region of a picture, or each that is named, is moved alone, which gives a counterfactual a
region, and how far each brings the other decision; then the best one, the best two and so on are
moved together, until the decision flips (greedy).
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.domains import Count, NotNegative, Positive
from xai_jax.core.method import Frozen, Method
from xai_jax.core.outputs import COUNTERFACTUAL, REGION, Output
from xai_jax.core.types import AnyArray, Batch, Explanation, PerExample, PRNGKey
from xai_jax.methods.steex import problem, regions, shown
from xai_jax.methods.steex.problem import Problem
from xai_jax.methods.steex.settings import Optimisation

ALONE = Output(
    name="counterfactual_alone",
    kind="picture",
    axes=(REGION, *COUNTERFACTUAL.axes),
    unit="unit pixels",
    meaning="The counterfactual by each region alone; of one that is absent or not tried the "
    "picture itself.",
)
ALONE_GAINED = outputs.number(
    "gained_alone",
    "nats",
    "Log-odds of the other decision by each region alone; of one that is absent or not tried those "
    "of the picture itself.",
    REGION,
)
ALONE_ALREADY = outputs.number(
    "already_alone",
    "nats",
    "Log-odds of the other decision by what stands for each region alone before any change; of one "
    "that is absent or not tried those of the picture itself.",
    REGION,
)
SET = outputs.number(
    "region_set",
    "0 or 1",
    "The fewest regions found that flip; where none do, all that were tried and are there. Unless "
    "corrected, what their reconstruction gains by itself counts in the decision, too.",
    REGION,
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Sparsest(Optimisation):
    """Settings; see `Optimisation`. By default those of `Config.sparing`.

    Attributes:
        num_steps, learning_rate, distance_weight, margin, fresh_noise, restored, corrected: as in
            `settings.Optimisation`.
        targeted: names of the regions that are tried; empty: all that the picture has.
    """

    targeted: tuple[str, ...] = ()
    num_steps: Count = 100
    learning_rate: Positive = 0.05
    distance_weight: NotNegative = 0.02
    margin: NotNegative | None = 3.0
    fresh_noise: bool = False
    restored: bool = True

    @classmethod
    def smoke(cls) -> "Sparsest":
        """The smallest honest run: few, large steps."""
        return cls(num_steps=12, learning_rate=0.1)

    def build(self) -> Method:
        """The method with these settings."""
        return sparsest(self)


def sparsest(cfg: Sparsest) -> Method:
    """Two optimisations a region, at most; the later ones end as soon as all pictures flip."""
    targeted = tuple(cfg.targeted)
    return Method(
        explain=functools.partial(_explain, cfg),
        outputs=(*shown.OUTPUTS, ALONE, ALONE_GAINED, ALONE_ALREADY, SET),
        check=functools.partial(regions.check, targeted),
        admit=functools.partial(regions.admit, targeted),
    )


def _explain(
    cfg: Sparsest, weights: Any, frozen: Frozen, batch: Batch, key: PRNGKey
) -> Explanation:
    del weights
    of = problem.problem(cfg, frozen, batch, key)
    names = of.generator.region_names
    tried = jnp.asarray(regions.numbers_of(tuple(cfg.targeted), names))
    found = jax.lax.map(functools.partial(_alone, of), jnp.eye(len(names))[tried])
    among = of.generator.seen(regions.of_batch(batch))
    among &= jnp.zeros(len(names), bool).at[tried].set(True)

    def of_all(untouched, alone):
        every = jnp.repeat(untouched[:, None], len(names), axis=1)
        own = every.at[:, tried].set(jnp.moveaxis(alone, 0, 1))
        return jnp.where(among.reshape(*among.shape, *[1] * (own.ndim - 2)), own, every)

    before = of.gained(of.odds)
    untouched = before, before, jnp.zeros_like(before), batch.images
    gained, already, merit, pictures = map(of_all, untouched, found)
    free, moved, trace = _fewest(of, gained, among, len(tried))
    said = problem.explained(of, free, moved, trace)
    alone = {ALONE_GAINED.name: gained, ALONE_ALREADY.name: already}
    return dataclasses.replace(
        said,
        saliency=regions.where(batch.regions, merit),
        pictures={**said.pictures, ALONE.name: pictures},
        numbers={**said.numbers, **alone, SET.name: free},
    )


def _alone(of: Problem, row: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray]:
    """By the regions of `row` ``[n]`` what is gained, what was before any change, and pictures.

    Before the pictures stands what the change of the codes gains by itself.
    """
    free = jnp.broadcast_to(row, of.begun.shape[:2])
    moved, trace = of.solve(free)
    inside, last = regions.where(of.batch.regions, free), of.last_step(trace)
    begun, made = (of.judged(of.draw(x, last), inside) for x in (jnp.zeros_like(moved), moved))
    already, reached = (of.gained(of.ask(pictures)) for pictures in (begun, made))
    return reached - of.credit(inside), already, reached - already, made


def _fewest(
    of: Problem, gained: AnyArray, among: AnyArray, most: int
) -> tuple[AnyArray, AnyArray, dict[str, AnyArray]]:
    """Which regions move, how far, and the trace, of each picture's smallest set that flips.

    Args:
        of: the problem.
        gained: ``[b n]``, by each region alone.
        among: ``[b n]`` bool, which may be in the set.
        most: of these in any picture.
    """
    order = jnp.where(among, -gained, jnp.inf).argsort(axis=1).argsort(axis=1)  # 0 for the best
    nothing = jax.tree.map(
        lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(of.solve, jnp.ones_like(gained))
    )
    is_done = jnp.zeros(len(gained), bool)

    def larger(carry, size):
        def solved(carry):
            is_done, *before = carry
            free = (among & (order < size)).astype(jnp.float32)
            found = (free, *of.solve(free))
            reached = _reached(of, *found)
            kept = jax.tree.map(functools.partial(_where, is_done), tuple(before), found)
            return (is_done | (reached > 0) | (size >= among.sum(axis=1)), *kept)

        return jax.lax.cond(carry[0].all(), lambda carry: carry, solved, carry), None

    begun = (is_done, jnp.zeros_like(gained), *nothing)
    (_, *found), _ = jax.lax.scan(larger, begun, jnp.arange(1, most + 1))
    free, moved, trace = found
    return free, moved, trace


def _reached(
    of: Problem, free: AnyArray, moved: AnyArray, trace: dict[str, AnyArray]
) -> PerExample:
    """How far the other decision is reached by codes that have moved."""
    inside = regions.where(of.batch.regions, free)
    made = of.judged(of.draw(moved, of.last_step(trace)), inside)
    return of.reached(made, of.credit(inside))


def _where(is_done: AnyArray, before: AnyArray, after: AnyArray) -> AnyArray:
    return jnp.where(is_done.reshape(-1, *[1] * (after.ndim - 1)), before, after)
