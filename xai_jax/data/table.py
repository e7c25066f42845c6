"""Tables as people have them: commas, semicolons or tabs, with or without a mark at the start."""

import csv
import io
import re
import unicodedata
from pathlib import Path

from xai_jax.runtime.files import is_regular

INDEX, NAME = "index:", "name:"  # before a word that may be one class's number, another's name
_LONGEST = 2**31 - 1  # characters of a cell; by itself, csv stops at 131,072
_INDEX = ("", "Unnamed: 0")  # what pandas calls the numbers that it writes before each row


def read(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, the header first, each with the number of its line.

    UTF-8 (also with its mark), UTF-16 with its mark, else Windows' Latin-1. Accented letters are
    composed (NFC). Of what the header is separated by, the rows are too; blanks behind a separator
    and around the words of the header are left out, and so is a column of row numbers that pandas
    has written.

    Raises:
        ValueError: it is no table.
        OSError: it cannot be read.
    """
    if not is_regular(path):
        raise ValueError(f"{path} is no regular file; save the table, and name that.")
    text = composed(_text(path.read_bytes()))
    header = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    limit = csv.field_size_limit(_LONGEST)
    try:
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
        )
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as a table: {error}.") from None
    finally:
        csv.field_size_limit(limit)
    if rows and len(rows[0][1]) > 1 and rows[0][1][0] in _INDEX:
        rows = [(number, row[1:]) for number, row in rows]
    return [(number, [cell.strip() for cell in row]) for number, row in rows[:1]] + rows[1:]


def composed(text: str) -> str:
    """The text with its accented letters in one piece (NFC), as most keyboards write them."""
    return unicodedata.normalize("NFC", text)


def lying(folder: Path, name: str) -> Path:
    """The file of a name below a folder, where accented letters may be composed or in pieces."""
    if not name.isascii():
        for form in ("NFC", "NFD"):
            path = folder / unicodedata.normalize(form, name)  # type: ignore[arg-type]
            if path.exists():
                return path
    return folder / name


def whole_number(word: str) -> int | None:
    """What a word says if it is a whole number, also one that pandas writes with ".0"."""
    return int(float(word)) if re.fullmatch(r"-?[0-9]{1,15}(\.0+)?", word) else None


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
