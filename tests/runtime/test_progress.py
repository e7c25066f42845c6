"""Progress counts pictures, and says how long the rest takes."""

import threading
import time

import pytest

from xai_jax.runtime import progress
from xai_jax.runtime.ahead import interruptibly, map_ahead


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_without_a_terminal_a_line_every_ten_seconds_tells_the_time_left(capsys, clock):
    with progress.Progress() as shown:
        shown.start(100, 40)  # 40 are done by an earlier start and say nothing about speed
        clock(4)
        shown.advance(5)
        clock(8)
        shown.advance(5)  # 10 in 12 seconds: 50 more in 60
        clock(1)
        shown.advance(5)
        clock(60 * 60)
        shown.advance(45)
    assert capsys.readouterr().err.splitlines() == [
        "50 of 100 pictures, about 60 s left",
        "100 of 100 pictures in 60 min",
    ]


def test_nothing_is_said_of_a_run_that_was_done_before(capsys):
    with progress.Progress() as shown:
        shown.start(5, 5)
    assert capsys.readouterr().err == ""


def test_brackets_in_a_name_are_printed_as_they_are(capsys):
    with progress.Progress() as shown:
        shown.say("warning: [red]photo[/red].jpg")
    assert capsys.readouterr().err == "warning: [red]photo[/red].jpg\n"


@pytest.mark.parametrize(
    ("seconds", "words"), [(9.4, "9 s"), (99.0, "99 s"), (180.0, "3 min"), (7500.0, "2 h 5 min")]
)
def test_durations_are_told_as_people_do(seconds, words):
    assert progress._duration(seconds) == words


def test_results_come_in_order_and_few_of_them_wait():
    begun = []

    def work(item):
        begun.append(item)
        time.sleep(0.001 * (item % 3))
        return item * item

    for done, result in enumerate(map_ahead(work, range(50), threads=4, ahead=6), start=1):
        assert result == (done - 1) ** 2
        assert len(begun) < done + 6
    assert sorted(begun) == list(range(50))


def test_what_a_thread_raises_is_raised_where_its_result_is_wanted():
    def work(item):
        if item == 2:
            raise ValueError("two")
        return item

    results = map_ahead(work, range(100), threads=2, ahead=3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_work_in_a_thread_returns_and_raises_as_if_it_were_not():
    assert interruptibly(lambda: threading.current_thread().daemon) is True

    def fail():
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        interruptibly(fail)
