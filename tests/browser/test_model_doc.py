"""The model reference in a browser: quiet, narrow, searched by keyboard, scrolled where it must be, safe, printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import transition_sim as ts
from transition_sim.model.reader import load_model
from transition_sim.report.reference.gather import gather
from transition_sim.report.reference.page import reference_page

Visits = Callable[..., Any]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the whole reference of the shipped model, made once for all of the test's processes."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    path = shared / "transition-reference.html"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            path.write_text(reference_page(gather(ts.load_model())), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the reference of the small shipped model."""
    path = tmp_path_factory.mktemp("reference") / "aid_gap.html"
    path.write_text(reference_page(gather(ts.load_model("aid_gap"))), encoding="utf-8")
    return path


def until(page: Any, expression: str) -> None:
    """Wait until an expression holds; the page forbids what Playwright's own waiting does (evaluating text)."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {expression}", pytrace=False)


@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_quiet_and_fits(visit: Visits, page_file: Path, width: int) -> None:
    seen = visit(page_file, width=width)
    seen.assert_fits()
    seen.assert_quiet()
    seen.picture(f"model-doc-{width}", full=False)


def test_it_is_accessible(visit: Visits, page_file: Path) -> None:
    visit(page_file, width=360).assert_accessible()


def test_a_small_models_page_is_accessible_too(visit: Visits, small_file: Path) -> None:
    seen = visit(small_file)
    seen.assert_accessible()
    seen.assert_quiet()
    seen = visit(small_file, width=360)
    seen.assert_fits()


def test_the_search_is_by_keyboard_and_says_how_many(visit: Visits, page_file: Path) -> None:
    seen = visit(page_file)
    page = seen.page
    page.keyboard.press("/")
    page.keyboard.type("draw DOWN")
    status = page.get_by_role("status")
    status.get_by_text("variables").wait_for()
    shown = page.locator("[data-find]:visible").count()
    assert 5 < shown < 60
    assert status.inner_text() == f"{shown} of 484 variables"
    assert page.locator("#v-draw-down-start").is_visible()
    assert not page.locator("#v-legitimacy").is_visible()
    assert not page.locator("#s-region").is_visible()
    assert not page.locator("#limits").is_visible()
    page.keyboard.press("Enter")
    assert "draw" in page.evaluate("document.activeElement.textContent").lower()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    assert page.locator("[data-find]:visible").count() == 484
    until(page, "document.getElementById('count').textContent === ''")
    page.locator("#find").fill("zebra")
    until(page, "document.getElementById('count').textContent === '0 of 484 variables'")
    seen.assert_quiet()


def test_a_link_to_what_the_search_hides_shows_it(visit: Visits, page_file: Path) -> None:
    page = visit(page_file).page
    page.locator("#find").fill("capacity support")
    card = page.locator("#v-capacity-support")
    card.locator("dd a", has_text="national ownership").click()
    target = page.locator("#v-national-ownership")
    assert target.is_visible()
    assert 0 <= target.evaluate("e => e.getBoundingClientRect().top") < 800
    assert page.locator("#find").input_value() == ""


def test_a_name_in_an_equation_leads_to_its_card(visit: Visits, page_file: Path) -> None:
    page = visit(page_file).page
    page.locator("#v-absorptive-capacity math mi", has_text="state capacity").click()
    assert page.evaluate("location.hash") == "#v-state-capacity"


def test_long_equations_scroll_in_their_own_box(visit: Visits, page_file: Path) -> None:
    page = visit(page_file, width=360).page
    box = page.locator("#v-pledging .equation").first
    assert box.get_attribute("tabindex") == "0"
    assert box.get_attribute("aria-label") == "Equation of pledging"
    box.focus()
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('#v-pledging .equation').scrollLeft > 0")
    assert page.evaluate("window.scrollX") == 0
    short = page.locator("#v-election-date .equation").first
    assert short.get_attribute("tabindex") is None
    stops = (
        "[...document.querySelectorAll('.equation')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0)"
    )
    assert page.evaluate(f"{stops}.length") == 0


def test_mathematics_is_laid_out_as_such(visit: Visits, page_file: Path) -> None:
    page = visit(page_file).page
    above, below = (page.locator("#v-mission-cover mfrac > *").nth(i).bounding_box() for i in (0, 1))
    assert above["y"] + above["height"] <= below["y"] + 1
    assert (
        page.locator("#v-mission-cover math").get_attribute("alttext").startswith("mission cover = mission cover limit")
    )


def test_contents_stay_in_view_or_fold(visit: Visits, page_file: Path) -> None:
    wide = visit(page_file).page
    wide.locator("nav a", has_text="Hazard").click()
    assert wide.locator("nav a", has_text="Evidence").is_visible()
    assert 0 <= wide.locator("#find").bounding_box()["y"] < 200
    until(wide, "document.querySelector('nav [aria-current]').textContent === 'Hazard'")
    narrow = visit(page_file, width=360).page
    assert not narrow.locator("nav a", has_text="Evidence").is_visible()
    narrow.locator("nav summary").click()
    narrow.locator("nav a", has_text="Evidence").click()
    assert not narrow.locator("nav ol").is_visible()
    top = narrow.locator("#evidence h2").bounding_box()["y"]
    bar = narrow.locator("nav").bounding_box()
    assert top >= bar["y"] + bar["height"] - 1


def test_a_wide_picture_has_a_full_size(visit: Visits, page_file: Path) -> None:
    page = visit(page_file).page
    figure = page.locator("#s-aid figure.picture")
    before = figure.locator("img").bounding_box()["width"]
    assert before <= figure.bounding_box()["width"]
    figure.get_by_role("button", name="Full size").click()
    assert figure.locator("img").bounding_box()["width"] > before
    assert figure.locator(".scroll").get_attribute("tabindex") == "0"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_untrusted_text_runs_nothing(visit: Visits, mdl: Callable[..., Path], tmp_path: Path) -> None:
    hostile = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><svg onload='window.ran = 3'>"
    model = mdl(
        f'"{hostile.replace(chr(39), "")}" = INTEG(1, 0) ~ {hostile} ~ {hostile} |',
        f'"[](javascript:window.ran=4)" = "{hostile.replace(chr(39), "")}" ~ ~ |',
    )
    path = tmp_path / "hostile.html"
    path.write_text(reference_page(gather(load_model(model))), encoding="utf-8")
    seen = visit(path)
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.ran") is None
    assert seen.page.locator("main script, main img[src='x'], main svg[onload]").count() == 0
    seen.assert_quiet()


def test_it_prints_without_what_is_for_the_screen(visit: Visits, page_file: Path) -> None:
    page = visit(page_file, width=794).page
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("#v-pledging").is_visible()
    over = page.evaluate(
        "[...document.querySelectorAll('main math')].filter(e => e.getBoundingClientRect().right > 794)"
        ".map(e => e.getAttribute('alttext'))"
    )
    assert over == []
