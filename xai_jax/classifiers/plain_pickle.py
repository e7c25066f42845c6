"""Reads the pickles inside weights files as data: containers, numbers and descriptions of tensors.

Python's own unpickler calls whatever the pickle names. This one calls nothing of the kind:
`pickletools.genops` splits the bytes into instructions, and the tables below say what each does to
a stack of plain values. A name (GLOBAL) is looked up among the few that weights need, and among
those of plain containers that trainings keep beside them: these become `INERT`, which holds
nothing. All others are refused before anything else is read.
"""

import dataclasses
import io
import pickletools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np


class Refused(Exception):
    """Why a file is not read: the end of a sentence that begins with the file's name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Storage:
    """A block of numbers elsewhere in the file: their type, its name there, their claimed count."""

    dtype: np.dtype
    key: str
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Inert:
    """What stands for an object that no weight is: whatever is done to it, it stays as it is."""


INERT = _Inert()

DTYPES: dict[str, np.dtype] = {
    name: np.dtype(dtype)
    for name, dtype in {
        "DoubleStorage": np.float64,
        "FloatStorage": np.float32,
        "HalfStorage": np.float16,
        "BFloat16Storage": jnp.bfloat16,
        "LongStorage": np.int64,
        "IntStorage": np.int32,
        "ShortStorage": np.int16,
        "CharStorage": np.int8,
        "ByteStorage": np.uint8,
        "BoolStorage": np.bool_,
    }.items()
}


def load(file: io.BytesIO) -> tuple[Any, dict[str, Storage]]:
    """The plain value of the pickle that starts at the file's position, and the storages it names.

    `file` lies in memory, so that a length which the pickle only claims reserves nothing. Its
    position is then behind the pickle.

    Raises:
        Refused: the pickle asks for code, or is damaged.
    """
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(file):
            machine.run(instruction.name, argument)
        return machine.pop(), machine.storages
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise Refused("is damaged, or holds no weights: its pickle makes no sense") from error


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self):
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def run(self, name: str, argument: Any) -> None:
        """One instruction; `argument` is what follows it in the file."""
        if name in _CONSTANTS:
            self.stack.append(argument)
        elif name in _WITH_ARGUMENT:
            _WITH_ARGUMENT[name](self, argument)
        elif name in _BARE:
            _BARE[name](self)
        elif name not in _IGNORED:
            raise Refused(f"would run code or is no weights file (its pickle uses {name})")

    def pop_many(self, count: int) -> list[Any]:
        """The top `count` values, the topmost last; none may be a mark."""
        start = len(self.stack) - count
        items = self.stack[max(start, 0) :]
        if start < 0 or any(item is _MARK for item in items):
            raise IndexError
        del self.stack[start:]
        return items

    def pop(self) -> Any:
        return self.pop_many(1)[0]

    def pop_to_mark(self) -> list[Any]:
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def top(self, kind: type) -> Any:
        if self.stack[-1] is INERT:
            return kind()  # to be filled and forgotten
        if type(self.stack[-1]) is not kind:
            raise TypeError
        return self.stack[-1]

    def memoise(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def extend(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def update(self, items: list[Any]) -> None:
        self.top(dict).update(_pairs(zip(items[::2], items[1::2], strict=True)))

    def name(self, module: Any, name: Any) -> None:
        """Pushes a constructor of the table or a storage type; refuses every other name."""
        if type(module) is not str or type(name) is not str:
            raise TypeError
        if module in ("torch", "torch.cuda") and name in DTYPES:
            self.stack.append(DTYPES[name])
        elif (module, name) in _CONSTRUCTORS:
            self.stack.append(_CONSTRUCTORS[module, name])
        elif (module, name) in _INERT_NAMES:
            self.stack.append(INERT)
        else:
            asked = ascii(f"{module}.{name}"[:80])
            raise Refused(
                f"would run code ({asked}), so nothing of it was loaded; save a state_dict"
            )

    def reduce(self) -> None:
        """Builds a container or tensor of the table; nothing else that looks callable is called."""
        constructor, arguments = self.pop_many(2)
        if constructor is INERT and type(arguments) is tuple:
            self.stack.append(INERT)
            return
        if type(arguments) is not tuple or not any(
            constructor is c for c in _CONSTRUCTORS.values()
        ):
            raise TypeError
        self.stack.append(constructor(*arguments))

    def new(self, count: int) -> None:
        """A class and its arguments: only what stays inert is made so."""
        if self.pop_many(count)[0] is not INERT:
            raise Refused("would run code or is no weights file (its pickle makes objects)")
        self.stack.append(INERT)

    def frozen_set(self) -> None:
        """A set is no weight, whatever is in it."""
        self.pop_to_mark()
        self.stack.append(INERT)

    def build(self) -> None:
        """Torch hangs `_metadata` on a state dict, of no use here; nothing else has a state."""
        self.pop()
        self.top(dict)

    def persistent(self) -> None:
        """``("storage", type, key, device, count)``; a legacy file adds None (in 2017, a view)."""
        kind, dtype, key, _, count, *view = self.pop()
        plain = isinstance(dtype, np.dtype) and type(key) is str and _is_count(count)
        if kind != "storage" or view not in ([], [None]) or not plain:
            raise TypeError
        storage = Storage(dtype, key, count)
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError
        self.stack.append(storage)


_MARK = object()
_IGNORED = ("PROTO", "FRAME", "STOP")
_CONSTANTS = frozenset(
    "INT LONG BININT BININT1 BININT2 LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8".split()
)
_WITH_ARGUMENT: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), lambda m, index: m.memoise(int(index))),
    **dict.fromkeys(
        ("GET", "BINGET", "LONG_BINGET"), lambda m, index: m.stack.append(m.memo[int(index)])
    ),
    "GLOBAL": lambda m, names: m.name(*names.split(" ")),
}
_BARE: dict[str, Callable[[_Machine], Any]] = {
    "NONE": lambda m: m.stack.append(None),
    "NEWTRUE": lambda m: m.stack.append(True),
    "NEWFALSE": lambda m: m.stack.append(False),
    "EMPTY_DICT": lambda m: m.stack.append({}),
    "EMPTY_LIST": lambda m: m.stack.append([]),
    "EMPTY_TUPLE": lambda m: m.stack.append(()),
    "MARK": lambda m: m.stack.append(_MARK),
    "DUP": lambda m: m.stack.append(m.stack[-1]),
    "POP": lambda m: m.stack.pop(),
    "POP_MARK": lambda m: m.pop_to_mark(),
    "TUPLE1": lambda m: m.stack.append(tuple(m.pop_many(1))),
    "TUPLE2": lambda m: m.stack.append(tuple(m.pop_many(2))),
    "TUPLE3": lambda m: m.stack.append(tuple(m.pop_many(3))),
    "TUPLE": lambda m: m.stack.append(tuple(m.pop_to_mark())),
    "APPEND": lambda m: m.extend(m.pop_many(1)),
    "APPENDS": lambda m: m.extend(m.pop_to_mark()),
    "SETITEM": lambda m: m.update(m.pop_many(2)),
    "SETITEMS": lambda m: m.update(m.pop_to_mark()),
    "MEMOIZE": lambda m: m.memoise(len(m.memo)),
    "STACK_GLOBAL": lambda m: m.name(*m.pop_many(2)),
    "REDUCE": lambda m: m.reduce(),
    "BUILD": lambda m: m.build(),
    "BINPERSID": lambda m: m.persistent(),
    "NEWOBJ": lambda m: m.new(2),
    "NEWOBJ_EX": lambda m: m.new(3),
    "EMPTY_SET": lambda m: m.stack.append(INERT),
    "ADDITEMS": lambda m: m.extend(m.pop_to_mark()),
    "FROZENSET": lambda m: m.frozen_set(),
}


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _pairs(items: Any) -> dict:
    """A dict; only names and numbers are keys, as hashing a very deep tuple would crash Python.

    What stands under a number with a point, None or an inert object is no weight, and left out.
    """
    result = {}
    for key, value in items:
        if type(key) in (str, int):
            result[key] = value
        elif key is not None and type(key) not in (bool, float, _Inert):
            raise TypeError
    return result


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *ignored: Any) -> Tensor:
    """The rest, whether it wants a gradient and its hooks, is of no use here."""
    del ignored
    counts = all(map(_is_count, (offset, *shape, *strides)))
    if type(storage) is not Storage or len(shape) != len(strides) or not counts:
        raise TypeError
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *ignored: Any) -> Tensor:
    del ignored
    if type(tensor) is not Tensor:
        raise TypeError
    return tensor


def _ordered_dict(items: Any = ()) -> dict:
    return _pairs(items)


_CONSTRUCTORS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
_BUILTINS = ("set", "frozenset", "dict", "list", "int", "float", "bool", "str", "object", "complex",
             "slice", "range", "bytearray")  # fmt: skip
_INERT_NAMES = frozenset(
    [(module, name) for module in ("builtins", "__builtin__") for name in _BUILTINS]
    + [("collections", name) for name in ("Counter", "defaultdict", "deque")]
    + [(f"numpy.{core}.multiarray", name) for core in ("core", "_core")
       for name in ("scalar", "_reconstruct")]
    + [("numpy", "dtype"), ("numpy", "ndarray"), ("_codecs", "encode")]
    + [("torch", name) for name in (
        "Size", "device", "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16",
        "int8", "uint8", "bool", "Generator")]
    + [("argparse", "Namespace"), ("types", "SimpleNamespace"), ("copyreg", "_reconstructor")]
    + [("copy_reg", "_reconstructor"), ("datetime", "datetime"), ("datetime", "timedelta")]
    + [("pathlib", name) for name in ("Path", "PosixPath", "WindowsPath", "PurePosixPath")]
)  # fmt: skip
