"""The words of a command line, before its flags are read."""

import itertools
import typing
from collections.abc import Collection, Sequence


def pictures_first(words: Sequence[str]) -> list[str]:
    """The words, with pictures that stand behind a flag's numbers put before all flags.

    Of ``--std 0.2 0.3 0.2 photo.jpg`` a flag of several numbers would take the photograph too.
    """
    kept: list[str] = []
    moved: list[str] = []
    numbers = 0  # of the flag that one is at; -1: it has none, or is behind them
    for place, word in enumerate(words):
        if word == "--":
            kept += words[place:]
            break
        if _is_number(word):
            numbers += numbers >= 0
        elif word.startswith("-"):
            numbers = 0
        elif numbers > 0:
            moved.append(word)
            continue
        else:
            numbers = -1
        kept.append(word)
    first = next((i for i, word in enumerate(kept) if word.startswith("-")), len(kept))
    return [*kept[:first], *moved, *kept[first:]]


def lists(settings: type, prefix: str = "") -> list[str]:
    """The flags of settings that take any number of words."""
    kinds = typing.get_type_hints(settings)
    names = [name for name, kind in kinds.items() if typing.get_args(kind)[1:] == (...,)]
    return [f"--{prefix}{name}".replace("_", "-") for name in names]


def check_lists(words: Sequence[str], flags: Collection[str]) -> None:
    """Refuses a flag of a list behind which nothing stands, since no name would stand for all.

    Args:
        words: of the command line.
        flags: with two dashes, the words within them joined by dashes too.

    Raises:
        ValueError: one is given and names nothing.
    """
    for word, after in itertools.pairwise([*words, "--"]):
        if word == "--":
            return
        is_flag = after.startswith("-") and not _is_number(after)
        if word.replace("_", "-") in flags and is_flag:
            raise ValueError(f"{word} names nothing; name one or more behind it, or leave it out.")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
