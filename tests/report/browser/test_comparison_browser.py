"""The page that sets runs side by side in a real browser, at phone and desktop width."""

import gallery
import pytest
from chromium import choose, settle, visit

from xai_jax.report import comparison

SHOWN = [known for known in gallery.GALLERY if known.level is not None]
FOCUS = (0.5, None, 0.75, 0.25, 1.0)  # of the run "method 2", by picture


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs <&> with 100% odd name")
    names = ["method 1", "method 2", "a method of a long name " * 3, "four", "five", "six", "seven"]
    for name in names:
        without = () if name == "method 1" else ("keep", *gallery.SCORES)
        gallery.write(folder / name, without=without)
    lines = ["contestant,picture,focus"]
    for known, value in zip(SHOWN, FOCUS, strict=True):
        lines.append(f'method 2,"{known.name.replace(chr(34), chr(34) * 2)}",{value or ""}')
    (folder / "per_picture.csv").write_text("\n".join(lines) + "\n")
    return comparison.write(
        [folder / name for name in names], folder / "page.html", folder / "per_picture.csv"
    )


def rows(browser) -> list[int]:
    """The places of the rows that are seen, from above."""
    seen = browser.execute_script(
        """return [...document.querySelectorAll(".row")]
          .filter((row) => row.getBoundingClientRect().height > 0)
          .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
          .map((row) => Number(row.dataset.number) - 1)"""
    )
    return list(seen)


def big(browser, row: int) -> list[str]:
    return browser.execute_script(
        """return [...document.querySelectorAll(`.row[data-number="${arguments[0] + 1}"] .big`)]
          .map((cell) => cell.textContent)""",
        row,
    )


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_only_the_sheet_scrolls_sideways_and_nothing_is_logged(browser, path, width, scheme):
    visit(browser, path, (width, 800), prefers_color_scheme=scheme)
    scrolls, seen = browser.execute_script(
        """const { scrollWidth, clientWidth } = document.querySelector(".sheet");
        return [scrollWidth, clientWidth]"""
    )
    assert seen <= width and (scrolls > seen) == (width == 390)
    wide, page = browser.execute_script(
        "const { scrollWidth, clientWidth } = document.documentElement;"
        "return [scrollWidth, clientWidth]"
    )
    assert wide == page
    assert browser.get_log("browser") == []
    # The picture stays where it is while its methods pass by.
    lefts = browser.execute_script(
        """const sheet = document.querySelector(".sheet");
        sheet.scrollLeft = 200;
        const [row] = document.querySelectorAll(".row");
        return [sheet, row.children[0]].map((e) => e.getBoundingClientRect().left)"""
    )
    assert abs(lefts[0] - lefts[1]) < 1


def test_the_chosen_score_is_shown_and_sorts(browser, path):
    visit(browser, path, (1280, 900))
    assert rows(browser) == [0, 1, 2, 3, 4]
    assert [big(browser, row)[1] for row in range(5)] == ["0.5", "–", "0.75", "0.25", "1"]
    assert big(browser, 0)[0] == "–"  # the table has nothing of it
    choose(browser, "sort", "1")
    assert rows(browser) == [3, 0, 2, 4, 1]  # what is not known comes last
    choose(browser, "way", "-1")
    assert rows(browser) == [4, 2, 0, 3, 1]
    choose(browser, "score", "sufficient_area")
    assert rows(browser) == [0, 1, 2, 3, 4]  # nobody but the first has it: the order of the run
    choose(browser, "sort", "0")
    assert rows(browser) == [4, 3, 1, 0, 2]
    assert big(browser, 0)[0] == "0.0625"


def test_the_name_of_a_method_sorts_by_it_and_then_turns_it_around(browser, path):
    visit(browser, path, (1280, 900))
    click = "document.querySelector('thead [data-column=\"1\"]').click()"
    browser.execute_script(click)
    settle(browser)
    assert rows(browser) == [4, 2, 0, 3, 1]
    state = "return document.querySelector('[aria-sort]').getAttribute('aria-sort')"
    assert browser.execute_script(state) == "descending"
    browser.execute_script(click)
    settle(browser)
    assert rows(browser) == [3, 0, 2, 4, 1]
    assert browser.execute_script(state) == "ascending"


def test_rows_are_found_and_counted(browser, path):
    visit(browser, path, (390, 800))
    choose(browser, "text", "ZEBRA 9")
    assert rows(browser) == [1]
    counted = "return document.querySelector('[name=count]').textContent"
    assert browser.execute_script(counted) == "1 of 5 rows"
    choose(browser, "text", "nothing like it")
    assert rows(browser) == []
    assert not browser.execute_script("return document.querySelector('.nothing').hidden")
