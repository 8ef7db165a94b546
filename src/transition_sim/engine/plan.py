"""How runs are to be computed: every default filled in, every setting checked, before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from transition_sim.engine.noise import MAX_RUNS, MAX_SEED
from transition_sim.engine.resolve import Resolved
from transition_sim.engine.solvers import ADAPTIVE, FIXED
from transition_sim.errors import ScenarioError, shown, word_faults
from transition_sim.model.equations import Kind, Model

BACKENDS = ("llvm", "numpy")
OUTCOMES = (
    "relapse hazard", "relapse probability", "aid disbursement", "aid need", "aid gap", "absorptive capacity",
    "coordination burden", "perceived risk",
)  # fmt: skip


class Unset:
    """What `save_every` is when it was not given: the model's SAVEPER, as against None, every step."""

    def __repr__(self) -> str:
        return "the model's SAVEPER"


UNSET = Unset()


@dataclass(frozen=True)
class Plan:
    """How runs are to be computed, every default filled in and checked."""

    start: float
    stop: float
    step: float
    save_every: float
    method: str
    solver: str
    rtol: float
    atol: float
    events: str
    outputs: tuple[str, ...]
    backend: str
    seed: int = 0
    first_run: int = 0


def make_plan(
    resolved: Resolved,
    outputs: str | Sequence[str] | None,
    start: float | None,
    stop: float | None,
    save_every: float | Unset | None,
    time_step: float | None,
    method: str | None,
    solver: str,
    rtol: float,
    atol: float,
    events: str,
    backend: str | None,
    seed: int,
    first_run: int,
) -> Plan:
    """Return the plan of a call to `simulate`; ScenarioError with every setting that cannot be."""
    faults: list[str] = []
    first = _control(resolved, "INITIAL TIME", start, faults)
    last = _control(resolved, "FINAL TIME", stop, faults)
    step = _control(resolved, "TIME STEP", time_step, faults)
    given = None if isinstance(save_every, Unset) else step if save_every is None else save_every
    every = _control(resolved, "SAVEPER", given, faults)
    faults += [
        f"'{name}' decides a time setting of the file; give start, stop, time_step or save_every instead"
        for name in sorted(resolved.model.clock_inputs & set(resolved.columns))
    ]
    faults += _number_faults(first, last, step, every, rtol, atol)
    faults += word_faults("events", events, ("exact", "compatible"))
    faults += word_faults("solver", solver, ADAPTIVE)
    chosen = _method(resolved, method, events, faults)
    faults += _even_faults(resolved.model, chosen, events, step)
    faults += _draw_faults(resolved, events, seed, first_run)
    if backend is not None:
        faults += word_faults("backend", backend, BACKENDS)
    if events == "compatible" and not faults and abs(every / step - round(every / step)) > 1e-9:
        faults.append(f"save_every {every:g} is no multiple of the step {step:g}, as compatible events need")
    if faults:
        raise ScenarioError("\n".join(faults))
    names = _outputs(resolved, outputs)
    used = backend or default_backend()
    return Plan(first, last, step, every, chosen, solver, rtol, atol, events, names, used, int(seed), int(first_run))


def _method(resolved: Resolved, method: str | None, events: str, faults: list[str]) -> str:
    """Return the method: as asked for, else the file's own with compatible events, else by the number of runs."""
    default = "scipy" if resolved.scalar else "rk4"
    chosen = method or (resolved.model.time.method if events == "compatible" else default)
    if chosen == "rk2" and method is None:
        faults.append("the file asks for RK2, which is not offered; name method 'rk4' or 'euler'")
    else:
        faults += word_faults("method", chosen, ("scipy", *FIXED))
    if chosen == "scipy" and events == "compatible":
        faults.append("events='compatible' needs method 'rk4' or 'euler': an adaptive step has no grid to snap to")
    if chosen == "scipy" and resolved.runs > 1:
        faults.append("method 'scipy' computes one run at a time; use 'rk4' for many")
    return chosen


def _control(resolved: Resolved, name: str, given: float | None, faults: list[str]) -> float:
    """Return a time setting: as asked for, else as set for all runs, else as the file says."""
    time = resolved.model.time
    own = {
        "INITIAL TIME": time.initial,
        "FINAL TIME": time.final,
        "TIME STEP": time.step,
        "SAVEPER": time.save_every,
    }
    column = next((c for set_name, c in resolved.columns.items() if set_name.upper() == name), None)
    if column is not None and np.ptp(column) > 0:
        faults.append(f"'{name}' must be the same in all runs")
    if given is not None:
        return float(given)
    return float(column[0]) if column is not None else own[name]


