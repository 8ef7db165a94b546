"""A model and its inputs become a `Result`: SciPy for one run, fixed steps over chunks for many.

Axes: constants `(run,)`, outputs `(time, output, run)`.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from transition_sim.engine.numpy_backend import Program, compile_program, fixed_values
from transition_sim.engine.plan import (
    UNSET,
    Plan,
    Unset,
    check_memory,
    make_plan,
)
from transition_sim.engine.resolve import Resolved, Series, Setting, resolve
from transition_sim.engine.result import Result
from transition_sim.engine.solvers import (
    Grid,
    Moment,
    integrate_adaptive,
    integrate_batch,
    make_grid,
    regular_times,
)
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.model import draws
from transition_sim.model.equations import Expression, Kind, Model
from transition_sim.model.structure import Structure, Train, analyse

if TYPE_CHECKING:
    from transition_sim.engine.llvm_backend import Machine, Single

Floats = NDArray[np.float64]
CHUNK = 4096
SMALLEST_CHUNK = 64
MAX_TRAIN = 10_000


class ScenarioLike(Protocol):
    """What `simulate` needs of a scenario: its settings and its series."""

    @property
    def settings(self) -> Mapping[str, Setting]: ...
    @property
    def series(self) -> Mapping[str, Series]: ...


def simulate(
    model: Model,
    scenario: ScenarioLike | None = None,
    *,
    constants: Mapping[str, ArrayLike] | None = None,
    series: Mapping[str, Any] | None = None,
    outputs: str | Sequence[str] | None = None,
    start: float | None = None,
    stop: float | None = None,
    save_every: float | Unset | None = UNSET,
    time_step: float | None = None,
    method: str | None = None,
    solver: str = "DOP853",
    rtol: float = 1e-8,
    atol: float = 1e-10,
    backend: str | None = None,
    events: str = "exact",
    seed: int = 0,
    first_run: int = 0,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Return the trajectories of a model under a scenario and constants.

    `constants` gives numbers or arrays `(run,)` in the model's units and wins over the scenario; scalars broadcast.
    `outputs` are names, `"all"`, or None: everything for a single run, stocks and key outcomes for many.
    `save_every` is a distance in the model's unit of time, None for every step. `method`: `scipy` (default for
    scalars), `rk4` (default for arrays) or `euler`. `events`: `exact` splits steps where conditions on time can jump;
    `compatible` snaps them to the step, as Vensim does, with the file's own method by default. `backend`: `llvm`
    (compiled for this host; the default where it can be) or `numpy` (the reference; plain Python for one run). `jobs`:
    threads over chunks of runs, by default as many as there are processors for `llvm` and 1 for `numpy`, whose calls
    threads cannot share. `seed` (0 to 2**32 - 1) and the number of a run, counted from `first_run`, decide what RANDOM
    functions give.

    Raises ScenarioError for inputs that do not fit the model, SimulationError where a single run breaks down; of
    many, those that break down are listed in `Result.failed`.
    """
    if isinstance(scenario, str | PathLike):
        raise ScenarioError(f"scenario is {str(scenario)!r}; load it first: load_scenario({str(scenario)!r})")
    settings = scenario.settings if scenario is not None else {}
    joined = {**(scenario.series if scenario is not None else {}), **(series or {})}
    resolved = resolve(model, settings, constants, joined)
    plan = make_plan(resolved, outputs, start, stop, save_every, time_step, method, solver, rtol, atol, events, backend,
                     seed, first_run)  # fmt: skip
    check_memory(plan, resolved.runs)
    columns = _columns(resolved, plan)
    saved = saved_times(plan)
    if plan.method == "scipy":
        values = _one(resolved.model, plan, columns, saved)
    else:
        values = _many(resolved.model, plan, columns, resolved.runs, saved, jobs, progress)
    failed = tuple(np.flatnonzero(~np.isfinite(values).all(axis=(0, 1))).tolist())
    if failed and resolved.runs == 1:
        raise SimulationError(_breakdown(plan, saved, values))
    values[:, :, list(failed)] = np.nan
    full = {name: np.broadcast_to(columns[name], (resolved.runs,)) for name in resolved.model.constants}
    units = {name: variable.unit for name, variable in resolved.model.variables.items() if not variable.hidden}
    fixed = _fixed(resolved.model, plan, columns, resolved.runs)
    kept = _provenance(resolved, plan, scenario)
    return Result(saved, plan.outputs, values, full, units, kept, failed, resolved.model, fixed)


