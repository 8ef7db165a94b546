"""A whole session over real HTTP: four teams, four rounds, forty phones, a killed server, hostile input, a cut log."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from workshop_crowd import Crowd, Phone, dispersed, gathered, holder, play_round
from workshop_play import started, workshop, write_log
from workshop_server import Served, opened, served

from transition_sim.cli import main
from transition_sim.workshop import events
from transition_sim.workshop.log import read_log
from transition_sim.workshop.session import fold

ORDER = workshop().order
OPTIONS = ("--scenario", "aid_gap", "--worlds", "50", "--teams", "4")


def cli(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "transition_sim.cli", "workshop", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


async def nuisance(crowd: Crowd, found: Served) -> None:
    """Send what nobody should: nothing of it may change the session."""
    phone = crowd.phones[0]
    before = phone.view["n"]
    for _ in range(30):
        answer = await crowd.client.post(f"{found.address}/api/join", json={"code": "ABCDEF", "role": "donors"})
        assert answer.status_code in (409, 429)
    header = {"authorization": f"Bearer {phone.token}"}
    for body in (b"x" * 100_000, b'{"id":"hostile-01","type":"commit","round":"<img src=x onerror=alert(1)>"}', b"[]"):
        answer = await crowd.client.post(f"{found.address}/api/do", content=body, headers=header)
        assert answer.status_code in (400, 409, 413)
    answer = await crowd.client.get(f"{found.address}/api/state", headers={"authorization": "Bearer team.1.0.donors.x"})
    assert answer.status_code == 401
    assert (await crowd.client.get(f"{found.address}/", headers={"host": "evil.example"})).status_code == 421
    assert phone.view["n"] == before


async def back(phone: Phone, times: int) -> None:
    """Wait until a phone has connected so many times."""
    while phone.connected < times:
        await asyncio.sleep(0.01)


async def drop_and_return(crowd: Crowd, phone: Phone) -> None:
    """Take a phone away while things happen, and have it come back with its last event."""
    await phone.leave()
    missed = phone.view["n"]
    other = holder(crowd, 2, "donors")
    for points in ([2, 4, 6, 8], [2, 4, 6, 10]):
        await crowd.timed(other, type="sketch", round=phone.view["round_name"], points=points)
    assert phone.view["n"] == missed
    phone.follow()
    await asyncio.wait_for(phone.has(missed + 2), 20)
    assert phone.view["n"] == other.view["n"]


def _without_mark(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as it was computed: a page gets it with the mark of what is assumed."""
    return {key: value for key, value in result.items() if key != "assumed"}


