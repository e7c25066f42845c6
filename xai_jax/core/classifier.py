"""The frozen image classifier: (function, parameters, preprocessing) as one pytree."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from xai_jax.core.precision import Precision, computed, precision_of
from xai_jax.core.targets import Head, as_head, log_odds
from xai_jax.core.types import AnyArray, Classes, Images, Logits, PerExample, PyTree

_LARGEST_MEAN = 2.0  # of unit pixels; that of pixels up to 255 is larger


@struct.dataclass
class Classifier:
    """Maps unit pixels to logits; always an argument of compiled code, never a closure.

    Fields:
        params: whatever `apply_fn` reads.
        mean, std: ``[c]``, in unit pixels: the network eats ``(images - mean) / std``.
        apply_fn: ``(params, normalised [b h w c]) -> logits [b k]``; a module-level function (or a
            frozen dataclass with ``__call__``), because a new function compiles anew.
        head: how logits become probabilities.
        features_fn, head_fn: `apply_fn` in two halves, ``head_fn(params, features_fn(params,
            normalised))``, split at the activations ``[b h' w' c']`` that Grad-CAM reads; ``None``
            where not known.
        training: a `core.classifier_training.Training`, what a training step does otherwise;
            ``None`` where not known.
    """

    params: PyTree
    mean: Any
    std: Any
    apply_fn: Callable = struct.field(pytree_node=False)
    head: Head = struct.field(pytree_node=False, default=Head.SOFTMAX)
    features_fn: Callable | None = struct.field(pytree_node=False, default=None)
    head_fn: Callable | None = struct.field(pytree_node=False, default=None)
    training: Any = struct.field(pytree_node=False, default=None)

    def __post_init__(self) -> None:
        """Makes a `Head` of its name, so that no other word passes for one."""
        if not isinstance(self.head, Head):  # not at each `tree_unflatten`
            object.__setattr__(self, "head", as_head(self.head, "Classifier: head"))

    @classmethod
    def from_callable(
        cls,
        fn: Callable,
        params: PyTree = None,
        *,
        mean: float | tuple[float, ...] = 0.0,
        std: float | tuple[float, ...] = 1.0,
        head: Head | str = Head.SOFTMAX,
    ) -> "Classifier":
        """Any ``fn(params, normalised [b h w c]) -> logits [b k]``.

        The default mean and std hand it unit pixels as they are. Weights belong in `params`:
        weights that `fn` closes over are copied into every compiled program.

        Raises:
            ValueError: mean or std is not of unit pixels.
        """
        check_of_unit_pixels(mean, std)
        as_array = lambda x: jnp.atleast_1d(jnp.asarray(x, jnp.float32))  # noqa: E731
        return cls(
            params=params,
            mean=as_array(mean),
            std=as_array(std),
            apply_fn=fn,
            head=as_head(head, "Classifier: head"),
        )

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        return precision_of(self.apply_fn)

    def in_precision(self, precision: Precision) -> "Classifier":
        """The same network computing in "bfloat16", forward and backward, or in "float32".

        Pixels, weights and logits stay float32 outside of it. An infill that is built for it
        (`core.method.Builds`) has its network compute likewise.
        """
        training = self.training
        if training is not None and training.features_fn is not None:
            features_fn = computed(training.features_fn, precision)
            training = dataclasses.replace(training, features_fn=features_fn)
        return dataclasses.replace(
            self,
            apply_fn=computed(self.apply_fn, precision),
            features_fn=self.features_fn and computed(self.features_fn, precision),
            head_fn=self.head_fn and computed(self.head_fn, precision),
            training=training,
        )

    def normalise(self, images: Images) -> Images:
        """Unit pixels -> what the network eats."""
        return (images - self.mean) / self.std

    def logits(self, images: Images) -> Logits:
        """Class scores before softmax or sigmoid. `images` are unit pixels, not normalised."""
        return compiled_logits(self, images)

    def log_odds(self, images: Images, target: Classes) -> PerExample:
        """Log-odds of `target` in nats, under this classifier's head."""
        return log_odds(self.logits(images), target, self.head)

    def features(self, images: Images) -> AnyArray:
        """The activations ``[b h' w' c']`` that Grad-CAM weighs.

        Raises:
            ValueError: the classifier was made of one function and has no such split.
        """
        if self.features_fn is None:
            raise ValueError(
                "This classifier has no features_fn; set features_fn and head_fn to use Grad-CAM."
            )
        return self.features_fn(self.params, self.normalise(images))

    def logits_of_features(self, features: AnyArray) -> Logits:
        """The second half: ``logits_of_features(features(images)) == logits(images)``."""
        if self.head_fn is None:
            raise ValueError(
                "This classifier has no head_fn; set features_fn and head_fn to use Grad-CAM."
            )
        return self.head_fn(self.params, features)

    def num_classes(self, image_shape: tuple[int, ...], batch_size: int = 2) -> int:
        """Number of classes for images ``[h w c]``, without running or compiling anything.

        Raises:
            ValueError: the classifier does not return ``[b k]`` logits of a floating type, its mean
                or std is of other channels, or a function that somebody has written fails.
        """
        self._check_channels(image_shape[-1])
        leaves, tree = jax.tree.flatten(self)
        kinds = tuple((getattr(x, "shape", ()), getattr(x, "dtype", type(x))) for x in leaves)
        try:
            out = _abstract_logits(tree, kinds, (batch_size, *image_shape))
        except (TypeError, ValueError) as error:
            if not inspect.isroutine(self.apply_fn):  # a network of ours, whose sentence it is
                raise
            raise ValueError(_failed(error, (batch_size, *image_shape))) from error
        shape: tuple[int, ...] = getattr(out, "shape", ())
        is_logits = len(shape) == 2 and shape[0] == batch_size
        if not is_logits or not jnp.issubdtype(out.dtype, jnp.floating):
            is_array = hasattr(out, "shape")
            found = f"{out.dtype}{list(shape)}" if is_array else type(out).__name__
            raise ValueError(
                "The classifier must return float logits [b k]; "
                f"for b = {batch_size} it returned {found}."
            )
        return shape[1]

    def _check_channels(self, channels: int) -> None:
        for name in ("mean", "std"):
            said = (jnp.shape(getattr(self, name)) or (1,))[-1]
            if said not in (1, channels):
                raise ValueError(
                    f"The pictures have {channels} channels, and the classifier's {name} is of "
                    f"{said}; pass as many, of grey np.repeat(images, 3, -1), of RGBA "
                    "images[..., :3]."
                )


def check_num_classes(
    oracle: Classifier, explained: Classifier, shape: tuple[int, ...], called: str = "The oracle"
) -> None:
    """Refuses a second classifier that knows another number of classes; computes nothing.

    Args:
        oracle: whose decisions are compared with those of the explained one.
        explained: this one.
        shape: of a picture, ``[h w c]``.
        called: what an error begins with.

    Raises:
        ValueError: they differ; says both numbers.
    """
    known, wanted = (classifier.num_classes(shape) for classifier in (oracle, explained))
    if known != wanted:
        raise ValueError(
            f"{called} knows {known} classes and the explained classifier {wanted}; name one that "
            "was trained on the same classes."
        )


def _failed(error: Exception, shape: tuple[int, ...]) -> str:
    said = str(error).strip().partition("\n")[0].rstrip(".")
    return (
        f"The classifier's function fails on images {list(shape)}: {said:.160}. It is called as "
        "fn(params, images [b h w c]) and computes with jax.numpy; a network that takes channels "
        "first transposes them itself, images.transpose(0, 3, 1, 2)."
    )


def check_of_unit_pixels(mean: Any, std: Any) -> None:
    """Refuses a mean of pixels up to 255, which would hand a network darkness, and no deviation.

    Raises:
        ValueError: one of them is so; says what to pass.
    """
    if isinstance(mean, jax.core.Tracer) or isinstance(std, jax.core.Tracer):
        return
    if (largest := float(np.max(np.asarray(mean)))) > _LARGEST_MEAN:
        raise ValueError(
            f"mean is {largest:g}, but pixels are in [0, 1]; divide mean and std by 255."
        )
    if not (smallest := float(np.min(np.asarray(std)))) > 0:
        raise ValueError(f"std must be above 0, not {smallest:g}.")


@functools.lru_cache(maxsize=64)
def _abstract_logits(tree: Any, kinds: tuple[Any, ...], images_shape: tuple[int, ...]) -> Any:
    """Shapes and types of what a classifier answers; every explanation asks, few ask anew."""
    leaves = [jax.ShapeDtypeStruct(*kind) for kind in kinds]
    images = jax.ShapeDtypeStruct(images_shape, jnp.float32)
    return jax.eval_shape(compiled_logits, jax.tree.unflatten(tree, leaves), images)


@jax.jit
def compiled_logits(classifier: Classifier, images: AnyArray) -> PyTree:
    """Logits ``[b k]`` of unit pixels, if `Classifier.num_classes` finds no fault.

    One function for all who ask, since it remembers what it has traced for a shape: a program in
    which a classifier is called several times traces it once.
    """
    return classifier.apply_fn(classifier.params, classifier.normalise(images))
