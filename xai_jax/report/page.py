"""The page of a run: one self-contained file, written picture by picture."""

import base64
import contextlib
import dataclasses
import io
import os
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import jinja2
import numpy as np
from PIL import Image

from xai_jax.report import classes, panels
from xai_jax.report.charts import chart
from xai_jax.report.classes import ClassMask
from xai_jax.report.picture import Picture
from xai_jax.report.wording import percent, probability, raw, signed
from xai_jax.runtime import files
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.results import Results
from xai_jax.runtime.summary import Row

NAME = "report.html"
LEVEL_STEP = 12  # grey values a level, so that a browser that blurs canvases still reads it right
_THUMBNAIL = 160  # pixels of its longer side
_SMALL = 100  # pixels: below it pictures stay lossless, and are drawn in squares


def write(folder: str | os.PathLike) -> Path:
    """Makes ``report.html`` of a finished or unfinished run, and returns its path.

    The page needs no other file and no network. Memory holds one batch of pictures at a time.

    Raises:
        ValueError: `folder` does not hold a run.
        OSError: the disk is full or read-only; an older page stays as it was.
    """
    results = Results.read(folder)
    path = Path(folder) / NAME
    with _replaced(path) as file:
        for piece in render(results.manifest, results.summary, pictures(results)):
            file.write(piece)
    return path


def render(
    manifest: Manifest, summary: Iterable[Row | None], explained: Iterable[Picture]
) -> Iterator[str]:
    """The page in pieces.

    Args:
        manifest: settings and provenance.
        summary: one entry a picture of the manifest; ``None`` where it is not computed yet.
        explained: the pictures that are "done" in `summary`, in its order; read one at a time.
    """
    summary = tuple(summary)
    template = _environment().get_template("template.html")
    return template.generate(
        manifest=_without_pictures(manifest),
        manifest_json=manifest.to_json(),
        overview=_overview(manifest, summary),
        ramp=_ramp(),
        entries=_entries(summary, iter(explained)),
    )


def pictures(results: Results) -> Iterator[Picture]:
    """The explained pictures of a run in its order; one batch is in memory at a time."""
    all_done = set(results.rows)
    for batch in range(results.manifest.num_batches()):
        rows = results.manifest.rows(batch)
        done = [i for i in range(rows.start, rows.stop) if i in all_done]
        if not done:
            continue
        arrays = {name: array[rows] for name, array in results.arrays.items()}
        for i in done:
            row = results.summary[i]
            assert row is not None
            one = {name: array[i - rows.start] for name, array in arrays.items()}
            yield _picture(row, one, results.class_names)


def _picture(row: Row, arrays: dict[str, np.ndarray], class_names: tuple[str, ...]) -> Picture:
    parts = ("original", "kept", "removed")
    drawn = arrays["class_keep"] if "class_keep" in arrays else None
    masks: tuple[ClassMask, ...] = ()
    if drawn is not None:
        masks = classes.shown(drawn, arrays["class_log_odds"], class_names, row.target)
    return Picture(
        name=row.picture,
        image=arrays["images"],
        keep=arrays["keep"],
        saliency=arrays["saliency"],
        target=row.target,
        target_name=row.target_name,
        predicted=row.predicted,
        predicted_name=row.predicted_name,
        log_odds={part: float(arrays[f"log_odds_{part}"]) for part in parts},
        curve={part: arrays[f"curve_{part}"] for part in parts[1:]},
        trace={
            name.removeprefix("trace/"): line
            for name, line in arrays.items()
            if name.startswith("trace/")
        },
        classes=masks,
        num_classes=0 if drawn is None else drawn.shape[-1],
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, probability=probability)
    return environment


def _overview(manifest: Manifest, summary: tuple[Row | None, ...]) -> dict[str, Any]:
    done = [row for row in summary if row and row.status == "done"]
    areas = [row.sufficient_area for row in done if row.sufficient_area is not None]
    return {
        "num_done": len(done),
        "num_skipped": sum(row is not None and row.status == "skipped" for row in summary),
        "num_missing": sum(row is None for row in summary),
        "num_other": sum(row.predicted not in (None, row.target) for row in done),
        "num_insufficient": sum(row.sufficient_area in (None, 1.0) for row in done),
        "median_area": percent(statistics.median(areas)) if areas else "–",
        "wrong": manifest.target == "truth",
    }


