"""Writes what was explained: the arrays, a picture each, and last the sign that a batch is done."""

import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from xai_jax.core.areas import AREAS, smallest_sufficient
from xai_jax.core.types import Explanation
from xai_jax.report import panels
from xai_jax.runtime import files, store, summary
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.summary import Row

PICTURES = "pictures"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explained:
    """The explained pictures of a batch, on the host.

    Fields:
        places: in the batch, of these ``n`` pictures.
        images: ``[n h w c]`` unit pixels.
        predicted: ``[n]`` classes.
        class_log_odds: ``[n k]`` of every class in the picture, nats.
        explanation: NumPy arrays ``[n ...]``.
        class_names: by index, or empty.
    """

    places: Sequence[int]
    images: np.ndarray
    predicted: np.ndarray
    class_log_odds: np.ndarray
    explanation: Explanation
    class_names: Sequence[str]


def check_folder(folder: Path, manifest: Manifest) -> None:
    """Refuses a folder that holds anything but an unfinished or finished start of the same run.

    Raises:
        ValueError: it holds another run, or files of somebody else.
    """
    if not (folder / manifests.NAME).exists():
        strange = [p.name for p in folder.iterdir() if p.name != files.LOCK]
        strange = [name for name in strange if name != manifests.NAME + files.PARTIAL]
        if strange:
            raise ValueError(
                f"{folder} holds {min(strange)} and no run; choose an empty folder with --out."
            )
        return
    difference = manifests.difference(manifests.read(folder), manifest)
    if difference:
        raise ValueError(
            f"{folder} holds another run: {difference}; choose another folder with --out, "
            "or start with the settings in its manifest.json."
        )


def write_summary(folder: Path, manifest: Manifest) -> list[Row]:
    """Writes ``summary.csv`` out of the batches, all of which are done."""
    rows = [
        row for batch in range(manifest.num_batches()) for row in summary.read_batch(folder, batch)
    ]
    summary.write_csv(folder, rows)
    return rows


class Recorder:
    """Writes the batches of one run, each as a whole."""

    def __init__(self, folder: Path, manifest: Manifest, class_names: Sequence[str]):
        self._folder = folder
        self._manifest = manifest
        self._store = store.Writer(folder, len(manifest.pictures), manifest.batch_size, class_names)
        self._claimed = (folder / manifests.NAME).exists()

    def write(self, batch: int, reasons: Mapping[int, str], explained: Explained | None) -> int:
        """Writes a batch and returns the number of its pictures.

        Args:
            batch: its number.
            reasons: why a picture was skipped, by its place in the batch.
            explained: all the others; ``None`` if there is none.
        """
        if not self._claimed:  # only now: a run that fails before its first batch leaves no trace
            self._manifest.write(self._folder)
            self._claimed = True
        where = self._manifest.rows(batch)
        ids = self._manifest.pictures[where]
        rows = {place: Row.skipped(ids[place], why) for place, why in reasons.items()}
        if explained is not None:
            arrays = _arrays(explained)
            self._store.write(where.start, _spread(arrays, explained.places, len(ids)))
            self._write_pictures(ids, explained)
            rows |= _rows(ids, explained, arrays)
        summary.write_batch(self._folder, batch, [rows[i] for i in sorted(rows)])
        return len(rows)

    def _write_pictures(self, ids: Sequence[str], explained: Explained) -> None:
        explanation = explained.explanation
        for n, place in enumerate(explained.places):
            sheet = panels.contact_sheet(
                explained.images[n], explanation.keep[n], explanation.saliency[n]
            )
            png = io.BytesIO()
            Image.fromarray(sheet).save(png, format="PNG")
            path = self._folder / PICTURES / f"{ids[place]}.png"
            files.write_whole(path, png.getvalue())


def _arrays(explained: Explained) -> dict[str, np.ndarray]:
    """``{name in the store: [n ...]}``."""
    explanation = explained.explanation
    arrays = {
        "images": np.round(explained.images * 255),
        "keep": explanation.keep,
        "saliency": explanation.saliency,
        "target": explanation.target,
        "class_log_odds": explained.class_log_odds,
        **{f"log_odds_{part}": values for part, values in explanation.log_odds.items()},
        **{f"curve_{part}": values for part, values in explanation.curve.items()},
        **{f"trace/{name}": values for name, values in explanation.trace.items()},
    }
    if explanation.counterfactual is not None:
        arrays["counterfactual"] = explanation.counterfactual
    if explanation.class_keep is not None:
        # Many, and to be looked at: 257 values take less than half of the disk that all take.
        arrays["class_keep"] = np.round(explanation.class_keep * 256) / 256
    return arrays


def _spread(
    arrays: Mapping[str, np.ndarray], places: Sequence[int], num: int
) -> dict[str, np.ndarray]:
    """The arrays with a row for each of `num` pictures, the skipped ones included."""
    spread = {}
    for name, values in arrays.items():
        spread[name] = np.full((num, *values.shape[1:]), store.fill(name), store.dtype(name))
        spread[name][list(places)] = values
    return spread


def _rows(
    ids: Sequence[str], explained: Explained, arrays: Mapping[str, np.ndarray]
) -> dict[int, Row]:
    names = explained.class_names
    rows = {}
    for n, place in enumerate(explained.places):
        target, predicted = int(arrays["target"][n]), int(explained.predicted[n])
        level = smallest_sufficient(arrays["curve_kept"][n], arrays["log_odds_original"][n])
        rows[place] = Row(
            picture=ids[place],
            status="done",
            target=target,
            target_name=names[target] if names else "",
            predicted=predicted,
            predicted_name=names[predicted] if names else "",
            log_odds_original=_short(arrays["log_odds_original"][n]),
            log_odds_kept=_short(arrays["log_odds_kept"][n]),
            log_odds_removed=_short(arrays["log_odds_removed"][n]),
            kept_area=_short(arrays["keep"][n].mean()),
            sufficient_area=None if level is None else _short(AREAS[level]),
        )
    return rows


def _short(number: float | np.floating) -> float:
    return float(f"{number:.6g}")  # as many digits as float32 has
