"""Files that are whole or absent, and folders that one process holds at a time."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"
PARTIAL = ".partial"  # one fixed name a file, so that a second start overwrites what a kill left
_LONGEST = 255  # bytes of a file's name


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
        OSError: the disk is full or read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with named(path):
        with open(partial(path), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial(path), path)


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
    code = re.search(r"os_error_code='(\d+)'", str(error))
    return error if code is None else OSError(int(code[1]), os.strerror(int(code[1])), str(path))


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes `folder` and holds it until the block is left or the process dies, however it dies.

    Nothing of that stays: neither the lock, nor a folder that was made and holds nothing.

    Raises:
        ValueError: another process holds it.
        OSError: it cannot be made or written to.
    """
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
