"""Max-pool's gradient is XLA's: to the first of equals, the border never."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.max_pool import max_pool

# size, stride, pads: those of the ported networks, and some that none has
SHAPES = [
    (2, 2, ((0, 0), (0, 0))),
    (2, 2, ((0, 1), (0, 1))),
    (3, 2, ((0, 0), (0, 0))),
    (3, 2, ((1, 1), (1, 1))),
    (3, 2, ((0, 1), (0, 1))),
    (3, 2, ((1, 0), (0, 2))),
    (3, 1, ((1, 1), (1, 1))),
    (2, 3, ((1, 1), (0, 0))),
    (5, 2, ((2, 2), (2, 2))),
    (4, 4, ((0, 3), (0, 3))),
]


def plain(x, size, stride, pads):
    padding = ((0, 0), *pads, (0, 0))
    window, strides = (1, size, size, 1), (1, stride, stride, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, padding)


def activations(kind: str, shape=(2, 9, 12, 3)) -> jax.Array:
    normal = jax.random.normal(jax.random.key(0), shape)
    return {
        "distinct": normal,
        "many ties": jnp.round(normal),
        "positive part": jax.nn.relu(normal),
        "all equal": jnp.full(shape, -3.0),
    }[kind]


def both_gradients(x, size, stride, pads):
    """Ours and XLA's, for a cotangent of whole numbers: their sums are exact in any order."""
    y = plain(x, size, stride, pads)
    cotangent = jnp.round(16 * jax.random.normal(jax.random.key(1), y.shape))
    pools = (max_pool, plain)
    return [jax.vjp(lambda x, p=p: p(x, size, stride, pads), x)[1](cotangent)[0] for p in pools]


@pytest.mark.parametrize("kind", ["distinct", "many ties", "positive part", "all equal"])
@pytest.mark.parametrize(("size", "stride", "pads"), SHAPES)
def test_value_and_gradient_are_those_of_reduce_window(size, stride, pads, kind):
    x = activations(kind)
    np.testing.assert_array_equal(max_pool(x, size, stride, pads), plain(x, size, stride, pads))
    ours, theirs = both_gradients(x, size, stride, pads)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_every_remainder_of_the_side_by_the_stride(n):
    ours, theirs = both_gradients(activations("many ties", (1, n, n + 1, 2)), 3, 2, ((1, 1),) * 2)
    np.testing.assert_array_equal(ours, theirs)


def test_half_precision_stays_half():
    x = activations("many ties").astype(jnp.bfloat16)
    gradient = jax.grad(lambda x: max_pool(x, 3, 2, ((1, 1), (1, 1))).sum())(x)
    assert gradient.dtype == jnp.bfloat16


def test_under_vmap_each_example_is_pooled_by_itself():
    x = activations("many ties")

    def gradient(x):
        return jax.grad(lambda x: (max_pool(x, 3, 2, ((1, 1), (1, 1))) ** 2).sum())(x)

    each = jax.vmap(lambda x: gradient(x[None])[0])(x)
    np.testing.assert_array_equal(each, gradient(x))


def test_nan_is_not_hidden():
    x = activations("distinct").at[0, 4, 4, 0].set(jnp.nan)
    assert jnp.isnan(max_pool(x, 3, 2, ((1, 1), (1, 1)))).any()
