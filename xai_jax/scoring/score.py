"""An evaluation from end to end: each contestant on the same pictures; what is done stays done."""

import dataclasses
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from xai_jax.core.content import as_json
from xai_jax.core.metric import Metric
from xai_jax.core.precision import single
from xai_jax.core.types import Batch, Explanation
from xai_jax.data.example import digest
from xai_jax.metrics.evidence_maps import with_flat
from xai_jax.metrics.specificity import classes_of
from xai_jax.runtime import config_file, distributed, files
from xai_jax.runtime.files import place
from xai_jax.runtime.progress import Progress
from xai_jax.scoring import measure, pages, record, shapes
from xai_jax.scoring.baselines import Baseline, baselines
from xai_jax.scoring.bootstrap import Draws
from xai_jax.scoring.calls import forward_passes
from xai_jax.scoring.classified import Classified, classified
from xai_jax.scoring.entrant import Entrant
from xai_jax.scoring.evaluation import Evaluation, standard
from xai_jax.scoring.measure import Masks
from xai_jax.scoring.record import Record
from xai_jax.scoring.stage import Stage
from xai_jax.scoring.table import Table
from xai_jax.scoring.trained import abstract_batch, inspector_of, other_classes
from xai_jax.scoring.trivial import sentence


@single
def score(
    evaluation: Evaluation, workdir: Path, devices: Sequence[jax.Device] | None = None
) -> Path:
    """Scores every contestant that `workdir` does not hold yet, and writes the tables.

    Killed at any moment and started again, it ends with the same bytes but for the milliseconds.
    Contestants and metrics may be added to an evaluation; where a picture or its mask has changed,
    what depends on it is computed anew. It writes ``config.json``, ``classifier.json``, the folder
    of explanations ``NAME/`` and ``contestants/NAME.json`` of each contestant, and the tables, of
    which it returns the path of ``scores.md``.

    Args:
        evaluation: who, on what.
        workdir: the scores' folder.
        devices: to compute on; by default all.

    Raises:
        ValueError: the data does not fit the classifier or has nothing to score against, a trained
            file is missing or of another network, or the folder holds another evaluation or a
            process that writes: before anything is written.
        OSError: the disk is full or read-only; whole files stay.
    """
    workdir = place(workdir).absolute()
    own = standard(tuple(evaluation.classes), evaluation.truth)
    metrics = with_flat((*own, *evaluation.metrics))
    classes_of(metrics)  # raises where there are two
    given = baselines() if evaluation.truth else {}
    check_names(evaluation.contestants, given)
    frozen = evaluation.explained.build()
    stage = Stage(
        frozen,
        evaluation.data,
        batch_size=evaluation.batch_size,
        classes=evaluation.classes,
        seed=evaluation.seed,
        devices=devices,
        absent=evaluation.absent,
    )
    _check_classifier(evaluation, stage)
    shared = dataclasses.replace(
        evaluation, contestants={}, metrics=(), resamples=0, group_of=None, trivial=None
    )
    whole = {"evaluation": shared, "frozen": stage.fingerprint(frozen)}
    config_file.check(workdir, whole)
    entrants = {
        name: Entrant(name, one, inspector_of(name, one, frozen, stage), stage, workdir)
        for name, one in evaluation.contestants.items()
    }
    trivial = evaluation.trivial
    said = () if trivial is None else (sentence(trivial, evaluation.data),)
    draws = Draws(evaluation.resamples, evaluation.group_of)
    compete(stage, entrants, given, metrics, workdir, whole, draws, said)
    return workdir / pages.PAGE


def compete(
    stage: Stage,
    entrants: Mapping[str, Entrant],
    given: Mapping[str, Baseline],
    metrics: Sequence[Metric],
    workdir: Path,
    whole: Any,
    draws: Draws,
    said: tuple[str, ...] = (),
) -> Table | None:
    """Explains and scores the contestants and the given masks, and writes all files.

    Of several processes each explains its share, and the first one scores; the others get ``None``.

    Args:
        stage: on what.
        entrants: who is explained.
        given: masks that come by themselves.
        metrics: what is scored.
        workdir: the scores' folder.
        whole: all that the scores depend on and that must be the same at every start.
        draws: of the bootstrap; of 0 resamples there are no intervals.
        said: more lines of the page.

    Raises:
        ValueError: see `score`.
        OSError: see `score`.
    """
    config_file.check(workdir, whole)
    declared = [o for entrant in entrants.values() for o in entrant.outputs]
    shapes.check_decisions({name: e.inspector.method for name, e in entrants.items()}, metrics)
    shapes.check(metrics, stage, stage.frozen, _abstract(stage), declared)
    records = {
        name: record.read(workdir, name, entrant.settings) for name, entrant in entrants.items()
    }
    for entrant in entrants.values():
        entrant.check_folder()
    for name, baseline in given.items():
        about = {"baseline": baseline, "frozen": stage.fingerprint(stage.frozen)}
        records[name] = record.read(workdir, name, as_json(about))
    distributed.together(f"{workdir} is checked")  # before anybody writes into it
    if not distributed.is_first():
        _explain_shares(entrants)
        return None
    with files.held(workdir), Progress("scoring", "pictures") as progress:
        config_file.write(workdir, whole)
        progress.note("classifying")
        classifier = classified(workdir, stage)
        for name, entrant in entrants.items():
            records[name] = _explained(entrant, records[name], workdir, progress)
        found = {}
        for name, before in records.items():
            if name in entrants:
                made = _of_entrant(entrants[name], before, metrics, progress)
            else:
                made = _of_baseline(name, given[name], before, stage, metrics, classifier)
            made.write(workdir, name)
            if made.names or made.skipped:
                found[name] = made
        return pages.write(workdir, stage, metrics, classifier, found, tuple(entrants), draws, said)


