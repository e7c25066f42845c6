"""All that is set against SyCE on brain slices takes 32 slices and a classifier of one class."""

import jax
import jax.numpy as jnp
import pytest

from configs.lgg_mri import evaluate_syce
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant

METHODS = evaluate_syce.attributions() | evaluate_syce.optimised()


def _head(gain, features):
    return gain * features.mean(axis=(1, 2, 3))[:, None]


def _of_one_class() -> Classifier:
    made = Classifier.from_callable(_head, jnp.float32(4.0), head="sigmoid")
    return made.replace(features_fn=lambda gain, images: images, head_fn=_head)


@pytest.mark.parametrize("name", METHODS)
def test_none_is_refused(name):
    method = METHODS[name].build()
    frozen = Explained(classifier=_of_one_class(), infill=Constant(value=0.0)).build()
    images = jnp.zeros((32, 64, 64, 3))
    if method.check is not None:
        method.check(frozen, images.shape)
    nothing = jnp.zeros(32, jnp.int32)
    batch = Batch(
        images=images, target=nothing, image_id=nothing.astype(jnp.uint32), weight=nothing + 1.0
    )
    found = jax.eval_shape(method.explain, (), frozen, batch, jax.random.key(0))
    assert found.saliency.shape == (32, 64, 64, 1)
