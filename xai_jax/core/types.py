"""The two nouns that every method speaks, Batch and Explanation, and the names of array shapes.

Axes letters are fixed throughout: ``b`` images, ``h w`` space, ``c`` channels, ``k`` classes, ``g``
the grid of an optimised mask, ``t`` optimisation steps, ``s`` mask samples.
"""

from collections.abc import Mapping
from typing import Any

import jax
from flax import struct
from jaxtyping import Array, Float, Int, Key, Shaped, UInt32

PyTree = Any
Images = Float[Array, "b h w c"]  # unit pixels in [0, 1], unless the name says `normalised`
Maps = Float[Array, "b h w 1"]  # one number a pixel
Logits = Float[Array, "b k"]
Classes = Int[Array, "b"]
ImageIds = UInt32[Array, "b"]
PerExample = Float[Array, "b"]
PRNGKey = Key[Array, ""]
PRNGKeys = Key[Array, "b"]
AnyArray = Shaped[Array, "..."]


@struct.dataclass
class Batch:
    """Pictures to explain, with all that is known of each.

    Fields:
        images: ``[b h w c]`` float32, unit pixels in [0, 1].
        target: ``[b]`` int32, the class that is explained (not necessarily the true one).
        image_id: ``[b]`` uint32, the same for the same picture wherever it stands: randomness
            follows it (`core.rng.image_ids` makes it from the pixels).
        weight: ``[b]`` float32, 1 for a picture and 0 for padding.
        labels: ``[b k]`` 0 / 1, the true classes; ``None`` where the truth is not known.
        masks: where the classes are, drawn by people: for scores and segmenters, never for
            explanations. Its form is the pipeline's setting; ``None`` where not asked for.
        counted: ``[b h w 1]`` in [0, 1], the share of each pixel that `masks` speak of: the rest is
            void, where people did not decide, and is not scored. ``None``: all of it.
        regions: ``[b h w]`` int32, which region of the picture a pixel belongs to, known before a
            method is asked, as `target` is; ``None`` for methods that ask for none.
    """

    images: Any
    target: Any
    image_id: Any
    weight: Any
    labels: Any = None
    masks: Any = None
    counted: Any = None
    regions: Any = None


@struct.dataclass
class Explanation:
    """What a method says of a Batch; raw numbers, never normalised.

    Beside its fixed fields it is open by name: each name is declared once, by the method or the
    metric that fills it in (`core.outputs.Output`).

    Fields:
        target: ``[b]`` int32, the class explained.
        saliency: ``[b h w 1]``: the larger, the more the pixel speaks for `target`. Its scale is
            the method's own; its page names it.
        keep: ``[b h w 1]`` in [0, 1]: 1 where the picture is kept, 0 where the infill stands. In
            the preservation game it is what suffices, in the deletion game what is left. ``None``
            for methods that rank pixels and cut nothing out.
        maps: ``{name: [b h w n]}``, ``class_keep`` say.
        pictures: ``{name: [b h w c] or [b n h w c]}`` unit pixels, ``counterfactual`` say.
        numbers: ``{name: [b ...]}``: what an optimisation logged, what a metric measured.
    """

    target: Any
    saliency: Any
    keep: Any = None
    maps: dict[str, Any] = struct.field(default_factory=dict)
    pictures: dict[str, Any] = struct.field(default_factory=dict)
    numbers: dict[str, Any] = struct.field(default_factory=dict)

    def __repr__(self) -> str:
        """One line: how many pictures, and the names and shapes of what is said of each."""
        shapes = {name: list(getattr(v, "shape", [])) for name, v in self.named().items()}
        return f"Explanation({', '.join(f'{name}: {shape}' for name, shape in shapes.items())})"

    def named(self) -> Mapping[str, Any]:
        """Everything in it by its declared name; without `keep` where there is none."""
        fixed = {"target": self.target, "saliency": self.saliency}
        if self.keep is not None:
            fixed["keep"] = self.keep
        return {**fixed, **self.maps, **self.pictures, **self.numbers}

    @property
    def class_keep(self) -> Any:
        """``[b h w k]`` in [0, 1], 1 = kept: the mask of every class, for methods that draw them.

        ``None`` for the others.
        """
        return self.maps.get("class_keep")


def batch_size(batch: Batch) -> int:
    """Number of rows of a Batch, padding included."""
    return jax.tree.leaves(batch.images)[0].shape[0]
