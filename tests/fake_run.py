"""A small run folder made through the real store, for tests of all that reads one."""

from pathlib import Path

import numpy as np

from xai_jax.core.areas import AREAS
from xai_jax.runtime import store, summary
from xai_jax.runtime.manifest import Manifest

SIZE, STEPS = 16, 12
CLASSES = ("tabby", "Egyptian cat", "grey fox")


def manifest(num_pictures: int = 5, batch_size: int = 2, **changes) -> Manifest:
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
        pictures=tuple(f"animals/picture {i}.jpg" for i in range(num_pictures)),
        versions={"xai_jax": "0.1.0", "jax": "0.10.2", "numpy": "2.4.6"},
    )
    return Manifest(**{**fields, **changes})


def arrays(rows: slice, seed: int = 0) -> dict[str, np.ndarray]:
    """Plausible results for some rows: a salient blob, and curves that rise with the area."""
    num = rows.stop - rows.start
    rng = np.random.default_rng(seed + rows.start)
    yy, xx = np.mgrid[:SIZE, :SIZE] / (SIZE - 1)
    centres = rng.uniform(0.25, 0.75, (num, 2))
    distance = np.stack([(yy - y) ** 2 + (xx - x) ** 2 for y, x in centres])[..., None]
    keep = np.exp(-distance / 0.05).astype(np.float32)  # [num h w 1]
    original = rng.uniform(1, 6, num).astype(np.float32)
    shares = np.array(AREAS, np.float32)
    steps = np.linspace(1, 0, STEPS, dtype=np.float32)
    return {
        "images": rng.integers(0, 256, (num, SIZE, SIZE, 3), np.uint8),
        "keep": keep,
        "saliency": keep - 0.5,
        "target": rng.integers(0, 1000, num).astype(np.int32),
        "log_odds_original": original,
        "log_odds_kept": original - 1,
        "log_odds_removed": -original,
        "curve_kept": (original[:, None] * (2 * shares - 1)),
        "curve_removed": (original[:, None] * (1 - 2 * shares)),
        "class_log_odds": original[:, None] - np.arange(len(CLASSES), dtype=np.float32),
        "class_keep": (np.round(keep * 256) / 256 * [1, 0.5, 0.25]).astype(np.float16),
        "trace/objective": original[:, None] * steps,
        "trace/kept_area": np.full((num, 1), 0.5, np.float32) * steps,
    }


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
        lines = []
        for place, row in enumerate(range(rows.start, rows.stop)):
            picture = run.pictures[row]
            if row == skip:
                for name, value in values.items():
                    value[place] = store.fill(name)
                lines.append(summary.Row.skipped(picture, "It is truncated."))
                continue
            lines.append(
                summary.Row(
                    picture=picture,
                    status="done",
                    target=int(values["target"][place]),
                    target_name="tabby",
                    predicted=int(values["target"][place]),
                    predicted_name="tabby",
                    log_odds_original=float(values["log_odds_original"][place]),
                    log_odds_kept=float(values["log_odds_kept"][place]),
                    log_odds_removed=float(values["log_odds_removed"][place]),
                    kept_area=float(values["keep"][place].mean()),
                    sufficient_area=0.49,
                )
            )
        writer.write(rows.start, values)
        summary.write_batch(folder, batch, lines)
        table += lines
    if not unfinished:
        summary.write_csv(folder, table)
    return run
