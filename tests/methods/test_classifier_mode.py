"""The classifier in training mode while the Explainer learns: its passes, drift and dropout."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import normed
import numpy as np
import optax
import planted
import pytest
from flax import linen
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from configs.smoke.straight_line import LineData, LineStream
from xai_jax.core.classifier import Classifier
from xai_jax.core.classifier_training import with_statistics
from xai_jax.core.method import Explained, Frozen
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.types import Batch
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.methods.explainer import ClassifierMode
from xai_jax.methods.mask_learner import mask_learner
from xai_jax.nn.segmenter import Segmenter
from xai_jax.runtime import weights_file
from xai_jax.runtime.weights_file import WeightsFile
from xai_jax.train.fit import fit

CLASSES, ROWS, SIDE = 3, 16, 4
TRAINING = ClassifierMode.TRAIN_LIKE_REFERENCE


class Points(linen.Module):
    """The smallest network of its kind: each pixel by its colour and its place."""

    num_classes: int

    @linen.compact
    def __call__(self, normalised, training=None):
        shape = (*normalised.shape[1:3], self.num_classes)
        place = self.param("place", linen.initializers.normal(1.0), shape)
        return linen.Conv(self.num_classes, (1, 1))(normalised) + place


@dataclasses.dataclass(slots=True, kw_only=True)
class Tiny(Segmenter):
    def build(self):
        return Points(self.num_classes)


def config(mode: ClassifierMode = TRAINING, **changes) -> explainer.Config:
    network = Tiny(num_classes=CLASSES)
    return explainer.Config(network=network, classifier_mode=mode, max_targets=CLASSES, **changes)


def frozen_of(classifier: Classifier) -> Frozen:
    return Frozen(classifier=classifier, infill=Mean().build(classifier))


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    return frozen_of(normed.classifier(CLASSES))


@pytest.fixture(scope="module")
def batch() -> Batch:
    draw = np.random.default_rng(1)
    weight = np.ones(ROWS, np.float32)
    weight[[0, 1, 5]] = 0  # padding; of eight devices the first has nothing else
    return Batch(
        images=jnp.asarray(draw.random((ROWS, SIDE, SIDE, 3), np.float32)),
        target=jnp.zeros(ROWS, jnp.int32),
        image_id=jnp.arange(20, 20 + ROWS, dtype=jnp.uint32),
        weight=jnp.asarray(weight),
        labels=jnp.asarray(draw.integers(0, 2, (ROWS, CLASSES)), jnp.float32),
    )


@pytest.fixture(scope="module")
def state(frozen, batch):
    return jax.jit(config().build().trainable.init)(jax.random.key(1), frozen, batch)


@pytest.fixture(scope="module")
def stepped(state, frozen, batch):
    return jax.jit(config().build().trainable.step)(state, frozen, batch, jax.random.key(2))


def parts(params, batch) -> list[np.ndarray]:
    """What is kept of the pictures and what is removed, in double precision; of `Points`."""
    conv, place = params["Conv_0"], np.asarray(params["place"], np.float64)
    images = np.asarray(batch.images, np.float64)
    kernel = np.asarray(conv["kernel"], np.float64)[0, 0]
    drawn = (images - normed.MEAN) / normed.STD @ kernel + np.asarray(conv["bias"]) + place
    shown = np.asarray(batch.labels)[:, None, None] > 0
    keep = 1 / (1 + np.exp(-np.where(shown, drawn, -np.inf).max(axis=3, keepdims=True)))
    return [part * images + (1 - part) * normed.MEAN for part in (keep, 1 - keep)]


def wrong(logits, batch) -> np.ndarray:
    labels = np.asarray(batch.labels)
    return (np.logaddexp(0, logits) - logits * labels).mean(1)


def unsure(logits) -> np.ndarray:
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return (np.exp(log) * log).mean(1)


def first_moment(state):
    """Adam's running mean of the gradient: after one step a tenth of it."""
    return state.opt_state[0].mu


