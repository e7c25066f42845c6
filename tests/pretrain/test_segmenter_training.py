"""A segmenter's loss and mean IoU by hand, what it learns, and what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen

from xai_jax.core.errors import BadPicture
from xai_jax.core.types import Batch
from xai_jax.nn.layers import Conv
from xai_jax.nn.segmenter import RegionSegmenter
from xai_jax.pretrain import segmenter

VOID, SIDE = 9, 6
COLOURS = np.array([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9]])


class Colours(linen.Module):
    """A region is what has its colour: one linear map of each pixel."""

    num: int

    @linen.compact
    def __call__(self, x, training=None):
        del training
        return Conv(self.num, use_bias=True, name="colours")(x)


@dataclasses.dataclass(slots=True, kw_only=True)
class Tiny(RegionSegmenter):
    """Settings."""

    def build(self) -> linen.Module:
        return Colours(len(self.regions))


def batch(num=4) -> Batch:
    """Pixels in the colour of their region; the first column is void, and of any colour."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (num, SIDE, SIDE))
    images = COLOURS[labels] + rng.normal(0.0, 0.05, (num, SIDE, SIDE, 3))
    images[:, :, 0] = rng.uniform(size=(num, SIDE, 3))
    labels[:, :, 0] = VOID
    return Batch(
        images=jnp.asarray(images, jnp.float32),
        target=None,
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
        regions=jnp.asarray(labels, jnp.int32),
    )


def config(**changes) -> segmenter.Config:
    network = Tiny(regions=("sky", "road", "car"))
    return segmenter.Config(network=network, **{"void": VOID, "learning_rate": 0.3} | changes)


def told(trainable, state, rows):
    means = trainable.measure(trainable.weights(state), state, None, rows, jax.random.key(1))
    return trainable.summary({name: float(values.mean()) for name, values in means.items()})


def test_it_learns_the_colours_and_says_how_far():
    trainable, rows = config().build(), batch()
    trainable.admit({"regions": np.asarray(rows.regions[0])})
    state = trainable.init(jax.random.key(0), None, rows)
    before, step = told(trainable, state, rows), jax.jit(trainable.step)
    for n in range(60):
        state, metrics = step(state, None, rows, jax.random.key(n))
    after = told(trainable, state, rows)
    assert after["accuracy"] == after["mean_iou"] == 1.0 > before["mean_iou"]
    assert after["loss"] == pytest.approx(float(metrics["loss"]), rel=0.2) and after["loss"] < 0.1
    # Whatever the void pixels show, nothing is learned from it: the gradient is the same.
    other = dataclasses.replace(rows, images=rows.images.at[:, :, 0].set(0.5))
    ways = [step(state, None, one, jax.random.key(0))[0].params for one in (rows, other)]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), *ways)


def test_the_loss_is_the_mean_cross_entropy_of_the_pixels_that_count():
    rng = np.random.default_rng(1)
    logits, rows = rng.normal(size=(2, SIDE, SIDE, 3)), np.asarray(batch(2).regions)
    counted = rows != VOID
    found = segmenter._cross_entropy(
        jnp.asarray(logits), jnp.where(counted, rows, 0), jnp.asarray(counted, jnp.float32)
    )
    for row in range(2):
        places = np.argwhere(counted[row])
        shares = [np.exp(logits[row, y, x]) / np.exp(logits[row, y, x]).sum() for y, x in places]
        own = [-np.log(p[rows[row, y, x]]) for p, (y, x) in zip(shares, places, strict=True)]
        assert found[row] == pytest.approx(np.mean(own), rel=1e-5)


def test_mean_iou_is_over_all_pictures_together_and_regions_that_are_somewhere():
    labels = jnp.array([[[0, 0, 1]], [[1, 1, 0]]])
    found = jnp.array([[[0, 1, 1]], [[1, 2, 0]]])
    counted = jnp.array([[[1.0, 1.0, 1.0]], [[1.0, 1.0, 0.0]]])
    sums = segmenter.overlaps(found, labels, counted, 4)
    means = {name: float(values.mean()) for name, values in sums.items()} | {"loss": 0.5}
    # Region 0: 1 of 2; region 1: 2 of 4; region 2 is found once, and nowhere; 3 is neither.
    wanted = {"loss": 0.5, "accuracy": 3 / 5, "mean_iou": (1 / 2 + 2 / 4 + 0) / 3}
    assert segmenter.summary(means) == pytest.approx(wanted)
    nothing = dict.fromkeys(means, 0.0)
    assert segmenter.summary(nothing) == {"loss": 0.0, "accuracy": 0.0, "mean_iou": 0.0}


def test_what_cannot_be_learned_from_is_refused():
    trainable, rows = config(void=255).build(), batch()
    sentence = "the number 9, and network.regions names 0 to 2, and void is 255"
    with pytest.raises(BadPicture, match=sentence):
        trainable.admit({"regions": np.asarray(rows.regions[0])})
    with pytest.raises(ValueError, match="set regions=True"):
        trainable.init(jax.random.key(0), None, dataclasses.replace(rows, regions=None))
