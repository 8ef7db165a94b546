"""The debrief in a real browser: nothing is cut off, and its cautions stand with what they are about, on paper too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from workshop_play import played, runner, state

from transition_sim.workshop.debrief import debrief
from transition_sim.workshop.language import words
from transition_sim.workshop.printed import debrief_page, print_results
from transition_sim.workshop.runs import round_results, team_values
from transition_sim.workshop.scoring import standing

PLANS = {
    1: {"peak": 5, "effort_start": 2, "effort_late": 2, "election": 2},
    2: {"cut": 2, "exit_date": 2, "pace": 1},
    3: {"effort_start": 4, "strategy": 0, "meetings": 2, "rule": 1},
}
HIDDEN = """() => [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => e.getAttribute('aria-label'))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the debrief of four teams, of team 1, and the slips of the last round, in two languages."""
    home = tmp_path_factory.mktemp("debrief")
    session = state(played(PLANS, teams=4))
    found = debrief(runner(), session)
    links = {"index.html": "index.html"} | {f"team-{number}.html": f"team-{number}.html" for number in range(1, 5)}
    results, stand = round_results(runner(), session, 3), standing(session.workshop, team_values(runner(), session, 3))
    for code in ("en", "ar"):
        for name, team in (("index", 0), ("team", 1)):
            (home / f"{name}-{code}.html").write_text(debrief_page(session, found, code, team, links), encoding="utf-8")
        slips = print_results(session, "late_transition", results, stand, code)
        (home / f"slips-{code}.html").write_text(slips, encoding="utf-8")
    return home


@pytest.mark.parametrize("width", [360, 1366, 1920])
@pytest.mark.parametrize("name", ["index-en", "team-en", "index-ar", "team-ar"])
def test_a_debrief_uses_the_width_and_cuts_nothing_off(
    visit: Callable[..., Any], folder: Path, name: str, width: int
) -> None:
    seen = visit(folder / f"{name}.html", width, 800)
    seen.page.wait_for_selector("#questions")
    assert seen.page.evaluate(HIDDEN) == []
    seen.assert_fits()
    seen.assert_quiet()
    if width == 1366:
        seen.assert_accessible()
    used = seen.page.locator(".changes").first.bounding_box()["width"]
    assert used > (0.9 if width > 400 else 0.8) * width
    size = seen.page.evaluate("parseFloat(getComputedStyle(document.querySelector('.changes td')).fontSize)")
    assert size >= (20 if width >= 1600 else 15)
    seen.picture(f"workshop-debrief-{name}-{width}")


@pytest.mark.parametrize("code", ["en", "ar"])
@pytest.mark.parametrize("name", ["index", "team"])
def test_cautions_stand_at_the_top_and_in_each_part(
    visit: Callable[..., Any], folder: Path, name: str, code: str
) -> None:
    page = visit(folder / f"{name}-{code}.html", 1366, 768).page
    for key in ("honest", "assumption"):
        box = page.locator(".honest p", has_text=words()[key][code]).bounding_box()
        assert box["y"] + box["height"] < 250
    parts = page.locator("section:has(table), section:has(svg)")
    assert parts.count() >= (3 if name == "team" else 6)
    for i in range(parts.count()):
        assert words()["honest_short"][code] in parts.nth(i).inner_text()
    for link in page.locator("nav.contents a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1
    assert page.locator("#questions").bounding_box()["y"] < 768 or name == "team"


def test_what_rests_on_the_commission_is_hatched_and_says_so(visit: Callable[..., Any], folder: Path) -> None:
    page = visit(folder / "team-en.html", 1366, 768).page
    rows = page.locator(".changes tbody tr")
    marks = {row.locator("th").inner_text().split("\n")[0]: row.locator(".assumed-tag").count() for row in rows.all()}
    assert marks == {
        "First election": 0, "Authorised strength": 0, "Effort at mission start": 1, "Effort in late transition": 1,
    }  # fmt: skip
    hatched = page.locator(".changes td.assumed")
    assert hatched.count() == 2 * 6
    assert "gradient" in hatched.first.evaluate("e => getComputedStyle(e).backgroundImage")
    assert page.locator(".assumed-bar").count() == 2
    assert page.locator(".bar:not(.assumed-bar) .assumed-tag").count() == 0
    assert words("drivers.yaml")["assumed_note"]["en"] in page.locator("#changed").inner_text()
    assert page.locator("#worlds .change-means").count() == 1
    assert page.locator("#worlds td.assumed").count() == 5
    text = page.locator("#main").inner_text()
    assert "hazard" not in text
    assert "[" not in text
    assert "-0" not in text
    assert "\u22120" in text
    column = [cell.inner_text() for cell in page.locator(".changes tbody td:nth-child(2) b").all()]
    assert {len(number.rsplit(".", 1)[1]) for cell in column for number in cell.split(" … ")} == {2}


def test_best_is_marked_with_its_rule_beside_it(visit: Callable[..., Any], folder: Path) -> None:
    page = visit(folder / "index-en.html", 1366, 768).page
    table = page.locator("#sides table")
    assert table.locator(".badge, .level").count() > 0
    assert words()["what_best"]["en"] in table.locator("caption").inner_text()
    assert words()["assumed_team"]["en"] in table.locator("caption").inner_text()
    heads = [head.inner_text() for head in table.locator("thead th").all()]
    assert ["part assumed" in head for head in heads] == [False, True, False, True, False]


def pages_of(page: Any, path: Path) -> list[str]:
    """Return the text of each printed page."""
    from pypdf import PdfReader

    page.pdf(path=path, format="A4")
    sheets = [normalize("NFKC", sheet.extract_text()) for sheet in PdfReader(path).pages]  # "ﬀ" is "ff"
    return [" ".join(sheet.split()) for sheet in sheets]


def test_a_printed_debrief_keeps_headings_and_cautions_with_what_they_head(
    visit: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    for name in ("index", "team"):
        page = visit(folder / f"{name}-en.html", 1366, 768).page
        sheets = pages_of(page, tmp_path / f"{name}.pdf")
        assert words()["honest"]["en"] in sheets[0]
        assert words()["assumption"]["en"] in sheets[0]
        assert all(len(sheet) > 200 for sheet in sheets), "a page with next to nothing on it"
        heads = [text.inner_text() for text in page.locator("h2, h3").all()]
        for sheet in sheets:
            end = sheet.removesuffix(words()["honest_short"]["en"]).rstrip()
            assert not any(end.endswith(head) for head in heads), end[-80:]
            assert not end.endswith(words("drivers.yaml")["assumed_note"]["en"])
    risks = [
        sheet
        for sheet in pages_of(visit(folder / "index-en.html").page, tmp_path / "x.pdf")
        if "Risk over time" in sheet
    ]
    assert "Team 1" in risks[0].split("Risk over time", 1)[1]


def test_each_slip_is_whole_on_a_sheet(visit: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    for code in ("en", "ar"):
        seen = visit(folder / f"slips-{code}.html", 1280, 900)
        seen.assert_fits()
        seen.assert_accessible()
        seen.picture(f"workshop-slips-{code}")
    sheets = pages_of(visit(folder / "slips-en.html").page, tmp_path / "slips.pdf")
    for team in range(1, 5):
        (own,) = [sheet for sheet in sheets if f"Team {team} · Round 4 of 4" in sheet]
        slip = own.split(f"Team {team} · Round 4 of 4", 1)[1].split(f"Team {team + 1} · Round 4", 1)[0]
        for key in ("honest", "assumption", "change_means"):
            assert words()[key]["en"] in slip, (team, key)
        assert "In eight of ten plausible worlds" in slip
