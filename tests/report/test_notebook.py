"""What a notebook shows of explanations, and that it is drawn by the panels of the report."""

import base64
import inspect
import io
import re
import webbrowser

import jax
import numpy as np
import planted
import pytest
from PIL import Image

import xai_jax
from xai_jax.infills.constant import Constant
from xai_jax.methods import fido, gradients
from xai_jax.report import panels

IMAGES = np.asarray(planted.quadrant_batch(3, 16, jax.random.key(0)).images)
NAMES = ("<b>one</b>", "two", "three", "four")


def explain(images=IMAGES, method=None, **changes):
    return xai_jax.explain(
        planted.quadrant(),
        images,
        method=method or fido.Config.smoke(),
        infill=Constant(value=planted.DARK),
        **changes,
    )


def pictures(page: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


@pytest.fixture(scope="module")
def found():
    return explain()


def test_the_text_of_an_explanation_is_one_short_line(found):
    for text in (repr(found), str(found)):
        assert "\n" not in text and len(text) < 400
        assert text.startswith("Explanation(target: [3], saliency: [3, 16, 16, 1], keep: [3, 16")


def test_a_notebook_draws_each_picture_with_its_map_and_its_parts(found):
    drawn = pictures(found._repr_html_())
    assert len(drawn) == 3
    for row in range(3):
        sheet = panels.contact_sheet(IMAGES[row], found.keep[row], found.saliency[row])
        np.testing.assert_array_equal(drawn[row], sheet)


def test_names_of_classes_are_text_and_not_markup(found):
    page = found.shown(NAMES)._repr_html_()
    assert "<b>one" not in page
    names = [f"{NAMES[target]}" for target in found.target]
    assert all(name.replace("<", "&lt;").replace(">", "&gt;") in page for name in names)


def test_methods_stand_side_by_side_on_one_picture_a_row(found):
    other = explain(method=gradients.Gradient())
    drawn = pictures(xai_jax.compare({"FIDO": found, "<gradient>": other})._repr_html_())
    assert len(drawn) == 9
    np.testing.assert_array_equal(drawn[3], panels.picture(IMAGES[1]))
    np.testing.assert_array_equal(drawn[4], panels.overlay(IMAGES[1], found.saliency[1]))
    np.testing.assert_array_equal(drawn[5], panels.overlay(IMAGES[1], other.saliency[1]))
    for wrong, words in (
        ({}, "no explanations"),
        ([found, other], "are compared by name; pass a dict"),
        ({"a": found, "b": explain(IMAGES[::-1])}, "different pictures"),
    ):
        with pytest.raises(ValueError, match=words):
            inspect.unwrap(xai_jax.compare)(wrong)


def test_outside_a_notebook_the_browser_is_asked(found, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    found.show()
    assert len(opened) == 1 and opened[0].startswith("file://")


def test_more_than_twenty_pictures_are_counted_and_not_drawn():
    many = explain(np.repeat(IMAGES, 8, axis=0), method=gradients.Gradient())
    page = many._repr_html_()
    assert len(pictures(page)) == 20 and "and 4 more pictures" in page


def test_an_explanation_stays_a_tree_of_arrays(found):
    first = jax.tree.map(lambda x: x[:1], found)
    assert type(first) is type(found) and first.images.shape == (1, 16, 16, 3)


def test_progress_counts_the_pictures_on_stderr(capsys):
    explain(progress=True, batch_size=2)
    assert "3 of 3 pictures" in capsys.readouterr().err
    explain(batch_size=2)
    assert capsys.readouterr().err == ""
