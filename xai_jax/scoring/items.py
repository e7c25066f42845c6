"""What one contestant is asked: a picture, or a picture and one of its classes."""

import collections
import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.data.example import digest
from xai_jax.runs.sources import Picture
from xai_jax.scoring.stage import Stage, without_masks

_RECENT = 16  # decoded pictures that are remembered, since one is asked for once a class


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One explanation.

    Fields:
        row: of its picture in the data.
        target: the class that is explained.
        name: of no other item, and the same at every start.
        digest: of the picture, and of the target where the name does not say it; "" where it
            cannot be read.
    """

    row: int
    target: int
    name: str
    digest: str


def of_pictures(stage: Stage, rows: Sequence[int]) -> tuple[Item, ...]:
    """One item a picture, for methods that draw all classes at once: its first true class."""
    return tuple(_of_picture(stage, row) for row in rows)


def _of_picture(stage: Stage, row: int) -> Item:
    known = stage.known[row]
    target = int(np.argmax(known.labels))
    content = known.picture and digest(f"{known.picture} {target}".encode())
    return Item(row=row, target=target, name=known.name, digest=content)


def of_classes(stage: Stage, rows: Sequence[int], specific: Sequence[int]) -> tuple[Item, ...]:
    """One item for each true class of a picture, and for each compared class of the `specific`."""
    words, found, compared = _words(stage), [], set(specific)
    for row in rows:
        known = stage.known[row]
        wanted = set(np.flatnonzero(known.labels > 0).tolist())
        wanted |= set(stage.classes) if row in compared else set()
        for k in sorted(wanted or {0}):  # no class: its absence is explained
            name = f"{known.name} · {words[k]}"
            found.append(Item(row=row, target=k, name=name, digest=known.picture))
    return tuple(found)


def specific_rows(stage: Stage, rows: Sequence[int], limit: int | None) -> tuple[int, ...]:
    """Those of the first `limit` rows that show a compared class; ``None``: of all."""
    classes = list(stage.classes)
    return tuple(row for row in rows[:limit] if (stage.known[row].labels[classes] > 0).any())


def _words(stage: Stage) -> list[str]:
    """A word for each class, no two alike, that may be part of a file's name."""
    names = [name.replace("/", "-") for name in stage.data.class_names]
    if len(names) != stage.num_classes:
        return [f"class {k}" for k in range(stage.num_classes)]
    times = collections.Counter(names)
    return [name if times[name] == 1 else f"{name} ({k})" for k, name in enumerate(names)]


class Items:
    """A source of the road: the pictures of some items."""

    threads = 4

    def __init__(self, stage: Stage, items: Sequence[Item]) -> None:
        """Of a stage's data, without its masks."""
        self.names = tuple(item.name for item in items)
        self._items = items
        self._example = functools.lru_cache(_RECENT)(without_masks(stage.data).example)

    def digest(self, row: int) -> str:
        """As it was when the evaluation began."""
        return self._items[row].digest

    def read(self, row: int) -> Picture:
        """The picture; whatever is known of its truth is not for explanations.

        Raises:
            BadPicture: it cannot be read.
        """
        try:
            arrays = self._example(self._items[row].row)
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadPicture(f"It cannot be read: {reason}.") from error
        known = {name: arrays[name] for name in ("regions",) if name in arrays}
        return Picture(image=arrays["images"], digest=self.digest(row), known=known)
