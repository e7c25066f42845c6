"""How good the explained classifier itself is on the pictures of an evaluation."""

import dataclasses
import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import compiled_logits
from xai_jax.core.targets import Head
from xai_jax.evaluate.stage import Stage
from xai_jax.metrics import labels as decisions
from xai_jax.runtime.files import write_whole

NAME = "classifier.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classified:
    """The classifier on all pictures, those without a class too.

    Fields:
        pictures: how many there are.
        shown: how many of them show a class: the masks of these are scored.
        accuracy, precision, recall, f1: over all decisions, each class being found at probability
            0.5 (sigmoid), or the likeliest class alone (softmax).
        macro_auc: mean over the classes of the area under the ROC curve; ``None`` if no class is in
            some pictures only.
        auc: of each class.
    """

    pictures: int
    shown: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    macro_auc: float | None
    auc: list[float | None]


def classified(workdir: Path, stage: Stage) -> Classified:
    """Reads ``classifier.json``, or makes it; memory grows by one logit a picture and class.

    Raises:
        ValueError: the data has no picture with a true class, or an answer is not finite.
    """
    path = workdir / NAME
    if path.exists():
        return Classified(**json.loads(path.read_text()))
    logits, truth = [], []
    for batch in stage.batches(None):
        counts = batch.weight > 0
        found = compiled_logits(stage.frozen.classifier, stage.split(batch.images))
        logits.append(np.asarray(found)[counts])
        truth.append(np.asarray(batch.labels)[counts])
    answers, there = np.concatenate(logits), np.concatenate(truth)
    if not np.isfinite(answers).all():
        raise ValueError("The classifier answers NaN or infinity; check its weights and its mean.")
    if not (there > 0).any():
        raise ValueError("No picture of the data shows a class; choose another split.")
    result = _judged(answers, there, stage.frozen.classifier.head)
    write_whole(path, (json.dumps(dataclasses.asdict(result), indent=1) + "\n").encode())
    return result


def _judged(logits: np.ndarray, labels: np.ndarray, head: Head) -> Classified:
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
        auc=[None if math.isnan(area) else float(area) for area in areas],
        **decisions.micro(sums),
    )
