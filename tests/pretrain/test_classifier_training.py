"""A new head on a pretrained trunk: its losses and gradients, what is frozen, and what is not."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import normed
import numpy as np
import planted
import pytest

from xai_jax.classifiers import layers
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import classifier

CHANNELS, SIZE, ROWS, CLASSES = 5, 8, 8, 3
SHOWN = np.array([1, 1, 0, 1, 1, 0, 1, 1], np.float32)  # weight 0 is padding


def _features(params, normalised):
    return jax.nn.relu(layers.conv(params["stem"], normalised, stride=2, padding=1))


_hidden = functools.partial(layers.hidden_head, grid=2)


def network(*, hidden: bool = False) -> Classifier:
    """A trunk of one convolution under a head of seven classes that nobody wants any more."""
    draw = lambda *shape: jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)  # noqa: E731
    dense = lambda i, o: {"kernel": draw(i, o), "bias": draw(o)}  # noqa: E731
    params = {"stem": {"kernel": draw(3, 3, 3, CHANNELS), "bias": draw(CHANNELS)}}
    params |= {"classes": dense(6 if hidden else CHANNELS, 7)}
    if hidden:
        params |= {"hidden": [dense(4 * CHANNELS, 16), dense(16, 6)]}
    return Classifier(
        params=params,
        mean=jnp.full(3, 0.5),
        std=jnp.full(3, 0.25),
        apply_fn=_features,
        features_fn=_features,
        head_fn=_hidden if hidden else layers.mean_head,
    )


def frozen_of(explained: Classifier) -> Frozen:
    return Frozen(classifier=explained, infill=Mean().build(explained))


def batch() -> Batch:
    draw = np.random.default_rng(1)
    return Batch(
        images=jnp.asarray(draw.random((ROWS, SIZE, SIZE, 3), np.float32)),
        target=jnp.asarray(draw.integers(0, CLASSES, ROWS), jnp.int32),
        image_id=jnp.arange(10, 10 + ROWS, dtype=jnp.uint32),
        weight=jnp.asarray(SHOWN),
        labels=jnp.asarray(draw.integers(0, 2, (ROWS, CLASSES)), jnp.float32),
    )


def begun(cfg: classifier.Config, frozen: Frozen):
    return jax.jit(cfg.build().init)(jax.random.key(3), frozen, batch())


def stepped(cfg: classifier.Config, frozen: Frozen, state, number: int = 0, data=None):
    key = jax.random.fold_in(jax.random.key(4), number)
    return jax.jit(cfg.build().step)(state, frozen, batch() if data is None else data, key)


def first_moment(opt_state):
    """Adam's running mean of the gradient: after one step a tenth of it."""
    (found,) = [
        leaf for leaf in jax.tree.leaves(opt_state, is_leaf=lambda x: hasattr(x, "mu"))
        if hasattr(leaf, "mu")
    ]  # fmt: skip
    return found.mu


def pooled(frozen: Frozen) -> np.ndarray:
    """What the new head reads, ``[b c]``."""
    return np.asarray(frozen.classifier.features(batch().images)).mean((1, 2))


def test_dropout_of_a_head_of_one_layer_is_of_the_means_of_the_features():
    frozen = frozen_of(network())
    cfg = classifier.Config(num_classes=CLASSES, dropout=0.9999)
    state = begun(cfg, frozen)
    bias, y = np.asarray(state.params["head"]["classes"]["bias"]), np.asarray(batch().labels)
    each = (np.logaddexp(0, bias) - bias * y).mean(1)
    _, metrics = stepped(cfg, frozen, state)
    np.testing.assert_allclose(metrics["loss"], (SHOWN * each).sum() / SHOWN.sum(), rtol=1e-5)


