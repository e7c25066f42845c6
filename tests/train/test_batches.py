"""The batches of a training loop: its stream is closed, however the loop ends."""

import contextlib

import jax
import numpy as np
import pytest

from xai_jax.runtime import mesh
from xai_jax.train.batches import placed

ROW = mesh.data_mesh(jax.devices()[:1])


class Plain:
    """A source and its own stream: `length` batches of two equal numbers; notes what is done."""

    def __init__(self, length: int):
        self.length = length
        self.state = 0
        self.log: list[str] = []

    def batches(self, batch_size, *, start, process_index, process_count):
        return self

    def __next__(self):
        if self.state == self.length:
            raise StopIteration
        self.log.append("read")
        self.state += 1
        return np.full(2, self.state, np.float32)


class Closing(Plain):
    """One with something to close."""

    def close(self):
        self.log.append("closed")


def test_a_stream_that_ends_is_closed_once_after_its_last_batch():
    source = Closing(3)
    found = [(float(batch[0]), position) for batch, position in placed(source, 2, ROW)]
    assert found == [(1.0, 1), (2.0, 2), (3.0, 3)]
    assert source.log == ["read"] * 3 + ["closed"]


def test_a_stream_that_is_left_early_is_closed_after_the_last_read_ahead():
    source = Closing(100)
    with contextlib.closing(placed(source, 2, ROW)) as batches:
        next(batches)
    assert source.log[-1] == "closed"
    assert source.log.count("closed") == 1
    assert len(source.log) < 10


def test_a_stream_of_the_wrong_size_is_closed_too():
    source = Closing(3)
    with pytest.raises(ValueError, match=r"\[2\] where 4 rows"):
        next(placed(source, 4, ROW))
    assert source.log[-1] == "closed"


def test_a_stream_without_a_close_is_taken_as_it_is():
    source = Plain(2)
    assert [position for _, position in placed(source, 2, ROW)] == [1, 2]
    assert source.log == ["read", "read"]
