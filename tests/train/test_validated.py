"""A state that changes by what a validation says: a schedule that waits for a plateau."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plateau import Plateau

from configs.smoke.straight_line import Line, LineData, LineStream
from xai_jax.experiment import Experiment, Validation
from xai_jax.nn.ema import ema
from xai_jax.runtime import metric_log
from xai_jax.runtime.checkpoint import read_best
from xai_jax.train.fit import CHECKPOINTS, fit
from xai_jax.train.interval import NotFinite

EVERY, STEPS = 4, 24


def run(method=None, **changes) -> Experiment:
    # Loud noise: it learns at once and then only wanders, so that validations become worse again.
    line = Line(momentum=0.0, learning_rate=0.5, noise=1.0)
    settings = {"num_steps": STEPS, "checkpoint_every": 2} | changes
    return Experiment(
        method=method or Plateau(line=line),
        data=LineData(),
        validation=Validation(data=LineData(num=20, seed=1, endless=False), every=EVERY),
        batch_size=8,
        log_every=1,
        **settings,
    )


def by_hand(workdir) -> list[float]:
    """The share of each step, from what the validations say."""
    lines = metric_log.read(workdir)
    valid = {line["step"]: line["valid/loss"] for line in lines if "valid/loss" in line}
    share, best, shares = 1.0, np.inf, []
    for step in range(1, STEPS + 1):
        shares.append(share)
        if step in valid:
            share = share if valid[step] < best else share / 2
            best = min(best, valid[step])
    return [*shares, share]


def test_each_validation_changes_the_state_that_the_next_step_begins_with(tmp_path):
    outcome = fit(run(), tmp_path)
    lines = metric_log.read(tmp_path)
    found = [line["train/share"] for line in lines if "train/share" in line]
    wanted = by_hand(tmp_path)
    assert found == wanted[:-1] and outcome.state["share"] == wanted[-1]
    assert len(set(found)) > 1  # it did wait for a plateau


@dataclasses.dataclass(slots=True, kw_only=True)
class Ending:
    """The average of a `Plateau` that is at its end when its steps have been halved twice."""

    line: Line

    def build(self):
        plateau = Plateau(line=self.line).build()
        return ema(plateau._replace(finished=lambda state: bool(state["share"] <= 0.25)), 0.5)


def test_training_ends_where_the_state_says_so_after_a_validation_and_stays_ended(tmp_path):
    exp = run(Ending(line=run().method.line), num_steps=200)
    outcome = fit(exp, tmp_path)
    lines = metric_log.read(tmp_path)
    shares = [line["train/share"] for line in lines if "train/share" in line]
    assert outcome.stopped_early and outcome.step == len(shares) < 200
    assert min(shares) == 0.5 and outcome.state.learning["share"] == 0.25
    assert fit(exp, tmp_path).step == outcome.step


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The state and the log of a run that nobody stopped."""
    workdir = tmp_path_factory.mktemp("straight")
    return fit(run(), workdir).state, (workdir / metric_log.NAME).read_bytes()


@pytest.mark.parametrize("num", range(3, 30, 3))
def test_stopped_at_any_step_and_resumed_it_ends_with_the_same_bytes(
    straight, tmp_path, monkeypatch, num
):
    taken, real = [], LineStream.__next__

    def limited(self):
        taken.append(None)
        if len(taken) >= num:
            raise InterruptedError("stopped")
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(LineStream, "__next__", limited)
        with pytest.raises(InterruptedError):
            fit(run(), tmp_path)
    again = fit(run(), tmp_path).state
    jax.tree.map(np.testing.assert_array_equal, again, straight[0])
    assert (tmp_path / metric_log.NAME).read_bytes() == straight[1]


def test_the_checkpoint_of_a_validated_step_holds_the_state_after_it(tmp_path):
    state = fit(run(num_steps=EVERY), tmp_path).state
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
    )
    saved = read_best(tmp_path / CHECKPOINTS, abstract)
    assert saved.step == EVERY and saved.state["best"] < 1e30
    jax.tree.map(np.testing.assert_array_equal, saved.state, state)


@dataclasses.dataclass(slots=True, kw_only=True)
class Spoiled:
    """A line whose state a validation spoils."""

    how: str

    def build(self):
        def validated(state, values):
            del values
            if self.how == "shape":
                return state | {"steps": jnp.zeros(2, jnp.int32)}
            return state | {"w": state["w"] * jnp.nan}

        return Line().build()._replace(validated=validated)


def test_a_state_of_another_form_or_that_is_not_finite_is_refused_and_not_saved(tmp_path):
    with pytest.raises(ValueError, match="returns a state of other shapes or types than it was"):
        fit(run(Spoiled(how="shape")), tmp_path / "a")
    with pytest.raises(NotFinite, match="w of the state is not finite after step 4"):
        fit(run(Spoiled(how="nan")), tmp_path / "b")
    for name in "ab":
        saved = {path.name for path in (tmp_path / name / CHECKPOINTS).iterdir()}
        assert saved == {"2"}
