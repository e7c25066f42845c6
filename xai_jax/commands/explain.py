"""``xai-jax explain``: pictures in, a folder of results out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import PIL

import xai_jax
from xai_jax import report
from xai_jax.classifiers import pretrained
from xai_jax.classifiers.pretrained import Pretrained
from xai_jax.commands import arguments, targets
from xai_jax.commands.arguments import Arguments
from xai_jax.core.content import to_json
from xai_jax.core.method import Frozen
from xai_jax.data import pictures
from xai_jax.nn.learner import Learner
from xai_jax.runs import shard, trained
from xai_jax.runs.run import Counts, Job, run
from xai_jax.runtime import compilation_cache
from xai_jax.runtime.ahead import interruptibly
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.progress import Progress


def main(argv: Sequence[str]) -> None:
    """Explains, writes the report, and says where it is."""
    args = arguments.parse(argv)
    files = pictures.find(args.pictures, without=args.out)
    place = shard.parse(args.shard) if args.shard else None
    if args.compilation_cache:
        compilation_cache.enable()
    with Progress() as progress:
        progress.note(f"loading {args.classifier}")
        counts = interruptibly(lambda: _explain(args, files, place, progress))
        progress.note("writing the report")
        page = report.write(args.out)
    if counts.skipped:
        progress.say(
            f"warning: {counts.skipped} of {counts.skipped + counts.done} pictures were skipped; "
            f"{args.out / 'summary.csv'} says why of each."
        )
    if not counts.done:
        raise ValueError(f"No picture could be explained; see {args.out / 'summary.csv'}.")
    print(page)


def _explain(
    args: Arguments[Any],
    files: dict[str, Path],
    place: tuple[int, int] | None,
    progress: Progress,
) -> Counts:
    model = pretrained.load(args.classifier, args.weights)
    target, chosen = targets.resolved(
        args.target, args.labels, model.class_names or (), list(files)
    )
    manifest = _manifest(args, model, target, tuple(files))
    if place is not None:
        manifest = shard.part(manifest, *place)
    infill = args.infill_settings.build(model.classifier)
    frozen = Frozen(classifier=model.classifier, infill=infill)
    job = Job(
        frozen=frozen,
        method=args.settings,
        read=lambda picture: pictures.read(files[picture], model.preprocess),
        image_shape=_shape(model),
        target=chosen,
        class_names=model.class_names or (),
        state=_state(args, model, frozen),
    )
    return run(args.out, manifest, job, progress)


def _shape(model: Pretrained) -> tuple[int, int, int]:
    return model.preprocess.height, model.preprocess.width, 3


def _state(args: Arguments[Any], model: Pretrained, frozen: Frozen) -> Learner | None:
    """The weights of a method that was trained, if they are for this classifier."""
    if args.trained is None:
        return None
    trained.check_same(
        args.trained,
        model.name,
        shape=_shape(model),
        class_names=model.class_names or (),
        num_classes=model.classifier.num_classes(_shape(model), args.batch_size),
    )
    return trained.state(args.trained, args.settings, frozen, _shape(model))


def _manifest(
    args: Arguments[Any], model: Pretrained, target: str | int, ids: tuple[str, ...]
) -> Manifest:
    labels = args.labels if target == targets.TRUTH else None
    return Manifest(
        method=args.method,
        preset=args.preset,
        config=to_json(args.settings),
        infill=args.infill,
        infill_config=to_json(args.infill_settings),
        classifier=model.name,
        weights_sha256=model.weights_sha256,
        checkpoint_sha256=args.trained.exported.sha256 if args.trained else None,
        preprocess=to_json(model.preprocess),
        target=target,
        labels_sha256=hashlib.sha256(labels.read_bytes()).hexdigest() if labels else None,
        seed=args.seed,
        batch_size=shard.even_batch_size(len(ids), args.batch_size),
        pictures=ids,
        versions={
            "xai_jax": xai_jax.__version__,
            "jax": jax.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
    )
