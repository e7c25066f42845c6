"""What a run is made of: all that its results depend on, and nothing that differs by the hour."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import PIL

from xai_jax.core.version import VERSION
from xai_jax.runtime.files import write_whole

NAME = "manifest.json"
FORMAT = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """The settings and the provenance of a run; row i of every result is ``pictures[i]``.

    Fields:
        method, preset, config: the method, the preset it started from, and every setting resolved.
        infill, infill_config: the same of the infill.
        classifier, weights_sha256: the classifier and the hash of its weights file.
        checkpoint_sha256: hash of the file of a method that was trained; ``None`` for the others.
        preprocess: fields of `core.preprocess.Preprocess`.
        target: "predicted", "runner-up", "truth", or the index of the class that is explained.
        labels_sha256: hash of the file with the true classes; ``None`` unless target is "truth".
        seed: of all randomness.
        batch_size: pictures in one compiled call; also the rows of one chunk.
        shard: ``None`` for a whole run, else ``{"index", "count", "pictures_sha256"}``: the
            1-based place among `count` shards, and the hash of the whole run's pictures.
        pictures: ids, in the order of the rows: paths relative to the pictures' common folder.
        digests: one a picture, of the content of its file; "" where it could not be read.
        versions: of the packages that compute.
        format: of the folder.
    """

    method: str
    preset: str
    config: dict[str, Any]
    infill: str
    infill_config: dict[str, Any]
    classifier: str
    weights_sha256: str
    checkpoint_sha256: str | None = None
    preprocess: dict[str, Any]
    target: str | int
    labels_sha256: str | None = None
    seed: int
    batch_size: int
    shard: dict[str, Any] | None = None
    pictures: tuple[str, ...]
    digests: tuple[str, ...]
    versions: dict[str, str]
    format: int = FORMAT

    def to_json(self) -> str:
        """The file's text: the same for the same run, to the byte."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: it is not JSON, or of another format.
        """
        fields = json.loads(text)
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise ValueError(
                f"it is not of format {FORMAT}, but of another version of xai_jax; explain the "
                "pictures anew into another folder"
            )
        names = {field.name for field in dataclasses.fields(cls)}
        if set(fields) != names:
            raise ValueError("it is damaged: fields are missing or unknown")
        lists = {name: tuple(fields[name]) for name in ("pictures", "digests")}
        return cls(**{**fields, **lists})

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


def versions() -> dict[str, str]:
    """Of the packages that compute, for a manifest."""
    return {
        "xai_jax": VERSION,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def read(folder: Path) -> Manifest:
    """The manifest of a run's folder.

    Raises:
        ValueError: `folder` does not hold a run, or its manifest cannot be read.
    """
    path = folder / NAME
    try:
        return Manifest.from_json(path.read_text())
    except FileNotFoundError:
        raise ValueError(
            f"{folder} holds no {NAME}; name a folder that xai-jax explain --out has made."
        ) from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from None


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
