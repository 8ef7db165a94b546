"""The session over HTTP: pages, commands, and a stream of what everybody may see, for phones in one room.

Bound to this machine unless asked otherwise. Everything that comes in is small, checked by form, and names who sends it
by a secret token; nothing of it is ever run or written into a page as markup.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from transition_sim.errors import ScenarioError
from transition_sim.workshop.commands import carry_out
from transition_sim.workshop.debrief import debrief
from transition_sim.workshop.form import LANGUAGES
from transition_sim.workshop.guard import MAX_BODY, Allowance, Guard, TooLargeError, body_of
from transition_sim.workshop.hub import Hub
from transition_sim.workshop.keys import SHARED, Kind, Person, person_of, team_of_code, token_of
from transition_sim.workshop.pages import STATIC, message_page, page, static_file
from transition_sim.workshop.printed import debrief_page, print_pages, print_results
from transition_sim.workshop.session import RefusedError, Session
from transition_sim.workshop.views import seats_of, view_of

HEARTBEAT = 15.0
MAX_STREAMS = 400
COUNT_EVERY = 0.5
JOIN_TRIES = Allowance(size=60, per_second=1.0)
VIEWERS: tuple[Kind, ...] = ("team", "facilitator", "projector")
COMMANDS = Allowance(size=60, per_second=10.0)


@dataclass(eq=False)
class Desk:
    """What the handlers share: the hub, who is connected, and how much each may still send."""

    hub: Hub
    address: str
    devices: Counter[tuple[int, str]] = field(default_factory=Counter)
    streams: int = 0
    wrong_codes: dict[str, tuple[float, float]] = field(default_factory=dict)
    sent: dict[str, tuple[float, float]] = field(default_factory=dict)
    debriefs: dict[int, asyncio.Task[Any]] = field(default_factory=dict)
    counted: int = 0
    came: Counter[int] = field(default_factory=Counter)
    coming: set[int] = field(default_factory=set)
    mark: tuple[int, int, int] = (0, 0, 0)
    texts: dict[Person, str] = field(default_factory=dict)

    def view_text(self, person: Person) -> str:
        """Return what somebody sees, as JSON: made once for all who see the same, and the clock."""
        mark = (self.hub.count, self.counted, len(self.hub.results))
        if mark != self.mark:
            self.mark, self.texts = mark, {}
        if person not in self.texts:
            self.texts[person] = json.dumps(view_of(self.hub, person, self.devices), separators=(",", ":"))
        return f'{self.texts[person][:-1]},"now":{time.time():.3f}}}'

    def count_device(self, person: Person, more: int) -> None:
        """Count a device that comes or goes; it is shown soon, and once for many who come or go together."""
        self.streams += more
        self.devices[person.team, person.role] += more
        if not self.coming:
            asyncio.get_running_loop().call_later(COUNT_EVERY, self._counted)
        self.coming.add(person.team)

    def _counted(self) -> None:
        self.counted += 1
        self.came.update(self.coming)
        self.coming.clear()
        self.hub.tell()

    def counted_for(self, person: Person) -> int:
        """Return a number that changes when who is connected changes for somebody: for a team, its own devices."""
        return self.came[person.team] if person.kind == "team" else self.counted

    def debriefing(self) -> asyncio.Task[Any]:
        """Return the debrief that is computed, or was: once for each state of the session, whoever asks."""
        mark = self.hub.count
        if mark not in self.debriefs:
            work = asyncio.to_thread(debrief, self.hub.runner, self.hub.session)
            self.debriefs = {mark: asyncio.get_running_loop().create_task(work)}
        return self.debriefs[mark]

    def person(self, request: Request, kinds: tuple[Kind, ...] = VIEWERS) -> Person | None:
        """Return who sends a request, by the token in its header or its address; None where it is none of these."""
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ").strip() or request.query_params.get("token", "")
        found = person_of(self.hub.session, token)
        return found if found is not None and found.kind in kinds else None


def app_of(hub: Hub, address: str, hosts: frozenset[str]) -> Any:
    """Return the application: `address` is what people type, `hosts` the names it answers to."""
    desk = Desk(hub, address)
    routes = [
        Route("/", _page(desk, "team")),
        Route("/facilitator", _page(desk, "facilitator")),
        Route("/projector", _page(desk, "projector")),
        Route("/static/{name}", _static),
        Route("/api/join", _with(desk, _join), methods=["POST"]),
        Route("/api/seats", _with(desk, _seats), methods=["POST"]),
        Route("/api/do", _with(desk, _do), methods=["POST"]),
        Route("/api/state", _with(desk, _state)),
        Route("/api/events", _with(desk, _events)),
        Route("/print", _readable(desk, _print, "print")),
        Route("/results", _readable(desk, _results, "print")),
        Route("/debrief", _readable(desk, _debrief, "debrief")),
        Route("/debrief/{name}", _readable(desk, _debrief, "debrief")),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await hub.close()

    return Guard(Starlette(routes=routes, lifespan=lifespan), hosts)


Handler = Callable[[Desk, Request], Awaitable[Response]]


def _with(desk: Desk, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler that answers what goes wrong in the sender's own terms, never with a traceback."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(desk, request)
        except RefusedError as error:
            status = 429 if error.key == "too_many" else 409
            return JSONResponse({"refused": error.key, "values": error.values}, status)
        except TooLargeError:
            return JSONResponse({"refused": "too_large", "values": {"most": MAX_BODY}}, 413)
        except ScenarioError as error:
            return JSONResponse({"refused": "wrong_form", "values": {"told": error.faults[0].message}}, 400)

    return answer


def _readable(
    desk: Desk, handler: Callable[[Desk, Request, Person], Awaitable[Response]], kind: Kind
) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler of a page that people open with a key of a kind: what goes wrong is told as a page too."""

    async def answer(request: Request) -> Response:
        session = desk.hub.session
        language = _language(request, session)
        person = desk.person(request, (kind,))
        if person is None:
            return HTMLResponse(message_page("refused_no_key", session, language), 401)
        try:
            return await handler(desk, request, person)
        except RefusedError as error:
            return HTMLResponse(message_page(f"refused_{error.key}", session, language), 409)

    return answer


