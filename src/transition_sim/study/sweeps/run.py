"""Chunks of a sweep computed: constants to runs, runs to outcomes, outcomes to the bytes of a Parquet part.

A chunk's bytes follow from the job and its index alone: not from threads, order, or the process that computes it.
Shapes: run numbers and outcomes are `(run,)`; trajectories, held for one chunk at a time, `(time, output, run)`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.plan import default_backend
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import host_name, provenance_of_versions, referee, simulate
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.study.sweeps.design import RUN
from transition_sim.study.sweeps.outcomes import PROBABILITY, reduced, variables_of, wrong_runs
from transition_sim.study.sweeps.plan import FAILED, Job, Recipe
from transition_sim.study.sweeps.tables import part_bytes

Floats = NDArray[np.float64]
METHOD: dict[str, Any] = {"method": "rk4", "events": "exact"}
"""How every run is integrated, at the step of the model's file."""
REFEREED = 6
TOLERANCE, BENCHMARK_TOLERANCE = 1e-4, 1e-3
"""What SciPy may differ by; draw-downs by benchmark latch at the end of a step, which is exact to first order only."""
_CODE = ("transition_sim", "numpy", "scipy", "llvmlite")


@dataclass(frozen=True)
class Part:
    """A chunk computed: its index, the bytes of its Parquet file, its runs, how many failed, and by which code."""

    index: int
    data: bytes
    runs: int
    failed: int
    code: Mapping[str, str]


def code_of_here() -> dict[str, str]:
    """Return what the bits of a run hang on here: versions, backend, processor."""
    return dict(_code())


@lru_cache(maxsize=1)
def _code() -> Mapping[str, str]:
    versions = provenance_of_versions()
    backend = default_backend()
    host = host_name() if backend == "llvm" else "any"
    return {name: versions[name] for name in _CODE} | {"backend": backend, "host": host}


def run_chunk(job: Job, index: int) -> Part:
    """Return one chunk computed."""
    runs = np.asarray(job.runs_of(index))
    result = integrated(job.recipe, job.design.constants(runs), len(runs))
    outcomes, wrong = outcomes_from(job.recipe, result, len(runs))
    columns: dict[str, Any] = {RUN: runs, **outcomes, FAILED: np.isin(np.arange(len(runs)), list(wrong))}
    columns["reason"] = np.array([wrong.get(i) for i in range(len(runs))], dtype=object)
    return Part(index, part_bytes(columns, job.recipe.units), len(runs), len(wrong), code_of_here())


def outcomes_from(recipe: Recipe, result: Result, count: int) -> tuple[dict[str, Floats], dict[int, str]]:
    """Return the outcomes `(run,)` of the first runs of a result, NaN for those that failed, and why these did."""
    names = variables_of(recipe.outcomes, recipe.model)
    wrong = {run: reason for run, reason in wrong_runs(result, recipe.model, names).items() if run < count}
    found = {name: np.array(values[:count]) for name, values in reduced(result, recipe.outcomes).items()}
    for values in found.values():
        values[list(wrong)] = np.nan
    return found, wrong


def integrated(
    recipe: Recipe, constants: Mapping[str, Floats], count: int, outputs: Sequence[str] | str | None = None
) -> Result:
    """Return the trajectories of some runs by the batch engine; a lone run has a twin, so that it may break down."""
    return simulate(
        recipe.model, constants=_full(constants, count), outputs=outputs or variables_of(recipe.outcomes, recipe.model),
        stop=recipe.stop, save_every=recipe.model.time.save_every, jobs=1, **METHOD,
    )  # fmt: skip


def _full(constants: Mapping[str, Floats], count: int) -> dict[str, Floats]:
    """Return every column with one number a run; a lone run gets a twin."""
    return {name: np.broadcast_to(column, (max(count, 2),)) for name, column in constants.items()}


