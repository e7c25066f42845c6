"""The training loop against a NumPy loop, against itself stopped and resumed, and on bad input."""

import dataclasses
import hashlib
import json
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.clothing import classifier_lite0
from configs.smoke.straight_line import FEATURES, OUTPUTS, Line, LineData, LineStream
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.core.method import Explained, Method
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.nn.segmenter import Architecture
from xai_jax.pretrain import classifier
from xai_jax.runtime import metric_log
from xai_jax.train import fit as fit_module
from xai_jax.train.fit import fit
from xai_jax.train.interval import NotFinite
from xai_jax.train.validation import Standing


def experiment(**changes) -> Experiment:
    settings = {
        "method": Line(),
        "data": LineData(),
        "num_steps": 24,
        "batch_size": 8,
        "log_every": 5,
        "checkpoint_every": 6,
        "seed": 3,
    }
    return Experiment(**(settings | changes))


def validated(**changes) -> Validation:
    return Validation(**({"data": LineData(num=20, seed=1, endless=False), "every": 8} | changes))


def leaves(state) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


def digest(outcome, workdir) -> str:
    state = b"".join(leaf.tobytes() for leaf in leaves(outcome.state))
    return hashlib.sha256(state + (workdir / metric_log.NAME).read_bytes()).hexdigest()


@pytest.fixture
def stop_after(monkeypatch):
    """Makes the stream raise after so many batches, as if the process had ended there."""
    real = LineStream.__next__

    def install(num: int | None) -> None:
        taken = Counter()

        def limited(self):
            taken["batches"] += 1
            if num is not None and taken["batches"] > num:
                raise InterruptedError("stopped")
            return real(self)

        monkeypatch.setattr(LineStream, "__next__", limited)

    return install


def test_plain_descent_follows_the_same_loop_in_numpy(tmp_path):
    exp = experiment(
        method=Line(momentum=0.0, noise=0.0), num_steps=7, validation=validated(every=7)
    )
    first = Line().build().init(jax.random.key(3), None, None)["w"]
    outcome = fit(exp, tmp_path)

    x, y = exp.data.rows()
    order = np.concatenate([np.random.default_rng((0, e)).permutation(40) for e in range(2)])
    w = np.asarray(first, np.float64)
    losses = []
    for step in range(7):
        rows = order[step * 8 : step * 8 + 8]
        error = x[rows] @ w - y[rows]
        losses.append(0.5 * (error**2).sum(-1).mean())
        w = w - 0.1 * x[rows].T @ error / 8
    np.testing.assert_allclose(outcome.state["w"], w, rtol=1e-5)
    lines = metric_log.read(tmp_path)
    assert [line["step"] for line in lines] == [5, 6, 7, 7]
    np.testing.assert_allclose(lines[0]["train/loss"], np.mean(losses[:5]), rtol=1e-5)
    np.testing.assert_allclose(lines[1]["train/loss"], losses[5], rtol=1e-5)
    np.testing.assert_allclose(lines[2]["train/square"], losses[6], rtol=1e-5)
    xv, yv = exp.validation.data.rows()  # 20 rows in batches of 8: the last has 4 of padding
    expected = 0.5 * ((xv @ w - yv) ** 2).sum(-1).mean()
    np.testing.assert_allclose(lines[3]["valid/loss"], expected, rtol=1e-5)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("straight")
    return digest(fit(experiment(validation=validated()), workdir), workdir)


@pytest.mark.parametrize("num", [1, 8, 14, 20])
def test_a_run_that_was_stopped_ends_with_the_bytes_of_one_that_was_not(
    straight, tmp_path, stop_after, num
):
    exp = experiment(validation=validated())
    stop_after(num)
    with pytest.raises(InterruptedError):
        fit(exp, tmp_path)
    stop_after(None)
    assert digest(fit(exp, tmp_path), tmp_path) == straight


def test_a_finished_run_is_left_as_it_is(tmp_path):
    exp = experiment()
    before = digest(fit(exp, tmp_path), tmp_path)
    assert digest(fit(exp, tmp_path), tmp_path) == before


