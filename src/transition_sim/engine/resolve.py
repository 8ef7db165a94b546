"""Names and values become columns of constants: the one place that checks names, units and limits.

Shapes: every column is `(run,)`; scalars are repeated. All faults are collected and raised once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from transition_sim.errors import Fault, ScenarioError, nearest
from transition_sim.model.equations import Kind, Model, Table, Variable
from transition_sim.units import convert

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """A number that a scenario gives a constant, its unit if one was written, and where it stands."""

    value: float
    unit: str | None = None
    file: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Series:
    """Values of a constant over time, linear between points, flat outside; times in the model's unit."""

    times: tuple[float, ...]
    values: tuple[float, ...]
    file: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Resolved:
    """Checked inputs: the model with its series, a column `(run,)` for each constant set, the number of runs."""

    model: Model
    columns: Mapping[str, Floats]
    runs: int
    scalar: bool

    @property
    def values(self) -> dict[str, float]:
        """What each constant is set to in the first run, in the model's units."""
        return {name: float(column[0]) for name, column in self.columns.items()}


def resolve(
    model: Model,
    settings: Mapping[str, Setting],
    constants: Mapping[str, ArrayLike] | None = None,
    series: Mapping[str, Any] | None = None,
) -> Resolved:
    """Return the columns of constants that settings and constants (which win) give, checked against the model.

    Raises ScenarioError with every fault found: unknown names, names that are no constants, units that do not
    convert, values that are no numbers or outside the limits, arrays whose lengths differ, series that do not fit.
    """
    faults: list[Fault] = []
    columns: dict[str, Floats] = {}
    for name, setting in settings.items():
        _set(model, name, setting, columns, faults)
    scalar = True
    for name, value in (constants or {}).items():
        column = _column(model, name, value, faults)
        if column is not None:
            scalar = scalar and np.ndim(value) == 0
            columns[model.find(name).name] = column
    tables = {name: _table(model, name, given, faults) for name, given in (series or {}).items()}
    runs = _runs(columns, faults)
    if faults:
        raise ScenarioError(faults)
    full = {name: np.broadcast_to(column, (runs,)) for name, column in columns.items()}
    changed = {name: table for name, table in tables.items() if table is not None}
    return Resolved(model.with_series(changed) if changed else model, full, runs, scalar)


def constant_of(model: Model, name: str) -> Variable:
    """Return the constant of that name; ScenarioError with the nearest name where there is none."""
    if name not in model or model.find(name).hidden:
        names = [variable.name for variable in model.of_kind(Kind.CONSTANT) if not variable.hidden]
        where = model.path.name if model.path else model.name
        raise ScenarioError(f"'{name}' is not in {where}{nearest(name, names)}")
    variable = model.find(name)
    if variable.kind is not Kind.CONSTANT:
        raise ScenarioError(f"'{variable.name}' is computed by the model ({variable.kind.value}), not a constant")
    return variable


def _constant(model: Model, name: str, file: str, line: int | None, faults: list[Fault]) -> Variable | None:
    """Return the constant of that name, or note why there is none."""
    try:
        return constant_of(model, name)
    except ScenarioError as error:
        faults += [Fault(file, line, fault.message) for fault in error.faults]
        return None


def _set(model: Model, name: str, setting: Setting, columns: dict[str, Floats], faults: list[Fault]) -> None:
    variable = _constant(model, name, setting.file, setting.line, faults)
    if variable is None:
        return
    try:
        value = convert(float(setting.value), setting.unit or "", variable.unit)
    except ScenarioError as error:
        faults.append(Fault(setting.file, setting.line, f"'{variable.name}': {error.faults[0].message}"))
        return
    message = outside(variable, np.array([value]))
    if message:
        faults.append(Fault(setting.file, setting.line, message))
    else:
        columns[variable.name] = np.array([value])


def _column(model: Model, name: str, value: ArrayLike, faults: list[Fault]) -> Floats | None:
    variable = _constant(model, name, "", None, faults)
    if variable is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.ndim > 1 or array.size == 0:
        faults.append(Fault("", None, f"'{name}': a number or a one-dimensional array of numbers is expected"))
        return None
    column = np.atleast_1d(array).astype(float, copy=False)
    message = outside(variable, column)
    if message:
        faults.append(Fault("", None, message))
        return None
    return column


def outside(variable: Variable, values: Floats) -> str:
    """Say which values are no finite numbers or outside the limits; nothing where all are inside."""
    low, high = variable.limits
    bad = ~np.isfinite(values)
    if low is not None:
        bad |= values < low
    if high is not None:
        bad |= values > high
    if not bad.any():
        return ""
    allowed = f"{'any' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'} {variable.unit}"
    first = values[bad][0]
    count = f" ({int(bad.sum()):,} of {len(values):,} values)" if len(values) > 1 else ""
    return f"'{variable.name}' is {first:g}{count}; allowed: finite numbers, {allowed}".rstrip()


def _runs(columns: Mapping[str, Floats], faults: list[Fault]) -> int:
    """Return the number of runs that the columns make."""
    lengths = {name: len(column) for name, column in columns.items() if len(column) > 1}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"'{name}' {length:,}" for name, length in lengths.items())
        faults.append(Fault("", None, f"arrays of different lengths cannot be the runs of one call: {told}"))
    return max(lengths.values(), default=1)


def _table(model: Model, name: str, given: Any, faults: list[Fault]) -> Table | None:
    """Return a series as a table of time, or note what is wrong with it."""
    file, line = getattr(given, "file", ""), getattr(given, "line", None)
    variable = _constant(model, name, file, line, faults)
    if variable is None:
        return None
    times, values = _points(given)
    if len(times) != len(values) or len(times) < 2:
        faults.append(Fault(file, line, f"series '{name}' needs two points or more, each a time and a value"))
        return None
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        faults.append(Fault(file, line, f"series '{name}': times must be finite and rise"))
        return None
    message = outside(variable, values)
    if message:
        faults.append(Fault(file, line, f"series {message}"))
        return None
    return Table(tuple(times.tolist()), tuple(values.tolist()))


def _points(given: Any) -> tuple[Floats, Floats]:
    """Return times and values of a Series, a mapping, a pandas Series or a one-column data frame."""
    if isinstance(given, Series):
        times: Sequence[Any] = given.times
        values: Sequence[Any] = given.values
    elif isinstance(given, Mapping):
        times, values = list(given.keys()), list(given.values())
    elif hasattr(given, "index"):
        column = given.iloc[:, 0] if getattr(given, "ndim", 1) == 2 else given
        times, values = list(column.index), list(column)
    else:
        return np.array([]), np.array([])
    try:
        return np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        return np.array([]), np.array([])
