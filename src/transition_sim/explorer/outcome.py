"""One setting over plausible worlds: what the explorer shows of it, and what changes between two settings.

Shapes: bands `(3, time)`: 10th percentile, median and 90th over worlds; risk `(year, run)`, one run a world.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import simulate
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.model.equations import Model
from transition_sim.study.outcomes import HORIZONS, quantiles
from transition_sim.study.ranges import LEVELS
from transition_sim.study.scenario import Scenario
from transition_sim.study.sweeps.outcomes import wrong_runs
from transition_sim.study.worlds import Worlds

Floats = NDArray[np.float64]
DRIVER = "hazard from "
RISK = "relapse risk"
SAVE_EVERY = 3.0
"""Months between the points of a band; the horizons fall on them."""
WATCHED = ("relapse hazard", "peacekeepers deployed", "security", "state capacity", "aid gap")
NEEDED = (risk.CUMULATIVE, "cumulative PBC effort", "cumulative mission cost", "cumulative aid disbursed")


@dataclass(frozen=True, eq=False)
class Study:
    """What all settings of one explorer share: the model, the profile, the worlds, and which variables are kept."""

    model: Model
    context: Scenario
    worlds: Worlds

    @cached_property
    def drivers(self) -> tuple[str, ...]:
        """The variables that say what each driver adds to the log hazard."""
        return tuple(name for name in self.model.names() if name.startswith(DRIVER))

    @cached_property
    def differing(self) -> frozenset[str]:
        """The constants in which worlds differ: those sampled, less what the profile sets."""
        return frozenset(self.worlds.besides(self._given(self.context)))

    def _given(self, scenario: Scenario) -> set[str]:
        return {self.model.find(n).name for n in (*scenario.settings, *scenario.series) if n in self.model}

    def run(self, scenario: Scenario) -> Outcome:
        """Return what a setting gives; ScenarioError where it leaves limits or its effort does not fit its windows.

        What the scenario sets is not taken from the worlds.
        """
        result = simulate(
            self.model, scenario, constants=self.worlds.besides(self._given(scenario)), method="rk4", time_step=0.5,
            events="exact", save_every=SAVE_EVERY, outputs=[*NEEDED, *WATCHED, *self.drivers],
        )  # fmt: skip
        wrong = wrong_runs(result, self.model)
        if wrong:
            world, reason = next(iter(wrong.items()))
            count = f" (in {len(wrong):,} of {result.runs:,} worlds)" if len(wrong) < result.runs else ""
            kind = SimulationError if world in result.failed else ScenarioError
            raise kind(f"{reason}{count}")
        return Outcome(scenario, result, self.drivers)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one setting gives over the worlds: trajectories, and the risk that follows from them."""

    scenario: Scenario
    result: Result
    drivers: tuple[str, ...]

    @cached_property
    def probability(self) -> Floats:
        """The probability of relapse by 5, 10, 15 and 20 years from the mandate `(year, run)`, over frailty."""
        at = np.array([risk.time_index(self.result, 12.0 * year) for year in HORIZONS])
        return risk.probability(self.result, at)

    @cached_property
    def effort(self) -> Floats:
        """Effort-months spent by the same years, mean over worlds `(year,)`."""
        at = [risk.time_index(self.result, 12.0 * year) for year in HORIZONS]
        return np.asarray(self.result["cumulative PBC effort"][at].mean(axis=1))

    @cached_property
    def cost(self) -> Floats:
        """Mission and disbursed aid by year 20, MUSD `(run,)`."""
        return np.asarray((self.result["cumulative mission cost"] + self.result["cumulative aid disbursed"])[-1])

    @cached_property
    def bands(self) -> dict[str, Floats]:
        """Bands over time by variable: the risk since the mandate, what is watched, and each driver's log share."""
        names = [*WATCHED, *self.drivers]
        stacked = np.stack([self.result[name] for name in names])
        bands = dict(zip(names, np.moveaxis(_levels(stacked), 0, 1), strict=True))
        return {RISK: _levels(risk.probability(self.result)), **bands}

    def unit(self, name: str) -> str:
        """Return the unit of a band."""
        return "Dmnl" if name == RISK else self.result.units[name]


def change(outcome: Outcome, other: Outcome) -> list[dict[str, float]]:
    """Return the change of the risk by year against another setting, taken inside each world."""
    return [quantiles(row) for row in outcome.probability - other.probability]


def _levels(values: Floats) -> Floats:
    """Return 10th percentile, median and 90th over the last axis, first axis of the answer.

    The same as `np.quantile` to rounding, by sorting whole rows, which NumPy does several times faster.
    """
    ordered = np.sort(values, axis=-1)
    at = np.array(LEVELS) * (values.shape[-1] - 1)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, values.shape[-1] - 1)
    between = ordered[..., below] + (ordered[..., above] - ordered[..., below]) * (at - below)
    return np.asarray(np.moveaxis(between, -1, 0))
