"""What the page says of a whole run."""

import dataclasses
import statistics
from typing import Any

from xai_jax.core.outputs import KEEP
from xai_jax.report import alone, scores
from xai_jax.report.wording import percent
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.results import Results


def known(results: Results) -> dict[str, Any]:
    """What the templates read, beside the pictures."""
    manifest = results.manifest
    return {
        "manifest": _without_pictures(manifest),
        "manifest_json": manifest.to_json(),
        "overview": _overview(results),
        "scored": scores.are_among(results.outputs),
        "has_keep": KEEP.name in results,
        "outputs": list(results.outputs.values()),
        "ramp": alone.ramp(),
        "signed_ramp": alone.signed_ramp(),
    }


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


def _without_pictures(manifest: Manifest) -> dict[str, Any]:
    fields = dataclasses.asdict(manifest)
    del fields["digests"]  # as many as pictures; they are in the whole manifest
    return {**fields, "pictures": f"{len(manifest.pictures)} pictures"}
