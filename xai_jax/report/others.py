"""What is said of a picture beside what the page has a view for: walked by declaration."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from xai_jax.core.outputs import CLASS, COUNTERFACTUAL, REGION, STEP, Output
from xai_jax.report import embedded, panels
from xai_jax.report.charts import chart
from xai_jax.report.wording import class_name, raw

MOST = 20  # lines, pictures or maps that are shown of one output
_FEW = 3  # last values that are all told


@dataclasses.dataclass(frozen=True, kw_only=True)
class Other:
    """One declared output of one picture: `values` without the axis of the pictures."""

    output: Output
    values: np.ndarray

    @property
    def title(self) -> str:
        """Its name as people read it."""
        return self.output.name.replace("_", " ")

    @property
    def is_trace(self) -> bool:
        """Whether it is what an optimisation logged, step by step."""
        return self.output.kind == "number" and STEP in self.output.axes

    def words(self) -> dict[str, str]:
        """What the page says of it."""
        return {"title": self.title, "unit": self.output.unit, "meaning": self.output.meaning}


def traces(others: Iterable[Other]) -> list[dict[str, Any]]:
    """Charts over the steps, in the order of `others`."""
    return [_lines(other) for other in others if other.is_trace]


def curves(others: Iterable[Other]) -> list[dict[str, Any]]:
    """Charts of numbers over an axis that is not that of the steps."""
    numbers = [other for other in others if other.output.kind == "number" and other.values.ndim]
    return [_lines(other) for other in numbers if not other.is_trace]


def numbers(others: Iterable[Other]) -> list[dict[str, str]]:
    """Single numbers with their unit."""
    return [
        {**other.words(), "value": _value(other.values)}
        for other in others
        if other.output.kind == "number" and not other.values.ndim
    ]


def figures(others: Iterable[Other], regions: Mapping[int, str]) -> list[dict[str, Any]]:
    """Every picture of ``[h w c]`` or ``[n h w c]``, at most `MOST` of an output.

    Args:
        others: of the picture.
        regions: the names, by number, of those that the picture has: of one picture a region no
            other is shown. Empty where they are not known.
    """
    found = []
    for other in others:
        if other.output.kind != "picture":
            continue
        several = other.values.reshape(-1, *other.values.shape[-3:])
        which = {n: f"{n + 1} of {len(several)}" for n in range(len(several))}
        if regions and other.output.axes[0] == REGION:
            which = dict(regions)
        for n in list(which)[:MOST]:
            drawn = panels.picture(several[n])
            found.append(
                {
                    **other.words(),
                    "name": other.output.name,
                    "which": which[n] if len(several) > 1 else "",
                    "image": embedded.data_uri(drawn, quality=90),
                    "size": (drawn.shape[1], drawn.shape[0]),
                }
            )
    return found


def is_turned(others: Iterable[Other]) -> bool:
    """Whether one counterfactual is there, to be laid over the picture."""
    return any(
        other.output.name == COUNTERFACTUAL.name and other.values.ndim == 3  # [h w c]
        for other in others
    )


def overlays(
    image: np.ndarray, others: Iterable[Other], class_names: Sequence[str]
) -> list[dict[str, Any]]:
    """Every channel of the maps ``[h w n]`` over the picture, at most `MOST` of an output.

    Those that their unit says are signed have colours of their own, with 0 in the middle.

    Args:
        image: ``[h w c]``.
        others: of the picture.
        class_names: by index, for maps of classes; empty where they are not known.
    """
    found = []
    for other in others:
        if other.output.kind != "map":
            continue
        channels, is_signed = other.values.shape[-1], other.output.is_signed
        draw = panels.signed_overlay if is_signed else panels.overlay
        range_of = panels.signed_range if is_signed else panels.display_range
        for n in range(min(channels, MOST)):
            uri, size = embedded.thumbnail(draw(image, other.values[..., n]))
            extremes = range_of(other.values[..., n])
            found.append(
                {
                    **other.words(),
                    "which": _channel(other.output, n, channels, class_names),
                    "image": uri,
                    "size": size,
                    "extremes": [raw(value) for value in extremes] if extremes else [],
                    "is_signed": is_signed,
                }
            )
    return found


def _lines(other: Other) -> dict[str, Any]:
    """A chart of one line, or of several over the last of the other axes."""
    axes = other.output.axes
    along = axes.index(STEP) if other.is_trace else other.values.ndim - 1
    lines = np.moveaxis(other.values, along, -1)
    lines = lines.reshape(math.prod(lines.shape[:-1]), lines.shape[-1])  # [m t]
    drawn = np.unique(np.linspace(0, len(lines) - 1, min(len(lines), MOST)).astype(int))
    ends = [raw(float(line[-1])) for line in lines if len(line)]
    each = " and ".join(name for i, name in enumerate(axes) if i != along)
    several = f"{len(lines)} lines, one for each {each}, the first faintest"
    return {
        **other.words(),
        "chart": chart({f"n{i}": lines[i] for i in drawn}),
        "last": ", ".join(ends if len(ends) <= _FEW else [ends[0], "…", ends[-1]]),
        "axis": axes[along],
        "length": lines.shape[-1],
        "several": several if len(lines) > 1 else "",
    }


def _value(values: np.ndarray) -> str:
    if not np.isfinite(values):
        return "not defined"
    whole = np.issubdtype(values.dtype, np.integer)
    return str(int(values)) if whole else raw(float(values))


def _channel(output: Output, n: int, channels: int, class_names: Sequence[str]) -> str:
    if output.axes[-1] == CLASS:
        return class_name(n, class_names[n] if class_names else "")
    return f"{n + 1} of {channels}" if channels > 1 else ""
