"""What an ONNX file does not say of its pictures: arguments or its metadata say it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from xai_jax.core.classifier import check_of_unit_pixels
from xai_jax.core.domains import Count, Positive, PositiveShare, Real
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings, coerced
from xai_jax.core.targets import Head


@dataclasses.dataclass(frozen=True, kw_only=True)
class About(Settings):
    """How a network wants its pictures; what is left out is looked for in the file's metadata.

    Fields:
        mean, std: one number, or one a channel, in unit pixels: the network eats ``(pixels - mean)
            / std``.
        size: height and width of the pictures, or one number for both; for a file that leaves them
            free.
        crop, resample: see `core.preprocess.Preprocess`.
        class_names: one a class.
        head: how logits become probabilities.
    """

    mean: tuple[Real, ...] = ()
    std: tuple[Positive, ...] = ()
    size: tuple[Count, ...] = ()
    crop: PositiveShare | None = None
    resample: Literal["bilinear", "bicubic"] = "bilinear"
    class_names: tuple[str, ...] = ()
    head: Head | None = None


_IMAGENET = (
    "mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225) are ImageNet's, mean=0, std=1 hand it "
    "unit pixels; --mean and --std on the command line"
)


def completed(given: About, metadata: Mapping[str, str], picture: tuple[Any, ...]) -> About:
    """`given`, and what it leaves out, of the metadata and of the input's shape ``[h w c]``.

    Raises:
        ValueError: something is missing, or does not fit.
    """
    known = dataclasses.replace(given, **_of_metadata(given, metadata))
    if not known.mean or not known.std:
        lacking = " and ".join(name for name in ("mean", "std") if not getattr(known, name))
        raise ValueError(
            f"it does not say how its pictures are normalised ({lacking}); say so: {_IMAGENET}."
        )
    check_of_unit_pixels(known.mean, known.std)
    fixed = picture[:2]
    if not known.size and None in fixed:
        raise ValueError(
            "it leaves the size of its pictures free; say it: size=224, or --size 224."
        )
    known = known if known.size else dataclasses.replace(known, size=fixed)
    if len(known.size) > 2 or any(
        side not in (None, said) for side, said in zip(fixed, sides(known), strict=True)
    ):
        raise ValueError(
            f"its pictures are of {fixed[0]} x {fixed[1]} pixels, not of the size {known.size}; "
            "leave the size out."
        )
    channels = picture[2] or 3
    for name in ("mean", "std"):
        if len(getattr(known, name)) not in (1, channels):
            raise ValueError(
                f"{name} must be one number, or one for each of its {channels} channels, not "
                f"{len(getattr(known, name))}."
            )
    return known


def _of_metadata(given: About, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The fields that were left out, as JSON under their names."""
    found = {}
    for field in dataclasses.fields(About):
        if getattr(given, field.name) != field.default or field.name not in metadata:
            continue
        try:
            value = json.loads(metadata[field.name])
        except (ValueError, RecursionError):
            value = metadata[field.name]
        several = isinstance(field.default, tuple)
        value = [value] if several and isinstance(value, int | float) else value
        found[field.name] = coerced(About._hints[field.name], value, f"its metadata {field.name!r}")
    return found


def sides(known: About) -> tuple[int, int]:
    """Height and width."""
    return known.size[0], known.size[-1]


def preprocess(known: About) -> Preprocess:
    """How a photograph becomes its input."""
    height, width = sides(known)
    crop = known.crop or 0.0
    return Preprocess(height=height, width=width, crop=crop, resample=known.resample)


def checked_names(names: tuple[str, ...], num_classes: int) -> tuple[str, ...] | None:
    """The names, or ``None`` where they are not known.

    Raises:
        ValueError: there are as many as there are no classes, or two classes share one.
    """
    if names and (len(names) != num_classes or len(set(names)) != num_classes):
        raise ValueError(
            f"it has {num_classes} classes, and {len(set(names))} different names were given; give "
            "one for each."
        )
    return names or None


def digest(weights: str, known: About) -> str:
    """SHA-256 of the weights and of how pictures are normalised: both decide the answer."""
    said = json.dumps([weights, known.mean, known.std, known.head and known.head.value])
    return hashlib.sha256(said.encode()).hexdigest()
