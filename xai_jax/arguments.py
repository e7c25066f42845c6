"""What users hand to `xai_jax.explain`: taken where the meaning is plain, else told what to do."""

import functools
from typing import Any

import jax
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.core.components import is_whole
from xai_jax.core.method import Builds
from xai_jax.core.metric import Metric
from xai_jax.core.types import PRNGKey

_CHANNELS = (1, 3, 4)
_ROUNDING = 1e-5  # of pixels: what float arithmetic leaves outside [0, 1]

_ONE = np.float32(1).view(np.uint32)  # the bits of [0, 1] are [0, _ONE]; NaN's and -x's are above


def checked_images(images: Any) -> np.ndarray:
    """The images as float32 unit pixels ``[b h w c]``.

    Raises:
        ValueError: they are none; says what to do.
    """
    if isinstance(images, jax.core.Tracer):
        raise ValueError(
            "explain compiles by itself and cannot be called within jit, grad or vmap; the pure "
            "function is method.build().explain(weights, frozen, batch, key)."
        )
    images = _as_array(images, "images", "[b h w c]")
    if images.dtype.kind in "UO":
        raise ValueError(
            "images are no array of pixels; read photographs with "
            "xai_jax.data.pictures.read(path, preprocess), one by one, and stack them."
        )
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"images must be [b h w c] with b > 0, not {list(images.shape)}; add a batch axis with "
            "images[None], or a channel axis with images[..., None]."
        )
    if images.shape[1] in _CHANNELS and images.shape[3] not in _CHANNELS:
        raise ValueError(
            f"images are {list(images.shape)}, so that their channels seem to come first; pass "
            "images.transpose(0, 2, 3, 1), [b h w c]."
        )
    if images.dtype == np.uint8:
        raise ValueError("images are uint8; divide by 255 to get unit pixels in [0, 1].")
    if images.dtype.kind not in "fiub" and not jax.numpy.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images are {images.dtype}; pass float32 unit pixels in [0, 1].")
    images = np.ascontiguousarray(images, dtype=np.float32)
    is_unit = images.view(np.uint32).max() <= _ONE  # which one pass over the pixels says
    return images if is_unit else _within_range(images)


def checked_regions(regions: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The label maps ``[b h w]`` as an array of whole numbers.

    Args:
        regions: what was handed in.
        shape: that they must have.

    Raises:
        ValueError: they have another, or are no whole numbers.
    """
    regions = _as_array(regions, "regions", f"{list(shape)}")
    if regions.shape != shape:
        raise ValueError(f"regions must be {list(shape)}, not {list(regions.shape)}.")
    if not is_whole(regions):
        raise ValueError(f"regions must be whole numbers, int32 say, not {regions.dtype}.")
    return regions


def _as_array(given: Any, name: str, shape: str) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:  # a list of arrays of several shapes
        raise ValueError(
            f"{name} are of several shapes; resize them to one, and stack them to {shape}."
        ) from None


def _within_range(images: np.ndarray) -> np.ndarray:
    """The images, without what rounding has left outside [0, 1]."""
    low, high = float(images.min()), float(images.max())
    if low >= 0.0 and high <= 1.0:  # -0.0 is among them
        return images
    if low >= -_ROUNDING and high <= 1.0 + _ROUNDING:
        return images.clip(0.0, 1.0)
    if not np.isfinite(images).all():
        row = int(np.argwhere(~np.isfinite(images))[0, 0])
        raise ValueError(f"image {row} holds NaN or infinity; pass finite unit pixels in [0, 1].")
    remedy = "undo their normalisation: the classifier has its own mean and std"
    if low >= 0.0 and high > 2.0:
        remedy = "divide by the largest value that a pixel can have (255)"
    elif low >= -0.01 and high <= 1.01:
        remedy = "clip what a filter has left outside: images.clip(0, 1)"
    raise ValueError(
        f"images must be unit pixels in [0, 1], but span [{low:.8g}, {high:.8g}]; {remedy}."
    )


# By the module that a network's class comes from: how it becomes a classifier.
_WRAPPERS = {
    "flax.linen": "xai_jax.classifiers.adapters.from_linen(module, variables)",
    "flax.nnx": "xai_jax.classifiers.adapters.from_nnx(module)",
    "equinox": "xai_jax.classifiers.adapters.from_equinox(module)",
    "torch": "torch.onnx.export and xai_jax.classifiers.from_onnx(path)",
}


def check_classifier(given: Any) -> None:
    """Refuses a network that is not wrapped.

    Raises:
        ValueError: it is one; says how to wrap it.
    """
    if isinstance(given, Classifier) or (isinstance(given, Builds) and not isinstance(given, type)):
        return
    kinds = [kind.__module__ for kind in type(given).__mro__]
    for name, wrap in _WRAPPERS.items():
        if any(kind == name or kind.startswith(f"{name}.") for kind in kinds):
            raise ValueError(f"The classifier is a module of {name}; make it one with {wrap}.")
    if isinstance(given, str):
        raise ValueError(
            f"The classifier is the name {given!r:.80}; pass "
            "xai_jax.classifiers.pretrained.load(name).classifier."
        )
    if hasattr(given, "classifier"):
        raise ValueError("The classifier is a Pretrained; pass its field .classifier.")
    if callable(given):
        raise ValueError(
            "The classifier is a function; make it one with "
            "xai_jax.Classifier.from_callable(function, params)."
        )


def check_batch_size(batch_size: Any) -> None:
    """Refuses what is neither a whole number of at least 1 nor ``None``.

    Raises:
        ValueError: it is neither.
    """
    if batch_size is None:
        return
    if not isinstance(batch_size, int | np.integer):
        raise ValueError(f"batch_size must be a whole number, not {batch_size!r:.60}.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")


def check_metrics(metrics: Any) -> None:
    """Refuses what is no sequence of metrics.

    Raises:
        ValueError: it is none; says what to pass.
    """
    several = metrics if isinstance(metrics, list | tuple) else [metrics]
    for metric in several:
        if not isinstance(metric, Metric):
            raise ValueError(
                "metrics are a list of metrics, [xai_jax.metrics.fidelity.fidelity()] say, not "
                f"{metrics!r:.60}."
            )


@functools.lru_cache(maxsize=16)
def _key_of(seed: int, kind: str) -> PRNGKey:
    return jax.random.key(seed, impl=kind)


def checked_key(key: Any) -> PRNGKey:
    """A random key, of a seed or of either kind of key that JAX has.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(key, jax.Array) and jax.numpy.issubdtype(key.dtype, jax.dtypes.prng_key):
        if key.shape:
            raise ValueError(f"key must be one key, not {list(key.shape)} of them; pass key[0].")
        return key
    is_number = isinstance(key, int | np.integer) and not isinstance(key, bool)
    if is_number or (_is_array(key) and key.ndim == 0 and key.dtype.kind in "iu"):
        return _key_of(int(key), jax.config.values["jax_default_prng_impl"])
    if _is_array(key) and key.dtype == np.uint32 and key.shape == (2,):
        return jax.random.wrap_key_data(jax.numpy.asarray(key))  # as jax.random.PRNGKey makes it
    raise ValueError(f"key must be a seed or jax.random.key(seed), not {key!r:.60}.")


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | jax.Array)
