"""The classifier's answer while a picture vanishes pixel by pixel: one pass, every curve's score.

Per picture and infill, ``p_k`` is the probability of the explained classes with the first ``k / n``
of the pixels replaced by the infill, the most relevant first (MoRF) or the least relevant first
(LeRF). `deletion` is the area under the one, `insertion` that under the other: pixels put back, the
most relevant first, make the same pictures in the opposite order.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xai_jax.core import outputs
from xai_jax.core.content import content
from xai_jax.core.image import unit_range
from xai_jax.core.infill import Infill, weights_sha256
from xai_jax.core.method import Builds, Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import STEP, Output
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, Maps, PerExample, PRNGKey, PRNGKeys, PyTree
from xai_jax.metrics.segmentation import without_nan
from xai_jax.metrics.shown import of_parts, probability

Curve = Float[Array, "b n"]
STEPS = 28  # RISE's, of 1,792 pixels each at 224


def curves(
    infill: Builds[Infill] | Infill | None = None, name: str = "", *, num_steps: int = STEPS
) -> Metric:
    """Scores of `Explanation.saliency` by removal: ``2 n + 1`` classifier calls a picture.

    Rows are the two curves and, of each picture, what the columns average; all come from the same
    passes. Equal pixels vanish in a random order that follows the picture's id, so that a flat map
    is as good as a random one.

    Args:
        infill: what takes the removed pixels' place, or settings that build it for the classifier;
            ``None``: that of the run. Of one that draws one of several the curves are means over
            these, of as many calls each.
        name: of the infill; ends every row and column, so that several infills stand in one table.
        num_steps: n; at most as many as pixels.

    Raises:
        ValueError: there are fewer than two steps; `infill` is a name; or the file of its weights
            is missing, damaged, or of another network.
    """
    if num_steps < 2:
        raise ValueError(f"num_steps must be at least 2, not {num_steps}.")
    if not isinstance(infill, Infill | Builds | None) or isinstance(infill, type):
        raise ValueError(
            f"infill is {infill!r:.60}, which is neither an Infill nor settings that build one; "
            "pass an object such as Blur() of xai_jax.infills.blur."
        )
    measure = _Curves(
        infill=infill,
        weights_sha256=weights_sha256(infill),
        ending=f"_{name}" if name else "",
        num_steps=num_steps,
    )
    columns = measure.columns(name)
    return Metric(measure=measure, rows=measure.rows(), columns=columns, ranks=True)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Curves:
    """The measure; equal settings are equal, so that they share one compiled program."""

    infill: Any
    weights_sha256: str | None  # of the files that it reads, which are known by their content
    ending: str
    num_steps: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Curves) and content(self) == content(other)

    def __hash__(self) -> int:
        return hash(content(self))

    def __call__(
        self, params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, Array]:
        del params
        maps, keys = without_nan(explanation.saliency), example_keys(key, batch.image_id)
        passes = _passes(self._infill_of(frozen), frozen, batch, maps, keys, self.num_steps)
        found = dict(zip(("whole", "masked", "morf", "lerf"), passes, strict=True))
        found |= scores(*passes)
        return {name + self.ending: values for name, values in found.items()}

    def _infill_of(self, frozen: Frozen) -> Infill:
        if self.infill is None:
            return frozen.infill
        is_built = isinstance(self.infill, Infill)
        return self.infill if is_built else self.infill.build(frozen.classifier)

    def rows(self) -> tuple[Output, ...]:
        return tuple(
            outputs.number(name + self.ending, unit, meaning, *axes)
            for name, (axes, unit, meaning) in _ROWS.items()
        )

    def columns(self, name: str) -> tuple[Column, ...]:
        head = f", {name.replace('_', ' ')}" if name else ""
        return tuple(c._replace(name=c.name + self.ending, head=c.head + head) for c in _COLUMNS)


def _passes(
    infill: Infill, frozen: Frozen, batch: Batch, maps: Maps, keys: PRNGKeys, num_steps: int
) -> tuple[PerExample, PerExample, Curve, Curve]:
    """Probabilities of the whole picture, of that under the map, and along both ways ``[b n+1]``.

    A part is the pixels whose rank is within [low, high); low -1 stands for the map itself.
    """
    rank, soft = shuffled_ranks(maps, keys), unit_range(maps)
    pixels = rank.shape[1] * rank.shape[2]
    gone = np.round(np.arange(1, num_steps) / num_steps * pixels).astype(np.int32)
    inner = len(gone)
    low = np.concatenate([[-1, 0, pixels], gone, np.zeros(inner, np.int32)]).astype(np.int32)
    high = np.concatenate([[0, pixels, pixels], np.full(inner, pixels), pixels - gone])
    score = lambda images: probability(frozen.classifier, images, batch)  # noqa: E731
    shown = of_parts(infill, batch.images, keys, score)

    def answer(part: tuple[Array, Array]) -> PerExample:
        first, end = part
        hard = ((rank >= first) & (rank < end)).astype(jnp.float32)
        return shown(jnp.where(first < 0, soft, hard))

    # One loop over all parts, for the sake of one copy of the classifier in the compiled program.
    found = jax.lax.map(answer, (jnp.asarray(low), jnp.asarray(high, jnp.int32)))  # [2n+1 b]
    masked, whole, nothing = found[:3]
    morf, lerf = jnp.split(found[3:].T, 2, axis=1)  # [b n-1] each
    ends = whole[:, None], nothing[:, None]
    curve = lambda inside: jnp.concatenate([ends[0], inside, ends[1]], axis=1)  # noqa: E731
    return whole, masked, curve(morf), curve(lerf)


def shuffled_ranks(maps: Maps, keys: PRNGKeys) -> Int[Array, "b h w 1"]:
    """Place of each pixel in its map, 0 = largest; equals in an order that follows the key.

    In reading order (`core.areas.ranks`) the zeros of a map would vanish from the top, which is a
    shape, and pictures have their objects where people put them.
    """
    flat = maps.reshape(maps.shape[0], -1)  # [b hw]

    def one(values, key):
        shuffle = jax.random.permutation(key, values.shape[0])
        order = shuffle[jnp.argsort(-values[shuffle], stable=True)]
        return jnp.zeros_like(order).at[order].set(jnp.arange(len(order), dtype=order.dtype))

    return jax.vmap(one)(flat, keys).astype(jnp.int32).reshape(maps.shape)


def scores(
    whole: PerExample, masked: PerExample, morf: Curve, lerf: Curve
) -> dict[str, PerExample]:
    """What the passes say of each picture; docs/metrics.md has the formulas.

    Args:
        whole: probability in the picture, in [0, 1].
        masked: in the picture times the map stretched to [0, 1].
        morf: ``[b n+1]``, with 0, 1/n, ... 1 of the pixels removed, the most relevant first.
        lerf: the same, the least relevant first.
    """
    deletion, insertion = _area(morf), _area(lerf)
    drop, gain = jnp.maximum(whole - masked, 0.0), jnp.maximum(masked - whole, 0.0)
    return {
        "srg": insertion - deletion,
        "insertion": insertion,
        "deletion": deletion,
        "aopc_morf": whole - morf.mean(axis=1),
        "aopc_lerf": whole - lerf.mean(axis=1),
        "average_drop": _ratio(drop, whole),
        "increase": (masked > whole).astype(jnp.float32),
        "gain": _ratio(gain, 1.0 - whole),
    }


def _area(curve: Curve) -> PerExample:
    """By trapezoids, over shares of the pixels from 0 to 1."""
    return (curve.sum(axis=1) - 0.5 * (curve[:, 0] + curve[:, -1])) / (curve.shape[1] - 1)


def _ratio(part: PerExample, whole: PerExample) -> PerExample:
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1.0), 0.0)


_SHARE = "in [0, 1]"
_SIGNED = "in [-1, 1]"
_ROWS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "whole": ((), _SHARE, "Mean probability of the explained classes in the picture."),
    "masked": ((), _SHARE, "That under the map stretched to [0, 1] as a mask."),
    "morf": ((STEP,), _SHARE, "That as pixels vanish in equal steps, the most relevant first."),
    "lerf": ((STEP,), _SHARE, "That as pixels vanish in equal steps, the least relevant first."),
    "srg": ((), _SIGNED, "Area between lerf and morf; 0 for an order that says nothing."),
    "insertion": ((), _SHARE, "Area under lerf: pixels come, the most relevant first."),
    "deletion": ((), _SHARE, "Area under morf: pixels go, the most relevant first."),
    "aopc_morf": ((), _SIGNED, "Mean of whole - morf over all steps."),
    "aopc_lerf": ((), _SIGNED, "Mean of whole - lerf over all steps."),
    "average_drop": ((), _SHARE, "Share of the probability that is lost under the map."),
    "increase": ((), "0 or 1", "1 where the classifier is surer under the map."),
    "gain": ((), _SHARE, "Share of what was lacking to certainty that is won under the map."),
}
_RISE = "Petsiuk et al. 2018 (RISE), sec. 4.1"
_SAMEK = "Samek et al. 2017, sec. III"
_CHATTOPADHAY = "Chattopadhay et al. 2018 (Grad-CAM++), sec. 4.1"
_COLUMNS = (
    Column("srg", "SRG", "higher", -1.0, 1.0, "", "Bluecher et al. 2024 (arXiv 2401.06654)"),
    Column("insertion", "insertion", "higher", 0.0, 1.0, "", _RISE),
    Column("deletion", "deletion", "lower", 0.0, 1.0, "", _RISE),
    Column("aopc_morf", "AOPC MoRF", "higher", -1.0, 1.0, "", _SAMEK),
    Column("aopc_lerf", "AOPC LeRF", "lower", -1.0, 1.0, "", _SAMEK),
    Column("average_drop", "drop %", "lower", 0.0, 1.0, "%", _CHATTOPADHAY, 1),
    Column("increase", "increase %", "higher", 0.0, 1.0, "%", _CHATTOPADHAY, 1),
    Column("gain", "gain %", "higher", 0.0, 1.0, "%", "Zhang et al. 2024 (Opti-CAM)", 1),
)
