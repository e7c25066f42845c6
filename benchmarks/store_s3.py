"""Photographs explained from and to moto's S3 server on the loopback, against the local disk.

Both start ``xai-jax explain`` of EfficientNet-Lite0 with two steps of FIDO, compiled before. The
server shares the machine's cores with the program. ``--pictures 20`` takes so few.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from tests import object_store
from xai_jax.runtime import files

NUM = 200
MOST = 1.3
ROOT = pathlib.Path(__file__).parents[1]
SETTINGS = ("--classifier", "efficientnet_lite0", "--preset", "fast", "--num-steps", "2")


def rows(num: int = NUM):
    if not object_store.is_there():
        raise SystemExit("moto is missing; see tests/object_store.py.")
    beside = ROOT.parent / "shared" / "data"
    folder = pathlib.Path(os.environ.get("XAI_JAX_DATA", beside), "imagenet_samples", "images")
    pictures = sorted(folder.iterdir())[:num]
    with object_store.server() as port, tempfile.TemporaryDirectory() as scratch:
        os.environ |= object_store.environment(f"http://127.0.0.1:{port}")
        disk, store = pathlib.Path(scratch), files.place(f"s3://{object_store.BUCKET}")
        for picture in pictures:
            content = picture.read_bytes()
            for place in (disk, store):
                files.write_whole(place / "in" / picture.name, content)
        _seconds(pictures[0], disk / "warm")
        on_disk, in_store = (_seconds(top / "in", top / "out") for top in (disk, store))
    yield {
        "case": f"{len(pictures)} pictures, 2 steps, from and to s3:// on the loopback",
        "value": round(in_store, 1),
        "unit": "s",
        "limit": round(on_disk, 1),
        "ratio": round(on_disk / in_store, 3),
        "must_reach": round(1 / MOST, 3),
    }


def _seconds(pictures, out) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "xai_jax.cli", "explain", pictures, "--out", out, *SETTINGS]
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started
