"""Which regions may change: names, label maps, and what is wrong with them."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.core.generator import Generator, check_label_map
from xai_jax.core.method import Frozen
from xai_jax.core.settings import nearest
from xai_jax.core.types import AnyArray, Batch, Maps


def generator_of(frozen: Frozen) -> Generator:
    """The generator.

    Raises:
        ValueError: there is none, or it knows no regions.
    """
    if frozen.generator is None:
        raise ValueError(
            "STEEX moves the codes of a generator, and there is none; name its file with "
            "--generator, or pass generator=generators.sean.Sean(weights=...)."
        )
    if not frozen.generator.region_names:
        raise ValueError(
            "STEEX moves one code a region, and the generator has no region_names; name them."
        )
    return frozen.generator


def numbers_of(targeted: tuple[str, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    """The label maps' numbers of the regions that may change; of no name all.

    Raises:
        ValueError: there is no such region; says which is near.
    """
    for name in targeted:
        if name not in names:
            raise ValueError(f"There is no region {name!r}; {nearest(name, names)}")
    return tuple(names.index(name) for name in targeted) or tuple(range(len(names)))


def check(targeted: tuple[str, ...], frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
    """Raises ValueError where a generator cannot draw such pictures, or lacks a region."""
    generator = generator_of(frozen)
    numbers_of(targeted, generator.region_names)
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    labels = jax.ShapeDtypeStruct(shape[:3], jnp.int32)

    def codes_of(generator, images, labels):
        return generator.encode(generator.prepare(images, labels))

    codes = jax.eval_shape(codes_of, generator, images, labels)
    wanted = shape[0], len(generator.region_names)
    found = getattr(codes, "shape", ())
    if len(found) != 3 or found[:2] != wanted:
        raise ValueError(
            f"STEEX moves one code a region, [{wanted[0]} {wanted[1]} d], and the generator makes "
            f"{list(found)}; choose one that makes them."
        )


def admit(targeted: tuple[str, ...], frozen: Frozen, known: Mapping[str, Any]) -> None:
    """Refuses a picture without a label map, or with one that does not fit or lacks a region.

    A region that is too small for the generator to see it is lacking, too. Of the pieces of a
    region one is enough: not every picture has a second car.

    Raises:
        BadPicture: says what is missing, and which regions the picture has.
    """
    generator = generator_of(frozen)
    check_label_map(generator, known)
    names, every = generator.region_names, generator.stride
    there, seen = np.unique(known["regions"]), np.unique(known["regions"][::every, ::every])
    classes = np.arange(len(names)) if generator.split is None else generator.split.origins
    numbers = {name: names.index(name) for name in targeted}
    found = {classes[number] for number in numbers.values() if number in seen}
    absent = [name for name, n in numbers.items() if classes[n] not in found]
    if absent:
        few = " and ".join(name for name in absent if numbers[name] in there)
        if few:
            others = ", ".join(names[number] for number in seen)
            raise BadPicture(
                f"It has too little of {few} for the generator, which reads one of {every} rows "
                f"and columns; that sees {others}."
            )
        present = ", ".join(names[number] for number in there)
        raise BadPicture(f"It has no {' and no '.join(absent)}; it has {present}.")


def of_batch(batch: Batch) -> AnyArray:
    """The label maps ``[b h w]``.

    Raises:
        ValueError: there are none.
    """
    if batch.regions is None:
        raise ValueError("STEEX asks for the label map of each picture; hand them in as regions.")
    labels: AnyArray = batch.regions
    return labels


def where(labels: AnyArray, free: AnyArray) -> Maps:
    """1 in the regions whose `free` ``[b n]`` is 1, 0 elsewhere."""
    inside = jnp.take_along_axis(free, labels.reshape(len(labels), -1), axis=1)
    return inside.reshape(*labels.shape, 1)
