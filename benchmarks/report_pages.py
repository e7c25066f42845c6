"""The report of 1,000 photographs: bytes of its index, and how soon Chromium shows a picture.

The photographs are real and the maps made up: what a report costs does not ask who has explained.
"""

import os
import pathlib
import shutil
import tempfile

import numpy as np

from tests import fake_run
from tests.report.browser import chromium
from xai_jax import report
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import pictures
from xai_jax.runtime import done, store

NUM, BATCH, SIDE = 1000, 8, 224
MOST_MB, MOST_MS = 2.0, 1000.0
OPENINGS = 5
ROOT = pathlib.Path(__file__).parents[1]
FIRST_PICTURE = """const answer = arguments[0];
  const image = document.querySelector(".tile img");
  const seen = () => requestAnimationFrame(() => requestAnimationFrame(
    () => answer(performance.now())));
  const wait = () => image.complete && image.naturalWidth
    ? image.decode().then(seen) : setTimeout(wait, 5);
  wait();"""


def rows():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "results")
        _write(folder)
        index = report.write(folder)
        yield _row("index", index.stat().st_size / 1e6, "MB", MOST_MB)
        if shutil.which("chromium") and shutil.which("chromedriver"):
            slowest = _milliseconds(index, pathlib.Path(scratch, "profile"))
            yield _row(f"first picture, slowest of {OPENINGS}", slowest, "ms", MOST_MS)


def _row(what: str, value: float, unit: str, limit: float) -> dict:
    return {
        "case": f"report of {NUM} pictures: {what}",
        "value": round(value, 2),
        "unit": unit,
        "limit": limit,
        "ratio": round(limit / value, 3),
        "must_reach": 1.0,
    }


def _write(folder: pathlib.Path) -> None:
    """A run of photographs, whose maps and numbers are made up."""
    beside = ROOT.parent / "shared" / "data"
    where = pathlib.Path(os.environ.get("XAI_JAX_DATA", beside), "imagenet_samples", "images")
    photographs = sorted(where.iterdir())[:NUM]
    names = tuple(photograph.name for photograph in photographs)
    run = fake_run.manifest(len(names), BATCH, pictures=names)
    run.write(folder)
    writer = store.Writer(folder, len(names), BATCH, fake_run.CLASSES)
    for batch in range(run.num_batches()):
        some = run.rows(batch)
        values = fake_run.arrays(some, size=SIDE)
        del values["class_keep"]
        for n, photograph in enumerate(photographs[some]):
            values["images"][n] = pictures.read(photograph, Preprocess(height=SIDE, width=SIDE))
        known = {name: fake_run.KNOWN[name] for name in values}
        numbers = list(range(some.start, some.stop))
        writer.write(numbers, np.ones(len(numbers), bool), values, known)
        lines = [fake_run.row(names[i], run.digests[i], values, n) for n, i in enumerate(numbers)]
        done.write(folder, batch, lines, writer.written(batch))


def _milliseconds(index: pathlib.Path, profile: pathlib.Path) -> float:
    """From the start of the navigation until the first picture is decoded and two frames later."""
    browser = chromium.opened(profile)
    try:
        taken = []
        for _ in range(OPENINGS):
            browser.get(index.as_uri())
            taken.append(browser.execute_async_script(FIRST_PICTURE))
            browser.get("about:blank")
    finally:
        browser.quit()
    return max(taken)
