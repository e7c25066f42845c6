"""The words of a command line: which of them are pictures."""

import pytest

from xai_jax.commands.words import pictures_first


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--std 0.2 0.3 a.jpg b", "a.jpg b --std 0.2 0.3"),
        ("c --mean 0 --std 1 a.jpg --out run", "c a.jpg --mean 0 --std 1 --out run"),
        ("a.jpg 2 b --grids 7 14", "a.jpg 2 b --grids 7 14"),
        ("--target -1 a.jpg", "a.jpg --target -1"),
        ("--out run --method rise a.jpg", "--out run --method rise a.jpg"),
        ("--size 224 -- a.jpg", "--size 224 -- a.jpg"),
        ("--std=1 a.jpg", "--std=1 a.jpg"),
        ("", ""),
    ],
)
def test_pictures_behind_the_numbers_of_a_flag_stand_before_it(words, wanted):
    assert pictures_first(words.split()) == wanted.split()
