"""Batches: every picture once an epoch, shared by processes, resumed to the byte."""

import dataclasses
import hashlib
import json
import subprocess
import sys
import threading

import jax
import numpy as np
import pytest

from xai_jax import experiment
from xai_jax.core.content import as_json
from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.types import Batch
from xai_jax.data.example import Example, picture_digest, truth_digest
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.planted import Planted
from xai_jax.data.transforms import Augment

NUM = 10
SMALL = Preprocess(height=6, width=8)


class Fixed:
    """Picture i is noise of its own; its row is 100 + i, its class i % 3; no class if i is 9."""

    class_names = ("a", "b", "c")

    def __init__(self, num=NUM, broken=None):
        self.num, self.broken = num, broken

    @property
    def names(self):
        return tuple(f"picture {i}" for i in range(self.num))

    def __len__(self):
        return self.num

    def __getitem__(self, i):
        noise = np.random.default_rng(i).integers(0, 256, (12, 16, 3), np.uint8)
        labels = np.float32([i % 3 == k and i != 9 for k in range(3)])
        ids = np.zeros((12, 16), np.uint8)
        ids[:6, :8] = 1 + i % 3
        ids[6:, 8:] = 255
        picture = b"no picture" if i == self.broken else noise
        return Example(row=100 + i, name=f"picture {i}", picture=picture, labels=labels, mask=ids)


def pipeline(**settings):
    return Pipeline(**{"source": Fixed(), "resize": SMALL, "num_threads": 2} | settings)


def rows(batches):
    return [np.asarray(b.image_id)[b.weight > 0] for b in batches]


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_picture_is_shown_once_an_epoch_and_padding_weighs_nothing(shuffle):
    p = pipeline(shuffle=shuffle, num_epochs=2)
    batches = list(p.batches(4))
    assert [b.weight.tolist() for b in batches[:3]] == [[1] * 4, [1] * 4, [1, 1, 0, 0]]
    assert len(batches) == 2 * p.steps_per_epoch(4) == 6
    for epoch in (batches[:3], batches[3:]):
        shown = np.concatenate(rows(epoch))
        assert sorted(shown) == list(range(100, 110))
        assert shuffle != (shown.tolist() == list(range(100, 110)))


def test_a_batch_has_static_shapes_and_the_core_types():
    for b in pipeline(masks="ids").batches(4):
        assert isinstance(b, Batch)
        assert b.counted is None  # numbers say themselves what is void
        known = {k: v for k, v in vars(b).items() if v is not None}
        kinds = {k: (v.shape, v.dtype.name) for k, v in known.items()}
        assert kinds == {
            "images": ((4, 6, 8, 3), "float32"),
            "target": ((4,), "int32"),
            "image_id": ((4,), "uint32"),
            "weight": ((4,), "float32"),
            "labels": ((4, 3), "float32"),
            "masks": ((4, 6, 8), "uint8"),
        }
        assert 0 <= b.images.min() and b.images.max() <= 1
    assert next(pipeline().batches(4)).masks is None


def test_labels_targets_and_pixels_belong_to_the_same_row():
    p = pipeline(shuffle=True, resize=Preprocess(height=12, width=16))
    for b in p.batches(5):
        for row, image, target, labels in zip(
            b.image_id, b.images, b.target, b.labels, strict=True
        ):
            example = Fixed()[int(row) - 100]
            np.testing.assert_array_equal(image, np.float32(example.picture) / 255)
            np.testing.assert_array_equal(labels, example.labels)
            assert target == (0 if row == 109 else (row - 100) % 3)


def test_the_order_follows_the_seed_and_the_epoch():
    first = np.concatenate(rows(pipeline(shuffle=True, num_epochs=2).batches(5)))
    again = np.concatenate(rows(pipeline(shuffle=True, num_threads=7, num_epochs=2).batches(2)))
    other = np.concatenate(rows(pipeline(shuffle=True, seed=1, num_epochs=2).batches(5)))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first[:NUM] != first[NUM:]).any()


def test_processes_share_every_batch_of_one_process():
    p = pipeline(shuffle=True, augment=Augment(), masks="soft", num_epochs=2)
    whole = list(p.batches(4))
    parts = [list(p.batches(4, process_index=i, process_count=2)) for i in (0, 1)]
    assert len(whole) == len(parts[0]) == len(parts[1])
    for one, left, right in zip(whole, *parts, strict=True):
        equal(one, jax.tree.map(lambda a, b: np.concatenate([a, b]), left, right))


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_stream_goes_on_exactly_where_it_stopped(stop):
    p = pipeline(shuffle=True, augment=Augment(), masks="ids", num_epochs=2)
    whole = list(p.batches(4))
    stream = p.batches(4)
    for _ in range(stop):
        next(stream)
    state = json.loads(json.dumps(stream.state))
    rest = list(p.batches(4, start=state))
    assert len(rest) == len(whole) - stop
    for one, other in zip(whole[stop:], rest, strict=True):
        equal(one, other)


