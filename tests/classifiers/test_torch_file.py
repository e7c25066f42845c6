"""Weights files are read as data: every number arrives, and nothing in a file is ever executed."""

import argparse
import collections
import datetime
import pathlib
import pickle
import re
import struct
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest

from tests.classifiers import torch_bytes as made
from xai_jax.classifiers import torch_file
from xai_jax.nn import state_reader

ARRAYS = {
    name: (
        np.arange(6).reshape(2, 3) % 2 if name == "bool" else np.arange(6).reshape(2, 3) - 1
    ).astype(jnp.bfloat16 if name == "bfloat16" else name)
    for name in made.STORAGES
}


def write(tmp_path, data: bytes):
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return path


def one_sentence(path) -> str:
    """The message with which the file is refused: one sentence that names the file."""
    with pytest.raises(ValueError) as error:
        torch_file.read(path)
    message = str(error.value)
    assert str(path) in message and message.endswith(".") and "\n" not in message
    assert not re.search(r"\. [A-Z]", message.replace(str(path), "")), message
    return message


def container(kind: str, saved, blocks) -> bytes:
    return (made.legacy_file if kind == "legacy" else made.zip_file)(saved, blocks)


KINDS = pytest.mark.parametrize("kind", ["legacy", "zip"])


@KINDS
@pytest.mark.parametrize("dtype", list(made.STORAGES))
def test_every_number_type_arrives_as_it_was_saved(tmp_path, kind, dtype):
    array = ARRAYS[dtype]
    saved = made.ordered({"layer.weight": made.tensor(array, "7", legacy=kind == "legacy")})
    weights = torch_file.read(write(tmp_path, container(kind, saved, {"7": array})))
    assert list(weights) == ["layer.weight"] and weights["layer.weight"].dtype == array.dtype
    np.testing.assert_array_equal(weights["layer.weight"], array)


@KINDS
def test_permuted_strides_offsets_and_shared_storages_are_views_of_the_right_numbers(
    tmp_path, kind
):
    numbers = np.arange(24, dtype=np.float32)
    view = {"legacy": kind == "legacy", "count": 24}
    saved = made.ordered(
        {
            "permuted": made.tensor(numbers, shape=(2, 3, 4), strides=(1, 8, 2), **view),
            "tail": made.tensor(numbers, shape=(3,), strides=(1,), offset=21, **view),
            "scalar": made.tensor(numbers, shape=(), strides=(), offset=5, **view),
            "none": made.tensor(numbers, shape=(0, 3), strides=(3, 1), **view),
        }
    )
    weights = torch_file.read(write(tmp_path, container(kind, saved, {"0": numbers})))
    # element [i, j, k] lies at i + 8 j + 2 k
    i, j, k = np.ogrid[:2, :3, :4]
    np.testing.assert_array_equal(weights["permuted"], (i + 8 * j + 2 * k).astype(np.float32))
    np.testing.assert_array_equal(weights["tail"], [21, 22, 23])
    assert weights["scalar"] == 5 and weights["scalar"].shape == ()
    assert weights["none"].shape == (0, 3)


@KINDS
@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
def test_a_training_checkpoint_gives_what_stands_under_state_dict_or_model(tmp_path, kind, wrapper):
    array = ARRAYS["float32"]
    weight = made.tensor(array, legacy=kind == "legacy")
    parameter = made.call("torch._utils", "_rebuild_parameter", weight, True, {})
    checkpoint = {"epoch": 3, "best": [1, None, True], wrapper: {"w": parameter}}
    weights = torch_file.read(write(tmp_path, container(kind, checkpoint, {"0": array})))
    assert list(weights) == ["w"]
    np.testing.assert_array_equal(weights["w"], array)


