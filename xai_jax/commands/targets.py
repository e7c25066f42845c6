"""Which class is explained, out of the words of the command line."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xai_jax.core.settings import nearest
from xai_jax.core.targets import ChooseTarget, predicted, runner_up

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

    Raises:
        ValueError: there is no such class (says which is near), or there are several.
    """
    if re.fullmatch(r"-?[0-9]{1,18}", word):
        return int(word)
    found = [i for i, name in enumerate(class_names) if _plain(word) in _synonyms(name)]
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
    class, by index or name. Further columns are not read.

    Raises:
        ValueError: the file cannot be read, or lacks a picture, or gives one several classes.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line[:2] for line in csv.reader(file) if len(line) >= 2][1:]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a table of file and class: {error}.") from None
    known: dict[str, dict[str, None]] = {}  # the words for each file, in order
    for name, word in lines:
        known.setdefault(name, {})[word] = None
    labels = {}
    for picture in pictures:
        name = picture if picture in known else picture.rsplit("/", 1)[-1]
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
    return " ".join(name.lower().replace("_", " ").split())
