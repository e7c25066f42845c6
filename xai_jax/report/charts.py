"""Small line charts: where lines, ticks and marks stand, in per cent of the plot.

The plot is an SVG of 100 x 100 units stretched to its box, y downwards; the page sets labels in
HTML, so that text is never stretched.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from xai_jax.report.wording import MINUS

_MOST_POINTS = 300  # of a line: more cannot be seen


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Tick:
    """A label of an axis and its place in per cent."""

    label: str
    place: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    """One plot.

    Fields:
        lines: SVG path data by name; gaps where a value is not finite.
        ticks: of the y axis, from bottom to top.
        low, high: values at the bottom and the top of the plot.
    """

    lines: dict[str, str]
    ticks: list[_Tick]
    low: float
    high: float

    def place(self, value: float) -> float | None:
        """Distance of a value from the top in per cent; ``None`` for NaN or infinity."""
        if not math.isfinite(value):
            return None
        return round(100 * (self.high - value) / (self.high - self.low), 2)


def chart(series: Mapping[str, np.ndarray], *, also: Sequence[float] = ()) -> Chart | None:
    """The plot of some series ``[t]`` over one x axis from 0 to 100.

    Args:
        series: by name, of one length each.
        also: values that must be inside the plot, such as 0.

    Returns:
        The plot, or ``None`` where no value is finite.
    """
    values = np.concatenate([np.asarray(also, float), *(np.ravel(s) for s in series.values())])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return None
    ticks = nice_ticks(float(values.min()), float(values.max()))
    frame = Chart(lines={}, ticks=[], low=ticks[0], high=ticks[-1])
    step = ticks[1] - ticks[0]
    return dataclasses.replace(
        frame,
        lines={name: _path(frame, np.ravel(line)) for name, line in series.items()},
        ticks=[_Tick(label=_label(tick, step), place=frame.place(tick) or 0.0) for tick in ticks],
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Three to six multiples of 1, 2 or 5 times a power of ten that enclose ``[low, high]``."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - max(abs(low), 1) / 2, high + max(abs(high), 1) / 2
    power = 10.0 ** math.floor(math.log10((high - low) / 2))
    steps = [power * factor for factor in (1, 2, 5, 10)]
    step = next(s for s in steps if math.ceil(high / s) - math.floor(low / s) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [i * step for i in range(first, last + 1)]


def _label(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:.{decimals}f}".replace("-", MINUS) if value else "0"


def _path(frame: Chart, line: np.ndarray) -> str:
    """``M x y L x y …``: a new M after each gap."""
    drawn = np.unique(np.linspace(0, len(line) - 1, min(len(line), _MOST_POINTS)).astype(int))
    words, pen = [], "M"
    for i in drawn:
        y = frame.place(float(line[i]))
        if y is None:
            pen = "M"
            continue
        x = 100 * i / max(len(line) - 1, 1)
        words.append(f"{pen}{x:.2f} {y:.2f}")
        pen = "L"
    return "".join(words)
