"""A session's server from start to stop, and a log looked at again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.model.equations import Model
from transition_sim.workshop.events import Ensemble, Language, Started
from transition_sim.workshop.form import Workshop
from transition_sim.workshop.hub import Hub
from transition_sim.workshop.keys import Person, join_code, new_secret, token_of
from transition_sim.workshop.log import Log, read_log
from transition_sim.workshop.runs import Runner, checksum, model_mark, recomputed, runner_of
from transition_sim.workshop.session import RefusedError, Session, apply, begin

NEEDED = 'the session needs starlette and uvicorn: pip install "transition_sim[workshop]"'


def new_setup(
    workshop: Workshop, model: Model, teams: int, language: Language, worlds: int, seed: int, ensemble: Ensemble
) -> Started:
    """Return the first event of a new session."""
    return Started(
        at=time.time(), workshop=workshop, teams=teams, language=language, worlds=worlds, seed=seed,
        ensemble=ensemble, model=model_mark(model), secret=new_secret(),
    )  # fmt: skip


def serve(
    log: Log, model: Model, setup: Started | None, port: int, lan: bool,
    tell: Callable[[str], None], again: Callable[[int], str],
) -> None:  # fmt: skip
    """Run a session's server until it is interrupted.

    `tell` gets the lines that are printed at the start; `again` gives the command that takes the session up at a port.

    Raises ScenarioError where the port cannot be used or a library is missing.
    """
    try:
        import uvicorn

        from transition_sim.workshop.address import bind
        from transition_sim.workshop.server import app_of
    except ModuleNotFoundError as error:
        raise ScenarioError(NEEDED if error.name in ("starlette", "uvicorn", "anyio") else str(error)) from None
    place = bind(port, lan)
    hub = Hub(log, model, setup)
    following = again(place.port)
    config = uvicorn.Config(
        app_of(hub, place.address, place.hosts), log_level="warning", access_log=False, server_header=False,
        limit_concurrency=1000, timeout_keep_alive=20, timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=16_384,
        ws="none", http="h11", loop="asyncio",
    )  # fmt: skip
    for line in opening_lines(hub, place.address, place.own_address, following):
        tell(line)

    class Server(uvicorn.Server):
        """A server whose streams end before it waits for them; what its end cuts off is no alarm."""

        async def shutdown(self, sockets: Any = None) -> None:
            """Let all who listen go, then stop."""
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            hub.let_go()
            await super().shutdown(sockets)

    Server(config).run(sockets=[place.listener])


def opening_lines(hub: Hub, address: str, own: str, following: str) -> list[str]:
    """Return what is printed when a session starts: addresses, join codes, where the log is, how to go on with it."""
    session = hub.session
    facilitator, screen = (token_of(session, Person(kind)) for kind in ("facilitator", "projector"))
    codes = "  ".join(f"team {team.number}: {join_code(session, team.number)}" for team in session.teams)
    lines = [
        f"{session.workshop.title.in_(session.setup.language)} - {len(session.teams)} teams",
        f"  teams join at  {address}",
        f"  join codes     {codes}",
        f"  your screen    {own}/facilitator#{facilitator}   (keep it to yourself)",
        f"  big screen     {own}/projector#{screen}",
        f"  log            {shown(hub.log.path)}, {hub.count} event{'s' if hub.count > 1 else ''}",
        f"  stop           Ctrl-C; go on with: {following}",
    ]
    if hub.log.torn is not None:
        lines.append(f"  a cut line at the end of the log was put aside in {shown(hub.log.torn)}")
    if hub.session.setup.model != model_mark(hub.model):
        lines.append("  warning: the session was begun with other equations; results will differ from what was shown")
    lines += [f"  warning: round '{name}' gives other results than were shown then" for name in hub.differing]
    return [*lines, "A stylised teaching and exploration model, not a forecast."]


@dataclass(frozen=True)
class Replay:
    """A log played again: the state at its end, and for each closed round its results and whether they are the same."""

    session: Session
    runner: Runner
    events: int
    torn: int
    same_model: bool
    rounds: dict[str, bool]
    results: dict[str, dict[str, Any]]


def replay(path: Path, model: Model) -> Replay:
    """Return a log played again, with every result computed anew and compared with what was shown.

    Raises ScenarioError with the line where the log is damaged before its end, or breaks a rule.
    """
    reading = read_log(path)
    session: Session | None = None
    for number, event in enumerate(reading.events, 1):
        try:
            session = begin(event) if session is None else apply(session, event)
        except RefusedError as error:
            raise ScenarioError(Fault(shown(path), number, str(error))) from None
    if session is None:
        raise ScenarioError(Fault(shown(path), None, "holds no whole event of a session"))
    setup = session.setup
    runner = runner_of(session.workshop, model, setup.worlds, setup.seed, setup.ensemble)
    results = recomputed(runner, session)
    rounds = {name: checksum(found) == session.results[name] for name, found in results.items()}
    same = setup.model == model_mark(model)
    return Replay(session, runner, len(reading.events), len(reading.torn), same, rounds, results)


def replay_data(found: Replay) -> dict[str, Any]:
    """Return what a replay found as plain data."""
    session = found.session
    return {
        "workshop": session.workshop.name,
        "teams": len(session.teams),
        "phase": session.phase,
        "round": session.round_name,
        "events": found.events,
        "cut_bytes": found.torn,
        "same_model": found.same_model,
        "same_results": found.rounds,
        "results": found.results,
    }