def test_safetensors_are_read_without_the_library_that_wrote_them(tmp_path):
    from safetensors.numpy import save_file

    arrays = {name: array for name, array in ARRAYS.items() if name != "bfloat16"}
    path = tmp_path / "weights.safetensors"
    save_file(arrays, str(path), metadata={"format": "pt"})
    weights = torch_file.read(path)
    assert sorted(weights) == sorted(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(weights[name], array)
        assert weights[name].dtype == array.dtype


def test_bfloat16_in_safetensors_is_the_upper_half_of_a_float32(tmp_path):
    header = {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    data = made.safetensors_file(header, struct.pack("<HH", 0x3F80, 0xC020))  # 1.0 and -2.5
    np.testing.assert_array_equal(
        torch_file.read(write(tmp_path, data))["w"].astype(np.float32), [1.0, -2.5]
    )


BESIDE = {
    "counter": collections.Counter([3, 3, 5]),
    "numpy number": np.float64(0.5),
    "numpy array": np.arange(3.0),
    "set": {1, 2},
    "frozen set": frozenset("ab"),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "namespace": argparse.Namespace(lr=0.1, layers=(1, 2)),
    "path": pathlib.PurePosixPath("runs/1"),
    "date": datetime.datetime(2026, 1, 2),
    "odd keys": {0.5: 1, None: 2, True: 3},
}


@KINDS
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", list(BESIDE))
def test_what_a_training_keeps_beside_its_weights_does_not_matter(tmp_path, kind, protocol, name):
    array = ARRAYS["float32"]
    weight = made.tensor(array, legacy=kind == "legacy")
    pickled = pickle.dumps(BESIDE[name], protocol)
    start = 2 if protocol == 2 else 11  # behind PROTO, and behind FRAME
    beside = made.Raw(pickled[start:-1])
    saved = {
        "args": beside,
        "size": made.call("torch", "Size", [3, 4]),
        "state_dict": {"w": weight},
    }
    path = write(tmp_path, container(kind, saved, {"0": array}))
    np.testing.assert_array_equal(torch_file.read(path)["w"], array)
    # The weights themselves are none, or lie within one: that is said.
    for lost in ({"state_dict": beside}, beside):
        assert one_sentence(write(tmp_path, container(kind, lost, {})))


@KINDS
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.model."])
@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "net"])
def test_the_names_of_a_wrapped_network_lose_their_prefix(tmp_path, kind, prefix, wrapper):
    array = ARRAYS["float32"]
    weight = made.tensor(array, legacy=kind == "legacy")
    saved = {
        "epoch": 1,
        wrapper: {"state_dict": {f"{prefix}w": weight, f"{prefix}model.x": weight}},
    }
    path = write(tmp_path, container(kind, saved, {"0": array}))
    assert list(torch_file.read(path)) == ["w", "model.x"]


def test_a_head_within_a_sequential_is_found_behind_its_dropout():
    shapes = {"fc.1.weight": (5, 3), "fc.1.bias": (5,)}
    reader = state_reader.StateReader({k: np.ones(v) for k, v in shapes.items()}, "a network")
    assert reader.dense("fc", 3)["kernel"].shape == (3, 5)
    reader.done()
    two = {"fc.0.weight": np.ones((4, 3)), "fc.2.weight": np.ones((5, 4))}
    with pytest.raises(ValueError, match="'fc.weight' is missing"):
        state_reader.StateReader(two, "a network").dense("fc", 3)


# --- nothing in a file is executed --------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_pickle_that_calls_os_system_is_refused_and_does_not_run(tmp_path, kind, protocol):
    evidence = tmp_path / "ran"
    attack = made.attack(evidence, protocol)
    if kind == "zip":
        data = made.zip_file(attack, {})
    else:
        head = b"".join(made.pickled(v) for v in (made.MAGIC, 1001, {"little_endian": True}))
        data = head + attack + made.pickled([])
    assert "would run code" in one_sentence(write(tmp_path, data))
    assert not evidence.exists()


CODE = {
    "eval": made.call("builtins", "eval", "print(1)"),
    "getattr": made.call("builtins", "getattr", "a", "__class__"),
    "a name in a name": made.call("torch", "_utils._rebuild_tensor_v2", 1),
    "a submodule": made.call("torch._utils", "os.system", "true"),
    "another of numpy": made.call("numpy.core.multiarray", "fromfile", 1),
    "a class of torch": made.call("torch.nn.modules.linear", "Linear", 1, 1),
    "an unknown storage": made.named("torch", "ComplexFloatStorage"),
    "memoised, then called": made.Raw(b"cos\nsystem\nq\x000h\x00" + made.code(("true",)) + b"R"),
    "INST": made.Raw(b"(S'true'\nios\nsystem\n"),
    "OBJ": made.Raw(b"(cos\nsystem\n" + made.code("true") + b"o"),
    "NEWOBJ": made.Raw(made.named("collections", "OrderedDict") + b")\x81"),
    "NEWOBJ_EX": made.Raw(made.named("collections", "OrderedDict") + b")}\x92"),
    "EXT1": made.Raw(b"\x82\x01"),
    "PERSID": made.Raw(b"Pstorage\n"),
    "STACK_GLOBAL": made.Raw(
        made.code("os") + made.code("system") + b"\x93" + made.code(("x",)) + b"R"
    ),
}


