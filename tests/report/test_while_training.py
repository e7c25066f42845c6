"""The panels of a run show each picture and what each class's mask keeps of it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted

from xai_jax.core.method import Method
from xai_jax.core.outputs import CLASS_KEEP
from xai_jax.core.types import Explanation
from xai_jax.report.while_training import ClassMasks


class Halves:
    """Class 0's mask keeps the upper ``state`` rows, class 1's keeps nothing."""

    def build(self) -> Method:
        def explain(state, frozen, batch, key):
            height, width = batch.images.shape[1:3]
            upper = (jnp.arange(height) < state)[None, :, None, None]
            first = jnp.broadcast_to(upper, (len(batch.images), height, width, 1))
            class_keep = jnp.concatenate([first, jnp.zeros_like(first)], axis=3) * 1.0
            keep = class_keep[..., :1]
            return Explanation(
                keep=keep, saliency=keep, target=batch.target, maps={"class_keep": class_keep}
            )

        return Method(explain=explain, outputs=(CLASS_KEEP,))


@dataclasses.dataclass
class Grey:
    """Pictures of one grey, batch after batch."""

    def batches(self, batch_size, **_):
        batch = planted.quadrant_batch(batch_size, 16, jax.random.key(0))
        return iter([dataclasses.replace(batch, images=jnp.full((batch_size, 16, 16, 3), 0.4))])


def test_a_row_is_the_picture_and_its_kept_part_for_each_class():
    show = ClassMasks(method=Halves(), data=Grey(), num_pictures=2)
    found = show(7, jnp.int32(8), ())["class_masks"]
    assert found.shape == (2 * 16, 3 * 16, 3) and found.dtype == np.uint8
    picture, first, second = np.split(found[:16], 3, axis=1)
    assert (picture == 102).all()  # 0.4 of 255
    assert (first[:8] == 102).all() and (first[8:] > 150).all()  # the checkerboard is light
    assert (second > 150).all()
    later = show(8, jnp.int32(16), ())["class_masks"]
    assert (later[:16, 16:32] == 102).all()
