"""A compiled program is shared by settings of the same content, and by no others."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import planted

from xai_jax.core.method import Frozen, Inspector, Method
from xai_jax.core.outputs import KEEP
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Constant
from xai_jax.runs import batch as batches

SIDE = 64


@dataclasses.dataclass(kw_only=True)
class Drawn:
    """Every picture is kept where `keep` says, ``[SIDE SIDE]``."""

    keep: Any

    def build(self) -> Method:
        def explain(weights, frozen, batch, key):
            keep = jnp.broadcast_to(self.keep[None, :, :, None], (len(batch.images), SIDE, SIDE, 1))
            return Explanation(keep=keep, saliency=keep, target=batch.target)

        return Method(explain=explain, outputs=(KEEP,))


def test_large_arrays_that_differ_in_the_middle_are_told_apart():
    frozen = Frozen(classifier=planted.quadrant(), infill=Constant().build(planted.quadrant()))
    batch = planted.quadrant_batch(2, SIDE, jax.random.key(0))
    empty = np.zeros((SIDE, SIDE), np.float32)
    square = empty.copy()
    square[22:42, 22:42] = 1.0
    assert repr(empty) == repr(square)  # by NumPy's dots
    before = batches._explain._cache_size()
    for keep in (empty, square, empty.copy(), square.copy()):
        found, _ = batches.explain_batch(
            Inspector(method=Drawn(keep=keep), frozen=frozen), batch, jax.random.key(1)
        )
        np.testing.assert_array_equal(found.keep[0, :, :, 0], keep)
    assert batches._explain._cache_size() == before + 2
