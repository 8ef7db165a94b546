"""What each audience sees of a session: a team's device, the facilitator, the big screen. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transition_sim.workshop.codes import code_of
from transition_sim.workshop.form import LANGUAGES, Workshop
from transition_sim.workshop.hub import Hub
from transition_sim.workshop.keys import SHARED, Kind, Person, join_code, token_of
from transition_sim.workshop.plans import holds_assumed
from transition_sim.workshop.session import Session, Team, all_choices, choices_of, spent

Devices = Mapping[tuple[int, str], int]
"""How many devices are connected, by team (0 for all other screens) and role."""

KEYS: tuple[Kind, ...] = ("projector", "debrief", "print")
"""What opens the pages that a facilitator has others see: none of them can do anything."""


def public_workshop(workshop: Workshop) -> dict[str, Any]:
    """Return the workshop as every page may know it: no private brief, no news that have not happened."""
    data = workshop.model_dump(mode="json", exclude={"constants", "series", "why", "news"})
    for role in data["roles"].values():
        del role["private"]
    for name, lever in workshop.levers.items():
        shown = [
            {"price": choice.price, "label": {code: lever.label_of(i, code) for code in LANGUAGES}}
            for i, choice in enumerate(lever.choices)
        ]
        keep = ("round", "role", "title", "help", "default", "once")
        data["levers"][name] = {key: data["levers"][name][key] for key in keep} | {"choices": shown}
    return data


def seats_of(devices: Devices, number: int) -> dict[str, int]:
    """Return how many devices of a team are connected, by role; roles that nobody has are left out."""
    return {role: count for (team, role), count in devices.items() if team == number and count > 0}


def view_of(hub: Hub, person: Person, devices: Devices) -> dict[str, Any]:
    """Return what somebody sees, the clock apart: of who is connected a team sees its own roles alone."""
    session = hub.session
    seen = _common(session)
    if person.kind == "team":
        seats = seats_of(devices, person.team)
        return seen | {"seats": seats} | _team_view(hub, session.team(person.team), person.role)
    seen["seats"] = {str(team.number): seats_of(devices, team.number) for team in session.teams}
    seen["join"] = {str(team.number): join_code(session, team.number) for team in session.teams}
    name = session.round_name
    if session.phase == "lobby":
        seen["unchanged"] = hub.unchanged
    if session.phase in ("shown", "ended") and name in hub.results:
        seen |= _shown(hub, name)
    elif session.phase == "open" and session.round > 0 and session.workshop.order[session.round - 1] in hub.results:
        seen["last"] = _shown(hub, session.workshop.order[session.round - 1])
    return seen | (_facilitator_view(hub) if person.kind == "facilitator" else {})


def _shown(hub: Hub, name: str) -> dict[str, Any]:
    """Return what a closed round gave: sketches stand there also where they were not committed, with who did commit."""
    turns = {str(team.number): team.turns[name] for team in hub.session.teams}
    return {
        "of_round": name,
        "results": {str(team.number): _marked(hub, team, name) for team in hub.session.teams},
        "standing": hub.standing(name),
        "sketches": {team: turn.points for team, turn in turns.items()},
        "uncommitted": [int(team) for team, turn in turns.items() if not turn.committed],
    }


def _marked(hub: Hub, team: Team, name: str) -> dict[str, Any]:
    """Return a team's result after a round, marked `assumed` where effort of the Commission has a part in it."""
    workshop = hub.session.workshop
    choices = all_choices(workshop, team, workshop.order.index(name))
    return {**hub.results[name][str(team.number)], "assumed": holds_assumed(workshop, choices)}


def _common(session: Session) -> dict[str, Any]:
    name = session.round_name
    workshop = session.workshop
    return {
        "n": session.count,
        "phase": session.phase,
        "round": session.round,
        "round_name": name,
        "ends": session.ends,
        "worlds": session.setup.worlds,
        "news": [
            {"round": where, "name": key, "title": workshop.news[key].title.model_dump(),
             "text": workshop.news[key].text.model_dump()}
            for where, key in session.news
        ],
        "teams": [
            {
                "number": team.number,
                "sketched": name is not None and team.turns[name].points is not None,
                "committed": name is not None and team.turns[name].committed,
            }
            for team in session.teams
        ],
    }  # fmt: skip


def _team_view(hub: Hub, team: Team, role: str) -> dict[str, Any]:
    session, workshop = hub.session, hub.session.workshop
    name = session.round_name
    seen: dict[str, Any] = {"you": {"team": team.number, "role": role}}
    if role != SHARED:
        seen["private"] = workshop.roles[role].private.model_dump()
    draft = name if session.phase == "open" else None
    choices = all_choices(workshop, team, session.round, draft)
    seen["choices"] = choices
    seen["spent"] = spent(workshop, choices)
    if name is not None:
        turn = team.turns[name]
        seen["turn"] = {"points": turn.points, "committed": turn.committed}
        if session.phase == "open" and turn.points is not None:
            seen["code"] = code_of(workshop, team.number, name, choices_of(workshop, team, name, True), turn.points)
    if session.phase == "ended":
        seen["debrief"] = token_of(session, Person("debrief", team.number))
    seen["past"] = {
        key: {
            "result": _marked(hub, team, key),
            "points": team.turns[key].points,
            "committed": team.turns[key].committed,
            "choices": choices_of(workshop, team, key, True),
        }
        for key in workshop.order
        if key in hub.results
    }
    return seen


def _facilitator_view(hub: Hub) -> dict[str, Any]:
    session, workshop = hub.session, hub.session.workshop
    name = session.round_name
    can = [] if name is None or session.phase != "open" else [
        {"name": key, "title": item.title.model_dump(), "text": item.text.model_dump()}
        for key, item in workshop.news.items()
        if name in item.rounds and key not in {done for _, done in session.news}
    ]  # fmt: skip
    plans = {
        str(team.number): {
            "choices": all_choices(workshop, team, session.round, name if session.phase == "open" else None),
            "points": team.turns[name].points if name is not None else None,
        }
        for team in session.teams
    }
    return {
        "can_happen": can,
        "plans": plans,
        "keys": {kind: token_of(session, Person(kind)) for kind in KEYS},
        "log": hub.log.path.name,
        "differing": list(hub.differing),
    }
