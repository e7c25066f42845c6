"""FIDO against its formulas, exact enumeration and planted evidence."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.optimise import linear_decay
from xai_jax.core.rng import example_keys, fold_each
from xai_jax.core.types import Batch
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Constant
from xai_jax.infills.noise import RandomColour
from xai_jax.methods import fido
from xai_jax.methods.fido import composites, gate, method

SIZE = 16


def frozen_quadrants() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier=classifier, infill=Constant(value=planted.DARK).build(classifier))


def explain(cfg, frozen, batch, seed=0):
    run = cfg.build().explain
    return jax.jit(lambda frozen, batch, key: run((), frozen, batch, key))(
        frozen, batch, jax.random.key(seed)
    )


@pytest.mark.parametrize(
    ("drop", "noise", "keep"),
    [
        (0.5, 0.4, 0.982954),
        (0.5, 0.5, 0.5),
        (0.5, 0.6, 0.017046),
        (0.2, 0.79, 0.648782),
        (0.2, 0.81, 0.345889),
        (0.9, 0.1, 0.5),
        (0.9, 0.12, 0.114260),
    ],
)
def test_the_gate_has_the_reference_values(drop, noise, keep):
    soft = gate.soft_keep(
        gate.guarded_logit(jnp.float32(drop)), gate.guarded_logit(jnp.float32(noise)), 0.1
    )
    np.testing.assert_allclose(soft, keep, atol=2e-5)  # float32 of values given to six digits


@pytest.mark.parametrize(("drop", "between"), [(0.1, 0.05), (0.3, 0.12), (0.5, 0.15)])
def test_gates_open_with_one_minus_the_drop_probability_and_are_seldom_between(drop, between):
    noise = jax.random.uniform(jax.random.key(0), (200_000,))
    soft = gate.soft_keep(
        gate.guarded_logit(jnp.float32(drop)), gate.guarded_logit(jnp.float32(noise)), 0.1
    )
    np.testing.assert_allclose((soft > 0.5).mean(), 1 - drop, atol=0.004)  # 4 standard errors
    np.testing.assert_allclose(((soft > 0.05) & (soft < 0.95)).mean(), between, atol=0.01)


def test_the_gradient_of_the_gate_is_finite_where_the_probability_is_nearly_zero_or_one():
    logits = jnp.array([-80.0, -20.0, 0.0, 20.0, 80.0])

    def keep(x):
        drop_logit = gate.guarded_logit(jax.nn.sigmoid(x))
        return gate.soft_keep(drop_logit, jnp.float32(0.3), 0.1).sum()

    assert np.isfinite(jax.grad(keep)(logits)).all()


def test_saturated_grids_give_finite_gates_and_gradients():
    signs = jnp.sign(jax.random.normal(jax.random.key(0), (1, 56, 56, 1)))

    def keep(scale):
        drop = method.drop_probability((scale * signs,), 224, 224)
        return gate.soft_keep(gate.guarded_logit(drop), jnp.float32(0.3), 0.1).sum()

    for scale in (10.0, 16.0, 17.0, 30.0, 200.0):
        value, slope = jax.jit(jax.value_and_grad(keep))(jnp.float32(scale))
        assert np.isfinite(value) and np.isfinite(slope), scale


def test_the_penalty_follows_the_published_warm_up():
    """The reference logs 0 at step 0 and 0.13066 at step 1: 28 x 28, weight 1e-2, warm-up 30."""
    cfg = fido.Config(game=fido.Game.SDR, grids=(28,), num_steps=2, num_samples=1, area_weight=1e-2)
    batch = planted.quadrant_batch(1, 28, jax.random.key(0))
    trace = explain(cfg, frozen_quadrants(), batch).numbers
    assert trace["penalty"][0, 0] == 0.0
    # (1/30) * 0.01 * 784 * 0.5 = 0.13067; one step of rate 0.025 moves p by at most 0.6 %.
    np.testing.assert_allclose(trace["penalty"][0, 1], 0.13066, rtol=0.01)


def test_the_learning_rate_falls_linearly_and_would_be_zero_after_the_last_update():
    rates = [float(linear_decay(0.4, 4)(i)) for i in range(4)]
    np.testing.assert_allclose(rates, [0.4, 0.3, 0.2, 0.1], rtol=1e-6)


def test_the_temperature_falls_geometrically_to_the_published_one():
    cfg = fido.Config(num_steps=3, initial_temperature=0.9)
    found = [float(method._temperature(cfg, jnp.int32(step))) for step in range(3)]
    np.testing.assert_allclose(found, [0.9, 0.3, 0.1], rtol=1e-6)
    constant = [float(method._temperature(fido.Config(), jnp.int32(s))) for s in (0, 150, 299)]
    np.testing.assert_allclose(constant, 0.1, rtol=1e-6)


def _two_by_two():
    """A classifier nonlinear in four pixels, one picture, and unequal drop probabilities."""
    classifier = Classifier.from_callable(_xor_logits)
    images = jnp.array([0.9, 0.1, 0.6, 0.8]).reshape(1, 2, 2, 1)
    batch = Batch(
        images=images,
        target=jnp.array([1]),
        image_id=jnp.array([7], jnp.uint32),
        weight=jnp.ones(1),
    )
    drop = jnp.array([0.2, 0.5, 0.7, 0.35]).reshape(1, 2, 2, 1)
    return classifier, batch, drop


def _xor_logits(params, images):
    del params
    a, b, c, d = images.reshape(-1, 4).T
    return jnp.stack([4 * a * b, 6 * a * d - 3 * c * b, 2 * c], axis=-1)


def test_the_expected_score_equals_the_sum_over_all_masks():
    classifier, batch, drop = _two_by_two()
    infill = Constant(value=0.3).build(classifier)
    exact = 0.0
    for bits in itertools.product([0.0, 1.0], repeat=4):
        keep = jnp.array(bits).reshape(1, 2, 2, 1)
        chance = jnp.prod(jnp.where(keep == 1, 1 - drop, drop))
        exact += chance * classifier.log_odds(keep * batch.images + (1 - keep) * 0.3, batch.target)
    keys = example_keys(jax.random.key(1), batch.image_id)
    keys = jax.vmap(lambda s: fold_each(keys, s), out_axes=1)(jnp.arange(40_000))
    frozen = Frozen(classifier=classifier, infill=infill)
    context = infill.prepare(batch.images)
    # A cold gate is a Bernoulli draw; 40,000 draws of a score in about +-3 leave 0.01 of noise.
    estimate = composites.mean_log_odds(frozen, batch, context, drop, keys, temperature=1e-4)
    np.testing.assert_allclose(estimate, exact, atol=0.04)


@pytest.mark.parametrize("game", fido.Game)
def test_the_bright_quadrant_is_found(game):
    batch = planted.quadrant_batch(4, SIZE, jax.random.key(3))
    cfg = dataclasses.replace(fido.Config.smoke(), game=game, num_steps=100, area_weight=0.02)
    found = explain(cfg, frozen_quadrants(), batch).saliency
    truth = planted.quadrant_maps(batch.target, SIZE)
    inside = (found * truth).sum((1, 2, 3)) / truth.sum((1, 2, 3))
    outside = (found * (1 - truth)).sum((1, 2, 3)) / (1 - truth).sum((1, 2, 3))
    # Keep probabilities run from 0 to 1; within the quadrant dark pixels carry nothing.
    assert (np.asarray(inside - outside) > 0.4).all(), (inside, outside)


def test_keeping_and_dropping_have_opposite_polarity():
    batch = planted.quadrant_batch(1, SIZE, jax.random.key(3))
    smoke = dataclasses.replace(fido.Config.smoke(), area_weight=0.02)
    kept = explain(smoke, frozen_quadrants(), batch)
    dropped = explain(dataclasses.replace(smoke, game=fido.Game.SDR), frozen_quadrants(), batch)
    np.testing.assert_array_equal(kept.saliency, kept.keep - 0.5)
    np.testing.assert_array_equal(dropped.saliency, 0.5 - dropped.keep)
    truth = np.asarray(planted.quadrant_maps(batch.target, SIZE)) == 1
    assert kept.keep[truth].mean() > kept.keep[~truth].mean()
    assert dropped.keep[truth].mean() < dropped.keep[~truth].mean()


def test_the_two_displays_are_the_upsampled_logits_and_the_upsampled_probabilities():
    batch = planted.quadrant_batch(1, SIZE, jax.random.key(3))
    smoke = fido.Config.smoke()
    logits = explain(smoke, frozen_quadrants(), batch).keep
    shown = dataclasses.replace(smoke, display=fido.Display.PROBABILITIES)
    probabilities = explain(shown, frozen_quadrants(), batch).keep
    # With aligned corners both agree at the corners of the image and differ in between.
    for row, column in itertools.product([0, -1], repeat=2):
        np.testing.assert_allclose(logits[0, row, column], probabilities[0, row, column], atol=1e-6)
    assert np.abs(logits - probabilities).max() > 0.005


def test_an_image_is_explained_alike_alone_in_company_and_in_any_order():
    batch = planted.quadrant_batch(4, SIZE, jax.random.key(5))
    together = explain(fido.Config.smoke(), frozen_quadrants(), batch).keep
    backwards = jax.tree.map(lambda x: x[::-1], batch)
    reversed_keep = explain(fido.Config.smoke(), frozen_quadrants(), backwards).keep
    alone = explain(fido.Config.smoke(), frozen_quadrants(), planted.take(batch, slice(2, 3))).keep
    np.testing.assert_allclose(together[2:3], alone, atol=1e-5)
    np.testing.assert_allclose(together, reversed_keep[::-1], atol=1e-5)


def test_different_pictures_and_different_seeds_draw_different_masks():
    batch = planted.quadrant_batch(1, SIZE, jax.random.key(5))
    batch = jax.tree.map(lambda x: jnp.concatenate([x, x]), batch)
    other = dataclasses.replace(batch, image_id=jnp.array([0, 99], jnp.uint32))
    keep = explain(fido.Config.smoke(), frozen_quadrants(), other).keep
    assert np.abs(keep[0] - keep[1]).max() > 1e-3
    again = explain(fido.Config.smoke(), frozen_quadrants(), other, seed=1).keep
    assert np.abs(keep[0] - again[0]).max() > 1e-3


@pytest.mark.parametrize("inner", [2, 4, 7])
def test_an_inner_batch_size_bounds_the_classifier_batch_and_leaves_the_result(inner):
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(5))
    whole = explain(fido.Config.smoke(), frozen_quadrants(), batch)
    seen = []

    def spy(params, images):
        seen.append(images.shape[0])
        return planted._quadrant_logits(params, images)

    frozen = frozen_quadrants()
    spied = dataclasses.replace(frozen.classifier, apply_fn=spy)
    cfg = dataclasses.replace(fido.Config.smoke(), inner_batch_size=inner)
    parts = explain(cfg, dataclasses.replace(frozen, classifier=spied), batch)
    assert max(seen) <= inner
    np.testing.assert_allclose(parts.keep, whole.keep, atol=1e-5)
    np.testing.assert_allclose(parts.numbers["objective"], whole.numbers["objective"], rtol=1e-4)


def test_an_inner_batch_size_below_the_batch_is_refused_in_a_sentence():
    batch = planted.quadrant_batch(3, SIZE, jax.random.key(5))
    cfg = dataclasses.replace(fido.Config.smoke(), inner_batch_size=2)
    with pytest.raises(ValueError, match="inner_batch_size 2 is smaller than the batch of 3"):
        explain(cfg, frozen_quadrants(), batch)


def test_eight_devices_and_pmap_agree_with_one_device():
    batch = planted.quadrant_batch(8, SIZE, jax.random.key(6))
    frozen, key = frozen_quadrants(), jax.random.key(0)
    run = fido.Config.smoke().build().explain
    one = jax.jit(run)((), frozen, batch, key).keep
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))
    eight = jax.jit(run)((), frozen, spread, key)
    assert len(eight.keep.sharding.device_set) == 8
    split = jax.tree.map(lambda x: x.reshape(8, 1, *x.shape[1:]), batch)
    mapped = jax.pmap(run, in_axes=(None, None, 0, None))((), frozen, split, key).keep
    np.testing.assert_allclose(eight.keep, one, atol=1e-5)
    np.testing.assert_allclose(mapped.reshape(one.shape), one, atol=1e-5)


def test_the_infill_gets_hard_masks_and_no_gradient():
    seen = []

    def fill(params, context, keep, keys):
        del params, keys
        jax.debug.callback(lambda k: seen.append(np.unique(k)), keep)
        return context * keep * 0.0 + 0.2

    frozen = frozen_quadrants()
    frozen = dataclasses.replace(frozen, infill=type(frozen.infill)(params=None, fill_fn=fill))
    cfg = dataclasses.replace(fido.Config.smoke(), num_steps=2)
    jax.block_until_ready(
        explain(cfg, frozen, planted.quadrant_batch(1, SIZE, jax.random.key(0))).keep
    )
    jax.effects_barrier()
    assert seen and all(set(values) <= {0.0, 1.0} for values in seen)


def test_a_blur_is_computed_once_an_image_and_not_once_a_step():
    frozen = frozen_quadrants()
    frozen = dataclasses.replace(frozen, infill=Blur(sigma=2.0).build(frozen.classifier))
    batch = planted.quadrant_batch(1, SIZE, jax.random.key(0))
    run = fido.Config.smoke().build().explain
    program = jax.make_jaxpr(run)((), frozen, batch, jax.random.key(0))
    loop = next(e for e in program.eqns if e.primitive.name in {"scan", "jit"} and "scan" in str(e))
    before = program.eqns[: program.eqns.index(loop)]
    assert any("dot_general" in str(e) for e in before)


@pytest.mark.parametrize("field", ["num_steps", "num_samples", "temperature"])
def test_settings_that_cannot_work_are_refused_in_a_sentence(field):
    with pytest.raises(ValueError, match=f"{field} must be"):
        dataclasses.replace(
            fido.Config(), **{field: type(getattr(fido.Config(), field))(0)}
        ).build()


def test_a_fill_and_its_mask_serve_as_many_steps_as_is_asked_for():
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(0))
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=RandomColour().build(classifier))
    still = fido.Config(grids=(8,), num_steps=7, num_samples=2, learning_rate=0.0, infill_every=3)
    scores = np.asarray(explain(still, frozen, batch).numbers["log_odds"])  # nothing moves
    for group in (scores[:, :3], scores[:, 3:6]):
        np.testing.assert_allclose(group, group[:, :1].repeat(3, axis=1), rtol=1e-5)
    changes = np.abs(np.diff(scores, axis=1))
    assert (changes[:, [2, 5]] > 1e-3).all()
    one = jax.tree.map(lambda x: x[1:], batch)
    np.testing.assert_allclose(
        explain(still, frozen, one).numbers["log_odds"], scores[1:], rtol=1e-5
    )


def test_with_a_fixed_infill_the_first_fill_of_several_steps_is_that_of_one():
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(0))
    cfg = fido.Config(grids=(8,), num_steps=1, num_samples=4)
    kept = explain(dataclasses.replace(cfg, infill_every=2), frozen_quadrants(), batch)
    fresh = explain(cfg, frozen_quadrants(), batch)
    np.testing.assert_allclose(kept.keep, fresh.keep, atol=1e-6)


def test_fills_that_stay_and_composites_in_parts_are_refused_in_a_sentence():
    with pytest.raises(
        ValueError, match=r"infill_every is 2 .* and inner_batch_size 4: .*; set infill_every to 1"
    ):
        fido.Config(infill_every=2, inner_batch_size=4).build()
