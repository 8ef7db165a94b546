"""A session as a fold over its events: state is a pure function of the log, and every rule is checked here.

Rounds run one after another; in each, every team runs its own country with all roles inside. A team must draw the risk
that it expects before it commits. What a team has not committed does not count: its country drifts as planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from transition_sim.errors import ScenarioError
from transition_sim.workshop import events
from transition_sim.workshop.events import Event, Started
from transition_sim.workshop.form import Workshop

Phase = Literal["lobby", "open", "shown", "ended"]


class RefusedError(ScenarioError):
    """An event breaks a rule: `key` and `values` name the message in the catalogue of words."""

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values = values
        told = ", ".join(f"{name} {value}" for name, value in values.items())
        super().__init__(f"refused: {key.replace('_', ' ')}" + (f" ({told})" if told else ""))


@dataclass(frozen=True)
class Turn:
    """What a team has put down for one round: changed choices, the sketch, and whether both are committed."""

    choices: Mapping[str, int] = field(default_factory=dict)
    points: tuple[int, ...] | None = None
    committed: bool = False


@dataclass(frozen=True)
class Team:
    """A team: its number, how often its seats were given away, and its turns by round."""

    number: int
    generation: int
    turns: Mapping[str, Turn]


@dataclass(frozen=True)
class Session:
    """The state of a session after some events. `round` counts from 0; -1 before the first."""

    setup: Started
    phase: Phase
    round: int
    teams: tuple[Team, ...]
    news: tuple[tuple[str, str], ...] = ()
    ends: float | None = None
    results: Mapping[str, str] = field(default_factory=dict)
    count: int = 1

    @property
    def workshop(self) -> Workshop:
        """The workshop that is played."""
        return self.setup.workshop

    @property
    def round_name(self) -> str | None:
        """The name of the current round; None in the lobby."""
        return self.workshop.order[self.round] if self.round >= 0 else None

    def team(self, number: int) -> Team:
        """Return a team by its number; RefusedError where there is none."""
        if not 1 <= number <= len(self.teams):
            raise RefusedError("no_such_team", team=number, teams=len(self.teams))
        return self.teams[number - 1]


def begin(event: Event) -> Session:
    """Return the state after the first event, which must start a session."""
    if not isinstance(event, Started):
        raise RefusedError("not_started", type=event.type)
    empty = {name: Turn() for name in event.workshop.order}
    return Session(event, "lobby", -1, tuple(Team(i + 1, 0, empty) for i in range(event.teams)))


def apply(session: Session, event: Event) -> Session:
    """Return the state after one more event; RefusedError, and nothing changed, where a rule forbids it."""
    done: Session = _RULES[type(event)](session, event)
    return replace(done, count=session.count + 1)


def fold(log: Iterable[Event]) -> Session:
    """Return the state after all events of a log; RefusedError at the first that cannot be."""
    state: Session | None = None
    for event in log:
        state = begin(event) if state is None else apply(state, event)
    if state is None:
        raise RefusedError("empty_log")
    return state


def choices_of(workshop: Workshop, team: Team, round_name: str, drafts: bool = False) -> dict[str, int]:
    """Return a team's choices of a round: what is committed (or put down, with `drafts`), else the defaults."""
    turn = team.turns[round_name]
    return workshop.defaults(round_name) | (dict(turn.choices) if turn.committed or drafts else {})


def all_choices(workshop: Workshop, team: Team, last: int, draft: str | None = None) -> dict[str, int]:
    """Return a team's choices of all rounds: committed up to `last`, put down in `draft`, else default."""
    found: dict[str, int] = {}
    for i, name in enumerate(workshop.order):
        found |= choices_of(workshop, team, name, name == draft) if i <= last else workshop.defaults(name)
    return found


def committed_points(team: Team, round_name: str) -> list[int] | None:
    """Return the sketch that a team has committed in a round; None where it has not."""
    turn = team.turns[round_name]
    return list(turn.points) if turn.points is not None and turn.committed else None


def spent(workshop: Workshop, choices: Mapping[str, int]) -> dict[str, int]:
    """Return what choices cost each role; the defaults of later rounds count, for they are set aside."""
    total = dict.fromkeys(workshop.roles, 0)
    for name, choice in choices.items():
        lever = workshop.levers[name]
        total[lever.role] += lever.choices[choice].price
    return total


def check_choices(workshop: Workshop, choices: Mapping[str, int]) -> None:
    """Raise RefusedError where choices cost more than a role has, or do twice what can be done once."""
    for role, cost in spent(workshop, choices).items():
        size = workshop.roles[role].purse.size
        if cost > size:
            raise RefusedError("over_budget", role=role, spent=cost, size=size)
    used: dict[str, str] = {}
    for name, choice in choices.items():
        lever = workshop.levers[name]
        if lever.once is not None and choice != lever.default:
            if lever.once in used:
                raise RefusedError("only_once", lever=name, other=used[lever.once])
            used[lever.once] = name


def replaced_by(session: Session, event: events.Coded) -> Turn | None:
    """Return what a team has put down and a code or sheet would replace by something else; None where nothing is."""
    workshop, turn = session.workshop, session.team(event.team).turns[event.round]
    if not workshop.moved(turn.choices) and turn.points is None:
        return None
    same = workshop.moved(turn.choices) == workshop.moved(event.choices) and turn.points in (None, event.points)
    return None if same else turn


def _known_choices(workshop: Workshop, round_name: str, choices: Mapping[str, int]) -> None:
    allowed = workshop.levers_of(round_name)
    for name, choice in choices.items():
        if name not in allowed:
            raise RefusedError("no_such_lever", lever=name)
        if choice >= len(allowed[name].choices):
            raise RefusedError("no_such_choice", lever=name, choice=choice)


