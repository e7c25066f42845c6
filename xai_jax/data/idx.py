"""Arrays in the files that MNIST comes in."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

IMAGES, LABELS = 2051, 2049  # the numbers that the two kinds of file begin with


def read(path: Path, kind: int) -> np.ndarray:
    """The array in a file of the IDX format: kind, sides as big-endian numbers, then bytes.

    Args:
        path: of the file, compressed with gzip.
        kind: `IMAGES`, ``[n h w]``, or `LABELS`, ``[n]``; both uint8.

    Raises:
        ValueError: it is of another kind, or cut off.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        (found,), sides = struct.unpack_from(">I", content), kind & 255
        shape = struct.unpack_from(f">{sides}I", content, 4)
        numbers = np.frombuffer(content, np.uint8, offset=4 + 4 * sides).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error):
        found = 0
    if found != kind:
        raise ValueError(f"{path} is no file of MNIST, or is cut off; fetch it again.")
    return numbers