def _number_faults(first: float, last: float, step: float, every: float, rtol: float, atol: float) -> list[str]:
    faults = []
    if not (np.isfinite(first) and np.isfinite(last) and first < last):
        faults.append(f"start {first:g} must be a finite time before stop {last:g}")
    for name, value in (("time_step", step), ("save_every", every), ("rtol", rtol), ("atol", atol)):
        if not (np.isfinite(value) and value > 0):
            faults.append(f"{name} is {value:g}; it must be above zero")
    if not faults and (last - first) / min(step, every) > 1e7:
        faults.append("more than ten million steps")
    return faults


def _even_faults(model: Model, method: str, events: str, step: float) -> list[str]:
    """Refuse to run DELAY FIXED and SAMPLE IF TRUE where the steps are not all the file's own."""
    uneven = [v for v in model.variables.values() if v.even_step]
    if not uneven or (method == "euler" and events == "compatible" and step == model.time.step):
        return []
    owner, what = uneven[0].name.removeprefix("#").split(">", 1)
    return [
        f"{_place(model, uneven[0].name)}'{owner}' uses {what.rsplit(' ', 1)[0]}, which needs an even grid: give "
        f"method='euler', events='compatible' and the file's time_step {model.time.step:g}"
    ]


def _place(model: Model, name: str) -> str:
    """Return `file:line: ` of a variable, or nothing where the model came from no file."""
    return f"{shown(model.path)}:{model.variables[name].line}: " if model.path else ""


def _draw_faults(resolved: Resolved, events: str, seed: int, first_run: int) -> list[str]:
    """Refuse to draw random numbers where steps are not even, and seeds and run numbers beyond a word's 32 bits."""
    faults = []
    if resolved.model.draws and events != "compatible":
        name, function = resolved.model.draws[0]
        owner = name.removeprefix("#").split(">", 1)[0]
        told = f"'{owner}' uses {function}, which needs an even grid: give events='compatible'"
        faults.append(_place(resolved.model, name) + told)
    last_run = MAX_RUNS - resolved.runs
    for what, value, largest in (("seed", seed, MAX_SEED), ("first_run", first_run, last_run)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 0 <= value <= largest:
            faults.append(f"{what} is {value!r}; allowed: whole numbers 0 to {largest}")
    return faults


def _outputs(resolved: Resolved, outputs: str | Sequence[str] | None) -> tuple[str, ...]:
    model = resolved.model
    moving = [name for name in model.names() if model.variables[name].kind is not Kind.CONSTANT]
    if outputs == "all" or (outputs is None and resolved.scalar):
        return tuple(moving)
    if outputs is None:
        keys = {model.find(name).name for name in OUTCOMES if name in model}
        return tuple(name for name in moving if name in keys or model.variables[name].kind is Kind.STOCK)
    wanted = [outputs] if isinstance(outputs, str) else list(outputs)
    return tuple(dict.fromkeys(model.find(name).name for name in wanted))


def check_memory(plan: Plan, runs: int) -> None:
    """Refuse a request whose trajectories would not fit, with the number of runs that would."""
    each = 8 * len(plan.outputs) * ((plan.stop - plan.start) / plan.save_every + 1)
    room = 0.4 * _memory()
    if each * runs > room:
        fits = max(int(room / max(each, 1)), 0)
        raise ScenarioError(
            f"{runs:,} runs with {len(plan.outputs)} outputs need {each * runs / 1e9:.1f} GB; about {fits:,} runs "
            "would fit. Ask for fewer outputs or a larger save_every."
        )


def _memory() -> float:
    """Return the machine's memory in bytes, or 8 GB where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return 8e9


@lru_cache(maxsize=1)
def default_backend() -> str:
    """Return `llvm` where llvmlite has code for this host, and fused arithmetic to make it quick, else `numpy`."""
    try:
        from transition_sim.engine.llvm_backend import fuses, host

        host()
        return "llvm" if fuses() else "numpy"
    except (ImportError, OSError, RuntimeError):
        return "numpy"
