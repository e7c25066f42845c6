"""A folder of a store that one process holds: an object that says whose it is, renewed until then.

No two clocks are compared: a lease has expired when nobody has renewed it for as long as it lasts,
by the clock of the process that wants it. That process waits for it, or takes over at once what a
dead process of the same machine has left.
"""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xai_jax.core.errors import StoreError
from xai_jax.runtime.objects import ObjectPath

LASTS = 30.0  # seconds without a renewal
_RENEWALS = 3  # within that time
_held: dict[ObjectPath, "_Lease"] = {}


@contextlib.contextmanager
def held(folder: ObjectPath, path: ObjectPath) -> Iterator[None]:
    """Holds what lies below `folder`, by the object `path`, until the block is left.

    Raises:
        ValueError: another process holds it.
        StoreError: the store fails.
    """
    mine = _Lease(folder, path)
    mine.take()
    _held[folder] = mine
    try:
        yield
    finally:
        _held.pop(folder, None)
        mine.leave()


def check(path: Path) -> None:
    """Raises StoreError where the folder of `path` was held by this process and is no more."""
    for folder, mine in list(_held.items()):
        if mine.lost and path.is_relative_to(folder):
            raise StoreError(mine.lost)


class _Lease:
    """One, from `take` to `leave`; `lost` says why it has ended before."""

    def __init__(self, folder: ObjectPath, path: ObjectPath) -> None:
        self._folder, self._path = folder, path
        self._owner = {"owner": uuid.uuid4().hex, **_place()}
        self._count = 0
        self._version: bytes | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self.lost = ""

    def take(self) -> None:
        """Waits for the lease of a process that may be dead, and takes it."""
        self._version = self._path.write_if(self._content(), self._left_behind())
        if self._version is None and not self._is_own():
            self._path.is_file()  # raises where there is no bucket
            raise ValueError(self._taken("another one"))
        self._thread.start()

    def leave(self) -> None:
        """Gives it back, if it is still this process' own."""
        self._over.set()
        self._thread.join()
        with contextlib.suppress(StoreError, FileNotFoundError):  # it ends by itself
            if not self.lost and self._path.version()[1] == self._version:
                self._path.unlink()

    def _left_behind(self) -> bytes | None:
        """The version of a lease that nobody holds any more; ``None``: there is none."""
        first, until = None, time.monotonic() + LASTS
        while True:
            try:
                content, version = self._path.version()
            except FileNotFoundError:
                return None
            owner = _owner(content)
            if first not in (None, version):  # renewed
                raise ValueError(self._taken(owner.get("host", "another one")))
            if _is_dead(owner) or time.monotonic() > until:
                return version
            first = version
            time.sleep(LASTS / _RENEWALS / 4)

    def _taken(self, by: str) -> str:
        return (
            f"Another process is writing to {self._folder} (on {by}); wait for it to end, "
            "or choose another folder."
        )

    def _content(self) -> bytes:
        """Another one each time, so that each renewal is another version."""
        self._count += 1
        return json.dumps({**self._owner, "renewals": self._count, "lasts": LASTS}).encode()

    def _renew(self) -> None:
        since = time.monotonic()
        while not self._over.wait(LASTS / _RENEWALS):
            try:
                version = self._path.write_if(self._content(), self._version)
            except StoreError as error:
                if time.monotonic() - since < LASTS:
                    continue
                self.lost = f"The lease of {self._folder} could not be renewed: {error}"
                return
            if version is None and not self._is_own():
                self.lost = (
                    f"Another process has taken {self._folder}, since this one did not renew its "
                    "lease in time; wait for it to end, then start again."
                )
                return
            since, self._version = time.monotonic(), version or self._version

    def _is_own(self) -> bool:
        """Whether what is there is ours, of a write of which the answer was lost, say."""
        with contextlib.suppress(StoreError, FileNotFoundError):
            content, self._version = self._path.version()
            return _owner(content).get("owner") == self._owner["owner"]
        return False


def _owner(content: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        found = json.loads(content)
        return found if isinstance(found, dict) else {}
    return {}


def _place() -> dict[str, Any]:
    """This process, so that others of the machine see whether it lives."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "machine": _machine(), "began": _began(pid)}


def _machine() -> str:
    """This boot of this machine, and its own numbering of processes; "" where nobody knows."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return ""


def _began(pid: int) -> str:
    """When a process of this machine began, in its own unit; "" if it is no more."""
    with contextlib.suppress(OSError, IndexError):
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else rest[18]
    return ""


def _is_dead(owner: dict[str, Any]) -> bool:
    """Whether it was a process of this machine, and is no more."""
    is_here = owner.get("machine") == _machine() != ""
    return is_here and _began(int(owner.get("pid", 0))) != owner.get("began")
