"""A session in real browsers: phones of teams, the facilitator's screen, the big screen; pictures to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from workshop_server import Served, served

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


def sketch_and_commit(page: Any, values: tuple[int, ...]) -> None:
    for year, value in zip((5, 10, 15, 20), values, strict=True):
        page.locator(f"#year-{year}").evaluate(
            f"node => {{ node.value = {value}; node.dispatchEvent(new Event('input')); }}"
        )
    page.click("button:has-text('Put the sketch down')")
    page.wait_for_selector("text=The sketch is down.")
    page.click("text=Commit the round")
    page.wait_for_selector("text=Take it back")


def test_a_round_is_played_on_phones_a_desk_and_a_screen(visit: Callable[..., Any], session: Served) -> None:
    facilitator = visit(f"{session.address}/facilitator#{session.facilitator}", *DESK)
    screen = visit(f"{session.address}/projector#{session.projector}", *SCREEN)
    first = visit(f"{session.address}/", *PHONE)
    checked(first, "workshop-join")
    donor = joined(visit, session, 1, "donors")
    whole = joined(visit, session, 2, "shared")
    screen.page.wait_for_selector(f"text={session.codes[2]}")
    checked(screen, "workshop-screen-lobby")
    checked(donor, "workshop-phone-lobby")
    facilitator.page.click("text=Open round 1")
    donor.page.wait_for_selector("text=Round 1 of 4")
    donor.page.click("label:has-text('120 million dollars')")
    facilitator.page.click("button:has-text('Have it happen') >> nth=0")
    facilitator.page.click("button:has-text('Sure?')")
    donor.page.wait_for_selector("text=donor conference")
    sketch_and_commit(donor.page, (10, 18, 24, 30))
    checked(donor, "workshop-phone-round")
    whole.page.click("label:has-text('14,000 troops')")
    whole.page.locator("button:has-text('Put the sketch down')").scroll_into_view_if_needed()
    checked(whole, "workshop-phone-shared")
    code = whole.page.locator("output.code")
    whole.page.click("button:has-text('Put the sketch down')")
    whole.page.wait_for_selector("text=The sketch is down.")
    assert CODE.fullmatch(code.inner_text())
    checked(facilitator, "workshop-facilitator-open")
    checked(screen, "workshop-screen-open")
    facilitator.page.fill("#entry", code.inner_text())
    facilitator.page.click("form:has(#entry) button")
    whole.page.wait_for_selector("text=Take it back")
    facilitator.page.click("text=Close the round and show results")
    screen.page.wait_for_selector("text=Teams side by side")
    donor.page.wait_for_selector("text=Results of the round")
    for seen, name in ((donor, "phone"), (screen, "screen"), (facilitator, "facilitator")):
        checked(seen, f"workshop-{name}-shown")
    donor.page.select_option("select.language", "ar")
    assert donor.page.evaluate("document.documentElement.dir") == "rtl"
    checked(donor, "workshop-phone-shown-ar")
    screen.page.select_option("select.language", "ar")
    checked(screen, "workshop-screen-shown-ar")
    debrief = visit(f"{session.address}/debrief?token={session.facilitator}&language=en", *DESK)
    debrief.page.wait_for_selector("text=One decision changed")
    checked(debrief, "workshop-debrief")


def test_a_phone_that_loses_the_line_shows_its_code_and_goes_on_by_itself(
    visit: Callable[..., Any], session: Served
) -> None:
    facilitator = visit(f"{session.address}/facilitator#{session.facilitator}", *DESK)
    phone = joined(visit, session, 1, "shared")
    facilitator.page.click("text=Open round 1")
    phone.page.wait_for_selector("text=Round 1 of 4")
    phone.page.context.set_offline(True)
    phone.page.click("label:has-text('16,000 troops')")
    phone.page.click("button:has-text('Put the sketch down')")
    phone.page.click("text=Commit the round")
    phone.page.wait_for_selector("text=No connection.")
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
    seen = visit(f"{session.address}/print?token={session.facilitator}&language={language}", *DESK)
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
            if number == 2:
                page.click("button:has-text('Undo')")
                page.click("button:has-text('Sure?')")
                page.wait_for_selector("text=Enter a paper sheet")
                page.click("button:has-text('Close the round and show results')")
                page.wait_for_selector("text=Teams side by side")
        page.click("button:has-text('End the session')")
        page.wait_for_selector("button:has-text('End the session')", state="detached")
        with page.context.expect_page() as opened:
            page.click("text=Make the debrief")
        opened.value.wait_for_selector("text=One decision changed")
        assert opened.value.locator("a:has-text('Team 2')").count() == 1
        opened.value.click("a:has-text('Team 2')")
        opened.value.wait_for_selector("text=Turning points of the risk")
        desk.assert_quiet()


def sheet_on_paper(page: Any, team: int, number: int) -> None:
    form = page.locator("details:has(#sheet-team)")
    if not form.evaluate("node => node.open"):
        form.locator("summary").click()
    page.select_option("#sheet-team", index=team - 1)
    if number == 1:
        page.select_option("#sheet-peak", index=2 + team)
    for i, year in enumerate((5, 10, 15, 20)):
        page.select_option(f"#sheet-year-{year}", index=4 + 2 * i + team)
    form.locator("button").click()
    page.wait_for_selector(f"li.done:has-text('Team {team}')")
