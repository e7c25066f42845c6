"""Forward passes are counted as they are known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained, Inspector
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Mean
from xai_jax.methods import controls, gradients, occlusion, rise
from xai_jax.scoring.calls import forward_passes

SIDE, BATCH = 32, 2


def _logits(params, images):
    window = (3, 3, 3, 4)
    kernel = jnp.zeros(window) + params
    strides = (1, 1)
    found = jax.lax.conv_general_dilated(
        images, kernel, strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return jnp.tanh(found).mean(axis=(1, 2)) @ jnp.ones((4, 5))


@pytest.mark.parametrize(
    ("method", "passes"),
    [
        (controls.Random(), 0.0),
        (occlusion.Config(window=8, stride=4), 1 + 49),
        (gradients.IntegratedGradients(num_steps=7), None),
        (rise.Config(num_masks=40, cells=4), None),
    ],
)
def test_passes_are_those_of_the_method(method, passes):
    classifier = Classifier.from_callable(_logits, jnp.float32(1.0))
    frozen = Explained(classifier=classifier, infill=Mean()).build()
    shape = lambda dtype, *axes: jax.ShapeDtypeStruct((BATCH, *axes), dtype)  # noqa: E731
    batch = Batch(
        images=shape(np.float32, SIDE, SIDE, 3),
        target=shape(np.int32),
        image_id=shape(np.uint32),
        weight=shape(np.float32),
    )
    found = forward_passes(Inspector(method=method, frozen=frozen), batch, jax.random.key(0))
    if passes is not None:
        assert found == pytest.approx(passes, rel=0.04)  # and the sum of squares
    elif isinstance(method, rise.Config):  # and what makes and sums the masks
        assert 40 <= found < 60
    else:
        assert 2 * 7 <= found <= 3 * 7 + 3 and not math.isnan(found)
