"""The report of many pictures in a real browser, opened from the disk: index, pages, thumbnails."""

import gallery
import pytest
from chromium import choose, settle, visit
from gallery import NUM, SKIPPED, many
from test_browser import assert_no_width_is_exceeded, visible_names

from xai_jax import report
from xai_jax.report import page, paged


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run with 100% & odd #name")
    gallery.write(folder, many())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page, "MOST", 20)
        return report.write(folder)


WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@WIDTHS
def test_the_index_fits_the_screen_and_reads_the_pictures_that_are_near(browser, path, width):
    visit(browser, path, (width, 800))
    seen = """return [...document.querySelectorAll(".tile img")].map((image) => [
        image.complete && image.naturalWidth, image.getBoundingClientRect().width])"""
    loaded, shown = zip(*browser.execute_script(seen), strict=True)
    assert loaded[0] == 2 * gallery.WIDTH and loaded[-1] == 0
    assert min(shown) > 200
    assert_no_width_is_exceeded(browser, width, (0, 60, 110))
    assert browser.get_log("browser") == []
    assert browser.execute_script(seen)[110][0] == 2 * gallery.WIDTH  # it came near in between


@WIDTHS
def test_a_page_fits_the_screen_and_its_masks_are_drawn(browser, path, width):
    visit(browser, path.parent / paged.FOLDER / "2.html", (width, 800))
    assert_no_width_is_exceeded(browser, width, (50, 99))
    assert browser.execute_script("return document.querySelectorAll('canvas').length") >= 2
    assert browser.get_log("browser") == []


def test_what_was_found_in_the_index_is_there_again_after_a_card(browser, path):
    visit(browser, path)
    choose(browser, "text", "zebra 10")
    choose(browser, "sort", "area")
    found = visible_names(browser)
    by_level = (101, 104, 107, 110), (102, 105, 108), (10, 100, 103, 106, 109)  # 2, 4 and 7
    assert found == [f"herd/zebra {n}.png" for some in by_level for n in some]
    browser.execute_script("document.querySelectorAll('.tile:not([hidden]) a')[1].click()")
    settle(browser)
    assert f"/{paged.FOLDER}/" in browser.current_url
    top = browser.execute_script(
        "return document.querySelector(location.hash).getBoundingClientRect().top"
    )
    assert 0 <= top < 200
    assert (
        browser.execute_script("return document.querySelector(location.hash).dataset.name")
        == (found[1])
    )
    browser.back()
    settle(browser)
    assert visible_names(browser) == found


def test_skipped_pictures_stay_last_however_the_index_is_sorted(browser, path):
    visit(browser, path)
    for order in ("name", "target", "drop", "area", "number"):
        choose(browser, "sort", order)
        names = visible_names(browser)
        assert len(names) == NUM and names[-1] == f"herd/zebra {SKIPPED}.png"
