"""The batches of a training loop: its stream is closed, however the loop ends."""

import contextlib

import jax
import numpy as np
import pytest

from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import Example
from xai_jax.data.pipeline import Pipeline
from xai_jax.pretrain import label_maps
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


class Maps:
    """Five pictures; the label map of the last has one stray number."""

    class_names = ()
    names = tuple("abcde")

    def __len__(self):
        return 5

    def __getitem__(self, index):
        mask = np.zeros((4, 4), np.uint8)
        mask[3, 3] = 255 if index == 4 else 2
        picture = np.zeros((4, 4, 3), np.uint8)
        labels = np.zeros(0, np.float32)
        name = self.names[index]
        return Example(row=10 + index, name=name, picture=picture, labels=labels, mask=mask)


def test_every_label_map_is_looked_at_and_the_sentence_names_its_picture():
    source = Pipeline(source=Maps(), resize=Preprocess(height=4, width=4), regions=True)
    with contextlib.closing(placed(source, 2, ROW, admit=label_maps.admitted(3))) as batches:
        assert [next(batches)[0].regions.max() for _ in range(2)] == [2, 2]
        with pytest.raises(ValueError, match="^e: Its label map has the number 255, and network"):
            next(batches)
    with_void = placed(source, 2, ROW, admit=label_maps.admitted(3, void=255))
    assert len(list(with_void)) == 3
