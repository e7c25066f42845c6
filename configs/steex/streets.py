"""Planted streets for all configs of this folder: one class, "go", where the light is green.

`SHORTCUTS` lie in fog: the traffic light shows next to nothing of its colour, but the lamp has the
same one in 95 % of the pictures, so that a classifier learns to look at the lamp. In those that are
explained the lamp says nothing.
"""

import dataclasses

from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.streets import Streets

SIDE = 64
NUM = {"train": 20_000, "validation": 200, "test": 32}
SHORTCUT = 0.95  # of the lamps have the traffic light's colour


def _streets(split: str) -> Streets:
    graded = split != "test"  # else a classifier is flat where the light is red or green
    return Streets(size=SIDE, num=NUM[split], graded=graded, split=split)  # type: ignore[arg-type]


def _shortcut(split: str) -> Streets:
    agree = 0.5 if split == "test" else SHORTCUT
    return dataclasses.replace(_streets(split), agree=agree, fog=True)


PICTURES = Pictures(
    of_split=_streets,
    size=Preprocess(height=SIDE, width=SIDE),
    class_names=("go",),
    num_threads=2,
)
SHORTCUTS = dataclasses.replace(PICTURES, of_split=_shortcut)
