"""What a notebook calls."""

import contextlib
import dataclasses
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh

from xai_jax import arguments, choices
from xai_jax.choices import INFILLS, METHODS
from xai_jax.core import targets
from xai_jax.core.classifier import Classifier
from xai_jax.core.generator import Generator
from xai_jax.core.infill import Infill
from xai_jax.core.method import Builds, Explained, Frozen, Inspector, Method
from xai_jax.core.metric import Metric
from xai_jax.core.precision import single
from xai_jax.core.repeated import repeated
from xai_jax.core.types import PRNGKey
from xai_jax.infills.blur import Blur
from xai_jax.methods import fido
from xai_jax.report.notebook import Pictured
from xai_jax.runs import road, room
from xai_jax.runs.asked import Run
from xai_jax.runs.memory import Counted, Memory, OnBad
from xai_jax.runs.sources import Arrays
from xai_jax.runtime.files import place
from xai_jax.runtime.progress import Progress

_BATCH = 8
Made = TypeVar("Made")
Named = Builds[Made] | type[Builds[Made]] | str | types.ModuleType | None
Seed = PRNGKey | jax.Array | np.integer | int
Target = int | Sequence[int] | np.ndarray | jax.Array | targets.ChooseTarget | None


@single
def explain(
    explained: Classifier | Inspector,
    images: np.ndarray | jax.Array,
    target: Target = None,
    *,
    method: Named[Method] = None,
    infill: Named[Infill] | Infill = None,
    generator: Generator | Builds[Generator] | None = None,
    labels: np.ndarray | None = None,
    regions: np.ndarray | None = None,
    metrics: Sequence[Metric] = (),
    key: Seed = 0,
    batch_size: int | None = None,
    repeats: int = 1,
    mesh: Mesh | None = None,
    on_bad: OnBad = "raise",
    progress: bool = False,
) -> Pictured:
    """Explains what a classifier sees in `images`.

    Args:
        explained: the classifier (see `Classifier.from_callable` and `xai_jax.classifiers`), or
            what `load_trained` returns, which has its method and infill already.
        images: ``[b h w c]`` unit pixels in [0, 1].
        target: the class to explain: one for all, one an image, or a function of ``(logits,
            labels)`` such as `targets.predicted` (the default), `targets.runner_up` or
            `targets.truth`.
        method: settings of a method, or its name, module or class (``"fido"``, ``methods.fido``,
            ``fido.Config``): the published setting then; by default FIDO's.
        infill: what stands in for removed pixels, given in the same ways; by default a blur of 10
            pixels where the short side is 224, and in proportion elsewhere.
        generator: for methods that move the codes of one, `generators.sean.Sean(weights=...)` say.
        labels: ``[b k]`` 0 / 1, the true classes, for `targets.truth`.
        regions: ``[b h w]`` int32, for methods that ask which region a pixel belongs to.
        metrics: what is measured of each explanation, `metrics.fidelity.fidelity()` say; the rows
            of a metric are among the explanation's `numbers`.
        key: a random key or a seed. An image's explanation depends on the key and its own pixels,
            not on the batch that it is in.
        batch_size: images explained in one compiled call; bounds memory. ``None``: 8, and for more
            images on a GPU or TPU as many as have room, by the compiler's own figure (`runs.room`).
        repeats: how often each image is explained, with other noise each time: the answer is the
            mean, with the map ``spread`` where it is above 1 (`core.repeated`).
        mesh: devices to spread each batch over; `runtime.mesh.data_mesh()` is all of them.
        on_bad: what becomes of an image that cannot be explained (the classifier answers NaN, say):
            "raise" a ValueError that names it, or "skip" it with a warning; its rows are then NaN.
        progress: whether to count the pictures on stderr, with the time that is left.

    Returns:
        An `Explanation` of host arrays in the order of `images`; raw, never normalised. A notebook
        draws it by itself, and `show()` elsewhere.

    Raises:
        ValueError: images or targets out of range, or a classifier that answers NaN or the wrong
            shape; one sentence, before anything is compiled where it can be known by then.
    """
    images = arguments.checked_images(images)
    num = len(images)
    inspector = repeated(_inspector(explained, method, infill, generator), repeats)
    if regions is not None:
        regions = arguments.checked_regions(regions, images.shape[:3])
    arguments.check_batch_size(batch_size)
    arguments.check_metrics(metrics)
    source = Arrays(images, labels=labels, regions=regions)
    sink = Memory(source.names, on_bad)
    size = room.padded(inspector, metrics, images.shape, batch_size or _BATCH)
    run = Run(
        inspector=inspector,
        target=_checked_target(target, num),
        key=arguments.checked_key(key),
        batch_size=size,
        image_shape=images.shape[1:],
        mesh=mesh,
        metrics=metrics,
    )
    num_classes = run.check()
    if labels is not None and np.shape(labels) != (num, num_classes):
        raise ValueError(f"labels must be [{num} {num_classes}], not {list(np.shape(labels))}.")
    if batch_size is None and (most := room.for_pictures(run, source)) != size:
        size = room.padded(inspector, metrics, images.shape, most)
        run = dataclasses.replace(run, batch_size=size)
    with Progress() if progress else contextlib.nullcontext() as told:
        road.explain(run, source, sink if told is None else Counted(sink, told))
    found = sink.result()
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return Pictured(images=images, **fields)


