"""A table of two numbers against the classes that they give away, and on the page."""

import numpy as np
from judged import Pictures
from judged import evaluation as small

from xai_jax.scoring import trivial
from xai_jax.scoring.score import score
from xai_jax.scoring.trivial import Trivial


def place_and_brightness(name: str, image: np.ndarray) -> tuple[float, float]:
    return float(int(name) % 2), float(image[1].mean())


def of_rows(data: Pictures) -> Trivial:
    return Trivial(data=data, numbers=place_and_brightness, called="place and brightness")


def test_numbers_that_give_a_class_away_say_it_and_others_do_not():
    # Picture i shows the classes of the bits of i: its number's last bit is class 0, the brightness
    # of row 1 is class 1, and class 2 is in neither.
    known, asked = Pictures(num=400), Pictures(num=200, seed=1)
    numbers, truth = trivial._read(of_rows(known), asked)
    rates = trivial._table(*trivial._read(of_rows(known), known), numbers)
    assert rates.shape == (200, 3) and ((rates >= 0) & (rates <= 1)).all()
    for k in (0, 1):
        assert rates[truth[:, k] > 0, k].min() > rates[truth[:, k] == 0, k].max()
    assert abs(rates[truth[:, 2] > 0, 2].mean() - rates[truth[:, 2] == 0, 2].mean()) < 0.1


def test_a_cell_by_hand():
    # One number is always 0: of the other, the deciles of 0 ... 9 part all ten.
    known = np.stack([np.zeros(10), np.arange(10)], axis=1)
    labels = (np.arange(10) >= 8)[:, None].astype(np.float32)
    found = trivial._table(known, labels, np.array([[0.0, 9.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found[:, 0], [(1 + 0.2) / 2, 0.2 / 2])


def test_the_page_says_it_beside_the_classifiers(tmp_path):
    data = Pictures()
    score(small(classes=(), data=data, trivial=of_rows(Pictures(num=80))), tmp_path)
    page = (tmp_path / "scores.md").read_text()
    said = trivial.sentence(of_rows(Pictures(num=80)), data)
    assert said in page and "place and brightness alone" in said and "80 other pictures" in said
    assert page.index("The classifier on 20 pictures") < page.index(said)
    score(small(classes=(), data=data), tmp_path)  # without it: the same run
    assert said not in (tmp_path / "scores.md").read_text()
