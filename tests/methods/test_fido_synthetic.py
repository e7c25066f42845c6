"""FIDO on pictures whose generator is known, so that the infill is exact (FIDO, sec. 3.3)."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.method import Frozen
from xai_jax.core.rng import image_ids
from xai_jax.core.types import Batch
from xai_jax.infills import blur, oracle
from xai_jax.methods import fido
from xai_jax.methods.fido import composites

WIDTHS = (784, 400, 200, 50)


def _mlp(params, images):
    x = images.reshape(images.shape[0], -1)
    for i, (weight, bias) in enumerate(params):
        x = x @ weight + bias
        x = jax.nn.leaky_relu(x) if i < len(params) - 1 else x
    return x


def _trained(mixture, steps=400):
    """The reference's classifier: an MLP, Adam 1e-3, 6,000 pictures."""
    num_classes = mixture.shape[0]
    sizes = (*WIDTHS, num_classes)
    keys = jax.random.split(jax.random.key(0), len(sizes))
    params = [
        (jax.random.normal(key, (m, n)) * np.sqrt(2 / m), jnp.zeros(n))
        for key, m, n in zip(keys, sizes[:-1], sizes[1:], strict=False)
    ]
    target = jnp.arange(6000) % num_classes
    images = oracle.draw(mixture, target, jax.random.key(1))
    tx = optax.adam(1e-3)

    @jax.jit
    def train(params):
        def loss(params, rows):
            logits = _mlp(params, images[rows])
            return optax.softmax_cross_entropy_with_integer_labels(logits, target[rows]).mean()

        def step(carry, key):
            params, state = carry
            rows = jax.random.randint(key, (100,), 0, 6000)
            updates, state = tx.update(jax.grad(loss)(params, rows), state)
            return (optax.apply_updates(params, updates), state), None

        keys = jax.random.split(jax.random.key(2), steps)
        return jax.lax.scan(step, (params, tx.init(params)), keys)[0][0]

    return Classifier.from_callable(_mlp, train(params))


@pytest.fixture(scope="module", params=["blocks", "dots"])
def world(request):
    mixture = getattr(oracle, request.param)()
    target = jnp.arange(4, dtype=jnp.int32)
    images = oracle.draw(mixture, target, jax.random.key(7))
    batch = Batch(
        images=images,
        target=target,
        image_id=jnp.asarray(image_ids(np.asarray(images))),
        weight=jnp.ones(4),
    )
    return mixture, _trained(mixture), batch


def _bernoulli(params, images, keep, keys):
    del keep
    one = lambda key: jax.random.bernoulli(key, params, images.shape[1:])  # noqa: E731
    return jax.vmap(one)(keys).astype(jnp.float32)


def explain(world, infill, game=fido.Game.SSR):
    _, classifier, batch = world
    cfg = fido.Config(game=game, grids=(28,), num_steps=100, num_samples=16, area_weight=1e-2)
    run = jax.jit(cfg.build().explain)
    return run((), Frozen(classifier=classifier, infill=infill), batch, jax.random.key(0))


def kept_off_the_shape(world, keep):
    """Pixels ``[b]`` outside the class-defining shape that are more likely kept than dropped."""
    mixture, _, batch = world
    return np.asarray(((keep > 0.5) & (mixture[batch.target] < 0.5)).sum((1, 2, 3)))


def test_with_the_oracle_hardly_a_pixel_off_the_shape_is_kept_and_heuristics_keep_many(world):
    """A few pixels give the class away and the oracle restores the rest; a blur or noise cannot."""
    mixture, classifier, _ = world
    exact = explain(world, oracle.Oracle(mixture=mixture).build(classifier)).keep
    blurred = explain(world, blur.Blur(sigma=2.0).build(classifier)).keep
    noisy = explain(world, Infill.from_callable(_bernoulli, 0.2)).keep
    # Of 656 to 752 pixels off the shape; dark pixels where a rival's shape would be are evidence.
    assert kept_off_the_shape(world, exact).mean() <= 5
    assert kept_off_the_shape(world, blurred).min() >= 40
    assert kept_off_the_shape(world, noisy).min() >= 200


