"""Where the pictures of a run lie, seen from its folder, for links that outlive a move of both.

Only pictures beside the folder or below it are noted: a longer way would lead astray elsewhere.
"""

import json
import os
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from xai_jax.core import json_file
from xai_jax.runtime.files import remove, write_whole
from xai_jax.runtime.objects import ObjectPath

NAME = "originals.json"


def note(folder: Path, pictures: Mapping[str, Path]) -> None:
    """Writes ``originals.json``, or removes an older one where the pictures lie far away.

    Args:
        folder: of the run.
        pictures: ``{id: file}``, as `data.finding.find` has them.
    """
    picture, file = next(iter(pictures.items()))
    write(folder, file.parents[picture.count("/")])


def write(folder: Path, common: Path) -> None:
    """As `note`, of the folder that all pictures lie in."""
    way = os.path.relpath(common, folder)
    if isinstance(common, ObjectPath) == isinstance(folder, ObjectPath) and _is_near(way):
        write_whole(folder / NAME, json.dumps(way).encode())
    else:
        remove(folder / NAME)


def read(folder: Path) -> str | None:
    """The way from a run's folder to that of its pictures; ``None`` where it is not known."""
    try:
        way: str = json_file.read(folder / NAME, str, "write the report again")
    except (FileNotFoundError, ValueError):
        return None
    return way if _is_near(way) else None


def links(folder: Path) -> Callable[[str], str | None]:
    """What a page in the folder links a picture to, by its id; ``None`` where it is not there.

    In a store nobody looks whether it is there.
    """
    way = read(folder)

    def link(picture: str) -> str | None:
        if way is None:
            return None
        name = f"{way}/{picture}"
        if not isinstance(folder, ObjectPath) and not os.path.isfile(folder / name):
            return None
        return urllib.parse.quote(os.fsencode(name))

    return link


def _is_near(way: str) -> bool:
    path = PurePosixPath(way)
    return not path.is_absolute() and ".." not in path.parts[1:]