def simulate_reduced(
    model: Model,
    reduce: Callable[[Result], Mapping[str, ArrayLike]],
    scenario: ScenarioLike | None = None,
    *,
    constants: Mapping[str, ArrayLike],
    progress: Callable[[int, int], None] | None = None,
    **how: Any,
) -> dict[str, Floats]:
    """Return what `reduce` makes of each chunk of runs, joined over runs: name -> `(..., run)`.

    Trajectories are let go chunk by chunk, so memory does not grow with them however many runs there are. `reduce` gets
    a Result of some runs, in order, and gives arrays whose last axis is run; `how` is as for `simulate`. Raises what
    `simulate` raises, and SimulationError where an array has another number of runs.
    """
    runs = resolve(model, scenario.settings if scenario is not None else {}, constants).runs
    columns = {name: np.asarray(value) for name, value in constants.items()}
    parts: dict[str, list[Floats]] = {}
    how = {"method": "rk4", **how}
    first_run = how.get("first_run", 0)
    for chunk in _chunks(runs, 1):
        some = {
            name: column if column.ndim == 0 or len(column) == 1 else column[chunk] for name, column in columns.items()
        }
        result = simulate(model, scenario, constants=some, **{**how, "first_run": first_run + chunk.start})
        for name, value in reduce(result).items():
            array = np.asarray(value, dtype=float)
            if array.ndim == 0 or array.shape[-1] != result.runs:
                raise SimulationError(f"'{name}' has shape {array.shape}; its last axis must be the {result.runs} runs")
            parts.setdefault(name, []).append(array)
        if progress is not None:
            progress(min(chunk.stop, runs), runs)
    return {name: np.concatenate(arrays, axis=-1) for name, arrays in parts.items()}


@dataclass(frozen=True)
class Refereed:
    """What SciPy found when it integrated some runs again: which, and the largest difference over time by output."""

    runs: NDArray[np.int64]
    deviation: Mapping[str, float]
    reference: tuple[Result, ...]


def referee(result: Result, outputs: Sequence[str], sample: int = 6, seed: int = 0, solver: str = "DOP853") -> Refereed:
    """Return the deviation of a batch from split adaptive integration at tight tolerance, over a seeded sample.

    Raises SimulationError where the result carries no model (it was loaded from a file) or lacks an output.
    """
    if result.model is None:
        raise SimulationError("a loaded result carries no model and cannot be integrated again")
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0x5EFE]))
    good = np.setdiff1d(np.arange(result.runs), np.asarray(result.failed, dtype=int))
    chosen = np.sort(generator.choice(good, size=min(sample, len(good)), replace=False))
    deviation = dict.fromkeys(outputs, 0.0)
    redone: list[Result] = []
    for run in chosen:
        given = {name: float(value[run]) for name, value in result.constants.items()}
        again = simulate(
            result.model, constants=given, outputs=list(outputs), start=float(result.time[0]),
            stop=float(result.time[-1]), save_every=float(result.provenance["save_every"]), solver=solver,
            seed=result.provenance["seed"], first_run=result.provenance["first_run"] + int(run),
        )  # fmt: skip
        redone.append(again)
        for name in outputs:
            difference = float(np.abs(again[name][:, 0] - result[name][:, run]).max())
            deviation[name] = max(deviation[name], difference)
    return Refereed(chosen, deviation, tuple(redone))


def saved_times(plan: Plan) -> Floats:
    """Return the saved times `(time,)`, put exactly on the steps that they fall on."""
    saved = regular_times(plan.start, plan.stop, plan.save_every)
    steps = regular_times(plan.start, plan.stop, plan.step)
    near = steps[np.clip(np.searchsorted(steps, saved - plan.step / 2), 0, len(steps) - 1)]
    return np.where(np.abs(near - saved) <= 1e-9 * plan.step, near, saved)


def _columns(resolved: Resolved, plan: Plan) -> dict[str, Floats]:
    """Return every constant, `(run,)` where it was set and `(1,)` elsewhere; the clock's as they are planned."""
    clock = {
        "INITIAL TIME": plan.start,
        "FINAL TIME": plan.stop,
        "TIME STEP": plan.step,
        "SAVEPER": plan.save_every,
        draws.SEED.upper(): plan.seed,
        draws.START.upper(): plan.start,
        draws.STEP.upper(): plan.step,
    }
    columns: dict[str, Floats] = {}
    for variable in resolved.model.of_kind(Kind.CONSTANT):
        own = np.array([clock.get(variable.name.upper(), variable.value)], dtype=float)
        columns[variable.name] = own if variable.name.upper() in clock else resolved.columns.get(variable.name, own)
    if draws.RUN in columns:
        columns[draws.RUN] = plan.first_run + np.arange(resolved.runs, dtype=float)
    return columns


@lru_cache(maxsize=64)
def structure_of(model: Model) -> Structure:
    """Return the structure of a model, kept for the model's lifetime."""
    return analyse(model)