@KINDS
@pytest.mark.parametrize("trick", list(CODE))
def test_every_instruction_that_could_run_code_is_refused(tmp_path, kind, trick):
    message = one_sentence(write(tmp_path, container(kind, {"w": CODE[trick]}, {})))
    assert "would run code" in message


CONFUSION = {
    "a string is called": made.Raw(made.code("os.system") + made.code(("true",)) + b"R"),
    "a type of storage is called": made.Raw(made.named("torch", "FloatStorage") + b")R"),
    "state is built on a constructor": made.Raw(
        made.named("collections", "OrderedDict") + made.code({"__code__": 1}) + b"b"
    ),
    "state is built on a tensor": made.Raw(
        made.tensor(ARRAYS["float32"], legacy=False) + made.code((None, {"shape": 1})) + b"b"
    ),
    "items are set on a list": made.Raw(b"](" + made.code("a") + made.code(1) + b"u"),
    "items are appended to a dict": made.Raw(b"}(" + made.code("a") + b"e"),
    "a constructor is given names": made.Raw(
        made.named("collections", "OrderedDict") + made.code({"a": 1}) + b"R"
    ),
    "an unknown memo": made.Raw(b"h\x07"),
    "a mark is popped": made.Raw(b"(\x85"),
    "the stack is empty": made.Raw(b"000"),
    "a key is a deep tuple": made.Raw(b"})" + b"\x85" * 100_000 + b"Ns"),
    "a tensor of a tuple": made.call("torch._utils", "_rebuild_tensor_v2", (1,), 0, (1,), (1,)),
    "a negative stride": made.tensor(ARRAYS["float32"], legacy=False, strides=(-3, 1)),
    "a shape of strings": made.tensor(ARRAYS["float32"], legacy=False, shape=("2", "3")),
    "a shape of truths": made.tensor(ARRAYS["float32"], legacy=False, shape=(True, True)),
    "a storage of None": made.Raw(made.code(("storage", None, "0", "cpu", 6)) + b"Q"),
    "another persistent object": made.Raw(made.code(("module", None, "0", "cpu", 6)) + b"Q"),
    "a string that claims 4 GB": made.Raw(b"X\xff\xff\xff\xffabc"),
    "a string that claims 2**62 bytes": made.Raw(b"\x8d" + struct.pack("<Q", 2**62) + b"abc"),
    "a number that claims 2 GB": made.Raw(b"\x8b\xff\xff\xff\x7fabc"),
}


@KINDS
@pytest.mark.parametrize("trick", list(CONFUSION))
def test_a_pickle_that_makes_no_sense_is_refused_in_one_sentence(tmp_path, kind, trick):
    data = container(kind, {"w": CONFUSION[trick]}, {"0": ARRAYS["float32"]})
    assert "its pickle makes no sense" in one_sentence(write(tmp_path, data))


def test_a_deeply_nested_pickle_neither_crashes_nor_is_taken_for_weights(tmp_path):
    nested = made.Raw(b")" + b"\x85" * 100_000)
    assert "no tensor" in one_sentence(write(tmp_path, made.zip_file({"w": nested}, {})))


def test_lists_doubled_a_hundred_times_through_the_memo_cost_no_memory(tmp_path):
    doubling = made.Raw(b")" + b"q\x00h\x00\x86" * 100)  # a pair of pairs of pairs: 2**100 leaves
    assert "no tensor" in one_sentence(write(tmp_path, made.zip_file({"w": doubling}, {})))


# --- damaged files ------------------------------------------------------------------------------

GOOD = {
    "legacy": made.legacy_file(
        made.ordered({"w": made.tensor(ARRAYS["float32"], legacy=True)}), {"0": ARRAYS["float32"]}
    ),
    "zip": made.zip_file(
        made.ordered({"w": made.tensor(ARRAYS["float32"], legacy=False)}), {"0": ARRAYS["float32"]}
    ),
    "safetensors": made.safetensors_file(
        {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}},
        ARRAYS["float32"].tobytes(),
    ),
}