@pytest.mark.parametrize("head", Head)
def test_loss_and_gradient_of_a_head_are_those_worked_out_in_numpy(head):
    frozen = frozen_of(network())
    cfg = classifier.Config(num_classes=CLASSES, head=head)
    state = begun(cfg, frozen)
    layer = jax.tree.map(np.asarray, state.params["head"]["classes"])
    x, shown = pooled(frozen), SHOWN[:, None]
    z = x @ layer["kernel"] + layer["bias"]
    if head is Head.SIGMOID:
        y = np.asarray(batch().labels)
        p = 1 / (1 + np.exp(-z))
        loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(1)
        dz = (p - y) / CLASSES
    else:
        y = np.eye(CLASSES)[np.asarray(batch().target)]
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        loss = -(y * np.log(p)).sum(1)
        dz = p - y
    after, metrics = stepped(cfg, frozen, state)
    np.testing.assert_allclose(metrics["loss"], (SHOWN * loss).sum() / SHOWN.sum(), rtol=1e-4)
    moment = first_moment(after.opt_state)["head"]["classes"]
    np.testing.assert_allclose(
        10 * moment["kernel"], x.T @ (shown * dz) / SHOWN.sum(), rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(
        10 * moment["bias"], (shown * dz).sum(0) / SHOWN.sum(), rtol=1e-3, atol=1e-5
    )
    # Adam's first step is the rate, against the sign of the gradient.
    moved = np.asarray(after.params["head"]["classes"]["bias"]) - layer["bias"]
    np.testing.assert_allclose(moved, -1e-4 * np.sign((shown * dz).sum(0)), rtol=1e-2)


def test_the_measured_decisions_are_those_counted_by_hand():
    frozen = frozen_of(network())
    cfg = classifier.Config(num_classes=CLASSES)
    state = begun(cfg, frozen)
    layer = jax.tree.map(np.asarray, state.params["head"]["classes"])
    z, y = pooled(frozen) @ layer["kernel"] + layer["bias"], np.asarray(batch().labels)
    found = cfg.build().measure(state, state, frozen, batch(), jax.random.key(0))
    np.testing.assert_array_equal(found["true_positives"], ((z >= 0) & (y == 1)).sum(1))
    np.testing.assert_array_equal(found["false_negatives"], ((z < 0) & (y == 1)).sum(1))
    loss = (np.logaddexp(0, z) - z * y).mean(1)
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-4)


def test_the_measured_accuracy_of_a_softmax_head_is_the_share_of_right_answers():
    frozen = frozen_of(network())
    cfg = classifier.Config(num_classes=CLASSES, head=Head.SOFTMAX)
    state = begun(cfg, frozen)
    layer = jax.tree.map(np.asarray, state.params["head"]["classes"])
    z = pooled(frozen) @ layer["kernel"] + layer["bias"]
    found = cfg.build().measure(state, state, frozen, batch(), jax.random.key(0))
    np.testing.assert_array_equal(found["accuracy"], z.argmax(1) == np.asarray(batch().target))
    assert set(found) == {"loss", "accuracy"}


def test_a_frozen_trunk_stays_to_the_bit_and_a_trained_one_does_not():
    frozen = frozen_of(network())
    stem = np.asarray(frozen.classifier.params["stem"]["kernel"])
    for is_frozen in (True, False):
        cfg = classifier.Config(num_classes=CLASSES, trunk_frozen=is_frozen, trunk_rate=1e-2)
        state = begun(cfg, frozen)
        np.testing.assert_array_equal(state.params["trunk"]["stem"]["kernel"], stem)
        for number in range(3):
            state, _ = stepped(cfg, frozen, state, number)
        after = np.asarray(state.params["trunk"]["stem"]["kernel"])
        assert np.array_equal(after, stem) == is_frozen
    # Three steps of Adam at this rate go no further than three times the rate, and a step far.
    assert 1e-2 < np.abs(after - stem).max() < 3.1e-2


def test_the_gradient_of_a_trained_trunk_is_that_of_the_whole_network():
    explained = network()
    frozen = frozen_of(explained)
    cfg = classifier.Config(num_classes=CLASSES, trunk_frozen=False)
    state = begun(cfg, frozen)

    def loss(stem):
        x = _features({"stem": stem}, explained.normalise(batch().images)).mean((1, 2))
        layer = state.params["head"]["classes"]
        z = x @ layer["kernel"] + layer["bias"]
        each = (jnp.logaddexp(0, z) - z * batch().labels).mean(1)
        return (SHOWN * each).sum() / SHOWN.sum()

    wanted = jax.grad(loss)(state.params["trunk"]["stem"])
    after, _ = stepped(cfg, frozen, state)
    rates = {name: first_moment(part) for name, part in after.opt_state.inner_states.items()}
    np.testing.assert_allclose(
        10 * rates["trunk"]["trunk"]["stem"]["kernel"], wanted["kernel"], rtol=1e-3, atol=1e-6
    )


