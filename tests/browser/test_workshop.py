"""A session in real browsers: phones of teams, the facilitator's screen, the big screen; pictures to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from workshop_play import workshop
from workshop_server import Served, served

from transition_sim.workshop.codes import code_of

CODE = re.compile(r"[0-9A-Z]{4}(-[0-9A-Z]{1,4})+")
PHONE, DESK, SCREEN = (360, 740), (1280, 900), (1600, 900)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, "--scenario", "aid_gap", "--port", "0", "--worlds", "60", "--teams", "2") as found:
        yield found


def joined(visit: Callable[..., Any], session: Served, team: int, role: str, size: tuple[int, int] = PHONE) -> Any:
    seen = visit(f"{session.address}/", *size)
    seen.page.fill("#code", session.codes[team].lower())
    seen.page.select_option("#role", role)
    seen.page.click("button[type=submit]")
    seen.page.wait_for_selector("text=Team " + str(team))
    return seen


def checked(seen: Any, name: str) -> None:
    seen.assert_fits()
    seen.assert_accessible()
    seen.assert_quiet()
    seen.picture(name)


def slide(page: Any, values: tuple[int, ...]) -> None:
    for year, value in zip((5, 10, 15, 20), values, strict=False):
        page.locator(f"#year-{year}").evaluate(
            f"node => {{ node.value = {value}; node.dispatchEvent(new Event('input')); }}"
        )


def sketch_and_commit(page: Any, values: tuple[int, ...]) -> None:
    slide(page, values)
    page.click("button:has-text('Put the sketch down')")
    page.wait_for_selector("text=The sketch is down.")
    page.click("text=Commit for the whole team")
    page.wait_for_selector("text=Take it back for the whole team")


def turned(screen: Any, sheet: str) -> None:
    """Turn the big screen to a sheet; nothing on it may need scrolling or be cut off."""
    screen.page.click(f"#tab-{sheet}")
    screen.page.wait_for_selector(f"#tab-{sheet}[aria-pressed=true]")
    assert_on_one_sheet(screen.page)


def assert_on_one_sheet(page: Any) -> None:
    cut = page.evaluate(
        """() => { const bottom = document.querySelector('.sheet-place').getBoundingClientRect().bottom + 1;
        const places = [...document.querySelectorAll('.sheet-place *')].filter(e => !e.closest('.in-words'));
        return [document.scrollingElement.scrollHeight > innerHeight,
            ...places.filter(e => e.getBoundingClientRect().bottom > bottom).map(e => e.outerHTML.slice(0, 90))]; }"""
    )
    assert cut == [False]


def test_a_round_is_played_on_phones_a_desk_and_a_screen(visit: Callable[..., Any], session: Served) -> None:
    facilitator = visit(f"{session.address}/facilitator#{session.facilitator}", *DESK)
    screen = visit(f"{session.address}/projector#{session.projector}", *SCREEN)
    first = visit(f"{session.address}/", *PHONE)
    checked(first, "workshop-join")
    donor = joined(visit, session, 1, "donors")
    whole = joined(visit, session, 2, "shared")
    screen.page.wait_for_selector(f"text={session.codes[2]}")
    checked(screen, "workshop-screen-lobby")
    turned(screen, "before_rounds")
    screen.page.wait_for_selector("text=line: the middle, if nothing is changed")
    checked(screen, "workshop-screen-before-round-1")
    checked(donor, "workshop-phone-lobby")
    facilitator.page.click("text=Open round 1")
    donor.page.wait_for_selector("text=Round 1 of 4")
    donor.page.click("label:has-text('120 million dollars')")
    facilitator.page.click("button:has-text('Have it happen') >> nth=0")
    facilitator.page.click("button:has-text('Press again to confirm: Have it happen')")
    donor.page.wait_for_selector("text=donor conference")
    assert donor.page.locator("text=First put the sketch down: then the code stands here.").is_visible()
    slide(donor.page, (10, 18))
    assert donor.page.locator("button:has-text('Put the sketch down')").is_disabled()
    assert donor.page.locator("#year-20").get_attribute("aria-valuetext") == "not drawn"
    sketch_and_commit(donor.page, (10, 18, 24, 30))
    checked(donor, "workshop-phone-round")
    whole.page.click("label:has-text('14,000 troops')")
    whole.page.locator("button:has-text('Put the sketch down')").scroll_into_view_if_needed()
    checked(whole, "workshop-phone-shared")
    code = whole.page.locator("output.code")
    whole.page.locator("#year-5").click(position={"x": 2, "y": 20})  # zero is drawn too
    slide(whole.page, (0, 6, 8, 12))
    whole.page.click("button:has-text('Put the sketch down')")
    whole.page.wait_for_selector("text=The sketch is down.")
    assert CODE.fullmatch(code.inner_text())
    checked(facilitator, "workshop-facilitator-open")
    checked(screen, "workshop-screen-open")
    facilitator.page.fill("#entry", code.inner_text())
    facilitator.page.click("form:has(#entry) button")
    whole.page.wait_for_selector("text=Take it back")
    facilitator.page.wait_for_selector(
        "text=Put down and committed for team 2: Authorised strength: 14,000 troops; Sketch: 0 / 6 / 8 / 12."
    )
    assert_on_one_sheet(screen.page)
    facilitator.page.click("text=Close the round and show results")
    screen.page.wait_for_selector("text=Teams side by side")
    for sheet in ("compare_teams", "risk_sheet"):
        turned(screen, sheet)
    donor.page.wait_for_selector("text=Results of the round")
    for seen, name in ((donor, "phone"), (screen, "screen"), (facilitator, "facilitator")):
        checked(seen, f"workshop-{name}-shown")
    donor.page.select_option("select.language", "ar")
    assert donor.page.evaluate("document.documentElement.dir") == "rtl"
    checked(donor, "workshop-phone-shown-ar")
    screen.page.select_option("select.language", "ar")
    checked(screen, "workshop-screen-shown-ar")
    assert session.facilitator not in facilitator.page.url
    facilitator.page.reload()
    facilitator.page.click("button:has-text('End the session')")
    facilitator.page.click("button:has-text('Press again to confirm: End the session')")
    with facilitator.page.context.expect_page() as opened:
        facilitator.page.click("text=Make the debrief")
    assert session.facilitator not in opened.value.url
    opened.value.wait_for_selector("h2:has-text('Questions for the debrief')")
    debrief = visit(opened.value.url, *DESK)
    debrief.page.wait_for_selector("h3:has-text('One decision changed')")
    checked(debrief, "workshop-debrief")
    donor.page.select_option("select.language", "en")
    with donor.page.context.expect_page() as opened:
        donor.page.click("text=Your team's debrief")
    own = visit(opened.value.url, *PHONE)
    own.page.wait_for_selector("h2:has-text('When the risk rises and falls')")
    assert own.page.locator("h2:has-text('Questions for the debrief')").count() == 1
    assert own.page.locator("a:not([href^='#'])").count() == 0
    checked(own, "workshop-phone-debrief")


def test_a_phone_that_loses_the_line_shows_its_code_and_goes_on_by_itself(
    visit: Callable[..., Any], session: Served
) -> None:
    facilitator = visit(f"{session.address}/facilitator#{session.facilitator}", *DESK)
    phone = joined(visit, session, 1, "shared")
    facilitator.page.click("text=Open round 1")
    phone.page.wait_for_selector("text=Round 1 of 4")
    phone.page.context.set_offline(True)
    phone.page.click("label:has-text('16,000 troops')")
    slide(phone.page, (6, 10, 14, 20))
    phone.page.click("button:has-text('Put the sketch down')")
    phone.page.click("text=Commit for the whole team")
    unsent = phone.page.locator("#not-sent:has-text('Not sent: no connection.')")
    unsent.wait_for()
    button = phone.page.locator("button:has-text('Commit for the whole team')").bounding_box()
    assert 0 < unsent.bounding_box()["y"] - button["y"] < 80, "beside the button"
    assert 0 <= phone.page.locator("text=No connection. What").bounding_box()["y"] < 60, "in sight, wherever one is"
    offline = phone.page.locator("output.code").inner_text()
    assert CODE.fullmatch(offline)
    phone.picture("workshop-phone-offline")
    phone.page.context.set_offline(False)
    phone.page.wait_for_selector("text=Take it back", timeout=20_000)
    assert phone.page.locator("output.code").inner_text() == offline
    phone.assert_fits()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_is_printed_is_readable_and_asks_for_nothing(
    visit: Callable[..., Any], session: Served, language: str
) -> None:
    state = httpx.get(f"{session.address}/api/state", params={"token": session.facilitator}).json()
    seen = visit(f"{session.address}/print?token={state['keys']['print']}&language={language}", *DESK)
    checked(seen, f"workshop-print-{language}")


def test_a_session_is_run_on_paper_alone_by_what_the_guide_says(visit: Callable[..., Any], tmp_path: Path) -> None:
    with served(tmp_path, "--scenario", "early_exit", "--port", "0", "--worlds", "40", "--teams", "2") as session:
        desk = visit(f"{session.address}/facilitator#{session.facilitator}", *DESK)
        page = desk.page
        for number in (1, 2, 3, 4):
            page.click(f"button:has-text('Open round {number}')")
            page.wait_for_selector(f"text=Round {number} of 4")
            page.click("button:has-text('Start the clock: 6 min')")
            page.wait_for_selector("text=5:5")
            for team in (1, 2):
                sheet_on_paper(page, team, number)
            page.click("button:has-text('Close the round and show results')")
            page.wait_for_selector("text=Teams side by side")
            if number == 1:
                with page.context.expect_page() as opened:
                    page.click("text=Print or read out: results of the round")
                slips = visit(opened.value.url, *DESK)
                assert slips.page.locator("text=In eight of ten plausible worlds").count() == 2
                checked(slips, "workshop-slips")
                opened.value.close()  # a tab behind another is slow
            if number == 2:
                page.click("button:has-text('Undo')")
                page.click("button:has-text('Press again to confirm: Undo')")
                page.wait_for_selector("text=Enter a paper sheet")
                page.click("button:has-text('Close the round and show results')")
                page.wait_for_selector("text=Teams side by side")
        page.click("button:has-text('End the session')")
        page.wait_for_selector("button:has-text('End the session')", state="detached")
        with page.context.expect_page() as opened:
            page.click("text=Make the debrief")
        opened.value.wait_for_selector("h3:has-text('One decision changed')")
        assert opened.value.locator("a:has-text('Team 2 …')").count() == 1
        opened.value.click("a:has-text('Team 2 …')")
        opened.value.wait_for_selector("h2:has-text('When the risk rises and falls')")
        desk.assert_quiet()


def sheet_on_paper(page: Any, team: int, number: int) -> None:
    form = page.locator("details:has(#sheet-team)")
    if not form.evaluate("node => node.open"):
        form.locator("summary").click()
    page.select_option("#sheet-team", str(team))
    assert page.locator("#sheet-year-20").input_value() == "", "a team that has put nothing down begins with nothing"
    if number == 1:
        assert page.locator("#sheet-peak").input_value() == "3", "as planned, whatever the team before has"
        page.select_option("#sheet-peak", index=2 + team)
        form.locator("button[type=submit]").click()
        assert page.locator("#told-sheet").inner_text() == "Give the sketch at every year."
    for year, value in zip((5, 10, 15, 20), sketch_of(team), strict=True):
        page.select_option(f"#sheet-year-{year}", str(value))
    form.locator("button[type=submit]").click()
    page.wait_for_selector(f"li.done:has-text('Team {team}')")
    page.wait_for_selector(f"text=Put down and committed for team {team}: ")


def sketch_of(team: int) -> tuple[int, ...]:
    return (6 + 2 * team, 10 + 2 * team, 14 + 2 * team, 18 + 2 * team)


def test_a_second_code_is_asked_about_and_refusals_stand_beside_their_form(
    visit: Callable[..., Any], session: Served
) -> None:
    desk = visit(f"{session.address}/facilitator#{session.facilitator}", *DESK)
    page = desk.page
    page.click("text=Open round 1")
    shape = workshop()
    codes = [code_of(shape, 2, "mission_start", {"peak": 4 + i}, sketch_of(i)) for i in (0, 1)]
    for wrong, says in ((codes[0][:-1] + "U", "This code is not right"), ("", "")):
        page.fill("#entry", wrong)
        page.click("form:has(#entry) button[type=submit]")
        page.wait_for_function(f"document.getElementById('told-code').textContent.startsWith({says!r})")
    assert page.evaluate("document.activeElement.id") == "entry" or page.locator("#entry").is_visible()
    for code in codes:
        page.fill("#entry", code)
        page.click("form:has(#entry) button[type=submit]")
        page.wait_for_selector(
            "form:has(#entry) .went:has-text('16,000'), button:has-text('Replace what team 2 has')"
            if code is codes[1]
            else "form:has(#entry) .went:has-text('14,000')"
        )
    asked = page.locator("form:has(#entry)")
    assert (
        "Team 2 has committed something else already: Authorised strength: 14,000 troops; Sketch: 6 / 10 / 14 / 18"
        in asked.inner_text()
    )
    assert page.evaluate("document.activeElement.textContent") == "Keep it as it is"
    desk.assert_accessible()
    page.click("button:has-text('Replace what team 2 has')")
    page.wait_for_selector("text=In place of: Authorised strength: 14,000 troops")
    assert "Authorised strength: 16,000 troops; Sketch: 8 / 12 / 16 / 20." in asked.inner_text()
    page.click("summary:has-text('Enter a paper sheet')")
    page.select_option("#sheet-team", "2")
    assert page.locator("#sheet-peak").input_value() == "5"
    assert page.locator("#sheet-year-5").input_value() == "8"
    page.select_option("#sheet-team", "1")
    assert page.locator("#sheet-peak").input_value() == "3"
    assert page.locator("#sheet-year-5").input_value() == ""
    phone = joined(visit, session, 1, "shared")
    phone.page.click("label:has-text('month 48')")
    phone.page.click("text=Commit for the whole team")
    phone.page.wait_for_selector("#told-commit:has-text('First put the sketch down')")
    slide(phone.page, (2, 4, 6, 8))
    phone.page.click("button:has-text('Put the sketch down')")
    phone.page.wait_for_selector("text=The sketch is down.")
    phone.page.click("text=Commit for the whole team")
    told = phone.page.locator("#over-budget:has-text('Government would spend 7; it has 6.')")
    told.wait_for()
    button = phone.page.locator("button:has-text('Commit for the whole team')").bounding_box()
    assert 0 < told.bounding_box()["y"] - button["y"] < 80, "beside the button that caused it"
    assert page.locator("#sheet-election").input_value() == "4", "the sheet follows its team while it is not touched"


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_the_big_screen_of_eight_teams_fits_without_scrolling(
    visit: Callable[..., Any], tmp_path: Path, size: tuple[int, int]
) -> None:
    options = ("--scenario", "aid_gap", "--port", "0", "--worlds", "10", "--teams", "8", "--language", "fr")
    with served(tmp_path, *options) as session:
        screen = visit(f"{session.address}/projector#{session.projector}", *size, reduced_motion="reduce")
        for sheet in ("join", "before_rounds"):
            turned(screen, sheet)
        header = {"authorization": f"Bearer {session.facilitator}"}
        commands: list[dict[str, Any]] = [{"type": "open", "round": "mission_start"}]
        sheet = {"type": "sheet", "round": "mission_start"}
        commands += [
            {**sheet, "team": team, "choices": {"peak": (team * 2) % 6}, "points": sketch_of(team)}
            for team in range(1, 9)
        ]
        for number, command in enumerate([*commands, {"type": "close"}]):
            answer = httpx.post(
                f"{session.address}/api/do", json={"id": f"fitting-{number}", **command}, headers=header
            )
            assert answer.json()["ok"], answer.text
            if command["type"] == "open":
                screen.page.wait_for_selector(".tile")
                assert_on_one_sheet(screen.page)
        screen.page.wait_for_selector("#tab-risk_sheet")
        for name in ("risk_sheet", "compare_teams"):
            turned(screen, name)
            screen.picture(f"workshop-screen-8-{name}-{size[0]}")
        assert screen.page.locator("th:has-text('Équipe 8')").count() == 1
        screen.assert_quiet()
