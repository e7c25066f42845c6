"""What of an experiment does not fit together: said before anything is compiled or written."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from xai_jax.core.generator import check_map_names
from xai_jax.core.method import Method, Trainable
from xai_jax.core.preprocess import Preprocess
from xai_jax.experiment import Experiment

MOST_LOOKED_AT = 8  # batches of data that may have no end


def trainable_of(experiment: Experiment) -> Trainable:
    """What to train.

    Raises:
        ValueError: there is nothing to train or nothing to validate with.
    """
    built = experiment.method.build()
    trainable = built.trainable if isinstance(built, Method) else built
    name = type(experiment.method).__module__
    if trainable is None:
        raise ValueError(
            f"{name} learns nothing across images; run xai-jax explain or evaluate.py instead."
        )
    if experiment.validation is not None and trainable.measure is None:
        raise ValueError(f"{name} measures nothing to validate with; set validation=None.")
    if experiment.validation is None and trainable.validated is not None:
        raise ValueError(f"{name} goes by its validations, and there are none; set validation.")
    return trainable


def look(
    trainable: Trainable,
    frozen: Any,
    where: str,
    batches: Iterator[tuple[Any, Any]],
    most: int | None,
) -> None:
    """Lets what is trained look at `most` of the batches to train on; ``None``: to validate with.

    Raises:
        ValueError: nothing can be learned from them, or said by them; names the field.
    """
    if trainable.look is None:
        return
    try:
        seen = itertools.islice((batch for batch, _ in batches), most)
        trainable.look(frozen, seen, most is not None)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def data_of(experiment: Experiment) -> dict[str, Any]:
    """The data of an experiment by its field."""
    judged = experiment.validation
    return {"data": experiment.data} | ({} if judged is None else {"validation.data": judged.data})


def check_pictures(experiment: Experiment) -> None:
    """Refuses to train on pictures of another making than the exported file will ask for.

    Raises:
        ValueError: with the first setting that differs and both its values.
    """
    exported = getattr(experiment.export, "preprocess", None)
    for name, data in data_of(experiment).items():
        resize = getattr(data, "resize", None)
        if resize is None or exported is None or resize == exported:
            continue
        fields = (field.name for field in dataclasses.fields(Preprocess))
        field = next(f for f in fields if getattr(resize, f) != getattr(exported, f))
        raise ValueError(
            f"{name}.resize.{field} is {getattr(resize, field)!r} and export.preprocess.{field} is "
            f"{getattr(exported, field)!r}: the exported network would be shown other pictures "
            "than here; set both to the same."
        )


def check_classes(experiment: Experiment) -> None:
    """Holds the exported file, the network and the explained classifier to the classes of the data.

    What does not know its classes is not asked: data without `class_names`, an export without, a
    method whose settings have no `num_classes` (its file may then name none). It finds the
    pictures, and decodes none.

    Raises:
        ValueError: names are missing, there twice, in another order or of another number; or of the
            data itself.
    """
    num_classes = getattr(experiment.method, "num_classes", None)
    exported = getattr(experiment.export, "class_names", None)
    known = {"export": exported if exported or num_classes is not None else None}
    known |= {
        name: getattr(data, "class_names", None) for name, data in data_of(experiment).items()
    }
    known["explained.classifier"] = _explained(experiment)
    names = {where: tuple(found) for where, found in known.items() if found is not None}
    for where, found in names.items():
        twice = [name for name, times in Counter(found).items() if times > 1]
        if twice:
            raise ValueError(
                f"{where}.class_names has {twice[0]!r} twice; give every class a name of its own."
            )
    first = next(iter(names), "")
    for where, found in names.items():
        difference = _difference(first, names[first], where, found)
        if difference:
            raise ValueError(
                f"{difference}: class k of the one would be called what is class k of the other; "
                "give both the same names in the same order."
            )
    if names and num_classes is not None and num_classes != len(names[first]):
        raise ValueError(
            f"The network of method has {num_classes} classes and {first}.class_names "
            f"{len(names[first])} names; make the two agree."
        )


def check_regions(experiment: Experiment) -> None:
    """Holds predicted label maps to the regions of the network that learns from them.

    Raises:
        ValueError: a segmenter finds others.
    """
    wanted = getattr(getattr(experiment.method, "network", None), "regions", ())
    for data in data_of(experiment).values():
        found = getattr(data, "region_names", ()) if wanted else ()
        check_map_names(found, wanted, "method.network.regions are")


def _explained(experiment: Experiment) -> Any:
    """Names of the classes that a method explains; one that learns a new head has its own."""
    if experiment.explained is None or not isinstance(experiment.method.build(), Method):
        return None
    return getattr(experiment.explained.classifier, "class_names", None)


def _difference(first: str, one: tuple[str, ...], second: str, other: tuple[str, ...]) -> str:
    """What differs between two lists of names; empty where nothing does."""
    if len(one) != len(other):
        return f"{first}.class_names has {len(one)} names and {second}.class_names {len(other)}"
    for k, (here, there) in enumerate(zip(one, other, strict=True)):
        if here != there:
            return f"{first}.class_names[{k}] is {here!r} and {second}.class_names[{k}] {there!r}"
    return ""
