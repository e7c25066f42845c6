"""What all contestants share: the pictures and what is known of them, the devices, the key."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from xai_jax.core.content import as_json
from xai_jax.core.errors import BadPicture
from xai_jax.core.generator import check_map_names, map_names, numbered
from xai_jax.core.method import Frozen
from xai_jax.core.rng import image_ids
from xai_jax.core.types import Batch, PyTree
from xai_jax.data.example import Example, digest, picture_digest, truth_digest
from xai_jax.runtime import mesh
from xai_jax.runtime.ahead import map_ahead

_THREADS = 4  # that read pictures
_READING = ("resize", "masks", "void_is_object")  # settings of a Pipeline that change what is read

Arrays = dict[str, np.ndarray]


@runtime_checkable
class Data(Protocol):
    """Pictures by number, with what people know of each: a `data.pipeline.Pipeline` is one."""

    @property
    def names(self) -> Sequence[str]:
        """What people call each picture, no two alike."""
        ...

    @property
    def class_names(self) -> Sequence[str]:
        """One a class, in the order of the labels; empty where they are not known."""
        ...

    @property
    def examples(self) -> Any:
        """The rows undecoded: ``examples[row]`` is a `data.example.Example`."""
        ...

    def __len__(self) -> int:
        """Number of pictures."""
        ...

    def example(self, row: int) -> Arrays:
        """One picture: ``images`` ``[h w c]``, ``labels`` ``[k]``, ``masks``, ``counted``."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a picture before it is decoded.

    Fields:
        name: of the picture.
        labels: ``[k]``, 1 for each true class.
        picture: digest of its content; "" where it cannot be read.
        truth: digest of labels, mask and how masks are read; "" where it cannot be read.
    """

    name: str
    labels: np.ndarray
    picture: str
    truth: str


class Stage:
    """One evaluation on its devices; what could be wrong with its data has been checked."""

    def __init__(
        self,
        frozen: Frozen,
        data: Data,
        *,
        batch_size: int,
        classes: Sequence[int],
        seed: int,
        devices: Sequence[jax.Device] | None,
        absent: bool = False,
    ) -> None:
        """Looks at every picture, and decodes one.

        Args:
            frozen: the classifier that is explained, and an infill.
            data: the pictures.
            batch_size: rows of a batch.
            classes: that are compared.
            seed: of all randomness.
            devices: by default all.
            absent: pictures without a class are shown too.

        Raises:
            ValueError: the data does not fit the classifier, or cannot be scored against.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
        self.frozen, self.data, self.batch_size = frozen, data, batch_size
        self.classes, self.seed = tuple(classes), seed
        self.mesh = mesh.data_mesh(jax.local_devices() if devices is None else devices)
        self._prints: dict[int, tuple[PyTree, str]] = {}
        if not len(data):
            raise ValueError("The data has no pictures; choose another split.")
        check = getattr(data, "check", None)  # a Pipeline's
        if check is not None:
            check()
        check_map_names(getattr(data, "region_names", ()), map_names(frozen.generator))
        self._plain, self._placed = without_masks(data), (frozen, self.placed(frozen))
        self.first = self._first()
        self.image_shape = self.first["images"].shape
        self.num_classes = _checked(frozen, self.first, self)
        self.known = _known(data)
        self.shown = tuple(
            i for i, known in enumerate(self.known) if absent or (known.labels > 0).any()
        )
        if not self.shown:
            raise ValueError("No picture of the data shows a class; choose another split.")

    def _first(self) -> Arrays:
        """Of the first picture that can be read."""
        for row in range(len(self.data)):
            try:
                return self.data.example(row)
            except BadPicture as error:
                reason = f"{self.data.names[row]}: {error}"
        raise ValueError(f"No picture of the data can be read. {reason}")

    @property
    def key(self) -> jax.Array:
        """Of all explanations; `runs.batch` says how the methods' and the metrics' come of it."""
        return jax.random.key(self.seed)

    @property
    def size(self) -> int:
        """Rows of what is compiled: the batch, filled up for the devices."""
        return -(-self.batch_size // self.mesh.size) * self.mesh.size

    @property
    def device(self) -> str:
        """What computes, in words."""
        row = self.mesh.devices.flat
        return f"{len(row)} x {row[0].device_kind}"

    def placed(self, tree: PyTree) -> PyTree:
        """A copy on every device."""
        return mesh.place_replicated(self.mesh, tree)

    def placed_frozen(self, frozen: Frozen) -> Frozen:
        """The same of a `Frozen`; that of the last one asked for is kept."""
        if self._placed[0] is not frozen:
            self._placed = (frozen, self.placed(frozen))
        return self._placed[1]

    def fingerprint(self, tree: PyTree) -> str:
        """`fingerprint`, of one and the same tree once."""
        if id(tree) not in self._prints:
            self._prints[id(tree)] = (tree, fingerprint(tree))  # kept, that its id stays its own
        return self._prints[id(tree)][1]

    def split(self, tree: PyTree) -> PyTree:
        """Rows shared by the devices."""
        return mesh.place_split(self.mesh, tree)

    def read(
        self, rows: Sequence[int], *, masks: bool = True
    ) -> Iterator[dict[int, Arrays | BadPicture]]:
        """Those pictures, batch by batch, read at most one batch ahead."""
        data, generator = self.data if masks else self._plain, self.frozen.generator

        def read(row: int) -> Arrays | BadPicture:
            try:
                return numbered(generator, data.example(row))
            except BadPicture as reason:
                return reason

        size = self.batch_size
        stream = map_ahead(read, rows, threads=_THREADS, ahead=size + _THREADS)
        for start in range(0, len(rows), size):
            yield {row: next(stream) for row in rows[start : start + size]}

    def batch(self, pictures: Sequence[Arrays]) -> Batch:
        """A Batch of `size` rows on the host, filled up with copies of weight 0."""
        fill = self.size - len(pictures)
        rows = [*range(len(pictures)), *[0] * fill]
        names = [name for name in pictures[0] if name not in {"target", "image_id"}]
        stacked = {name: np.stack([arrays[name] for arrays in pictures])[rows] for name in names}
        counted = stacked.pop("counted", None)
        if counted is not None and (counted == 1).all():
            counted = None  # nothing is weighed with ones
        return Batch(
            target=stacked["labels"].argmax(axis=1).astype(np.int32),
            image_id=image_ids(stacked["images"]),
            weight=(np.arange(self.size) < len(pictures)).astype(np.float32),
            counted=counted,
            **stacked,
        )


def fingerprint(tree: PyTree) -> str:
    """SHA-256 of arrays, their shapes and places: other weights, another fingerprint."""
    found = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.ascontiguousarray(leaf)
        found.update(f"{path} {array.shape} {array.dtype}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def without_masks(data: Data) -> Data:
    """The same pictures, of which no mask is decoded: what is wrong with one explains nothing."""
    if not dataclasses.is_dataclass(data) or not hasattr(data, "void_is_object"):
        return data
    changes: dict[str, Any] = {"source": data.examples, "masks": "none", "void_is_object": False}
    return dataclasses.replace(data, **changes)  # type: ignore[type-var]


def _known(data: Data) -> tuple[Known, ...]:
    reading = {name: getattr(data, name) for name in _READING if hasattr(data, name)}
    form = str(as_json(reading))
    names, examples = data.names, data.examples
    labeller = getattr(data, "labeller", None)
    void = getattr(data, "void_region", None)
    maps, given = getattr(labeller, "sha256", ""), getattr(data, "regions", False)

    def one(row: int) -> Known:
        example = examples[row]
        truth = _digest(truth_digest, example)
        seen = _digest(picture_digest, example)
        of_maps = truth if given else maps  # what is explained depends on them, too
        if of_maps and void is not None:
            of_maps = f"{of_maps} {void}"
        if of_maps or given:
            seen = seen and of_maps and digest(f"{seen} {of_maps}".encode())
        return Known(
            name=names[row],
            labels=np.asarray(example.labels),
            picture=seen,
            truth=truth and digest(f"{truth} {form}".encode()),
        )

    with ThreadPoolExecutor(_THREADS) as pool:
        return tuple(pool.map(one, range(len(data))))


def _digest(of: Callable[[Example], str], example: Example) -> str:
    try:
        return of(example)
    except OSError:
        return ""


def _checked(frozen: Frozen, arrays: Arrays, stage: Stage) -> int:
    """The number of classes of data that can be scored.

    Raises:
        ValueError: with what is missing or does not fit.
    """
    if "labels" not in arrays:
        raise ValueError("The data has no labels to score against; choose data that knows them.")
    num_classes = len(arrays["labels"])
    found = frozen.classifier.num_classes(arrays["images"].shape, stage.size)
    if found != num_classes:
        raise ValueError(
            f"The classifier has {found} classes and the data {num_classes}; choose the data that "
            "the classifier was trained for."
        )
    sides, masks = arrays["images"].shape[:2], arrays.get("masks")
    if masks is not None and masks.shape not in ((*sides, 1), (*sides, num_classes)):
        raise ValueError(
            f"The masks have the shape {[stage.batch_size, *masks.shape]}, which are no shares of "
            "pixels; set masks='soft' or masks='union'."
        )
    _check_classes(stage.classes, num_classes, None if masks is None else masks.shape[2])
    return num_classes


def _check_classes(classes: Sequence[int], num_classes: int, channels: int | None) -> None:
    if not classes:
        return
    is_known = all(0 <= k < num_classes for k in classes)
    if len(set(classes)) < max(2, len(classes)) or not is_known:
        raise ValueError(
            f"classes is {list(classes)}; name two or more different ones of 0 to "
            f"{num_classes - 1}, or none."
        )
    if channels not in (None, num_classes):
        raise ValueError(
            "Class specificity needs the true mask of each class; set masks='soft' or classes=()."
        )
