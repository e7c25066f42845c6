"""Explanations that show themselves in a notebook, by the panels of the report."""

import html
import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flax import struct

from xai_jax.core.types import Explanation
from xai_jax.report import panels
from xai_jax.report.embedded import data_uri, is_small
from xai_jax.report.wording import class_name

_MOST = 20  # pictures; more would make a notebook of megabytes
_SMALL = 160  # pixels: how high a small picture is drawn


class Shown:
    """HTML that a notebook draws by itself, and `show` elsewhere."""

    def __init__(self, body: str) -> None:
        """For a piece of a page."""
        self._body = body

    def _repr_html_(self) -> str:
        return self._body

    def show(self) -> None:
        """Draws it: in a notebook below the cell, elsewhere in the browser."""
        try:
            from IPython import display, get_ipython  # no dependency: a notebook has it
        except ImportError:
            get_ipython = None
        if get_ipython is not None and get_ipython() is not None:
            display.display(display.HTML(self._body))
            return
        page = Path(tempfile.mkdtemp(prefix="xai_jax_"), "shown.html")
        page.write_text(f"<!doctype html><meta charset=utf-8>{self._body}", "utf-8")
        webbrowser.open(page.as_uri())


@struct.dataclass
class Pictured(Explanation):
    """An explanation together with what it explains, so that it can show itself.

    Fields:
        images: ``[b h w c]`` unit pixels, the pictures.
    """

    images: Any = None

    __repr__ = Explanation.__repr__

    def shown(self, class_names: Sequence[str] = ()) -> Shown:
        """Each picture, what has been made of it, its map, and the parts kept and removed.

        The map is stretched to its own extremes, for display only.

        Args:
            class_names: by index.
        """
        rows = [self._row(row, class_names) for row in range(min(len(self.images), _MOST))]
        return Shown("".join(rows) + _rest(len(self.images)))

    def show(self, class_names: Sequence[str] = ()) -> None:
        """Draws it: in a notebook below the cell, elsewhere in the browser."""
        self.shown(class_names).show()

    def _repr_html_(self) -> str:
        return self.shown()._repr_html_()

    def _row(self, row: int, class_names: Sequence[str]) -> str:
        keep = None if self.keep is None else self.keep[row]
        made = panels.of_row(self.pictures, row)
        sheet = panels.contact_sheet(
            self.images[row], keep, self.saliency[row], tuple(made.values())
        )
        words = _class(int(self.target[row]), class_names)
        names = ["picture", *(name.replace("_", " ") for name in made), "map"]
        parts = ", ".join(names + ([] if keep is None else ["kept", "removed"]))
        return _figure(sheet, f"{row}: {words} ({parts})", is_small(self.images[row]))


def compare(explanations: Mapping[str, Pictured], class_names: Sequence[str] = ()) -> Shown:
    """Explanations of the same pictures side by side, one row a picture.

    Args:
        explanations: what `xai_jax.explain` returned, by the name of the column.
        class_names: by index.

    Raises:
        ValueError: there are none, they have no names, or they are of other pictures.
    """
    if not isinstance(explanations, Mapping):
        raise ValueError(
            "Explanations are compared by name; pass a dict, compare({'FIDO': found, ...})."
        )
    if not explanations:
        raise ValueError("There are no explanations; name one at least.")
    first, *others = explanations.values()
    if any(not np.array_equal(first.images, other.images) for other in others):
        raise ValueError("These explanations are of different pictures; compare those of the same.")
    rows = [
        _compared(explanations, row, class_names) for row in range(min(len(first.images), _MOST))
    ]
    names = "".join(f"<th>{html.escape(name)}</th>" for name in ("picture", *explanations))
    return Shown(f"<table><tr>{names}</tr>{''.join(rows)}</table>{_rest(len(first.images))}")


def _compared(explanations: Mapping[str, Pictured], row: int, class_names: Sequence[str]) -> str:
    first = next(iter(explanations.values()))
    small = is_small(first.images[row])
    cells = [_figure(panels.picture(first.images[row]), str(row), small)]
    for one in explanations.values():
        drawn = panels.overlay(one.images[row], one.saliency[row])
        cells.append(_figure(drawn, _class(int(one.target[row]), class_names), small))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _class(target: int, class_names: Sequence[str]) -> str:
    if target < 0:
        return "skipped"
    return class_name(target, class_names[target] if target < len(class_names) else "")


def _figure(pixels: np.ndarray, words: str, small: bool) -> str:
    """A drawn picture with a line below; a small one is enlarged, in squares."""
    grown = f' style="height:{_SMALL}px;image-rendering:pixelated"' if small else ""
    said = html.escape(words)
    return (
        f'<figure style="margin:0 0 .8em"><img src="{data_uri(pixels)}" alt="{said}"{grown}>'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _rest(num: int) -> str:
    return f"<p>and {num - _MOST} more pictures</p>" if num > _MOST else ""
