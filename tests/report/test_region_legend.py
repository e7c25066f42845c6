"""The legend of regions: who is in it, in which order, and what is not said twice."""

import gallery
import numpy as np
import pytest
from test_page import Outline, decoded, words

from xai_jax import report
from xai_jax.report import regions
from xai_jax.report.others import Other


def others():
    return [Other(output=output, values=values) for output, values in gallery.regions().items()]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    gallery.write(folder, more=gallery.regions(), region_names=gallery.REGIONS)
    return report.write(folder).read_text(encoding="utf-8")


def test_regions_of_the_picture_stand_in_the_order_of_their_change():
    found = regions.legend(gallery.image(0), others(), gallery.REGIONS)
    rows = [(row["name"], row["values"]) for row in found["rows"]]
    assert rows == [("car 2", ["1.75"]), ("road", ["0.5"]), ("sky", ["0.25"])]
    assert len({row["colour"] for row in found["rows"]}) == 3
    drawn = decoded(found["image"])
    assert drawn.shape == (gallery.HEIGHT, gallery.WIDTH, 3)
    grey = gallery.image(0).mean(axis=-1)[-1, 12]
    colour = np.array(list(bytes.fromhex(found["rows"][0]["colour"][1:])))
    np.testing.assert_allclose(drawn[-1, 12], 0.65 * colour + 0.35 * grey, atol=1)


def test_without_names_or_a_map_there_is_no_legend():
    assert regions.legend(gallery.image(0), others(), ()) is None
    assert regions.legend(gallery.image(0), others()[:1], gallery.REGIONS) is None
    assert regions.present(others()[:1], gallery.REGIONS) == {}


def test_the_page_shows_it_and_names_the_pictures_of_single_regions(page):
    first = Outline(page).articles[0]
    said = words(first).replace("\N{NO-BREAK SPACE}", " ")
    assert "in the picture region change car 2 1.75 road 0.5 sky 0.25" in said
    for name in ("sky", "road", "car 2"):
        assert f"counterfactual alone {name} " in said
    assert "counterfactual alone car " not in said.replace("car 2", "")  # the picture has none
    assert "label map" not in said and "region change, in the codes" not in said


def test_names_of_regions_are_written_as_they_are_and_run_nothing(tmp_path):
    names = ("<b>sky</b>", "road", "car", "<script>alert(1)</script>")
    gallery.write(tmp_path, more=gallery.regions(), region_names=names)
    text = report.write(tmp_path).read_text(encoding="utf-8")
    assert "<b>sky" not in text and "<script>alert" not in text
    assert "&lt;b&gt;sky&lt;/b&gt;" in text