@lru_cache(maxsize=64)
def _program(model: Model, outputs: tuple[str, ...], printing: str, events: str) -> Program:
    return compile_program(model, structure_of(model), outputs, printing, events)


def _one(model: Model, plan: Plan, columns: Mapping[str, Floats], saved: Floats) -> Floats:
    program = _program(model, plan.outputs, "scalar", "exact")
    constants = [float(columns[name][0]) for name in program.constants]
    state, held = program.start(plan.start, plan.start, 0.0, constants)
    breaks = break_points(model, plan, columns)
    longest = plan.step if structure_of(model).sudden else max((plan.stop - plan.start) / 50, plan.step)
    flow, watch = _compiled_moments(model, plan, program, held) if plan.backend == "llvm" else _moments(program, held)
    return integrate_adaptive(
        flow, watch, np.array(state, dtype=float), saved, breaks[:, 0].tolist(), solver=plan.solver, rtol=plan.rtol,
        atol=plan.atol, max_step=longest,
    )  # fmt: skip


def _moments(program: Program, held: Sequence[float]) -> tuple[Moment, Moment]:
    """Return flow and outputs of one run in plain Python."""

    def flow(t: float, te: float, state: Floats) -> Floats:
        flows = [0.0] * len(program.stocks)
        program.derivative(float(t), te, 0.0, state.tolist(), held, flows)
        return np.array(flows)

    def watch(t: float, te: float, state: Floats) -> Floats:
        return np.array(program.observe(t, te, 0.0, state.tolist(), held), dtype=float)

    return flow, watch


def _compiled_moments(model: Model, plan: Plan, program: Program, held: Sequence[float]) -> tuple[Moment, Moment]:
    """Return flow and outputs of one run in machine code."""
    from transition_sim.engine.llvm_backend import moments

    values = dict(zip(program.held, held, strict=True))
    return moments(_single(model, plan.outputs), values)


@lru_cache(maxsize=64)
def _single(model: Model, outputs: tuple[str, ...]) -> Single:
    from transition_sim.engine.llvm_backend import compile_single

    return compile_single(model, structure_of(model), _program(model, outputs, "scalar", "exact"))


def _many(
    model: Model,
    plan: Plan,
    columns: Mapping[str, Floats],
    runs: int,
    saved: Floats,
    jobs: int | None,
    progress: Callable[[int, int], None] | None,
) -> Floats:
    program = _program(model, plan.outputs, "numpy", plan.events)
    values = np.empty((len(saved), len(plan.outputs), runs))
    fill = _llvm_chunk(model, plan, program) if plan.backend == "llvm" else _numpy_chunk(plan, program)

    def work(chunk: slice) -> int:
        part = {name: c[chunk] if len(c) > 1 else c for name, c in columns.items()}
        breaks = break_points(model, plan, part) if plan.events == "exact" else np.empty((0, 1))
        grid = make_grid(plan.start, plan.stop, plan.step, saved, breaks)
        fill([part[name] for name in program.constants], grid, values[:, :, chunk])
        return int(chunk.stop - chunk.start)

    done = 0
    threads = jobs or (os.cpu_count() or 1 if plan.backend == "llvm" else 1)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for finished in as_completed([pool.submit(work, chunk) for chunk in _chunks(runs, threads)]):
            done += finished.result()
            if progress is not None:
                progress(done, runs)
    return values


Fill = Callable[[list[Floats], Grid, Floats], None]


def _numpy_chunk(plan: Plan, program: Program) -> Fill:
    """Return what fills the outputs `(time, output, run)` of a chunk from its constants and grid."""

    def fill(constants: list[Floats], grid: Grid, out: Floats) -> None:
        full = [np.broadcast_to(column, (out.shape[2],)) for column in constants]
        out[...] = integrate_batch(program, full, grid, plan.method, plan.events, plan.step)

    return fill


def _llvm_chunk(model: Model, plan: Plan, program: Program) -> Fill:
    from transition_sim.engine.llvm_backend import integrate

    machine = _machine(model, plan.outputs, plan.method, plan.events)

    def fill(constants: list[Floats], grid: Grid, out: Floats) -> None:
        integrate(machine, constants, grid, out.shape[2], plan.step, out)

    return fill


@lru_cache(maxsize=64)
def _machine(model: Model, outputs: tuple[str, ...], method: str, events: str) -> Machine:
    from transition_sim.engine.llvm_backend import compile_machine

    return compile_machine(model, structure_of(model), _program(model, outputs, "numpy", events), method, events)