@pytest.mark.parametrize("kind", list(GOOD))
def test_a_file_cut_off_anywhere_is_refused_in_one_sentence(tmp_path, kind):
    np.testing.assert_array_equal(
        torch_file.read(write(tmp_path, GOOD[kind]))["w"], ARRAYS["float32"]
    )
    for length in range(len(GOOD[kind])):
        one_sentence(write(tmp_path, GOOD[kind][:length]))


@pytest.mark.parametrize("kind", list(GOOD))
def test_a_flipped_byte_anywhere_is_refused_in_one_sentence_or_changes_only_numbers(tmp_path, kind):
    for position in range(len(GOOD[kind])):
        damaged = bytearray(GOOD[kind])
        damaged[position] ^= 0xFF
        path = write(tmp_path, bytes(damaged))
        try:
            weights = torch_file.read(path)
        except ValueError:
            one_sentence(path)
        else:
            assert all(isinstance(array, np.ndarray) for array in weights.values())


@pytest.mark.parametrize("packing", ["ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
def test_a_flipped_byte_anywhere_in_a_packed_zip_is_refused_or_harmless(tmp_path, packing):
    numbers = np.zeros(6, np.float32)
    saved = made.ordered({"w": made.tensor(numbers, legacy=False)})
    # Room for what is packed to come out larger than the file, which is refused by itself.
    data = made.zip_file(saved, {"0": numbers}, compression=getattr(zipfile, packing)) + bytes(999)
    np.testing.assert_array_equal(torch_file.read(write(tmp_path, data))["w"], numbers)
    for position in range(len(data) - 999):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        path = write(tmp_path, bytes(damaged))
        try:
            torch_file.read(path)
        except ValueError:
            one_sentence(path)


def test_a_flipped_number_in_a_zip_is_caught_by_its_checksum(tmp_path):
    damaged = bytearray(GOOD["zip"])
    damaged[GOOD["zip"].index(ARRAYS["float32"].tobytes()) + 4] ^= 1
    assert "damaged" in one_sentence(write(tmp_path, bytes(damaged)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "no weights file"),
        (b"<!DOCTYPE html><html>not found</html>", "no weights file"),
        (made.zip_file({}, {}).replace(b"data.pkl", b"else.pkl"), "without PyTorch weights"),
        (made.zip_file({}, {}), "no state dict"),
        (made.zip_file([1, 2], {}), "no state dict"),
        (made.zip_file({"epoch": 1}, {}), "'epoch' is no tensor"),
        (made.zip_file({3: 1}, {}), "3 is no tensor"),
        (made.legacy_file({}, {}, little_endian=False), "big-endian"),
    ],
)
def test_what_is_no_weights_file_is_named_as_such(tmp_path, data, reason):
    assert reason in one_sentence(write(tmp_path, data))


def test_a_missing_file_and_a_folder_are_refused_in_one_sentence(tmp_path):
    assert "No such file" in one_sentence(tmp_path / "nothing.pth")
    assert "directory" in one_sentence(tmp_path)


@KINDS
@pytest.mark.parametrize(
    "lie",
    [
        {"shape": (2, 4), "strides": (4, 1)},
        {"shape": (2, 3), "strides": (2**40, 1)},
        {"offset": 1},
        {"offset": 2**62},
        {"shape": (7,), "strides": (0,)},
    ],
)
def test_a_tensor_that_reaches_outside_its_storage_is_refused(tmp_path, kind, lie):
    array = ARRAYS["float32"]
    saved = {"w": made.tensor(array, legacy=kind == "legacy", **lie)}
    assert "outside its storage" in one_sentence(
        write(tmp_path, container(kind, saved, {"0": array}))
    )


IMPOSSIBLE = [
    (2**40, 2**40),
    (2**24, 2**24, 2),
    (0, 2**62),
    (0, 2**70),
    (1,) * 40,
    (2**31 - 1,) * 20_000,
    (0,) * 100_000,
]


@KINDS
@pytest.mark.parametrize("shape", IMPOSSIBLE, ids=lambda shape: f"{len(shape)} sides")
def test_a_shape_that_no_array_can_have_is_refused_before_it_is_multiplied(tmp_path, kind, shape):
    lie = {"shape": shape, "strides": (0,) * len(shape)}
    array = ARRAYS["float32"]
    saved = {"w": made.tensor(array, legacy=kind == "legacy", **lie)}
    data = container(kind, saved, {"0": array})
    assert "a shape that no array can have" in one_sentence(write(tmp_path, data))
    entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, 24]}
    data = made.safetensors_file({"w": entry}, array.tobytes())
    assert "a shape that no array can have" in one_sentence(write(tmp_path, data))


