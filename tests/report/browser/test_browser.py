"""The page in a real browser: headless Chromium, at phone and desktop width.

Run by ``make report-test``, which sets XAI_JAX_BROWSER; it needs chromium and chromedriver, found
in the PATH.
"""

import dataclasses
import json

import gallery
import numpy as np
import pytest
from chromium import DESKTOP, PHONE, choose, settle, visit

from xai_jax import report
from xai_jax.core.areas import AREAS, num_kept
from xai_jax.core.outputs import Output

CLASSES = ("zebra", "tabby", "a-class-of-a-very-long-name-" * 5, *(f"class {i}" for i in range(9)))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run <&> with 100% odd name")
    gallery.write(folder, class_names=CLASSES)
    return report.write(folder)


def kept_pixels(browser, place: int, part: str) -> np.ndarray:
    """``[h w]``, true where a canvas of picture `place` shows the photograph."""
    bring(browser, place)
    alpha = browser.execute_script(
        """const [place, part] = arguments;
        const canvas = document.querySelector(`#picture-${place} .${part} canvas`);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.width, canvas.height, [...data.filter((_, i) => i % 4 === 3)]];""",
        *(place + 1, part),
    )
    width, height, values = alpha
    assert set(values) <= {0, 255}
    return np.array(values).reshape(height, width) == 255


def bring(browser, place: int):
    browser.execute_script(
        "document.getElementById(arguments[0]).scrollIntoView()", f"picture-{place + 1}"
    )
    settle(browser)


def move(browser, place: int, level: int):
    """Moves a slider as a hand does."""
    bring(browser, place)
    browser.execute_script(
        """const slider = document.querySelector(`#picture-${arguments[0]} input[type=range]`);
        slider.value = arguments[1];
        slider.dispatchEvent(new Event("input", { bubbles: true }));""",
        *(place + 1, level),
    )
    settle(browser)


def shown(browser, place: int, selector: str) -> str:
    text = browser.execute_script(
        "return document.querySelector(`#picture-${arguments[0]} ${arguments[1]}`).textContent",
        *(place + 1, selector),
    )
    return text.replace("\N{NO-BREAK SPACE}", " ").strip()


def visible_names(browser) -> list[str]:
    return browser.execute_script(
        """return [...document.querySelectorAll(".entry")]
          .filter((entry) => entry.getBoundingClientRect().height > 0)
          .map((entry) => entry.dataset.name)"""
    )


NAMES = [known.name for known in gallery.GALLERY]


def names_of(*places: int) -> list[str]:
    return [NAMES[place] for place in places]


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_logged_and_nothing_is_asked_of_the_network(browser, path, size, scheme):
    visit(browser, path, size, prefers_color_scheme=scheme)
    for place in range(len(NAMES)):
        bring(browser, place)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    settle(browser)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"].endswith("BeSent")]
    pages = [
        url for url in asked if not url.startswith("chrome:")
    ]  # what the browser's start page still asked
    assert pages[0] == path.as_uri()
    assert [url for url in pages[1:] if not url.startswith("data:image/")] == []


def assert_no_width_is_exceeded(browser, width: int, places):
    """Nothing of these pictures, with all details open, reaches beyond the sides of the screen."""
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    for place in places:
        bring(browser, place)
        wide = browser.execute_script(
            """return [...document.querySelectorAll("body *")].filter((element) => {
              const { left, right, width } = element.getBoundingClientRect();
              const outside = right > innerWidth + 1 || left < -1;
              return width && outside && !element.matches(".skip-link");
            }).map((element) => element.outerHTML.slice(0, 80))"""
        )
        assert wide == []
    wide, seen = browser.execute_script(
        "const { scrollWidth, clientWidth } = document.documentElement;"
        "return [scrollWidth, clientWidth]"
    )
    assert wide == seen >= width - 20  # a scroll bar at most


@pytest.mark.parametrize("width", [320, 360, 768, 1024, 1400])
def test_no_width_makes_the_page_scroll_sideways(browser, path, width):
    visit(browser, path, (width, 800))
    assert_no_width_is_exceeded(browser, width, range(len(NAMES)))