def _page(desk: Desk, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        language = request.query_params.get("language", "")
        return HTMLResponse(page(name, desk.hub.session, language, desk.address))

    return answer


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return PlainTextResponse("not here", 404)
    return Response(static_file(name), media_type=STATIC[name])


async def _join(desk: Desk, request: Request) -> Response:
    code, role = await _texts_of(request, "code", "role")
    number = _team_by_code(desk, request, code, role)
    person = Person("team", number, role)
    return JSONResponse({"token": token_of(desk.hub.session, person), "team": number, "role": role})


async def _seats(desk: Desk, request: Request) -> Response:
    """Tell who has a team's join code which of its roles are taken: how many devices each has connected."""
    (code,) = await _texts_of(request, "code")
    number = _team_by_code(desk, request, code, SHARED)
    return JSONResponse({"team": number, "seats": seats_of(desk.devices, number)})


async def _texts_of(request: Request, *names: str) -> list[str]:
    body = await body_of(request)
    try:
        data = json.loads(body)
        return [str(data[name])[:40] for name in names]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ScenarioError(f"expected: {' and '.join(names)}") from None


def _team_by_code(desk: Desk, request: Request, code: str, role: str) -> int:
    """Return the team of a join code; RefusedError where it is no team's, the role is none, or after too many tries."""
    sender = request.client.host if request.client else ""
    if not JOIN_TRIES.left(desk.wrong_codes, sender):
        raise RefusedError("too_many")
    session = desk.hub.session
    number = team_of_code(session, code)
    if number is None or role not in (*session.workshop.roles, SHARED):
        JOIN_TRIES.take(desk.wrong_codes, sender)
        raise RefusedError("wrong_join_code")
    return number


async def _do(desk: Desk, request: Request) -> Response:
    body = await body_of(request)
    person = desk.person(request)
    if person is None:
        return _unknown()
    if not COMMANDS.take(desk.sent, request.headers.get("authorization", "")):
        return JSONResponse({"refused": "too_many", "values": {}}, 429)
    done = await carry_out(desk.hub, person, body)
    if desk.hub.session.phase == "ended":
        desk.debriefing()  # so that it is there when teams ask for it
    return JSONResponse({"ok": True, **done})


async def _state(desk: Desk, request: Request) -> Response:
    person = desk.person(request)
    return _unknown() if person is None else Response(desk.view_text(person), media_type="application/json")


def _unknown() -> Response:
    return JSONResponse({"refused": "left", "values": {}}, 401)


async def _events(desk: Desk, request: Request) -> Response:
    """Stream the view of whoever asks: at once unless they have the last one, and again whenever it changes."""
    person = desk.person(request)
    if person is None:
        return _unknown()
    if desk.streams >= MAX_STREAMS:
        return JSONResponse({"refused": "too_many", "values": {}}, 503)
    last = request.headers.get("last-event-id", "")
    known = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else -1
    token = request.query_params.get("token", "")
    stream = _stream(desk, person, token, known)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _stream(desk: Desk, person: Person, token: str, sent: int) -> AsyncIterator[str]:
    hub = desk.hub
    desk.count_device(person, 1)
    counted = desk.counted_for(person) if sent >= 0 else -1
    try:
        yield "retry: 1500\n\n"
        while not hub.closing:
            changed = hub.changed
            if person_of(hub.session, token) is None:
                yield "event: left\ndata: {}\n\n"
                return
            if (sent, counted) != (hub.count, desk.counted_for(person)):
                sent, counted = hub.count, desk.counted_for(person)
                yield f"id: {sent}\nevent: state\ndata: {desk.view_text(person)}\n\n"
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except TimeoutError:
                yield f"event: beat\ndata: {time.time():.3f}\n\n"
    finally:
        desk.count_device(person, -1)


async def _print(desk: Desk, request: Request, person: Person) -> Response:
    session = desk.hub.session
    language = _language(request, session)
    port, log = desk.address.rpartition(":")[2], str(desk.hub.log.path)
    return HTMLResponse(await asyncio.to_thread(print_pages, session, language, port, log))


async def _results(desk: Desk, request: Request, person: Person) -> Response:
    """Give the results of the last round to print and to read out, a slip for each team."""
    session = desk.hub.session
    name = session.round_name
    if name not in desk.hub.results:
        raise RefusedError("no_results")
    found = print_results(session, name, desk.hub.results[name], desk.hub.standing(name), _language(request, session))
    return HTMLResponse(found)


async def _debrief(desk: Desk, request: Request, person: Person) -> Response:
    """Give the debrief of all teams, or of one: a team's own key opens its own page, once the session is over."""
    session = desk.hub.session
    if session.phase not in (("ended",) if person.team else ("shown", "ended")):
        raise RefusedError("no_results")
    pages = {f"team-{team.number}.html": team.number for team in session.teams}
    name = request.path_params.get("name", "index.html")
    team = pages.get(name, 0)
    if (name not in pages and name != "index.html") or person.team not in (0, team):
        return PlainTextResponse("not here", 404)
    language = _language(request, session)
    found = await asyncio.shield(desk.debriefing())
    query = f"?token={token_of(session, person)}&language={language}"
    links = {} if person.team else {page: f"/debrief/{page}{query}" for page in ("index.html", *pages)}
    return HTMLResponse(debrief_page(session, found, language, team, links))


def _language(request: Request, session: Session) -> str:
    asked = request.query_params.get("language", "")
    return asked if asked in LANGUAGES else str(session.setup.language)
