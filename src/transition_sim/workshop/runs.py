"""Plans run over calibrated worlds: risk by year, outcomes, and what a plan changes, world by world.

Shapes: values `(run,)` over worlds; bands `(3, time)`: 10th percentile, median and 90th.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.resolve import resolve
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import simulate
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model
from transition_sim.model.printing import content_hash
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.outcomes import quantiles
from transition_sim.study.worlds import Worlds
from transition_sim.workshop.form import Outcome, Workshop
from transition_sim.workshop.plans import Plan, news_until, plan_of, plan_of_team
from transition_sim.workshop.session import Session

Floats = NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)
EVERY = 6.0
END_YEARS = 20
DIGITS = 6
KEPT = 256


@dataclass(frozen=True, eq=False)
class Computed:
    """What a plan gives in each world: risk at the sketched years `(year, run)`, outcomes, bands over time."""

    risk: Floats
    outcomes: Mapping[str, Floats]
    time: Floats
    bands: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Runner:
    """A model, its worlds and a workshop; results are kept by plan, and computed once whoever asks."""

    model: Model
    worlds: Worlds
    workshop: Workshop
    _kept: dict[str, Computed] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def computed(self, plan: Plan) -> Computed:
        """Return what a plan gives; safe to call from several threads."""
        with self._lock:
            if plan.key not in self._kept:
                while len(self._kept) >= KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[plan.key] = self._run(plan)
            return self._kept[plan.key]

    def _run(self, plan: Plan) -> Computed:
        result = run_plan(self.model, self.worlds, plan, _outputs(self.workshop), EVERY)
        at = np.array([risk.time_index(result, 12.0 * year) for year in self.workshop.sketch.years])
        chance = risk.probability(result)
        bands = {"risk": np.quantile(chance, LEVELS, axis=1)}
        bands |= {name: np.quantile(result[name], LEVELS, axis=1) for name in self.workshop.watch}
        values = {name: _value(outcome, result, chance) for name, outcome in self.workshop.outcomes.items()}
        return Computed(chance[at], values, result.time, bands)


def runner_of(workshop: Workshop, model: Model, worlds: int, seed: int, ensemble: str) -> Runner:
    """Return what runs the plans of a workshop over worlds of an ensemble."""
    return Runner(model, draw_worlds(model, ensemble, worlds, seed), workshop)


def model_mark(model: Model) -> str:
    """Return what tells whether a log was played with the same equations and numbers."""
    return content_hash(model)


def run_plan(model: Model, worlds: Worlds | None, plan: Plan, outputs: Sequence[str], every: float) -> Result:
    """Return the trajectories of a plan in each world, or with the model's own constants where there are no worlds."""
    shaped = _with_series(model, tuple((name, tuple(sorted(points.items()))) for name, points in plan.series.items()))
    constants = {name: value for name, value in plan.constants.items() if name not in plan.series}
    given: dict[str, Any] = {**constants} if worlds is None else {**worlds.besides({*plan.constants, *plan.series})}
    result = simulate(
        shaped, constants={**given, **constants}, outputs=outputs, save_every=every, method="rk4", time_step=0.5
    )
    if result.failed:
        raise ScenarioError(f"{len(result.failed)} of {result.runs} worlds broke down under this plan")
    return result


@lru_cache(maxsize=16)
def _with_series(model: Model, series: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]) -> Model:
    """Return a model in which constants follow series; the same one each time, so that it is compiled once."""
    if not series:
        return model
    return resolve(model, {}, None, {name: dict(points) for name, points in series}).model


def _outputs(workshop: Workshop) -> list[str]:
    summed = [name for outcome in workshop.outcomes.values() for name in outcome.of]
    return list(dict.fromkeys([risk.CUMULATIVE, *workshop.watch, *summed]))


def _value(outcome: Outcome, result: Result, chance: Floats) -> Floats:
    at = risk.time_index(result, 12.0 * END_YEARS)
    if outcome.kind == "risk":
        return np.asarray(chance[at] * outcome.scale)
    return np.asarray(sum(result[name][at] for name in outcome.of) * outcome.scale)


def team_results(runner: Runner, session: Session, number: int, last: int) -> dict[str, Any]:
    """Return what a team's plan up to a round gives, beside the country where nothing is changed, as plain data."""
    plan = plan_of_team(session, number, runner.model, last)
    unchanged = plan_of(session.workshop, runner.model, None, news_until(session, last))
    return compared(runner.computed(plan), runner.computed(unchanged), session.workshop)


def compared(found: Computed, base: Computed, workshop: Workshop) -> dict[str, Any]:
    """Return outcomes with their ranges, the change against another plan paired by world, and bands over time."""
    return {
        "risk": [_range(row * 100) for row in found.risk],
        "outcomes": {
            name: {**_range(found.outcomes[name]), "change": _range(found.outcomes[name] - base.outcomes[name])}
            for name in workshop.outcomes
        },
        "time": found.time.tolist(),
        "bands": {name: [[_short(v) for v in row] for row in band.tolist()] for name, band in found.bands.items()},
        "base_risk": [_short(v) for v in base.bands["risk"][1].tolist()],
    }


def round_results(runner: Runner, session: Session, last: int) -> dict[str, Any]:
    """Return the results of all teams after a round, by team number."""
    return {str(team.number): team_results(runner, session, team.number, last) for team in session.teams}


def team_values(runner: Runner, session: Session, last: int) -> dict[str, Mapping[str, Floats]]:
    """Return each team's outcomes after a round in every world, `(world,)`, by team number: the same worlds for all."""
    plans = {str(team.number): plan_of_team(session, team.number, runner.model, last) for team in session.teams}
    return {number: runner.computed(plan).outcomes for number, plan in plans.items()}


def recomputed(runner: Runner, session: Session) -> dict[str, dict[str, Any]]:
    """Return the results of every closed round, computed anew, by round."""
    order = session.workshop.order
    return {name: round_results(runner, session, i) for i, name in enumerate(order) if name in session.results}


def unchanged_results(runner: Runner) -> dict[str, Any]:
    """Return what the country gives where nothing is changed and nothing happens: what there is before round 1."""
    computed = runner.computed(plan_of(runner.workshop, runner.model))
    return compared(computed, computed, runner.workshop)


def checksum(results: Mapping[str, Any]) -> str:
    """Return a checksum of results, by which a replay tells whether it gives the same."""
    return hashlib.sha256(json.dumps(results, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _range(values: Floats) -> dict[str, float]:
    return {name: _short(value) for name, value in quantiles(values).items()}


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
