"""The two nouns that every method speaks, Batch and Explanation, and the names of array shapes.

Axes letters are fixed throughout: ``b`` images, ``h w`` space, ``c`` channels, ``k`` classes, ``g``
the grid
of an optimised mask, ``t`` optimisation steps, ``s`` mask samples.
"""

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
        follows it
            (`core.rng.image_ids` makes it from the pixels).
        weight: ``[b]`` float32, 1 for a picture and 0 for padding.
        labels: ``[b k]`` 0 / 1, the true classes; ``None`` where the truth is not known.
        masks: where the classes are, drawn by people: for scores and segmenters, never for
        explanations. Its form is the pipeline's setting; ``None`` where not asked for.
        counted: ``[b h w 1]`` in [0, 1], the share of each pixel that `masks` speak of: the rest is
            void, where people did not decide, and is not scored. ``None``: all of it.
    """

    images: Any
    target: Any
    image_id: Any
    weight: Any
    labels: Any = None
    masks: Any = None
    counted: Any = None


@struct.dataclass
class Explanation:
    """What a method says of a Batch; raw numbers, never normalised.

    A method fills in `keep`, `saliency`, `target` and `trace`; `xai_jax.explain` and the batch run
    add
    `log_odds` and `curve`.

    Fields:
        keep: ``[b h w 1]`` in [0, 1]: 1 where the picture is kept, 0 where the infill stands. In
        the
            preservation game it is what suffices, in the deletion game what is left.
        saliency: ``[b h w 1]``: the larger, the more the pixel speaks for `target`. Its scale is
        the
            method's own; its README names it.
        target: ``[b]`` int32, the class explained.
        trace: ``{name: [b t]}``, what the optimisation logged at each step.
        log_odds: ``{"original", "kept", "removed": [b]}`` in nats: of the picture, of the picture
        composed
            with `keep`, and of the one composed with ``1 - keep``.
        curve: ``{"kept", "removed": [b n]}`` in nats: log-odds when only the n-th share of the most
        salient
            pixels is kept (or only that share is removed). The shares are `core.areas.AREAS`.
        counterfactual: ``[b h w c]`` in [0, 1], for methods that make a picture; else ``None``.
        class_keep: ``[b h w k]`` in [0, 1], 1 = kept: the mask of every class, for methods that
            draw all of them at once (`keep` is then that of `target`); else ``None``.
    """

    keep: Any
    saliency: Any
    target: Any
    trace: dict[str, Any] = struct.field(default_factory=dict)
    log_odds: dict[str, Any] = struct.field(default_factory=dict)
    curve: dict[str, Any] = struct.field(default_factory=dict)
    counterfactual: Any = None
    class_keep: Any = None


def batch_size(batch: Batch) -> int:
    """Number of rows of a Batch, padding included."""
    return jax.tree.leaves(batch.images)[0].shape[0]
