"""Commands that come in over the network become events: checked by form, by who sends them, and by the rules."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from transition_sim.errors import ScenarioError
from transition_sim.workshop import events
from transition_sim.workshop.codes import read_round
from transition_sim.workshop.events import Choices, Identity, Points, TeamNumber
from transition_sim.workshop.form import Data, Key, Workshop
from transition_sim.workshop.hub import Hub
from transition_sim.workshop.keys import SHARED, Person
from transition_sim.workshop.session import RefusedError, Session, replaced_by

CodeText = Annotated[str, Field(min_length=1, max_length=120)]


class Command(Data):
    """What all commands carry: the sender's own mark, by which a repeat is known."""

    id: Identity


class Decide(Command):
    """A role changes its choices."""

    type: Literal["decide"]
    round: Key
    choices: Choices


class Draw(Command):
    """A team draws its sketch."""

    type: Literal["sketch"]
    round: Key
    points: Points


class Commit(Command):
    """A team commits the round, with all that it has put down where it was offline before."""

    type: Literal["commit"]
    round: Key


class Withdraw(Command):
    """A team takes its commitment back."""

    type: Literal["withdraw"]
    round: Key


class Open(Command):
    """The facilitator opens a round."""

    type: Literal["open"]
    round: Key


class Happen(Command):
    """The facilitator has news happen."""

    type: Literal["news"]
    round: Key
    news: Key


class Clock(Command):
    """The facilitator starts the clock, or stops it with 0 minutes."""

    type: Literal["timer"]
    minutes: Annotated[float, Field(ge=0, le=240, allow_inf_nan=False)]


class Close(Command):
    """The facilitator closes the round; `force` where teams are late."""

    type: Literal["close"]
    force: bool = False


class Enter(Command):
    """The facilitator enters a decision code; `replace` where the team has put something else down."""

    type: Literal["code"]
    code: CodeText
    replace: bool = False


class Sheet(Command):
    """The facilitator enters a team's paper sheet; `replace` where the team has put something else down."""

    type: Literal["sheet"]
    team: TeamNumber
    round: Key
    choices: Choices
    points: Points
    replace: bool = False


class Replace(Command):
    """The facilitator gives a team a new join code."""

    type: Literal["replace"]
    team: TeamNumber


class Plain(Command):
    """Undo, or the end."""

    type: Literal["undo", "end"]


_TEAM: TypeAdapter[Any] = TypeAdapter(Annotated[Decide | Draw | Commit | Withdraw, Field(discriminator="type")])
_FACILITATOR: TypeAdapter[Any] = TypeAdapter(
    Annotated[Open | Happen | Clock | Close | Enter | Sheet | Replace | Plain, Field(discriminator="type")]
)


async def carry_out(hub: Hub, person: Person, body: bytes) -> dict[str, Any]:
    """Return the number `n` of the event that a command, as JSON, became; of a code or sheet also what it `put` down.

    Raises RefusedError where a rule forbids it, or where a code would silently replace what a team has put down;
    ScenarioError where it is no command of this person.
    """
    if person.kind not in ("team", "facilitator"):
        raise RefusedError("read_only")
    reader = _TEAM if person.kind == "team" else _FACILITATOR
    try:
        command = reader.validate_json(body, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = " / ".join(str(part)[:30] for part in problem["loc"][:4])
        raise ScenarioError(f"is no command: {place}: {problem['msg']}"[:200]) from None
    if isinstance(command, Close):
        return {"n": await hub.close_round(command.id, command.force)}
    event = _event(hub, person, command)
    if not isinstance(event, events.Coded):
        return {"n": await hub.submit(event)}
    number = await hub.submit(event, None if command.replace else lambda session: _check_free(session, event))
    return {"n": number, "put": _told(hub.session.workshop, event.team, event.round, event.choices, event.points)}


def _check_free(session: Session, event: events.Coded) -> None:
    """Raise RefusedError, telling both, where a code or sheet would replace what its team has put down."""
    before = replaced_by(session, event)
    if before is not None:
        workshop = session.workshop
        told = _told(workshop, event.team, event.round, event.choices, event.points)
        had = _told(workshop, event.team, event.round, before.choices, before.points)
        raise RefusedError("would_replace", team=event.team, committed=before.committed, put=told, before=had)


def _told(
    workshop: Workshop, team: int, name: str, choices: Mapping[str, int], points: Sequence[int] | None
) -> dict[str, Any]:
    """Return a team's round as plain data, every choice of it named."""
    return {
        "team": team,
        "round": name,
        "choices": workshop.defaults(name) | dict(choices),
        "points": list(points) if points is not None else None,
    }


def _event(hub: Hub, person: Person, command: Any) -> events.Event:
    given: dict[str, Any] = {"at": time.time(), "by": person.team, "id": command.id}
    if isinstance(command, Decide | Draw | Commit | Withdraw):
        return _of_team(hub, person, command, {**given, "team": person.team, "round": command.round})
    if isinstance(command, Open):
        return events.Opened(**given, round=command.round)
    if isinstance(command, Happen):
        return events.Happened(**given, round=command.round, news=command.news)
    if isinstance(command, Clock):
        return events.Timed(**given, ends=time.time() + 60 * command.minutes if command.minutes else None)
    if isinstance(command, Enter):
        read = read_round(hub.session.workshop, command.code)
        return events.Coded(**given, team=read.team, round=read.round, choices=dict(read.choices), points=read.points)
    if isinstance(command, Sheet):
        return events.Coded(
            **given, team=command.team, round=command.round, choices=command.choices, points=command.points
        )
    if isinstance(command, Replace):
        return events.Replaced(**given, team=command.team)
    return events.Undone(**given) if command.type == "undo" else events.Ended(**given)


def _of_team(hub: Hub, person: Person, command: Any, given: dict[str, Any]) -> events.Event:
    if isinstance(command, Decide):
        levers = hub.session.workshop.levers
        for name in command.choices:
            if person.role != SHARED and name in levers and levers[name].role != person.role:
                raise RefusedError("not_your_role", lever=name, role=levers[name].role)
        return events.Decided(**given, choices=command.choices)
    if isinstance(command, Draw):
        return events.Sketched(**given, points=command.points)
    return events.Committed(**given) if isinstance(command, Commit) else events.Withdrawn(**given)
