"""What is wrong with a label map that a network is to learn from."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xai_jax.core.components import check_whole, if_void
from xai_jax.core.errors import BadPicture


def admitted(num: int, void: int | None = None) -> Callable[[Mapping[str, Any]], None]:
    """The `admit` of a `core.method.Trainable` that learns from label maps.

    It raises BadPicture where a picture has none, or one with a number that is no region, or is no
    whole number.

    Args:
        num: of regions, which are numbered from 0 on.
        void: a further number that a map may have; ``None``: there is none.
    """

    def admit(known: Mapping[str, Any]) -> None:
        if "regions" not in known:
            raise BadPicture("It has no label map; set regions=True in the data's Pipeline.")
        numbers = np.asarray(known["regions"])
        check_whole(numbers)
        wrong = (numbers < 0) | (numbers >= num)
        if void is not None:
            wrong &= numbers != void
        if wrong.any():
            also = "" if void is None else f", and void is {void}"
            first = int(numbers[wrong][0])
            raise BadPicture(
                f"Its label map has the number {first}, and network.regions names 0 to {num - 1}"
                f"{also}; name all regions, or look at the map{if_void(first)}."
            )

    return admit
