"""A run folder whose every number is known beforehand, for tests of the report.

Picture k with sufficient level s and slope w has ``kept[n] = n - s + 0.5``, so that level s is the
first above 0, and ``removed[n] = original - w (n + 1)``, so that ``w (s + 1)`` nats are lost there.
"""

import dataclasses
from pathlib import Path

import fake_run
import numpy as np

from xai_jax.core.areas import AREAS
from xai_jax.runtime import store, summary

HEIGHT, WIDTH, LEVELS = 24, 30, len(AREAS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """One picture of the run; `level` None means skipped."""

    name: str
    level: int | None
    slope: float = 1.0
    target: str = "zebra"
    predicted: str = ""

    @property
    def kept(self) -> np.ndarray:
        return np.arange(LEVELS) - self.level + 0.5

    @property
    def removed(self) -> np.ndarray:
        return self.kept[-1] - self.slope * np.arange(1, LEVELS + 1)


HOSTILE = "<img src=x onerror=alert(1)>&'\"{{ 7 * 7 }}</script>.png"
GALLERY = (
    Known(name="herd/zebra 10.png", level=4, slope=1.0),
    Known(name="herd/zebra 9.png", level=7, slope=2.0),
    Known(name=HOSTILE, level=2, slope=3.0, target="<i>fox</i>"),
    Known(name="broken.png", level=None),
    Known(name="tabby.png", level=12, slope=0.5, target="tabby", predicted="Egyptian cat"),
    Known(name="a-very-long-name-" * 12 + ".png", level=19, slope=0.1, target="wall clock"),
)
LOST = {0: 5.0, 1: 16.0, 2: 9.0, 4: 6.5, 5: 2.0}  # nats: slope * (level + 1)


def saliency(place: int) -> np.ndarray:
    """``[h w 1]``: distinct values, so that each level is one set of pixels."""
    order = np.random.default_rng(place).permutation(HEIGHT * WIDTH)
    return (order / order.size - 0.5).reshape(HEIGHT, WIDTH, 1).astype(np.float32)


def image(place: int) -> np.ndarray:
    return np.random.default_rng(100 + place).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def class_keep(num_classes: int) -> np.ndarray:
    """``[h w k]``: class k keeps the upper k + 1 rows."""
    rows = np.arange(HEIGHT)[:, None, None] <= np.arange(num_classes)
    return np.broadcast_to(rows, (HEIGHT, WIDTH, num_classes)).astype(np.float16)


def class_log_odds(num_classes: int) -> np.ndarray:
    """``[k]``: the later a class, the more probable; the target is class 1."""
    return np.arange(num_classes) - 3.0


def arrays(known: Known, place: int, num_classes: int = 0) -> dict[str, np.ndarray]:
    steps = np.linspace(0, 1, 7)
    keep = saliency(place) + 0.5
    masks = {
        "class_keep": class_keep(num_classes),
        "class_log_odds": class_log_odds(num_classes),
    }
    return {
        "images": image(place),
        "keep": keep,
        "saliency": saliency(place),
        "target": np.array(1),
        "log_odds_original": known.kept[-1],
        "log_odds_kept": np.array(1.25),
        "log_odds_removed": np.array(-1.25),
        "curve_kept": known.kept,
        "curve_removed": known.removed,
        "trace/objective": 5 - 4 * steps,
        "trace/kept_area": steps,
        **(masks if num_classes else {}),
    }


def row(known: Known) -> summary.Row:
    if known.level is None:
        return summary.Row.skipped(known.name, "It is <truncated>; copy it again.")
    return summary.Row(
        picture=known.name,
        status="done",
        target=1,
        target_name=known.target,
        predicted=2 if known.predicted else 1,
        predicted_name=known.predicted or known.target,
        log_odds_original=known.kept[-1],
        sufficient_area=AREAS[known.level],
    )


def write(folder: Path, gallery=GALLERY, *, batch_size: int = 4, class_names=(), **changes) -> None:
    """Writes the run, with a mask of each named class; `changes` replace arrays of row 0, whole."""
    names = tuple(known.name for known in gallery)
    run = fake_run.manifest(len(gallery), batch_size, pictures=names)
    run.write(folder)
    writer = store.Writer(folder, len(gallery), batch_size, class_names)
    for batch in range(run.num_batches()):
        rows = run.rows(batch)
        some = {i: arrays(gallery[i], i, len(class_names)) for i in _done(gallery, rows)}
        if 0 in some:
            some[0] |= changes
        if some:
            writer.write(rows.start, _stacked(some, rows))
        summary.write_batch(folder, batch, [row(known) for known in gallery[rows]])


def _done(gallery, rows: slice) -> list[int]:
    return [i for i in range(rows.start, rows.stop) if gallery[i].level is not None]


def _stacked(some: dict, rows: slice) -> dict[str, np.ndarray]:
    first = next(iter(some.values()))
    out = {}
    for name, value in first.items():
        blank = np.full(np.shape(value), store.fill(name), store.dtype(name))
        places = range(rows.start, rows.stop)
        out[name] = np.stack([some[i][name] if i in some else blank for i in places])
    return out
