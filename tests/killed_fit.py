"""Trains in processes that kill themselves at a given file operation, and starts them again.

    PYTHONPATH=. python tests/killed_fit.py FOLDER STAGES EVERY

With STAGES "all" or as many numbers with commas; EVERY takes each n-th of "all". Prints a JSON
object: "operations" of a straight run, and for each stage whether it ended with the same bytes.
Forks from a process in which JAX is imported and not started, so that a stage takes a second.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import jax
import numpy as np
from plateau import Plateau

from configs.smoke.straight_line import LineData
from xai_jax.experiment import Experiment, Validation
from xai_jax.train.fit import fit

OPERATIONS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


def experiment() -> Experiment:
    return Experiment(
        method=Plateau(),
        data=LineData(),
        validation=Validation(data=LineData(num=6, endless=False), every=4),
        num_steps=8,
        batch_size=4,
        log_every=1,
        checkpoint_every=2,
    )


def train(workdir: Path, kill_at: int | None) -> None:
    """Trains in this process, which ends itself without a word at operation `kill_at`."""
    count = 0

    def watch(event: str, args: tuple) -> None:
        nonlocal count
        if event in OPERATIONS and str(workdir) in str(args[0]):
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    outcome = fit(experiment(), workdir)
    state = [np.asarray(leaf) for leaf in jax.tree.leaves(outcome.state)]
    (workdir.parent / f"{workdir.name}.json").write_text(
        json.dumps({"state": [leaf.tobytes().hex() for leaf in state], "operations": count})
    )


def forked(workdir: Path, kill_at: int | None = None) -> int:
    """The exit code of a process of its own that trains; -9 when it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sys.stderr = open(os.devnull, "w")
            train(workdir, kill_at)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(workdir: Path) -> str:
    said = json.loads((workdir.parent / f"{workdir.name}.json").read_text())
    metrics = (workdir / "metrics.jsonl").read_bytes()
    return hashlib.sha256(json.dumps(said["state"]).encode() + metrics).hexdigest()


def main(folder: Path, stages: str, every: int) -> None:
    straight = folder / "straight"
    assert forked(straight) == 0
    operations = json.loads((folder / "straight.json").read_text())["operations"]
    chosen = (
        range(1, operations + 1, every) if stages == "all" else [int(s) for s in stages.split(",")]
    )
    outcomes = {}
    for stage in chosen:
        workdir = folder / f"killed-{stage}"
        first = forked(workdir, stage)
        second = forked(workdir)
        is_same = second == 0 and digest(workdir) == digest(straight)
        # What threads do varies a little from run to run, so the last stages may not be reached.
        outcomes[stage] = {"killed": first == -9, "ended": second == 0, "same": is_same}
    print(json.dumps({"operations": operations, "stages": outcomes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
