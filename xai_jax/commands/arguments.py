"""The arguments of ``xai-jax explain``: flags over a file of settings over a preset."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import tyro

from xai_jax.choices import (
    FIRST_INFILLS,
    FIRST_PRESETS,
    INFILLS,
    METHODS,
    PUBLISHED,
    chosen,
    presets,
)
from xai_jax.commands import described
from xai_jax.commands.onnx_flags import OnnxFlags
from xai_jax.commands.words import check_lists, lists, pictures_first
from xai_jax.core import json_file
from xai_jax.core.components import Components
from xai_jax.core.domains import Count, Natural, Seed
from xai_jax.core.precision import Precision
from xai_jax.core.settings import changed, coerced, nearest
from xai_jax.infills import trained as infills_trained
from xai_jax.runs import trained
from xai_jax.runs.trained import Trained
from xai_jax.runtime.files import place, placed
from xai_jax.runtime.manifest import Manifest

Config = TypeVar("Config")
CHECKPOINT = "checkpoint"  # in the place of a preset


@dataclasses.dataclass(kw_only=True)
class Arguments(Generic[Config]):
    """Explains pictures, and writes arrays, a table, an overlay a picture and a report.

    A second start of the same command goes on where the first ended.

    Args:
        pictures: files, and folders that are searched with their subfolders.
        out: folder of the results.
        classifier: see "xai-jax classifiers"; or the .safetensors file of one trained here, or an
            .onnx file.
        weights: file of its weights (.pth or .safetensors) in place of an installed package.
        oracle: a second classifier of the same classes, trained by itself, as --classifier takes
            one: what it makes of counterfactual pictures stands beside what the first does.
        onnx: what an .onnx file does not say of its pictures.
        method: how to explain; --help shows the settings of the method that is named before it.
            A checkpoint says by itself which method it is of.
        checkpoint: for a method that is trained: the .safetensors file that its training has left,
            or the folder of that run; its settings are those to start from.
        preset: settings of the method to start from: "published", or "fast" for example. By
            default "robust" for fido, and "published" for all others.
        config: JSON file of settings, with the fields of a manifest.json: those of a finished run
            repeat it. Flags override it.
        target: class to explain: "predicted", "runner-up", "truth", an index, or a name.
        labels: for --target truth: CSV with a header, file in the first column, class (index or
            name) in the second.
        infill: what stands in for removed pixels; its settings can be given in --config. By default
            "mixed" with the preset robust, and "blur" with all others.
        infill_weights: for an infill with a network: the .safetensors file that its training has
            left, or the folder of that run.
        generator: for a method that moves codes, latent_shift or steex say: the .safetensors file
            that the training of a generator has left, or the folder of that run.
        regions: folder of label maps, for a method that asks for them: for each picture a PNG of
            its name, whose grey levels or places in a palette number the regions.
        void_region: number of the region that is void, 255, in these maps: 19 for BDD100K's, say.
        segmenter: in the place of --regions: predicts the label maps; the .safetensors file that
            the training of a segmenter has left, or the folder of that run.
        components: whether each connected piece of a region is moved by itself: a car, and "car 2".
        seed: of all randomness.
        repeats: explain each picture so often, with other noise each time; the mean is shown, and
            how far the maps lie apart (spread).
        batch_size: pictures in one compiled call, at most; bounds the memory. By default as many as
            have room on a GPU or TPU, by the compiler's own figure, up to 128 a device; and 4 on a
            CPU, where the first result comes sooner and a larger batch saves little.
        precision: "bfloat16" has all networks, which learn nothing here, compute in half precision:
            for TPUs and GPUs; slow on a CPU.
        shard: "2/5" for the second of five parts of the pictures; see "xai-jax merge".
        coordinator: "host:port" of the first of several processes, which share the pictures and one
            folder; each is started with the same arguments, but for process_index. Under Slurm,
            Open MPI and on TPU slices they find each other without.
        process_index: this process among them, from 0.
        process_count: of how many.
        sheets: write a PNG of each picture, its saliency and its parts: pictures/ID.png; the report
            does not need them.
        compilation_cache: keep compiled programs in the user's cache folder for the next start.
        settings: the method's own.
        infill_settings: the infill's own, as the file of settings has them.
    """

    pictures: tyro.conf.Positional[list[Path]]
    out: Path
    classifier: str
    weights: Path | None = None
    oracle: str | None = None
    onnx: Annotated[OnnxFlags, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=OnnxFlags
    )
    method: str = "fido"
    checkpoint: Path | None = None
    preset: str = PUBLISHED
    config: Path | None = None
    target: str = "predicted"
    labels: Path | None = None
    infill: str = "blur"
    infill_weights: Path | None = None
    generator: Path | None = None
    regions: Path | None = None
    void_region: Natural | None = None
    segmenter: Path | None = None
    components: Components = dataclasses.field(default_factory=Components)
    seed: int = 0
    repeats: int = 1
    batch_size: int | None = None
    precision: Precision = "float32"
    shard: str | None = None
    coordinator: str | None = None
    process_index: int | None = None
    process_count: int | None = None
    sheets: bool = True
    compilation_cache: bool = True
    settings: Annotated[Config, tyro.conf.arg(name="")]
    infill_settings: tyro.conf.SuppressFixed[tyro.conf.Fixed[Any]] = None


# Fields of a manifest that a file of settings hands to the flag of the same name.
_FLAGS = ("classifier", "target", "seed", "repeats", "batch_size", "precision", "sheets")
_SETTINGS = (*_FLAGS, "method", "preset", "config", "infill", "infill_config")


def parse(argv: Sequence[str]) -> tuple[Arguments[Any], Trained | None]:
    """The arguments, every setting resolved, and what the checkpoint holds, if there is one.

    Flags lie over the file of settings, and that over the preset or the checkpoint.

    Raises:
        ValueError: a name or a field does not exist, a value has the wrong type, or a checkpoint is
            missing, of another method or of no use.
        SystemExit: a flag is wrong or missing (said on stderr), or help was asked for.
    """
    argv = pictures_first(argv)
    first = _first_look(argv)
    file = _read(first.config) if first.config else {}
    named = first.method or file.get("method")
    found = _read_checkpoint(first.checkpoint, named)
    method = named or (found.kind if found else "fido")
    preset, base = _start(first, file, method, found)
    config_class = type(base)
    _check_same(first, file, "method", "config")
    _check_same(first, file, "infill", "infill_config")
    infill = first.infill or file.get("infill") or FIRST_INFILLS.get(preset, "blur")
    infill_settings = chosen("infill", infill, INFILLS)()
    default = Arguments(
        pictures=[],
        out=Path(),
        classifier="",
        method=method,
        preset=preset,
        config=first.config,
        infill=infill,
        settings=changed(base, file.get("config", {}), f"{first.config}: config"),
        checkpoint=first.checkpoint,
    )
    default.out = default.classifier = tyro.MISSING  # type: ignore[assignment]
    for name in _FLAGS:
        setattr(default, name, file.get(name, getattr(default, name)))
    default.target = str(default.target)  # an index in the manifest
    check_lists(argv, [*lists(config_class), *lists(Components, "components.")])
    args = tyro.cli(
        Arguments[config_class],  # type: ignore[valid-type]
        args=argv,
        prog="xai-jax explain",
        description=described.explain(),
        default=default,
        config=(tyro.conf.EnumChoicesFromValues,),
    )
    args.infill_settings = changed(
        infill_settings, file.get("infill_config", {}), f"{first.config}: infill_config"
    )
    if preset == CHECKPOINT and found is None:  # only now: --help needs none
        raise ValueError(
            f"{method} explains with a network that is trained first; "
            "name what its training has left with --checkpoint FILE."
        )
    placed(args)
    if args.infill_weights is not None:
        args.infill_settings = _with_weights(args)
    return args, found


def _with_weights(args: Arguments[Any]) -> Any:
    """The settings of the infill, with the file of its weights."""
    if not isinstance(args.infill_settings, infills_trained.Trained):
        with_networks = [
            name for name, kind in INFILLS.items() if issubclass(kind, infills_trained.Trained)
        ]
        raise ValueError(
            f"The infill {args.infill} takes no weights; leave out --infill-weights, or choose one "
            f"that does: {', '.join(with_networks)}."
        )
    return dataclasses.replace(args.infill_settings, weights=str(args.infill_weights))


def _read_checkpoint(path: Path | None, method: str | None) -> Trained | None:
    """What the checkpoint holds, if there is one; without a method's name, whatever was trained."""
    if path is None:
        return None
    if method is None:
        return trained.read(path, METHODS)
    config_class = chosen("method", method, METHODS)
    if not trained.learns(config_class):
        raise ValueError(
            f"{method} explains each picture by itself and learns nothing; leave out --checkpoint, "
            "or leave out --method: the file says which method it is of."
        )
    return trained.read(path, {method: config_class})


