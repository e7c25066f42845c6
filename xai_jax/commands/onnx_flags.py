"""The flags that say of an ONNX file what it does not say itself."""

import dataclasses
from pathlib import Path
from typing import Literal

from xai_jax.classifiers.onnx.about import About
from xai_jax.core.targets import Head


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnnxFlags:
    """Of an .onnx file: what its metadata does not say of its pictures.

    Args:
        mean: the network eats (pixels - mean) / std of unit pixels; one number, or one a channel.
            0.485 0.456 0.406 is ImageNet's.
        std: see --mean; 0.229 0.224 0.225 is ImageNet's.
        size: height and width of its pictures, or one number for both, if the file leaves it free.
        crop: share of the picture's middle that it sees, 0.875 for example; by default all of it,
            its sides not in proportion.
        resample: how photographs are made smaller for it.
        head: "sigmoid" where each class is decided by itself; by default softmax, or sigmoid where
            the graph ends in one.
        class_names: text file with one name a line, in the order of the classes.
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: tuple[int, ...] = ()
    crop: float | None = None
    resample: Literal["bilinear", "bicubic"] = "bilinear"
    head: Literal["softmax", "sigmoid"] | None = None
    class_names: Path | None = None

    def about(self) -> About:
        """The same, with the names read.

        Raises:
            ValueError: a number is out of its range, or the names cannot be read.
        """
        return About(
            mean=self.mean,
            std=self.std,
            size=self.size,
            crop=self.crop,
            resample=self.resample,
            head=self.head and Head(self.head),
            class_names=self._names(),
        )

    def _names(self) -> tuple[str, ...]:
        if self.class_names is None:
            return ()
        try:
            lines = self.class_names.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{self.class_names} cannot be read as a list of names: {error}."
            ) from None
        return tuple(line.strip() for line in lines if line.strip())
