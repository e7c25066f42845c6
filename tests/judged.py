"""Evaluations small enough to be worked by hand: pictures in memory, masks that are known.

Pictures are [4 4 1], grey; class k of three is row k of the picture, and the classifier's logit k
is the row's mean brightness times `GAIN`. So what a mask does to a class is known in closed form.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Method, no_state
from xai_jax.core.rng import example_keys, fold_each
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch, Explanation
from xai_jax.evaluate.evaluation import Contestant, Evaluation
from xai_jax.infills.constant import Mean
from xai_jax.nn.learner import Learner

SIDE, NUM_CLASSES, GAIN, GREY = 4, 3, 8.0, 0.25


def row_logits(params, normalised):
    return params["gain"] * normalised.mean(axis=(2, 3))[:, :NUM_CLASSES]


@dataclasses.dataclass(slots=True, kw_only=True)
class Rows:
    """Settings of the classifier; 0 in what it eats is `GREY`."""

    head: Head = Head.SIGMOID
    num_classes: int = NUM_CLASSES
    gain: float = GAIN

    def build(self) -> Classifier:
        params = {"gain": jnp.float32(self.gain)}
        made = Classifier.from_callable(row_logits, params, mean=GREY, head=self.head)
        return made if self.num_classes == NUM_CLASSES else _of_two(made)


def _two_logits(params, normalised):
    return row_logits(params, normalised)[:, :2]


def _of_two(made: Classifier) -> Classifier:
    return dataclasses.replace(made, apply_fn=_two_logits)


@dataclasses.dataclass(kw_only=True)
class Pictures:
    """A source in memory; the last batch is padded with weight 0 and loud pixels.

    Fields:
        num: pictures; picture i shows the classes of the bits of i % 8, so that some show none.
        masks: "soft", "union", "ids" or "none".
    """

    num: int = 20
    masks: str = "soft"
    seed: int = 0

    def labels(self) -> np.ndarray:
        bits = np.arange(self.num)[:, None] >> np.arange(NUM_CLASSES)
        return (bits & 1).astype(np.float32)

    def images(self) -> np.ndarray:
        draw = np.random.default_rng(self.seed)
        noise = draw.uniform(0, 0.5, (self.num, SIDE, SIDE, 1)).astype(np.float32)
        shown = np.pad(self.labels(), ((0, 0), (0, SIDE - NUM_CLASSES)))
        return noise + 0.5 * shown[:, :, None, None]

    def truth(self) -> np.ndarray:
        """``[n h w k]``: class k, where it is, is row k."""
        rows = np.eye(SIDE, NUM_CLASSES, dtype=np.float32)[None, :, None]  # [1 h 1 k]
        return (
            np.broadcast_to(rows, (self.num, SIDE, SIDE, NUM_CLASSES))
            * self.labels()[:, None, None]
        )

    def batches(self, batch_size, *, start, process_index, process_count) -> "Taken":
        assert (start, process_index, process_count) == (None, 0, 1)
        return Taken(self, batch_size)


class Taken:
    def __init__(self, data: Pictures, size: int) -> None:
        self._data, self._size, self._taken = data, size, 0
        soft = data.truth()
        forms = {
            "soft": soft,
            "union": soft.max(axis=3, keepdims=True),
            "ids": soft.argmax(axis=3).astype(np.uint8),
            "none": None,
        }
        self._rows = data.images(), data.labels(), forms[data.masks]

    @property
    def state(self):
        return {"taken": self._taken}

    def __next__(self) -> Batch:
        if self._taken >= self._data.num:
            raise StopIteration
        places = np.arange(self._taken, self._taken + self._size)
        self._taken += self._size
        is_real = places < self._data.num
        rows = np.where(is_real, places, 0)
        images, labels, masks = self._rows
        loud = np.where(is_real[:, None, None, None], images[rows], 1.0).astype(np.float32)
        return Batch(
            images=loud,
            target=np.zeros(self._size, np.int32),
            image_id=(100 + places).astype(np.uint32),
            weight=is_real.astype(np.float32),
            labels=np.where(is_real[:, None], labels[rows], 1.0),
            masks=None if masks is None else masks[rows],
        )


def noise_masks(images, image_id, key):
    """``[b h w k]``: loud, other for each class, and following the picture's id."""
    keys = example_keys(key, image_id)
    shape = images.shape[1:3]
    draw = jax.vmap(lambda k: jax.random.uniform(k, shape))
    return jnp.stack([draw(fold_each(keys, k)) for k in range(NUM_CLASSES)], axis=-1)


@dataclasses.dataclass(slots=True, kw_only=True)
class Noise:
    """Draws `noise_masks`, of one class at a time or of all classes at once."""

    at_once: bool = False
    scale: float = 1.0

    def build(self) -> Method:
        def explain(state, frozen, batch, key):
            del state, frozen
            masks = self.scale * noise_masks(batch.images, batch.image_id, key)
            keep = jnp.take_along_axis(masks, batch.target[:, None, None, None], axis=3)
            class_keep = masks if self.at_once else None
            return Explanation(
                keep=keep, saliency=5 * keep - 3, target=batch.target, class_keep=class_keep
            )

        return Method(init=no_state, step=None, explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class Learned:
    """A trained method: the mask of class k is ``params["value"][k]`` everywhere."""

    num_classes: int = NUM_CLASSES

    def build(self) -> Method:
        def init(key, frozen, batch):
            del frozen, batch
            value = jax.random.uniform(key, (self.num_classes,))
            return Learner(params={"value": value}, statistics={}, opt_state=(value,))

        def explain(state, frozen, batch, key):
            del frozen, key
            masks = jnp.ones_like(batch.images[..., :1]) * state.params["value"]
            keep = jnp.take_along_axis(masks, batch.target[:, None, None, None], axis=3)
            return Explanation(keep=keep, saliency=keep, target=batch.target, class_keep=masks)

        return Method(init=init, step=lambda *_: None, explain=explain)


def evaluation(**changes) -> Evaluation:
    settings = {
        "classifier": Rows(),
        "infill": Mean(),
        "data": Pictures(),
        "batch_size": 8,
        "contestants": {"noise": Contestant(method=Noise())},
        "classes": (0, 2),
        "seed": 3,
    }
    return Evaluation(**(settings | changes))
