"""Frozen image classifiers in pure JAX: plain functions over a dict of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from xai_jax.classifiers.published import Pretrained
    from xai_jax.core.targets import Head


def from_onnx(
    path: str | Path,
    *,
    mean: int | float | Sequence[int | float] = (),
    std: int | float | Sequence[int | float] = (),
    size: int | Sequence[int] = (),
    crop: float | None = None,
    resample: Literal["bilinear", "bicubic"] = "bilinear",
    class_names: Sequence[str] = (),
    head: Head | str | None = None,
    cut: str | None = None,
) -> Pretrained:
    """The classifier in an ONNX file, differentiable, its weights in ``classifier.params``.

    The file is read as data, without a package and without running anything. What is left out here
    is read from the file's metadata, where the same names hold JSON. A softmax or sigmoid at the
    end of the graph is left out: what is explained are logits.

    Args:
        path: the file; weights may lie in files beside it.
        mean: the network eats ``(pixels - mean) / std`` of unit pixels; one number, or one a
            channel. 0 and 1 for a network that eats unit pixels.
        std: see `mean`.
        size: height and width of the pictures, or one number for both, where the file leaves them
            free.
        crop: see `core.preprocess.Preprocess`; by default 0.
        resample: see there.
        class_names: one a class.
        head: how logits become probabilities; by default softmax, or sigmoid where the graph ends
            in one.
        cut: the value of the graph that Grad-CAM reads; by default the last with more than one
            place that all paths from pictures to logits pass.

    Returns:
        The classifier with its names and `preprocess`, as `pretrained.load` gives it.

    Raises:
        ValueError: the file is damaged or quantised, has an operator that is not known here, or
            something must be said of its pictures; one sentence with the remedy.
        OSError: it cannot be read.
    """
    from xai_jax.classifiers.onnx import load  # not before it is needed
    from xai_jax.classifiers.onnx.about import About
    from xai_jax.runtime.files import place

    one = lambda value: (value,) if isinstance(value, int | float) else tuple(value)  # noqa: E731
    about = About(
        mean=one(mean),
        std=one(std),
        size=one(size),
        crop=crop,
        resample=resample,
        class_names=tuple(class_names),
        head=head,  # type: ignore[arg-type]
    )
    return load.load(place(path), about, cut)
