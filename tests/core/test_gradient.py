"""The one place that averages, against means worked by hand, with padding and under pmap."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.types import Batch

VALUES = np.array([1.0, 2.0, 6.0, 100.0], np.float32)
WEIGHT = np.array([1.0, 1.0, 1.0, 0.0], np.float32)  # the last row is padding


def batch_of(values, weight) -> Batch:
    images = jnp.asarray(values).reshape(-1, 1, 1, 1)
    ids = jnp.arange(len(values), dtype=jnp.uint32)
    return Batch(images=images, target=ids.astype(jnp.int32), image_id=ids, weight=weight)


def loss(params, statistics, batch):
    x = batch.images[:, 0, 0, 0]
    return params * x**2, {"x": x}, statistics


def test_the_mean_runs_over_the_real_pictures_only():
    sums, grad, _ = mean_loss_and_grad(loss, jnp.float32(3.0), (), batch_of(VALUES, WEIGHT))
    mean_square = (1 + 4 + 36) / 3
    np.testing.assert_allclose(sums["loss"], 3 * mean_square, rtol=1e-6)
    np.testing.assert_allclose(sums["x"], 3.0, rtol=1e-6)
    np.testing.assert_allclose(grad, mean_square, rtol=1e-6)


def test_pmap_with_padding_unequal_between_devices_gives_the_same_mean():
    values = np.arange(16, dtype=np.float32)
    weight = np.ones(16, np.float32)
    weight[[0, 1, 5]] = 0.0  # device 0 has only padding, device 2 has one
    split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), batch_of(values, weight))
    step = jax.pmap(
        lambda params, batch: mean_loss_and_grad(loss, params, (), batch, axis_name="d"),
        axis_name="d",
        in_axes=(None, 0),
    )
    sums, grad, _ = step(jnp.float32(2.0), split)
    real = values[weight == 1]
    np.testing.assert_allclose(sums["loss"], np.full(8, 2 * (real**2).mean()), rtol=1e-6)
    np.testing.assert_allclose(grad, np.full(8, (real**2).mean()), rtol=1e-6)


def test_a_batch_of_nothing_but_padding_gives_zero_and_not_nan():
    sums, grad, _ = mean_loss_and_grad(loss, jnp.float32(2.0), (), batch_of(VALUES, 0 * WEIGHT))
    assert sums["loss"] == 0.0 and grad == 0.0
