"""Who is called best: only who is truly better, world by world and by more than a trifle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from workshop_play import played, runner, state, workshop

from transition_sim.workshop.plans import plan_of_team
from transition_sim.workshop.runs import compared, team_values
from transition_sim.workshop.scoring import ALIKE, standing, truly_better

Floats = NDArray[np.float64]
WORLDS = np.linspace(11.0, 18.0, 101)
WIDE = 0.8 * 7.0


def values(**shift: Any) -> dict[str, Floats]:
    """Return outcomes over worlds, some of them shifted."""
    return {name: WORLDS + shift.get(name, 0.0) for name in workshop().outcomes}


def test_truly_better_is_by_nine_of_ten_worlds_and_by_more_than_a_fiftieth_of_the_range() -> None:
    assert truly_better(WORLDS - 1.01 * ALIKE * WIDE, WORLDS, "low")
    assert not truly_better(WORLDS - 0.99 * ALIKE * WIDE, WORLDS, "low"), "in each world, and by next to nothing"
    assert not truly_better(WORLDS - 1.0, WORLDS, "high")
    few = np.where(np.arange(101) < 13, 1.0, -1.0)
    assert not truly_better(WORLDS + few, WORLDS, "low"), "clearly, but not in nine of ten worlds"
    assert truly_better(WORLDS + np.where(np.arange(101) < 9, 1.0, -1.0), WORLDS, "low")
    assert not truly_better(WORLDS, WORLDS, "low")


def test_a_middle_that_is_lower_is_no_win_where_worlds_disagree() -> None:
    other = np.random.default_rng(1).permutation(WORLDS) + 0.2
    assert np.median(other) - np.median(WORLDS) > ALIKE * WIDE, "what the middles alone would have called best"
    found = standing(workshop(), {"1": values(), "2": {**values(), "risk": other}})
    assert found["best"]["risk"] == []
    assert found["level"]["risk"] == {}
    assert found["same"] == [["1", "2"]]


def test_best_as_good_as_and_neither() -> None:
    given = {"1": values(risk=-3), "2": values(risk=-3.05), "3": values(), "4": values(risk=1, cost=-2)}
    found = standing(workshop(), given)
    assert found["best"]["risk"] == []
    assert found["level"]["risk"] == {"1": ["2"], "2": ["1"]}
    assert found["best"]["cost"] == ["4"]
    assert found["level"]["cost"] == {}
    assert found["best"]["gap"] == []
    assert found["dominates"] == [("1", "3"), ("2", "3")]
    assert found["trade"] == ["1", "2", "4"], "who is dominated is no choice"
    assert found["same"] == [["1", "2"]]
    assert found["ahead"] is None


def test_a_team_that_is_ahead_is_better_than_each_and_worse_in_nothing() -> None:
    found = standing(workshop(), {"1": values(), "2": values(risk=-1, ownership=1), "3": values(cost=1)})
    assert found["ahead"] == "2"
    assert found["best"]["risk"] == ["2"]
    assert found["best"]["ownership"] == ["2"]
    assert found["level"]["cost"] == {"1": ["2"], "2": ["1"]}
    assert found["trade"] == []


def test_teams_that_do_the_same_are_as_good_as_each_other_and_no_choice_is_claimed() -> None:
    found = standing(workshop(), {str(team): values() for team in range(1, 9)})
    assert found["same"] == [[str(team) for team in range(1, 9)]]
    assert found["trade"] == found["dominates"] == []
    assert not any(found["best"].values())
    assert not any(found["level"].values())


def test_values_of_teams_are_over_the_same_worlds_as_their_results() -> None:
    session = state(played({1: {"peak": 5}}))
    found = team_values(runner(), session, 3)
    plans = [plan_of_team(session, number, runner().model, 3) for number in (1, 2)]
    told = compared(*(runner().computed(plan) for plan in plans), workshop())["outcomes"]["risk"]["change"]
    assert np.isclose(np.median(found["1"]["risk"] - found["2"]["risk"]), told["median"], rtol=1e-4)
    assert standing(workshop(), found)["best"]["risk"] == ["1"]
