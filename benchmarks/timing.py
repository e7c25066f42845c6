"""Paired timing: two things in turn, so that a machine whose speed drifts drifts for both."""

import statistics
import time
from collections.abc import Callable

import jax


def seconds(run: Callable[[], object]) -> float:
    """One call, until its result is there."""
    start = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - start


def paired(one: Callable[[], object], other: Callable[[], object], repeats: int) -> tuple:
    """Median seconds of each, and the median of the ratios one / other, after a warm-up."""
    seconds(one), seconds(other)
    pairs = [(seconds(one), seconds(other)) for _ in range(repeats)]
    ones, others = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return statistics.median(ones), statistics.median(others), ratio