def alike(found, wanted, rtol=2e-5):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=rtol, atol=2e-6), found, wanted)


# --- batch norm ---------------------------------------------------------------------------------


def test_the_statistics_move_by_the_kept_part_and_then_by_the_removed(
    state, frozen, batch, stepped
):
    after, metrics = stepped
    kept, removed = parts(state.params, batch)
    by_hand = normed.InNumpy(frozen.classifier)
    on_kept = by_hand.passed(kept, batch.weight)
    on_removed = by_hand.passed(removed, batch.weight)
    norm = after.classifier_statistics["norm"]
    np.testing.assert_allclose(norm["mean"], by_hand.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm["var"], by_hand.var, rtol=1e-4)
    mean = functools.partial(np.average, weights=np.asarray(batch.weight))
    found = {name: float(metrics[name]) for name in ("classification", "entropy")}
    assert found["classification"] == pytest.approx(mean(wrong(on_kept, batch)), rel=1e-4)
    assert found["entropy"] == pytest.approx(mean(unsure(on_removed)), rel=1e-4)
    begun = state.classifier_statistics["norm"]["mean"]
    np.testing.assert_array_equal(begun, frozen.classifier.params["statistics"]["norm"]["mean"])
    assert np.abs(norm["mean"] - begun).max() > 0.02


def test_a_validation_uses_the_moved_statistics_and_moves_nothing(frozen, batch, stepped):
    after, _ = stepped
    trainable = config().build().trainable
    given = (trainable.weights(after), after, frozen, batch, jax.random.key(0))
    found = jax.jit(trainable.measure)(*given)
    kept, removed = parts(after.params, batch)
    by_hand = normed.InNumpy(with_statistics(frozen.classifier, after.classifier_statistics))
    np.testing.assert_allclose(found["classification"], wrong(by_hand.used(kept), batch), rtol=1e-4)
    np.testing.assert_allclose(found["entropy"], unsure(by_hand.used(removed)), rtol=1e-4)
    begun = normed.InNumpy(frozen.classifier)
    assert np.abs(wrong(begun.used(kept), batch) - found["classification"]).max() > 1e-3


def test_micro_batches_hand_the_statistics_from_one_to_the_next(state, frozen, batch):
    step = config(micro_batches=2).build().trainable.step
    after, _ = jax.jit(step)(state, frozen, batch, jax.random.key(2))
    by_hand = normed.InNumpy(frozen.classifier)
    both = parts(state.params, batch)
    for first in range(2):
        for part in both:
            by_hand.passed(part[first::2], batch.weight[first::2])
    norm = after.classifier_statistics["norm"]
    np.testing.assert_allclose(norm["mean"], by_hand.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm["var"], by_hand.var, rtol=1e-4)


def test_eight_devices_drift_as_one_does_under_jit_and_under_pmap(state, frozen, batch, stepped):
    def compared(found):
        after, metrics = found
        return after.classifier_statistics, first_moment(after), metrics

    step, key = config().build().trainable.step, jax.random.key(2)
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))
    alike(compared(jax.jit(step)(state, frozen, spread, key)), compared(stepped), rtol=2e-4)
    split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), batch)
    mapped = jax.pmap(
        functools.partial(step, axis_name="data"), axis_name="data", in_axes=(None, None, 0, None)
    )(state, frozen, split, key)
    for device in (0, 7):
        found = jax.tree.map(lambda x, device=device: x[device], compared(mapped))
        alike(found, compared(stepped), rtol=2e-4)


