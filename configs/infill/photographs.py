"""Photographs for the infills of this folder, and the crops that they are shown.

The free ones: the 1,004 of Clothing Co-Parsing (Apache-2.0), and those that scikit-image brings
along: astronaut and rocket (NASA, in the public domain), chelsea and coffee (CC0). What comes with
the package has learned from these alone. The others are for research: a picture of each class of
ImageNet, and the driving scenes of IDD Lite. One in ten is held out.
"""

import dataclasses
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from configs import data_folder
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.photographs import Photographs
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.transforms import Crops
from xai_jax.experiment import Experiment, Validation
from xai_jax.runtime.weights_file import WeightsFile

FREE = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
FOR_RESEARCH = ("imagenet_samples", "idd_lite")


def paths() -> tuple[str, ...]:
    """All of them."""
    return (*free(), *(f"{data_folder.path(name)}/images" for name in FOR_RESEARCH))


def free() -> tuple[str, ...]:
    """Those of scikit-image only where it is installed."""
    folder = f"{data_folder.path('clothing')}/images"
    found = find_spec("skimage")
    if found is None or found.origin is None:
        return (folder,)
    data = Path(found.origin).parent / "data"
    return (folder, *(str(data / name) for name in FREE))


def training(paths: tuple[str, ...], side: int) -> Pipeline:
    """Crops, shuffled, without end; before resizing up to three times as large."""
    return dataclasses.replace(
        held_out(paths, side), source=Photographs(paths=paths), shuffle=True, num_epochs=0
    )


def held_out(paths: tuple[str, ...], side: int) -> Pipeline:
    """One crop of each picture that is held out, the same in every validation."""
    return Pipeline(
        source=Photographs(paths=paths, held_out=True),
        resize=Preprocess(height=side, width=side),
        augment=Crops(smallest=side, largest=3 * side),
        num_threads=2,
    )


def infill(
    kind: str, paths: tuple[str, ...], method: Any, network: Any, side: int, **run: Any
) -> Experiment:
    """The training of an infill on photographs, exported in half precision.

    Args:
        kind: the infill's name, and its file's.
        paths: the photographs.
        method: what is trained.
        network: settings that the file keeps.
        side: of the crops, in pixels.
        **run: other fields of the Experiment.
    """
    given: dict[str, Any] = {"log_every": 50, "checkpoint_every": 250, **run}
    return Experiment(
        method=method,
        data=training(paths, side),
        validation=Validation(data=held_out(paths, side), every=500),
        export=WeightsFile(
            kind=kind,
            config=network,
            preprocess=Preprocess(height=side, width=side),
            half_precision=True,
        ),
        **given,
    )
