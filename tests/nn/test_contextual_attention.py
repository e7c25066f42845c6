"""Contextual attention against slow NumPy that goes step by step through the specification."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.nn import contextual_attention as attention

FEATURES = jax.random.normal(jax.random.key(0), (2, 8, 12, 5))
HOLES = np.zeros((2, 8, 12, 1), np.float32)
HOLES[0, 2:5, 3:7] = 1.0
HOLES[1, :3, 8:] = 1.0


def aligned(size, wanted):
    return [int(np.floor(i * (size - 1) / (wanted - 1) + 0.5)) for i in range(wanted)]


def patch(x, y, col, side, first):
    """``[side side c]`` from (y - first, col - first), 0 beyond the border."""
    found = np.zeros((side, side, x.shape[2]))
    for i in range(side):
        for j in range(side):
            if 0 <= y + i - first < x.shape[0] and 0 <= col + j - first < x.shape[1]:
                found[i, j] = x[y + i - first, col + j - first]
    return found


def diagonal(scores):
    """The identity of 3 x 3 over the image of scores."""
    num, out = len(scores), np.zeros_like(scores)
    for i in range(num):
        for j in range(num):
            for d in (-1, 0, 1):
                if 0 <= i + d < num and 0 <= j + d < num:
                    out[i, j] += scores[i + d, j + d]
    return out


def slow(features, holes):
    """One picture, ``[y x c]`` and ``[y x]``."""
    height, width, channels = features.shape
    rows, columns = height // 2, width // 2
    small = features[aligned(height, rows)][:, aligned(width, columns)]
    unknown = holes[aligned(height, rows)][:, aligned(width, columns)][..., None]
    places = [(y, x) for y in range(rows) for x in range(columns)]
    queries = np.array([patch(small, y, x, 3, 1).ravel() for y, x in places])
    lengths = np.maximum(np.sqrt((queries**2).sum(1, keepdims=True)), 1e-4)
    scores = diagonal(queries @ (queries / lengths).T)
    by_column = [y * columns + x for x in range(columns) for y in range(rows)]
    turned = diagonal(scores[np.ix_(by_column, by_column)])
    back = np.argsort(by_column)
    scores = turned[np.ix_(back, back)]
    valid = np.array([patch(unknown, y, x, 3, 1).mean() == 0 for y, x in places], float)
    masked = 10 * scores * valid
    weights = np.exp(masked - masked.max(1, keepdims=True))
    weights = weights / weights.sum(1, keepdims=True) * valid
    out = np.zeros((height + 2, width + 2, channels))
    for q, (y, x) in enumerate(places):
        for p, (v, u) in enumerate(places):
            out[2 * y : 2 * y + 4, 2 * x : 2 * x + 4] += weights[q, p] * patch(
                features, 2 * v, 2 * u, 4, 1
            )
    return out[1:-1, 1:-1] / 4


@pytest.mark.parametrize("at_once", [None, 576, 300, 1])  # 24 x 24 scores a picture
def test_it_is_the_specification_step_by_step_in_any_chunks(at_once):
    found = jax.jit(lambda f, h: attention.contextual_attention(f, h, at_once=at_once))(
        FEATURES, jnp.asarray(HOLES)
    )
    for one, features, holes in zip(found, FEATURES, HOLES, strict=True):
        wanted = slow(np.asarray(features, np.float64), holes[..., 0])
        np.testing.assert_allclose(one, wanted, atol=2e-5)


def test_one_picture_after_the_other_on_one_device(monkeypatch):
    wanted = attention.contextual_attention(FEATURES, jnp.asarray(HOLES), at_once=300)
    monkeypatch.setattr(jax, "device_count", lambda: 1)
    form = jax.jit(lambda f, h: attention.contextual_attention(f, h, at_once=300))
    np.testing.assert_allclose(form(FEATURES, jnp.asarray(HOLES)), wanted, atol=2e-5)


def test_on_several_devices_pictures_stay_where_they_are():
    devices = jax.devices()
    assert len(devices) == 8
    mesh = jax.sharding.Mesh(np.array(devices), "data")
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    given = jnp.tile(FEATURES, (4, 1, 1, 1)), jnp.tile(jnp.asarray(HOLES), (4, 1, 1, 1))
    given = tuple(jax.device_put(x, rows) for x in given)
    form = jax.jit(lambda f, h: attention.contextual_attention(f, h, at_once=300))
    compiled = form.lower(*given).compile()
    assert not re.search("all-gather|all-reduce|all-to-all|collective", compiled.as_text())
    assert compiled(*given).sharding.is_equivalent_to(rows, 4)


def test_nearest_numbers_have_their_corners_aligned():
    # specs: FIDO, sec. 3.2
    np.testing.assert_array_equal(attention.nearest_aligned(4, 8), [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(attention.nearest_aligned(16, 4), [0, 5, 10, 15])


def test_every_picture_has_its_own_holes():
    alone = attention.contextual_attention(FEATURES[1:], jnp.asarray(HOLES[1:]))
    both = attention.contextual_attention(FEATURES, jnp.asarray(HOLES))
    np.testing.assert_allclose(both[1:], alone, atol=1e-5)


def test_where_nothing_is_known_the_answer_is_nothing():
    found = attention.contextual_attention(FEATURES, jnp.ones((2, 8, 12, 1)))
    np.testing.assert_array_equal(found, 0.0)


def test_gradients_are_those_of_finite_differences_in_chunks_too():
    features, holes = FEATURES[:1], jnp.asarray(HOLES[:1])
    weight = jax.random.normal(jax.random.key(1), features.shape)

    def total(features, at_once):
        found = attention.contextual_attention(features, holes, at_once=at_once)
        return (found * weight).sum()

    gradient = jax.jit(jax.grad(total), static_argnums=1)
    gradients = [gradient(features, at_once) for at_once in (None, 300)]
    np.testing.assert_allclose(gradients[1], gradients[0], atol=1e-4)
    step = 1e-3 * gradients[0] / jnp.linalg.norm(gradients[0])  # uphill
    rise = total(features + step, None) - total(features - step, None)
    np.testing.assert_allclose(rise, 2 * (gradients[0] * step).sum(), rtol=2e-2)
    assert np.isfinite(gradient(features.at[:, :4].set(0.0), None)).all()  # patches of nothing


def test_an_odd_side_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="features are 7 x 12; both must be multiples of 2"):
        attention.contextual_attention(FEATURES[:, :7], jnp.ones((2, 7, 12, 1)))