def _entries(summary: tuple[Row | None, ...], explained: Iterator[Picture]) -> Iterator[dict]:
    """What the template shows of each picture: a card, or the reason why it was skipped."""
    for number, row in enumerate(summary, start=1):
        if row is None:
            continue
        card = None if row.status == "skipped" else _card(next(explained))
        area = 2.0 if row.sufficient_area is None else row.sufficient_area  # 2: after all shares
        yield {"number": number, "row": row, "card": card, "area": area}


def _card(picture: Picture) -> dict[str, Any]:
    image, start = picture.image, picture.start_level
    place = panels.levels(picture.saliency)
    keep = (place <= start).astype(np.float32)
    keep = keep if picture.has_levels else np.full_like(keep, np.nan)
    extremes = panels.display_range(picture.saliency)
    return {
        "picture": picture,
        "size": picture.image.shape[:2],
        "coarse": _is_small(image),
        "images": {
            "picture": _data_uri(panels.kept(image, np.ones_like(keep)), quality=90),
            "saliency": _data_uri(panels.overlay(image, picture.saliency), quality=85),
            "kept": _data_uri(panels.kept(image, keep)),
            "removed": _data_uri(panels.removed(image, keep)),
            "soft_kept": _data_uri(panels.kept(image, picture.keep)),
            "soft_removed": _data_uri(panels.removed(image, picture.keep)),
        },
        "extremes": extremes and [raw(value) for value in extremes],
        "kept_area": _mean_area(picture.keep),
        "start": start,
        "levels": picture.level_words(),
        "level_map": _data_uri(place * LEVEL_STEP, lossless=True) if picture.has_levels else None,
        "chart": picture.curve_chart(),
        "traces": [_trace(name, line) for name, line in picture.trace.items()],
        "classes": [_class_panel(image, mask) for mask in picture.classes],
    }


def _class_panel(image: np.ndarray, mask: ClassMask) -> dict[str, Any]:
    """A thumbnail of what the mask of one class keeps."""
    drawn = panels.kept(image, mask.keep)
    height, width = drawn.shape[:2]
    share = min(1.0, _THUMBNAIL / max(height, width))
    size = max(round(share * width), 1), max(round(share * height), 1)
    if share < 1:
        drawn = np.asarray(Image.fromarray(drawn).resize(size, Image.Resampling.BOX))
    return {"mask": mask, "image": _data_uri(drawn), "size": size, "area": _mean_area(mask.keep)}


def _mean_area(keep: np.ndarray) -> str:
    area = float(np.mean(keep))
    return percent(round(area, 3)) if np.isfinite(area) else "an unknown share"


def _trace(name: str, line: np.ndarray) -> dict[str, Any]:
    last = float(line[-1]) if len(line) else float("nan")
    plot = chart({"trace": line})
    title = name.replace("_", " ")
    return {"title": title, "chart": plot, "last": raw(last), "num_steps": len(line)}


def _ramp() -> list[str]:
    """The colour map as stops of a CSS gradient."""
    stops = panels.colour_map(np.linspace(0, 1, 19))
    return ["#" + bytes(stop.tolist()).hex() for stop in stops]


def _without_pictures(manifest: Manifest) -> dict[str, Any]:
    fields = dataclasses.asdict(manifest)
    return {**fields, "pictures": f"{len(manifest.pictures)} pictures"}


def _is_small(pixels: np.ndarray) -> bool:
    return max(pixels.shape[:2]) < _SMALL


def _data_uri(pixels: np.ndarray, *, lossless: bool = False, quality: int = 75) -> str:
    """WebP, or PNG where every value counts."""
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    if lossless or _is_small(pixels):
        picture.save(buffer, "PNG")
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    picture.save(buffer, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[IO[str]]:
    """A text file that takes the place of `path` when the block ends well, and goes if it fails."""
    partial = files.partial(path)
    try:
        # File names that are no UTF-8 travel as surrogates: shown escaped.
        with open(partial, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
