"""Which class is explained, out of the words of the command line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xai_jax.core.settings import nearest
from xai_jax.core.targets import ChooseTarget, predicted, runner_up
from xai_jax.data import table

_WORDS: dict[str, ChooseTarget] = {
    "predicted": predicted,
    "runner-up": runner_up,
}
TRUTH = "truth"


def resolved(
    word: str, labels: Path | None, class_names: Sequence[str], pictures: Sequence[str]
) -> tuple[str | int, int | dict[str, int] | ChooseTarget]:
    """What the manifest says of the target, and the target itself.

    Args:
        word: "predicted", "runner-up", "truth", a class index or a class name.
        labels: file for "truth", see `read_labels`.
        class_names: by index; empty where they are not known.
        pictures: ids.

    Raises:
        ValueError: no such class, or no label for a picture.
    """
    if word in _WORDS:
        return word, _WORDS[word]
    if word == TRUTH:
        if labels is None:
            raise ValueError("--target truth needs --labels FILE, a CSV of file and class.")
        return word, read_labels(labels, class_names, pictures)
    index = class_index(word, class_names)
    return index, index


def of_each(
    target: int | dict[str, int] | ChooseTarget, pictures: Sequence[str]
) -> np.ndarray | ChooseTarget:
    """The target of each picture, ``[n]``, or how to choose it."""
    if callable(target):
        return target
    classes = [target if isinstance(target, int) else target[picture] for picture in pictures]
    return np.array(classes, np.int64).clip(-1, 2**31 - 1).astype(np.int32)


def class_index(word: str, class_names: Sequence[str]) -> int:
    """The index of a class given by its index, or by its name or one of its synonyms.

    "index:3" and "name:3" say which of the two a number is, where names are numbers.

    Raises:
        ValueError: there is no such class (says which is near), or there are several.
    """
    plain = word.removeprefix(table.NAME).removeprefix(table.INDEX)
    index = table.whole_number(plain)
    found = [i for i, name in enumerate(class_names) if _plain(plain) in _synonyms(name)]
    if index is not None and word.startswith(table.INDEX):
        return index
    if index is not None and not word.startswith(table.NAME):
        if found and found != [index]:
            raise ValueError(
                f"{word!r} is the index of one class and the name of another, class {found[0]}; "
                f"write {table.INDEX}{word} or {table.NAME}{word}."
            )
        return index
    if len(found) > 1:
        raise ValueError(
            f"{word!r} is the name of classes {' and '.join(map(str, found))}; give the index."
        )
    if not found:
        names = [synonym for name in class_names for synonym in _synonyms(name)]
        hint = (
            nearest(_plain(word), names) if names else "its classes have no names; give an index."
        )
        raise ValueError(f"The classifier has no class {word!r}; {hint}")
    return found[0]


def read_labels(path: Path, class_names: Sequence[str], pictures: Sequence[str]) -> dict[str, int]:
    """The true class of each picture, from a CSV with a header line.

    Its first column names the file, by the picture's id or without the folders; the second the
    class, by index or name. Further columns are not read. See `data.table.read` for its kinds.

    Raises:
        ValueError: the file cannot be read, or lacks a picture, or gives one several classes.
    """
    try:
        lines = table.read(path)[1:]
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    known: dict[str, dict[str, None]] = {}  # the words for each file, in order
    for number, line in lines:
        if len(line) < 2 or not line[1].strip():
            raise ValueError(f"Line {number} of {path} has no class; write one in its second cell.")
        known.setdefault(line[0], {})[line[1]] = None
    labels = {}
    for picture in pictures:
        composed = table.composed(picture)
        name = composed if composed in known else composed.rsplit("/", 1)[-1]
        if name not in known:
            raise ValueError(
                f"{path} has no line for {picture}; add one, or leave the picture out."
            )
        classes = {class_index(word, class_names): word for word in known[name]}
        if len(classes) > 1:
            words = " and ".join(map(repr, classes.values()))
            raise ValueError(f"{path} gives {name} the classes {words}; leave one line of these.")
        (labels[picture],) = classes
    return labels


def _synonyms(name: str) -> list[str]:
    """Both names of "tabby, tabby cat", and the whole."""
    parts = [name, *name.split(",")] if "," in name else [name]
    return [_plain(part) for part in parts]


def _plain(name: str) -> str:
    return " ".join(table.composed(name).lower().replace("_", " ").split())
