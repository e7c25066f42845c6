"""Trained weights as one safetensors file, with all that one must know in order to use them."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors
import safetensors.numpy

from xai_jax.core.content import to_json
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings, changed
from xai_jax.core.types import PyTree
from xai_jax.runtime.files import write_whole

_KEY = "xai_jax"  # of our metadata in the file's header
_FIELDS = ("kind", "config", "preprocess", "class_names")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exported:
    """What a file holds.

    Fields:
        kind: "classifier", or the name of the method that was trained.
        config: settings as `core.content.to_json` wrote them; `core.settings.changed` reads them.
        preprocess: how a photograph becomes the network's input.
        class_names: one a class.
        tree: nested dictionaries and lists of NumPy arrays.
        sha256: of the file, in hexadecimal.
    """

    kind: str
    config: Mapping[str, Any]
    preprocess: Preprocess
    class_names: tuple[str, ...]
    tree: PyTree
    sha256: str


@dataclasses.dataclass(slots=True, kw_only=True)
class Export(Settings):
    """Writes a trained network (a state with `params` and `statistics`) for ``xai-jax explain``.

    Fields:
        kind: name of the method; also of the file.
        config: its settings.
        preprocess: how a photograph becomes its input.
        class_names: one a class.
    """

    kind: str
    config: Any
    preprocess: Preprocess
    class_names: tuple[str, ...]

    def __call__(self, state: Any, workdir: Path) -> Path:
        """``workdir/KIND.safetensors``."""
        path = workdir / f"{self.kind}.safetensors"
        tree = {"params": state.params, "statistics": state.statistics}
        about = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        write(path, tree, **about)
        return path


def write(
    path: Path,
    tree: PyTree,
    *,
    kind: str,
    config: Any,
    preprocess: Preprocess,
    class_names: tuple[str, ...],
) -> None:
    """Writes the file whole or not at all; the same content gives the same bytes.

    Args:
        path: ends in ``.safetensors``.
        tree: dictionaries (keys without "/" that are no numbers) and lists of arrays.
        kind: see `Exported`.
        config: a dataclass of settings.
        preprocess: see `Exported`.
        class_names: one a class.
    """
    about = {
        "kind": kind,
        "config": to_json(config),
        "preprocess": to_json(preprocess),
        "class_names": list(class_names),
    }
    arrays = {
        jax.tree_util.keystr(at, simple=True, separator="/"): np.asarray(leaf)
        for at, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }
    write_whole(path, safetensors.numpy.save(arrays, metadata={_KEY: json.dumps(about)}))


def read(path: Path) -> Exported:
    """The content of a file that `write` made; nothing in it can run code.

    Args:
        path: the file, or the folder of a run, in which it is the only one of its kind.

    Raises:
        ValueError: there is none, it is no such file, or damaged.
        OSError: it cannot be read.
    """
    path = _file(Path(path))
    content = path.read_bytes()
    try:
        with safetensors.safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {})[_KEY])
        arrays = safetensors.numpy.load(content)
        kind, config, preprocess, class_names = (about[name] for name in _FIELDS)
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError):
        raise ValueError(
            f"{path} is no file that a finished training has written, or is damaged; name the "
            ".safetensors file in the folder of a run of train.py."
        ) from None
    return Exported(
        kind=kind,
        config=config,
        preprocess=changed(Preprocess, preprocess, f"{path}: preprocess"),
        class_names=tuple(class_names),
        tree=_tree(arrays),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _file(path: Path) -> Path:
    if not path.exists():
        raise ValueError(
            f"There is no {path}; train what leaves it first (python train.py --config=... "
            f"--workdir={path.parent if path.suffix else path}), or name another file."
        )
    if not path.is_dir():
        return path
    files = sorted(path.glob("*.safetensors"))
    if len(files) != 1:
        found = "no" if not files else f"{len(files)}"
        remedy = "let its training end first" if not files else f"name one, {files[0]} say"
        raise ValueError(f"{path} holds {found} .safetensors files; {remedy}.")
    return files[0]


def _tree(arrays: Mapping[str, np.ndarray]) -> PyTree:
    """``{"a/0/b": x}`` -> ``{"a": [{"b": x}]}``."""
    root: dict[str, Any] = {}
    for name, array in arrays.items():
        *folders, last = name.split("/")
        place = root
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = array
    return _with_lists(root)


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_with_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _with_lists(value) for key, value in node.items()}
