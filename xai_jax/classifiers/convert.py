"""From a PyTorch state dict to the parameters of a port: every key consumed, norms folded."""

import numpy as np

from xai_jax.classifiers.architecture import StateDict


class Weights:
    """A state dict that is read key by key; `done` fails if any is left over.

    Convolutions come out HWIO, dense matrices ``[in out]``, with batch norm folded into weight and
    bias.
    """

    def __init__(self, state_dict: StateDict, architecture: str):
        self._left = {k: v for k, v in state_dict.items() if not k.endswith("num_batches_tracked")}
        self._architecture = architecture

    def take(self, key: str) -> np.ndarray:
        """One array as float32, in its original layout."""
        if key not in self._left:
            raise ValueError(
                f"These are not weights of {self._architecture}: '{key}' is missing. "
                "Name the architecture that they belong to."
            )
        value = np.asarray(self._left.pop(key), np.float32)
        if not np.isfinite(value).all():
            raise ValueError(f"The weights hold NaN or infinity in '{key}'; the file is damaged.")
        return value

    def conv(
        self, key: str, norm: str | None = None, *, epsilon: float = 1e-5
    ) -> dict[str, np.ndarray]:
        """``{"kernel": [kh kw i o], "bias": [o]}`` of convolution `key`, `norm` folded in."""
        kernel = self.take(f"{key}.weight").astype(np.float64)  # OIHW
        if kernel.ndim != 4:
            raise ValueError(
                f"'{key}.weight' of {self._architecture} must have 4 axes, "
                f"not shape {kernel.shape}."
            )
        bias = self.take(f"{key}.bias") if f"{key}.bias" in self._left else np.zeros(len(kernel))
        if norm is not None:
            scale, shift = self.norm(norm, epsilon=epsilon)
            kernel, bias = kernel * scale[:, None, None, None], bias * scale + shift
        return {
            "kernel": np.ascontiguousarray(kernel.transpose(2, 3, 1, 0), np.float32),
            "bias": np.asarray(bias, np.float32),
        }

    def norm(self, key: str, *, epsilon: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
        """Batch norm as ``x * scale + shift``, both ``[c]`` float64."""
        gamma, beta = self.take(f"{key}.weight"), self.take(f"{key}.bias")
        mean, variance = self.take(f"{key}.running_mean"), self.take(f"{key}.running_var")
        scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
        return scale, beta - mean * scale

    def dense(self, key: str) -> dict[str, np.ndarray]:
        """``{"kernel": [in out], "bias": [out]}``."""
        return {
            "kernel": np.ascontiguousarray(self.take(f"{key}.weight").T),
            "bias": self.take(f"{key}.bias"),
        }

    def done(self) -> None:
        """Fails if a key was not used: the file is then of another architecture."""
        if self._left:
            first = sorted(self._left)[0]
            raise ValueError(
                f"These are not weights of {self._architecture}: {len(self._left)} arrays are left "
                f"over, '{first}' among them. Name the architecture that they belong to."
            )
