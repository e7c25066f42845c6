"""Tables that people open in a spreadsheet, in which names are data."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet computes begins with these


def cell(value: object) -> object:
    """`value` as a cell of a CSV file: text that a spreadsheet would run gets an apostrophe before.

    A spreadsheet takes the apostrophe for the mark of text; other programs strip it. Numbers stay
    as they are, written out or not.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
