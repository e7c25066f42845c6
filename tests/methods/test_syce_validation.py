"""What a validation of SyCE says: each side by itself, both added, and collapsed critics."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cornered import SMALL, batch_of, frozen

from xai_jax.methods import syce
from xai_jax.methods.syce import training, validation
from xai_jax.methods.syce.domains import NAMES
from xai_jax.nn import learner


def means_of(values, is_one):
    found = validation.by_side({n: jnp.array(x) for n, x in values.items()}, jnp.array(is_one))
    return {name: float(value.mean()) for name, value in found.items()}


def test_a_validation_averages_each_side_by_itself_and_adds_the_two():
    is_one = [True] + 9 * [False]
    flipped, kept = [False] + 9 * [True], 10 * [True]
    loss = [11.0] + 9 * [1.0]
    values = {"loss": loss, "flipped": flipped, "kept": kept, "cycle_keep": loss}
    told = validation.summary(means_of(values, is_one))
    assert told == pytest.approx(
        {
            "loss": 12.0,  # and not 2, the mean over the pictures
            "loss_zero": 1.0,
            "loss_one": 11.0,
            "cycle_keep_zero": 1.0,
            "cycle_keep_one": 11.0,
            "flipped": 0.9,  # in one direction alone
            "flipped_zero": 1.0,
            "flipped_one": 0.0,
            "kept": 1.0,
            "kept_zero": 1.0,
            "kept_one": 1.0,
            "share_zero": 0.9,
            "share_one": 0.1,
        }
    )
    with pytest.raises(ValueError, match="pictures to validate with alike: side one has none"):
        validation.summary(means_of(values, 10 * [False]))


def test_a_value_that_is_infinite_on_one_side_stays_there():
    told = means_of({"loss": [jnp.inf, 1.0]}, [True, False])
    assert told["loss_zero"] == 0.5 and told["loss_one"] == jnp.inf


@pytest.mark.parametrize(
    ("fooling", "fooled", "collapsed"), [(50, 0.5, 0), (0, 0.0, 1), (100, 1.0, 1), (2, 0.02, 0)]
)
def test_a_critic_that_takes_all_or_nothing_for_real_has_collapsed(fooling, fooled, collapsed):
    """Pictures of side one are drawn for side zero, and its critic looks at them."""
    is_one = np.arange(200) < 100
    real = np.where(is_one, np.arange(200) < fooling, np.arange(200) % 2 == 0)
    told = validation.summary(means_of({"loss": np.ones(200), "fooling": real}, is_one))
    assert told["fooled_zero"] == pytest.approx(fooled) and told["fooled_one"] == 0.5
    assert (told["collapsed_zero"], told["collapsed_one"]) == (collapsed, 0)
    assert not any(name.startswith("fooling") for name in told)


@pytest.mark.parametrize("flipping", [False, True])
def test_what_is_told_is_of_what_was_drawn_and_of_the_critic_of_the_side_it_was_drawn_for(flipping):
    """Networks that draw what they are shown, or its negative; one critic takes all, one nothing.

    Six pictures, of which the classifier finds the class in two.
    """
    cfg, known = syce.Config(**SMALL), frozen()
    batch = batch_of(8, jax.random.key(1))
    batch = jax.tree.map(lambda x: x[jnp.array([0, 1, 2, 3, 4, 6])], batch)
    state = jax.jit(lambda key: training.init(cfg, key, known, batch))(jax.random.key(0))
    for name, logit in zip(NAMES, (10.0, -10.0), strict=True):
        critic = jax.tree.map(jnp.zeros_like, state.critics[name].params)
        critic["logit"]["bias"] = jnp.full(1, logit)
        state.critics[name] = dataclasses.replace(state.critics[name], params=critic)
    weights = learner.weights(state.generators)
    if flipping:
        for params in weights.params.values():
            params["pixels"] = {"kernel": -params["pixels"]["kernel"], "bias": jnp.ones(1)}
    measure = jax.jit(lambda *a: validation.measure(cfg, *a))
    values = measure(weights, state, known, batch, jax.random.key(2))
    told = validation.summary({name: float(value.mean()) for name, value in values.items()})
    assert told["share_one"] == pytest.approx(1 / 3)
    assert [told[f"{kind}_{name}"] for kind in ("flipped", "kept") for name in NAMES] == (
        [1, 1, 1, 1] if flipping else [0, 0, 1, 1]
    )
    assert (told["fooled_zero"], told["fooled_one"]) == (1, 0)
    assert told["collapsed_zero"] == told["collapsed_one"] == 1
    moved = np.abs(1 - 2 * batch.images).mean() if flipping else 0.0
    assert told["adversarial"] == pytest.approx(moved, abs=1e-5)
    assert told["symmetry_zero"] == pytest.approx(0.0, abs=1e-5)  # a negative's negative