def _chunks(runs: int, threads: int) -> Iterator[slice]:
    """Yield slices of runs: at most CHUNK, and small enough that every thread has one."""
    size = min(CHUNK, max(-(-runs // threads), SMALLEST_CHUNK))
    for first in range(0, runs, size):
        yield slice(first, min(first + size, runs))


def _held(model: Model, plan: Plan, columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return everything that stays fixed in a run, `(run,)` or `(1,)`."""
    program = _program(model, plan.outputs, "numpy", "exact")
    with np.errstate(all="ignore"):
        at = np.array([plan.start])
        values = program.start(at, at, 0.0, [columns[name] for name in program.constants])[1]
    return dict(zip(program.held, values, strict=True))


def _fixed(model: Model, plan: Plan, columns: Mapping[str, Floats], runs: int) -> dict[str, Floats]:
    """Return the variables that cannot change within a run, each `(run,)`; computed chunk by chunk."""
    names = [name for name in structure_of(model).fixed if not model.variables[name].hidden]
    found: dict[str, Floats] = {}
    for chunk in _chunks(runs, 1):
        held = _held(model, plan, {name: c[chunk] if len(c) > 1 else c for name, c in columns.items()})
        for name in names:
            alike = np.size(held[name]) == 1 and chunk.stop - chunk.start > 1
            if name not in found:
                found[name] = np.broadcast_to(held[name], (runs,)) if alike else np.empty(runs)
            if found[name].flags.writeable:
                found[name][chunk] = held[name]
    return found


def break_points(model: Model, plan: Plan, columns: Mapping[str, Floats]) -> Floats:
    """Return the moments `(break, run or 1)` at which conditions on time can jump in each run."""
    structure = structure_of(model)
    if not structure.breaks:
        return np.empty((0, 1))
    held = _held(model, plan, columns)
    rows: list[Floats] = []
    for point in structure.breaks:
        rows += _train_rows(model, structure, point, held, plan) if isinstance(point, Train) else [
            *fixed_values(model, structure, [point], held)
        ]  # fmt: skip
    width = max(np.size(row) for row in rows)
    return np.unique(np.array([np.broadcast_to(row, (width,)) for row in rows]), axis=0)


def _train_rows(
    model: Model, structure: Structure, train: Train, held: Mapping[str, Floats], plan: Plan
) -> list[Floats]:
    """Return the break points of a PULSE TRAIN that can fall into the run."""
    parts: list[Expression] = [train.start, train.duration, train.repeat, train.end]
    start, duration, repeat, end = fixed_values(model, structure, parts, held)
    if not (repeat > 0).all():
        raise SimulationError("PULSE TRAIN repeats at an interval that is not above zero")
    count = int(np.nanmax((np.minimum(end, plan.stop) - start) / repeat)) + 1
    if count > MAX_TRAIN:
        raise SimulationError(f"PULSE TRAIN has {count:,} pulses; at most {MAX_TRAIN:,} are split exactly")
    rows = [end]
    for k in range(max(count, 0)):
        rows += [start + k * repeat, start + k * repeat + duration]
    return rows


def _breakdown(plan: Plan, saved: Floats, values: Floats) -> str:
    """Say which output first stopped being a number, and when."""
    wrong = ~np.isfinite(values[:, :, 0])
    when = int(np.argmax(wrong.any(axis=1)))
    names = [plan.outputs[i] for i in np.flatnonzero(wrong[when])][:3]
    quoted = ", ".join(f"'{name}'" for name in names)
    return f"the run broke down at time {saved[when]:g}: {quoted} is no finite number"


def _provenance(resolved: Resolved, plan: Plan, scenario: ScenarioLike | None) -> dict[str, Any]:
    model = resolved.model
    return {
        "model": model.name,
        "model_hash": model.file_hash,
        "scenario": getattr(scenario, "name", None),
        "scenario_hash": getattr(scenario, "hash", None),
        "method": plan.method,
        "solver": plan.solver if plan.method == "scipy" else None,
        "rtol": plan.rtol if plan.method == "scipy" else None,
        "atol": plan.atol if plan.method == "scipy" else None,
        "events": plan.events,
        "backend": plan.backend,
        "host": host_name() if plan.backend == "llvm" else None,
        "start": plan.start,
        "stop": plan.stop,
        "time_step": plan.step,
        "seed": plan.seed,
        "first_run": plan.first_run,
        "save_every": plan.save_every,
        "time_unit": model.time.unit,
        "jumps_not_split": list(structure_of(model).unsplit),
        "runs": resolved.runs,
        "versions": provenance_of_versions(),
    }


def host_name() -> str:
    """Return the processor that code is compiled for and its vector width: a run's bits hang on them."""
    from transition_sim.engine.llvm_backend import host

    name, _, lanes = host()
    return f"{name}, {lanes} lanes"


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    names = ("transition_sim", "numpy", "scipy", "pysd", "llvmlite")
    return {name: version(name) for name in names} | {"python": platform.python_version()}


def provenance_of_versions() -> dict[str, str]:
    """Return the versions that a result hangs on."""
    return dict(_versions())
