"""Pictures below folders, on the disk or in a store, and nothing else that lies there."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from xai_jax.runtime.files import common
from xai_jax.runtime.objects import ObjectPath

SUFFIXES = frozenset(
    ".apng .avif .bmp .gif .heic .heif .hif .j2c .j2k .jfif .jp2 .jpc .jpe .jpeg .jpf .jpg .jpx "
    ".jxl .mpo .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()
)
_OF_RESULTS = {"manifest.json", "batches"}  # what a folder of results holds


def find(paths: Sequence[Path], *, without: Path | None = None) -> dict[str, Path]:
    """The pictures that `paths` name, in natural order (2 before 10).

    Args:
        paths: files, taken whatever their suffix, and folders, searched with their subfolders for
            `SUFFIXES`; hidden files and folders are passed over.
        without: a folder that is not searched, the run's own say.

    Returns:
        ``{id: file}``; an id is the path relative to the pictures' common folder, with "/".

    Raises:
        ValueError: a path does not exist, or a folder holds no picture.
    """
    paths = list(paths)
    if not paths:
        raise ValueError("No picture is named; name pictures, or folders of pictures.")
    files: dict[Path, None] = {}  # an ordered set
    empty = []
    left_out = absolute(without) if without else None
    for path in map(absolute, paths):
        found = dict.fromkeys(_below(path, left_out))
        if not found and not path.exists():
            raise ValueError(f"{path} does not exist; name pictures, or folders of pictures.")
        files |= found
        empty += [] if found else [path]
    if not files:
        raise ValueError(
            f"No picture in {', '.join(map(str, paths))}; "
            f"these kinds are looked for: {', '.join(sorted(SUFFIXES))}."
        )
    if empty:
        raise ValueError(
            f"{empty[0]} holds no picture, though others do; leave it out, or correct its name."
        )
    folder = common([file.parent for file in files])
    if folder is None:
        raise ValueError(
            "The pictures lie in different places; explain those of each by themselves."
        )
    ids = {file.relative_to(folder).as_posix(): file for file in files}
    return dict(sorted(ids.items(), key=lambda item: _natural(item[0])))


def absolute(path: Path) -> Path:
    """The path from the root, without ".."."""
    return path.resolve() if isinstance(path, ObjectPath) else Path(os.path.abspath(path))


def _below(path: Path, without: Path | None) -> Iterator[Path]:
    """The path itself, if it is a file, or the pictures below it."""
    if isinstance(path, ObjectPath):
        everything = list(path.below())
        left_out = {*_results(everything), *([without] if without else [])}
        found = [file for file in everything if left_out.isdisjoint(file.parents)]
        yield from (file for file in found if _is_shown(file.relative_to(path)))
        if not found and path.is_file():
            yield path
    elif path.is_dir():
        yield from map(Path, _walked(str(path), str(without)))
    elif path.exists():
        yield path


def _results(files: Sequence[Path]) -> set[Path]:
    """The folders of results, of all these objects."""
    in_one, listed = sorted(_OF_RESULTS)
    with_batches = {file.parent.parent for file in files if file.parent.name == in_one}
    return with_batches & {file.parent for file in files if file.name == listed}


def _is_shown(name: Path) -> bool:
    """Whether it is called like a picture, and nothing in its name hides it."""
    return name.suffix.lower() in SUFFIXES and not any(part[0] == "." for part in name.parts)


def _walked(folder: str, without: str) -> Iterator[str]:
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        if os.path.realpath(here) in seen or here == without:
            folders.clear()  # a link back up, or the results
            continue
        if _OF_RESULTS <= {*files, *folders}:
            folders.clear()  # of another run: its sheets are no pictures
            continue
        seen.add(os.path.realpath(here))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if _is_shown(Path(name)):
                yield os.path.join(here, name)


def _natural(name: str) -> tuple:
    """Sorts numbers by their value; the name itself decides between "1.png" and "01.png"."""
    parts = re.split(r"(\d+)", name.lower())
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts], name
