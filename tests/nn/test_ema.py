"""The average of what is learned: its closed form, on any devices, judged, exported and resumed."""

import dataclasses
import functools
import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plateau import Plateau

from configs.smoke.straight_line import (
    FEATURES,
    OUTPUTS,
    SIDE,
    Line,
    LineData,
    LineStream,
    features,
    squares,
)
from xai_jax.core.method import Trainable
from xai_jax.core.types import Batch
from xai_jax.experiment import Experiment, Validation
from xai_jax.nn.ema import _nearer, ema, started
from xai_jax.runtime import metric_log
from xai_jax.train.fit import fit

DECAY, STEPS = 0.7, 12


@dataclasses.dataclass(slots=True, kw_only=True)
class Smooth:
    """Settings of a line whose average counts."""

    line: Line | Plateau = dataclasses.field(default_factory=Line)
    decay: float = DECAY

    def build(self) -> Trainable:
        return ema(self.line.build(), self.decay)


def batch(number: int, rows: int = 16) -> Batch:
    draw = np.random.default_rng(number)
    weight = np.ones(rows, np.float32)
    weight[[0, 1, 5]] = 0  # of eight devices the first has nothing but padding
    return Batch(
        images=jnp.asarray(draw.random((rows, SIDE, SIDE, 1), np.float32)),
        target=jnp.zeros(rows, jnp.int32),
        image_id=jnp.arange(rows, dtype=jnp.uint32),
        weight=jnp.asarray(weight),
        labels=jnp.asarray(draw.random((rows, OUTPUTS), np.float32)),
    )


def test_the_average_is_the_sum_in_its_closed_form_and_the_learning_is_as_without_it():
    plain, smooth = Line().build(), Smooth().build()
    state = plain.init(jax.random.key(0), None, batch(0))
    averaged = smooth.init(jax.random.key(0), None, batch(0))
    history = [np.asarray(state["w"], np.float64)]
    for number in range(STEPS):
        key = jax.random.key(number)
        state, metrics = plain.step(state, None, batch(number), key)
        averaged, same = smooth.step(averaged, None, batch(number), key)
        assert metrics == same
        history.append(np.asarray(state["w"], np.float64))
    jax.tree.map(np.testing.assert_array_equal, averaged.learning, state)
    wanted = DECAY**STEPS * history[0]
    for number, w in enumerate(history[1:], 1):
        wanted = wanted + (1 - DECAY) * DECAY ** (STEPS - number) * w
    np.testing.assert_allclose(smooth.weights(averaged), wanted, rtol=1e-5, atol=1e-6)
    assert np.abs(wanted - history[-1]).max() > 0.02
    assert averaged.num_updates == STEPS


def test_pmap_averages_as_jit_does_although_padding_is_unequal():
    smooth = Smooth().build()
    whole = mapped = smooth.init(jax.random.key(0), None, batch(0))
    step = jax.jit(smooth.step)
    each = jax.pmap(
        functools.partial(smooth.step, axis_name="data"), "data", in_axes=(None, None, 0, None)
    )
    for number in range(3):
        one, key = batch(number), jax.random.key(number)
        whole, _ = step(whole, None, one, key)
        split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), one)
        mapped, _ = each(mapped, None, split, key)
        for device in (0, 7):
            found = jax.tree.map(lambda x, device=device: x[device], mapped)
            close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
            jax.tree.map(close, found, whole)
        mapped = jax.tree.map(lambda x: x[0], mapped)


def test_what_is_no_floating_point_number_is_the_last_one_and_what_stays_stays_to_the_byte():
    weights = {"n": jnp.int32(0), "key": jax.random.key(0), "still": jnp.float32(0.1)}

    def step(state, frozen, batch, key, axis_name=None):
        return state | {"n": state["n"] + 5, "key": key}, {}

    smooth = ema(Trainable(init=lambda *_: weights, step=step), 0.9)
    state = smooth.init(None, None, None)
    for number in range(1, 4):
        state, _ = smooth.step(state, None, None, jax.random.key(number))
    found = smooth.weights(state)
    assert found["n"] == 15 and found["key"] == jax.random.key(3)
    assert found["still"] == np.float32(0.1)


def test_the_average_begins_with_what_a_run_takes_over_from_elsewhere():
    smooth = Smooth(line=Line(learning_rate=0.0)).build()
    state = smooth.init(jax.random.key(0), None, batch(0))
    taken = started(lambda state: state | {"w": jnp.full((FEATURES, OUTPUTS), 7.0)}, state)
    after, _ = jax.jit(smooth.step)(taken, None, batch(0), jax.random.key(0))
    np.testing.assert_array_equal(smooth.weights(after), 7.0)


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5])
def test_a_decay_that_averages_nothing_is_refused(decay):
    with pytest.raises(ValueError, match=f"decay must be at least 0 and below 1, not {decay}"):
        Smooth(decay=decay).build()


LEFT = []


def left(weights, workdir):
    LEFT.append(np.asarray(weights))
    return workdir / "w"


def run(**changes) -> Experiment:
    settings = {"method": Smooth(line=Plateau()), "export": left} | changes
    return Experiment(
        data=LineData(),
        validation=Validation(data=LineData(num=20, seed=1, endless=False), every=4, patience=9),
        num_steps=12,
        batch_size=8,
        log_every=2,
        checkpoint_every=2,
        **settings,
    )


def test_the_average_is_what_is_validated_and_exported(tmp_path):
    LEFT.clear()
    state = fit(run(method=Smooth()), tmp_path).state
    x, y = LineData(num=20, seed=1).rows()
    judged = [line for line in metric_log.read(tmp_path) if "valid/loss" in line]
    whole = Batch(images=x, target=None, image_id=None, weight=None)
    wanted = np.mean(squares(np.asarray(state.weights), features(whole), y))
    assert judged[-1]["valid/loss"] == pytest.approx(wanted, rel=1e-5)
    last = min(judged, key=operator.itemgetter("valid/loss"))["step"]
    assert (last == 12) == np.array_equal(LEFT[0], state.weights)
    assert LEFT[0].shape == (FEATURES, OUTPUTS)


def test_a_run_that_was_stopped_ends_with_the_same_bytes_of_the_average(tmp_path, monkeypatch):
    straight = fit(run(), tmp_path / "straight").state
    taken, real = [], LineStream.__next__

    def limited(self):
        taken.append(None)
        if len(taken) >= 14:
            raise InterruptedError("stopped")
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(LineStream, "__next__", limited)
        with pytest.raises(InterruptedError):
            fit(run(), tmp_path / "stopped")
    again = fit(run(), tmp_path / "stopped").state
    jax.tree.map(np.testing.assert_array_equal, again, straight)
    assert straight.num_updates == 12
    lines = [(tmp_path / name / metric_log.NAME).read_bytes() for name in ("straight", "stopped")]
    assert lines[0] == lines[1]


def test_a_decay_of_0_leaves_the_weights_to_the_bit():
    weights = jax.random.normal(jax.random.key(0), (1000,))
    average = jax.random.normal(jax.random.key(1), (1000,)) * 1e3
    np.testing.assert_array_equal(_nearer(0.0, average, weights), weights)
