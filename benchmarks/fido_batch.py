"""FIDO in batches against one at a time, on eight simulated devices against one, and its memory."""

import os
import statistics
import subprocess
import sys
import time

import jax

import xai_jax
from benchmarks import subject
from xai_jax.methods import fido

IMAGES = 16
STEPS = 10  # of the fast preset; the ratio does not depend on their number
MUST_REACH = 0.9
MEMORY_MUST_REACH = 1.05
DEVICES_MUST_REACH = 1.0


def _config() -> fido.Config:
    config = fido.Config.fast()
    config.num_steps = STEPS
    return config


def _explain(frozen, images, batch_size: int, mesh=None):
    return xai_jax.explain(
        frozen.classifier,
        images,
        0,
        method=_config(),
        infill=frozen.infill,
        batch_size=batch_size,
        mesh=mesh,
    )


def _seconds(frozen, images, batch_size: int, mesh=None) -> float:
    start = time.perf_counter()
    _explain(frozen, images, batch_size, mesh)
    return (time.perf_counter() - start) / len(images)


def _on_eight_devices() -> list[tuple[float, float]]:
    """Seconds an image on eight devices and on one of them, in turn, in a process of its own."""
    program = (
        "from benchmarks import fido_batch as f, subject as s; from xai_jax.runtime import mesh\n"
        "args = s.frozen(), s.noise_images(f.IMAGES), f.IMAGES\n"
        "meshes = mesh.data_mesh(), None\n"
        "[f._explain(*args, m) for m in meshes]\n"
        "for _ in range(3): print(*(f._seconds(*args, m) for m in meshes))"
    )
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def _peak_megabytes(num: int) -> float:
    """Peak memory of a process of its own that explains `num` images, 8 at a time."""
    program = (
        "import resource; from benchmarks import fido_batch as f, subject as s\n"
        f"f._explain(s.frozen(), s.noise_images({num}), 8)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def rows():
    frozen, images = subject.frozen(), subject.noise_images(IMAGES)
    sizes = (1, 2, 4, 8, 16)
    for size in sizes:
        _explain(frozen, images[:size], size)  # compiles
    times = {size: [] for size in sizes}
    for _ in range(3):
        for size in sizes:
            times[size].append(_seconds(frozen, images, size))
    median = {size: statistics.median(times[size]) for size in sizes}
    best = min(sizes[1:], key=lambda size: median[size])
    ratio = statistics.median(a / b for a, b in zip(times[best], times[1], strict=True))
    yield {
        "case": f"{IMAGES} images, best batch size {best} of {sizes}, {STEPS} steps of fast()",
        "value": round(median[best], 3),
        "unit": "s an image",
        "limit": round(median[1], 3),
        "ratio": round(ratio, 3),
        "must_reach": MUST_REACH,
    }
    jax.clear_caches()
    pairs = _on_eight_devices()
    eight, one = map(statistics.median, zip(*pairs, strict=True))
    yield {
        "case": f"{IMAGES} images on eight simulated devices, which share the cores",
        "value": round(eight, 3),
        "unit": "s an image",
        "limit": round(one, 3),
        "ratio": round(statistics.median(a / b for a, b in pairs), 3),
        "must_reach": DEVICES_MUST_REACH,
    }
    small, large = _peak_megabytes(16), _peak_megabytes(64)
    yield {
        "case": "peak memory, 64 images against 16, batch size 8",
        "value": round(large),
        "unit": "MB",
        "limit": round(small),
        "ratio": round(large / small, 3),
        "must_reach": MEMORY_MUST_REACH,
    }
