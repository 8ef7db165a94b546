"""From a program to trajectories: SciPy split at break points for one run, Euler and RK4 over batches.

Shapes: constants `(run,)` each, state `(stock, run)`, outputs `(time, output, run)`; break points `(break, run)`.

Conditions on time. With exact events every step lies between two break points, and conditions are judged at the
middle of the step (`te`), where they cannot be ambiguous; a saved value belongs to the step that begins there, so
outputs are continuous from the right. With compatible events conditions are judged at the time itself, as in Vensim;
`te` is then the beginning of the step: the moment for which numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.numpy_backend import Program
from transition_sim.errors import SimulationError

Floats = NDArray[np.float64]
ADAPTIVE = ("DOP853", "RK45", "RK23", "LSODA", "Radau", "BDF")
FIXED = ("rk4", "euler")


@dataclass(frozen=True)
class Grid:
    """The moments of a batch: `nodes` `(node, run or 1)` never falls; `save` `(node, run or 1)` is the index of
    the saved time that a node stands for, -1 for none; `times` `(time,)` are the saved times."""

    nodes: Floats
    save: NDArray[np.int64]
    times: Floats


def regular_times(start: float, stop: float, step: float) -> Floats:
    """Return start, start + step, ... and stop, `(time,)`; the last step may be shorter."""
    count = int(np.floor((stop - start) / step * (1 + 1e-12) + 1e-9))
    times: Floats = start + step * np.arange(count + 1, dtype=np.float64)
    if stop - times[-1] > 1e-9 * step:
        times = np.append(times, stop)
    times[-1] = stop
    return times


def make_grid(start: float, stop: float, step: float, saved: Floats, breaks: Floats) -> Grid:
    """Return the grid of a batch: regular steps, the saved times, and each run's own break points.

    `breaks` has shape `(break, run)`, `(0, 1)` for none; where runs differ, steps of no length fill up.
    """
    base = _unique(np.concatenate([regular_times(start, stop, step), saved]))
    inside = np.where((breaks > start) & (breaks < stop), breaks, start)
    off_grid = ~np.isin(inside, base).all(axis=1)
    inside = inside[off_grid]
    if inside.size and (inside == inside[:, :1]).all():
        base, inside = _unique(np.concatenate([base, inside[:, 0]])), inside[:0]
    if not inside.size:
        return Grid(base[:, None], _positions(base[:, None], saved), saved)
    rows = np.broadcast_to(base[:, None], (len(base), inside.shape[1]))
    nodes = np.sort(np.concatenate([rows, inside]), axis=0)
    return Grid(nodes, _positions(nodes, saved), saved)


def _unique(times: Floats) -> Floats:
    return np.unique(times)


def _positions(nodes: Floats, saved: Floats) -> NDArray[np.int64]:
    """Return, for each node, the index of the saved time it is the last node of; else -1."""
    index = np.clip(np.searchsorted(saved, nodes), 0, len(saved) - 1)
    last = np.ones(nodes.shape, dtype=bool)
    last[:-1] = nodes[1:] > nodes[:-1]
    return np.where((saved[index] == nodes) & last, index, -1)


def integrate_batch(
    program: Program, constants: Sequence[Floats], grid: Grid, method: str, events: str, step: float
) -> Floats:
    """Return the outputs `(time, output, run)` of a batch by `rk4` or `euler`.

    Runs that break down hold NaN or infinities; nothing is raised for them.
    """
    runs = max(len(c) for c in constants) if constants else 1
    out = np.full((len(grid.times), len(program.outputs), runs), np.nan)
    half = step / 2 if events == "compatible" else 0.0
    advance = _rk4 if method == "rk4" else _euler
    with np.errstate(all="ignore"):
        first = grid.nodes[0]
        state_list, held = program.start(first, first, half, constants)
        state = np.empty((len(program.stocks), runs))
        for i, value in enumerate(state_list):
            state[i] = value
        for i, t in enumerate(grid.nodes):
            after = grid.nodes[i + 1] if i + 1 < len(grid.nodes) else t
            te = (t + after) / 2 if events == "exact" else t
            if (grid.save[i] >= 0).any():
                _save(out, grid.save[i], program.observe(t, te, half, state, held))
            if i + 1 < len(grid.nodes):
                state = advance(program, t, after - t, te, half, state, held)
    return out


def _save(out: Floats, index: NDArray[np.int64], values: Sequence[Floats]) -> None:
    if index.shape == (1,):
        for j, value in enumerate(values):
            out[index[0], j] = value
        return
    runs = np.flatnonzero(index >= 0)
    for j, value in enumerate(values):
        out[index[runs], j, runs] = np.broadcast_to(value, out.shape[2:])[runs]


def _euler(
    program: Program,
    t: Floats,
    h: Floats,
    te: Floats,
    half: float,
    state: Floats,
    held: Sequence[Floats],
) -> Floats:
    flows = np.empty_like(state)
    program.derivative(t, te, half, state, held, flows)
    return state + h * flows


def _rk4(
    program: Program,
    t: Floats,
    h: Floats,
    te: Floats,
    half: float,
    state: Floats,
    held: Sequence[Floats],
) -> Floats:
    """Return the state after one classical Runge-Kutta step of fourth order."""
    total, flows = np.empty_like(state), np.empty_like(state)
    middle = t + h / 2
    program.derivative(t, te, half, state, held, total)
    program.derivative(middle, te, half, state + (h / 2) * total, held, flows)
    total += 2 * flows
    program.derivative(middle, te, half, state + (h / 2) * flows, held, flows)
    total += 2 * flows
    program.derivative(t + h, te, half, state + h * flows, held, flows)
    total += flows
    return state + (h / 6) * total


Moment = Callable[[float, float, Floats], Floats]
"""What is worth at a time, a moment at which events are judged, and a state `(stock,)`."""


def integrate_adaptive(
    flow: Moment,
    watch: Moment,
    first: Floats,
    saved: Floats,
    breaks: Sequence[float],
    *,
    solver: str,
    rtol: float,
    atol: float,
    max_step: float,
) -> Floats:
    """Return the outputs `(time, output, 1)` of one run by SciPy's `solve_ivp`, split at its break points.

    `flow` gives the net flows `(stock,)`, `watch` the outputs `(output,)`; `first` is the state at the start. Raises
    SimulationError where the solver gives up.
    """
    from scipy.integrate import solve_ivp

    start, stop = float(saved[0]), float(saved[-1])
    inner = sorted({float(b) for b in breaks if start < b < stop})
    state = first
    rows: list[Floats] = []
    for left, right in pairwise([start, *inner, stop]):
        te = (left + right) / 2
        wanted = saved[(saved >= left) & (saved < right)]
        solution = solve_ivp(
            lambda t, y, te=te: flow(t, te, y), (left, right), state, method=solver,
            t_eval=np.append(wanted, right), rtol=rtol, atol=atol, max_step=max_step,
        )  # fmt: skip
        if solution.status != 0:
            raise SimulationError(f"{solver} gave up at time {solution.t[-1] if len(solution.t) else left:g}: "
                                  f"{solution.message}")  # fmt: skip
        path = np.ascontiguousarray(solution.y.T)
        rows += [watch(float(t), te, y) for t, y in zip(wanted, path, strict=False)]
        state = path[-1]
    rows.append(watch(stop, stop, state))
    return np.array(rows, dtype=float).reshape(len(saved), -1, 1)
