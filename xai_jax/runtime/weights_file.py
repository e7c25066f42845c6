"""Trained weights as one safetensors file, with all that one must know in order to use them.

One writer and one reader for whatever was trained. A user asks in this order: `read` (a whole file
of ours, its header checked), `check_kind`, `header.settings`, and `weights` (the arrays are those
of the network that these settings make, and finite).
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.core.content import to_json
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings
from xai_jax.core.types import PyTree
from xai_jax.runtime import header, leaves
from xai_jax.runtime.files import place, write_whole
from xai_jax.runtime.header import Header

_KEY = "xai_jax"  # of our metadata in safetensors' own header
_LENGTH = 8  # bytes, in which safetensors says how long its header is


@dataclasses.dataclass(frozen=True, kw_only=True)
class Content:
    """What a file holds.

    Fields:
        path: of the file.
        header: what it says of its arrays.
        arrays: by path in the tree, ``params/stem/kernel`` say; in host memory.
        sha256: of the file, in hexadecimal.
    """

    path: Path
    header: Header
    arrays: Mapping[str, np.ndarray]
    sha256: str


@dataclasses.dataclass(slots=True, kw_only=True)
class WeightsFile(Settings):
    """The `export` of an Experiment: writes what was trained.

    Fields:
        kind: name of the method; also of the file.
        config: its settings.
        preprocess: how a photograph becomes its input.
        class_names: one a class; empty where there are no classes.
        half_precision: float32 is written as float16, in half of the space.
    """

    kind: str
    config: Any
    preprocess: Preprocess
    class_names: tuple[str, ...] = ()
    half_precision: bool = False

    def __call__(self, weights: PyTree, workdir: Path) -> Path:
        """Writes ``workdir/KIND.safetensors``.

        Args:
            weights: what `core.method.Trainable.weights` made of the best state.
            workdir: the run's folder.
        """
        path = workdir / f"{self.kind}.safetensors"
        write(
            path,
            _halved(weights) if self.half_precision else weights,
            kind=self.kind,
            config=self.config,
            preprocess=self.preprocess,
            class_names=self.class_names,
        )
        return path


def _halved(weights: PyTree) -> PyTree:
    """In float16, what is float32."""

    def half(leaf: Any) -> np.ndarray:
        array = np.asarray(leaf)
        return array.astype(np.float16) if array.dtype == np.float32 else array

    return jax.tree.map(half, weights)


def write(
    path: Path,
    weights: PyTree,
    *,
    kind: str,
    config: Any,
    preprocess: Preprocess,
    class_names: tuple[str, ...],
) -> None:
    """Writes the file whole or not at all; the same content gives the same bytes.

    Args:
        path: ends in ``.safetensors``.
        weights: a tree of arrays, whose keys have no "/" in them.
        kind: see `header.Header`.
        config: a dataclass of settings.
        preprocess: see `header.Header`.
        class_names: likewise.

    Raises:
        ValueError: `read` would refuse the header, or two arrays have one path.
        OSError: the disk is full or read-only.
    """
    import safetensors.numpy  # only who reads or writes such a file needs it

    about = header.text(
        Header(
            kind=kind,
            config=to_json(config),
            preprocess=preprocess,
            class_names=tuple(class_names),
        )
    )
    header.parsed(about, path)
    arrays = {name: np.asarray(leaf) for name, leaf in leaves.named(weights).items()}
    write_whole(path, safetensors.numpy.save(arrays, metadata={_KEY: about}))


def read(path: Path) -> Content:
    """The content of a file that `write` made; nothing in it can run code.

    Args:
        path: the file, or the folder of a run, in which it is the only one of its kind.

    Raises:
        ValueError: there is none, it is no such file, damaged, or of another format.
        OSError: it cannot be read.
    """
    import safetensors.numpy

    path = _file(place(path))
    content = path.read_bytes()
    try:
        arrays = safetensors.numpy.load(content)
        length = int.from_bytes(content[:_LENGTH], "little")
        about = json.loads(content[_LENGTH : _LENGTH + length])["__metadata__"][_KEY]
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, RecursionError):
        raise ValueError(
            f"{path} is no file that a finished training has written, or is damaged; name the "
            ".safetensors file in the folder of a run of train.py."
        ) from None
    return Content(
        path=path,
        header=header.parsed(about, path),
        arrays=arrays,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def check_kind(content: Content, kinds: Collection[str]) -> None:
    """Refuses a file of another kind.

    Raises:
        ValueError: names both.
    """
    if content.header.kind not in kinds:
        wanted = " or ".join(kinds)
        raise ValueError(
            f"{content.path} holds a trained {content.header.kind}, not {wanted}; "
            f"name what the training of {wanted} has left."
        )


def weights(content: Content, abstract: PyTree, remedy: str) -> PyTree:
    """The arrays as the tree that they were exported as, on the host.

    Args:
        content: of a file.
        abstract: the tree's shapes and types (``jax.eval_shape``).
        remedy: what helps where they differ: the end of a sentence, without its full stop.

    Raises:
        OtherLeaves: an array is missing, left over, or of another shape or type.
        ValueError: an array holds NaN or infinity.
    """
    found = leaves.filled(content.arrays, abstract, content.path, remedy)
    for name, array in content.arrays.items():
        if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
            raise ValueError(f"{content.path} holds NaN or infinity in {name}; {header.REMEDY}.")
    return found


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
