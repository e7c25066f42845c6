"""Two digits of MNIST: the right ones, each in one split, with one class."""

import gzip
import struct

import numpy as np
import pytest

from xai_jax.data.digits import Digits
from xai_jax.data.example import picture_of


def packed(array):
    kind = 2048 + array.ndim
    return gzip.compress(struct.pack(f">{1 + array.ndim}I", kind, *array.shape) + array.tobytes())


@pytest.fixture
def root(tmp_path):
    """Picture i is of one grey level, i, and shows digit i % 10; 60 to train on, 20 to test."""
    for part, num in (("train", 60), ("t10k", 20)):
        numbers = np.arange(num, dtype=np.uint8)
        images = np.broadcast_to(numbers[:, None, None], (num, 28, 28))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(packed(images))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(packed(numbers % 10))
    return tmp_path


def test_each_split_has_the_pictures_of_two_digits_with_one_class(root):
    found = {name: Digits(root=str(root), split=name).build() for name in ("train", "validation")}
    both = [3, 8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58]
    held_out = [23, 48]  # every fifth of them
    assert [e.row for e in found["validation"]] == held_out
    assert [e.row for e in found["train"]] == [row for row in both if row not in held_out]
    for example in (*found["train"], *found["validation"]):
        assert example.labels.tolist() == [float(example.row % 10 == 8)]
        pixels = np.asarray(picture_of(example))
        assert pixels.shape == (28, 28, 3) and (pixels == example.row).all()
    test = Digits(root=str(root), split="test", absent=1, present=7).build()
    assert test.class_names == ("digit 7",)
    assert test.names == tuple(f"digit of t10k {row}" for row in (1, 7, 11, 17))
    assert [e.name for e in test] == list(test.names)


def test_what_the_files_hold_is_known_and_a_missing_one_is_named(root):
    before = Digits(root=str(root)).build().digests()
    assert set(before) == {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"}
    (root / "train-labels-idx1-ubyte.gz").write_bytes(packed(np.full(60, 3, np.uint8)))
    assert Digits(root=str(root)).build().digests() != before
    (root / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte\.gz is no file of MNIST, or is"):
        Digits(root=str(root)).build()


def test_the_real_files_have_the_digits_that_people_counted(shared_data):
    if not (shared_data / "mnist").is_dir():
        pytest.skip("no MNIST")
    num = {
        s: len(Digits(root=str(shared_data / "mnist"), split=s).build())
        for s in ("train", "validation", "test")
    }
    assert num["train"] + num["validation"] == 6131 + 5851 and num["test"] == 1010 + 974
