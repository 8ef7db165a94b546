"""What the model reference tells, gathered from the model, its ranges, its evidence and the pictures of it.

What does not belong to a model, or could not be made, is a `Missing` with the reason, which the page shows.
Shapes: a course `(3, time)`: 10th percentile, median and 90th over worlds, or `(1, time)` for a single run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.simulate import simulate
from transition_sim.errors import ScenarioError, TransitionSimError
from transition_sim.model.equations import Kind, Model
from transition_sim.model.insight import Loops, feedback_loops, pictures, sectors
from transition_sim.study.ensembles import ENSEMBLES, Ensemble, draw_worlds, load_ensemble, stale_parts
from transition_sim.study.evidence import Evidence, Verdict, judge, load_evidence
from transition_sim.study.kept import Kept, kept_findings
from transition_sim.study.worlds import Uncertainty, load_uncertainties

Floats = NDArray[np.float64]
Found = TypeVar("Found")
WORLDS, SEED = 200, 7
LEVELS = (0.1, 0.5, 0.9)
POINTS = 85
"""Moments at which a course is drawn."""


@dataclass(frozen=True)
class Missing:
    """Why a part of the reference is not there."""

    why: str


@dataclass(frozen=True, eq=False)
class Courses:
    """What variables do over time `(time,)`: name -> `(3, time)` over worlds, or `(1, time)`; `told` says of what."""

    time: Floats
    values: Mapping[str, Floats]
    told: str


@dataclass(frozen=True, eq=False)
class Judged:
    """Targets held against the worlds of each ensemble; `stale` names what changed since an ensemble was made."""

    evidence: Evidence
    worlds: Sequence[Ensemble]
    verdicts: Mapping[str, Sequence[Verdict]]
    stale: Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Reference:
    """Everything that the page of a model shows."""

    model: Model
    drawn: Mapping[str, bytes | None] | Missing
    loops: Loops | Missing
    courses: Courses | Missing
    ranges: Mapping[str, Uncertainty] | Missing
    judged: Judged | Missing
    findings: Kept | Missing


def gather(model: Model, told: Callable[[str], None] = lambda words: None) -> Reference:
    """Return what the reference of a model shows; `told` hears what is being done.

    Pictures and loops are made in processes of their own while this one computes courses and evidence.
    """
    told("drawing sectors, searching loops, running worlds")
    with ThreadPoolExecutor(2) as pool:
        drawn = pool.submit(_or_missing, lambda: pictures(model, sectors(model)))
        loops = pool.submit(_or_missing, lambda: feedback_loops(model))
        ranges = _or_missing(lambda: load_uncertainties(model)[0])
        courses = _or_missing(lambda: _courses(model))
        judged = _or_missing(lambda: _judged(model))
        findings = _or_missing(lambda: kept_findings(model))
        return Reference(model, drawn.result(), loops.result(), courses, ranges, judged, findings)


def _or_missing(make: Callable[[], Found]) -> Found | Missing:
    """Return what is made, or the first reason why it cannot be and how many there are."""
    try:
        return make()
    except TransitionSimError as error:
        first, more = error.faults[0], len(error.faults) - 1
        return Missing(f"{first}" + (f" (and {more} more)" if more else ""))


def _courses(model: Model) -> Courses:
    """Return what every variable that moves does: over worlds of the first ensemble that fits, else in one run."""
    moving = [v.name for v in model.variables.values() if not v.hidden and v.kind is not Kind.CONSTANT]
    span = model.time.final - model.time.initial
    every = max(model.time.save_every, span / (POINTS - 1))
    try:
        worlds = draw_worlds(model, ENSEMBLES[0], WORLDS, SEED)
    except ScenarioError:
        return _single(model, moving)
    result = simulate(
        model, constants=worlds.columns, outputs=moving, method="rk4", time_step=model.time.step, save_every=every
    )
    kept = np.setdiff1d(np.arange(WORLDS), result.failed)
    values = {name: np.quantile(result[name][:, kept], LEVELS, axis=1) for name in moving}
    told = (
        f"Median and 10th to 90th percentile over {len(kept)} calibrated worlds of {ENSEMBLES[0]} (seed {SEED}), in "
        "the profile that the file is set to, without any effort of an option."
    )
    return Courses(result.time, values, told)


def _single(model: Model, moving: Sequence[str]) -> Courses:
    """Return one run of the model as the file stands."""
    snapping = bool(model.draws) or any(variable.even_step for variable in model.variables.values())
    method = {"scipy": None, "euler": "euler", "rk4": "rk4"}.get(model.time.method, "rk4") if snapping else None
    result = simulate(model, outputs=list(moving), method=method, events="compatible" if snapping else "exact")
    at = np.unique(np.linspace(0, len(result.time) - 1, POINTS).round().astype(int))
    how = f"{result.provenance['method']}, {'events at steps, as in Vensim' if snapping else 'events at their dates'}"
    told = f"One run of the file as it stands ({how}). A single run carries no range."
    return Courses(result.time[at], {name: result[name][at].T for name in moving}, told)


def _judged(model: Model) -> Judged:
    evidence = load_evidence(model)
    worlds = [load_ensemble(model, name) for name in ENSEMBLES]
    verdicts = {each.name: judge(model, evidence, each.columns, each.name) for each in worlds}
    stale = {each.name: parts for each in worlds if (parts := stale_parts(model, each))}
    return Judged(evidence, worlds, verdicts, stale)