def test_with_the_oracle_the_shape_is_kept_more_densely_than_the_rest(world):
    mixture, classifier, batch = world
    keep = explain(world, oracle.Oracle(mixture=mixture).build(classifier)).keep
    floor = float(keep.min())  # 100 steps of rate 0.05 cannot bring a probability to 0
    shapes = np.asarray(mixture[batch.target] > 0.5)
    for k, shape in zip(np.asarray(keep) - floor, shapes, strict=True):
        assert k[shape].mean() > 1.2 * k[~shape].mean()


def test_the_logged_regulariser_is_the_references(world):
    mixture, classifier, _ = world
    infill = oracle.Oracle(mixture=mixture).build(classifier)
    trace = explain(world, infill, fido.Game.SDR).numbers
    np.testing.assert_array_equal(trace["penalty"][:, 0], 0.0)
    # Logged by the reference: 0.13066 at step 1, (1/30) * 0.01 * 784 * about one half.
    np.testing.assert_allclose(trace["penalty"][:, 1], 0.13066, rtol=0.03)


def test_against_the_oracle_destroying_is_hard(world):
    """The kept pixels still give the class away, and the oracle restores the rest."""
    mixture, classifier, batch = world
    infill = oracle.Oracle(mixture=mixture).build(classifier)
    trace = explain(world, infill, fido.Game.SDR).numbers
    first, last = trace["log_odds"][:, 0].mean(), trace["log_odds"][:, -1].mean()
    assert last > 0.5 * first > 0


def test_the_expected_score_under_the_oracle_equals_the_enumeration():
    """Four pixels, every mask and every picture the oracle can draw: an exact E_q[score]."""
    mixture = jnp.array([[0.9, 0.2, 0.6, 0.3], [0.1, 0.7, 0.5, 0.8]]).reshape(2, 2, 2, 1)
    classifier = Classifier.from_callable(_exact_logits, mixture)
    images = jnp.array([1.0, 0.0, 1.0, 1.0]).reshape(1, 2, 2, 1)
    drop = jnp.array([0.2, 0.5, 0.7, 0.35]).reshape(1, 2, 2, 1)
    target = jnp.array([0])
    exact = 0.0
    for bits in itertools.product([0.0, 1.0], repeat=4):
        keep = jnp.array(bits).reshape(1, 2, 2, 1)
        chance = float(jnp.prod(jnp.where(keep == 1, 1 - drop, drop)))
        posterior = jnp.exp(oracle.log_posterior(mixture, images, keep))[0]
        for k, lit in itertools.product(range(2), itertools.product([0.0, 1.0], repeat=4)):
            drawn = jnp.array(lit).reshape(1, 2, 2, 1)
            likely = jnp.prod(jnp.where(drawn == 1, mixture[k], 1 - mixture[k]))
            score = classifier.log_odds(keep * images + (1 - keep) * drawn, target)[0]
            exact += chance * float(posterior[k] * likely * score)
    batch = Batch(
        images=images, target=target, image_id=jnp.array([3], jnp.uint32), weight=jnp.ones(1)
    )
    infill = oracle.Oracle(mixture=mixture).build(classifier)
    keys = jax.random.split(jax.random.key(5), 40_000)[None]
    frozen = Frozen(classifier=classifier, infill=infill)
    estimate = composites.mean_log_odds(frozen, batch, images, drop, keys, 1e-4)
    # The score spreads over about +-5 nats; 40,000 draws leave a standard error of 0.015.
    np.testing.assert_allclose(estimate, [exact], atol=0.06)


def _exact_logits(params, images):
    return oracle.log_posterior(params, images, jnp.ones(images.shape))
