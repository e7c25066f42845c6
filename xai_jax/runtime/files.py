"""Files that are whole or absent, and folders that one process holds at a time."""

import contextlib
import hashlib
import os
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
    with open(partial(path), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial(path), path)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes `folder` and holds it until the block is left or the process dies, however it dies.

    Raises:
        ValueError: another process holds it.
        OSError: it cannot be made or written to.
    """
    import fcntl  # POSIX only, and only writers need it

    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"Another process is writing to {folder}; wait for it to end, "
                "or choose another folder."
            ) from None
        yield
    finally:
        os.close(descriptor)
