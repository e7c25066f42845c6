"""Work that is done ahead, in threads, but never far ahead."""

import collections
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

_HEARS = 0.2  # seconds after which a signal is heard at the latest

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """The results in order; at most `ahead` of them wait in memory."""
    pool = ThreadPoolExecutor(threads)
    waiting: collections.deque[Future[Result]] = collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def interruptibly(function: Callable[[], Result]) -> Result:
    """``function()`` in a thread, so that signals are heard while compiled code runs.

    After a KeyboardInterrupt the thread still runs; end the process without waiting for it.
    """
    outcome: Future[Result] = Future()

    def work() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    # Python hears a signal in the first thread alone, and one that comes to another wakes nobody.
    while not wait([outcome], timeout=_HEARS).done:
        pass
    return outcome.result()
