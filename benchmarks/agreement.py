"""How far two runs of ``xai-jax explain`` agree, picture by picture: of other precisions, say.

python -m benchmarks.agreement results_float32 results_bfloat16
"""

import argparse
import json
import pathlib
import sys

import jax.numpy as jnp
import numpy as np

import xai_jax
from xai_jax.core.outputs import COUNTERFACTUAL
from xai_jax.metrics.sanity import correlation
from xai_jax.runtime.results import Results


def rows(one: Results, other: Results):
    """The targets, the maps, and the counterfactuals of methods that make some."""
    places = _places(one, other)
    if not places:
        raise SystemExit(f"{one.folder} and {other.folder} have explained no picture in common.")
    case = f"{one.manifest.method}, {len(places)} pictures, {one.manifest.precision} against"
    case = f"{case} {other.manifest.precision}"
    same = sum(int(one.target[i] == other.target[j]) for i, j in places)
    yield {"case": case, "value": same, "unit": "pictures of which the same class is explained"}
    maps, others = (jnp.asarray(results.saliency) for results in (one, other))
    ranks = [float(correlation(maps[i : i + 1], others[j : j + 1])[0]) for i, j in places]
    yield {
        "case": f"{case}, maps",
        "value": round(float(np.median(ranks)), 4),
        "unit": "rank correlation, median",
        "least": round(float(min(ranks)), 4),
    }
    if COUNTERFACTUAL.name in one and COUNTERFACTUAL.name in other:
        yield from _of_counterfactuals(case, one, other, places)


def _of_counterfactuals(case: str, one: Results, other: Results, places):
    drawn, redrawn = (results[COUNTERFACTUAL.name] for results in (one, other))
    apart = [np.abs(_unit(drawn[i]) - _unit(redrawn[j])).mean() for i, j in places]
    changed = [np.abs(_unit(drawn[i]) - _unit(one.images[i])).mean() for i, _ in places]
    yield {
        "case": f"{case}, counterfactuals",
        "value": round(float(np.median(apart)), 5),
        "unit": "mean absolute difference of unit pixels, median",
        "from_the_pictures": round(float(np.median(changed)), 5),
    }


def _places(one: Results, other: Results) -> list[tuple[int, int]]:
    """Rows of the pictures that both have explained."""
    there = {other.manifest.pictures[j]: j for j in other.rows}
    pairs = ((i, there.get(one.manifest.pictures[i])) for i in one.rows)
    return [(i, j) for i, j in pairs if j is not None]


def _unit(picture: np.ndarray) -> np.ndarray:
    return picture / 255.0 if picture.dtype == np.uint8 else np.asarray(picture, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__)
    parser.add_argument("one", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    arguments = parser.parse_args()
    for row in rows(xai_jax.load(arguments.one), xai_jax.load(arguments.other)):
        print(json.dumps({"benchmark": "agreement", **row}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
