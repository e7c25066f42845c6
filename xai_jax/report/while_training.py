"""Pictures to look at while a network learns to draw one mask a class."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from xai_jax.core.domains import Count
from xai_jax.core.method import Builds, Method
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch
from xai_jax.experiment import Source
from xai_jax.report import panels


@dataclasses.dataclass(kw_only=True)  # no slots: what is compiled is kept
class ClassMasks(Settings):
    """The `panels` of an Experiment: each picture, and what the mask of each class keeps of it.

    Fields:
        method: as in the Experiment; its explanations have `class_keep`.
        data: a source whose first pictures are shown; not those to learn from.
        num_pictures: rows.
        num_classes: columns after the picture, at most.
    """

    method: Builds[Method]
    data: Source
    num_pictures: Count = 4
    num_classes: Count = 10

    def __call__(self, step: int, weights: Any, frozen: Any) -> dict[str, np.ndarray]:
        """``{"class_masks": [h w 3] uint8}``."""
        del step
        # One device's copy, for there may be other processes, which do not join in.
        own = jax.tree.map(lambda leaf: leaf.addressable_data(0), (weights, frozen))
        explained = self._explain(*own, self._batch, jax.random.key(0))
        keep = np.asarray(explained.class_keep)[..., : self.num_classes]
        whole = np.ones_like(keep[..., :1])
        rows = [
            [panels.kept(image, one) for one in np.moveaxis(masks, -1, 0)]
            for image, masks in zip(
                self._batch.images, np.concatenate([whole, keep], axis=3), strict=True
            )
        ]
        return {"class_masks": np.concatenate([np.concatenate(row, 1) for row in rows], 0)}

    @functools.cached_property
    def _explain(self):
        return jax.jit(self.method.build().explain)

    @functools.cached_property
    def _batch(self) -> Batch:
        stream = self.data.batches(self.num_pictures, start=None, process_index=0, process_count=1)
        batch = next(stream)
        if hasattr(stream, "close"):
            stream.close()
        return batch
