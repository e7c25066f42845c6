"""Parts of a run, each explained by its own process into its own folder, and their reunion."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from xai_jax.runs import record
from xai_jax.runtime import done, files, store
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime.manifest import Manifest, Shard


def even_batch_size(num_pictures: int, limit: int) -> int:
    """The size at most `limit` that fills its batches best: 9 pictures at 8 make 5 + 4.

    Raises:
        ValueError: `limit` is no positive number.
    """
    if limit < 1:
        raise ValueError(f"--batch-size must be at least 1, not {limit}.")
    return -(-num_pictures // -(-num_pictures // limit))


def parse(text: str) -> tuple[int, int]:
    """Reads "2/5" as (2, 5).

    Raises:
        ValueError: it is not of that form, or not from 1/n to n/n.
    """
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise ValueError(f"--shard {text!r} must be one of 1/n, 2/n, … n/n.")
    return int(index), int(count)


def part(whole: Manifest, index: int, count: int) -> Manifest:
    """The `index`-th (1-based) of `count` parts: whole batches that follow on each other.

    Raises:
        ValueError: there are fewer batches than parts.
    """
    batches = whole.num_batches()
    if count > batches:
        raise ValueError(
            f"{len(whole.pictures)} pictures in batches of {whole.batch_size} make {batches} "
            f"batches, too few for {count} shards; use fewer, or a smaller --batch-size."
        )
    first, last = ((i * batches // count) * whole.batch_size for i in (index - 1, index))
    place = Shard(index=index, count=count, pictures_sha256=_sha256(whole))
    return dataclasses.replace(
        whole,
        pictures=whole.pictures[first:last],
        digests=whole.digests[first:last],
        shard=place,
    )


def merge(out: Path, folders: Sequence[Path]) -> Manifest:
    """Joins the shards of a run: `out` ends with the same bytes as a run without shards.

    Can be killed and started again like a run.

    Raises:
        ValueError: a shard is missing, doubled, unfinished or of another run, or `out` holds
            something else.
        OSError: the disk is full or read-only.
    """
    shards = _in_order({folder: manifests.read(folder) for folder in folders})
    whole = _joined(shards)
    names = next(filter(None, map(store.class_names, shards)), ())
    with files.held(out):
        recorder = record.Recorder(out, whole, names)
        todo = recorder.todo()
        whole.write(out)
        writer = store.Writer(out, len(whole.pictures), whole.batch_size, names)
        first = 0
        for folder, manifest in shards.items():
            arrays = store.read(folder)
            for own in range(manifest.num_batches()):
                rows = manifest.rows(own)
                there = range(first + rows.start, first + rows.stop)
                if set(there) & set(todo):
                    copies = {name: array[rows] for name, array in arrays.items()}
                    writer.copy(there, copies, {n: array.output for n, array in arrays.items()})
                    if whole.sheets:
                        _copy_sheets(folder, out, manifest.pictures[rows])
                    lines = done.read(folder, own).rows
                    recorder.write_done(there.start // whole.batch_size, lines, writer)
            first += len(manifest.pictures)
        recorder.finish()
    return whole


def _in_order(shards: dict[Path, Manifest]) -> dict[Path, Manifest]:
    """The shards from 1 to n; raises ValueError unless they are all there, once."""
    first_folder, first = next(iter(shards.items()))
    places: dict[int, Path] = {}
    for folder, manifest in shards.items():
        if manifest.shard is None:
            raise ValueError(f"{folder} is a whole run and no shard; there is nothing to merge.")
        difference = manifests.difference(_without_place(manifest), _without_place(first))
        if difference:
            raise ValueError(f"{folder} is of another run than {first_folder}: {difference}.")
        index = manifest.shard.index
        if index in places:
            raise ValueError(f"{places[index]} and {folder} are both shard {index}; leave one out.")
        places[index] = folder
    assert first.shard is not None
    missing = sorted(set(range(1, first.shard.count + 1)) - set(places))
    if missing:
        raise ValueError(
            f"Shard {missing[0]} of {first.shard.count} is missing; "
            f"name its folder too, or make it with --shard {missing[0]}/{first.shard.count}."
        )
    return {places[index]: shards[places[index]] for index in sorted(places)}


def _joined(shards: dict[Path, Manifest]) -> Manifest:
    for folder, manifest in shards.items():
        if len(done.all_whole(folder, manifest)) < manifest.num_batches():
            raise ValueError(
                f"{folder} is not finished, or has lost something since; start its xai-jax "
                "explain again, then merge."
            )
    first = next(iter(shards.values()))
    whole = dataclasses.replace(
        first,
        pictures=tuple(p for manifest in shards.values() for p in manifest.pictures),
        digests=tuple(d for manifest in shards.values() for d in manifest.digests),
        shard=None,
    )
    assert first.shard is not None
    if _sha256(whole) != first.shard.pictures_sha256:
        raise ValueError(
            "The shards were not made of the same pictures: one of them has changed in between; "
            "explain all shards again, of one set of pictures."
        )
    return whole


def _without_place(manifest: Manifest) -> Manifest:
    """All in which the shards of a run agree."""
    assert manifest.shard is not None
    place = dataclasses.replace(manifest.shard, index=1)
    return dataclasses.replace(manifest, shard=place, pictures=(), digests=())


def _copy_sheets(folder: Path, out: Path, ids: Sequence[str]) -> None:
    for picture in ids:
        sheet = record.sheet_path(folder, picture)
        if sheet.is_file():  # a skipped picture has none
            files.write_whole(record.sheet_path(out, picture), sheet.read_bytes())


def _sha256(manifest: Manifest) -> str:
    """Of the names and the content of a run's pictures."""
    text = "\n".join([*manifest.pictures, *manifest.digests])
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
