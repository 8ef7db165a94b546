"""The debrief of a session as data: teams side by side, sketch against result, one decision changed, turning points.

The split of the hazard by driver is the model's accounting, not causal attribution. Loops are those of the model's own
reference run: searching them anew for each team would take longer than a debrief may.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.result import Result
from transition_sim.errors import ModelError
from transition_sim.model.equations import Model
from transition_sim.model.insight import Loops, feedback_loops
from transition_sim.study.drivers import change_by_driver
from transition_sim.workshop.plans import Plan, holds_assumed, news_until, plan_of
from transition_sim.workshop.runs import END_YEARS, Runner, compared, run_plan, team_results, team_values
from transition_sim.workshop.scoring import standing
from transition_sim.workshop.session import Session, Team, all_choices, committed_points

Floats = NDArray[np.float64]
SMALLEST_TURN = 0.1
"""A turn counts where the hazard then moves by this share of its own height."""
STRONGEST_DRIVERS = 2


def debrief(runner: Runner, session: Session) -> dict[str, Any]:
    """Return the whole debrief as plain data, by what was committed in the rounds that are closed: one at least."""
    closed = [i for i, name in enumerate(session.workshop.order) if name in session.results]
    loops = _loops(runner.model)
    teams = {str(team.number): _team(runner, session, team, closed, loops) for team in session.teams}
    return {
        "rounds": [session.workshop.order[i] for i in closed],
        "worlds": runner.worlds.runs,
        "ensemble": runner.worlds.ensemble,
        "news": [list(item) for item in news_until(session, closed[-1])],
        "standing": standing(session.workshop, team_values(runner, session, closed[-1])),
        "teams": teams,
    }


def _team(runner: Runner, session: Session, team: Team, closed: list[int], loops: Loops | None) -> dict[str, Any]:
    workshop, last = session.workshop, closed[-1]
    news = news_until(session, last)
    choices = all_choices(workshop, team, last)
    plan = plan_of(workshop, runner.model, choices, news)
    reference = _reference_run(runner.model, plan)
    unchanged = plan_of(workshop, runner.model, None, news)
    results = {workshop.order[i]: team_results(runner, session, team.number, i) for i in closed}
    return {
        "results": {**results[workshop.order[last]], "assumed": holds_assumed(workshop, choices)},
        "choices": choices,
        "rounds": [
            {"round": name, "points": committed_points(team, name), "risk": found["risk"]}
            for name, found in results.items()
        ],
        "changed": [_one_changed(runner, plan, reference, choices, name, news) for name in workshop.moved(choices)],
        "better": _better(runner, plan, unchanged),
        "turns": turning_points(reference, loops),
    }


def _reference_run(model: Model, plan: Plan) -> Result:
    """Return one run with the model's own constants, in which every driver is kept."""
    drivers = [name for name in model.variables if name.startswith("hazard from ")]
    return run_plan(model, None, plan, [*drivers, "relapse hazard", risk.CUMULATIVE], 1.0)


def _one_changed(
    runner: Runner, plan: Plan, reference: Result, choices: Mapping[str, int], name: str, news: Any
) -> dict[str, Any]:
    """Return what one decision gave: the plan against the same plan with this decision left at its default."""
    workshop = runner.workshop
    other = plan_of(workshop, runner.model, {**choices, name: workshop.levers[name].default}, news)
    found = compared(runner.computed(plan), runner.computed(other), workshop)["outcomes"]
    drivers = change_by_driver(_reference_run(runner.model, other), reference, END_YEARS)
    total = sum(drivers.values())
    alike = {key: value for key, value in drivers.items() if value * total > 0}
    strongest = max(alike, key=lambda key: abs(alike[key]), default=None)
    return {
        "lever": name,
        "choice": choices[name],
        "assumed": workshop.levers[name].assumed,
        "outcomes": {key: value["change"] for key, value in found.items()},
        "driver": strongest,
    }


def _share(held: NDArray[np.bool_]) -> float:
    """Return the share of worlds in whole per cent; 0 and 100 where it is none or all of them and nowhere else."""
    return float(np.clip(np.round(100 * held.mean()), 1 if held.any() else 0, 100 if held.all() else 99))


def _better(runner: Runner, plan: Plan, unchanged: Plan) -> dict[str, float]:
    """Return in how many per cent of the worlds each outcome is better than with no change."""
    found, base = runner.computed(plan).outcomes, runner.computed(unchanged).outcomes
    return {
        name: _share((found[name] - base[name]) * (1 if outcome.better == "high" else -1) > 0)
        for name, outcome in runner.workshop.outcomes.items()
    }


def turning_points(result: Result, loops: Loops | None) -> list[dict[str, Any]]:
    """Return the stretches between turns of the hazard from the mandate on, each with the drivers behind it."""
    parts = {name: value[:, 0] for name, value in risk.hazard_decomposition(result).items()}
    hazard, time = result["relapse hazard"][:, 0], result.time
    start = risk.time_index(result, 0.0)
    ends = [start, *_turns(hazard, start), len(time) - 1]
    found = []
    for before, after in pairwise(ends):
        up = hazard[after] > hazard[before]
        moved = {name: float(value[after] - value[before]) for name, value in parts.items()}
        ranked = sorted(moved, key=lambda name: -moved[name] if up else moved[name])
        with_it = [name for name in ranked[:STRONGEST_DRIVERS] if (moved[name] > 0) == up]
        against = [name for name in ranked[::-1][:1] if (moved[name] > 0) != up and abs(moved[name]) > 0.02]
        found.append(
            {
                "from": float(time[before]), "to": float(time[after]), "up": bool(up),
                "yearly": [_yearly(hazard[before]), _yearly(hazard[after])],
                "with": with_it, "against": against, "loop": _loop(loops, time[before], time[after]),
            }
        )  # fmt: skip
    return found


def _yearly(hazard: float) -> float:
    return float(f"{-100 * np.expm1(-12 * hazard):.3g}")


def _turns(hazard: Floats, start: int) -> list[int]:
    """Return where the hazard turns and then moves by more than the smallest share: highs and lows by turns."""
    found: list[int] = []
    best, rising = start, None
    for i in range(start + 1, len(hazard)):
        step = hazard[i] / hazard[best] - 1
        if rising is None:
            if abs(step) > SMALLEST_TURN:
                rising, best = step > 0, i
        elif (step > 0) == rising:
            best = i
        elif abs(step) > SMALLEST_TURN:
            found.append(best)
            rising, best = not rising, i
    return found


@lru_cache(maxsize=4)
def _loops(model: Model) -> Loops | None:
    """Return the model's feedback loops; None where the search fails, which the debrief then says."""
    try:
        return feedback_loops(model)
    except ModelError:
        return None


def _loop(loops: Loops | None, start: float, end: float) -> dict[str, Any] | None:
    """Return the strongest loop between two moments."""
    found = loops.strongest(float(start), float(end), 1) if loops is not None else []
    if not found:
        return None
    loop, share = found[0]
    return {"stocks": list(loop.stocks), "polarity": loop.polarity, "share": float(f"{share:.3g}")}
