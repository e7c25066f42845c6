"""From process start to the first explanation on disk, without and with a compilation cache."""

import pathlib
import subprocess
import sys
import tempfile
import time

from PIL import Image

from benchmarks import subject

STEPS = 20
MUST_REACH = {"empty": 15.0, "warm": 6.0}


def _seconds(picture: pathlib.Path, out: pathlib.Path, cache: pathlib.Path) -> float:
    """Until the first batch is recorded, as the user's command runs."""
    command = [sys.executable, "-m", "xai_jax.cli", "explain", "--method", "fido"]
    command += ["--preset", "fast", "--num-steps", str(STEPS), "--warmup-steps", "2"]
    command += ["--classifier", "efficientnet_lite0", "--out", str(out), str(picture)]
    environment = {"XDG_CACHE_HOME": str(cache), "PATH": "/usr/bin:/bin"}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while not list((out / "batches").glob("*.json")):
        if process.poll():
            raise SystemExit("the command failed")
        time.sleep(0.02)
    elapsed = time.perf_counter() - start
    process.wait()
    return elapsed


def rows():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        picture = root / "picture.png"
        Image.fromarray((subject.noise_images(1)[0] * 255).astype("uint8")).save(picture)
        for name, runs in (("empty", 1), ("warm", 3)):
            times = [_seconds(picture, root / f"{name}{i}", root / "cache") for i in range(runs)]
            value = sorted(times)[len(times) // 2]
            yield {
                "case": f"{name} compilation cache, {STEPS} steps",
                "value": round(value, 2),
                "unit": "s",
                "limit": MUST_REACH[name],
                "ratio": round(value / MUST_REACH[name], 3),
            }