@single
def load_trained(
    path: str | Path,
    classifier: Classifier,
    *,
    infill: Named[Infill] | Infill = None,
) -> Inspector:
    """A method that was trained on `classifier`: hand it to `explain` in the classifier's place.

    Args:
        path: the .safetensors file that its training has left, or the folder of that run.
        classifier: the one that it was trained on.
        infill: what stands in for removed pixels in scores, as for `explain`.

    Raises:
        ValueError: the file is damaged, holds something else, or is for other classes; one
            sentence.
        OSError: it cannot be read.
    """
    from xai_jax.runs import trained  # and safetensors: not before they are needed

    return trained.load(place(path), _frozen(classifier, infill), METHODS)


def _inspector(explained: Any, method: Any, infill: Any, generator: Any) -> Inspector:
    """Who explains.

    Raises:
        ValueError: a part is missing, doubled, or of another kind than it must be.
    """
    if isinstance(explained, Inspector):
        if not (method is infill is generator is None):
            raise ValueError(
                "What load_trained returns has its own method and infill; leave both out."
            )
        return explained
    frozen = _frozen(explained, infill, generator)
    method = fido.Config() if method is None else choices.settings("method", method, METHODS)
    if not isinstance(method, Builds):
        raise ValueError(
            f"method is {method!r:.60}, which is no settings of a method; pass a name such as "
            "'fido', or an object such as fido.Config() of xai_jax.methods."
        )
    return Inspector(method=method, frozen=frozen)


def _frozen(classifier: Any, infill: Any, generator: Any = None) -> Frozen:
    """What a method reads; a blur stands in for removed pixels where nobody says what."""
    arguments.check_classifier(classifier)
    infill = Blur() if infill is None else choices.settings("infill", infill, INFILLS)
    return Explained(classifier=classifier, infill=infill, generator=generator).build()


def _checked_target(target: Any, num: int) -> np.ndarray | targets.ChooseTarget:
    if target is None:
        return targets.predicted
    if callable(target):
        return target
    chosen = np.asarray(target)
    if not np.issubdtype(chosen.dtype, np.integer):
        is_text = chosen.dtype.kind == "U"
        of_name = "; the index of a name is class_names.index(name)" if is_text else ""
        raise ValueError(
            f"target must be whole numbers (class indices) or a function such as "
            f"targets.runner_up, not {chosen.dtype}{of_name}."
        )
    if chosen.ndim == 0:
        chosen = np.full(num, chosen)
    if chosen.shape != (num,):
        raise ValueError(
            f"target must be one class or one for each of {num} images, not shape {chosen.shape}."
        )
    if chosen.min() < -1 or chosen.max() >= 2**31:
        raise ValueError(f"target {chosen[np.argmax(np.abs(chosen))]} is no class of a classifier.")
    return chosen.astype(np.int32)
