"""What people read on a terminal, in which names are data."""


def plain(text: str) -> str:
    """`text` with what cannot be printed written as Python would write it.

    A name may hold line breaks, instructions to the terminal, or bytes that are no UTF-8; it then
    is read, and not obeyed.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
