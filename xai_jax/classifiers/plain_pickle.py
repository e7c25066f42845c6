"""Reads the pickles inside weights files as data: a stack machine that builds containers and describes tensors.

Python's own unpickler calls whatever the pickle names. This one calls nothing: `pickletools.genops` splits the
bytes into instructions, and the table below says what each does to a stack of plain values. A name (GLOBAL) is a
piece of data; REDUCE looks it up among the six constructors that weights need and refuses all others.
"""

import collections
import dataclasses
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO


class Refused(Exception):
    """Why a file is not read: the end of a sentence that begins with the file's name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle asks for; never imported."""

    module: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Storage:
    """A block of numbers that lies elsewhere in the file.

    Fields:
        type_name: torch's name of it, such as "FloatStorage".
        key: names the block within the file.
        count: how many numbers it holds, as the pickle claims.
    """

    type_name: str
    key: str
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage; offset and strides in numbers, not in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()
_CODE = "INST OBJ NEWOBJ NEWOBJ_EX EXT1 EXT2 EXT4 PERSID NEXT_BUFFER READONLY_BUFFER".split()
_CONSTANTS = (
    "INT LONG BININT BININT1 BININT2 LONG1 LONG4 FLOAT BINFLOAT "
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8"
).split()
_WORDS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def load(file: BinaryIO) -> Any:
    """The plain value of the one pickle that starts at the file's position, and ends where it stops.

    `file` must lie in memory (`io.BytesIO`), so that a length which the pickle only claims reserves nothing.

    Raises:
        Refused: the pickle asks for code, or is damaged.
    """
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(file):
            machine.run(instruction.name, argument)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise Refused("is damaged or is no weights file: its pickle cannot be read") from error
    return machine.result


class _Machine:
    """The stack, the memo and the marks of one pickle."""

    def __init__(self):
        self.result: Any = None
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        """One instruction; `argument` is what follows it in the file."""
        if name in _CONSTANTS:
            self._stack.append(argument)
        elif name in _WORDS:
            self._stack.append(_WORDS[name])
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self._stack.append(tuple(self._pop_many(_TUPLES[name])))
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name in _CODE:
            raise Refused(f"would run code ({name}) and was not opened")
        else:
            raise Refused(f"is no weights file: its pickle uses {name}")

    def _pop_many(self, count: int) -> list[Any]:
        if count > len(self._stack):
            raise IndexError
        items = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        if _MARK in items:
            raise IndexError
        return items

    def _pop(self) -> Any:
        return self._pop_many(1)[0]

    def _pop_to_mark(self) -> list[Any]:
        items = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        if type(top) is not kind:
            raise TypeError
        return top

    def proto(self, version: int) -> None:
        del version

    def stop(self, argument: None) -> None:
        del argument
        self.result = self._pop()

    def mark(self, argument: None) -> None:
        del argument
        self._stack.append(_MARK)

    def pop(self, argument: None) -> None:
        del argument
        self._stack.pop()

    def pop_mark(self, argument: None) -> None:
        del argument
        self._pop_to_mark()

    def dup(self, argument: None) -> None:
        del argument
        self._stack.append(self._stack[-1])

    def put(self, index: int | str) -> None:
        self._memo[int(index)] = self._stack[-1]

    def memoize(self, argument: None) -> None:
        del argument
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, index: int | str) -> None:
        self._stack.append(self._memo[int(index)])

    def tuple(self, argument: None) -> None:
        del argument
        self._stack.append(tuple(self._pop_to_mark()))

    def append(self, argument: None) -> None:
        del argument
        item = self._pop()
        self._top(list).append(item)

    def appends(self, argument: None) -> None:
        del argument
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def set_item(self, argument: None) -> None:
        del argument
        self._fill(self._pop_many(2))

    def set_items(self, argument: None) -> None:
        del argument
        self._fill(self._pop_to_mark())

    def _fill(self, items: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, int):  # hashing a deep tuple overflows the C stack
                raise TypeError
            target[key] = value

    def named(self, names: str) -> None:
        module, name = names.split(" ")
        self._stack.append(_known(Global(module, name)))

    def stack_named(self, argument: None) -> None:
        del argument
        self._stack.append(_known(Global(*self._pop_many(2))))

    def reduce(self, argument: None) -> None:
        del argument
        constructor, arguments = self._pop_many(2)
        if type(constructor) is not Global or type(arguments) is not tuple:
            raise TypeError
        if constructor not in _CONSTRUCTORS:
            raise _code(constructor)
        self._stack.append(_CONSTRUCTORS[constructor](*arguments))

    def build(self, argument: None) -> None:
        """Torch hangs `_metadata` on a state dict, which nobody needs; nothing else has a state."""
        del argument
        self._pop()
        self._top(dict)

    def persistent(self, argument: None) -> None:
        """``("storage", type, key, device, count)``, and for the legacy format a view, which is None."""
        del argument
        kind, type_name, key, _, count, *view = self._pop()
        if kind != "storage" or view not in ([], [None]):
            raise Refused(f"holds a persistent object '{kind}' that is no plain storage")
        if type(type_name) is not Global or type(key) is not str or not _is_count(count):
            raise TypeError
        self._stack.append(Storage(type_name.name, key, count))


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.proto,
    "FRAME": _Machine.proto,
    "STOP": _Machine.stop,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.dup,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": _Machine.tuple,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.named,
    "STACK_GLOBAL": _Machine.stack_named,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *ignored: Any) -> Tensor:
    """What remains, whether it asks for a gradient and its hooks, is of no use here."""
    del ignored
    numbers = (offset, *shape, *strides)
    if type(storage) is not Storage or len(shape) != len(strides) or not all(map(_is_count, numbers)):
        raise TypeError
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *ignored: Any) -> Tensor:
    del ignored
    if type(tensor) is not Tensor:
        raise TypeError
    return tensor


def _ordered_dict(items: Any = ()) -> dict:
    return dict.fromkeys(()) if not items else {_key(k): v for k, v in items}