def _start(
    first: argparse.Namespace, file: Mapping[str, Any], method: str, found: Trained | None
) -> tuple[str, Any]:
    """The preset's name, and the settings to start from."""
    config_class = chosen("method", method, METHODS)
    preset = first.preset or file.get("preset")
    if not trained.learns(config_class):
        preset = preset or FIRST_PRESETS.get(method, PUBLISHED)
        return preset, chosen(f"preset of {method}", preset, presets(config_class))()
    if found is None:
        return CHECKPOINT, config_class()
    if preset not in (None, CHECKPOINT):
        raise ValueError(
            f"The preset {preset} and the checkpoint {first.checkpoint} are both settings to start "
            "from; leave out the preset."
        )
    return CHECKPOINT, found.method


def _first_look(argv: Sequence[str]) -> argparse.Namespace:
    """What decides which other flags there are, and what their defaults are."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("method", "preset", "infill"):
        parser.add_argument(f"--{name}")
    for name in ("config", "checkpoint"):
        parser.add_argument(f"--{name}", type=place)
    return parser.parse_known_args(argv)[0]


def _read(path: Path) -> dict[str, Any]:
    remedy = "name a file that holds one JSON object with the fields of a manifest.json"
    try:
        values: dict[str, Any] = json_file.read(path, dict, remedy)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; {remedy}.") from None
    fields = {field.name: field for field in dataclasses.fields(Manifest)}
    for name, value in values.items():
        if name not in fields:
            raise ValueError(
                f"{path} has a field {name!r} that does not exist; {nearest(name, _SETTINGS)}"
            )
        _check_type(path, name, value)
    return {name: value for name, value in values.items() if name in _SETTINGS}


def _check_type(path: Path, name: str, value: Any) -> None:
    kinds: dict[str, Any] = {
        "seed": Seed,
        "batch_size": Count,
        "repeats": Count,
        "precision": Precision,
        "sheets": bool,
        "target": str | int,
        "config": dict,
        "infill_config": dict,
    }
    if name in _SETTINGS:
        coerced(kinds.get(name, str), value, f"{path}: {name}")


def _check_same(first: argparse.Namespace, file: Mapping[str, Any], name: str, of: str) -> None:
    """Settings in the file are those of the file's method or infill, not of another."""
    flag = getattr(first, name)
    if flag and file.get(of) and file.get(name, flag) != flag:
        raise ValueError(
            f"{first.config} has settings of {name} {file[name]}, not of {flag}; "
            f"leave out --{name} {flag}, or {of} in the file."
        )
