"""Runs of printed models, in a JavaScript engine without a browser, as arrays; settings to run them at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from py_mini_racer import MiniRacer

from transition_sim.engine.javascript import moving
from transition_sim.engine.numpy_backend import compile_program
from transition_sim.engine.simulate import simulate, structure_of
from transition_sim.engine.solvers import integrate_batch, make_grid
from transition_sim.model.equations import Kind, Model
from transition_sim.study.levers import lever_table
from transition_sim.study.worlds import sample_worlds

Floats = NDArray[np.float64]
JOINED = """
let kept = null;  // what Python has a view of must not be collected before it is copied
function joined({time, series}) {
  const all = new Float64Array(time.length + series.reduce((sum, each) => sum + each.length, 0));
  all.set(time);
  series.reduce((at, each) => (all.set(each, at), at + each.length), time.length);
  return (kept = all).buffer;
}
"""


@contextmanager
def engine(script: str) -> Iterator[MiniRacer]:
    """Give V8 with a script in it; it must be closed, or Python waits for it at its end."""
    with MiniRacer() as racer:
        racer.eval(script + JOINED)
        yield racer


def call(columns: list[Any], count: int, options: Mapping[str, Any], name: str = "M") -> str:
    """Return the JavaScript that runs many columns and joins what comes."""
    return f"joined({name}.runMany({json.dumps(columns)}, {count}, {json.dumps(dict(options))}))"


def split(joined: Floats, outputs: int, count: int) -> tuple[Floats, Floats]:
    """Return time and series `(time, output, run)` out of what `joined` gives."""
    times = len(joined) // (1 + outputs * count)
    return joined[:times], joined[times:].reshape(outputs, times, count).transpose(1, 0, 2)


def runs(racer: MiniRacer, model: Model, columns: list[Any], count: int, outputs: int | None = None, **options: Any
         ) -> tuple[Floats, Floats]:  # fmt: skip
    """Return time and series `(time, output, run)` of many runs in V8; all outputs of view 0 by default."""
    buffer = racer.eval(call(columns, count, options))
    return split(np.frombuffer(bytes(buffer)), len(moving(model)) if outputs is None else outputs, count)


def in_order(model: Model, columns: Mapping[str, Any]) -> list[Any]:
    """Return a number or a list for each constant of a model, in its order."""
    own = [variable.name for variable in model.of_kind(Kind.CONSTANT)]
    return [np.asarray(columns[n]).tolist() if n in columns else model.variables[n].value for n in own]


def random_settings(model: Model, count: int, seed: int) -> dict[str, Floats]:
    """Return settings `(run,)`: levers anywhere on their steps, other constants plausible or near their own."""
    generator = np.random.default_rng(seed)
    table = lever_table(model.name)
    rows = []
    while len(rows) < count:
        state = [int(generator.integers(lever.count)) for lever in table.levers]
        for i, lever in enumerate(table.levers):  # mostly the usual, else shares of the budget overspend
            state[i] = lever.at(state[0]) if lever.budget and generator.random() < 0.7 else state[i]
        if not table.faults(state):
            rows.append(table.settings(state))
    own = {name: value for name, value in model.constants.items() if name not in ("INITIAL TIME", "FINAL TIME")}
    if model.name == "transition":
        columns = dict(sample_worlds(model, count, seed).columns)
    else:
        clock = ("TIME STEP", "SAVEPER")
        columns = {n: v * generator.uniform(0.7, 1.4, count) for n, v in own.items() if n not in clock}
        columns = {n: np.clip(c, *_open(model.variables[n].limits)) for n, c in columns.items()}
    moved = {name for row in rows for name in row}
    return columns | {n: np.array([row.get(n, columns[n][i] if n in columns else own[n])
                                   for i, row in enumerate(rows)], dtype=float) for n in moved}  # fmt: skip


def _open(limits: tuple[float | None, float | None]) -> tuple[float, float]:
    return (-np.inf if limits[0] is None else limits[0], np.inf if limits[1] is None else limits[1])


def by_python(model: Model, columns: Mapping[str, Floats], **how: Any) -> Any:
    """Return the same runs by the reference engine, every output."""
    return simulate(model, constants=columns, outputs="all", **{"method": "rk4", "backend": "numpy", **how})


def at_once(model: Model, columns: Mapping[str, Floats], output: str) -> Floats:
    """Return an output at the start by the reference engine, `(run,)`, infinities and all, as `simulate` would not."""
    program = compile_program(model, structure_of(model), (output,), "numpy", "exact")
    constants = [np.atleast_1d(np.asarray(columns.get(n, model.variables[n].value))) for n in program.constants]
    grid = make_grid(0, 1, 1, np.array([0.0]), np.empty((0, 1)))
    return integrate_batch(program, constants, grid, "euler", "exact", 1.0)[0, 0]


def largest_difference(ours: Floats, theirs: Floats) -> float:
    """Return the largest difference as a share of each variable's maximum; series are `(time, output, run)`.

    Infinity where one has a number and the other has none, or they are infinite apart.
    """
    same = np.isfinite(ours) == np.isfinite(theirs)
    if not same.all():
        return np.inf
    finite = np.isfinite(theirs)
    difference = np.abs(np.where(finite, ours, 0) - np.where(finite, theirs, 0)).max(axis=(0, 2))
    largest = np.abs(np.where(finite, theirs, 0)).max(axis=(0, 2))
    return float((difference / np.maximum(largest, 1e-300)).max(initial=0))
