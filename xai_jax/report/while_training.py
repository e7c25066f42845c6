"""Pictures to look at while a network learns to draw one mask a class."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from xai_jax.core.types import Batch
from xai_jax.experiment import Builds, BuildsClassifier, BuildsInfill, Experiment, Source
from xai_jax.report import panels


@dataclasses.dataclass(kw_only=True)  # no slots: what is compiled is kept
class ClassMasks:
    """The `panels` of an Experiment: each picture, and what the mask of each class keeps of it.

    Fields:
        method: as in the Experiment; its explanations have `class_keep`.
        classifier, infill: as in the Experiment.
        data: a source whose first pictures are shown; not those to learn from.
        num_pictures: rows.
        num_classes: columns after the picture, at most.
    """

    method: Builds
    classifier: BuildsClassifier
    infill: BuildsInfill
    data: Source
    num_pictures: int = 4
    num_classes: int = 10

    def __call__(self, step: int, state: Any) -> dict[str, np.ndarray]:
        """``{"class_masks": [h w 3] uint8}``."""
        del step
        own = jax.tree.map(lambda leaf: leaf.addressable_data(0), state)  # of several processes
        explained = self._explain(own, self._frozen, self._batch, jax.random.key(0))
        keep = np.asarray(explained.class_keep)[..., : self.num_classes]
        rows = [
            [image, *(panels.kept(image, one) for one in np.moveaxis(masks, -1, 0))]
            for image, masks in zip(_uint8(self._batch.images), keep, strict=True)
        ]
        return {"class_masks": np.concatenate([np.concatenate(row, 1) for row in rows], 0)}

    @functools.cached_property
    def _explain(self):
        return jax.jit(self.method.build().explain)  # type: ignore[union-attr]

    @functools.cached_property
    def _frozen(self) -> Any:
        experiment = Experiment(
            method=self.method,
            data=self.data,
            num_steps=1,
            batch_size=1,
            classifier=self.classifier,
            infill=self.infill,
        )
        return experiment.frozen()

    @functools.cached_property
    def _batch(self) -> Batch:
        stream = self.data.batches(self.num_pictures, start=None, process_index=0, process_count=1)
        return next(stream)


def _uint8(images: Any) -> np.ndarray:
    return np.round(255 * np.asarray(images)).astype(np.uint8)
