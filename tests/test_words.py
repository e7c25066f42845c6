"""The words of a command line: which of them are pictures."""

import pytest

from xai_jax.commands.words import check_lists, pictures_first


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


@pytest.mark.parametrize("words", ["--out run --targeted", "--targeted --out run", "--targeted --"])
def test_a_flag_of_a_list_names_something(words):
    with pytest.raises(ValueError, match="^--targeted names nothing; name one or more behind it"):
        check_lists(words.split(), LISTS)


@pytest.mark.parametrize(
    "words",
    ["--targeted sky --out run", "--areas -1", "--targeted=sky", "--out run -- --targeted", ""],
)
def test_a_flag_of_a_list_that_does_is_let_through(words):
    check_lists(words.split(), LISTS)


LISTS = ("--targeted", "--areas")
