"""Tables as people have them: commas, semicolons or tabs, with or without a mark at the start."""

import csv
import io
import unicodedata
from pathlib import Path

_LONGEST = 2**31 - 1  # characters of a cell; by itself, csv stops at 131,072
_INDEX = ("", "Unnamed: 0")  # what pandas calls the numbers that it writes before each row


def read(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, the header first, each with the number of its line.

    UTF-8 (also with its mark), UTF-16 with its mark, else Windows' Latin-1. Accented letters are
    composed (NFC). Of what the header is separated by, the rows are too. A column of row numbers
    that pandas has written is left out.

    Raises:
        ValueError: it is no table.
        OSError: it cannot be read.
    """
    text = unicodedata.normalize("NFC", _text(path.read_bytes()))
    header = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    limit = csv.field_size_limit(_LONGEST)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as a table: {error}.") from None
    finally:
        csv.field_size_limit(limit)
    if rows and len(rows[0][1]) > 1 and rows[0][1][0] in _INDEX:
        rows = [(number, row[1:]) for number, row in rows]
    return rows


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
