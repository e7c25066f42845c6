"""What a picture costs beside the device: reading, writing, sheets, digests and the report.

The public command explains 200 photographs with two steps of FIDO; from the time that it takes
after its programs are compiled, what the compiled calls took is subtracted. Nothing but the host is
left, as far as it does not run beside the device.
"""

import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

from PIL import Image

from benchmarks import subject
from xai_jax import cli
from xai_jax.commands import explain
from xai_jax.runs import batch

NUM, WARM_UP = 200, 4
MUST_REACH = 15.0


class _Timed:
    """A function, and the seconds that its calls have taken."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        self.found = self.function(*args, **kwargs)
        self.seconds += time.perf_counter() - start
        return self.found


def _run(pictures: list[pathlib.Path], out: pathlib.Path) -> tuple[float, float]:
    """Seconds of the whole command, and of its compiled calls."""
    words = "explain --preset fast --num-steps 2 --warmup-steps 1 --classifier efficientnet_lite0"
    whole, run, logits = map(_Timed, (cli.main, explain.run, batch.checked_logits))
    with (
        mock.patch.object(explain, "run", run),
        mock.patch.object(batch, "checked_logits", logits),
    ):
        whole([*words.split(), "--out", str(out), *map(str, pictures)])
    return whole.seconds, sum(run.found.seconds) + logits.seconds


def rows():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        pictures = [root / f"{i}.png" for i in range(NUM)]
        for path, pixels in zip(pictures, subject.noise_images(NUM), strict=True):
            Image.fromarray((pixels * 255).astype("uint8")).resize((500, 375)).save(path)
        _run(pictures[:WARM_UP], root / "warm-up")
        whole, device = _run(pictures, root / "out")
    yield {
        "case": f"{NUM} pictures, 2 steps",
        "value": round(1e3 * (whole - device) / NUM, 1),
        "unit": "ms a picture",
        "limit": MUST_REACH,
        "ratio": round((whole - device) / device, 3),
        "whole": round(1e3 * whole / NUM, 1),
    }
