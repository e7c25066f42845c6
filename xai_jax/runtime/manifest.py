"""What a run is made of: all that its results depend on, and nothing that differs by the hour."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import PIL

from xai_jax.core import json_file
from xai_jax.core.domains import Count, Interval, Natural, PathWithin, Seed
from xai_jax.core.generator import Generator, region_names
from xai_jax.core.precision import Precision
from xai_jax.core.settings import Settings
from xai_jax.core.version import VERSION
from xai_jax.runtime.files import write_whole

NAME = "manifest.json"
FORMAT = 3
_REMEDY = "explain the pictures anew into another folder"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard(Settings):
    """The place of a part of a run.

    Fields:
        index: from 1.
        count: of parts.
        pictures_sha256: of the names and the content of the whole run's pictures.
    """

    index: Count
    count: Count
    pictures_sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest(Settings):
    """The settings and the provenance of a run; row i of every result is ``pictures[i]``.

    Fields:
        method, preset, config: the method, the preset it started from, and every setting resolved.
        infill, infill_config: the same of the infill.
        infill_sha256: hash of the file of an infill with a network; ``None`` for the others.
        generator_sha256: hash of the file of a latent space; ``None`` where there is none.
        segmenter_sha256: hash of the file that predicts label maps; ``None``: they are given.
        region_names: of the regions that a latent space draws; empty where it knows none.
        void_region: the region that void, 255, is in label maps that are given; ``None``: none.
        components: how many pieces of a region have a code of their own, and which are too small;
            ``None`` where a region is all of it.
        classifier, weights_sha256: the classifier and the hash of its weights file.
        oracle_sha256: hash of the weights of the classifier that decides counterfactuals, too;
            ``None``: there is none.
        checkpoint_sha256: hash of the file of a method that was trained; ``None`` for the others.
        preprocess: fields of `core.preprocess.Preprocess`.
        target: "predicted", "runner-up", "truth", or the index of the class that is explained.
        labels_sha256: hash of the file with the true classes; ``None`` unless target is "truth".
        seed: of all randomness.
        repeats: how often each picture is explained, with other noise each time.
        batch_size: pictures in one compiled call; also the rows of one chunk.
        shard: which part it is; ``None`` for a whole run.
        pictures: ids, in the order of the rows: paths relative to the pictures' common folder.
        precision: of the networks that are frozen (`core.precision`).
        sheets: whether each picture has a sheet, ``pictures/ID.png``.
        digests: one a picture, of the content of its file; "" where it could not be read.
        computed_with: versions of the packages, the kind of the device, and the precision of matrix
            products: what the last digits of every number depend on.
        format: of the folder.
    """

    method: str
    preset: str
    config: Mapping[str, Any]
    infill: str
    infill_config: Mapping[str, Any]
    infill_sha256: str | None = None
    generator_sha256: str | None = None
    segmenter_sha256: str | None = None
    region_names: tuple[str, ...] = ()
    void_region: Natural | None = None
    components: Mapping[str, Any] | None = None
    classifier: str
    weights_sha256: str
    oracle_sha256: str | None = None
    checkpoint_sha256: str | None = None
    preprocess: Mapping[str, Any]
    target: str | Annotated[int, Interval()]  # whoever explains knows how many classes there are
    labels_sha256: str | None = None
    seed: Seed
    repeats: Count = 1
    batch_size: Count
    precision: Precision = "float32"
    sheets: bool = True
    shard: Shard | None = None
    pictures: tuple[PathWithin, ...]
    digests: tuple[str, ...]
    computed_with: Mapping[str, str]
    format: Count = FORMAT

    def to_json(self) -> str:
        """The file's text: the same for the same run, to the byte."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = NAME) -> "Manifest":
        """Reads what `to_json` wrote.

        Args:
            text: the JSON.
            where: the file, for errors.

        Raises:
            ValueError: it is not JSON, of another format, or a value cannot be.
        """
        fields = json_file.parsed(text, where, _REMEDY)
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise ValueError(
                f"{where} is not of format {FORMAT}, but of another version of xai_jax; {_REMEDY}."
            )
        manifest: Manifest = json_file.fitting(fields, cls, where, _REMEDY)
        if len(manifest.pictures) != len(manifest.digests):
            raise ValueError(
                f"{where} is damaged: it has {len(manifest.pictures)} pictures and "
                f"{len(manifest.digests)} digests; {_REMEDY}."
            )
        return manifest

    def write(self, folder: Path) -> None:
        """Writes ``manifest.json`` into `folder`."""
        write_whole(folder / NAME, self.to_json().encode())

    def num_batches(self) -> int:
        """Batches of this run or shard."""
        return -(-len(self.pictures) // self.batch_size)

    def rows(self, batch: int) -> slice:
        """The rows of one batch; fewer than `batch_size` in the last."""
        start = batch * self.batch_size
        return slice(start, min(start + self.batch_size, len(self.pictures)))


def of_regions(generator: Generator | None) -> dict[str, Any]:
    """What a manifest says of the regions that are moved."""
    split = None if generator is None else generator.split
    return {
        "region_names": region_names(generator),
        "components": split and {"at_most": split.at_most, "smallest": split.smallest},
    }


def computed_with() -> dict[str, str]:
    """What this process computes with, for a manifest."""
    return {
        "xai_jax": VERSION,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "device": jax.devices()[0].device_kind,
        "matrix_precision": jax.config.values["jax_default_matmul_precision"] or "default",
    }


def read(folder: Path) -> Manifest:
    """The manifest of a run's folder.

    Raises:
        ValueError: `folder` does not hold a run, or its manifest cannot be read.
    """
    path = folder / NAME
    try:
        return Manifest.from_json(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise ValueError(
            f"{folder} holds no {NAME}; name a folder that xai-jax explain --out has made."
        ) from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; {_REMEDY}.") from None


def difference(found: Manifest, wanted: Manifest) -> str | None:
    """The first setting in which two runs differ, with both values; ``None`` if they are one.

    The content of a picture may differ: that picture is then explained anew.
    """
    wanted = dataclasses.replace(wanted, digests=found.digests)
    ours, theirs = (json.loads(manifest.to_json()) for manifest in (wanted, found))
    for name in ours:
        if ours[name] != theirs[name]:
            return in_words(name, theirs[name], ours[name])
    return None


def in_words(name: str, found: Any, wanted: Any) -> str:
    """Where two unequal JSON values of `name` first differ, and what each is there."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        key = next(k for k in [*found, *wanted] if found.get(k) != wanted.get(k))
        return in_words(f"{name}.{key}" if name else key, found.get(key), wanted.get(key))
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return f"{name} has {len(found)} entries there and {len(wanted)} here"
        row = next(i for i in range(len(found)) if found[i] != wanted[i])
        return in_words(f"{name}[{row}]", found[row], wanted[row])
    return f"{name} is {json.dumps(found)} there and {json.dumps(wanted)} here"
