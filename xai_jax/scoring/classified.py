"""How good the explained classifier itself is on the pictures of an evaluation."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import json_file
from xai_jax.core.classifier import compiled_logits
from xai_jax.core.domains import Natural, Share
from xai_jax.core.errors import BadPicture
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.data.example import digest
from xai_jax.metrics import labels as decisions
from xai_jax.runs import batch as batches
from xai_jax.runtime.files import write_whole
from xai_jax.scoring.stage import Stage

NAME = "classifier.json"
_REMEDY = "remove it, and it is made anew"
_NOT_FINITE = "The classifier answers NaN or infinity for it; check its weights and its mean."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classified(Settings):
    """The classifier on all pictures, those without a class too.

    Fields:
        pictures: how many it was asked about.
        shown: how many of them show a class: the masks of these are scored.
        accuracy, precision, recall, f1: over all decisions, each class being found at probability
            0.5 (sigmoid), or the likeliest class alone (softmax).
        macro_auc: mean over the classes of the area under the ROC curve; ``None`` if no class is in
            some pictures only.
        auc: of each class.
        skipped: ``{name: reason}`` of the pictures without an answer.
        content: digest of the pictures and labels that this is about.
    """

    pictures: Natural
    shown: Natural
    accuracy: Share
    precision: Share
    recall: Share
    f1: Share
    macro_auc: Share | None
    auc: tuple[Share | None, ...]
    skipped: Mapping[str, str]
    content: str


def classified(workdir: Path, stage: Stage) -> Classified:
    """Reads ``classifier.json``, or makes it of these pictures; memory grows by their logits.

    Raises:
        ValueError: the classifier answers to no picture.
    """
    path, content = workdir / NAME, _content(stage)
    if path.exists():
        found = json_file.read(path, Mapping[str, Any], _REMEDY)
        if found.get("content") == content:
            made: Classified = json_file.fitting(found, Classified, str(path), _REMEDY)
            return made
    answers, skipped = _answers(stage)
    if not answers:
        raise ValueError(f"{next(iter(skipped))}: {next(iter(skipped.values()))}")
    logits = np.stack(list(answers.values()))
    labels = np.stack([stage.known[row].labels for row in answers])
    result = _judged(logits, labels, stage.frozen.classifier.head, skipped, content)
    write_whole(path, (json.dumps(dataclasses.asdict(result), indent=1) + "\n").encode())
    return result


def _content(stage: Stage) -> str:
    """Another one for other pictures, other labels, and other weights."""
    lines = [
        f"{known.name} {known.picture} {digest(np.asarray(known.labels, np.float32))}"
        for known in stage.known
    ]
    return digest("\n".join(lines).encode(errors="surrogateescape"))


def _answers(stage: Stage) -> tuple[dict[int, np.ndarray], dict[str, str]]:
    """Finite logits by data row, and why others have none, by name."""
    answers: dict[int, np.ndarray] = {}
    skipped: dict[str, str] = {}
    classifier = stage.placed_frozen(stage.frozen).classifier
    for read in stage.read(range(len(stage.known)), masks=False):
        bad = {row: arrays for row, arrays in read.items() if isinstance(arrays, BadPicture)}
        skipped |= {stage.known[row].name: str(reason) for row, reason in bad.items()}
        good = {row: arrays for row, arrays in read.items() if not isinstance(arrays, BadPicture)}
        if not good:
            continue
        images = stage.split(stage.batch(list(good.values())).images)
        found = np.asarray(compiled_logits(classifier, images))
        for n, row in enumerate(good):
            if np.isfinite(found[n]).all():
                answers[row] = found[n]
            else:
                skipped[stage.known[row].name] = batches.reason(_NOT_FINITE, classifier)
    return answers, skipped


def _judged(
    logits: np.ndarray, labels: np.ndarray, head: Head, skipped: dict[str, str], content: str
) -> Classified:
    decided = logits
    if head is Head.SOFTMAX:
        decided = np.where(logits == logits.max(axis=1, keepdims=True), 1.0, -1.0)
        logits = np.asarray(jax.nn.log_softmax(logits))
    counts = decisions.decisions(
        jnp.asarray(decided), jnp.asarray(labels), threshold=decisions.CLASSIFIER_THRESHOLD
    )
    sums = {name: float(np.sum(count)) for name, count in counts.items()}
    areas = np.asarray(decisions.auc(jnp.asarray(logits), jnp.asarray(labels)), np.float64)
    known = areas[~np.isnan(areas)]
    return Classified(
        pictures=len(labels),
        shown=int((labels > 0).any(axis=1).sum()),
        macro_auc=math.fsum(known) / len(known) if len(known) else None,
        auc=tuple(None if math.isnan(area) else float(area) for area in areas),
        skipped=skipped,
        content=content,
        **decisions.micro(sums),
    )
