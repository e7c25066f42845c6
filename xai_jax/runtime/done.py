"""The signs that batches of a run are done, and that what they have written is still there."""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xai_jax.core import json_file
from xai_jax.core.settings import Settings
from xai_jax.runtime import store
from xai_jax.runtime.files import write_whole
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.summary import Row

BATCHES = "batches"
_THREADS = 4  # that read files
_REMEDY = "start the run again, and this batch is made anew"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done(Settings):
    """What a batch has come to.

    Fields:
        rows: one line a picture.
        files: ``{path within the folder: SHA-256}`` of all that it has written.
    """

    rows: tuple[Row, ...]
    files: Mapping[str, str]


def write(
    folder: Path,
    batch: int,
    rows: Sequence[Row],
    files: Iterable[Path],
    lasting: dict[str, str] | None = None,
) -> None:
    """Writes ``batches/NNNNNN.json``, the sign that a batch is done: last of all that it writes.

    Args:
        folder: of the run.
        batch: its number.
        rows: its lines.
        files: what it has written; those count that are there.
        lasting: digests of metadata, which all batches share and which is read once; is added to.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    lines = ",\n".join(json.dumps(dataclasses.asdict(row), allow_nan=False) for row in rows)
    lasting = {} if lasting is None else lasting
    found = {**lasting, **_digests(folder, [name for name in names if name not in lasting])}
    there = {name: sha256 for name in names if (sha256 := found[name])}
    lasting |= {name: sha256 for name, sha256 in there.items() if name.endswith(store.METADATA)}
    digests = json.dumps(there, indent=1)
    text = f'{{"rows": [\n{lines}\n],\n"files": {digests}}}\n'
    write_whole(_path(folder, batch), text.encode())


def read(folder: Path, batch: int) -> Done:
    """What `write` has written.

    Raises:
        ValueError: it is damaged.
        OSError: it is not there, or cannot be read.
    """
    found: Done = json_file.read(_path(folder, batch), Done, _REMEDY)
    return found


def whole(folder: Path, batch: int, manifest: Manifest) -> Done | None:
    """A batch that is done, and of which every file is as it was written; ``None`` otherwise."""
    try:
        found = read(folder, batch)
    except (OSError, ValueError):
        return None
    pictures = manifest.pictures[manifest.rows(batch)]
    if tuple(row.picture for row in found.rows) != pictures:
        return None
    is_within = all(
        (folder / name).resolve().is_relative_to(folder.resolve()) for name in found.files
    )
    return found if is_within and _digests(folder, found.files) == found.files else None


def all_whole(folder: Path, manifest: Manifest) -> dict[int, Done]:
    """The batches that are `whole`, by number."""
    there = {path.name for path in (folder / BATCHES).glob("*.json")}
    batches = [n for n in range(manifest.num_batches()) if _path(folder, n).name in there]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda batch: whole(folder, batch, manifest), batches)
        return {n: done for n, done in zip(batches, found, strict=True) if done is not None}


def undo(folder: Path, manifest: Manifest, kept: Collection[int], arrays: Collection[str]) -> None:
    """Removes what batches have left that are not whole, so that they can be made anew.

    Args:
        folder: of the run, held by its owner.
        manifest: its.
        kept: the batches that are whole.
        arrays: metadata files that they vouch for (`arrays_of`); the other arrays hold nothing.
    """
    signs = {_path(folder, batch) for batch in range(manifest.num_batches()) if batch not in kept}
    for path in signs & set((folder / BATCHES).glob("*.json")):
        path.unlink(missing_ok=True)
    store.remove_chunks(folder, kept)
    store.remove_arrays(folder, keep=arrays)


def arrays_of(done: Done) -> set[str]:
    """The metadata files of the arrays that a batch is a part of."""
    return {name for name in done.files if name.endswith(f"/{store.METADATA}")}


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str | None]:
    """SHA-256 of files by their names within a folder; ``None`` of one that cannot be read."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(names, pool.map(lambda name: _sha256(folder / name), names), strict=True))


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _path(folder: Path, batch: int) -> Path:
    return folder / BATCHES / f"{batch:06d}.json"
