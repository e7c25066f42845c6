"""metrics.jsonl: numbers come back exactly, and a kill leaves nothing that is not undone."""

import builtins

import numpy as np
import pytest
from PIL import Image

from xai_jax.runtime import metric_log
from xai_jax.runtime.metric_log import MetricLog


def log_of(folder, **settings):
    return MetricLog(folder, tensorboard=settings.get("tensorboard", False))


def test_numbers_are_read_back_exactly(tmp_path):
    value = float(np.float32(0.1)) / 3
    with log_of(tmp_path) as log:
        log.rewind(0)
        log.scalars(5, {"train/loss": value})
    assert metric_log.read(tmp_path) == [{"step": 5, "train/loss": value}]


@pytest.mark.parametrize("rest", [b"", b'{"step": 4, "a": 1.5}\n', b'{"step": 3, "a"', b'{"st'])
def test_what_comes_after_the_checkpoint_is_dropped_before_more_is_written(tmp_path, rest):
    whole = b'{"step": 1, "a": 0.5}\n{"step": 3, "a": 0.25}\n'
    (tmp_path / metric_log.NAME).write_bytes(whole + rest)
    with log_of(tmp_path) as log:
        log.rewind(3)
        log.scalars(4, {"a": 2.0})
    assert (tmp_path / metric_log.NAME).read_bytes() == whole + b'{"step": 4, "a": 2.0}\n'


def test_a_run_that_begins_anew_begins_with_an_empty_log(tmp_path):
    (tmp_path / metric_log.NAME).write_bytes(b'{"step": 1, "a": 0.5}\n')
    with log_of(tmp_path) as log:
        log.rewind(0)
    assert (tmp_path / metric_log.NAME).read_bytes() == b""


def test_pictures_are_written_as_they_are(tmp_path):
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    with log_of(tmp_path) as log:
        log.rewind(0)
        log.pictures(7, {"masks": picture, "grey": picture[..., 0]})
    for name, wanted in [("masks", picture), ("grey", picture[..., 0])]:
        read = np.asarray(Image.open(tmp_path / "panels" / name / "00000007.png"))
        np.testing.assert_array_equal(read, wanted)


@pytest.mark.parametrize("shape", [(2, 2, 1), (2,)])
def test_a_picture_of_another_shape_is_refused(tmp_path, shape):
    with log_of(tmp_path) as log, pytest.raises(ValueError, match=r"make it uint8 of shape \[h w"):
        log.pictures(1, {"x": np.zeros(shape, np.uint8)})


def test_a_picture_of_another_type_is_refused(tmp_path):
    with log_of(tmp_path) as log, pytest.raises(ValueError, match="The panel x is float64"):
        log.pictures(1, {"x": np.zeros((2, 2, 3))})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboardX itself
def test_tensorboard_gets_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    with log_of(tmp_path, tensorboard=True) as log:
        log.rewind(0)
        log.scalars(5, {"train/loss": 0.75})
    data = next((tmp_path / metric_log.TENSORBOARD).iterdir()).read_bytes()
    found = {}
    while data:  # length (8), its checksum (4), the event, its checksum (4)
        length = int.from_bytes(data[:8], "little")
        event, data = Event.FromString(data[12 : 12 + length]), data[16 + length :]
        found |= {(event.step, value.tag): value.simple_value for value in event.summary.value}
    assert found[5, "train/loss"] == 0.75


def test_without_tensorboardx_the_remedy_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name == "tensorboardX":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ValueError, match="pip install tensorboardX"):
        log_of(tmp_path, tensorboard=True)
