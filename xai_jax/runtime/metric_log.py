"""Metrics a line in metrics.jsonl, pictures as PNG, and the same for TensorBoard where wanted."""

import contextlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from xai_jax.core import json_file
from xai_jax.runtime import files
from xai_jax.runtime.files import named

NAME = "metrics.jsonl"
PANELS = "panels"
TENSORBOARD = "tensorboard"


class MetricLog:
    """Appends to ``metrics.jsonl``: ``{"step": 50, "train/loss": 0.25, ...}``, without a time.

    A context manager. The numbers of a line are written so that they are read back exactly.
    """

    def __init__(self, folder: Path, *, tensorboard: bool) -> None:
        """Opens the log of `folder`; call `rewind` before the first line.

        Raises:
            ValueError: TensorBoard is wanted and tensorboardX is not installed, or there is no
                disk to write its files to.
        """
        if tensorboard:
            files.check_disk(folder, "TensorBoard's files grow", "set tensorboard=False")
            _writer_class()  # fails now rather than after the first interval
        self._folder, self._path = folder, folder / NAME
        self._open = contextlib.ExitStack()
        self._there = self._open.enter_context(files.grown(self._path))
        self._file = self._open.enter_context(open(self._there, "ab"))
        self._wants_board = tensorboard
        self._board: Any = None

    def __enter__(self) -> "MetricLog":
        return self

    def __exit__(self, *error: object) -> None:
        with named(self._path):
            self._open.close()
        if self._board is not None:
            self._board.close()

    def rewind(self, step: int) -> None:
        """Drops the lines after `step`, and half a line that a kill left.

        What is written then continues as if nothing had come after `step`.
        """
        with named(self._path):
            self._file.truncate(_length_up_to(self._there, step))
        if self._wants_board:
            folder = str(self._folder / TENSORBOARD)
            self._board = _writer_class()(folder, purge_step=step + 1)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One line."""
        with named(self._path):
            self._file.write(json.dumps({"step": step, **values}).encode() + b"\n")
            self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Writes ``panels/NAME/STEP.png`` of ``[h w 3]`` or ``[h w]`` uint8 pictures.

        Raises:
            ValueError: a picture has another type or shape.
        """
        for name, picture in pictures.items():
            is_picture = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
            if picture.dtype != np.uint8 or not is_picture:
                raise ValueError(
                    f"The panel {name} is {picture.dtype} of shape {list(picture.shape)}; "
                    "make it uint8 of shape [h w 3] or [h w]."
                )
            path = self._folder / PANELS / name / f"{step:08d}.png"
            png = io.BytesIO()
            Image.fromarray(picture).save(png, format="PNG")
            files.write_whole(path, png.getvalue())
            if self._board is not None:
                layout = "HW" if picture.ndim == 2 else "HWC"
                self._board.add_image(name, picture, step, dataformats=layout)

    def sync(self) -> None:
        """Returns when all lines are on the disk: before the checkpoint that counts on them."""
        with named(self._path):
            os.fsync(self._file.fileno())
            files.publish(self._there, self._path)


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's ``metrics.jsonl``.

    Raises:
        ValueError: one of them is damaged.
    """
    path = folder / NAME
    remedy = "start the training again, which writes it anew from its checkpoint on"
    lines = enumerate(path.read_bytes().splitlines(), start=1)
    return [json_file.parsed(line, f"Line {n} of {path}", remedy) for n, line in lines]


def _length_up_to(path: Path, step: int) -> int:
    """Bytes of the whole lines up to and with `step`; steps never fall from line to line."""
    length = 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            written = json_file.parsed(line, str(path), "")["step"]
        except (ValueError, TypeError, KeyError):
            break
        if written > step or not line.endswith(b"\n"):
            break
        length += len(line)
    return length


def _writer_class() -> Any:
    try:
        from tensorboardX import SummaryWriter  # an extra: only those who want it need it
    except ModuleNotFoundError:
        raise ValueError(
            "TensorBoard's files need tensorboardX: pip install tensorboardX, "
            "or set tensorboard=False; metrics.jsonl is written in any case."
        ) from None
    return SummaryWriter
