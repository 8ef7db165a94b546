"""What people in a room stumbled over: who was late, budgets, roles, codes at hand, type that can be read from afar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_workshop import CODE, assert_on_one_sheet, checked, joined, sketch_and_commit, slide, turned
from workshop_server import Served, served

LAPTOP = (1366, 768)


@pytest.fixture
def session(tmp_path: Path) -> Any:
    with served(tmp_path, "--scenario", "aid_gap", "--port", "0", "--worlds", "12", "--teams", "4") as found:
        yield found


def do(session: Served, number: int, token: str = "", **command: Any) -> Any:
    headers = {"authorization": f"Bearer {token or session.facilitator}"}
    answer = httpx.post(f"{session.address}/api/do", json={"id": f"room-{number:06d}", **command}, headers=headers)
    assert answer.json()["ok"], answer.text
    return answer.json()


def in_sight(page: Any, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    return bool(box and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"])


def test_late_teams_are_told_and_codes_and_results_stay_at_hand(visit: Callable[..., Any], session: Served) -> None:
    desk = visit(f"{session.address}/facilitator#{session.facilitator}", *LAPTOP)
    screen = visit(f"{session.address}/projector#{session.projector}", 1280, 720, reduced_motion="reduce")
    do(session, 1, type="open", round="mission_start")
    late, donor = joined(visit, session, 2, "shared"), joined(visit, session, 1, "donors")
    late.page.click("label:has-text('14,000 troops')")
    slide(late.page, (4, 6, 8, 10))
    late.page.click("button:has-text('Put the sketch down')")
    late.page.wait_for_selector("text=The sketch is down.")
    donor.page.click("label:has-text('120 million dollars')")
    sketch_and_commit(donor.page, (10, 18, 24, 30))
    first_code = donor.page.locator("output.code").inner_text()
    assert CODE.fullmatch(first_code)
    for team in (3, 4):
        do(session, team, type="sheet", team=team, round="mission_start", choices={}, points=[2, 4, 6, 8])
    desk.page.click("button:has-text('Close although team 2 has not committed: its country')")
    desk.page.click("button:has-text('Press again to confirm')")
    late.page.wait_for_selector(
        "text=Not committed: your country went on as planned; what you had put down did not count."
    )
    assert late.page.locator(
        "text=You had put down: Authorised strength: 14,000 troops; Sketch: 4 / 6 / 8 / 10."
    ).count()
    assert late.page.locator(".key:has-text('sketch, not committed')").count() == 1
    assert donor.page.locator("text=Not committed").count() == 0
    told = "text=Not committed: team 2. Its country went on as planned; what it had put down did not count."
    for sheet in ("compare_teams", "risk_sheet"):
        turned(screen, sheet)
        assert screen.page.locator(told).is_visible()
    assert screen.page.locator("h3:has-text('Team 2 · not committed')").count() == 1
    assert screen.page.locator("path.ts-line-pinned").count() == 4, "the sketch is shown all the same"
    assert desk.page.locator("path.ts-line-now").count() == 4, "the facilitator sees the risk of every team too"
    checked(late, "workshop-phone-late")
    checked(desk, "workshop-facilitator-late")

    do(session, 9, type="open", round="aid_dip")
    screen.page.wait_for_selector(f".tile:has-text('{session.codes[3]}')")
    assert_on_one_sheet(screen.page)
    assert screen.page.locator(f"text={session.address}").is_visible()
    for sheet in ("last_tab", "join_tab"):
        turned(screen, sheet)
    assert screen.page.locator(f"text={session.codes[1]}").is_visible()
    donor.page.click('summary:has-text("Last round\'s result: Mission start")')
    donor.page.locator("#last-result path.ts-line-now").nth(3).wait_for(state="attached")
    bought = donor.page.locator("[id^=bought-]:visible")
    assert bought.inner_text() == "Paid for in round 1 already (120 million dollars). It can be paid for once."
    field = donor.page.locator("fieldset:has([id^=bought-]:visible)")
    assert field.locator("input:disabled").count() == field.locator("input").count() - 1
    assert donor.page.locator(".letter").all_inner_texts()[:3] == ["A", "B", "C"]
    desk.page.fill("#entry", first_code)
    desk.page.click("form:has(#entry) button[type=submit]")
    desk.page.wait_for_selector("#told-code:has-text('This code is for round 1, Mission start; round 2 is open.')")
    assert in_sight(desk.page, "#told-code")
    desk.page.context.set_offline(True)
    desk.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    desk.page.wait_for_selector("text=No connection.")
    assert in_sight(desk.page, "#main > .line")


def test_budgets_are_told_while_choosing_and_cleared_at_once(visit: Callable[..., Any], session: Served) -> None:
    do(session, 1, type="open", round="mission_start")
    commission, presser = joined(visit, session, 1, "commission"), joined(visit, session, 1, "donors")
    start, throughout = (
        commission.page.locator(f"fieldset:has(#lever-effort_{name}-0)") for name in ("start", "throughout")
    )
    start.locator("label:has-text('18 effort-months')").click()
    throughout.locator("label:has-text('3 effort-months')").first.click()
    told = "#over-budget:has-text('Peacebuilding Commission would spend 21; it has 18.')"
    for seen in (commission, presser):
        seen.page.wait_for_selector(told)
    assert "3 too much" in commission.page.locator(".purse.over").inner_text()
    slide(presser.page, (2, 4, 6, 8))
    presser.page.click("button:has-text('Put the sketch down')")
    presser.page.wait_for_selector("text=The sketch is down.")
    presser.page.click("text=Commit for the whole team")
    start.locator("label:has-text('15 effort-months')").click()
    for seen in (commission, presser):
        seen.page.wait_for_selector(told, state="detached")
        assert seen.page.locator(".told:visible").count() == 0
    slider = presser.page.locator("#year-20")
    presser.page.click("#year-20-more")
    assert slider.input_value() == "10"
    presser.page.click("#year-20-less")
    assert slider.input_value() == "8"
    box = presser.page.locator("#year-20-less").bounding_box()
    assert min(box["width"], box["height"]) >= 43.9


def test_roles_are_seen_before_and_after_joining(visit: Callable[..., Any], session: Served) -> None:
    joined(visit, session, 1, "donors")
    second = visit(f"{session.address}/", 360, 740)
    assert second.page.locator("#role").input_value() == "", "nothing is chosen beforehand"
    second.page.fill("#code", session.codes[1])
    second.page.wait_for_selector("#roles-seen:has-text('Team 1.')")
    assert "Donors (taken already)" in second.page.locator("#role").inner_text()
    assert second.page.locator("#role option:has-text('taken already')").count() == 1
    second.page.select_option("#role", "mission")
    second.page.click("button[type=submit]")
    seats = "Connected: Donors and Peace operation. Missing: Government and Peacebuilding Commission"
    second.page.wait_for_selector(f"text={seats}")
    desk = visit(f"{session.address}/facilitator#{session.facilitator}", *LAPTOP)
    desk.page.wait_for_selector("li:has-text('Team 1'):has-text('Connected: Donors and Peace operation')")
    assert desk.page.locator("li:has-text('nobody connected')").count() == 3


def test_the_paper_form_begins_empty_and_counts_with_the_team(visit: Callable[..., Any], session: Served) -> None:
    do(session, 1, type="open", round="mission_start")
    page = visit(f"{session.address}/facilitator#{session.facilitator}", *LAPTOP).page
    page.click("summary:has-text('Enter a paper sheet')")
    assert page.locator("#sheet-team").input_value() == ""
    assert page.locator("#sheet-peak:visible").count() == 0
    page.select_option("#sheet-team", "2")
    assert page.locator("label:has-text('Peace operation: Authorised strength')").is_visible()
    assert "F 16,000 troops (5)" in page.locator("#sheet-peak").inner_text()
    form = page.locator("details:has(#sheet-team)")
    page.select_option("#sheet-peak", "5")
    assert "Peace operation: 3 of 8 left" in form.inner_text()
    assert "That commits the round for the team." in form.inner_text()


def test_commands_and_options_in_print_are_never_broken(visit: Callable[..., Any], session: Served) -> None:
    state = httpx.get(f"{session.address}/api/state", params={"token": session.facilitator}).json()
    page = visit(f"{session.address}/", 360, 900).page
    page.emulate_media(media="print")
    for language in ("en", "fr", "ar"):
        page.goto(f"{session.address}/print?token={state['keys']['print']}&language={language}")
        for width in (360, 700):
            page.set_viewport_size({"width": width, "height": 900})
            broken = page.evaluate(
                """() => [...document.querySelectorAll('.word')].filter(e => new Set([...e.getClientRects()]
                .map(r => Math.round(r.top))).size > 1).map(e => e.textContent)"""
            )
            assert broken == []
        assert page.locator(".word:text-is('--lan')").count() >= 3
        assert page.locator(f".word:text-is('--port {session.address.rpartition(':')[2]}')").count() == 1


def test_charts_of_the_big_screen_can_be_read_from_afar(visit: Callable[..., Any], session: Served) -> None:
    sizes = {(1920, 1080): 20.0, (1280, 720): 13.3}
    screens = {size: visit(f"{session.address}/projector#{session.projector}", *size) for size in sizes}
    do(session, 1, type="open", round="mission_start")
    do(session, 2, type="sheet", team=1, round="mission_start", choices={}, points=[2, 4, 6, 8])
    do(session, 3, type="close", force=True)
    for size, least in sizes.items():
        screen = screens[size]
        turned(screen, "risk_sheet")
        screen.page.locator(".ts-svg path.ts-line-now").nth(3).wait_for(state="attached")
        texts = screen.page.evaluate(
            """() => [...document.querySelectorAll('.ts-svg text')].map(e => { const [r, o] = [e, e.closest('svg')]
            .map(x => x.getBoundingClientRect()); return [e.textContent, parseFloat(getComputedStyle(e).fontSize),
            r.bottom > o.bottom + 2 || r.top < o.top - 2 || r.left < o.left - 2 || r.right > o.right + 4]; })"""
        )
        assert len(texts) > 20
        assert min(each for _, each, _ in texts) >= least
        assert [words for words, _, cut in texts if cut] == []
        assert "your sketch" not in [words for words, *_ in texts], "words on the chart would hide lines and band"
