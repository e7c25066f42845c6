"""How much is done and how long the rest takes: a bar, or a line now and then."""

import time

import rich.progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from xai_jax.runtime.terminal import plain

_SECONDS = 10.0  # between two lines where the output is no terminal


class Progress:
    """Counts on a terminal with a bar, elsewhere with a line every ten seconds.

    Speaks on stderr. A context manager; the bar is there while the block runs.
    """

    def __init__(
        self, doing: str = "explaining", unit: str = "pictures", *, quiet: bool = False
    ) -> None:
        """Counts `unit`, of which it says that the program is `doing` them; or says nothing."""
        self._doing, self._unit = doing, unit
        self._console = Console(
            stderr=True, quiet=quiet, highlight=False, emoji=False, soft_wrap=True
        )
        self._bar = rich.progress.Progress(
            TextColumn("{task.description}", markup=False),  # names in it are data
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn("· left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(doing, total=None)
        self._total = self._done = self._before = 0
        self._started = self._spoke = time.monotonic()

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def start(self, total: int, done: int) -> None:
        """`done` of `total` are done before this; they say nothing about speed."""
        self._total, self._done, self._before = total, done, done
        self._started = self._spoke = time.monotonic()
        self._bar.reset(self._task, total=total, completed=done)

    def note(self, text: str) -> None:
        """What is being done besides."""
        if self._bar.disable:
            self.say(text)
        self._bar.update(self._task, description=plain(text))

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(plain(text), markup=False)

    def advance(self, more: int) -> None:
        """So many more are done."""
        self._done += more
        self._bar.update(self._task, completed=self._done, description=self._doing)
        now = time.monotonic()
        last = self._done == self._total
        if self._bar.disable and (last or now - self._spoke >= _SECONDS):
            self._spoke = now
            self.say(f"{self._done} of {self._total} {self._unit}{self._left(now)}")

    def _left(self, now: float) -> str:
        rest = self._total - self._done
        if not rest:
            return f" in {_duration(now - self._started)}"
        seconds = (now - self._started) / (self._done - self._before) * rest
        return f", about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    """Words such as "9 s", "3 min" and "2 h 5 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