def test_the_gradient_goes_through_the_batchs_own_statistics(state, frozen, batch):
    others = ("entropy", "variation", "bound", "target_area", "other_area")
    cfg = config(**{f"{name}_weight": 0.0 for name in others})
    after, _ = jax.jit(cfg.build().trainable.step)(state, frozen, batch, jax.random.key(2))
    gradient = jax.tree.map(lambda x: 10 * np.asarray(x, np.float64), first_moment(after))
    draw = np.random.default_rng(3)
    way = jax.tree.map(lambda x: draw.normal(size=x.shape), state.params)

    def loss(length):
        params = jax.tree.map(lambda x, w: np.float64(x) + length * w, state.params, way)
        kept, _ = parts(params, batch)
        logits = normed.InNumpy(frozen.classifier).passed(kept, batch.weight)
        return np.average(wrong(logits, batch), weights=np.asarray(batch.weight))

    slope = sum(jax.tree.leaves(jax.tree.map(lambda g, w: (g * w).sum(), gradient, way)))
    assert slope == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-3)
    assert abs(slope) > 1e-3


def test_of_the_classifier_nothing_but_its_statistics_is_in_the_state(state, stepped):
    after, _ = stepped
    names = {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(after.params)}
    assert names == {"['Conv_0']['bias']", "['Conv_0']['kernel']", "['place']"}
    assert set(after.classifier_statistics["norm"]) == {"mean", "var"}
    assert jax.tree.structure(first_moment(after)) == jax.tree.structure(state.params)


# --- dropout ------------------------------------------------------------------------------------


def asked_twice() -> Frozen:
    return frozen_of(normed.dropping(64))


def judged_twice(frozen, batch, draw, key, ask):
    """Two passes on the same pictures: what they say, and by how much they differ."""
    del frozen, key
    first, second = ask(batch.images), ask(batch.images)
    differ = jnp.abs(first - second).sum(axis=1)
    return draw(batch.images).mean(axis=(1, 2, 3)), {"first": first.sum(axis=1), "differ": differ}


def test_each_pass_drops_anew_and_a_pictures_draws_do_not_depend_on_its_batch():
    frozen = asked_twice()
    made = mask_learner(Points(1), optax.sgd(0.1), judged_twice, classifier_trains=True)
    images = jnp.asarray(np.random.default_rng(0).random((4, 2, 2, 64), np.float32))
    ids = jnp.array([7, 3, 9, 4], jnp.uint32)
    batch = Batch(images=images, target=jnp.zeros(4, jnp.int32), image_id=ids, weight=jnp.ones(4))
    state = made.trainable.init(jax.random.key(0), frozen, batch)
    assert state.classifier_statistics == {}
    step = jax.jit(made.trainable.step)

    def said(weight, rows=slice(None), number=0):
        some = jax.tree.map(lambda x: x[rows], batch.replace(weight=jnp.asarray(weight)))
        metrics = step(state, frozen, some, jax.random.key(number))[1]
        return float(metrics["first"]), float(metrics["differ"])

    alone = said(np.array([0.0, 1.0, 0.0, 0.0]))
    assert alone[1] > 1.0
    assert said(np.array([0.0, 1.0, 0.0, 0.0]), slice(None, None, -1)) == pytest.approx(alone)
    assert said(np.array([0.0, 1.0, 0.0, 0.0]), slice(1, 3)) == pytest.approx(alone)
    assert abs(said(np.array([0.0, 1.0, 0.0, 0.0]), number=1)[0] - alone[0]) > 1e-2


# --- what stays as it is ------------------------------------------------------------------------


def test_a_classifier_that_could_be_trained_changes_no_byte_of_a_run_in_eval_mode(frozen, batch):
    made = config(ClassifierMode.EVAL).build()
    found = []
    for classifier in (frozen.classifier, frozen.classifier.replace(training=None)):
        one = frozen_of(classifier)
        begun = jax.jit(made.trainable.init)(jax.random.key(1), one, batch)
        assert begun.classifier_statistics == ()
        stepped = jax.jit(made.trainable.step)(begun, one, batch, jax.random.key(2))
        found.append(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(stepped)))
    assert found[0] == found[1]


