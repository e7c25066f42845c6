"""Files that are whole or absent, and folders that one process holds at a time."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"
PARTIAL = ".partial"  # one fixed name a file, so that a second start overwrites what a kill left


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a kill at any moment leaves the old one, the new one or none.

    Raises:
        OSError: the disk is full or read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    with open(partial, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


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
