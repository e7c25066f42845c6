"""What a notebook calls to compare explanations."""

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from xai_jax.core.method import Frozen, Inspector
from xai_jax.core.metric import Metric
from xai_jax.core.precision import single
from xai_jax.metrics.evidence_maps import with_flat
from xai_jax.metrics.specificity import classes_of
from xai_jax.runtime.files import place
from xai_jax.scoring.baselines import baselines as of_all
from xai_jax.scoring.bootstrap import Draws
from xai_jax.scoring.entrant import Entrant
from xai_jax.scoring.evaluation import Contestant, ReadMask, kept_or_stretched
from xai_jax.scoring.score import check_names, compete
from xai_jax.scoring.stage import Data, Stage, fingerprint
from xai_jax.scoring.table import Table


@single
def evaluate(
    explainers: Mapping[str, Inspector],
    data: Data,
    metrics: Sequence[Metric],
    workdir: str | Path | None = None,
    *,
    mask: ReadMask = kept_or_stretched,
    baselines: bool = False,
    batch_size: int = 8,
    seed: int = 0,
    resamples: int = 0,
    devices: Sequence[jax.Device] | None = None,
) -> Table:
    """Explains every picture of `data` with each explainer, once, and scores what is stored.

    A second call with the same `workdir` explains only what has changed since, and scores whatever
    is asked for. ``xai_jax.load(workdir / NAME)`` are the explanations of one explainer.

    Args:
        explainers: who explains, by the name of the row; all of them explain one classifier.
        data: pictures with labels, a `data.pipeline.Pipeline` say; with masks where metrics or
            baselines compare with them.
        metrics: what is scored, such as `metrics.truth.overlap()`. They are shown a picture's masks
            of all its true classes, merged by their maximum, as `Explanation.keep`. Where
            `metrics.specificity.specificity(classes)` is among them, the masks of these classes are
            made too.
        workdir: the folder of explanations and scores; ``None``: one that is removed again, so that
            the table is all that stays.
        mask: which of an explanation's maps is the mask.
        baselines: whether the masks 0, 0.5 and 1 and the truth get rows too.
        batch_size: pictures in one compiled call; bounds the memory.
        seed: of all randomness.
        resamples: of the bootstrap that gives every number an interval and compares the explainers
            in pairs; 0: none.
        devices: to compute on; by default all.

    Returns:
        The table, which the workdir holds as ``scores.csv`` and ``scores.md`` too.

    Raises:
        ValueError: the explainers, the data and the metrics do not fit each other, or `workdir`
            holds another evaluation: before anything is written.
        OSError: the disk is full or read-only; whole files stay.
    """
    if jax.process_count() > 1:
        raise ValueError("xai_jax.evaluate scores as one process; evaluate.py takes several.")
    given = of_all() if baselines else {}
    check_names(explainers, given)
    metrics = with_flat(metrics)
    frozen, classes = _same_classifier(explainers), classes_of(metrics)
    stage = Stage(frozen, data, batch_size=batch_size, classes=classes, seed=seed, devices=devices)
    whole = {
        "classifier": stage.fingerprint(frozen.classifier),
        "batch_size": batch_size,
        "classes": list(classes),
        "seed": seed,
    }
    with _folder(workdir) as kept:
        folder = place(kept).absolute()
        entrants = {
            name: Entrant(name, Contestant(method=one.method, mask=mask), one, stage, folder)
            for name, one in explainers.items()
        }
        table = compete(stage, entrants, given, metrics, folder, whole, Draws(resamples))
        assert table is not None  # this process is the first
        return table


def _folder(workdir: str | Path | None) -> contextlib.AbstractContextManager[str | Path]:
    """The folder itself, or one that is removed at the end."""
    if workdir is None:
        return tempfile.TemporaryDirectory(prefix="xai_jax_")
    return contextlib.nullcontext(workdir)


def _same_classifier(explainers: Mapping[str, Any]) -> Frozen:
    """What the first explainer reads, if all of them explain its classifier."""
    if not explainers:
        raise ValueError("There are no explainers; name one at least.")
    for name, one in explainers.items():
        if not isinstance(one, Inspector):
            raise ValueError(
                f"The explainer {name} is {one!r:.60} and no Inspector; make one of a method's "
                "settings and of Explained(classifier=..., infill=...).build(), or load one."
            )
    first = next(iter(explainers))
    classifier = explainers[first].frozen.classifier
    other = next(
        (
            name
            for name, one in explainers.items()
            if one.frozen.classifier is not classifier
            and fingerprint(one.frozen.classifier) != fingerprint(classifier)
        ),
        None,
    )
    if other is not None:
        raise ValueError(
            f"{first} and {other} explain different classifiers, whose scores say nothing of each "
            "other; evaluate them apart."
        )
    return explainers[first].frozen
