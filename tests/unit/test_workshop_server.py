"""The session over HTTP, in this process: who may do what, hostile input, repeats, pages that are plain and closed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from workshop_play import SKETCH, WORLDS, shipped_model, workshop

from transition_sim.cli.workshop import resuming_command
from transition_sim.errors import ScenarioError
from transition_sim.workshop import server
from transition_sim.workshop.address import bind
from transition_sim.workshop.guard import MAX_BODY, Allowance
from transition_sim.workshop.hub import Hub
from transition_sim.workshop.keys import Person, join_code, token_of
from transition_sim.workshop.log import Log, read_log
from transition_sim.workshop.run import new_setup, opening_lines
from transition_sim.workshop.server import app_of

HOST = "http://127.0.0.1:8642"
FIRST = "mission_start"


class Room:
    """A session in this process, and a client of it."""

    def __init__(self, hub: Hub, client: httpx.AsyncClient) -> None:
        self.hub, self.client = hub, client
        self.sent = 0

    def token(self, kind: Any, team: int = 0, role: str = "") -> str:
        return token_of(self.hub.session, Person(kind, team, role))

    async def do(self, token: str, **command: Any) -> httpx.Response:
        self.sent += 1
        body = {"id": f"mark-{self.sent:08d}", **command}
        return await self.client.post("/api/do", json=body, headers={"authorization": f"Bearer {token}"})

    async def facilitate(self, **command: Any) -> httpx.Response:
        return await self.do(self.token("facilitator"), **command)

    async def state(self, token: str) -> Any:
        return (await self.client.get("/api/state", headers={"authorization": f"Bearer {token}"})).json()


@asynccontextmanager
async def room(path: Path, **options: Any) -> AsyncIterator[Room]:
    setup = new_setup(workshop(), shipped_model(), 2, "en", WORLDS, 7, "c5")
    hub = Hub(Log(path), shipped_model(), setup)
    transport = httpx.ASGITransport(app=app_of(hub, HOST, frozenset({"here"})))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
            yield Room(hub, client)
    finally:
        await hub.close()


def inside(tmp_path: Path, play: Callable[[Room], Awaitable[None]]) -> Path:
    path = tmp_path / "session.jsonl"

    async def run() -> None:
        async with room(path) as found:
            await play(found)

    asyncio.run(run())
    return path


def test_a_round_is_played_and_each_sees_its_own(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        hub = found.hub
        joined = await found.client.post(
            "/api/join", json={"code": join_code(hub.session, 1).lower(), "role": "donors"}
        )
        donor = joined.json()["token"]
        assert joined.json() == {"token": donor, "team": 1, "role": "donors"}
        assert (await found.facilitate(type="open", round=FIRST)).json()["ok"]
        mission, shared = found.token("team", 1, "mission"), found.token("team", 2, "shared")
        assert (await found.do(donor, type="decide", round=FIRST, choices={"peak": 1})).json()[
            "refused"
        ] == "not_your_role"
        assert (await found.do(mission, type="decide", round=FIRST, choices={"peak": 1})).json()["ok"]
        assert (await found.do(donor, type="commit", round=FIRST)).json()["refused"] == "no_sketch"
        assert (await found.do(donor, type="sketch", round=FIRST, points=SKETCH)).json()["ok"]
        assert (await found.do(donor, type="commit", round=FIRST)).json()["ok"]
        seen = await found.state(donor)
        assert seen["private"] == workshop().roles["donors"].private.model_dump()
        assert seen["choices"]["peak"] == 1
        assert seen["turn"]["committed"]
        assert "results" not in seen
        assert "private" not in await found.state(shared)
        late = await found.facilitate(type="close")
        assert late.json() == {"refused": "not_all_committed", "values": {"teams": "2"}}
        assert (await found.facilitate(type="close", force=True)).json()["ok"]
        seen = await found.state(donor)
        assert seen["past"][FIRST]["points"] == list(SKETCH)
        assert seen["past"][FIRST]["result"]["outcomes"]["risk"]["change"]["median"] > 0
        screen = await found.state(found.token("projector"))
        assert set(screen["results"]) == {"1", "2"}
        assert "plans" not in screen
        assert "keys" not in screen
        facilitator = await found.state(found.token("facilitator"))
        assert set(facilitator["keys"]) == {"projector", "debrief", "print"}
        assert found.token("facilitator") not in json.dumps(facilitator)
        assert facilitator["plans"]["1"]["choices"]["peak"] == 1

    path = inside(tmp_path, play)
    assert [event.type for event in read_log(path).events] == [
        "started", "opened", "decided", "sketched", "committed", "closed",
    ]  # fmt: skip


def test_a_code_and_a_sheet_put_a_round_down(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        await found.facilitate(type="open", round=FIRST)
        shared = found.token("team", 1, "shared")
        await found.do(shared, type="decide", round=FIRST, choices={"peak": 4})
        await found.do(shared, type="sketch", round=FIRST, points=SKETCH)
        code = (await found.state(shared))["code"]
        assert (await found.facilitate(type="code", code=code)).json()["ok"]
        sheet = await found.facilitate(type="sheet", team=2, round=FIRST, choices={"peak": 0}, points=SKETCH)
        assert sheet.json()["ok"]
        assert (await found.facilitate(type="close")).json()["ok"]
        wrong = await found.facilitate(type="code", code=code[:-1] + ("0" if code[-1] != "0" else "1"))
        assert wrong.json()["refused"] == "wrong_code"
        assert "did you mean" in wrong.json()["values"]["told"]

    inside(tmp_path, play)


def test_a_command_that_comes_twice_is_answered_the_same_and_changes_nothing(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        await found.facilitate(type="open", round=FIRST)
        token = found.token("team", 1, "shared")
        await found.do(token, type="sketch", round=FIRST, points=SKETCH)
        answers = [await found.do(token, id="twice-0001", type="commit", round=FIRST) for _ in range(5)]
        assert len({answer.text for answer in answers}) == 1
        assert answers[0].json()["ok"]
        other = found.token("team", 2, "shared")
        assert (await found.do(other, id="twice-0001", type="commit", round=FIRST)).json()["refused"] == "no_sketch"
        closing = [await found.facilitate(id="close-0001", type="close", force=True) for _ in range(3)]
        assert len({answer.text for answer in closing}) == 1
        await found.do(token, id="twice-0001", type="withdraw", round=FIRST)
        assert found.hub.session.team(1).turns[FIRST].committed

    path = inside(tmp_path, play)
    log = Log(path)
    again = Hub(log, shipped_model())
    assert again.answers[1, "twice-0001"] == 4
    assert again.session.phase == "shown"
    assert again.differing == []
    log.close()


HOSTILE: list[Any] = [
    b"",
    b"null",
    b"[]",
    b"{" * 5000,
    b'{"type": "commit"}',
    b"\xff\xfe",
    {"type": "commit", "round": 5},
    {"type": "commit", "round": "<script>alert(1)</script>"},
    {"type": "decide", "round": FIRST, "choices": {"peak": "1"}},
    {"type": "decide", "round": FIRST, "choices": {"peak": 1e99}},
    {"type": "decide", "round": FIRST, "choices": {"__proto__": 1}},
    {"type": "decide", "round": FIRST, "choices": {f"x{'y' * i}": 1 for i in range(200)}},
    {"type": "sketch", "round": FIRST, "points": [1, 2, 3, None]},
    {"type": "sketch", "round": FIRST, "points": SKETCH * 50},
    {"type": "open", "round": FIRST},
    {"type": "commit", "round": FIRST, "team": 2},
    {"type": "commit", "round": FIRST, "id": "x"},
    {"type": "exec", "code": "__import__('os')"},
]


def test_hostile_commands_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        await found.facilitate(type="open", round=FIRST)
        token = found.token("team", 1, "shared")
        header = {"authorization": f"Bearer {token}"}
        count = found.hub.count
        for case in HOSTILE:
            body = case if isinstance(case, bytes) else json.dumps({"id": "hostile-1", **case}).encode()
            answer = await found.client.post("/api/do", content=body, headers=header)
            assert answer.status_code in (400, 409, 413), (case, answer.text)
            assert "Traceback" not in answer.text
            assert "<script>" not in answer.text
        too_large = await found.client.post("/api/do", content=b"x" * (MAX_BODY + 1), headers=header)
        assert too_large.status_code == 413

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 4096

        assert (await found.client.post("/api/do", content=endless(), headers=header)).status_code == 413
        assert found.hub.count == count

    inside(tmp_path, play)


def test_only_who_holds_a_token_is_heard_and_only_for_what_it_is(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        facilitator = found.token("facilitator")
        forged = [
            "", "x", "facilitator.0.0..", facilitator[:-1] + ("0" if facilitator[-1] != "0" else "1"),
            facilitator.replace("facilitator", "projector"), "team.9.0.donors." + "0" * 32, "team.1.0.king." + "0" * 32,
            "team.1.0.donors.\u0660" + "0" * 31, "a" * 5000, "team.٣.0.donors." + "0" * 32,
        ]  # fmt: skip
        for token in forged:
            answer = await found.client.get("/api/state", params={"token": token})
            assert answer.status_code == 401, token
        for path in ("/print", "/debrief", "/debrief/index.html"):
            for token in (facilitator, found.token("projector"), found.token("team", 1, "donors"), ""):
                assert (await found.client.get(path, params={"token": token})).status_code == 401
        for kind in ("debrief", "print"):  # keys that stand in addresses others see: they open their page alone
            for path in ("/api/state", "/api/events"):
                assert (await found.client.get(path, params={"token": found.token(kind)})).status_code == 401
            assert (await found.do(found.token(kind), type="open", round=FIRST)).status_code == 401
        assert (await found.do(found.token("projector"), type="open", round=FIRST)).json()["refused"] == "read_only"
        assert (await found.do(found.token("team", 1, "shared"), type="undo")).status_code == 400
        old = found.token("team", 1, "shared")
        code = join_code(found.hub.session, 1)
        await found.facilitate(type="replace", team=1)
        assert (await found.client.get("/api/state", params={"token": old})).status_code == 401
        assert join_code(found.hub.session, 1) != code
        stale = await found.client.post("/api/join", json={"code": code, "role": "donors"})
        assert stale.json()["refused"] == "wrong_join_code"

    inside(tmp_path, play)


def test_wrong_join_codes_run_out_and_right_ones_never_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "JOIN_TRIES", Allowance(size=20, per_second=0.0))

    async def play(found: Room) -> None:
        right = {"code": join_code(found.hub.session, 2), "role": "mission"}
        for _ in range(60):
            assert (await found.client.post("/api/join", json=right)).status_code == 200
        answers = [
            (await found.client.post("/api/join", json={"code": f"AAAA{i:02d}", "role": "mission"})).status_code
            for i in range(25)
        ]
        assert answers == [409] * 20 + [429] * 5
        for body in (b"", b"[]", b"{}", b'{"code": {}, "role": []}', b"[" * 9000):
            assert (await found.client.post("/api/join", content=body)).status_code in (400, 429)

    inside(tmp_path, play)


def test_foreign_names_and_foreign_pages_are_refused(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        for host in ("evil.example", "evil.example:8642", "127.0.0.1.evil.example", "[::1", "localhost.evil", ""):
            assert (await found.client.get("/", headers={"host": host})).status_code == 421, host
        for host in ("127.0.0.1:8642", "localhost", "192.168.1.20:8642", "[::1]:8642", "here:8642", "HERE"):
            assert (await found.client.get("/", headers={"host": host})).status_code == 200, host
        answer = await found.client.post("/api/join", json={}, headers={"origin": "http://evil.example"})
        assert answer.status_code == 421

    inside(tmp_path, play)


def test_pages_are_closed_plain_and_hold_no_private_brief(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        for path in ("/", "/facilitator", "/projector", "/?language=ar", "/?language=<script>"):
            answer = await found.client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert not re.search(r'(src|href)="(?!/static/|data:)', answer.text)
            scripts = re.findall(r"<script([^>]*)>", answer.text)
            assert all("src=" in each or "application/json" in each for each in scripts)
            for role in workshop().roles.values():
                assert role.private.en not in answer.text
            for news in workshop().news.values():
                assert news.text.en not in answer.text
        for name in server.STATIC:
            text = (await found.client.get(f"/static/{name}")).text
            outside = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
            assert outside == set(), name
            assert "innerHTML" not in text
            assert "eval(" not in text
        for name in ("..%2Fkeys.py", "../keys.py", "words.yaml", "server.py"):
            assert (await found.client.get(f"/static/{name}")).status_code == 404

    inside(tmp_path, play)


def test_what_the_guide_says_that_the_program_prints_is_what_it_prints(tmp_path: Path) -> None:
    async def play(found: Room) -> None:
        lines = opening_lines(found.hub, HOST, HOST, "transition-sim workshop start --log x.jsonl")
        text = "\n".join(lines)
        for label in ("teams join at", "join codes", "your screen", "big screen", "go on with: transition-sim"):
            assert label in text, label
        assert text.count(found.token("facilitator")) == 1

    inside(tmp_path, play)


def test_a_port_that_is_taken_is_told_with_one_that_is_free() -> None:
    first = bind(0, lan=False)
    try:
        with pytest.raises(ScenarioError, match=rf"port {first.port} cannot be used .* such as --port \d+") as caught:
            bind(first.port, lan=False)
        free = int(str(caught.value).rsplit(" ", 1)[1])
        second = bind(free, lan=False)
        second.listener.close()
        assert second.port == free != first.port
    finally:
        first.listener.close()


def test_a_command_is_told_by_the_name_it_was_called_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "transition-sim"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "workshop"])
    assert (
        resuming_command(Path("a b.jsonl"), 99, True) == f"{program} workshop start --log 'a b.jsonl' --port 99 --lan"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resuming_command(Path("x.jsonl"), 99, False) == "transition-sim workshop start --log x.jsonl --port 99"
    monkeypatch.setattr(sys, "argv", ["/somewhere/__main__.py"])
    assert resuming_command(Path("x"), 1, False).startswith(f"{sys.executable} -m transition_sim.cli workshop start")


def test_data_in_a_page_cannot_end_its_element() -> None:
    from transition_sim.web.bundle import data_text

    text = data_text({"x": "</script><script>alert(1)</script><!--\u2028"})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"x": "</script><script>alert(1)</script><!--\u2028"}


def test_a_session_that_is_closed_goes_on_with_the_same_people(tmp_path: Path) -> None:
    tokens: dict[str, str] = {}

    async def play(found: Room) -> None:
        tokens["team"] = found.token("team", 2, "donors")
        tokens["facilitator"] = found.token("facilitator")
        await found.facilitate(type="open", round=FIRST)
        await found.do(tokens["team"], type="sketch", round=FIRST, points=SKETCH)

    path = inside(tmp_path, play)

    async def again() -> None:
        hub = Hub(Log(path), shipped_model())
        transport = httpx.ASGITransport(app=app_of(hub, HOST, frozenset()))
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
            seen = (await client.get("/api/state", params={"token": tokens["team"]})).json()
            assert seen["turn"]["points"] == list(SKETCH)
            assert seen["n"] == 3
            assert (await client.get("/api/state", params={"token": tokens["facilitator"]})).status_code == 200
        await hub.close()

    asyncio.run(again())
