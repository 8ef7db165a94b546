"""Forty people in a room: phones that follow a stream, reconnect by themselves, repeat what was not answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

ROLES = ("government", "donors", "mission", "commission", "shared")


@dataclass(eq=False)
class Phone:
    """A device: its token, the last view it has, and when it first saw each event."""

    address: str
    token: str
    client: httpx.AsyncClient
    view: dict[str, Any] = field(default_factory=dict)
    seen: dict[int, float] = field(default_factory=dict)
    connected: int = 0
    last: str = ""
    task: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """Follow the stream in the background, from the last event that was seen."""
        self.task = asyncio.create_task(self._follow())

    async def leave(self) -> None:
        """Let go of the stream, as a phone does that is put away."""
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task

    async def _follow(self) -> None:
        while True:
            try:
                headers = {"last-event-id": self.last} if self.last else {}
                url = f"{self.address}/api/events?token={self.token}"
                async with self.client.stream("GET", url, headers=headers, timeout=None) as answer:
                    if answer.status_code != 200:
                        raise RuntimeError(f"stream answered {answer.status_code}")
                    self.connected += 1
                    async for line in answer.aiter_lines():
                        self._take(line)
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)

    def _take(self, line: str) -> None:
        if line.startswith("id: "):
            self.last = line[4:]
        elif line.startswith("data: {") and len(line) > 10:
            self.view = json.loads(line[6:])
            self.seen.setdefault(self.view["n"], time.perf_counter())

    async def has(self, number: int) -> float:
        """Wait until an event was seen; return when."""
        while not self.view or self.view["n"] < number:
            await asyncio.sleep(0.001)
        return min(when for n, when in self.seen.items() if n >= number)


@dataclass(eq=False)
class Crowd:
    """All who are in the room: phones, the facilitator, the big screen; and how long each event took to reach them."""

    phones: list[Phone]
    facilitator: Phone
    screen: Phone
    client: httpx.AsyncClient
    waits: list[float] = field(default_factory=list)
    sent: int = 0

    @property
    def everybody(self) -> list[Phone]:
        """All who follow the stream."""
        return [*self.phones, self.facilitator, self.screen]

    async def do(self, phone: Phone, mark: str | None = None, **command: Any) -> dict[str, Any]:
        """Send a command until it is answered, with one mark; return the answer."""
        self.sent += 1
        body = {"id": mark or f"crowd-{self.sent:08d}", **command}
        for _ in range(300):
            try:
                answer = await self.client.post(
                    f"{phone.address}/api/do", json=body, headers={"authorization": f"Bearer {phone.token}"}, timeout=20
                )
                return dict(answer.json())
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
        raise TimeoutError("the server did not come back")

    async def timed(self, phone: Phone, **command: Any) -> dict[str, Any]:
        """Send a command and wait until all have seen it; keep how long that took for each of them."""
        began = time.perf_counter()
        answer = await self.do(phone, **command)
        if not answer.get("ok"):
            raise AssertionError(f"{command} was refused: {answer}")
        for each in self.everybody:
            if each.task is not None and not each.task.done():
                self.waits.append(await asyncio.wait_for(each.has(answer["n"]), 30) - began)
        return answer


async def gathered(address: str, codes: dict[int, str], facilitator: str, screen: str, size: int) -> Crowd:
    """Return a crowd that has joined with the teams' codes and follows the stream."""
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=200))
    phones = []
    for i in range(size):
        team, role = i % len(codes) + 1, ROLES[i // len(codes) % len(ROLES)]
        answer = await client.post(f"{address}/api/join", json={"code": codes[team], "role": role})
        phones.append(Phone(address, answer.json()["token"], client))
    crowd = Crowd(phones, Phone(address, facilitator, client), Phone(address, screen, client), client)
    for each in crowd.everybody:
        each.follow()
    for each in crowd.everybody:
        await asyncio.wait_for(each.has(1), 30)
    return crowd


async def dispersed(crowd: Crowd) -> None:
    """Let everybody leave."""
    for each in crowd.everybody:
        await each.leave()
    await crowd.client.aclose()


def holder(crowd: Crowd, team: int, role: str) -> Phone:
    """Return the first phone of a team with a role."""
    return next(p for p in crowd.phones if p.view["you"] == {"team": team, "role": role})


async def play_round(
    crowd: Crowd, name: str, workshop: Any, between: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Play one round with all teams: each role decides, a sketch, a commitment; `between` happens before the last."""
    await crowd.timed(crowd.facilitator, type="open", round=name)
    teams = sorted({phone.view["you"]["team"] for phone in crowd.phones})
    for team in teams:
        for lever, each in workshop.levers_of(name).items():
            if (team + len(lever)) % 3 == 0 and each.once is None:
                choice = {lever: min(each.default + 1, len(each.choices) - 1) if team % 2 else each.default}
                await crowd.timed(holder(crowd, team, each.role), type="decide", round=name, choices=choice)
        points = [4 + 2 * team, 10 + 2 * team, 16 + 2 * team, 20 + 2 * team]
        await crowd.timed(holder(crowd, team, "government"), type="sketch", round=name, points=points)
    if between is not None:
        await between()
    for team in teams:
        await crowd.timed(holder(crowd, team, "commission"), type="commit", round=name)
    await crowd.timed(crowd.facilitator, type="close")
