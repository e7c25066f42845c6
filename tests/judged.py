"""Evaluations small enough to be worked by hand: pictures in memory, masks that are known.

Pictures are [4 4 1], grey; class k of three is row k of the picture, and the classifier's logit k
is the row's mean brightness times `GAIN`. So what a mask does to a class is known in closed form.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Count
from xai_jax.core.method import Explained, Method, Trainable
from xai_jax.core.outputs import CLASS_KEEP, KEEP
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import Explanation
from xai_jax.data.example import Example
from xai_jax.infills.constant import Mean
from xai_jax.nn.learner import Learner, weights
from xai_jax.scoring.evaluation import Contestant, Evaluation

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
    """Data in memory, whose rows are called 100, 101, and so on.

    Fields:
        num: pictures; picture i shows the classes of the bits of i % 8, so that some show none.
        masks: "soft", "union", "ids" or "none".
    """

    num: int = 20
    masks: str = "soft"
    seed: int = 0
    resize: Preprocess = dataclasses.field(
        default_factory=lambda: Preprocess(height=SIDE, width=SIDE)
    )
    class_names: tuple[str, ...] = ("a", "b", "c")

    def __len__(self) -> int:
        return self.num

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(100 + i) for i in range(self.num))

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

    @property
    def examples(self) -> list[Example]:
        images, labels, truth = self.images(), self.labels(), self.truth()
        return [
            Example(
                row=i,
                name=name,
                picture=images[i],
                labels=labels[i],
                mask=np.ascontiguousarray(truth[i]),
            )
            for i, name in enumerate(self.names)
        ]

    def example(self, row: int) -> dict[str, np.ndarray]:
        soft = self.truth()
        forms = {
            "soft": soft,
            "union": soft.max(axis=3, keepdims=True),
            "ids": soft.argmax(axis=3).astype(np.uint8),
        }
        arrays = {"images": self.images(), "labels": self.labels()}
        if self.masks != "none":
            arrays["masks"] = forms[self.masks]
        return {name: array[row] for name, array in arrays.items()}


def noise_masks(images, image_id, key):
    """``[b h w k]``: loud, other for each class, and following the picture's id.

    No two values of a picture are alike, and all are 256ths: as fine as masks of classes are kept.
    """
    keys = example_keys(key, image_id)
    shape = (*images.shape[1:3], NUM_CLASSES)
    levels = jax.vmap(lambda k: jax.random.permutation(k, 256)[: np.prod(shape)])(keys)
    return levels.reshape(len(keys), *shape) / 256


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
            maps = {"class_keep": masks} if self.at_once else {}
            return Explanation(keep=keep, saliency=5 * keep - 3, target=batch.target, maps=maps)

        return Method(explain=explain, outputs=(KEEP, CLASS_KEEP) if self.at_once else (KEEP,))


@dataclasses.dataclass(slots=True, kw_only=True)
class Learned(Settings):
    """A trained method: the mask of class k is ``params["value"][k]`` everywhere."""

    num_classes: Count = NUM_CLASSES

    def build(self) -> Method:
        def init(key, frozen, batch):
            del frozen, batch
            value = jax.random.uniform(key, (self.num_classes,))
            return Learner(params={"value": value}, statistics={}, opt_state=(value,))

        def explain(state, frozen, batch, key):
            del frozen, key
            masks = jnp.ones_like(batch.images[..., :1]) * state.params["value"]
            keep = jnp.take_along_axis(masks, batch.target[:, None, None, None], axis=3)
            maps = {"class_keep": masks}
            return Explanation(keep=keep, saliency=keep, target=batch.target, maps=maps)

        trainable = Trainable(init=init, step=lambda *_: None, weights=weights)
        return Method(explain=explain, outputs=(KEEP, CLASS_KEEP), trainable=trainable)


def evaluation(**changes) -> Evaluation:
    settings = {
        "explained": Explained(classifier=Rows(), infill=Mean()),
        "data": Pictures(),
        "batch_size": 8,
        "contestants": {"noise": Contestant(method=Noise())},
        "classes": (0, 2),
        "seed": 3,
    }
    return Evaluation(**(settings | changes))
