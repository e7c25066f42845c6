"""``train.py`` in processes of its own, as a user or a launcher starts it."""

import functools
import os
import pathlib
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
SECONDS = 180  # that a program in the tests may take on a busy machine


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


HASTY = """
import runpy, sys
from xai_jax.runtime import distributed
distributed.HEARTBEAT = 5  # of the usual 30 seconds a test would only wait
sys.argv[0] = "train.py"
runpy.run_path("train.py", run_name="__main__")
"""


def start(
    config, workdir, *, devices: int, index: int = 0, port: int | None = None, flags=(), hasty=False
):
    """The program on ``configs/CONFIG.py``; with `port` it is one of two processes.

    One in haste soon takes the other for dead.
    """
    flags = list(flags)
    if port is not None:
        flags += [f"--coordinator=127.0.0.1:{port}", f"--process-index={index}"]
        flags += ["--process-count=2"]
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    program = ["-c", HASTY] if hasty else ["train.py"]
    command = [sys.executable, *program, f"--config=configs/{config}.py"]
    return subprocess.Popen(
        [*command, f"--workdir={workdir}", *flags],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_two(config, workdir, *, devices: int, flags=(), hasty=False):
    """Two processes of so many devices each, which train as one."""
    start_one = functools.partial(start, config, workdir, devices=devices, port=free_port())
    return [start_one(index=i, flags=flags, hasty=hasty) for i in range(2)]


def ended(process) -> str:
    """What it said, when it has ended."""
    try:
        return process.communicate(timeout=SECONDS)[1]
    finally:
        process.kill()