def _explain_shares(entrants: Mapping[str, Entrant]) -> None:
    """What the other processes do: explain their shares; the first one scores."""
    with Progress(quiet=True) as progress:
        for entrant in entrants.values():
            entrant.explain(progress)


def _explained(entrant: Entrant, before: Record, workdir: Path, progress: Progress) -> Record:
    """Its record with what explaining took, after its folder is filled."""
    progress.note(f"{entrant.name}: explaining")
    outcome = entrant.explain(progress)
    stored, _ = entrant.stored(per_class=False)
    stored.check()
    if math.isnan(before.passes):
        before = dataclasses.replace(before, passes=_passes(entrant))
    if outcome.seconds:
        took = before.milliseconds
        if len(outcome.seconds) > 1 or math.isnan(took):  # the first call may hold compilation
            took = _milliseconds(entrant, outcome.seconds)
        before = dataclasses.replace(before, device=entrant.stage.device, milliseconds=took)
        before.write(workdir, entrant.name)  # the next start may explain nothing
    return before


def _of_entrant(
    entrant: Entrant, before: Record, metrics: Sequence[Metric], progress: Progress
) -> Record:
    """The scores of what its folder holds."""
    stored, skipped = entrant.stored(any(metric.per_class for metric in metrics))
    progress.note(f"{entrant.name}: scoring")
    progress.start(len(entrant.rows), 0)
    masks = Masks(
        frozen=entrant.inspector.frozen,
        rows=entrant.rows,
        draw=stored,
        explained=entrant.explained,
        skipped=skipped,
        inspector=entrant.inspector,
    )
    return measure.measured(masks, metrics, entrant.stage, before, progress.advance)


def _passes(entrant: Entrant) -> float:
    """Forward passes that the masks of all true classes of a picture take."""
    stage = entrant.stage
    each = forward_passes(entrant.inspector, abstract_batch(stage, stage.size), stage.key)
    return each * entrant.num_true / len(entrant.rows)


def _milliseconds(entrant: Entrant, seconds: Sequence[float]) -> float:
    """To draw the masks of all true classes of a picture, which lies on the device.

    The median call, over the rows of a batch; the first call is left out, if there are others.
    """
    median = statistics.median(seconds[1:] or seconds)
    return 1e3 * median / entrant.stage.batch_size * entrant.num_true / len(entrant.rows)


def _of_baseline(
    name: str,
    baseline: Baseline,
    before: Record,
    stage: Stage,
    metrics: Sequence[Metric],
    classifier: Classified,
) -> Record:
    seconds: list[float] = []

    def draw(rows: Sequence[int], batch: Batch) -> Explanation:
        started = time.perf_counter()
        explanation = baseline(batch, stage.classes, any(m.per_class for m in metrics))
        seconds.append(time.perf_counter() - started)
        return explanation

    def explained(row: int) -> str:
        picture = stage.known[row].picture
        return picture and digest(f"{picture} {name}".encode())

    skipped = {
        row: classifier.skipped[stage.known[row].name]
        for row in stage.shown
        if stage.known[row].name in classifier.skipped
    }
    masks = Masks(
        frozen=stage.frozen,
        rows=stage.shown,
        draw=draw,
        explained=explained,
        skipped=skipped,
        counts=baseline.counts,
    )
    made = measure.measured(masks, metrics, stage, before)
    if not seconds:
        return made
    each = 1e3 * statistics.median(seconds) / stage.batch_size
    return dataclasses.replace(made, device=stage.device, milliseconds=each, passes=0.0)


def check_names(names: Mapping[str, Any], taken: Mapping[str, Any]) -> None:
    """Refuses rows that could not be told apart, or name no folder.

    Raises:
        ValueError: a name is taken, or cannot name a file.
    """
    for name in names:
        if name in taken:
            raise ValueError(f"The row {name!r} comes by itself; name that contestant otherwise.")
        if not name or "/" in name or name.startswith(".") or name == record.FOLDER:
            raise ValueError(f"{name!r} cannot be the name of a contestant, since it names a file.")


def _check_classifier(evaluation: Evaluation, stage: Stage) -> None:
    """Raises ValueError where the classifier's settings know other classes than the data."""
    known = getattr(evaluation.explained.classifier, "class_names", None) or ()
    difference = None if callable(known) else other_classes(known, stage.data.class_names)
    if difference:
        raise ValueError(
            f"The classifier has other classes than the data: {difference}; choose the data that "
            "the classifier was trained for."
        )


def _abstract(stage: Stage) -> Batch:
    """The shapes of a batch as the data has it."""
    arrays = stage.first
    masks = None
    if "masks" in arrays:
        masks = jax.ShapeDtypeStruct((stage.size, *arrays["masks"].shape), "float32")
    return dataclasses.replace(abstract_batch(stage, stage.size), masks=masks)