def test_a_new_head_has_the_old_ones_inputs_and_starts_uniform_below_one_over_their_root():
    frozen = frozen_of(network(hidden=True))
    head = begun(classifier.Config(num_classes=CLASSES), frozen).params["head"]
    shapes = [layer["kernel"].shape for layer in (*head["hidden"], head["classes"])]
    assert shapes == [(4 * CHANNELS, 16), (16, 6), (6, CLASSES)]
    for layer in (*head["hidden"], head["classes"]):
        bound = layer["kernel"].shape[0] ** -0.5
        assert 0.7 * bound < np.abs(layer["kernel"]).max() <= bound
        assert 0.2 * bound < np.abs(layer["bias"]).max() <= bound
    old = frozen.classifier.params["hidden"][0]["kernel"]
    assert not np.allclose(head["hidden"][0]["kernel"], old)


def test_dropout_follows_the_picture_and_is_off_where_nothing_is_learned():
    frozen = frozen_of(network(hidden=True))
    cfg = classifier.Config(num_classes=CLASSES, dropout=0.5)
    state = begun(cfg, frozen)
    turned = jax.tree.map(lambda x: x[::-1], batch())
    loss = lambda data, number: float(stepped(cfg, frozen, state, number, data)[1]["loss"])  # noqa: E731
    assert loss(batch(), 0) == pytest.approx(loss(turned, 0), rel=1e-5)
    assert loss(batch(), 0) != pytest.approx(loss(batch(), 1), rel=1e-2)
    whole = {**state.params["trunk"], **state.params["head"]}
    used = dataclasses.replace(frozen.classifier, params=whole)
    z = used.logits_of_features(used.features(batch().images))
    each = (np.logaddexp(0, z) - z * batch().labels).mean(1)
    found = cfg.build().measure(state, state, frozen, batch(), jax.random.key(0))
    np.testing.assert_allclose(found["loss"], each, rtol=1e-4)


def test_a_step_and_its_gradient_have_dropout_in_both_hidden_layers():
    """With nearly all left out, each layer's answer is its bias or nothing."""
    frozen = frozen_of(network(hidden=True))
    cfg = classifier.Config(num_classes=CLASSES, dropout=0.999)
    state = begun(cfg, frozen)
    bias = np.asarray(state.params["head"]["classes"]["bias"])
    y = np.asarray(batch().labels)
    each = (np.logaddexp(0, bias) - bias * y).mean(1)
    _, metrics = stepped(cfg, frozen, state)
    np.testing.assert_allclose(metrics["loss"], (SHOWN * each).sum() / SHOWN.sum(), rtol=1e-5)


def test_micro_batches_and_pmap_make_the_same_step_as_one_batch():
    frozen = frozen_of(network(hidden=True))
    cfg = classifier.Config(num_classes=CLASSES, trunk_frozen=False, trunk_rate=1e-3, dropout=0.5)
    state = begun(cfg, frozen)
    key = jax.random.fold_in(jax.random.key(4), 0)
    whole, metrics = stepped(cfg, frozen, state)
    parts, _ = stepped(dataclasses.replace(cfg, micro_batches=4), frozen, state)
    split = jax.tree.map(lambda x: x.reshape(8, 1, *x.shape[1:]), batch())
    step = functools.partial(cfg.build().step, axis_name="data")
    mapped, each = jax.pmap(step, axis_name="data", in_axes=(None, None, 0, None))(
        state, frozen, split, key
    )
    np.testing.assert_allclose(each["loss"], np.full(8, metrics["loss"]), rtol=1e-5)
    moments = lambda state: [first_moment(s) for s in state.opt_state.inner_states.values()]  # noqa: E731
    for one, other, all8 in zip(
        *(jax.tree.leaves(moments(s)) for s in (whole, parts, mapped)), strict=True
    ):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(all8[3], one, rtol=1e-4, atol=1e-7)