def _known_points(workshop: Workshop, points: tuple[int, ...]) -> None:
    sketch = workshop.sketch
    if len(points) != len(sketch.years) or any(p % sketch.step or p > sketch.most for p in points):
        raise RefusedError("bad_sketch", step=sketch.step, most=sketch.most)
    if list(points) != sorted(points):
        raise RefusedError("sketch_falls")


def _open_round(session: Session, round_name: str) -> None:
    if session.phase != "open" or session.round_name != round_name:
        now = session.round_name if session.phase == "open" else ""
        raise RefusedError("round_not_open", round=round_name, open=now)


def _put(session: Session, number: int, round_name: str, turn: Turn) -> Session:
    team = session.team(number)
    changed = replace(team, turns={**team.turns, round_name: turn})
    return replace(session, teams=tuple(changed if t.number == number else t for t in session.teams))


def _free_turn(session: Session, number: int, round_name: str) -> Turn:
    """Return a team's turn of the open round, which must not be committed yet."""
    _open_round(session, round_name)
    turn = session.team(number).turns[round_name]
    if turn.committed:
        raise RefusedError("already_committed", team=number)
    return turn


def _opened(session: Session, event: events.Opened) -> Session:
    following = session.round + 1
    if session.phase not in ("lobby", "shown") or following >= len(session.workshop.order):
        raise RefusedError("cannot_open", round=event.round)
    if event.round != session.workshop.order[following]:
        raise RefusedError("not_the_next_round", round=event.round, next=session.workshop.order[following])
    return replace(session, phase="open", round=following, ends=None)


def _decided(session: Session, event: events.Decided) -> Session:
    turn = _free_turn(session, event.team, event.round)
    _known_choices(session.workshop, event.round, event.choices)
    return _put(session, event.team, event.round, replace(turn, choices={**turn.choices, **event.choices}))


def _sketched(session: Session, event: events.Sketched) -> Session:
    turn = _free_turn(session, event.team, event.round)
    _known_points(session.workshop, event.points)
    return _put(session, event.team, event.round, replace(turn, points=event.points))


def _committed(session: Session, event: events.Committed) -> Session:
    turn = _free_turn(session, event.team, event.round)
    if turn.points is None:
        raise RefusedError("no_sketch", team=event.team)
    check_choices(
        session.workshop, all_choices(session.workshop, session.team(event.team), session.round, draft=event.round)
    )
    return _put(session, event.team, event.round, replace(turn, committed=True))


def _withdrawn(session: Session, event: events.Withdrawn) -> Session:
    _open_round(session, event.round)
    turn = session.team(event.team).turns[event.round]
    if not turn.committed:
        raise RefusedError("not_committed", team=event.team)
    return _put(session, event.team, event.round, replace(turn, committed=False))


def _coded(session: Session, event: events.Coded) -> Session:
    _open_round(session, event.round)
    _known_choices(session.workshop, event.round, event.choices)
    _known_points(session.workshop, event.points)
    done = _put(session, event.team, event.round, Turn(event.choices, event.points, True))
    check_choices(session.workshop, all_choices(session.workshop, done.team(event.team), session.round))
    return done


def _happened(session: Session, event: events.Happened) -> Session:
    _open_round(session, event.round)
    news = session.workshop.news.get(event.news)
    if news is None or event.round not in news.rounds:
        raise RefusedError("no_such_news", news=event.news, round=event.round)
    if event.news in {name for _, name in session.news}:
        raise RefusedError("news_twice", news=event.news)
    return replace(session, news=(*session.news, (event.round, event.news)))


def _timed(session: Session, event: events.Timed) -> Session:
    return replace(session, ends=event.ends)


def _closed(session: Session, event: events.Closed) -> Session:
    _open_round(session, event.round)
    return replace(session, phase="shown", ends=None, results={**session.results, event.round: event.results})


def _undone(session: Session, event: events.Undone) -> Session:
    name = session.round_name
    if name is None:
        raise RefusedError("nothing_to_undo")
    if session.phase == "ended":
        return replace(session, phase="shown")
    if session.phase == "shown":
        results = {key: value for key, value in session.results.items() if key != name}
        return replace(session, phase="open", results=results)
    teams = tuple(replace(team, turns={**team.turns, name: Turn()}) for team in session.teams)
    news = tuple(item for item in session.news if item[0] != name)
    return replace(
        session, phase="lobby" if session.round == 0 else "shown", round=session.round - 1, teams=teams, news=news,
        ends=None,
    )  # fmt: skip


def _replaced(session: Session, event: events.Replaced) -> Session:
    team = session.team(event.team)
    changed = replace(team, generation=team.generation + 1)
    return replace(session, teams=tuple(changed if t.number == team.number else t for t in session.teams))


def _ended(session: Session, event: events.Ended) -> Session:
    if session.phase != "shown":
        raise RefusedError("cannot_end")
    return replace(session, phase="ended", ends=None)


def _started(session: Session, event: Started) -> Session:
    raise RefusedError("started_twice")


_RULES: dict[type[Any], Any] = {
    Started: _started, events.Opened: _opened, events.Decided: _decided, events.Sketched: _sketched,
    events.Committed: _committed, events.Withdrawn: _withdrawn, events.Coded: _coded, events.Happened: _happened,
    events.Timed: _timed, events.Closed: _closed, events.Undone: _undone, events.Replaced: _replaced,
    events.Ended: _ended,
}  # fmt: skip
