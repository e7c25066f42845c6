"""What a method, a metric or a run says of each picture, declared once: name, axes, unit, meaning.

The store, the results, the report and the pages of docs/ walk these declarations; nothing else
knows a name. An axis of one name has one length throughout a run, as xarray asks: a map of one
number a pixel ends in "value", a picture in "channel".
"""

import dataclasses
from collections.abc import Iterable
from typing import Literal

from xai_jax.core.settings import Settings

Kind = Literal["map", "picture", "number"]
ROW, COLUMN, CHANNEL, CLASS, STEP, AREA = "row", "column", "channel", "class", "step", "area"
REGION, VALUE, MASK = "region", "value", "mask"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output(Settings):
    """One named result.

    Fields:
        name: in snake_case, of one meaning throughout a run.
        kind: "map": ``[b h w n]``, numbers a pixel; "picture": ``[b h w c]`` or ``[b n h w c]``,
            unit pixels; "number": ``[b ...]``.
        axes: names of the axes after that of the pictures.
        unit: of its numbers, with the range where there is one: "nats", "in [0, 1]".
        meaning: one sentence, polarity included.
        stored: type of its numbers on the disk; a "map" in float16 is rounded to 1/256.
    """

    name: str
    kind: Kind
    axes: tuple[str, ...]
    unit: str
    meaning: str
    stored: Literal["float32", "float16", "int32", "uint8"] = "float32"

    @property
    def is_signed(self) -> bool:
        """Whether the range in its unit is one of both signs."""
        return "in [-" in self.unit


PIXEL_MAP = (ROW, COLUMN, VALUE)

TARGET = Output(
    name="target",
    kind="number",
    axes=(),
    unit="class",
    meaning="The class that is explained; -1 without a result.",
    stored="int32",
)
SALIENCY = Output(
    name="saliency",
    kind="map",
    axes=PIXEL_MAP,
    unit="the method's own",
    meaning="The larger, the more a pixel speaks for the target.",
)
KEEP = Output(
    name="keep",
    kind="map",
    axes=PIXEL_MAP,
    unit="in [0, 1]",
    meaning="1 where the picture is kept, 0 where the infill stands.",
)
CLASS_KEEP = Output(
    name="class_keep",
    kind="map",
    axes=(ROW, COLUMN, CLASS),
    unit="in [0, 1]",
    meaning="As keep, for every class; keep is that of the target.",
    stored="float16",  # many, and to be looked at: less than half of the disk
)
COUNTERFACTUAL = Output(
    name="counterfactual",
    kind="picture",
    axes=(ROW, COLUMN, CHANNEL),
    unit="unit pixels",
    meaning="The picture as it would have to be for the classifier to decide otherwise.",
)
STABLE = Output(
    name="stable",
    kind="picture",
    axes=(ROW, COLUMN, CHANNEL),
    unit="unit pixels",
    meaning="The picture as its network draws it without a change of the decision.",
)
DIFFERENCE = Output(
    name="difference",
    kind="map",
    axes=PIXEL_MAP,
    unit="unit pixels, in [-1, 1]",
    meaning="Stable picture, reconstruction or picture, less the generated counterfactual; the "
    "channels' mean: above 0 it became darker.",
)
LABEL_MAP = Output(
    name="label_map",
    kind="map",
    axes=PIXEL_MAP,
    unit="number of the region",
    meaning="Which region a pixel belongs to.",
    stored="int32",
)

CLASS_LOG_ODDS = Output(
    name="class_log_odds",
    kind="number",
    axes=(CLASS,),
    unit="nats",
    meaning="Log-odds of every class in the whole picture.",
)
PREDICTED = Output(
    name="predicted",
    kind="number",
    axes=(),
    unit="class",
    meaning="The class that the classifier finds likeliest in the whole picture; of a single logit "
    "1 where its class is not.",
    stored="int32",
)

FIXED = (TARGET, SALIENCY)  # of every explanation; a method declares whatever else it answers


def number(name: str, unit: str, meaning: str, *axes: str) -> Output:
    """One number a picture, ``[b]``, or several along `axes`."""
    return Output(name=name, kind="number", axes=axes, unit=unit, meaning=meaning)


def trace(name: str, unit: str, meaning: str) -> Output:
    """What an optimisation logs before each update, ``[b t]``."""
    return number(name, unit, meaning, STEP)


GAINED = trace("gained", "nats", "Log-odds of the other decision.")


def by_name(outputs: Iterable[Output]) -> dict[str, Output]:
    """The declarations by name.

    Raises:
        ValueError: two differ under one name.
    """
    named: dict[str, Output] = {}
    for output in outputs:
        if named.setdefault(output.name, output) != output:
            raise ValueError(
                f"{output.name!r} is declared twice and not alike; give one of the two another "
                "name."
            )
    return named
