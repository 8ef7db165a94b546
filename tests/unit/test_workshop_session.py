"""The rules of a session: what may happen when, what it costs, and that state is a pure function of the log."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from workshop_play import SKETCH, played, runner, shipped_model, started, state, turn, workshop

from transition_sim.errors import ScenarioError
from transition_sim.workshop import events
from transition_sim.workshop.events import Event, event_of
from transition_sim.workshop.plans import plan_of_team
from transition_sim.workshop.session import RefusedError, Session, all_choices, apply, begin, fold, spent

FIRST, SECOND = "mission_start", "aid_dip"
CLOSED = events.Closed(round=FIRST, results="0" * 64)


def opened(teams: int = 2) -> Session:
    return fold([started(teams=teams), events.Opened(round=FIRST)])


def refused(session: Session, event: Event) -> str:
    with pytest.raises(RefusedError) as caught:
        apply(session, event)
    return caught.value.key


def test_a_team_that_has_not_drawn_a_sketch_cannot_commit() -> None:
    given = {"team": 1, "round": FIRST}
    session = opened()
    assert refused(session, events.Committed(**given)) == "no_sketch"
    session = apply(session, events.Sketched(**given, points=SKETCH))
    session = apply(session, events.Committed(**given))
    assert session.team(1).turns[FIRST].committed
    assert not session.team(2).turns[FIRST].committed


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (events.Opened(round=FIRST), "cannot_open"),
        (events.Opened(round=SECOND), "cannot_open"),
        (events.Decided(team=3, round=FIRST, choices={}), "no_such_team"),
        (events.Decided(team=1, round=SECOND, choices={}), "round_not_open"),
        (events.Decided(team=1, round=FIRST, choices={"pace": 1}), "no_such_lever"),
        (events.Decided(team=1, round=FIRST, choices={"peak": 6}), "no_such_choice"),
        (events.Sketched(team=1, round=FIRST, points=(2, 4, 6)), "bad_sketch"),
        (events.Sketched(team=1, round=FIRST, points=(2, 4, 6, 7)), "bad_sketch"),
        (events.Sketched(team=1, round=FIRST, points=(2, 4, 6, 62)), "bad_sketch"),
        (events.Sketched(team=1, round=FIRST, points=(4, 2, 6, 8)), "sketch_falls"),
        (events.Withdrawn(team=1, round=FIRST), "not_committed"),
        (events.Happened(round=FIRST, news="deeper_cut"), "no_such_news"),
        (events.Happened(round=FIRST, news="nothing"), "no_such_news"),
        (events.Closed(round=SECOND, results="0" * 64), "round_not_open"),
        (events.Ended(), "cannot_end"),
        (started(), "started_twice"),
        (events.Replaced(team=9 - 1), "no_such_team"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_changes_nothing(event: Event, key: str) -> None:
    session = opened()
    before = asdict(session)
    assert refused(session, event) == key
    assert asdict(session) == before


def test_the_first_event_must_start_and_a_log_must_hold_one() -> None:
    with pytest.raises(RefusedError, match="not started"):
        begin(events.Ended())
    with pytest.raises(RefusedError, match="empty log"):
        fold([])


def test_a_role_cannot_spend_more_than_it_has_and_defaults_of_later_rounds_are_set_aside() -> None:
    shape = workshop()
    session = opened()
    planned = spent(shape, all_choices(shape, session.team(1), 0))
    assert planned["government"] == 4  # assessment 1, strategy 2, meetings 1
    session = apply(session, events.Decided(team=1, round=FIRST, choices={"election": 4}))  # three points more
    session = apply(session, events.Sketched(team=1, round=FIRST, points=SKETCH))
    with pytest.raises(RefusedError) as caught:
        apply(session, events.Committed(team=1, round=FIRST))
    assert caught.value.values == {"role": "government", "spent": 7, "size": 6}
    session = apply(session, events.Decided(team=1, round=FIRST, choices={"election": 3}))
    assert apply(session, events.Committed(team=1, round=FIRST)).team(1).turns[FIRST].committed


def test_the_programme_can_be_paid_for_once() -> None:
    log = [started(), events.Opened(round=FIRST), *turn(1, FIRST, {"programme_start": 1}), CLOSED]
    session = fold([*log, events.Opened(round=SECOND)])
    session = apply(session, events.Decided(team=1, round=SECOND, choices={"programme_aid_dip": 1}))
    session = apply(session, events.Sketched(team=1, round=SECOND, points=SKETCH))
    assert refused(session, events.Committed(team=1, round=SECOND)) == "only_once"


def test_a_committed_round_is_changed_only_after_it_is_taken_back() -> None:
    session = fold([started(), events.Opened(round=FIRST), *turn(1, FIRST)])
    given = {"team": 1, "round": FIRST}
    assert refused(session, events.Decided(**given, choices={"peak": 1})) == "already_committed"
    assert refused(session, events.Committed(**given)) == "already_committed"
    session = apply(session, events.Withdrawn(**given))
    session = apply(session, events.Decided(**given, choices={"peak": 1}))
    assert session.team(1).turns[FIRST].choices["peak"] == 1


def test_what_is_not_committed_does_not_count() -> None:
    log: list[Event] = [started(), events.Opened(round=FIRST)]
    log += turn(1, FIRST, {"peak": 5})[:2] + turn(2, FIRST, {"peak": 5}) + [CLOSED]
    session = fold(log)
    constants = [plan_of_team(session, team, shipped_model()).constants["peak peacekeepers"] for team in (1, 2)]
    assert constants == [12000, 16000]


def test_undoing_walks_back_one_opening_or_closing() -> None:
    log: list[Event] = [started(), events.Opened(round=FIRST), *turn(1, FIRST, {"peak": 1}), CLOSED]
    log += [events.Opened(round=SECOND), *turn(1, SECOND, {"cut": 1}), events.Happened(round=SECOND, news="deeper_cut")]
    session = fold(log)
    back = apply(session, events.Undone())
    assert (back.phase, back.round_name, back.news) == ("shown", FIRST, ())
    assert back.team(1).turns[SECOND].choices == {}
    assert back.team(1).turns[FIRST].choices == {"peak": 1}
    further = apply(back, events.Undone())
    assert (further.phase, further.round_name, dict(further.results)) == ("open", FIRST, {})
    assert further.team(1).turns[FIRST].committed
    lobby = apply(further, events.Undone())
    assert (lobby.phase, lobby.round_name) == ("lobby", None)
    assert refused(lobby, events.Undone()) == "nothing_to_undo"


def test_a_whole_session_ends_and_its_end_can_be_undone() -> None:
    session = state(played({1: {"peak": 5}, 2: {"cut": 1}}))
    assert session.phase == "ended"
    assert len(session.results) == 4
    assert refused(session, events.Opened(round=FIRST)) == "cannot_open"
    assert apply(session, events.Undone()).phase == "shown"


def test_state_is_the_same_however_the_log_is_split() -> None:
    log = played({1: {"peak": 5}, 2: {"cut": 1}})
    whole = fold(log)
    for cut in (1, 5, len(log) - 1):
        session = fold(log[:cut])
        for event in log[cut:]:
            session = apply(session, event)
        assert asdict(session) == asdict(whole)


def test_no_sequence_of_events_breaks_the_state() -> None:
    rng = random.Random(5)  # noqa: S311 - no secret
    shape = workshop()
    makers: list[Callable[[str, int], Event]] = [
        lambda name, team: events.Opened(round=name),
        lambda name, team: events.Decided(team=team, round=name, choices=_some(rng, name)),
        lambda name, team: events.Sketched(team=team, round=name, points=SKETCH),
        lambda name, team: events.Committed(team=team, round=name),
        lambda name, team: events.Withdrawn(team=team, round=name),
        lambda name, team: events.Coded(team=team, round=name, choices=_some(rng, name), points=SKETCH),
        lambda name, team: events.Happened(round=name, news=rng.choice(list(shape.news))),
        lambda name, team: events.Closed(round=name, results="0" * 64),
        lambda name, team: events.Undone(),
        lambda name, team: events.Replaced(team=team),
        lambda name, team: events.Timed(ends=1.0),
        lambda name, team: events.Ended(),
    ]
    session, taken = begin(started()), 0
    for _ in range(3000):
        name = session.round_name if session.round_name and rng.random() < 0.7 else rng.choice(shape.order)
        try:
            session = apply(session, rng.choice(makers)(name, rng.randint(1, 2)))
            taken += 1
        except RefusedError:
            continue
        assert (session.phase == "lobby") == (session.round == -1)
        assert session.round < 4
        assert session.count == taken + 1
        for team in session.teams:
            chosen = all_choices(shape, team, session.round)
            assert all(cost <= shape.roles[role].purse.size for role, cost in spent(shape, chosen).items())
            for turn_ in team.turns.values():
                assert not turn_.committed or turn_.points is not None
    assert taken > 500


def _some(rng: random.Random, name: str) -> dict[str, int]:
    levers = workshop().levers_of(name)
    chosen = rng.choice(list(levers))
    return {chosen: rng.randrange(len(levers[chosen].choices))}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"type": "opened"},
        {"type": "fly", "round": FIRST},
        {"type": "opened", "round": "<script>"},
        {"type": "decided", "team": 0, "round": FIRST, "choices": {}},
        {"type": "decided", "team": 1, "round": FIRST, "choices": {"peak": -1}},
        {"type": "decided", "team": 1, "round": FIRST, "choices": {"peak": 1.5}},
        {"type": "sketched", "team": 1, "round": FIRST, "points": [float("nan")] * 4},
        {"type": "timed", "ends": float("inf")},
        {"type": "ended", "extra": 1},
    ],
)
def test_data_that_is_no_event_is_refused_in_words(data: Any) -> None:
    with pytest.raises(ScenarioError, match="is no event of a session"):
        event_of(data)


def test_results_of_teams_that_do_the_same_are_the_same_and_closed_rounds_keep_theirs() -> None:
    from transition_sim.workshop.runs import round_results

    session = state(played({1: {"peak": 5}, 2: {"peak": 5}}))
    last = round_results(runner(), session, 3)
    assert last["1"] == last["2"]
    assert last["1"]["outcomes"]["risk"]["change"]["p90"] < 0 < last["1"]["outcomes"]["cost"]["change"]["p10"]
