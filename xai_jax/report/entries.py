"""What a page has of each picture, in its order; few of them are in memory at a time."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from xai_jax.report import picture
from xai_jax.report.picture import Picture
from xai_jax.runtime import originals
from xai_jax.runtime.ahead import map_ahead
from xai_jax.runtime.results import Results

THREADS = 4  # that encode pictures


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


def entries(
    results: Results, explained: Iterable[Picture], card: Callable[[Picture], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Those of the explained pictures, and then those of the skipped ones, which have no card.

    Args:
        results: of the run.
        explained: its pictures that are "done", in its order; read one at a time.
        card: makes one, in a thread.
    """
    cards = map_ahead(card, explained, threads=THREADS, ahead=2 * THREADS)
    link = originals.links(results.folder)
    computed = [(n, row) for n, row in enumerate(results.summary, start=1) if row is not None]
    for number, row in sorted(computed, key=lambda one: one[1].status == "skipped"):
        found = None if row.status == "skipped" else next(cards)
        area = row.numbers.get("sufficient_area")
        area = 2.0 if area is None else area  # behind all that there are
        yield {
            "number": number,
            "row": row,
            "card": found,
            "area": area,
            "show": "skipped" if found is None else _kinds(found["picture"], area),
            "original": link(row.picture),
        }


def _kinds(one: Picture, area: float) -> str:
    """Under which choices of the page it is shown."""
    insufficient = one.scores is not None and area >= 1
    return "explained" + " other" * one.predicts_another + " insufficient" * insufficient
