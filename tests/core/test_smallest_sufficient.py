"""The smallest share of a picture that keeps the decision: one rule for run and report."""

import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.areas import AREAS, level_of
from xai_jax.core.areas import smallest_sufficient as of_batch


def curve(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def smallest_sufficient(curve_kept: np.ndarray, original: float) -> int | None:
    """The level, of a batch of two of which the second says something else."""
    other = np.full_like(curve_kept, -9.0)
    curves, originals = np.stack([curve_kept, other]), np.array([original, 9.0], np.float32)
    shares = of_batch(jnp.asarray(curves), jnp.asarray(originals))
    assert np.isnan(shares[1])
    return level_of(float(shares[0]))


def test_the_first_level_at_or_above_even_odds_suffices():
    assert smallest_sufficient(curve(-3.0, -0.01, 0.0, 5.0, 2.0), 2.0) == 2


def test_a_later_fall_below_even_odds_does_not_take_back_an_earlier_level():
    assert smallest_sufficient(curve(-3.0, 0.5, -1.0, 5.0), 5.0) == 1


def test_a_confident_picture_needs_even_odds_and_not_its_own_confidence():
    assert smallest_sufficient(curve(-1.0, 0.2, 9.0, 10.0), 10.0) == 1


def test_a_doubted_target_needs_the_log_odds_of_the_whole_picture():
    assert smallest_sufficient(curve(-6.9, -2.6, -2.4, -0.4, -2.5), -2.5) == 2


def test_the_whole_picture_suffices_although_another_program_rounded_it():
    assert smallest_sufficient(curve(-9.0, -5.0, -2.50001), -2.5) == 2


def test_rounding_never_passes_a_level_below_even_odds_of_a_confident_picture():
    assert smallest_sufficient(curve(-0.0005, 3.0), 3.0) == 1


def test_no_level_suffices_where_all_fall_short():
    assert smallest_sufficient(curve(-3.0, -2.0, -1.0), 1.0) is None


@pytest.mark.parametrize("original", [1.0, float("nan")])
def test_levels_that_are_not_numbers_never_suffice(original):
    nan = float("nan")
    assert smallest_sufficient(curve(nan, nan, nan), original) is None
    assert smallest_sufficient(curve(nan, 1.0, 2.0), 1.0) == 1


def test_the_last_share_is_the_whole_picture():
    assert AREAS[-1] == 1.0
