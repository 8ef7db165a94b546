"""One experiment of a finished sweep again: its trajectories in full, and the proof that it is the run stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.resolve import resolve
from transition_sim.engine.result import Result
from transition_sim.errors import Fault, ScenarioError, SimulationError, shown
from transition_sim.model.reader import load_model
from transition_sim.study.sweeps.design import RUN, constants_of_row
from transition_sim.study.sweeps.outcomes import outcome_of
from transition_sim.study.sweeps.plan import FAILED, Recipe
from transition_sim.study.sweeps.run import check_deviation, code_of_here, deviations, integrated, outcomes_from
from transition_sim.study.sweeps.sweep import Sweep, load_sweep
from transition_sim.study.sweeps.tables import read_row

Floats = NDArray[np.float64]
ELSEWHERE = 1e-9
"""What outcomes may differ by, relative, where another version or processor computes them again."""


@dataclass(frozen=True, eq=False)
class Rerun:
    """A run again: inputs, outcomes stored and computed now, whether their bits agree, trajectories, SciPy's report.

    `other_code` names what differs from the code that computed the sweep; where it is empty the bits must agree.
    """

    sweep: Sweep
    run: int
    inputs: Mapping[str, Any]
    stored: Mapping[str, float]
    again: Mapping[str, float]
    reason: str
    result: Result
    referee: Mapping[str, Any]
    other_code: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether every outcome has the very bits that are stored."""
        return all(_same(self.stored[name], value) for name, value in self.again.items())


def rerun(folder: str | Path, run: int) -> Rerun:
    """Return one run of a finished sweep again, all variables over time, computed from its stored inputs.

    Its outcomes must be those stored, to the bit on the same code and processor, and SciPy must agree. Raises
    ScenarioError for a folder without a finished sweep or a run that it does not hold, SimulationError where the run
    is not the one stored.
    """
    sweep = load_sweep(folder)
    if not 0 <= run < sweep.runs:
        raise ScenarioError(Fault(shown(folder), None, f"has no run {run}; allowed: 0 to {sweep.runs - 1:,}"))
    inputs = read_row(sweep.folder / "experiments.parquet", RUN, run)
    row = read_row(sweep.folder / "outcomes.parquet", RUN, run)
    recipe = _recipe(sweep)
    plan = sweep.manifest["plan"]
    constants = {name: np.array([value]) for name, value in constants_of_row(inputs, plan).items()}
    full = integrated(recipe, constants, 1, "all")
    found, wrong = outcomes_from(recipe, integrated(recipe, constants, 1) if full.failed else full, 1)
    report = {} if wrong else deviations(recipe, constants, 1, full)
    here = code_of_here()
    done = Rerun(
        sweep, run, inputs, {name: _number(row[name]) for name in found},
        {name: float(values[0]) for name, values in found.items()}, wrong.get(0, ""), _first(full), report,
        tuple(f"{k} {here[k]}, then {v}" for k, v in sweep.manifest["code"].items() if here.get(k) != v),
    )  # fmt: skip
    _check(done, bool(row[FAILED]))
    return done


def _check(done: Rerun, failed: bool) -> None:
    """Fail where the run, whose outcomes are taken from its trajectories, is not the one stored, or SciPy disagrees."""
    if failed != bool(done.reason):
        raise SimulationError(
            f"run {done.run} {'failed' if failed else 'did not fail'} in the sweep, and now otherwise"
        )
    if not done.equal and not (done.other_code and _near(done.stored, done.again)):
        worst = max(done.again, key=lambda name: abs(done.again[name] - done.stored[name]))
        raise SimulationError(
            f"run {done.run} is not the one stored: '{worst}' is {done.again[worst]!r} now, {done.stored[worst]!r} then"
        )
    if done.referee:
        check_deviation(done.referee)


def _recipe(sweep: Sweep) -> Recipe:
    """Return how the sweep's runs were computed, from the copy of the model in its folder."""
    plan = sweep.manifest["plan"]
    path = sweep.folder / f"{plan['model']}.mdl"
    model = load_model(path)
    if model.file_hash != plan["model_hash"]:
        message = "is not the model of this sweep; put that in its place, or sweep with --force"
        raise ScenarioError(Fault(shown(path), None, message))
    series = {name: dict(zip(*points, strict=True)) for name, points in plan["series"].items()}
    model = resolve(model, {}, None, series).model
    outcomes = tuple(outcome_of(text, model, plan["stop"]) for text in plan["outcomes"])
    return Recipe(model, outcomes, float(plan["stop"]))


def _first(result: Result) -> Result:
    """Return the first run of a result."""
    return replace(
        result,
        values=result.values[:, :, :1],
        constants={name: values[:1] for name, values in result.constants.items()},
        fixed={name: values[:1] for name, values in result.fixed.items()},
        failed=tuple(run for run in result.failed if run == 0),
        provenance={**result.provenance, "runs": 1},
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def _near(stored: Mapping[str, float], again: Mapping[str, float]) -> bool:
    return all(_same(stored[n], v) or abs(stored[n] - v) <= ELSEWHERE * max(abs(v), 1.0) for n, v in again.items())
