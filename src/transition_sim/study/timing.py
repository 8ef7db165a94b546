"""When to draw down, how fast, by which rule, and with or without effort that bridges it: risk and cost over worlds.

Shapes: risks and costs are `(rule, bridging, start, duration, world)`; all points share their worlds, so differences
between points are taken inside a world and ranges across worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.plan import default_backend
from transition_sim.engine.resolve import resolve
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import provenance_of_versions, referee, simulate
from transition_sim.errors import ScenarioError, word_faults
from transition_sim.model.equations import Model
from transition_sim.model.reader import load_model
from transition_sim.study.ensembles import SAYS, draw_worlds
from transition_sim.study.frontier import BENCHMARK, CALENDAR, Rule, best_table, frontier
from transition_sim.study.outcomes import ASSUMPTION, NOTE, quantiles
from transition_sim.study.scenario import DEFINITIONS, Scenario, in_folder, load_scenario
from transition_sim.study.sweeps.outcomes import COST, wrong_runs
from transition_sim.study.sweeps.run import BENCHMARK_TOLERANCE, TOLERANCE, check_deviation
from transition_sim.study.worlds import Worlds
from transition_sim.units import to_unit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
RULES = (CALENDAR, BENCHMARK)
NONE, UNBRIDGED, BRIDGED = "none", "without bridge", "with bridge"
BRIDGING = (NONE, UNBRIDGED, BRIDGED)
"""No effort; effort around the draw-down, the channel that bridges the exit switched off; that effort as it is."""
BRIDGE_CHANNEL = "PBC bridge channel weight"
STARTS = (24.0, 36.0, 48.0, 60.0, 72.0, 84.0, 96.0)
DURATIONS = (12.0, 24.0, 36.0, 48.0)
VALUES = (2_000.0, 5_000.0, 10_000.0, 20_000.0, 30_000.0, 60_000.0, 100_000.0, 200_000.0)
"""What avoiding a relapse may be worth, MUSD: an assumption over two orders of magnitude."""
REFEREED = 3
RUNS, SEED, YEARS = 200, 7, 20


@dataclass(frozen=True, eq=False)
class Timing:
    """Risk and cost of draw-downs in one context over the worlds of one ensemble, the frontier, and provenance.

    `risk` and `cost` (MUSD) are `(rule, bridging, start, duration, world)`, after `years` from the mandate. `frontier`
    holds rules without effort and `bridged` the same rules with effort and its bridge; `planned` are the context's own
    start and duration.
    """

    context: str
    title: str
    ensemble: str
    runs: int
    seed: int
    years: int
    definition: str
    starts: tuple[float, ...]
    durations: tuple[float, ...]
    risk: Floats
    cost: Floats
    frontier: tuple[Rule, ...]
    bridged: tuple[Rule, ...]
    values: tuple[float, ...]
    planned: tuple[float, float]
    referee: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds_plan(self) -> bool:
        """Whether the context's own plan lies inside the starts and durations that were tried."""
        start, duration = self.planned
        return (self.starts[0] <= start <= self.starts[-1]) and (self.durations[0] <= duration <= self.durations[-1])

    def at(self, rule: str, bridging: str = NONE) -> Floats:
        """Return the risk `(start, duration, world)` by a rule, `calendar` or `benchmark`, with or without bridging."""
        return np.asarray(self.risk[_place(rule, RULES, "rule"), _place(bridging, BRIDGING, "bridging")])

    def surface(self, rule: str, bridging: str = NONE) -> Floats:
        """Return 10th percentile, median and 90th of that risk over worlds, `(3, start, duration)`."""
        return np.asarray(np.quantile(self.at(rule, bridging), (0.1, 0.5, 0.9), axis=-1))

    def gain(self, change: str) -> Floats:
        """Return what one change takes off the risk in the same world, all else equal; positive is lower risk.

        `benchmark`: that rule in place of the calendar `(bridging, start, duration, world)`; `effort`: the whole effort
        around the draw-down in place of none, `bridge`: its bridging channel alone `(rule, start, duration, world)`.
        """
        changes = ("benchmark", "effort", "bridge")
        which = _place(change, changes, "change")
        if which == 0:
            return np.asarray(self.risk[0] - self.risk[1])
        return np.asarray(self.risk[:, (which - 1)] - self.risk[:, 2])

    @property
    def table(self) -> pd.DataFrame:
        """Risk and cost over worlds at each point, 10th percentile, median and 90th, and paired changes, a row each."""
        import pandas as pd

        rows = []
        for r, rule in enumerate(RULES):
            for b, bridging in enumerate(BRIDGING):
                for s, start in enumerate(self.starts):
                    for d, duration in enumerate(self.durations):
                        here = (r, b, s, d)
                        row: dict[str, Any] = {
                            "context": self.context, "ensemble": self.ensemble, "rule": rule, "bridging": bridging,
                            "start": start, "duration": duration,
                        }  # fmt: skip
                        row |= _parts("risk", self.risk[here]) | _parts("cost_musd", self.cost[here])
                        row |= _parts("change_from_calendar", self.risk[here] - self.risk[0, b, s, d])
                        row |= _parts("change_from_no_effort", self.risk[here] - self.risk[r, 0, s, d])
                        rows.append(row)
        return pd.DataFrame(rows)

    @property
    def best(self) -> pd.DataFrame:
        """The best rule, without effort, for each value of a relapse avoided; see `frontier.best_table`."""
        return best_table(self.frontier, self.values)

    def __repr__(self) -> str:
        return f"<Timing in '{self.context}': {self.runs:,} worlds of {self.ensemble}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        from transition_sim.study.forms import timing_html

        return timing_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        from transition_sim.study.timing_words import timing_data

        return timing_data(self)


