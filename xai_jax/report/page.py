"""The page of a run: one self-contained file, written picture by picture."""

import dataclasses
import functools
import os
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xai_jax.core.outputs import KEEP
from xai_jax.report import alone, embedded, others, panels, picture, regions, scores
from xai_jax.report.classes import ClassMask
from xai_jax.report.embedded import data_uri
from xai_jax.report.picture import Picture
from xai_jax.report.scores import Scores
from xai_jax.report.wording import percent, raw
from xai_jax.runtime.ahead import map_ahead
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.results import Results

NAME = "report.html"
_THREADS = 4  # that encode pictures
LEVEL_STEP = 12  # grey values a level, so that a browser that blurs canvases still reads it right


def write(folder: str | os.PathLike) -> Path:
    """Makes ``report.html`` of a finished or unfinished run, and returns its path.

    The page needs no other file and no network. Memory holds one batch of pictures at a time.

    Raises:
        ValueError: `folder` does not hold a run.
        OSError: the disk is full or read-only; an older page stays as it was.
    """
    results = Results.read(folder)
    path = results.folder / NAME
    with alone.replaced(path) as file:
        for piece in render(results, pictures(results)):
            file.write(piece)
    return path


def render(results: Results, explained: Iterable[Picture]) -> Iterator[str]:
    """The page in pieces.

    Args:
        results: settings, provenance, summary and declarations.
        explained: the pictures that are "done", in the order of the run; read one at a time.
    """
    template = alone.environment().get_template("template.html")
    manifest = results.manifest
    return template.generate(
        manifest=_without_pictures(manifest),
        manifest_json=manifest.to_json(),
        overview=_overview(results),
        scored=scores.are_among(results.outputs),
        has_keep=KEEP.name in results,
        outputs=list(results.outputs.values()),
        ramp=alone.ramp(),
        entries=_entries(results, iter(explained)),
    )


def pictures(results: Results) -> Iterator[Picture]:
    """The explained pictures of a run in its order; one batch is in memory at a time."""
    all_done, known = set(results.rows), results.outputs
    for batch in range(results.manifest.num_batches()):
        rows = results.manifest.rows(batch)
        done = [i for i in range(rows.start, rows.stop) if i in all_done]
        if not done:
            continue
        arrays = {name: array[rows] for name, array in results.arrays.items()}
        for i in done:
            row = results.summary[i]
            assert row is not None
            one = {name: np.asarray(array[i - rows.start]) for name, array in arrays.items()}
            yield picture.of_row(row, one, known, results.class_names)


def _overview(results: Results) -> dict[str, Any]:
    summary = results.summary
    done = [row for row in summary if row and row.status == "done"]
    areas = [row.numbers.get("sufficient_area") for row in done]
    found = [area for area in areas if area is not None]
    return {
        "num_done": len(done),
        "num_skipped": sum(row is not None and row.status == "skipped" for row in summary),
        "num_missing": sum(row is None for row in summary),
        "has_predictions": any(row.predicted is not None for row in done),
        "num_other": sum(row.predicted not in (None, row.target) for row in done),
        "num_insufficient": sum(area in (None, 1.0) for area in areas),
        "median_area": percent(statistics.median(found)) if found else "–",
        "wrong": results.manifest.target == "truth",
    }


def _entries(results: Results, explained: Iterator[Picture]) -> Iterator[dict]:
    """What the template shows of each picture: a card, or the reason why it was skipped."""
    card_of = functools.partial(
        _card, class_names=results.class_names, region_names=results.manifest.region_names
    )
    cards = map_ahead(card_of, explained, threads=_THREADS, ahead=2 * _THREADS)
    for number, row in enumerate(results.summary, start=1):
        if row is None:
            continue
        card = None if row.status == "skipped" else next(cards)
        area = row.numbers.get("sufficient_area")
        yield {"number": number, "row": row, "card": card, "area": 2.0 if area is None else area}


def _card(one: Picture, class_names: Sequence[str], region_names: Sequence[str]) -> dict[str, Any]:
    image, extremes = one.image, panels.display_range(one.saliency)
    legend = regions.legend(image, one.others, region_names)
    rest = one.others
    if legend is not None:  # it says what these say
        rest = [other for other in rest if not regions.is_told(other)]
    images = {
        "picture": data_uri(panels.picture(image), quality=90),
        "saliency": data_uri(panels.overlay(image, one.saliency), quality=85),
    }
    if one.keep is not None:
        images["soft_kept"] = data_uri(panels.kept(image, one.keep))
        images["soft_removed"] = data_uri(panels.removed(image, one.keep))
    parts = {} if one.scores is None else _parts(one, one.scores)
    return {
        "picture": one,
        "size": image.shape[:2],
        "coarse": embedded.is_small(image),
        "images": images | parts.get("images", {}),
        "parts": parts,
        "extremes": extremes and [raw(value) for value in extremes],
        "kept_area": None if one.keep is None else _mean_area(one.keep),
        "classes": [_class_panel(image, mask) for mask in one.classes],
        "legend": legend,
        "traces": others.traces(rest),
        "curves": others.curves(rest),
        "numbers": others.numbers(rest),
        "figures": others.figures(rest, regions.present(one.others, region_names)),
        "turned": others.is_turned(rest),
        "overlays": others.overlays(image, rest, class_names),
    }


def _parts(one: Picture, found: Scores) -> dict[str, Any]:
    """The kept and the removed part at the start, and all that the slider needs."""
    start, place = found.start_level, panels.levels(one.saliency)
    keep = (place <= start).astype(np.float32)
    keep = keep if one.has_ranks else np.full_like(keep, np.nan)
    return {
        "images": {
            "kept": data_uri(panels.kept(one.image, keep)),
            "removed": data_uri(panels.removed(one.image, keep)),
        },
        "start": start,
        "levels": found.level_words(),
        "map": data_uri(place * LEVEL_STEP, lossless=True) if one.has_ranks else None,
        "chart": found.curve_chart(),
    }


def _class_panel(image: np.ndarray, mask: ClassMask) -> dict[str, Any]:
    """A thumbnail of what the mask of one class keeps."""
    uri, size = embedded.thumbnail(panels.kept(image, mask.keep))
    return {"mask": mask, "image": uri, "size": size, "area": _mean_area(mask.keep)}


def _mean_area(keep: np.ndarray) -> str:
    area = float(np.mean(keep))
    return percent(round(area, 3)) if np.isfinite(area) else "an unknown share"


def _without_pictures(manifest: Manifest) -> dict[str, Any]:
    fields = dataclasses.asdict(manifest)
    del fields["digests"]  # as many as pictures; they are in the whole manifest
    return {**fields, "pictures": f"{len(manifest.pictures)} pictures"}
