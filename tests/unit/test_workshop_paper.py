"""Codes, sheets, slips and the debrief's keys over HTTP: nothing is replaced unasked, nothing is shown to whom it is
not for."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from test_workshop_server import FIRST, Room, inside
from workshop_play import SKETCH, WORLDS, runner, shipped_model, workshop

from transition_sim.workshop.codes import code_of
from transition_sim.workshop.form import LANGUAGES, decimals_for, fixed_text
from transition_sim.workshop.hub import Hub
from transition_sim.workshop.keys import Person, join_code, token_of
from transition_sim.workshop.language import words
from transition_sim.workshop.log import Log, read_log
from transition_sim.workshop.runs import unchanged_results
from transition_sim.workshop.views import seats_of, view_of

OTHER = (4, 8, 12, 14)


def code(team: int, choices: dict[str, int], points: tuple[int, ...] = SKETCH) -> str:
    return code_of(workshop(), team, FIRST, choices, points)


def test_a_second_code_replaces_nothing_unasked_and_says_what_it_would_replace(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        await found.facilitate(type="open", round=FIRST)
        first = (await found.facilitate(type="code", code=code(2, {"peak": 5}))).json()
        assert first["put"]["team"] == 2
        assert first["put"]["choices"] == {**workshop().defaults(FIRST), "peak": 5}
        assert first["put"]["points"] == list(SKETCH)
        again = await found.facilitate(type="code", code=code(2, {"peak": 5}))
        assert again.json()["ok"], "the same code again replaces nothing"
        count = found.hub.count
        other = await found.facilitate(type="code", code=code(2, {"election": 2}, OTHER))
        told = other.json()
        assert (other.status_code, told["refused"]) == (409, "would_replace")
        assert told["values"]["team"] == 2
        assert told["values"]["committed"]
        assert told["values"]["before"]["choices"]["peak"] == 5
        assert told["values"]["before"]["points"] == list(SKETCH)
        assert told["values"]["put"]["choices"]["election"] == 2
        assert found.hub.count == count
        done = (await found.facilitate(type="code", code=code(2, {"election": 2}, OTHER), replace=True)).json()
        assert done["ok"]
        turn = found.hub.session.team(2).turns[FIRST]
        assert (turn.points, turn.choices["election"], turn.choices["peak"]) == (OTHER, 2, 3)

    path = inside(tmp_path, play)
    assert [event.type for event in read_log(path).events] == ["started", "opened", "coded", "coded", "coded"]


@pytest.mark.parametrize("drawn", [True, False])
def test_a_sheet_replaces_nothing_that_phones_of_the_team_put_down_unasked(tmp_path: Path, drawn: bool) -> None:
    async def play(found: Room) -> None:
        await found.facilitate(type="open", round=FIRST)
        phone = found.token("team", 1, "shared")
        await found.do(phone, type="decide", round=FIRST, choices={"peak": 4})
        if drawn:
            await found.do(phone, type="sketch", round=FIRST, points=SKETCH)
        sheet: dict[str, Any] = {"type": "sheet", "team": 1, "round": FIRST}
        same = await found.facilitate(**sheet, choices={"peak": 0}, points=SKETCH)
        assert same.json()["refused"] == "would_replace"
        assert not same.json()["values"]["committed"]
        assert same.json()["values"]["before"]["points"] == (list(SKETCH) if drawn else None)
        assert (await found.facilitate(**sheet, choices={"peak": 4}, points=SKETCH)).json()["ok"]
        empty = await found.facilitate(type="sheet", team=2, round=FIRST, choices={}, points=SKETCH)
        assert empty.json()["ok"]
        wrong = await found.facilitate(type="sheet", team=1, round="aid_dip", choices={}, points=SKETCH)
        assert wrong.json() == {"refused": "round_not_open", "values": {"round": "aid_dip", "open": FIRST}}

    inside(tmp_path, play)


def test_before_round_one_all_screens_can_show_the_country_without_change(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        for kind in ("projector", "facilitator"):
            told = (await found.state(found.token(kind)))["unchanged"]
            assert told["bands"]["risk"] == unchanged_results(runner())["bands"]["risk"]
            assert told["outcomes"]["risk"]["change"] == {"p10": 0.0, "median": 0.0, "p90": 0.0}
        assert "unchanged" not in await found.state(found.token("team", 1, "shared"))
        await found.facilitate(type="open", round=FIRST)
        await found.facilitate(type="close", force=True)
        shown = await found.state(found.token("projector"))
        assert "unchanged" not in shown
        assert shown["results"]["1"]["bands"] == told["bands"]

    inside(tmp_path, play)


@pytest.mark.parametrize("language", LANGUAGES)
def test_slips_say_on_paper_what_phones_show(tmp_path: Path, language: str) -> None:
    async def play(found: Room) -> None:
        query = {"token": found.token("print"), "language": language}
        assert "{" not in (none := await found.client.get("/results", params=query)).text
        assert none.status_code == 409
        assert html.escape(words()["refused_no_results"][language]) in none.text
        await found.facilitate(type="open", round=FIRST)
        await found.facilitate(type="sheet", team=1, round=FIRST, choices={"peak": 5}, points=SKETCH)
        await found.facilitate(type="close", force=True)
        answer = await found.client.get("/results", params=query)
        assert answer.status_code == 200
        slips = answer.text.split('<section class="role">')[1:]
        assert len(slips) == 2
        result = (await found.state(found.token("team", 1, "shared")))["past"][FIRST]["result"]
        for each in result["risk"]:
            for key in ("p10", "median", "p90"):
                number = f"{each[key]:.1f}"
                assert (number.replace(".", ",") if language == "fr" else number) in slips[0]
        assert all(f"<td>{point}</td>" in slips[0] for point in SKETCH)
        assert "—" in slips[1].split("</table>")[0]
        said = {key: texts[language].replace("'", "&#39;") for key, texts in words().items()}
        for slip in slips:
            for key in ("honest", "assumption", "change_means"):
                assert said[key] in slip, "a slip that is cut out carries it alone"
            assert said["band_means"].replace("{worlds}", str(WORLDS)) in slip
        ends = [fixed_text(result["risk"][-1][key], 1, language) for key in ("p10", "p90")]
        read_out = words("guide.yaml")["read_out"][language].split("{low}")[0].replace("'", "&#39;")
        assert "<b>" + read_out + ends[0] in slips[0]
        assert all(said["assumed_part"] not in slip for slip in slips)
        assert said["what_best"] in slips[1].split('<section class="sheet">')[1].split("<table>")[0]
        assert not re.search(r'(src|href)="(?!data:)', answer.text)
        for kind in ("facilitator", "projector", "debrief"):
            refused = await found.client.get("/results", params={**query, "token": found.token(kind)})
            assert refused.status_code == 401
            assert html.escape(words()["refused_no_key"][language]) in refused.text

    inside(tmp_path, play)


def test_slips_mark_what_rests_on_effort_of_the_commission(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        await found.facilitate(type="open", round=FIRST)
        await found.facilitate(type="sheet", team=2, round=FIRST, choices={"effort_start": 2}, points=SKETCH)
        await found.facilitate(type="close", force=True)
        answer = await found.client.get("/results", params={"token": found.token("print"), "language": "en"})
        first, second = answer.text.split('<section class="role">')[1:]
        second, table = second.split('<section class="sheet">')
        assert second.count(words()["assumed_part"]["en"]) == len(workshop().outcomes)
        assert table.count(words()["assumed_part"]["en"]) == 1
        assert words()["assumed_team"]["en"] in table
        assert words()["assumed_plan"]["en"] in second
        assert words()["assumed_part"]["en"] not in first
        for team, marked in ((1, False), (2, True)):
            seen = await found.state(found.token("team", team, "shared"))
            assert seen["past"][FIRST]["result"]["assumed"] is marked
        shown = await found.state(found.token("projector"))
        assert [shown["results"][team]["assumed"] for team in ("1", "2")] == [False, True]

    inside(tmp_path, play)


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "en", "fr"),
    [
        (-0.00068, 2, True, "0.00", "0,00"),
        (-1, 2, True, "\u22121.00", "\u22121,00"),
        (21, 1, False, "21.0", "21,0"),
        (1234.5, 0, True, "+1,235", "+1\u202f235"),
    ],
)
def test_numbers_on_paper_have_a_real_minus_and_the_decimals_asked_for(
    value: float, decimals: int, signed: bool, en: str, fr: str
) -> None:
    assert fixed_text(value, decimals, "en", signed) == en
    assert fixed_text(value, decimals, "fr", signed) == fr


def test_numbers_that_stand_together_get_the_same_decimals() -> None:
    assert [decimals_for(values) for values in ([-2, -0.64], [13.9, 21], [99.96], [400, 2], [])] == [2, 1, 0, 0, 2]


@pytest.mark.slow
def test_a_teams_key_opens_its_own_debrief_alone_and_only_after_the_end(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        own, every = found.token("debrief", 1), found.token("debrief")

        async def page(name: str, token: str) -> Any:
            return await found.client.get(f"/debrief/{name}", params={"token": token, "language": "en"})

        await found.facilitate(type="open", round=FIRST)
        assert (await page("index.html", every)).status_code == 409
        await found.facilitate(type="close", force=True)
        assert (await page("index.html", every)).status_code == 200
        assert (await page("team-1.html", own)).status_code == 409
        assert "debrief" not in await found.state(found.token("team", 1, "shared"))
        await found.facilitate(type="end")
        seen = await found.state(found.token("team", 1, "donors"))
        assert seen["debrief"] == own
        mine = await page("team-1.html", own)
        assert mine.status_code == 200
        assert every not in mine.text
        assert found.token("facilitator") not in mine.text
        for name in ("team-2.html", "index.html", "team-9.html", "../keys.py"):
            assert (await page(name, own)).status_code == 404, name
        whole = (await page("index.html", every)).text
        assert f"team-2.html?token={every}" in whole
        assert found.token("facilitator") not in whole
        for text in (mine.text, whole):
            assert "Would the country\\u2019s" in text or "Would the country's people have chosen so?" in text
        await found.facilitate(type="replace", team=1)
        assert (await page("team-1.html", own)).status_code == 401

    path = inside(tmp_path, play)
    hub = Hub(Log(path), shipped_model())
    assert token_of(hub.session, Person("debrief", 1)) != token_of(hub.session, Person("debrief", 2))
    hub.log.close()


def test_who_was_late_is_told_and_a_closed_round_stays_at_hand(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        late, own = found.token("team", 1, "shared"), found.token("team", 2, "shared")
        await found.facilitate(type="open", round=FIRST)
        await found.do(late, type="decide", round=FIRST, choices={"peak": 5})
        await found.do(late, type="sketch", round=FIRST, points=SKETCH)
        await found.facilitate(type="code", code=code(2, {"peak": 5}))
        assert "last" not in await found.state(found.token("projector"))
        await found.facilitate(type="close", force=True)
        past = (await found.state(late))["past"][FIRST]
        assert (past["committed"], past["points"], past["choices"]["peak"]) == (False, list(SKETCH), 5)
        assert past["result"]["outcomes"]["risk"]["change"]["median"] == 0, "what was put down did not count"
        assert (await found.state(own))["past"][FIRST]["committed"]
        shown = await found.state(found.token("projector"))
        assert shown["uncommitted"] == [1]
        assert shown["sketches"] == {"1": list(SKETCH), "2": list(SKETCH)}
        await found.facilitate(type="open", round="aid_dip")
        for kind in ("projector", "facilitator"):
            state = await found.state(found.token(kind))
            assert "results" not in state
            assert set(state["join"]) == {"1", "2"}
            assert state["last"]["of_round"] == FIRST
            assert state["last"]["results"] == shown["results"]
            assert state["last"]["uncommitted"] == [1]

    inside(tmp_path, play)


def test_a_code_says_which_round_it_is_for_and_why_it_is_wrong(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        early = code(1, {})
        told = (await found.facilitate(type="code", code=early)).json()
        assert told == {"refused": "round_not_open", "values": {"round": FIRST, "open": ""}}
        await found.facilitate(type="open", round=FIRST)
        wrong = early[:-1] + ("0" if early[-1] != "0" else "1")
        values = (await found.facilitate(type="code", code=wrong)).json()["values"]
        assert (values["reason"], values["meant"]) == ("mistyped", early)
        await found.facilitate(type="close", force=True)
        await found.facilitate(type="open", round="aid_dip")
        told = (await found.facilitate(type="code", code=early)).json()
        assert told["values"] == {"round": FIRST, "open": "aid_dip"}

    inside(tmp_path, play)


def test_who_has_a_join_code_sees_which_roles_are_taken(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        join = join_code(found.hub.session, 2)
        asked = await found.client.post("/api/seats", json={"code": join})
        assert asked.json() == {"team": 2, "seats": {}}
        assert (await found.client.post("/api/seats", json={"code": "AAAAAA"})).json()["refused"] == "wrong_join_code"
        assert (await found.client.post("/api/seats", content=b"[]")).status_code == 400
        devices = {(2, "donors"): 2, (2, "mission"): 0, (1, "shared"): 1, (0, ""): 3}
        assert seats_of(devices, 2) == {"donors": 2}
        views = {kind: view_of(found.hub, Person(kind), devices) for kind in ("facilitator", "projector")}
        assert all(view["seats"] == {"1": {"shared": 1}, "2": {"donors": 2}} for view in views.values())
        assert view_of(found.hub, Person("team", 2, "donors"), devices)["seats"] == {"donors": 2}

    inside(tmp_path, play)