def local_parts(job: Job, todo: Sequence[int], jobs: int | None) -> Iterator[Part]:
    """Yield the parts of some chunks as they are done, computed on threads; a few wait at a time, never all."""
    threads = jobs or os.cpu_count() or 1
    pool = ThreadPoolExecutor(max_workers=threads)
    waiting = list(reversed(todo))
    running: set[Future[Part]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < 2 * threads:
                running.add(pool.submit(run_chunk, job, waiting.pop()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from sorted((future.result() for future in done), key=lambda part: part.index)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def check_effort(job: Job) -> None:
    """Refuse, before any run, crossed levers with shares of the effort budget that do not fit their windows."""
    design = job.design
    if len(design.axes) < len(design.levers) or not design.crossed:
        return  # what fits hangs on what is sampled: runs in which it does not are failures
    recipe = job.recipe
    horizon = recipe.stop - recipe.model.time.initial
    for first in range(0, design.runs // design.samples, job.chunk):
        points = np.arange(first, min(first + job.chunk, design.runs // design.samples))
        constants = _full(design.constants(points * design.samples), len(points))
        result = simulate(
            recipe.model, constants=constants, outputs=[], stop=recipe.stop, save_every=horizon,
            time_step=horizon, **METHOD,
        )  # fmt: skip
        wrong = wrong_runs(result, recipe.model)
        if wrong:
            point, reason = next(iter(wrong.items()))
            row = design.table(points[point : point + 1] * design.samples)
            where = ", ".join(f"{lever.name} {row[lever.name][0]}" for lever in design.levers)
            raise ScenarioError(f"{job.name}: at {where}: {reason}")


def referee_of(job: Job, sample: int = REFEREED) -> dict[str, Any]:
    """Return how far SciPy's integration of a seeded sample of runs lies from the batch engine's, as plain data.

    Runs that draw down by benchmark are held against a tolerance of their own. Raises SimulationError above it.
    """
    generator = np.random.default_rng([job.design.seed, 0x5EFE])
    runs = np.sort(generator.choice(job.design.runs, size=min(sample, job.design.runs), replace=False))
    constants = _full(job.design.constants(runs), len(runs))
    rule = constants.get("draw down rule", np.zeros(len(runs)))[: len(runs)] > 0
    groups = []
    for here, words in ((~rule, "by calendar"), (rule, "by benchmark")):
        if here.any():
            some = {name: column[: len(runs)][here] for name, column in constants.items()}
            report = deviations(job.recipe, some, int(here.sum()))
            words = words if "draw down rule" in job.recipe.model else ""
            groups.append({**report, "draw_down": words, "runs": [int(runs[here][i]) for i in report["runs"]]})
    for report in groups:
        check_deviation(report)
    return {"groups": groups, "runs": sum(len(report["runs"]) for report in groups)}


def deviations(
    recipe: Recipe, constants: Mapping[str, Floats], count: int, result: Result | None = None
) -> dict[str, Any]:
    """Return the referee's report on some runs: which, the largest deviation, the tolerance, and by variable.

    The deviation is that of the relapse probability, or of all variables over their largest size in a model without.
    """
    names = list(variables_of(recipe.outcomes, recipe.model))
    gate = [recipe.model.find(PROBABILITY).name] if PROBABILITY in recipe.model else names
    names = list(dict.fromkeys([*names, *gate]))
    result = result or integrated(recipe, constants, count, names)
    found = referee(result, names, sample=max(count, 2))
    by_name = {name: found.deviation[name] / _size(result, name) for name in names}
    return {
        "runs": [int(run) for run in found.runs if run < count],
        "max_deviation": max((by_name[name] for name in gate), default=0.0),
        "tolerance": BENCHMARK_TOLERANCE if (constants.get("draw down rule", np.zeros(1)) > 0).any() else TOLERANCE,
        "of": PROBABILITY if PROBABILITY in recipe.model else "all variables kept, over their largest size",
        "by_variable": by_name,
    }


def check_deviation(report: Mapping[str, Any]) -> None:
    """Fail where the referee found more than is allowed."""
    if not report["max_deviation"] <= report["tolerance"]:
        raise SimulationError(
            f"SciPy's integration differs by {report['max_deviation']:.2g} in {report['of']}; "
            f"allowed: {report['tolerance']:g}"
        )


def _size(result: Result, name: str) -> float:
    """Return what a deviation is taken relative to: 1 for probabilities, else the variable's largest size."""
    if name == PROBABILITY:
        return 1.0
    largest = float(np.nanmax(np.abs(result[name]), initial=0.0))
    return largest if largest > 0 else 1.0