def test_a_stream_without_end_goes_through_epoch_after_epoch():
    finite, endless = (pipeline(shuffle=True, num_epochs=n) for n in (101, 0))
    start = finite.batches(4).state | {"step": 299}
    expected, stream = list(finite.batches(4, start=start)), endless.batches(4, start=start)
    assert len(expected) == 4  # of 303
    for one in expected:
        equal(one, next(stream))
    assert next(stream).weight.sum() == 4


@pytest.mark.parametrize("changed", [{"seed": 1}, {"shuffle": False}, {"source": Fixed(9)}])
def test_the_state_of_another_stream_is_refused(changed):
    state = pipeline(shuffle=True).batches(4).state
    with pytest.raises(ValueError, match=r"^The stream was stopped with .*; set it back"):
        pipeline(**{"shuffle": True} | changed).batches(4, start=state)
    with pytest.raises(ValueError, match="batch_size = 4 and would go on with 5"):
        pipeline(shuffle=True).batches(5, start=state)


def test_variations_follow_the_picture_and_the_epoch_not_the_batch():
    def shown(p, batch_size):
        every = {}
        for step, b in enumerate(p.batches(batch_size)):
            epoch = step // p.steps_per_epoch(batch_size)
            every |= {(epoch, int(r)): i for r, i in zip(b.image_id, b.images, strict=True)}
        return every

    one = shown(pipeline(augment=Augment(), shuffle=True, num_epochs=2), 4)
    other = shown(pipeline(augment=Augment(), num_epochs=2), 3)
    assert one.keys() == other.keys() and len(one) == 20
    for key in one:
        np.testing.assert_array_equal(one[key], other[key])
    assert all((one[0, row] != one[1, row]).any() for row in range(100, 110))


def test_two_rows_of_one_picture_vary_by_themselves():
    class Same(Fixed):
        def __getitem__(self, i):
            return dataclasses.replace(super().__getitem__(0), row=i)

    images = next(pipeline(source=Same(), augment=Augment()).batches(10)).images
    assert len({image.tobytes() for image in images}) == 10


def test_masks_come_as_numbers_or_as_shares_without_what_is_void():
    batch = {m: next(pipeline(masks=m).batches(3)) for m in ("ids", "soft", "union")}
    ids = batch["ids"].masks
    for i in range(3):  # the quarters of the picture, each pixel the nearest of 2 x 2
        assert (ids[i, :3, :4] == 1 + i).all() and (ids[i, 3:, 4:] == 255).all()
        assert (ids[i, 3:, :4] == 0).all() and (ids[i, :3, 4:] == 0).all()
    soft = batch["soft"].masks
    assert soft.shape == (3, 6, 8, 3) and soft.dtype == np.float32
    for i in range(3):
        assert (np.delete(soft[i], i, axis=-1) == 0).all()
        np.testing.assert_array_equal(batch["union"].masks[i, ..., 0], soft[i, ..., i])
        assert soft[i, 0, 0, i] == 1 and soft[i, 5, 7, i] == 0
        # A triangle filter of radius 2, half a pixel from the edge: weights 1, 3, 3, 1 of 8.
        np.testing.assert_allclose(soft[i, 2, 0, i], 7 / 8, atol=1e-6)
    none = list(pipeline(masks="union").batches(10))[0].masks
    assert none[9].max() == 0  # a picture without a class


def test_a_picture_that_cannot_be_read_stops_the_stream_by_its_name():
    stream = pipeline(source=Fixed(broken=5)).batches(4)
    next(stream)
    with pytest.raises(ValueError, match=r"^picture 5: It cannot be read as a picture: .*\.$"):
        next(stream)


class Masked(Fixed):
    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def __getitem__(self, i):
        return dataclasses.replace(super().__getitem__(i), mask=self.mask)


@pytest.mark.parametrize("masks", ["none", "ids", "soft", "union"])
def test_one_picture_is_read_as_it_stands_in_a_batch_but_never_varied(masks):
    varied = pipeline(masks=masks, augment=Augment(), shuffle=True, num_epochs=0)
    assert len(varied) == NUM and varied.names[3] == "picture 3"
    plain = next(pipeline(masks=masks).batches(NUM))
    for row in (0, 3, 9):
        found = varied.example(row)
        wanted = {k: v for k, v in vars(plain).items() if v is not None and k != "weight"}
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values[row], err_msg=name)