LONG_NUMBER = Output(
    name="a_name_that_is_long_" * 6,
    kind="number",
    axes=(),
    unit="of the setting `with_a_long_name`",
    meaning="Nothing.",
)
LONG_TRACE = dataclasses.replace(LONG_NUMBER, name="long" * 30, axes=("area", "step"))
LONG = {LONG_NUMBER: np.array(1.0), LONG_TRACE: np.arange(40.0).reshape(2, 20)}
KINDS = {
    "no keep, no scores": dict(without=("keep", *gallery.SCORES)),
    "no scores": dict(without=gallery.SCORES, class_names=CLASSES),
    "only a map": dict(without=("keep", *gallery.SCORES, "objective", "mask_area")),
    "all kinds": dict(more=gallery.others() | LONG),
    "all kinds, no scores": dict(without=gallery.SCORES, more=gallery.others()),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    gallery.write(folder, **KINDS[request.param])
    return request.param, report.write(folder)


@pytest.mark.parametrize("width", [390, 1280])
def test_runs_of_other_kinds_fit_the_screen_and_log_nothing(browser, kind, width):
    name, page = kind
    visit(browser, page, (width, 800))
    assert_no_width_is_exceeded(browser, width, range(len(NAMES)))
    assert browser.get_log("browser") == []
    bring(browser, 0)
    tops = browser.execute_script(
        """return [...document.querySelectorAll("#picture-1 > .panels > figure")]
          .map((figure) => figure.getBoundingClientRect().top)"""
    )
    assert len(set(tops[:2])) == 1  # the picture and its saliency stand side by side
    canvases = browser.execute_script(
        "return document.querySelectorAll('#picture-1 canvas').length"
    )
    assert canvases == (2 if name == "all kinds" else 0)


def test_a_run_without_scores_is_sorted_and_found_by_what_it_has(browser, tmp_path):
    gallery.write(tmp_path, without=("keep", *gallery.SCORES))
    visit(browser, report.write(tmp_path))
    assert browser.execute_script(
        """return [...document.querySelectorAll("select")]
          .map((select) => [...select.options].map((option) => option.value))"""
    ) == [["all", "explained", "other", "skipped"], ["number", "name", "target"]]
    choose(browser, "sort", "name")
    assert visible_names(browser) == names_of(2, 5, 1, 0, 4, 3)
    choose(browser, "show", "other")
    assert visible_names(browser) == names_of(4)


@pytest.mark.parametrize(("size", "columns"), [(PHONE, (2, 3)), (DESKTOP, (6, 9))])
def test_the_masks_of_classes_stand_side_by_side_as_wide_as_they_can(browser, path, size, columns):
    visit(browser, path, size)
    bring(browser, 0)
    shown = browser.execute_script(
        """return [...document.querySelectorAll("#picture-1 .classes li")].map((item) => {
          const { left, top } = item.getBoundingClientRect();
          const image = item.querySelector("img");
          const { width, height } = image.getBoundingClientRect();
          return { left, top, width, height, alt: image.alt, loaded: image.naturalWidth,
            outlined: getComputedStyle(item.querySelector(".frame")).outlineStyle };
        })"""
    )
    assert len(shown) == len(CLASSES)
    in_first_row = [item for item in shown if item["top"] == shown[0]["top"]]
    assert columns[0] <= len(in_first_row) <= columns[1]
    for item in shown:
        assert item["loaded"] == gallery.WIDTH
        assert item["width"] / item["height"] == pytest.approx(gallery.WIDTH / gallery.HEIGHT, 0.02)
    assert [item["alt"] for item in shown if item["outlined"] == "solid"] == [
        "What the mask of tabby keeps"  # class 1, which is explained
    ]


def test_every_picture_starts_at_its_smallest_sufficient_area(browser, path):
    visit(browser, path)
    for place, known in enumerate(gallery.GALLERY):
        if known.level is None:
            continue
        count = num_kept(AREAS[known.level], gallery.HEIGHT * gallery.WIDTH)
        assert kept_pixels(browser, place, "kept").sum() == count
        assert shown(browser, place, ".area") == f"{100 * AREAS[known.level]:.4g} %"
        assert shown(browser, place, ".panel.kept .nats") == "log-odds +0.50"


def test_the_slider_changes_the_masks_and_the_numbers(browser, path):
    visit(browser, path)
    order = np.argsort(-gallery.saliency(1).ravel(), kind="stable")
    for level in (0, 3, 11, 19):
        move(browser, 1, level)
        expected = np.zeros(gallery.HEIGHT * gallery.WIDTH, bool)
        expected[order[: num_kept(AREAS[level], expected.size)]] = True
        expected = expected.reshape(gallery.HEIGHT, gallery.WIDTH)
        np.testing.assert_array_equal(kept_pixels(browser, 1, "kept"), expected)
        np.testing.assert_array_equal(kept_pixels(browser, 1, "removed"), ~expected)
        known = gallery.GALLERY[1]
        for part, value in (("kept", known.kept[level]), ("removed", known.removed[level])):
            words = f"log-odds {value:+.2f}".replace("-0", "−0").replace(" -", " −")
            assert shown(browser, 1, f".panel.{part} .nats") == words
        assert shown(browser, 1, ".area") == f"{100 * AREAS[level]:.4g} %"


def test_the_canvases_show_the_photograph_itself(browser, path):
    visit(browser, path)
    move(browser, 0, 19)
    pixels = browser.execute_script(
        """const canvas = document.querySelector("#picture-1 .kept canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [...data]"""
    )
    drawn = np.array(pixels).reshape(gallery.HEIGHT, gallery.WIDTH, 4)
    np.testing.assert_array_equal(drawn[..., :3], gallery.image(0))


def test_the_slider_obeys_the_keyboard_and_returns_to_its_start(browser, path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    visit(browser, path)
    bring(browser, 0)
    slider = browser.find_element(By.CSS_SELECTOR, "#picture-1 input[type=range]")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    settle(browser)
    assert shown(browser, 0, ".area") == "12.25 %"  # from level 4 to level 6
    assert "12.25" in slider.get_attribute("aria-valuetext")
    browser.find_element(By.CSS_SELECTOR, "#picture-1 .again").click()
    settle(browser)
    assert shown(browser, 0, ".area") == "6.25 %"
    assert kept_pixels(browser, 0, "kept").sum() == num_kept(AREAS[4], 720)


def test_the_thumb_stands_below_its_place_in_the_curve(browser, path):
    for size in (PHONE, DESKTOP):
        visit(browser, path, size)
        for level in (0, 9, 19):
            move(browser, 0, level)
            plot, slider, mark = browser.execute_script(
                """const article = document.querySelector("#picture-1");
                const box = (s) => article.querySelector(s).getBoundingClientRect();
                return [box(".levels svg"), box("input[type=range]"), box(".mark")]"""
            )
            thumb = slider["left"] + 8 + level / 19 * (slider["width"] - 16)
            assert abs(thumb - (plot["left"] + level / 19 * plot["width"])) < 1
            assert abs(thumb - mark["left"]) < 2


@pytest.mark.parametrize(
    ("order", "places"),
    [
        ("number", (0, 1, 2, 4, 5, 3)),
        ("name", (2, 5, 1, 0, 4, 3)),
        ("target", (2, 4, 5, 0, 1, 3)),
        ("drop", (1, 2, 4, 0, 5, 3)),
        ("area", (2, 0, 1, 4, 5, 3)),
    ],
)
def test_pictures_are_sorted(browser, path, order, places):
    visit(browser, path)
    choose(browser, "sort", order)
    assert visible_names(browser) == names_of(*places)
    choose(browser, "sort", "number")
    assert visible_names(browser) == [known.name for known in gallery.SHOWN]


@pytest.mark.parametrize(
    ("words", "kind", "places"),
    [
        ("zebra", "all", (0, 1)),
        ("ZEBRA 9", "all", (1,)),
        ("egyptian", "all", (4,)),
        ("<i>", "all", (2,)),
        ("", "skipped", (3,)),
        ("", "other", (4,)),
        ("", "insufficient", (5,)),
        ("", "explained", (0, 1, 2, 4, 5)),
        ("zebra", "skipped", ()),
    ],
)
def test_pictures_are_filtered_and_counted(browser, path, words, kind, places):
    visit(browser, path)
    choose(browser, "text", words)
    choose(browser, "show", kind)
    assert visible_names(browser) == names_of(*places)
    count = browser.execute_script("return document.querySelector('[name=count]').textContent")
    assert count == f"{len(places)} of 6 pictures"
    hidden = browser.execute_script("return document.querySelector('.nothing').hidden")
    assert hidden == bool(places)


def test_what_is_looked_for_stands_in_the_address_and_is_there_again(browser, path):
    visit(browser, path)
    choose(browser, "sort", "drop")
    choose(browser, "text", "zebra & 50% #")
    choose(browser, "show", "explained")
    address = browser.current_url
    assert address.endswith("?text=zebra+%26+50%25+%23&show=explained&sort=drop")
    choose(browser, "text", "ZEBRA")
    browser.get("about:blank")
    browser.back()
    settle(browser)
    assert visible_names(browser) == names_of(1, 0)
    browser.get(f"{path.as_uri()}?text=tabby&show=nothing&sort=nothing&other=1#picture-5")
    settle(browser)
    assert visible_names(browser) == names_of(4)
    for name, value in (("text", ""), ("show", "all"), ("sort", "number")):
        choose(browser, name, value)
    assert browser.current_url == f"{path.as_uri()}?other=1#picture-5"
    assert browser.get_log("browser") == []


def test_masks_are_still_right_after_sorting(browser, path):
    visit(browser, path)
    move(browser, 0, 10)
    choose(browser, "sort", "area")
    assert kept_pixels(browser, 0, "kept").sum() == num_kept(AREAS[10], 720)


def test_canvases_exist_only_near_the_screen_and_remember_their_level(browser, tmp_path):
    many = tuple(dataclasses.replace(gallery.GALLERY[0], name=f"{i}.png") for i in range(60))
    gallery.write(tmp_path, many)
    visit(browser, report.write(tmp_path))
    move(browser, 0, 12)
    for place in (20, 40, 59):
        bring(browser, place)
        count = browser.execute_script("return document.querySelectorAll('canvas').length")
        assert 2 <= count <= 16
    assert not browser.execute_script("return !!document.querySelector('#picture-1 canvas')")
    assert kept_pixels(browser, 0, "kept").sum() == num_kept(AREAS[12], 720)


def test_without_scripts_the_parts_are_pictures_and_no_dead_control_is_shown(browser, path):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get("about:blank")  # else the page of the test before could be looked at
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(path.as_uri())
        wait = WebDriverWait(browser, 20)
        wait.until(
            lambda b: (
                b.execute_script("return location.protocol + document.readyState")
                == "file:complete"
            )
        )
        state = browser.execute_script(
            """const height = (s) => document.querySelector(s).getBoundingClientRect().height;
            return [height("#picture-1 .kept img") > 50, height("#picture-1 .removed img") > 50,
              height(".controls"), height("#picture-1 .slide"), height("#picture-1 .again"),
              document.querySelectorAll("canvas").length]"""
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert state == [True, True, 0, 0, 0, 0]


def test_the_counterfactual_lies_over_the_picture_as_far_as_the_slider_says(browser, tmp_path):
    more = gallery.others()
    gallery.write(tmp_path, more=more)
    visit(browser, report.write(tmp_path))
    bring(browser, 0)
    found = """const figure = document.querySelector("#picture-1 .turned");
        return [figure.hidden, [...figure.querySelectorAll("img")].map((image) => image.src),
          figure.querySelector("img:last-child").style.clipPath]"""
    hidden, (before, after), clip = browser.execute_script(found)
    assert not hidden and clip == "inset(0px 0px 0px 50%)"
    sources = browser.execute_script(
        """return [".panel.picture", "[data-name=counterfactual]"].map((one) =>
          document.querySelector(`#picture-1 ${one} img`).src)"""
    )
    assert [before, after] == sources and before != after
    browser.execute_script(
        """const slider = document.querySelector("#picture-1 .turned input");
        slider.value = 80;
        slider.dispatchEvent(new Event("input", { bubbles: true }));"""
    )
    assert browser.execute_script(found)[2] == "inset(0px 0px 0px 80%)"
    assert browser.get_log("browser") == []


def test_the_legend_of_regions_stands_beside_the_slider_and_fits_the_screen(browser, tmp_path):
    gallery.write(
        tmp_path,
        more=gallery.regions(),
        region_names=gallery.REGIONS,
        without=("keep", *gallery.SCORES),
    )
    page = report.write(tmp_path)
    for size in (PHONE, DESKTOP):
        visit(browser, page, size)
        bring(browser, 0)
        settle(browser)
        rows, patches, legend, slider, wide = browser.execute_script(
            """const article = document.querySelector("#picture-1");
            const rows = [...article.querySelectorAll(".regions tbody tr")];
            const box = (s) => article.querySelector(s).getBoundingClientRect();
            const colour = (row) => getComputedStyle(row.querySelector(".patch")).backgroundColor;
            return [rows.map((row) => row.innerText), rows.map(colour), box(".regions"),
                    box(".turned"), document.documentElement.scrollWidth]"""
        )
        assert [row.split() for row in rows] == [
            ["car", "2", "1.75"],
            ["road", "0.5"],
            ["sky", "0.25"],
        ]
        assert len(set(patches)) == 3 and wide <= size[0]
        assert legend["right"] <= size[0] and legend["width"] > 100
        if size == DESKTOP:
            assert abs(legend["top"] - slider["top"]) < 1 and legend["left"] > slider["right"]
