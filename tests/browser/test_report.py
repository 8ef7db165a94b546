"""The report in a real browser: opens offline, asks nobody, fits a telephone, is accessible, prints on two papers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPORT = "compare --ensemble both --runs 20 --seed 7 --quiet --out"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave what `make compare` leaves, over fewer worlds."""
    place = tmp_path_factory.mktemp("report") / "compare"
    words = [sys.executable, "-m", "transition_sim.cli", *REPORT.split(), str(place)]
    subprocess.run(words, check=True, capture_output=True)
    return place


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_report_opens_offline_and_fits(visit: Callable[..., Any], folder: Path, width: int) -> None:
    seen = visit(folder / "report.html", width=width, offline=True, java_script_enabled=True)
    seen.assert_quiet()
    seen.assert_fits()
    shown = seen.page.locator("figure svg:visible")
    assert shown.count() == seen.page.locator("figure").count() == 7
    for i in range(shown.count()):
        box = shown.nth(i).bounding_box()
        assert box["width"] > 300
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    seen.picture(f"report-{width}")


def test_report_is_accessible(visit: Callable[..., Any], folder: Path) -> None:
    seen = visit(folder / "report.html")
    seen.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
    seen.assert_accessible()
    seen.assert_fits()


def test_tables_behind_figures_unfold_without_any_script(visit: Callable[..., Any], folder: Path) -> None:
    seen = visit(folder / "report.html", width=360, java_script_enabled=False)
    table = seen.page.locator("#numbers-money")
    assert not table.is_visible()
    seen.page.get_by_text(re.compile("The numbers behind figure")).last.click()
    assert table.is_visible()
    seen.assert_quiet()


def test_wide_tables_scroll_in_their_own_box_by_the_keyboard(visit: Callable[..., Any], folder: Path) -> None:
    seen = visit(folder / "report.html", width=360)
    box = seen.page.locator(".scroll:has(#horizons-c5)")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    box.focus()
    for _ in range(5):
        seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_function("() => document.querySelector('.scroll:has(#horizons-c5)').scrollLeft > 0")
    seen.assert_fits()


def test_contents_and_skip_link_lead_somewhere(visit: Callable[..., Any], folder: Path) -> None:
    seen = visit(folder / "report.html")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("() => document.activeElement.className") == "skip"
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("() => location.hash") == "#main"
    for link in seen.page.locator("nav a").all():
        target = link.get_attribute("href")
        link.click()
        assert seen.page.locator(target).is_visible()
    seen.assert_quiet()


@pytest.mark.parametrize(("paper", "width"), [("A4", 210), ("Letter", 215.9)])
def test_print_view_fits_the_paper(visit: Callable[..., Any], folder: Path, paper: str, width: float) -> None:
    seen = visit(folder / "report.html")
    raw = seen.page.pdf(format=paper)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", raw)
    assert boxes
    assert float(boxes[0][0]) == pytest.approx(width / 25.4 * 72, abs=1.5)
    seen.page.emulate_media(media="print")
    seen.page.set_viewport_size({"width": round((width - 36) / 25.4 * 96), "height": 900})
    seen.assert_fits()
    cut = seen.page.evaluate(
        "() => [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)"
        ".map(e => e.querySelector('table').id)"
    )
    assert cut == [], "tables are cut off in print"
    assert seen.page.locator("details:visible").count() == 0
