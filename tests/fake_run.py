"""A small run folder made through the real store, for tests of all that reads one."""

from pathlib import Path

import numpy as np

from xai_jax.core import outputs
from xai_jax.core.areas import AREAS
from xai_jax.core.outputs import CLASS_LOG_ODDS, PREDICTED
from xai_jax.metrics import fidelity
from xai_jax.runs import record
from xai_jax.runtime import done, store, summary
from xai_jax.runtime.manifest import Manifest

SIZE, STEPS = 16, 12
CLASSES = ("tabby", "Egyptian cat", "grey fox")
STANDARD = (
    record.IMAGES,
    *outputs.FIXED,
    outputs.KEEP,
    outputs.CLASS_KEEP,
    CLASS_LOG_ODDS,
    PREDICTED,
    *fidelity.ROWS,
)
KNOWN = outputs.by_name(
    [
        *STANDARD,
        outputs.trace("objective", "nats", "What is minimised."),
        outputs.trace("mask_area", "in [0, 1]", "Share of the picture that is kept."),
    ]
)


def manifest(num_pictures: int = 5, batch_size: int = 2, **changes) -> Manifest:
    pictures = tuple(f"animals/picture {i}.jpg" for i in range(num_pictures))
    fields = dict(
        method="fido",
        preset="fast",
        config={"game": "ssr", "num_steps": STEPS, "grids": [56]},
        infill="blur",
        infill_config={"sigma": 10.0},
        classifier="efficientnet_lite0",
        weights_sha256="ab" * 32,
        preprocess={"height": SIZE, "width": SIZE, "crop": 0.875, "resample": "bicubic"},
        target="predicted",
        seed=0,
        batch_size=batch_size,
        pictures=pictures,
        digests=tuple(f"{i:032x}" for i in range(num_pictures)),
        computed_with={"xai_jax": "0.1.0", "jax": "0.10.2", "numpy": "2.4.6"},
    )
    return Manifest(**{**fields, **changes})


def arrays(rows: slice, seed: int = 0, size: int = SIZE) -> dict[str, np.ndarray]:
    """Plausible results for some rows: a salient blob, and curves that rise with the area."""
    num = rows.stop - rows.start
    rng = np.random.default_rng(seed + rows.start)
    yy, xx = np.mgrid[:size, :size] / (size - 1)
    centres = rng.uniform(0.25, 0.75, (num, 2))
    distance = np.stack([(yy - y) ** 2 + (xx - x) ** 2 for y, x in centres])[..., None]
    keep = np.exp(-distance / 0.05).astype(np.float32)  # [num h w 1]
    original = rng.uniform(1, 6, num).astype(np.float32)
    shares = np.array(AREAS, np.float32)
    steps = np.linspace(1, 0, STEPS, dtype=np.float32)
    target = rng.integers(0, len(CLASSES), num).astype(np.int32)
    return {
        "images": rng.integers(0, 256, (num, size, size, 3)).astype(np.float32) / 255,
        "keep": keep,
        "saliency": keep - 0.5,
        "target": target,
        "predicted": target,
        "log_odds_original": original,
        "log_odds_kept": original - 1,
        "log_odds_removed": -original,
        "curve_kept": original[:, None] * (2 * shares - 1),
        "curve_removed": original[:, None] * (1 - 2 * shares),
        "kept_area": keep.mean(axis=(1, 2, 3)),
        "sufficient_area": np.full(num, AREAS[14], np.float32),  # 0.5625: the first above 0.5
        "class_log_odds": original[:, None] - np.arange(len(CLASSES), dtype=np.float32),
        "class_keep": keep * np.array([1, 0.5, 0.25], np.float32),
        "objective": original[:, None] * steps,
        "mask_area": np.full((num, 1), 0.5, np.float32) * steps,
    }


def row(picture: str, digest: str, values: dict[str, np.ndarray], place: int) -> summary.Row:
    """The summary of one of the rows of `arrays`."""
    target = int(values["target"][place])
    return summary.Row(
        picture=picture,
        digest=digest,
        status="done",
        target=target,
        target_name=CLASSES[target],
        predicted=target,
        predicted_name=CLASSES[target],
        numbers={
            name: float(array[place])
            for name, array in values.items()
            if array.ndim == 1 and KNOWN[name].stored == "float32"
        },
    )


def write(
    folder: Path, *, num_pictures: int = 5, batch_size: int = 2, unfinished: int = 0, skip: int = 1
) -> Manifest:
    """A run without its last `unfinished` batches, whose row `skip` could not be read."""
    run = manifest(num_pictures, batch_size)
    run.write(folder)
    writer = store.Writer(folder, num_pictures, batch_size, CLASSES)
    table = []
    for batch in range(run.num_batches() - unfinished):
        rows = run.rows(batch)
        values = arrays(rows)
        places = np.arange(rows.start, rows.stop)
        has_result = places != skip
        found = {name: array[has_result] for name, array in values.items()}
        writer.write(places.tolist(), has_result, found, KNOWN)
        lines = [
            row(run.pictures[i], run.digests[i], values, i - rows.start)
            if i != skip
            else summary.Row.skipped(run.pictures[i], run.digests[i], "It is truncated.")
            for i in places.tolist()
        ]
        done.write(folder, batch, lines, writer.written(batch))
        table += lines
    if not unfinished:
        summary.write_csv(folder, table)
    return run
