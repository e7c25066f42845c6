"""A run folder whose every number is known beforehand, for tests of the report.

Picture k with sufficient level s and slope w has ``kept[n] = n - s + 0.5``, so that level s is the
first above 0, and ``removed[n] = original - w (n + 1)``, so that ``w (s + 1)`` nats are lost there.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import fake_run
import numpy as np

from xai_jax.core.areas import AREAS
from xai_jax.core.outputs import AREA, COUNTERFACTUAL, LABEL_MAP, REGION, STEP, Output, by_name
from xai_jax.metrics import fidelity
from xai_jax.runtime import done, store, summary

SAMPLE = "sample"
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
SHOWN = sorted(GALLERY, key=lambda known: known.level is None)  # as the page does
NUM, SKIPPED = 113, 61  # of `many`: more than two pages, and one that cannot be read
LOST = {0: 5.0, 1: 16.0, 2: 9.0, 4: 6.5, 5: 2.0}  # nats: slope * (level + 1)


def many(num: int = NUM) -> tuple[Known, ...]:
    """Pictures 1 to `num`."""
    return tuple(
        dataclasses.replace(GALLERY[3 if i == SKIPPED else i % 3], name=f"herd/zebra {i}.png")
        for i in range(1, num + 1)
    )


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
    masks = {"class_keep": class_keep(num_classes)}
    log_odds = class_log_odds(num_classes or 3)
    return {
        "images": image(place) / np.float32(255),
        "keep": saliency(place) + 0.5,
        "saliency": saliency(place),
        "target": np.array(1),
        "predicted": np.array(2 if known.predicted else 1),
        "class_log_odds": log_odds,
        "log_odds_original": known.kept[-1],
        "log_odds_kept": np.array(1.25),
        "log_odds_removed": np.array(-1.25),
        "curve_kept": known.kept,
        "curve_removed": known.removed,
        "kept_area": np.array(0.5),
        "sufficient_area": np.array(AREAS[known.level]),
        "objective": 5 - 4 * steps,
        "mask_area": steps,
        **(masks if num_classes else {}),
    }


def row(known: Known, digest: str, values: dict[str, np.ndarray] | None) -> summary.Row:
    """The summary of a picture with these arrays; ``None`` where it was skipped."""
    if values is None:
        return summary.Row.skipped(known.name, digest, "It is <truncated>; copy it again.")
    scalars = {
        name: float(value) if np.isfinite(value) else None
        for name, value in values.items()
        if np.ndim(value) == 0 and name not in ("target", "predicted")
    }
    has_predictions = "predicted" in values
    return summary.Row(
        picture=known.name,
        digest=digest,
        status="done",
        target=1,
        target_name=known.target,
        predicted=int(values["predicted"]) if has_predictions else None,
        predicted_name=(known.predicted or known.target) if has_predictions else "",
        numbers=scalars,
    )


def write(
    folder: Path,
    gallery=GALLERY,
    *,
    batch_size: int = 4,
    class_names=(),
    without=(),
    region_names=(),
    more: Mapping[Output, np.ndarray] = MappingProxyType({}),
    **changes,
) -> None:
    """Writes the run, with a mask of each named class.

    Args:
        without: names of arrays that it does not have.
        more: other outputs, with the same value for every picture.
        changes: arrays that row 0 has in the place of its own.
    """
    names = tuple(known.name for known in gallery)
    about = {"pictures": names, "region_names": region_names}
    run = fake_run.manifest(len(gallery), batch_size, **about)
    run.write(folder)
    writer = store.Writer(folder, len(gallery), batch_size, class_names)
    known = fake_run.KNOWN | by_name(more)
    for batch in range(run.num_batches()):
        rows = list(range(*run.rows(batch).indices(len(gallery))))
        some = {}
        for i in rows:
            if gallery[i].level is not None:
                values = arrays(gallery[i], i, len(class_names)) | (changes if i == 0 else {})
                values |= {output.name: value for output, value in more.items()}
                some[i] = {name: v for name, v in values.items() if name not in without}
        if some:
            first = next(iter(some.values()))
            stacked = {name: np.stack([one[name] for one in some.values()]) for name in first}
            writer.write(rows, np.array([i in some for i in rows]), stacked, known)
        lines = [row(gallery[i], run.digests[i], some.get(i)) for i in rows]
        done.write(folder, batch, lines, writer.written(batch))


SCORES = tuple(output.name for output in fidelity.ROWS)
COUNTERFACTUALS = dataclasses.replace(
    COUNTERFACTUAL, name="counterfactuals", axes=(SAMPLE, *COUNTERFACTUAL.axes)
)
OF_EACH_AREA = Output(
    name="reward",
    kind="number",
    axes=(AREA, STEP),
    unit="logits",
    meaning="Of the mask of each area.",
)
PRECISION = Output(
    name="precision", kind="number", axes=(), unit="in [0, 1]", meaning="A & B <of> it."
)
ROUNDS = Output(
    name="num_rounds", kind="number", axes=(), unit="rounds", meaning="Taken.", stored="int32"
)
PARTS = Output(
    name="part_maps", kind="map", axes=COUNTERFACTUAL.axes, unit="share", meaning="Of each part."
)
SPREAD = Output(
    name="spread", kind="number", axes=("radius",), unit="pixels", meaning="Over the radius."
)


REGIONS = ("sky", "road", "car", "car 2")
CHANGES = Output(
    name="region_change", kind="number", axes=(REGION,), unit="in the codes", meaning="Of each."
)
ALONE = dataclasses.replace(
    COUNTERFACTUAL, name="counterfactual_alone", axes=(REGION, *COUNTERFACTUAL.axes)
)


def regions() -> dict[Output, np.ndarray]:
    """A picture with sky, road and the second car, of which that one changes most."""
    labels = np.zeros((HEIGHT, WIDTH, 1), np.int32)
    labels[HEIGHT // 2 :] = 1
    labels[-6:, 10:20] = 3
    return {
        COUNTERFACTUAL: image(50) / np.float32(255),
        LABEL_MAP: labels,
        CHANGES: np.array([0.25, 0.5, 0.0, 1.75]),
        ALONE: np.stack([image(60 + n) for n in range(4)]) / np.float32(255),
    }


def others() -> dict[Output, np.ndarray]:
    """One of every kind of output that the page does not know by name."""
    steps = np.linspace(0, 1, 9)
    rng = np.random.default_rng(7)
    return {
        COUNTERFACTUAL: image(50) / np.float32(255),
        COUNTERFACTUALS: np.stack([image(50 + n) for n in (1, 2, 3)]) / np.float32(255),
        OF_EACH_AREA: np.stack([steps * n for n in range(1, 7)]),
        PRECISION: np.array(0.375),
        ROUNDS: np.array(12),
        PARTS: rng.normal(size=(HEIGHT, WIDTH, 3)),
        SPREAD: np.arange(5.0),
    }
