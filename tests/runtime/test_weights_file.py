"""The file that a training leaves: the same bytes for the same content, and only what is sound."""

import dataclasses
import json

import numpy as np
import pytest
import weights_files
from flax import struct

from xai_jax.core.domains import Real
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings
from xai_jax.runtime import header, leaves, weights_file
from xai_jax.runtime.weights_file import WeightsFile


@struct.dataclass
class Weights:
    layers: list
    scale: object


@dataclasses.dataclass(kw_only=True)
class Config(Settings):
    rate: Real = 0.5
    names: tuple[str, ...] = ("x",)


def weights() -> Weights:
    layer = lambda n: {"kernel": np.full((n, 2), n, np.float32), "bias": np.arange(2.0)}  # noqa: E731
    return Weights(layers=[layer(n) for n in range(1, 12)], scale=np.float32(3))


WRITER = WeightsFile(
    kind="mine", config=Config(rate=0.25), preprocess=Preprocess(crop=0.5), class_names=("a", "ü")
)


def test_what_was_written_is_read_again_and_the_same_content_has_the_same_bytes(tmp_path):
    path = WRITER(weights(), tmp_path / "run")
    assert path == tmp_path / "run" / "mine.safetensors"
    content = weights_file.read(path.parent)
    assert content.path == path and content.header.kind == "mine"
    assert content.header.class_names == ("a", "ü")
    assert content.header.preprocess == Preprocess(crop=0.5)
    assert header.settings(Config(), content.header.config, path, "config") == Config(rate=0.25)
    found = weights_file.weights(content, weights(), "")
    assert isinstance(found, Weights) and len(found.layers) == 11
    for ours, theirs in zip(found.layers, weights().layers, strict=True):
        np.testing.assert_array_equal(ours["kernel"], theirs["kernel"])
    assert WRITER(weights(), tmp_path / "again").read_bytes() == path.read_bytes()
    about, _ = weights_files.parts(path)
    assert about["format"] == header.FORMAT


def test_a_file_of_an_earlier_format_says_what_to_do(tmp_path):
    path = WRITER(weights(), tmp_path)
    about, arrays = weights_files.parts(path)
    del about["format"]  # the first format had none
    weights_files.write(path, about, arrays)
    assert weights_files.refusal(lambda: weights_file.read(path), path) == (
        f"{path} is a weights file of format 1, and format 2 is read here; let its training write "
        "it again (python train.py with the same --config and --workdir), or train anew in "
        "another --workdir."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "not a name"},
        {"class_names": ("a", "")},
        {"class_names": ("a", "\ud800")},
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, changes):
    with pytest.raises(ValueError, match=r"must be .*\.$"):
        dataclasses.replace(WRITER, **changes)(weights(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_arrays_of_one_path_are_not_written(tmp_path):
    both = {"a": {"b": np.zeros(2)}, "a/b": np.ones(2)}
    with pytest.raises(ValueError, match=r"Two arrays have the path a/b; leave '/' out"):
        WRITER(both, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_arrays_of_another_tree_are_refused_with_the_first_that_differs(tmp_path):
    content = weights_file.read(WRITER(weights(), tmp_path))
    wanted = weights()
    wanted.layers[3]["kernel"] = np.zeros((4, 3), np.float32)
    with pytest.raises(leaves.OtherLeaves) as error:
        weights_file.weights(content, wanted, "leave it")
    assert str(error.value) == (
        f"{content.path} is of another architecture: layers/3/kernel is float32 of shape [4, 2] "
        "there and is float32 of shape [4, 3] here; leave it."
    )
    wanted = weights().replace(scale=None)
    with pytest.raises(leaves.OtherLeaves, match="scale is float32 of shape .* is missing here"):
        weights_file.weights(content, wanted, "leave it")


def test_a_kind_that_is_not_wanted_is_named_with_those_that_are(tmp_path):
    content = weights_file.read(WRITER(weights(), tmp_path))
    weights_file.check_kind(content, ("mine", "yours"))
    with pytest.raises(ValueError, match="holds a trained mine, not yours or theirs; name what"):
        weights_file.check_kind(content, ("yours", "theirs"))


def test_a_folder_without_a_file_and_one_with_two_say_so(tmp_path):
    with pytest.raises(ValueError, match="holds no .safetensors files; let its training end"):
        weights_file.read(tmp_path)
    with pytest.raises(ValueError, match="There is no .*; train what leaves it first"):
        weights_file.read(tmp_path / "x.safetensors")
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").touch()
    with pytest.raises(ValueError, match="holds 2 .safetensors files; name one, "):
        weights_file.read(tmp_path)


def test_settings_that_jsons_numbers_cannot_hold_are_refused(tmp_path):
    where = tmp_path / "x.safetensors"
    with pytest.raises(ValueError, match="config.*rate.*number"):
        header.settings(Config(), json.loads('{"rate": 1' + "0" * 400 + "}"), where, "config")
