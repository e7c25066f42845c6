"""A folder's own classes, which ``classes.json`` numbers, and ours, which consist of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xai_jax.core import json_file
from xai_jax.data import table as tables


def named(path: Path) -> dict[str, int]:
    """What ``classes.json`` says: the classes' names, and their numbers in a mask.

    Raises:
        ValueError: it is no such list or object, or names two alike.
        OSError: it cannot be read.
    """
    remedy = "make it a list of the classes' names, in order, or an object of name and number"
    names = json_file.read(path, tuple[str, ...] | dict[str, int], remedy)
    listed = ((name, number) for number, name in enumerate(names))
    pairs = list(names.items() if isinstance(names, dict) else listed)
    numbers = {tables.composed(name): number for name, number in pairs}
    if any(type(number) is not int or number < 0 for number in numbers.values()):
        raise ValueError(f"{path} gives a name what is no number of a class; {remedy}.")
    if len(set(numbers.values())) < len(pairs):
        raise ValueError(f"{path} gives two names one number, or has a name twice; {remedy}.")
    return numbers


def groups(
    root: Path, numbers: Mapping[str, int], classes: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """The folder's own class -> our class, for those that belong to one.

    Args:
        root: the folder, for what is said of it.
        numbers: its own classes.
        classes: ours, each a name and what it consists of.

    Raises:
        ValueError: there are no classes, one is none of the folder's, or is in two of ours.
    """
    if not classes:
        raise ValueError(f"{root} has no classes; name them in labels.csv, or in classes.json.")
    found: dict[str, int] = {}
    for k, (name, members) in enumerate(classes.items()):
        for member in members:
            if member not in numbers:
                raise ValueError(
                    f"{root} has no class {member!r} (wanted for {name!r}); "
                    f"its classes are {', '.join(numbers)}."
                )
            if found.setdefault(member, k) != k:
                raise ValueError(f"{member!r} is in two classes; leave it in one of them.")
    return found
