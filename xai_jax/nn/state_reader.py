"""From a PyTorch state dict to the parameters of a port: all keys consumed, all shapes checked."""

import re
from collections.abc import Mapping

import numpy as np

StateDict = Mapping[str, np.ndarray]  # weights as the original framework names and lays them out


class Blank(dict):
    """A state dict of zeros that lacks no key: what a port makes of it has the port's own shapes.

    Fields:
        num_classes: of the network's last layer.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes


class StateReader:
    """A state dict that is read key by key; `done` fails if any is left over.

    Convolutions come out HWIO, dense matrices ``[in out]``, with batch norm folded into weight and
    bias. All errors are ValueErrors of one sentence that names the architecture or the damaged key.
    """

    def __init__(self, state_dict: StateDict, architecture: str) -> None:
        self._blank = state_dict if isinstance(state_dict, Blank) else None
        self._left = {k: v for k, v in state_dict.items() if not k.endswith("num_batches_tracked")}
        self._architecture = architecture

    def take(self, key: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """One array as float32, in its original layout; None in `shape` stands for any number."""
        if self._blank is not None:
            sides = (self._blank.num_classes if n is None else n for n in shape)
            return np.zeros(tuple(sides), np.float32)
        if key not in self._left:
            raise self._other(f"'{key}' is missing")
        found = np.asarray(self._left.pop(key))
        fits = len(found.shape) == len(shape) and all(
            n > 0 if wanted is None else n == wanted
            for n, wanted in zip(found.shape, shape, strict=True)
        )
        if not fits:
            wanted = str(shape).replace("None", "any")
            raise self._other(f"'{key}' has shape {found.shape} instead of {wanted}")
        value = found.astype(np.float32)
        if not np.isfinite(value).all():
            raise ValueError(f"The weights hold NaN or infinity in '{key}'; the file is damaged.")
        if key.endswith("running_var") and (value < 0).any():
            raise ValueError(f"The weights hold a negative '{key}'; the file is damaged.")
        return value

    def shape(self, key: str) -> tuple[int, ...]:
        """Of one array, in its original layout."""
        if key not in self._left:
            raise self._other(f"'{key}' is missing")
        return np.shape(self._left[key])

    def conv(
        self,
        key: str,
        norm: str | None = None,
        *,
        shape: tuple[int, int, int, int],
        bias: bool = False,
        epsilon: float = 1e-5,
    ) -> dict[str, np.ndarray]:
        """``{"kernel": [kh kw i o], "bias": [o]}`` of convolution `key`, norm `norm` folded in.

        Args:
            key: of the convolution, without ".weight".
            norm: of the batch norm that follows it; None where none does.
            shape: ``(o, i, kh, kw)``, as PyTorch lays it out.
            bias: whether the convolution has a bias of its own.
            epsilon: of the batch norm.
        """
        kernel = self.take(f"{key}.weight", shape).astype(np.float64)
        shift = self.take(f"{key}.bias", shape[:1]) if bias else np.zeros(shape[0])
        if norm is not None:
            scale, offset = self.norm(norm, shape[0], epsilon=epsilon)
            kernel, shift = kernel * scale[:, None, None, None], shift * scale + offset
        return {
            "kernel": np.ascontiguousarray(kernel.transpose(2, 3, 1, 0), np.float32),
            "bias": np.asarray(shift, np.float32),
        }

    def norm(
        self, key: str, channels: int, *, epsilon: float = 1e-5
    ) -> tuple[np.ndarray, np.ndarray]:
        """Batch norm as ``x * scale + shift``, both ``[channels]`` float64."""
        gamma, beta, mean, variance = (
            self.take(f"{key}.{name}", (channels,)).astype(np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + epsilon)
        return scale, beta - mean * scale

    def dense(self, key: str, inputs: int, outputs: int | None = None) -> dict[str, np.ndarray]:
        """``{"kernel": [in out], "bias": [out]}``; by default as many outputs as the file has."""
        key = self._within_sequential(key)
        kernel = self.take(f"{key}.weight", (outputs, inputs))
        return {
            "kernel": np.ascontiguousarray(kernel.T),
            "bias": self.take(f"{key}.bias", (len(kernel),)),
        }

    def _within_sequential(self, key: str) -> str:
        """``fc.1`` for ``fc``, where the only weight of a head stands behind a dropout, say."""
        parts = [
            name for name in self._left if re.fullmatch(rf"{re.escape(key)}\.\d+\.weight", name)
        ]
        if len(parts) == 1 and f"{key}.weight" not in self._left:
            return parts[0].removesuffix(".weight")
        return key

    def ignore(self, prefix: str) -> None:
        """Consumes every key that begins with `prefix`: parts that only training uses."""
        self._left = {k: v for k, v in self._left.items() if not k.startswith(prefix)}

    def done(self) -> None:
        """Fails if a key was not used: the file is then of another architecture."""
        if self._left:
            first = sorted(self._left)[0]
            raise self._other(f"{len(self._left)} arrays are left over, '{first}' among them")

    def _other(self, found: str) -> ValueError:
        return ValueError(
            f"These are not weights of {self._architecture}: {found}; "
            "name the architecture that they belong to."
        )
