"""``xai-jax explain``: pictures in, a folder of results out."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from xai_jax import report
from xai_jax.choices import GENERATORS
from xai_jax.classifiers import pretrained
from xai_jax.classifiers.pretrained import Pretrained
from xai_jax.classifiers.segmenter import Labels, Predicted
from xai_jax.commands import arguments, scores, targets
from xai_jax.commands.arguments import Arguments
from xai_jax.core.components import Components
from xai_jax.core.content import to_json
from xai_jax.core.generator import check_map_names, map_names
from xai_jax.core.infill import weights_sha256
from xai_jax.core.method import Explained, Frozen, Inspector
from xai_jax.core.precision import single
from xai_jax.core.repeated import repeated
from xai_jax.data import finding
from xai_jax.runs import record, room, shard, trained
from xai_jax.runs.asked import Run
from xai_jax.runs.run import Outcome, run
from xai_jax.runs.sources import Files
from xai_jax.runs.trained import Trained
from xai_jax.runtime import (
    compilation_cache,
    deterministic,
    distributed,
    mesh,
    originals,
    weights_file,
)
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime.ahead import interruptibly
from xai_jax.runtime.manifest import Manifest, computed_with, of_regions
from xai_jax.runtime.progress import Progress

_BATCH, _BATCH_ON_CPU = 8, 4


def main(argv: Sequence[str]) -> None:
    """Explains, writes the report, and says where it is."""
    deterministic.ask()
    args, found = arguments.parse(argv)
    place = (args.coordinator, args.process_index, args.process_count)
    with distributed.program(*place, batch_size="--batch-size"):
        distributed.end_at_once("xai-jax")
        _run(args, found)


def _run(args: Arguments[Any], found: Trained | None) -> None:
    files = finding.find(args.pictures, without=args.out)
    place = shard.parse(args.shard) if args.shard else None
    if args.compilation_cache:
        compilation_cache.enable()
    with Progress(quiet=not distributed.is_first()) as progress:
        progress.note(f"loading {args.classifier}")
        outcome = interruptibly(lambda: _explain(args, found, files, place, progress))
        if not distributed.is_first():
            return
        progress.note("writing the report")
        originals.note(args.out, files)
        page = report.write(args.out)
    if outcome.skipped:
        progress.say(
            f"warning: {outcome.skipped} of {outcome.skipped + outcome.done} pictures were "
            f"skipped; {args.out / 'summary.csv'} says why of each."
        )
    if not outcome.done:
        raise ValueError(f"No picture could be explained; see {args.out / 'summary.csv'}.")
    print(page)


@single
def _explain(
    args: Arguments[Any],
    found: Trained | None,
    files: dict[str, Path],
    place: tuple[int, int] | None,
    progress: Progress,
) -> Outcome:
    model = pretrained.load(args.classifier, args.weights, args.onnx.about())
    oracle = scores.load_oracle(args.oracle, args.onnx.about(), model, args.precision)
    target, chosen = targets.resolved(
        args.target, args.labels, model.class_names or (), list(files)
    )
    inspector = _inspector(args, found, model)
    regions = _regions(args, inspector.frozen)
    progress.note("looking at the pictures")
    how = Run(
        inspector=repeated(inspector, args.repeats),
        target=targets.of_each(chosen, list(files)),
        key=jax.random.key(args.seed),
        batch_size=_BATCH_ON_CPU if jax.default_backend() == "cpu" else _BATCH,
        image_shape=_shape(model),
        mesh=mesh.local_mesh(),
        metrics=scores.metrics(inspector, oracle),
        decisions=True,
    )
    source = Files(files, model.preprocess, regions, args.void_region)
    manifest = _manifest(args, found, model, target, source, _limit(args, how, source))
    manifest = dataclasses.replace(
        manifest,
        void_region=args.void_region,
        oracle_sha256=oracle.weights_sha256 if oracle else None,
        **of_regions(inspector.frozen.generator),
    )
    if place is not None:
        manifest = shard.part(manifest, *place)
    own = {picture: files[picture] for picture in manifest.pictures}
    how = dataclasses.replace(
        how, target=targets.of_each(chosen, list(own)), batch_size=manifest.batch_size
    )
    source = Files(own, model.preprocess, regions, args.void_region)
    return run(args.out, manifest, how, source, model.class_names or (), progress)


def _shape(model: Pretrained) -> tuple[int, int, int]:
    return model.preprocess.height, model.preprocess.width, 3


def _inspector(args: Arguments[Any], found: Trained | None, model: Pretrained) -> Inspector:
    """Who explains: by itself, or with weights that are for this classifier."""
    frozen = Explained(
        classifier=model.classifier,
        infill=args.infill_settings,
        generator=_generator(args.generator, args.components),
        precision=args.precision,
    ).build()
    if found is None:
        return Inspector(method=args.settings, frozen=frozen)
    return trained.inspector(
        found,
        frozen,
        preprocess=model.preprocess,
        class_names=model.class_names or (),
        classifier=model.name,
        method=args.settings,
    )


def _generator(path: Path | None, components: Components) -> Any:
    """The settings of the latent space in a file.

    Raises:
        ValueError: it is no file of one; or pieces are named of regions that nobody knows.
    """
    is_whole = components == Components()
    if path is None:
        if not is_whole:
            raise ValueError(
                "--components are of a generator's regions; name its file with --generator, or "
                "leave them out."
            )
        return None
    content = weights_file.read(path)
    weights_file.check_kind(content, GENERATORS)
    kind = content.header.kind
    if is_whole:
        return GENERATORS[kind](weights=str(path))
    if "components" not in {field.name for field in dataclasses.fields(GENERATORS[kind])}:
        raise ValueError(f"{path}, of the kind {kind}, knows no regions; leave out --components.")
    return GENERATORS[kind](weights=str(path), components=components)


def _regions(args: Arguments[Any], frozen: Frozen) -> Path | Labels | None:
    """Where the label maps come from.

    Raises:
        ValueError: two places are named, or none for what is said of void, or the segmenter's
            regions are not the generator's.
    """
    if args.void_region is not None and args.regions is None:
        raise ValueError(
            "--void-region is of label maps that are given; name their folder with --regions, or "
            "leave it out."
        )
    if args.segmenter is None:
        return args.regions
    if args.regions is not None:
        raise ValueError("Label maps are given or predicted; leave out --regions or --segmenter.")
    found = Predicted(weights=str(args.segmenter), precision=args.precision).build()
    check_map_names(found.names, map_names(frozen.generator))
    return found


def _limit(args: Arguments[Any], how: Run, source: Files) -> int:
    """Pictures in one compiled call, at most; the same for all processes.

    Where nobody says: as the folder's run has begun, or as many as the devices have room for.
    """
    if args.batch_size is not None:
        return args.batch_size
    if (args.out / manifests.NAME).is_file():
        return manifests.read(args.out).batch_size
    return distributed.least(room.for_pictures(how, source))


def _manifest(
    args: Arguments[Any],
    found: Trained | None,
    model: Pretrained,
    target: str | int,
    source: Files,
    limit: int,
) -> Manifest:
    labels = args.labels if target == targets.TRUTH else None
    return Manifest(
        method=args.method,
        preset=args.preset,
        config=to_json(args.settings),
        infill=args.infill,
        infill_config=to_json(args.infill_settings),
        infill_sha256=weights_sha256(args.infill_settings),
        generator_sha256=weights_file.read(args.generator).sha256 if args.generator else None,
        classifier=model.name,
        weights_sha256=model.weights_sha256,
        segmenter_sha256=weights_file.read(args.segmenter).sha256 if args.segmenter else None,
        checkpoint_sha256=found.content.sha256 if found else None,
        preprocess=to_json(model.preprocess),
        target=target,
        labels_sha256=hashlib.sha256(labels.read_bytes()).hexdigest() if labels else None,
        seed=args.seed,
        repeats=args.repeats,
        precision=args.precision,
        sheets=args.sheets,
        batch_size=shard.even_batch_size(len(source.names), limit),
        pictures=source.names,
        digests=record.digests(source),
        computed_with=computed_with(),
    )