def test_one_picture_that_cannot_be_read_is_told_from_all_else_that_is_wrong():
    with pytest.raises(BadPicture, match="^It cannot be read as a picture: "):
        pipeline(source=Fixed(broken=5)).example(5)
    of_other_size = pipeline(source=Masked(np.zeros((2, 3), np.uint8)))
    with pytest.raises(BadPicture, match="^It has 16 x 12 pixels and its mask 3 x 2; a mask has"):
        dataclasses.replace(of_other_size, masks="ids").example(0)
    without = pipeline(source=Masked(None), masks="ids")
    with pytest.raises(ValueError, match="has neither a mask nor boxes") as error:
        without.example(0)
    assert not isinstance(error.value, BadPicture)


def test_a_digest_is_of_the_content_whatever_holds_it(tmp_path):
    example = Fixed()[0]
    content = b"\x00" * 100
    (tmp_path / "a.png").write_bytes(content)
    of_file = dataclasses.replace(example, picture=tmp_path / "a.png")
    of_bytes = dataclasses.replace(example, picture=content)
    wanted = hashlib.sha256(content).hexdigest()[:32]
    assert picture_digest(of_file) == picture_digest(of_bytes) == wanted
    grey = np.zeros((2, 3, 3), np.uint8)
    shapes = [dataclasses.replace(example, picture=x) for x in (grey, grey.reshape(3, 2, 3))]
    assert picture_digest(shapes[0]) != picture_digest(shapes[1])
    assert len(picture_digest(shapes[0])) == 32
    known = {
        "labels": 1 - example.labels,
        "mask": 1 - example.mask,
        "meaning": np.arange(256, dtype=np.uint16),
        "regions": True,
        "boxes": np.zeros((1, 4), np.float32),
    }
    others = [dataclasses.replace(example, **{name: value}) for name, value in known.items()]
    assert len({truth_digest(e) for e in [example, *others]}) == 6
    assert len({picture_digest(e) for e in [example, *others]}) == 1


@pytest.mark.parametrize(
    ("settings", "arguments", "sentence"),
    [
        ({"source": Fixed(0)}, {"batch_size": 4}, "The data set has no pictures"),
        ({}, {"batch_size": 4, "process_count": 3}, "batch of 4 cannot be shared by 3 processes"),
        ({}, {"batch_size": 0}, "batch of 0"),
        ({}, {"batch_size": 4, "process_index": 2, "process_count": 2}, "Process 2 is not one"),
    ],
)
def test_what_cannot_be_batched_is_refused_before_a_picture_is_read(settings, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        pipeline(**settings).batches(**arguments)


def test_more_classes_than_eight_bits_number_are_refused_as_numbers():
    many = Fixed()
    many.class_names = tuple(map(str, range(255)))
    with pytest.raises(ValueError, match="255 classes do not fit"):
        pipeline(source=many, masks="ids").batches(2)


class Settings:
    built = 0

    def build(self):
        self.built += 1
        return Fixed()


def test_settings_of_a_source_are_built_once():
    settings = Settings()
    p = pipeline(source=settings)
    assert p.class_names == ("a", "b", "c") and p.steps_per_epoch(4) == 3
    for stream in (p.batches(4), p.batches(5)):
        assert next(stream).image_id[0] == 100
    assert settings.built == 1


def test_a_pipeline_is_the_data_of_an_experiment():
    p = pipeline(source=Planted(size=48, num=3))
    assert isinstance(p, experiment.Source) and isinstance(p.batches(2), experiment.Stream)
    before = as_json(p)
    next(p.batches(2))
    assert json.loads(json.dumps(before)) == json.loads(json.dumps(as_json(p)))


def test_threads_end_with_the_stream():
    before = set(threading.enumerate())
    stream = pipeline(num_epochs=0, num_threads=3).batches(2)
    next(stream)
    workers = set(threading.enumerate()) - before
    assert len(workers) >= 3
    stream.close()
    for worker in workers:
        worker.join(timeout=10)
        assert not worker.is_alive()


_IMPORTS = """
import sys
import xai_jax, xai_jax.cli, xai_jax.data.pipeline, xai_jax.data.folder, xai_jax.data.planted
print({"grain", "tensorflow_datasets", "tensorflow"} & set(sys.modules))
"""


def test_grain_and_tfds_are_not_loaded_before_they_are_used():
    command = [sys.executable, "-c", _IMPORTS]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "set()\n"