def draw_down_timing(
    context: str | Path = "reference",
    *,
    starts: Sequence[float | str] = STARTS,
    durations: Sequence[float | str] = DURATIONS,
    ensemble: str | Path = "c5",
    runs: int = RUNS,
    seed: int = SEED,
    values: Sequence[float] = VALUES,
    years: int = YEARS,
    definition: str = "war",
    progress: Callable[[int, int], None] | None = None,
) -> Timing:
    """Return the risk of relapse over draw-down start x duration, by calendar and benchmark, with and without bridging.

    `context`: a shipped name or a scenario file; its own start, duration and rule give way. `starts` and `durations`
    are in months, or texts such as `"5 years"`; by benchmark they are the earliest start and the shortest duration.
    `ensemble`: calibrated worlds (`c5`, `c6`, a CSV file) or `prior`, of which the seed draws `runs`. `values`: what a
    relapse avoided may be worth, MUSD, for the best rule on the frontier of cost against risk, which is that of 20
    years and of draw-downs as long as the context's own.

    Raises ScenarioError for what cannot be run, SimulationError where SciPy disagrees.
    """
    model = load_model()
    scenario = load_scenario(in_folder(context, "contexts"))
    faults: list[str] = []
    months = _months("starts", starts, faults), _months("durations", durations, faults)
    _check(model, scenario, values, definition, years, faults)
    worlds = draw_worlds(model, ensemble, runs, seed)
    study = _Study(model, scenario, worlds, *months, years, definition)
    risks, costs, report = study.run(seed, progress)
    rules = [frontier(model, worlds, scenario, study.given(bridging), step=0.5) for bridging in (NONE, BRIDGED)]
    return Timing(
        scenario.name.removeprefix("contexts/"), scenario.title, worlds.ensemble, runs, seed, years, definition,
        study.starts, study.durations, risks, costs, tuple(rules[0]), tuple(rules[1]), tuple(map(float, values)),
        study.planned, report, study.provenance(),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Study:
    """The inputs of one analysis, checked, and the runs made of them; run = (start, duration, world), world fastest."""

    model: Model
    scenario: Scenario
    worlds: Worlds
    starts: tuple[float, ...]
    durations: tuple[float, ...]
    years: int
    definition: str

    @property
    def planned(self) -> tuple[float, float]:
        """The context's own start and duration, in months."""
        own = resolve(self.model, self.scenario.settings).values
        names = ("draw down start", "draw down duration")
        start, duration = (own.get(name, self.model.find(name).value) for name in names)
        return start, duration

    def given(self, bridging: str) -> dict[str, float]:
        """Return the constants of one kind of bridging and of the definition of relapse."""
        effort = load_scenario("entry_points/none" if bridging == NONE else "entry_points/draw_down")
        found = resolve(self.model, effort.settings).values
        found[BRIDGE_CHANNEL] = 0.0 if bridging == UNBRIDGED else self.model.find(BRIDGE_CHANNEL).value
        return found | {"relapse definition": DEFINITIONS[self.definition]}

    def run(
        self, seed: int, progress: Callable[[int, int], None] | None
    ) -> tuple[Floats, Floats, dict[str, dict[str, float]]]:
        """Return risk and cost at all points, and how far SciPy's integration of some runs by each rule lies off."""
        shape = (len(self.starts), len(self.durations), self.worlds.runs)
        risks, costs = (np.empty((len(RULES), len(BRIDGING), *shape)) for _ in range(2))
        report = {}
        for r, rule in enumerate(RULES):
            for b, bridging in enumerate(BRIDGING):
                result = self.simulate(r, bridging, shape)
                if rule not in report:
                    report[rule] = _refereed(result, rule, seed)
                risks[r, b] = risk.probability(result, slice(-1, None))[0].reshape(shape)
                costs[r, b] = np.sum([result[name][-1] for name in COST], axis=0).reshape(shape)
                if progress is not None:
                    progress((r * len(BRIDGING) + b + 1) * result.runs, len(RULES) * len(BRIDGING) * result.runs)
        return risks, costs, report

    def simulate(self, rule: int, bridging: str, shape: tuple[int, ...]) -> Result:
        """Return all runs by one rule with one kind of bridging; ScenarioError where effort does not fit."""
        start, duration, _ = np.meshgrid(self.starts, self.durations, np.arange(shape[-1]), indexing="ij")
        points = len(self.starts) * len(self.durations)
        sampled = {
            name: np.tile(column, points) for name, column in self.worlds.besides(self.scenario.settings).items()
        }
        varied: dict[str, Any] = {
            "draw down start": start.ravel(), "draw down duration": duration.ravel(), "draw down rule": float(rule),
        }  # fmt: skip
        stop = 12 * self.years
        result = simulate(
            self.model, self.scenario, constants={**sampled, **self.given(bridging), **varied}, method="rk4",
            time_step=0.5, outputs=[risk.CUMULATIVE, "relapse probability", *COST], stop=stop,
            save_every=12,
        )  # fmt: skip
        wrong = wrong_runs(result, self.model)
        if wrong:
            first = next(iter(wrong))
            where = f"start {start.ravel()[first]:g}, duration {duration.ravel()[first]:g}, {bridging}"
            raise ScenarioError(f"{self.scenario.name}: at {where}: {wrong[first]}")
        return result

    def provenance(self) -> dict[str, Any]:
        """Return what the analysis hangs on."""
        worlds = self.worlds
        return {
            "model": self.model.name, "model_hash": self.model.file_hash, "context": self.scenario.name,
            "context_hash": self.scenario.hash, "worlds": SAYS.get(worlds.ensemble, "an ensemble of one's own"),
            "worlds_from": worlds.file, "worlds_hash": worlds.file_hash, "method": "rk4", "time_step": 0.5,
            "events": "exact", "backend": default_backend(), "versions": provenance_of_versions(),
            "note": f"{NOTE}. {ASSUMPTION}",
        }  # fmt: skip


def _refereed(result: Result, rule: str, seed: int) -> dict[str, float]:
    """Return SciPy's largest deviation in some runs and what is allowed; SimulationError above it."""
    found = referee(result, ["relapse probability"], sample=REFEREED, seed=seed)
    report = {
        "runs": len(found.runs), "max_deviation": found.deviation["relapse probability"],
        "tolerance": TOLERANCE if rule == CALENDAR else BENCHMARK_TOLERANCE,
    }  # fmt: skip
    check_deviation({**report, "of": "probability"})
    return report


def _months(name: str, given: Sequence[float | str], faults: list[str]) -> tuple[float, ...]:
    """Return starts or durations in months; note what is no time, too few, or not in rising order."""
    try:
        found = tuple(to_unit(each, "Month") if isinstance(each, str) else float(each) for each in given)
    except ScenarioError as error:
        faults.append(f"{name}: {error}")
        return ()
    except (TypeError, ValueError):
        faults.append(f"{name} are {given!r}; allowed: a list of months, or of texts such as '5 years'")
        return ()
    if len(found) < 2 or any(not one < other for one, other in pairwise(found)):
        told = ", ".join(f"{value:g}" for value in found)
        faults.append(f"{name} are {told or 'none'}; allowed: two or more, in rising order")
    return found


def _check(
    model: Model, scenario: Scenario, values: Sequence[float], definition: str, years: int, faults: list[str]
) -> None:
    """Refuse what cannot be analysed, all faults together, with those that were found before."""
    if years != int(years) or not 1 <= years <= model.time.final / 12:
        faults.append(f"years is {years}; allowed: a whole number from 1 to {model.time.final / 12:g}")
    faults += word_faults("definition", definition, tuple(DEFINITIONS))
    if scenario.model != model.path:
        faults.append(f"'{scenario.name}' is for model '{scenario.model.stem}'; the timing is that of 'transition'")
    if not len(values) or any(not (isinstance(value, Real) and 0 < value < np.inf) for value in values):
        faults.append(f"values of a relapse avoided are {list(values)}; allowed: numbers above zero, MUSD")
    if faults:
        raise ScenarioError("\n".join(faults))


def _place(word: str, words: Sequence[str], what: str) -> int:
    faults = word_faults(what, word, tuple(words))
    if faults:
        raise ScenarioError(faults[0])
    return words.index(word)


def _parts(name: str, values: Floats) -> dict[str, float]:
    return {f"{name}_{level}": value for level, value in quantiles(values).items()}