@pytest.mark.slow
def test_forty_phones_play_a_session_through_a_killed_server_and_nothing_is_lost(tmp_path: Path) -> None:
    log = tmp_path / "session.jsonl"

    async def play(stack: ExitStack) -> dict[str, Any]:
        found = stack.enter_context(served(tmp_path, *OPTIONS, "--port", "0"))
        crowd = await gathered(found.address, found.codes, found.facilitator, found.projector, 40)
        port = str(httpx.URL(found.address).port)
        await play_round(crowd, ORDER[0], workshop(), lambda: nuisance(crowd, found))

        async def killed() -> None:
            """Kill the server while a decision is under way; it comes back with the same log, phones by themselves."""
            nonlocal found
            under_way = asyncio.create_task(
                crowd.do(
                    holder(crowd, 3, "donors"), mark="under-way-1", type="decide", round=ORDER[1], choices={"cut": 2}
                )
            )
            await asyncio.sleep(0.02)
            await asyncio.to_thread(found.kill)
            found = await asyncio.to_thread(
                lambda: stack.enter_context(served(tmp_path, "--log", "session.jsonl", "--port", port))
            )
            answer = await under_way
            assert answer["ok"], answer
            for phone in crowd.everybody:
                await asyncio.wait_for(back(phone, 2), 60)
                await asyncio.wait_for(phone.has(answer["n"]), 60)
            again = await crowd.do(
                holder(crowd, 3, "donors"), mark="under-way-1", type="decide", round=ORDER[1], choices={"cut": 2}
            )
            assert again == answer

        await play_round(crowd, ORDER[1], workshop(), killed)
        await play_round(crowd, ORDER[2], workshop(), lambda: drop_and_return(crowd, crowd.phones[7]))

        async def torn() -> None:
            """Cut the log's last line as a power cut would, and let the phone send again what was not answered."""
            nonlocal found
            await asyncio.to_thread(found.kill)
            data = log.read_bytes()
            log.write_bytes(data[:-17])
            found = await asyncio.to_thread(
                lambda: stack.enter_context(served(tmp_path, "--log", "session.jsonl", "--port", port))
            )
            assert "was put aside" in "".join(found.said)
            answer = await crowd.do(
                holder(crowd, 4, "government"), type="sketch", round=ORDER[3], points=[12, 18, 24, 28]
            )
            assert answer["ok"]
            assert answer["n"] == len(data.splitlines())
            for phone in crowd.everybody:
                while phone.view["n"] > answer["n"]:
                    await asyncio.sleep(0.01)
                await asyncio.wait_for(phone.has(answer["n"]), 60)

        await play_round(crowd, ORDER[3], workshop(), torn)
        await crowd.timed(crowd.facilitator, type="end")
        views = {"screen": crowd.screen.view, "phone": crowd.phones[0].view}
        assert len({phone.view["n"] for phone in crowd.everybody}) == 1
        await dispersed(crowd)
        return views

    with ExitStack() as stack:
        views = asyncio.run(play(stack))
    session = fold(read_log(log).events)
    assert session.phase == "ended"
    assert len(session.results) == 4
    assert all(team.turns[name].committed for team in session.teams for name in ORDER)
    assert session.team(3).turns[ORDER[1]].choices["cut"] == 2
    text = log.read_text(encoding="utf-8")
    assert "onerror" not in text
    assert "ABCDEF" not in text

    done = cli(tmp_path, "replay", "session.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["same_results"] == dict.fromkeys(ORDER, True)
    assert told["cut_bytes"] == 0
    shown = views["screen"]["results"]
    assert told["results"][ORDER[3]] == {team: _without_mark(found) for team, found in shown.items()}
    assert views["phone"]["past"][ORDER[3]]["result"] == views["screen"]["results"]["1"]

    done = cli(tmp_path, "debrief", "session.jsonl", "--out", "debrief")
    assert done.returncode == 0, done.stderr
    pages = sorted(path.name for path in (tmp_path / "debrief").iterdir())
    assert pages == ["index.html", "team-1.html", "team-2.html", "team-3.html", "team-4.html"]
    for page in (tmp_path / "debrief").iterdir():
        assert not re.search(r'(src|href)="(https?:)?//', page.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_an_interrupt_gives_no_alarm_and_the_very_command_that_goes_on(tmp_path: Path) -> None:
    log = "mon day.jsonl"
    with served(tmp_path, "--scenario", "aid_gap", "--port", "0", "--worlds", "10", "--log", log) as found:
        token, port = found.facilitator, httpx.URL(found.address).port
        with ExitStack() as stack:
            url = f"{found.address}/api/events?token={found.projector}"
            streams = [stack.enter_context(httpx.stream("GET", url, timeout=20)) for _ in range(5)]
            firsts = [next(stream.iter_lines()) for stream in streams]
            assert firsts == ["retry: 1500"] * 5
            found.process.send_signal(2)
            assert found.process.wait(20) == 130
        assert found.process.stdout is not None
        rest = found.process.stdout.read()
    told = re.search(r"^the session is kept; go on with: (.*)$", rest, re.M)
    assert told, rest
    assert rest.splitlines() == ["interrupted", told.group(0)]
    assert f"go on with: {told.group(1)}" in "".join(found.said)
    command = shlex.split(told.group(1))
    assert command[-6:] == ["workshop", "start", "--log", log, "--port", str(port)]
    again = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = opened(again)
        assert (said.address, said.facilitator) == (found.address, token)
    finally:
        again.kill()
        again.communicate()


@pytest.mark.slow
def test_a_session_is_started_interrupted_and_taken_up_again(tmp_path: Path) -> None:
    with served(tmp_path, "--scenario", "election_year", "--port", "0", "--worlds", "10", "--language", "fr") as found:
        assert "L'année électorale - 4 teams" in found.said[0]
        state = httpx.get(f"{found.address}/api/state", params={"token": found.facilitator}).json()
        assert state["phase"] == "lobby"
        assert state["n"] == 1
        found.process.send_signal(2)
        assert found.process.wait(20) == 130
    done = cli(tmp_path, "start", "--scenario", "aid_gap", "--port", "0")
    assert done.returncode == 3
    assert "holds a session of 'election_year', not 'aid_gap'" in done.stderr
    with served(tmp_path, "--port", "0") as found:
        answer = httpx.get(f"{found.address}/api/state", params={"token": found.facilitator})
        assert answer.json()["n"] == 1
        busy = str(httpx.URL(found.address).port)
        (tmp_path / "other").mkdir()
        done = cli(tmp_path / "other", "start", "--scenario", "aid_gap", "--port", busy)
        assert done.returncode == 3
        free = re.search(r"cannot be used \(.*\); name another, such as --port (\d+)$", done.stderr.strip())
        assert free
        assert int(free.group(1)) != int(busy)
        done = cli(tmp_path, "start", "--port", "0")
        assert done.returncode == 3
        assert "another session is writing" in done.stderr


def test_mistakes_of_the_command_line_are_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            main(["workshop", *arguments])
        return int(str(caught.value.code)), capsys.readouterr().err

    assert run("start") == (
        3,
        "error: no session to go on with; name a workshop to begin one, such as --scenario aid_gap\n",
    )
    for arguments, code, says in (
        (("start", "--scenario", "aid_gpa"), 3, "did you mean 'aid_gap'"),
        (("start", "--scenario", "aid_gap", "--teams", "9"), 2, "teams"),
        (("replay", "none.jsonl"), 3, "no such file"),
        (("debrief", "none.jsonl", "--out", "x"), 3, "no such file"),
        (("print", "aid_gap", "--out", "/proc/none"), 3, "cannot be the folder"),
    ):
        found, told = run(*arguments)
        assert found == code, told
        assert says in told
    assert not (tmp_path / "session.jsonl").exists()
    assert run("print", "early_exit", "--out", "printed", "--language", "ar")[0] == 0
    assert sorted(p.name for p in (tmp_path / "printed").iterdir()) == [
        "cards.html", "guide.html", "review.html", "sheets.html",
    ]  # fmt: skip
    write_log(tmp_path / "short.jsonl", [started()])
    assert "no round was closed" in run("debrief", "short.jsonl", "--out", "x")[1]
    assert run("replay", "short.jsonl")[0] == 0
    write_log(tmp_path / "other.jsonl", [started(), events.Opened(round=ORDER[0]), WRONG])
    assert run("replay", "other.jsonl")[0] == 1


WRONG = events.Closed(round=ORDER[0], results="0" * 64)
