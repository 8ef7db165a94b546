"""Sessions as lists of events, for the tests of the workshop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from transition_sim.model.equations import Model
from transition_sim.model.reader import load_model
from transition_sim.workshop import events
from transition_sim.workshop.events import Event
from transition_sim.workshop.form import Workshop
from transition_sim.workshop.log import Log
from transition_sim.workshop.runs import Runner, checksum, model_mark, round_results, runner_of
from transition_sim.workshop.scenarios import load_workshop
from transition_sim.workshop.session import Session, fold

SECRET = "0123456789abcdef" * 3
WORLDS = 12
SKETCH = (6, 12, 16, 20)


@lru_cache(maxsize=1)
def shipped_model() -> Model:
    """Return the shipped model, read once."""
    return load_model()


@lru_cache(maxsize=4)
def workshop(name: str = "aid_gap") -> Workshop:
    """Return a shipped workshop."""
    return load_workshop(name, shipped_model())


@lru_cache(maxsize=8)
def runner(name: str = "aid_gap", worlds: int = WORLDS) -> Runner:
    """Return what runs a workshop's plans over a few worlds."""
    return runner_of(workshop(name), shipped_model(), worlds, 7, "c5")


def started(name: str = "aid_gap", teams: int = 2, **more: Any) -> events.Started:
    """Return the first event of a session."""
    given = {"language": "en", "worlds": WORLDS, "model": model_mark(shipped_model()), "secret": SECRET, **more}
    return events.Started(workshop=workshop(name), teams=teams, **given)


def turn(team: int, round_name: str, choices: Mapping[str, int] | None = None) -> list[Event]:
    """Return the events by which a team decides, draws and commits."""
    given = {"team": team, "round": round_name, "by": team}
    return [
        events.Decided(**given, choices=dict(choices or {})),
        events.Sketched(**given, points=SKETCH),
        events.Committed(**given),
    ]


def played(plans: Mapping[int, Mapping[str, int]], name: str = "aid_gap", teams: int = 2) -> list[Event]:
    """Return a whole session in which teams make the choices of `plans`, closed with the true results."""
    log: list[Event] = [started(name, teams)]
    shape = workshop(name)
    for i, round_name in enumerate(shape.order):
        log.append(events.Opened(round=round_name))
        for team in range(1, teams + 1):
            own = {key: c for key, c in plans.get(team, {}).items() if key in shape.levers_of(round_name)}
            log += turn(team, round_name, own)
        results = round_results(runner(name), fold(log), i)
        log.append(events.Closed(round=round_name, results=checksum(results)))
    return [*log, events.Ended()]


def write_log(path: Path, log: Sequence[Event]) -> Path:
    """Write a log of events; return its path."""
    file = Log(path)
    for event in log:
        file.append(event)
    file.close()
    return path


def state(log: list[Event]) -> Session:
    """Return the state after some events."""
    return fold(log)
