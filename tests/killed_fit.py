"""Trains in processes that kill themselves at a given file operation, and starts them again.

    PYTHONPATH=. python tests/killed_fit.py FOLDER STAGES EVERY [STORE]

With STAGES "all" or as many numbers with commas; EVERY takes each n-th of "all". Of a STORE,
s3://BUCKET/NAME, the operations are objects, written or removed. Prints a JSON object: "operations"
of a straight run, and for each stage whether it ended with the same bytes. Forks from a process in
which JAX is imported and not started, so that a stage takes a second.
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
from xai_jax.runtime import files
from xai_jax.runtime.objects import ObjectPath
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


class Killer:
    """Counts operations, and ends this process without a word at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.count, self._kill_at = 0, kill_at

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, workdir: Path) -> None:
        """All that is done below a folder."""
        if isinstance(workdir, ObjectPath):
            for name in ("write_bytes", "unlink", "remove_below"):
                setattr(ObjectPath, name, self._watched(getattr(ObjectPath, name)))
        else:
            sys.addaudithook(lambda event, args: self._see(workdir, event, args))

    def _see(self, workdir: Path, event: str, args: tuple) -> None:
        if event in OPERATIONS and str(workdir) in str(args[0]):
            self()

    def _watched(self, operation):
        def one(*args, **kwargs):
            self()
            return operation(*args, **kwargs)

        return one


def train(workdir: Path, report: Path, kill_at: int | None) -> None:
    """Trains in this process, which ends itself without a word at operation `kill_at`."""
    killer = Killer(kill_at)
    killer.watch(workdir)
    outcome = fit(experiment(), workdir)
    state = [np.asarray(leaf) for leaf in jax.tree.leaves(outcome.state)]
    metrics = (workdir / "metrics.jsonl").read_text()
    about = {"state": [leaf.tobytes().hex() for leaf in state], "metrics": metrics}
    report.write_text(json.dumps({**about, "operations": killer.count}))


def forked(workdir: Path, report: Path, kill_at: int | None = None) -> int:
    """The exit code of a process of its own that trains; -9 when it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sys.stderr = open(os.devnull, "w")
            train(workdir, report, kill_at)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(report: Path) -> str:
    said = json.loads(report.read_text())
    return hashlib.sha256(json.dumps([said["state"], said["metrics"]]).encode()).hexdigest()


def main(folder: Path, stages: str, every: int, store: str = "") -> None:
    top, straight = files.place(store) if store else folder, folder / "straight.json"
    assert forked(top / "straight", straight) == 0
    operations = json.loads(straight.read_text())["operations"]
    chosen = (
        range(1, operations + 1, every) if stages == "all" else [int(s) for s in stages.split(",")]
    )
    outcomes = {}
    for stage in chosen:
        workdir, report = top / f"killed-{stage}", folder / f"killed-{stage}.json"
        first = forked(workdir, report, stage)
        second = forked(workdir, report)
        is_same = second == 0 and digest(report) == digest(straight)
        # What threads do varies a little from run to run, so the last stages may not be reached.
        outcomes[stage] = {"killed": first == -9, "ended": second == 0, "same": is_same}
    print(json.dumps({"operations": operations, "stages": outcomes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
