"""A whole run in seconds, for tests to call and, as ``tiny_run.py PICTURES OUT``, to kill."""

import dataclasses
import hashlib
import sys
from pathlib import Path

import jax
import numpy as np
import planted
from PIL import Image

from xai_jax.core import targets
from xai_jax.core.content import to_json
from xai_jax.core.method import Frozen
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import pictures
from xai_jax.infills.constant import Constant
from xai_jax.methods import fido
from xai_jax.runs import shard
from xai_jax.runs.run import Counts, Job, run
from xai_jax.runtime.manifest import Manifest

SIZE, BATCH = 16, 2
PREPROCESS = Preprocess(height=SIZE, width=SIZE, crop=1.0)
METHOD = fido.Config(grids=(4,), num_steps=6, num_samples=2, learning_rate=0.3, warmup_steps=2)
NAMES = ("upper left", "upper right", "lower left", "lower right")


class Silent:
    """Progress that nobody watches; remembers what it was told."""

    def __init__(self):
        self.total = self.done = 0

    def start(self, total: int, done: int) -> None:
        self.total, self.done = total, done

    def note(self, text: str) -> None:
        pass

    def advance(self, pictures: int) -> None:
        self.done += pictures


def make_pictures(folder: Path, num: int) -> Path:
    """Pictures of the planted quadrants, picture i of class i % 4."""
    folder.mkdir(parents=True, exist_ok=True)
    images = planted.quadrant_batch(num, SIZE, jax.random.key(0)).images
    for i, image in enumerate(np.asarray(images)):
        Image.fromarray(np.round(image * 255).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def job(files: dict[str, Path], **changes) -> Job:
    classifier = planted.quadrant()
    made = Job(
        frozen=Frozen(classifier, Constant(value=planted.DARK).build(classifier)),
        method=METHOD,
        read=lambda picture: pictures.read(files[picture], PREPROCESS),
        image_shape=(SIZE, SIZE, 3),
        target=targets.predicted,
        class_names=NAMES,
    )
    return dataclasses.replace(made, **changes)


def manifest(ids: tuple[str, ...], **changes) -> Manifest:
    made = Manifest(
        method="fido",
        preset="published",
        config=to_json(METHOD),
        infill="constant",
        infill_config={"value": planted.DARK},
        classifier="quadrant",
        weights_sha256="0" * 64,
        preprocess=to_json(PREPROCESS),
        target="predicted",
        seed=0,
        batch_size=BATCH,
        pictures=ids,
        versions={"xai_jax": "0.1.0"},
    )
    return dataclasses.replace(made, **changes)


def explain(
    folder: Path, out: Path, *, part: str | None = None, progress=None, **changes
) -> Counts:
    """`run` on a folder of pictures; `changes` are of the Manifest or of the Job."""
    files = pictures.find([folder])
    fields = {field.name for field in dataclasses.fields(Manifest)} - {"target", "method"}
    ours = {name: changes.pop(name) for name in list(changes) if name in fields}
    whole = manifest(tuple(files), **ours)
    whole = shard.part(whole, *shard.parse(part)) if part else whole
    return run(out, whole, job(files, **changes), progress or Silent())


def hashes(folder: Path) -> dict[str, str]:
    """The content of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


if __name__ == "__main__":
    explain(Path(sys.argv[1]), Path(sys.argv[2]))
