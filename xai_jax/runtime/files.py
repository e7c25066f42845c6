"""Files that are whole or absent, and folders that one process holds: on a disk or in a store.

Whoever reads or writes what a user has named goes through a path that `place` has made.
"""

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xai_jax.runtime import lease, objects
from xai_jax.runtime.objects import ObjectPath

LOCK = ".lock"
PARTIAL = ".partial"  # one fixed name a file, so that a second start overwrites what a kill left
_LONGEST = 255  # bytes of a file's name


def place(path: str | os.PathLike[str]) -> Path:
    """The path of a name on the disk, or of an object: s3://BUCKET/NAME, gs://BUCKET/NAME.

    Raises:
        ValueError: it names no bucket.
    """
    name = os.fspath(path)
    return objects.named(name) if objects.looks_like(name) else Path(path)


def placed(arguments: Any) -> None:
    """Makes `place`s of all paths that the fields of a command's arguments hold."""
    for field in dataclasses.fields(arguments):
        value = getattr(arguments, field.name)
        if isinstance(value, Path):
            setattr(arguments, field.name, place(value))
        elif isinstance(value, list | tuple):
            several = type(value)(place(x) if isinstance(x, Path) else x for x in value)
            setattr(arguments, field.name, several)


def common(paths: Sequence[Path]) -> Path | None:
    """The folder that all these folders are or lie in; ``None``: they are in different places."""
    first, *others = paths
    parts = first.parts
    for other in others:
        same = (mine == theirs for mine, theirs in zip(parts, other.parts, strict=False))
        parts = parts[: next((n for n, is_same in enumerate(same) if not is_same), len(parts))]
        parts = parts[: len(other.parts)]
    needed = 2 if isinstance(first, ObjectPath) else 1
    return type(first)(*parts) if len(parts) >= needed else None


def is_regular(path: Path) -> bool:
    """Whether a file can be read to its end, as every object can.

    Raises:
        OSError: there is none.
    """
    return isinstance(path, ObjectPath) or stat.S_ISREG(path.stat().st_mode)


def remove(path: Path) -> None:
    """Removes a file, or a folder and all below it, if it is there.

    Raises:
        OSError: it cannot be removed.
    """
    if isinstance(path, ObjectPath):
        path.unlink()
        path.remove_below()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def partial(path: Path) -> Path:
    """Where a file is written before it takes the place of `path`."""
    name = path.name + PARTIAL
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32] + PARTIAL
    return path.with_name(name)


def fitting(name: str) -> str:
    """`name`, or where that is too long for a file a shorter one that no other name gets."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    stem, suffix = os.path.splitext(name)
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    short = os.fsencode(stem)[: _LONGEST - 40]
    return f"{short.decode(errors='ignore')}~{digest}{suffix}"


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a kill at any moment leaves the old one, the new one or none.

    Raises:
        OSError: the disk is full or read-only, or the store fails.
    """
    if isinstance(path, ObjectPath):
        lease.check(path)
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged(path) as there, open(there, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A file on the disk, to be written, that becomes `path` when the block ends well.

    Raises:
        OSError: the disk is full or read-only, or the store fails.
    """
    if isinstance(path, ObjectPath):
        with tempfile.TemporaryDirectory(prefix="xai_jax_") as folder:
            there = Path(folder, fitting(path.name))
            yield there
            write_whole(path, there.read_bytes())
        return
    with named(path):
        try:
            yield partial(path)
            os.replace(partial(path), path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial(path).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def grown(path: Path) -> Iterator[Path]:
    """A file on the disk that holds what `path` does and may grow, for `publish`.

    On a disk it is `path` itself. When the block is left, all of it is published.
    """
    if not isinstance(path, ObjectPath):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="xai_jax_") as folder:
        there = Path(folder, fitting(path.name))
        with contextlib.suppress(FileNotFoundError):
            there.write_bytes(path.read_bytes())
        yield there
        publish(there, path)


def publish(there: Path, path: Path) -> None:
    """Writes to a store what a file on the disk holds by now; nothing on a disk."""
    if isinstance(path, ObjectPath) and there.exists():
        write_whole(path, there.read_bytes())


def check_disk(path: Path, what: str, remedy: str) -> None:
    """Raises ValueError for something that needs files on a disk."""
    if isinstance(path, ObjectPath):
        raise ValueError(f"{what}, as objects in {path} cannot; {remedy}, or choose a disk.")


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """What the disk says to whoever writes into an open file gets the file's name.

    Raises:
        OSError: one without a name, with `path` for its name.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def of_disk(error: ValueError, path: Path) -> Exception:
    """What the operating system said, out of TensorStore's message; the error itself without it."""
    if isinstance(path, ObjectPath):
        return objects.failed(error, path)
    code = re.search(r"os_error_code='(\d+)'", str(error))
    return error if code is None else OSError(int(code[1]), os.strerror(int(code[1])), str(path))


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes `folder` and holds it until the block is left or the process dies, however it dies.

    Nothing of that stays: neither the lock, nor a folder that was made and holds nothing. In a
    store, it is held by a lease (`runtime.lease`).

    Raises:
        ValueError: another process holds it.
        OSError: it cannot be made or written to.
    """
    if isinstance(folder, ObjectPath):
        with lease.held(folder, folder / LOCK):
            yield
        return
    import fcntl  # POSIX only, and only writers need it

    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(descriptor, path):  # its last holder has just removed it
                raise BlockingIOError
        except BlockingIOError:
            raise ValueError(
                f"Another process is writing to {folder}; wait for it to end, "
                "or choose another folder."
            ) from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the disk may be read-only by now
                path.unlink()
            if is_new:
                with contextlib.suppress(OSError):  # it holds something
                    folder.rmdir()
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one that has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
