"""``xai-jax predict``: what a classifier sees in pictures."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import tyro

from xai_jax.classifiers import pretrained
from xai_jax.classifiers.pretrained import Pretrained
from xai_jax.commands.onnx_flags import OnnxFlags
from xai_jax.commands.words import pictures_first
from xai_jax.core import targets
from xai_jax.core.errors import BadPicture
from xai_jax.core.precision import single
from xai_jax.data import finding, pictures
from xai_jax.runs.batch import BAD_LOGITS, check_head, checked_logits
from xai_jax.runtime import compilation_cache
from xai_jax.runtime.files import placed
from xai_jax.runtime.terminal import plain

_TOP = 5


@dataclasses.dataclass(kw_only=True)
class Arguments:
    """Prints the five classes that a classifier finds most likely in each picture.

    For example:
      xai-jax predict --classifier efficientnet_lite0 photo.jpg PICTURES

    Args:
        pictures: files, and folders that are searched with their subfolders.
        classifier: see "xai-jax classifiers"; or the .safetensors file of one trained here, or an
            .onnx file.
        weights: file of its weights (.pth or .safetensors) in place of an installed package.
        onnx: what an .onnx file does not say of its pictures.
        json: print one JSON list in place of tables.
    """

    pictures: tyro.conf.Positional[list[Path]]
    classifier: str
    weights: Path | None = None
    onnx: Annotated[OnnxFlags, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=OnnxFlags
    )
    json: tyro.conf.FlagCreatePairsOff[bool] = False


@single
def main(argv: Sequence[str]) -> None:
    """Prints the top five of every picture.

    Raises:
        ValueError: no picture could be read; a single bad one is named on stderr.
    """
    args = tyro.cli(Arguments, args=pictures_first(argv), prog="xai-jax predict")
    placed(args)
    files = finding.find(args.pictures)
    compilation_cache.enable()
    model = pretrained.load(args.classifier, args.weights, args.onnx.about())
    answers = []
    for answer in _answers(files, model):
        answers.append(answer)
        if not args.json:
            print(_table(answer))
    if not answers:
        raise ValueError("No picture could be read.")
    if args.json:
        print(json.dumps(answers, indent=1))


def _answers(files: dict[str, Path], model: Pretrained) -> Iterator[dict[str, Any]]:
    """The answer to each picture that can be read, one after the other."""
    for picture, path in files.items():
        try:
            image = pictures.read(path, model.preprocess)
        except BadPicture as reason:
            print(plain(f"warning: {picture} was skipped. {reason}"), file=sys.stderr)
            continue
        logits = checked_logits(model.classifier, image[None])
        check_head(model.classifier.head, logits.shape[1])
        if not np.isfinite(logits).all():
            print(plain(f"warning: {picture} was skipped. {BAD_LOGITS}"), file=sys.stderr)
            continue
        yield {"picture": picture, "top": _top(logits[0], model)}


def _top(logits: np.ndarray, model: Pretrained) -> list[dict[str, Any]]:
    """The most likely decisions: of a single logit, that its class is there or is not."""
    num_classes, names = len(logits), model.class_names or ()
    logits = np.append(logits, -logits) if num_classes == 1 else logits
    probs = np.asarray(targets.probs(jnp.asarray(logits[None]), model.classifier.head))[0]
    return [
        {
            "index": index,
            "name": targets.decision_name(index, names, num_classes),
            "logit": round(float(logits[index]), 4),
            "probability": round(float(probs[index]), 6),
        }
        for index in np.argsort(-logits, kind="stable")[:_TOP].tolist()
    ]


def _table(answer: dict[str, Any]) -> str:
    lines = [plain(answer["picture"]), " index  logit  probability  name"]
    for top in answer["top"]:
        line = "{index:6d} {logit:6.2f} {probability:12.2%}  {name}".format(**top)
        lines.append(plain(line))
    return "\n".join(lines)
