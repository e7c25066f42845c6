"""TensorFlow's checkpoints: a file written by hand after the format's description, and damage."""

import numpy as np
import pytest

from xai_jax.runtime import tensor_bundle

VARIABLES = {
    "net/conv1/bias": np.arange(3, dtype=np.float32),
    "net/conv1/kernel": np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3) / 7,
    "net/conv2/kernel": np.linspace(-1, 1, 300).reshape(3, 100),
    "step": np.array(7, np.int64),
}
NUMBERS = {"float32": 1, "float64": 2, "int64": 9}


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value % 128 + 128])
        value //= 128
    return found + bytes([value])


def entry(array, offset: int) -> bytes:
    sides = b"".join(
        b"\x12" + varint(len(side)) + side
        for side in (b"\x08" + varint(n) if n else b"" for n in array.shape)
    )
    return (
        b"\x08" + varint(NUMBERS[array.dtype.name])
        + b"\x12" + varint(len(sides)) + sides
        + (b"\x20" + varint(offset) if offset else b"")  # 0 is left out, as the format has it
        + b"\x28" + varint(array.nbytes)
        + b"\x35" + b"\1\2\3\4"
    )  # fmt: skip


def block(entries) -> bytes:
    content, before = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value))
        content += key[shared:] + value
        before = key
    return content + bytes(4) + (1).to_bytes(4, "little")


def write(folder, variables=None):
    """``snap-0.index`` and its data; the entries in two blocks."""
    data, entries = b"", [(b"", b"\x08\x01")]
    for name, array in sorted((variables or VARIABLES).items()):
        entries.append((name.encode(), entry(array, len(data))))
        data += array.tobytes()
    half = len(entries) // 2
    table, handles = b"", []
    for part in (entries[:half], entries[half:]):
        content = block(part)
        handles.append((part[-1][0] + b"~", varint(len(table)) + varint(len(content))))
        table += content + bytes(5)  # not compressed; a checksum
    of_blocks = block(handles)
    footer = varint(0) + varint(0) + varint(len(table)) + varint(len(of_blocks))
    table += of_blocks + bytes(5) + footer.ljust(40, b"\0")
    path = folder / "snap-0.index"
    path.write_bytes(table + (0xDB4775248B80FB57).to_bytes(8, "little"))
    (folder / "snap-0.data-00000-of-00001").write_bytes(data)
    return path


def test_variables_come_back_by_their_names(tmp_path):
    found = tensor_bundle.read(write(tmp_path))
    assert found.keys() == VARIABLES.keys()
    for name, array in VARIABLES.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_any_damage_is_said_in_a_sentence_or_reads_as_something(tmp_path):
    """Every byte of the index, turned: no other error than the sentence."""
    path = write(tmp_path)
    whole = path.read_bytes()
    refused = 0
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        try:
            tensor_bundle.read(path)
        except ValueError as error:
            assert str(tmp_path) in str(error) and str(error).count(".\n") == 0
            refused += 1
    assert refused > len(whole) // 4


def test_a_file_cut_short_and_a_missing_one_are_refused(tmp_path):
    path = write(tmp_path)
    data = path.with_suffix(".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-8])
    with pytest.raises(ValueError, match="'step' has other bytes than its shape"):
        tensor_bundle.read(path)
    data.unlink()
    with pytest.raises(ValueError, match="cannot be read.*side by side"):
        tensor_bundle.read(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is no checkpoint of TensorFlow"):
        tensor_bundle.read(path)