def test_the_parts_share_one_call_in_eval_mode_and_have_one_each_in_training_mode(frozen, batch):
    shapes = []

    def spied(params, normalised, **given):
        shapes.append((normalised.shape[0], bool(given)))
        if given:
            return normed.training_features(params, normalised, **given)
        return normed.logits(params, normalised)

    training = dataclasses.replace(frozen.classifier.training, features_fn=spied)
    one = frozen_of(frozen.classifier.replace(apply_fn=spied, training=training))
    for mode in ClassifierMode:
        made = config(mode).build()
        begun = jax.eval_shape(made.trainable.init, jax.random.key(1), one, batch)
        jax.eval_shape(made.trainable.step, begun, one, batch, jax.random.key(2))
    assert shapes == [(2 * ROWS, False), (ROWS, True), (ROWS, True)]


def test_what_is_exported_explains_without_the_classifiers_statistics(
    tmp_path, frozen, batch, stepped
):
    after, _ = stepped
    cfg = config()
    made = cfg.build()
    file = WeightsFile(
        kind="explainer", config=cfg, preprocess=Preprocess(), class_names=("a", "b", "c")
    )
    learned = made.trainable.weights(after)
    content = weights_file.read(file(learned, tmp_path))
    assert {path.split("/")[0] for path in content.arrays} == {"params"}  # Points has no statistics
    weights = weights_file.weights(content, learned, "")
    explain = jax.jit(cfg.build().explain)
    found = explain(weights, frozen, batch, jax.random.key(0)).class_keep
    wanted = explain(learned, frozen, batch, jax.random.key(0)).class_keep
    np.testing.assert_array_equal(found, wanted)


# --- a run --------------------------------------------------------------------------------------


def run(**changes) -> Experiment:
    return Experiment(
        method=config(learning_rate=1e-2),
        data=LineData(),
        explained=Explained(classifier=normed.Normed(channels=1), infill=Mean()),
        validation=Validation(data=LineData(num=10, seed=1, endless=False), every=4),
        num_steps=8,
        batch_size=8,
        log_every=2,
        checkpoint_every=2,
        **changes,
    )


def test_a_run_that_was_stopped_ends_with_the_same_bytes_of_the_drifted_statistics_too(
    tmp_path, monkeypatch
):
    straight = fit(run(), tmp_path / "straight").state
    taken, real = [], LineStream.__next__

    def limited(self):
        taken.append(None)
        if len(taken) >= 7:
            raise InterruptedError("stopped")
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(LineStream, "__next__", limited)
        with pytest.raises(InterruptedError):
            fit(run(), tmp_path / "stopped")
    again = fit(run(), tmp_path / "stopped").state
    assert jax.tree.structure(again) == jax.tree.structure(straight)
    jax.tree.map(np.testing.assert_array_equal, again, straight)
    lines = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("straight", "stopped")]
    assert lines[0] == lines[1]
    begun = normed.classifier(channels=1).params["statistics"]["norm"]["mean"]
    moved = straight.classifier_statistics["norm"]["mean"]
    assert np.abs(np.asarray(moved) - begun).max() > 0.02


# --- refusals -----------------------------------------------------------------------------------


def test_a_classifier_whose_training_is_not_known_is_refused_before_anything_is_compiled(batch):
    made, key = config().build(), jax.random.key(0)
    for classifier in (planted.quadrant(), normed.classifier().replace(training=None)):
        frozen = frozen_of(classifier)
        state = jax.eval_shape(made.trainable.init, key, frozen, batch)
        with pytest.raises(ValueError, match=r"use vgg16, resnet50_batch_norm .* to EVAL\."):
            jax.eval_shape(made.trainable.step, state, frozen, batch, key)
        weights = jax.eval_shape(made.trainable.weights, state)
        found = jax.eval_shape(made.explain, weights, frozen, batch, key)  # which does not ask it
        assert found.class_keep.shape[:1] == batch.target.shape


def test_the_self_explaining_variant_has_no_classifier_to_put_into_training_mode():
    with pytest.raises(ValueError, match="self_explaining never asks the classifier"):
        config(self_explaining=True).build()
