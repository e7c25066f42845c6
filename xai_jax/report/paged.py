"""The report of many pictures: an index, and pages of some tens of cards in a folder beside it.

Each page holds its pictures, as the report of few pictures does; the index shows a thumbnail of
each, a file that the browser reads when it comes near the screen. All of it works from a disk.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xai_jax.report import alone, cards, overview
from xai_jax.report.entries import entries
from xai_jax.report.picture import Picture
from xai_jax.runtime import files
from xai_jax.runtime.results import Results

FOLDER = "report"
EACH = 50  # pictures of the run to a page, so that a picture is on the same page for ever
Entry = dict[str, Any]


def write(results: Results, explained: Iterable[Picture], index: Path) -> None:
    """Writes the pages, then the index, and then removes what an older report has left.

    Every file is whole or absent. As a picture never changes its page, an older index stays right
    until its turn.

    Args:
        results: of the run.
        explained: the pictures that are "done", in the order of the run; read one at a time.
        index: its file, beside the folder of the pages.

    Raises:
        OSError: the disk is full or read-only; an older index stays as it was.
    """
    folder = index.parent / FOLDER
    folder.mkdir(exist_ok=True)
    known = {**overview.known(results), "paged": True, "index": index.name}
    numbers = sorted({_page(row + 1) for row in results.rows})
    tiles: list[Entry] = []
    skipped: list[Entry] = []
    making = functools.partial(
        _card, class_names=results.class_names, region_names=results.manifest.region_names
    )
    for page, some in itertools.groupby(entries(results, explained, making), key=_page_of):
        if page is None:
            skipped += some
            continue
        with alone.replaced(folder / f"{page}.html") as file:
            shown = {"entries": _with_tiles(some, tiles, folder), **_place(page, numbers, results)}
            for piece in _template("part.html").generate(**known, **shown):
                file.write(piece)
    with alone.replaced(index) as file:
        for piece in _template("index.html").generate(**known, up="", tiles=tiles, skipped=skipped):
            file.write(piece)
    written = {f"{page}.html" for page in numbers} | {Path(tile["image"]).name for tile in tiles}
    for path in list(folder.iterdir()):
        if path.name not in written:
            files.remove(path)


def _card(one: Picture, class_names: Sequence[str], region_names: Sequence[str]) -> Entry:
    return {**cards.card(one, class_names, region_names), "tile": cards.tile(one)}


def _with_tiles(some: Iterable[Entry], tiles: list[Entry], folder: Path) -> Iterator[Entry]:
    """The entries of a page; the thumbnail of each is written, and its tile added to `tiles`."""
    for entry in some:
        kind, content, size = entry["card"].pop("tile")
        name = f"{entry['number']}.{kind}"
        with files.staged(folder / name) as there:
            there.write_bytes(content)
        image = {"image": f"{FOLDER}/{name}", "size": size, "coarse": entry["card"]["coarse"]}
        tiles.append({**image, **_words(entry)})
        yield entry


def _words(entry: Entry) -> Entry:
    """What a tile says, and is found and sorted by."""
    one: Picture = entry["card"]["picture"]
    drop = None if one.scores is None else one.scores.drop
    return {
        "number": entry["number"],
        "page": f"{FOLDER}/{_page(entry['number'])}.html",
        "name": one.name,
        "target": one.target_words,
        "predicted": one.predicted_words,
        "another": one.predicts_another,
        "log_odds": one.log_odds,
        "drop": drop,
        "area": entry["area"],
        "show": entry["show"],
    }


def _page(number: int) -> int:
    """The page, from 1, of a picture of the run, from 1."""
    return (number - 1) // EACH + 1


def _page_of(entry: Entry) -> int | None:
    return None if entry["card"] is None else _page(entry["number"])


def _place(page: int, numbers: Sequence[int], results: Results) -> Entry:
    """Which pictures a page may hold, and where the pages before and after it are."""
    at = numbers.index(page)
    return {
        "up": "../",
        "first": (page - 1) * EACH + 1,
        "last": min(page * EACH, len(results.summary)),
        "before": f"{numbers[at - 1]}.html" if at else None,
        "after": f"{numbers[at + 1]}.html" if at + 1 < len(numbers) else None,
    }


def _template(name: str) -> Any:
    return alone.environment().get_template(name)
