"""What a ported network consists of: two halves, and the conversion of its weights."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.classifier_training import Training
from xai_jax.core.targets import Head, as_head
from xai_jax.core.types import AnyArray, Logits, PyTree
from xai_jax.nn.state_reader import Blank, StateDict


@dataclasses.dataclass(frozen=True, eq=False)
class Ported:
    """A network as pure functions; each is one module-level constant, so that it compiles once.

    Fields:
        name: as users write it.
        features: ``(params, normalised [b h w c]) -> activations [b h' w' c']``, where Grad-CAM
            reads.
        head: ``(params, activations) -> logits [b k]``.
        convert: ``state_dict -> params``, batch norm folded where the name says nothing of it;
            raises ValueError naming a key that is missing, left over or of another shape.
        shapes_fn: ``number of classes -> params``, or their shapes; ``None``: `convert` tells them,
            which takes every key from a `convert.Blank`.
        training: see `core.classifier.Classifier`.
    """

    name: str
    features: Callable[[PyTree, AnyArray], AnyArray]
    head: Callable[[PyTree, AnyArray], Logits]
    convert: Callable[[StateDict], PyTree]
    shapes_fn: Callable[[int], PyTree] | None = None
    training: Training | None = None

    def shapes(self, num_classes: int) -> PyTree:
        """The parameters' shapes and types (``jax.ShapeDtypeStruct``) for so many classes."""
        made = self.shapes_fn(num_classes) if self.shapes_fn else self.convert(Blank(num_classes))
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), made)

    def classifier(
        self,
        params: PyTree,
        *,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        head: Head | str = Head.SOFTMAX,
    ) -> Classifier:
        """The network with its weights, in its two halves; see `core.classifier.Classifier`."""
        return Classifier(
            params=params,
            mean=jnp.array(mean, jnp.float32),
            std=jnp.array(std, jnp.float32),
            apply_fn=self,
            head=as_head(head),
            features_fn=self.features,
            head_fn=self.head,
            training=self.training,
        )

    def __call__(self, params: PyTree, normalised: AnyArray) -> Logits:
        """Logits ``[b k]``."""
        return self.head(params, self.features(params, normalised))