def test_each_step_draws_anew_and_the_seed_decides(tmp_path):
    # A learning rate of 0 leaves the loss to the rows, which repeat each epoch, and to the noise.
    still = experiment(method=Line(learning_rate=0.0), data=LineData(num=8), log_every=1)
    fit(still, tmp_path / "a")
    fit(dataclasses.replace(still, seed=4), tmp_path / "b")
    a = [line["train/loss"] for line in metric_log.read(tmp_path / "a")]
    b = [line["train/loss"] for line in metric_log.read(tmp_path / "b")]
    assert len(set(a)) == len(a) == 24
    assert not set(a) & set(b)


def test_one_device_and_eight_and_micro_batches_learn_the_same(tmp_path):
    whole = fit(experiment(batch_size=16), tmp_path / "eight").state
    assert whole["w"].sharding.num_devices == 8
    one = fit(experiment(batch_size=16), tmp_path / "one", jax.devices()[:1]).state
    micro = experiment(batch_size=16, method=Line(micro_batches=2))
    parts = fit(micro, tmp_path / "micro").state
    # Sums in another order, over 24 steps that shrink differences.
    np.testing.assert_allclose(one["w"], whole["w"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(parts["w"], whole["w"], rtol=1e-5, atol=1e-6)


def test_a_run_goes_on_with_another_number_of_devices(tmp_path, stop_after):
    exp = experiment()
    straight = fit(exp, tmp_path / "straight").state
    stop_after(16)
    with pytest.raises(InterruptedError):
        fit(exp, tmp_path / "moved", jax.devices()[:8])
    stop_after(None)
    moved = fit(exp, tmp_path / "moved", jax.devices()[:2])
    assert moved.state["w"].sharding.num_devices == 2
    np.testing.assert_allclose(moved.state["w"], straight["w"], rtol=1e-5, atol=1e-6)


def test_a_start_compiles_the_step_once(tmp_path, monkeypatch):
    traces = Counter()
    build = Line.build

    def counted(self):
        trainable = build(self)

        def step(*args, **kwargs):
            traces["step"] += 1
            return trainable.step(*args, **kwargs)

        return trainable._replace(step=step)

    monkeypatch.setattr(Line, "build", counted)
    fit(experiment(), tmp_path)
    assert traces["step"] == 1


@dataclasses.dataclass(slots=True, kw_only=True)
class Epochs(LineData):
    def steps_per_epoch(self, batch_size):
        return -(-self.num // batch_size)


def test_a_validation_is_once_an_epoch_where_no_number_of_steps_is_set(tmp_path):
    fit(experiment(data=Epochs(num=50), validation=validated(every=0)), tmp_path / "a")
    judged = [line["step"] for line in metric_log.read(tmp_path / "a") if "valid/loss" in line]
    assert judged == [7, 14, 21, 24]
    with pytest.raises(ValueError, match="LineData does not tell how many steps one has"):
        fit(experiment(validation=validated(every=0)), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_training_stops_when_patience_runs_out_and_the_best_checkpoint_stays(tmp_path):
    # It learns at once and then only wanders in the noise, so that the first validations are best.
    settings = validated(every=2, min_delta=0.5, patience=3)
    exp = experiment(
        method=Line(momentum=0.0, learning_rate=0.5), num_steps=200, validation=settings
    )
    outcome = fit(exp, tmp_path)
    values = {
        line["step"]: line["valid/loss"]
        for line in metric_log.read(tmp_path)
        if "valid/loss" in line
    }
    assert outcome.stopped_early and outcome.step < 200
    mark, stale, last_better = np.inf, 0, None
    for step, value in values.items():
        if value < mark - 0.5:
            mark, stale, last_better = value, 0, step
        else:
            stale += 1
    best_step = min(values, key=values.get)  # whatever it is better by
    assert (stale, outcome.standing.best_step) == (3, best_step)
    assert outcome.step == last_better + 2 * 3
    kept = {int(path.name) for path in (tmp_path / fit_module.CHECKPOINTS).iterdir()}
    assert kept == {best_step, outcome.step - 2, outcome.step}
    assert fit(exp, tmp_path).step == outcome.step  # and it stays stopped


@dataclasses.dataclass(frozen=True)
class Left:
    """An export: the arrays as they are."""

    FILE = "left.npz"

    def __call__(self, weights, workdir):
        np.savez(workdir / self.FILE, *leaves(weights))
        return workdir / self.FILE


def test_without_a_metric_that_decides_the_last_state_is_what_is_left(tmp_path):
    settings = validated(every=2, metric=None)
    wild = Line(momentum=0.0, learning_rate=0.5)  # whose first validations are best
    exp = experiment(method=wild, num_steps=24, validation=settings, export=Left())
    outcome = fit(exp, tmp_path)
    assert outcome.standing.best_step is None and not outcome.stopped_early
    weights = leaves(Line().build().weights(outcome.state))
    with np.load(tmp_path / Left.FILE) as left:
        for one, name in zip(weights, left.files, strict=True):
            np.testing.assert_array_equal(left[name], one)
    with pytest.raises(ValueError, match="validation.patience goes by a metric; name one"):
        patient = dataclasses.replace(settings, patience=2)
        fit(experiment(validation=patient), tmp_path / "patient")


@pytest.mark.parametrize("maximise", [False, True])
def test_min_delta_decides_when_to_stop_and_never_which_step_is_best(maximise):
    settings = validated(every=1, min_delta=0.01, patience=4, maximise=maximise)
    standing, sign = Standing(), -1 if maximise else 1
    for step, loss in enumerate((0.5, 0.4, 0.3995, 0.3991, 0.3992, 0.39901)):
        assert not standing.is_over(settings)
        standing = standing.after(step, sign * loss, settings)
    assert (standing.best_step, standing.best) == (5, sign * 0.39901)
    assert standing.stale == 4 and standing.is_over(settings)


def test_a_term_that_becomes_nan_is_named_with_its_step_and_good_checkpoints_stay(tmp_path):
    exp = experiment(method=Line(poison=15))
    with pytest.raises(NotFinite, match=r"^square is nan at step 15 \(and so is loss\)"):
        fit(exp, tmp_path)
    kept = {int(path.name) for path in (tmp_path / fit_module.CHECKPOINTS).iterdir()}
    assert kept == {6, 12}


def test_a_state_that_is_not_finite_is_never_saved(tmp_path):
    exp = experiment(method=Line(poison_gradient=6))
    with pytest.raises(NotFinite, match="of the state is not finite after step 6"):
        fit(exp, tmp_path)
    assert not any(path.name.isdigit() for path in (tmp_path / fit_module.CHECKPOINTS).iterdir())


def picture(step, weights, frozen) -> dict[str, np.ndarray]:
    del weights, frozen
    return {"w": np.full((2, 3, 3), step, np.uint8)}


def test_a_step_gives_the_memory_of_the_state_before_it_away(tmp_path, monkeypatch):
    states, real = {}, fit_module._Run._after

    def after(self, step, state, position):
        states[step] = state
        return real(self, step, state, position)

    monkeypatch.setattr(fit_module._Run, "_after", after)
    # No checkpoint in between: on a CPU the host would look at the very memory of what it saves.
    fit(experiment(num_steps=4, checkpoint_every=4), tmp_path)
    gone = {
        step: {leaf.is_deleted() for leaf in jax.tree.leaves(state)}
        for step, state in states.items()
    }
    assert gone == {1: {True}, 2: {True}, 3: {True}, 4: {False}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboardX itself
def test_tensorboard_gets_the_names_of_every_metric_where_it_is_wanted(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX, an extra, is not installed")
    fit(experiment(tensorboard=True, validation=validated()), tmp_path / "with")
    files = list((tmp_path / "with" / "tensorboard").glob("events.out.tfevents.*"))
    written = b"".join(path.read_bytes() for path in files)
    assert all(name in written for name in (b"train/loss", b"train/square", b"valid/loss"))
    fit(experiment(num_steps=1), tmp_path / "without")
    assert not (tmp_path / "without" / "tensorboard").exists()


def test_panels_are_written_with_every_checkpoint(tmp_path):
    from PIL import Image

    fit(experiment(panels=picture, num_steps=12), tmp_path)
    paths = sorted((tmp_path / "panels" / "w").iterdir())
    assert [path.name for path in paths] == ["00000006.png", "00000012.png"]
    assert np.asarray(Image.open(paths[1])).tolist() == np.full((2, 3, 3), 12).tolist()


@dataclasses.dataclass(slots=True, kw_only=True)
class PerImage:
    def build(self) -> Method:
        return Method(explain=lambda *_: None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": PerImage()}, "test_fit learns nothing across images; run xai-jax explain or"),
        ({"batch_size": 12}, "batch_size 12 is not a multiple of the 8 devices; use 8 or 16."),
        ({"batch_size": 3}, "batch_size 3 is not a multiple of the 8 devices; use 8."),
        (
            {"panels": lambda step, weights, frozen: {}},
            "lambda.* among the settings cannot be told",
        ),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(tmp_path, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(experiment(**changes), tmp_path / "new")
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").glob("[!.]*"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda c: c.data.resize,
            "^data.resize.crop is 0.5 and export.preprocess.crop is 1.0",
        ),
        (lambda c: c.validation.data.resize, "^validation.data.resize.crop is 0.5 and export.prep"),
        (lambda c: c.export.preprocess, "^data.resize.crop is 1.0 and export.preprocess.crop is 0"),
    ],
)
def test_pictures_of_another_making_than_the_exported_file_asks_for_are_refused(
    tmp_path, change, sentence
):
    config = classifier_lite0.get_config()
    change(config).crop = 0.5  # as --config.data.resize.crop=0.5 does
    with pytest.raises(ValueError, match=sentence):
        fit(config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_classifier_or_pictures_that_are_not_there_leave_no_folder_behind(tmp_path):
    missing = Named(name=str(tmp_path / "runs" / "classifier.safetensors"))
    with pytest.raises(ValueError, match="train what leaves it first .*--workdir=.*runs"):
        fit(experiment(explained=Explained(classifier=missing, infill=Mean())), tmp_path / "a")
    ended = experiment(data=LineData(num=0, endless=False))
    with pytest.raises(ValueError, match="The data ended before step 0"):
        fit(ended, tmp_path / "a")
    with pytest.raises(ValueError, match="The weights of resnet50 come from"):
        fit(experiment(start=Trunk(architecture=Architecture.DEEPLAB)), tmp_path / "a")
    nothing = validated(data=LineData(num=0, endless=False))
    with pytest.raises(ValueError, match="There are no pictures to validate with"):
        fit(experiment(validation=nothing), tmp_path / "a")
    of_five = experiment(
        method=classifier.Config(num_classes=5),
        explained=Explained(classifier=Named(), infill=Mean()),
    )
    with pytest.raises(ValueError, match="num_classes is 5, and the data has labels of 3"):
        fit(of_five, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_workdir_of_another_config_is_refused_with_the_field_that_differs(tmp_path):
    fit(experiment(num_steps=1), tmp_path)
    before = (tmp_path / "config.json").read_bytes()
    other = experiment(num_steps=1, method=Line(learning_rate=0.5))
    with pytest.raises(ValueError, match=r"method.learning_rate is 0.1 there and 0.5 here"):
        fit(other, tmp_path)
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_checkpoint_of_another_architecture_is_refused_with_the_leaf_that_differs(tmp_path):
    fit(experiment(num_steps=1), tmp_path)
    other = experiment(num_steps=1, method=Line(outputs=2))
    config = json.loads((tmp_path / "config.json").read_text())
    config["method"]["outputs"] = 2  # as if the code had changed and the settings had not
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = r"is float32 of shape \[{}, {}\]".format
    shapes = f"{shape(FEATURES, OUTPUTS)} there and {shape(FEATURES, 2)} here"
    with pytest.raises(ValueError, match=f"another architecture: .*/trace {shapes}"):
        fit(other, tmp_path)


def test_data_that_ends_is_told(tmp_path):
    with pytest.raises(ValueError, match="The data ended before step 6"):
        fit(experiment(data=LineData(endless=False)), tmp_path)


def test_an_unknown_validation_metric_is_refused_with_the_known_ones(tmp_path):
    exp = experiment(validation=validated(metric="accuracy"))
    with pytest.raises(ValueError, match="accuracy, but what is measured is loss"):
        fit(exp, tmp_path)


def test_the_batch_is_split_and_the_state_is_whole_on_every_device(tmp_path, monkeypatch):
    seen = {}
    build = Line.build

    def spied(self):
        trainable = build(self)

        def step(state, frozen, batch, key, axis_name=None):
            jax.debug.inspect_array_sharding(batch.images, callback=lambda s: seen.update(b=s))
            return trainable.step(state, frozen, batch, key)

        return trainable._replace(step=step)

    monkeypatch.setattr(Line, "build", spied)
    outcome = fit(experiment(num_steps=1), tmp_path)
    assert seen["b"].shard_shape((8, 2, 2, 1)) == (1, 2, 2, 1)
    assert all(leaf.is_fully_replicated for leaf in jax.tree.leaves(outcome.state))
    assert jnp.isfinite(outcome.state["w"]).all()
