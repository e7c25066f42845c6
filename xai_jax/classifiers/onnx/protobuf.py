"""Messages of Protocol Buffers, read without a package: their wire format is data and no more."""

from typing import Any

import numpy as np


class Damaged(Exception):
    """What stands there is no message of this kind."""


class Message:
    """The fields of a Protocol Buffers message, each a list in the order of the file."""

    def __init__(self, content: Any) -> None:
        """Splits `content`, bytes, into its fields.

        Raises:
            Damaged: they are none; IndexError where they are cut off within a number.
        """
        view, self._fields = memoryview(content), {}  # type: ignore[var-annotated]
        at = 0
        value: int | memoryview
        while at < len(view):
            tag, at = _varint(view, at)
            kind, end = tag & 7, at
            if kind == 0:
                value, end = _varint(view, at)
            elif kind == 2:
                size, at = _varint(view, at)
                end = at + size
                value = view[at:end]
            elif kind in (1, 5):
                end = at + (8 if kind == 1 else 4)
                value = view[at:end]
            else:
                raise Damaged(f"a field of kind {kind}")
            if end > len(view):
                raise Damaged("it is cut off")
            self._fields.setdefault(tag >> 3, []).append(value)
            at = end

    def all(self, field: int) -> list[Any]:
        """What stands under the number `field`: integers, or views of bytes."""
        return self._fields.get(field, [])

    def messages(self, field: int) -> "list[Message]":
        """Messages within this one."""
        return [Message(as_bytes(value)) for value in self.all(field)]

    def text(self, field: int) -> str:
        """The last text of that number, or ""."""
        values = self.all(field)
        return bytes(as_bytes(values[-1])).decode() if values else ""

    def texts(self, field: int) -> tuple[str, ...]:
        """All of them."""
        return tuple(bytes(as_bytes(value)).decode() for value in self.all(field))

    def integer(self, field: int) -> int:
        """The last one, or 0."""
        values = self.integers(field)
        return values[-1] if values else 0

    def integers(self, field: int) -> list[int]:
        """Signed 64-bit numbers, packed or one by one."""
        found: list[int] = []
        for value in self.all(field):
            if isinstance(value, int):
                found.append(value)
                continue
            at = 0
            while at < len(value):
                number, at = _varint(value, at)
                found.append(number)
        return [number - (1 << 64) if number >> 63 else number for number in found]

    def packed(self, field: int, kind: str) -> np.ndarray:
        """Numbers of a fixed width, packed or one by one."""
        return np.frombuffer(b"".join(as_bytes(value) for value in self.all(field)), kind)


def as_bytes(value: Any) -> memoryview:
    """A field's value that is no number.

    Raises:
        Damaged: it is one.
    """
    if isinstance(value, int):
        raise Damaged("a number where a text belongs")
    return value


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = view[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value & (1 << 64) - 1, at
        if shift > 63:
            raise Damaged("a number of more than 64 bits")
