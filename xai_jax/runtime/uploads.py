"""Folders of a disk as objects of a store: whole, or not there."""

import functools
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from xai_jax.core import json_file
from xai_jax.runtime import files

WHOLE = "whole.json"  # written last: what the folder holds
_THREADS = 4


class Damaged(ValueError):
    """An object of a whole folder is missing, or holds something else."""


def send(local: Path, folder: Path, about: Mapping[str, Any]) -> None:
    """Writes all files below `local` as objects below `folder`, and last that they are there.

    Args:
        local: a folder on the disk.
        folder: of a store.
        about: JSON-able; what `said` returns.

    Raises:
        StoreError: the store fails, or another process has taken the folder.
    """
    names = sorted(p.relative_to(local).as_posix() for p in local.rglob("*") if p.is_file())
    with ThreadPoolExecutor(_THREADS) as pool:
        digests = list(pool.map(functools.partial(_send, local, folder), names))
    content = {**about, "files": dict(zip(names, digests, strict=True))}
    files.write_whole(folder / WHOLE, json.dumps(content, indent=1).encode())


def said(folder: Path) -> dict[str, Any]:
    """What `send` was told of a whole folder, and its files.

    Raises:
        Damaged: it is not whole.
    """
    try:
        found: dict[str, Any] = json_file.read(folder / WHOLE, dict, "begin anew elsewhere")
    except (FileNotFoundError, ValueError) as error:
        raise Damaged(str(error)) from None
    return found


def fetch(folder: Path, local: Path) -> None:
    """Writes a whole folder's objects as files below `local`, each compared with its digest.

    Raises:
        Damaged: the folder is not whole.
        StoreError: the store fails.
        OSError: the disk is full or read-only.
    """
    wanted = said(folder).get("files")
    if not isinstance(wanted, dict):
        raise Damaged(f"{folder / WHOLE} names no files.")
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(functools.partial(_fetch, folder, local), wanted, wanted.values()))


def _send(local: Path, folder: Path, name: str) -> str:
    content = (local / name).read_bytes()
    files.write_whole(folder / name, content)
    return hashlib.sha256(content).hexdigest()


def _fetch(folder: Path, local: Path, name: str, sha256: str) -> None:
    path = local / name
    if not path.resolve().is_relative_to(local.resolve()):
        raise Damaged(f"{folder / WHOLE} names {name!r}, which is no file within.")
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{folder / name} is missing.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(f"{folder / name} holds something else than was written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
