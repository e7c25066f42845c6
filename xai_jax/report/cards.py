"""One picture of the page: all that its card shows, its pictures encoded."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xai_jax.report import embedded, others, panels, regions
from xai_jax.report.classes import ClassMask
from xai_jax.report.embedded import data_uri
from xai_jax.report.picture import Picture
from xai_jax.report.scores import Scores
from xai_jax.report.wording import percent, raw

LEVEL_STEP = 12  # grey values a level, so that a browser that blurs canvases still reads it right


def card(one: Picture, class_names: Sequence[str], region_names: Sequence[str]) -> dict[str, Any]:
    """What the template reads."""
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


def tile(one: Picture) -> tuple[str, bytes, tuple[int, int]]:
    """Picture and saliency side by side, small: kind and content of a file, width and height."""
    both = [panels.picture(one.image), panels.overlay(one.image, one.saliency)]
    pixels = embedded.shrunk(np.concatenate(both, axis=1), 2 * embedded.THUMBNAIL)
    kind, content = embedded.encoded(pixels)
    return kind, content, (pixels.shape[1], pixels.shape[0])