def test_batch_norm_adapts_under_a_frozen_trunk_and_a_validation_goes_by_what_it_became():
    frozen = frozen_of(normed.classifier(num_classes=7))
    cfg = classifier.Config(num_classes=CLASSES)
    state = begun(cfg, frozen)
    assert set(state.params["trunk"]) == {"trunk"} and set(state.params["head"]) == {"classes"}
    whole = {**state.params["trunk"], **state.params["head"], "statistics": state.statistics}
    by_hand = normed.InNumpy(frozen.classifier.replace(params=whole))
    z, y = by_hand.passed(batch().images, SHOWN), np.asarray(batch().labels)
    after, metrics = stepped(cfg, frozen, state)
    each = (np.logaddexp(0, z) - z * y).mean(1)
    np.testing.assert_allclose(metrics["loss"], (SHOWN * each).sum() / SHOWN.sum(), rtol=1e-4)
    np.testing.assert_allclose(after.statistics["norm"]["mean"], by_hand.mean, rtol=1e-4)
    np.testing.assert_allclose(after.statistics["norm"]["var"], by_hand.var, rtol=1e-4)
    jax.tree.map(np.testing.assert_array_equal, after.params["trunk"], state.params["trunk"])

    whole = {**after.params["trunk"], **after.params["head"], "statistics": after.statistics}
    z = normed.InNumpy(frozen.classifier.replace(params=whole)).used(batch().images)
    found = cfg.build().measure(after, after, frozen, batch(), jax.random.key(0))
    np.testing.assert_allclose(found["loss"], (np.logaddexp(0, z) - z * y).mean(1), rtol=1e-4)


def test_batch_norm_adapts_alike_on_one_device_and_on_eight():
    frozen = frozen_of(normed.classifier(num_classes=7))
    cfg = classifier.Config(num_classes=CLASSES, trunk_frozen=False, trunk_rate=1e-3)
    state = begun(cfg, frozen)
    whole, _ = stepped(cfg, frozen, state)
    split = jax.tree.map(lambda x: x.reshape(8, 1, *x.shape[1:]), batch())
    step = functools.partial(cfg.build().step, axis_name="data")
    key = jax.random.fold_in(jax.random.key(4), 0)
    mapped, _ = jax.pmap(step, axis_name="data", in_axes=(None, None, 0, None))(
        state, frozen, split, key
    )
    rates = lambda state: [first_moment(s) for s in state.opt_state.inner_states.values()]  # noqa: E731
    for one, all8 in zip(
        *(jax.tree.leaves((s.statistics, rates(s))) for s in (whole, mapped)), strict=True
    ):
        np.testing.assert_allclose(all8[3], one, rtol=1e-4, atol=1e-6)


def test_the_second_step_does_not_compile():
    frozen = frozen_of(network())
    trainable = classifier.Config(num_classes=CLASSES, trunk_frozen=False).build()
    step = jax.jit(trainable.step)
    state = begun(classifier.Config(num_classes=CLASSES, trunk_frozen=False), frozen)
    for number in range(3):
        state, _ = step(state, frozen, batch(), jax.random.key(number))
    assert step._cache_size() == 1


def test_the_rates_fall_to_nothing_along_a_half_cosine():
    frozen = frozen_of(network())
    cfg = classifier.Config(num_classes=CLASSES, learning_rate=1e-2, decay_steps=2)
    state, steps = begun(cfg, frozen), []
    for number in range(3):
        before = np.asarray(state.params["head"]["classes"]["bias"])
        state, _ = stepped(cfg, frozen, state, number)
        steps.append(np.abs(np.asarray(state.params["head"]["classes"]["bias"]) - before).max())
    # The gradient hardly changes, so that Adam goes by the rate: 1, 1/2 and 0 of it.
    np.testing.assert_allclose(steps, [1e-2, 5e-3, 0.0], rtol=0.05, atol=1e-8)


def test_settings_that_do_not_fit_are_refused_in_one_sentence():
    frozen = frozen_of(network())
    init = classifier.Config(num_classes=CLASSES + 1).build().init
    with pytest.raises(ValueError, match="num_classes is 4, and the data has labels of 3 classes"):
        init(jax.random.key(0), frozen, batch())
    unlabelled = batch().replace(labels=None)
    with pytest.raises(ValueError, match="the data has no labels"):
        classifier.Config(num_classes=3).build().init(jax.random.key(0), frozen, unlabelled)
    with pytest.raises(ValueError, match="one of the networks of xai_jax.classifiers"):
        init = classifier.Config(num_classes=CLASSES).build().init
        init(jax.random.key(0), frozen_of(planted.quadrant()), batch())
    with pytest.raises(ValueError, match=r"dropout must be .* within \[0, 1\), not 1"):
        classifier.Config(num_classes=2, dropout=1.0)
    with pytest.raises(ValueError, match="num_classes must be a whole number of at least 1, not 0"):
        classifier.Config(num_classes=0)
