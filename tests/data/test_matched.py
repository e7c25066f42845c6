"""Matched: as many pictures with a class as without it in each cell of a table of two numbers."""

import numpy as np
import pytest

from xai_jax.data.matched import Matched, borders_of, cells_of, in_pairs
from xai_jax.data.planted import Planted


def test_each_cell_keeps_as_many_of_both_kinds_and_the_numbers_then_say_nothing_of_the_class():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(2000, 2))
    has = rng.uniform(size=2000) < 1 / (1 + np.exp(-2 * numbers[:, 0]))  # the first one tells
    rows = in_pairs(numbers, has)
    cells = cells_of(borders_of(numbers), numbers)
    for cell in range(100):
        here = cells == cell
        least = min((here & has).sum(), (here & ~has).sum())
        kept = rows[here[rows]]
        assert has[kept].sum() == (~has[kept]).sum() == least
    apart = numbers[has, 0].mean() - numbers[~has, 0].mean()
    left = numbers[rows[has[rows]], 0].mean() - numbers[rows[~has[rows]], 0].mean()
    assert apart > 1.0 and abs(left) < 0.1
    assert (np.diff(rows) > 0).all()


def test_of_a_cell_with_more_of_one_kind_an_even_spread_stays():
    numbers = np.zeros((9, 2))  # one cell
    has = np.array([True, False, False, False, True, False, False, False, False])
    np.testing.assert_array_equal(in_pairs(numbers, has), [0, 1, 4, 5])


def the_same(name: str, image: np.ndarray) -> tuple[float, float]:
    assert image.min() >= 0 and image.max() <= 1 and image.shape == (48, 48, 3)
    return 0.0, 0.0


def test_a_source_is_left_with_its_pairs_in_its_own_order():
    source = Planted(size=48, num_classes=4, num=40, two=0.0)
    whole = source
    name = whole.class_names[1]
    part = Matched(source=source, numbers=the_same, of=name).build()
    labels = np.array([part[i].labels[1] for i in range(len(part))])
    shown = sum(whole[i].labels[1] > 0 for i in range(40))
    assert labels.sum() == len(part) / 2 == min(shown, 40 - shown)
    assert part.rows == tuple(sorted(part.rows))


def test_what_cannot_be_matched_is_refused():
    source = Planted(size=48, num_classes=4, num=8, two=0.0)
    with pytest.raises(ValueError, match="There is no class 'cat'; take one of 0 degrees"):
        Matched(source=source, numbers=the_same, of="cat").build()


def apart(name: str, image: np.ndarray) -> tuple[float, float]:
    return float(image.sum()), 0.0


def test_pictures_of_which_no_two_are_alike_are_refused():
    source = Planted(size=48, num_classes=2, num=2, two=0.0)
    with pytest.raises(ValueError, match="is like one without it; choose other numbers"):
        Matched(source=source, numbers=apart).build()