@KINDS
@pytest.mark.parametrize("stride", [2**60, 2**70])
def test_a_stride_that_no_machine_can_count_is_refused(tmp_path, kind, stride):
    lie = {"shape": (1, 3), "strides": (stride, 1)}
    saved = {"w": made.tensor(ARRAYS["float32"], legacy=kind == "legacy", **lie)}
    assert "damaged" in one_sentence(
        write(tmp_path, container(kind, saved, {"0": ARRAYS["float32"]}))
    )


@pytest.mark.parametrize("count", [5, 7, 2**40])
def test_a_storage_of_another_size_than_its_tensors_say_is_refused(tmp_path, count):
    array = ARRAYS["float32"]
    for kind in ("zip", "legacy"):
        saved = {"w": made.tensor(array, legacy=kind == "legacy", count=count)}
        message = one_sentence(write(tmp_path, container(kind, saved, {"0": array})))
        assert "damaged" in message or "truncated" in message


@KINDS
def test_a_missing_storage_is_refused(tmp_path, kind):
    saved = {"w": made.tensor(ARRAYS["float32"], legacy=kind == "legacy")}
    assert "'0' is missing" in one_sentence(write(tmp_path, container(kind, saved, {})))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    zeros = np.zeros(10_000_000, np.float32)
    saved = {"w": made.tensor(zeros, legacy=False)}
    data = made.zip_file(saved, {"0": zeros}, compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    assert "claims to hold more" in one_sentence(write(tmp_path, data))


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 20]},
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [4, 28]},
        {"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [2.0, 3], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": 6, "data_offsets": [0, 24]},
        {"dtype": "F8_E4M3", "shape": [24], "data_offsets": [0, 24]},
        {"dtype": ["F32"], "shape": [6], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [6], "data_offsets": [0]},
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 24]},
        {"shape": [6], "data_offsets": [0, 24]},
        "F32",
        None,
    ],
)
def test_a_safetensors_header_that_lies_is_refused(tmp_path, entry):
    one_sentence(write(tmp_path, made.safetensors_file({"w": entry}, ARRAYS["float32"].tobytes())))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2) + b"{x",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 40) + b'{"__metadata__": {"format": "pt"}}      ',
        struct.pack("<Q", 100_000) + b'{"a":' * 20_000,
    ],
)
def test_a_safetensors_header_that_is_broken_is_refused(tmp_path, data):
    one_sentence(write(tmp_path, data))


# --- PyTorch itself, where it is installed ------------------------------------------------------


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("name", list(made.STORAGES))
def test_files_that_torch_writes_are_read_as_torch_reads_them(tmp_path, as_zip, name):
    torch = pytest.importorskip("torch", reason="PyTorch (extra `parity`) is not installed")
    base = torch.arange(24).reshape(2, 3, 4).to(getattr(torch, name))
    saved = {"a": base.permute(2, 0, 1), "b": base[1:, 1:], "c": torch.nn.Parameter(torch.ones(2))}
    path = tmp_path / "torch.pth"
    torch.save({"state_dict": saved, "epoch": 3}, path, _use_new_zipfile_serialization=as_zip)
    weights = torch_file.read(path)
    for key, value in saved.items():
        expected = value.detach().to(torch.float64).numpy()
        np.testing.assert_array_equal(weights[key].astype(np.float64), expected)


@KINDS
def test_torch_reads_the_files_that_these_tests_are_made_of(tmp_path, kind):
    torch = pytest.importorskip("torch", reason="PyTorch (extra `parity`) is not installed")
    loaded = torch.load(write(tmp_path, GOOD[kind]), weights_only=True)
    np.testing.assert_array_equal(loaded["w"].numpy(), ARRAYS["float32"])
