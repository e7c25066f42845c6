"""The page that sets several runs of the same pictures side by side: a row a picture."""

import csv
import dataclasses
import functools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xai_jax.core.outputs import CLASS_KEEP, SALIENCY
from xai_jax.report import alone, embedded, panels, scores
from xai_jax.report.charts import chart
from xai_jax.report.picture import IMAGES
from xai_jax.report.wording import class_name, raw
from xai_jax.runtime import files
from xai_jax.runtime.ahead import map_ahead
from xai_jax.runtime.results import Results

NAME = "comparison.html"
_THREADS = 4  # that encode pictures
Numbers = dict[str, float]
Table = Mapping[tuple[str, str], Numbers]  # (run, picture) -> {score: number}


@dataclasses.dataclass(frozen=True, order=True)
class Key:
    """One row of the page: a picture, and the class of it that is explained."""

    picture: str
    target: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One column of the page.

    Fields:
        name: of the folder.
        results: what lies in it.
        places: the row of `results` of each key that the run explains.
        pictures: a row of each of its pictures; a method that draws all classes answers for all.
    """

    name: str
    results: Results
    places: Mapping[Key, int]
    pictures: Mapping[str, int]

    def place(self, key: Key) -> int | None:
        """The row that says something of a key; ``None`` where none does."""
        found = self.places.get(key)
        if found is None and CLASS_KEEP.name in self.results:
            return self.pictures.get(key.picture)
        return found

    def saliency(self, key: Key) -> np.ndarray:
        """``[h w 1]``, of the class of the key."""
        place = self.place(key)
        assert place is not None
        if key in self.places:
            return np.asarray(self.results[SALIENCY.name][place])
        return np.asarray(self.results[CLASS_KEEP.name][place])[..., key.target, None]


def write(
    folders: Sequence[str | os.PathLike],
    path: str | os.PathLike,
    table: str | os.PathLike | None = None,
) -> Path:
    """Makes the page of some runs, and returns its path.

    It needs no other file and no network. Memory holds some pictures at a time.

    Args:
        folders: of two or more runs of the same pictures, finished or not; a column each.
        path: of the page.
        table: the ``per_picture.csv`` of an evaluation, whose contestants are called as the
            folders: its scores are shown too.

    Raises:
        ValueError: a folder holds no run, two are called alike, the runs have no picture in common
            or other pictures under the same name, or the table is none.
        OSError: the disk is full or read-only; an older page stays as it was.
    """
    runs = [_run(files.place(folder)) for folder in folders]
    _check(runs)
    measured = {} if table is None else _read(files.place(table))
    keys = _keys(runs)
    template = alone.environment().get_template("comparison.html")
    entry = functools.partial(_entry, runs, measured)
    entries = map_ahead(entry, enumerate(keys, 1), threads=_THREADS, ahead=2 * _THREADS)
    with alone.replaced(files.place(path)) as file:
        for piece in template.generate(
            runs=[_facts(run) for run in runs],
            scores=_scores(runs, measured),
            num_rows=len(keys),
            ramp=alone.ramp(),
            entries=entries,
        ):
            file.write(piece)
    return files.place(path)


def _run(folder: Path) -> Run:
    results = Results.read(folder)
    places: dict[Key, int] = {}
    for place in results.rows:
        row = results.summary[place]
        assert row is not None and row.target is not None
        # An evaluation asks for one class at a time, and names it behind the picture.
        ending = " · " + row.target_name.replace("/", "-")
        name = row.picture.removesuffix(ending) if row.target_name else row.picture
        places[Key(name, row.target)] = place
    name = folder.name or folder.resolve().name
    pictures = {key.picture: place for key, place in reversed(list(places.items()))}
    return Run(name=name, results=results, places=places, pictures=pictures)


def _check(runs: Sequence[Run]) -> None:
    names = [run.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"Two of the folders are called {twice!r}; rename one, or leave it out.")
    shared = set.intersection(*(set(run.pictures) for run in runs))
    if not shared:
        raise ValueError(
            f"{' and '.join(names)} have no picture in common; compare runs of the same pictures."
        )
    for picture in sorted(shared):
        first, *others = (run.results[IMAGES][run.pictures[picture]] for run in runs)
        for run, other in zip(runs[1:], others, strict=True):
            if first.shape != other.shape or (first != other).any():
                raise ValueError(
                    f"{runs[0].name} and {run.name} show two pictures under the name {picture}; "
                    "compare runs of the same pictures, resized alike."
                )


def _keys(runs: Sequence[Run]) -> list[Key]:
    """In the order of the runs: the pictures that all have, in every class that one explains."""
    shared = set.intersection(*(set(run.pictures) for run in runs))
    found = dict.fromkeys(key for run in runs for key in run.places if key.picture in shared)
    return sorted(found, key=lambda key: (runs[0].pictures[key.picture], key.target))


def _read(path: Path) -> Table:
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            lines = list(csv.DictReader(file))
        return {
            (line.pop("contestant"), line.pop("picture")): {
                name: float(value) if value else math.nan for name, value in line.items()
            }
            for line in lines
        }
    except (OSError, KeyError, ValueError, TypeError):
        raise ValueError(
            f"{path} is no table of scores; name the per_picture.csv that evaluate.py has written."
        ) from None


def _numbers(run: Run, key: Key, measured: Table) -> Numbers:
    """What is known of one explanation."""
    place = run.place(key)
    row = None if place is None else run.results.summary[place]
    own = row.numbers if row is not None and key in run.places else {}
    found = {name: math.nan if value is None else value for name, value in own.items()}
    return found | measured.get((run.name, key.picture), {})


def _scores(runs: Sequence[Run], measured: Table) -> list[str]:
    """All scores that some explanation has, those of the table first."""
    of_table = (name for numbers in measured.values() for name in numbers)
    of_rows = (name for run in runs for row in run.results.summary if row for name in row.numbers)
    return list(dict.fromkeys([*of_table, *of_rows]))


def _facts(run: Run) -> dict[str, str]:
    """What the head of a column says."""
    manifest = run.results.manifest
    return {"name": run.name, "method": manifest.method, "infill": manifest.infill}


def _entry(runs: Sequence[Run], measured: Table, numbered: tuple[int, Key]) -> dict[str, Any]:
    number, key = numbered
    image = np.asarray(runs[0].results[IMAGES][runs[0].pictures[key.picture]])
    names = next((run.results.class_names for run in runs if run.results.class_names), ())
    curves = _curves(runs, key)
    drawn = chart({f"{n}{part}": line for (n, part), line in curves.items()}, also=(0.0,))
    return {
        "number": number,
        "name": key.picture,
        "target": class_name(key.target, names[key.target] if names else ""),
        "coarse": embedded.is_small(image),
        "picture": embedded.thumbnail(panels.picture(image)),
        "cells": [_cell(run, key, image, measured) for run in runs],
        "curves": [
            {part: drawn.lines[f"{n}{part}"] for part in ("kept", "removed")}
            if drawn is not None and (n, "kept") in curves
            else {}
            for n in range(len(runs))
        ],
        "even": None if drawn is None or not curves else drawn.place(0.0),
    }


def _curves(runs: Sequence[Run], key: Key) -> dict[tuple[int, str], np.ndarray]:
    """Log-odds over the share of the pixels, of the runs that have scored it."""
    return {
        (n, part): np.asarray(run.results[f"curve_{part}"][run.places[key]])
        for n, run in enumerate(runs)
        for part in ("kept", "removed")
        if key in run.places and scores.are_among(run.results.outputs)
    }


def _cell(run: Run, key: Key, image: np.ndarray, measured: Table) -> dict[str, Any] | None:
    """``None`` where the run says nothing of it."""
    if run.place(key) is None:
        return None
    saliency = run.saliency(key)
    numbers = _numbers(run, key, measured)
    extremes = panels.display_range(saliency)
    return {
        "image": embedded.thumbnail(panels.overlay(image, saliency)),
        "numbers": {name: raw(value) for name, value in numbers.items() if math.isfinite(value)},
        "order": {name: value for name, value in numbers.items() if math.isfinite(value)},
        "extremes": None if extremes is None else [raw(value) for value in extremes],
    }


def common(folders: Sequence[Path]) -> Path:
    """The folder that all of them lie in."""
    found = files.common([folder.resolve().parent for folder in folders])
    if found is None:
        raise ValueError(
            "The folders lie in different places; say where the page goes: --out FILE."
        )
    return found
