"""A whole run in seconds, for tests to call and, as ``tiny_run.py PICTURES OUT``, to kill."""

import dataclasses
import hashlib
import sys
from pathlib import Path

import jax
import numpy as np
import planted
from PIL import Image

from xai_jax.commands.targets import of_each
from xai_jax.core import targets
from xai_jax.core.content import to_json
from xai_jax.core.method import Explained, Inspector
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import finding
from xai_jax.infills.constant import Constant
from xai_jax.methods import fido
from xai_jax.metrics.fidelity import fidelity
from xai_jax.runs import record, shard
from xai_jax.runs.asked import Run
from xai_jax.runs.run import Outcome, run
from xai_jax.runs.sources import Files
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

    def advance(self, more: int) -> None:
        self.done += more


def make_pictures(folder: Path, num: int) -> Path:
    """Pictures of the planted quadrants, picture i of class i % 4."""
    folder.mkdir(parents=True, exist_ok=True)
    images = planted.quadrant_batch(num, SIZE, jax.random.key(0)).images
    for i, image in enumerate(np.asarray(images)):
        Image.fromarray(np.round(image * 255).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def how(files: dict[str, Path], **changes) -> Run:
    classifier = planted.quadrant()
    frozen = (
        changes.pop("frozen", None)
        or Explained(classifier=classifier, infill=Constant(value=planted.DARK)).build()
    )
    made = Run(
        inspector=Inspector(method=changes.pop("method", METHOD), frozen=frozen),
        target=of_each(changes.pop("target", targets.predicted), list(files)),
        key=jax.random.key(changes.pop("seed", 0)),
        batch_size=BATCH,
        image_shape=(SIZE, SIZE, 3),
        metrics=(fidelity(),),
        decisions=True,
    )
    return dataclasses.replace(made, **changes)


def manifest(files: dict[str, Path], **changes) -> Manifest:
    source = Files(files, PREPROCESS)
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
        pictures=source.names,
        digests=record.digests(source),
        computed_with={"xai_jax": "0.1.0"},
    )
    return dataclasses.replace(made, **changes)


def explain(
    folder: Path, out: Path, *, part: str | None = None, progress=None, **changes
) -> Outcome:
    """`run` on a folder of pictures; `changes` are of the Manifest or of the Run."""
    files = finding.find([folder])
    ours = {name: changes[name] for name in ("seed", "batch_size") if name in changes}
    whole = manifest(files, **ours)
    whole = shard.part(whole, *shard.parse(part)) if part else whole
    files = {name: files[name] for name in whole.pictures}
    source = Files(files, PREPROCESS)
    return run(out, whole, how(files, **changes), source, NAMES, progress or Silent())


def counts(outcome: Outcome) -> tuple[int, int]:
    """Done and skipped."""
    return outcome.done, outcome.skipped


def hashes(folder: Path) -> dict[str, str]:
    """The content of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


if __name__ == "__main__":
    explain(Path(sys.argv[1]), Path(sys.argv[2]))
