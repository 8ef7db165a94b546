"""What a model is once it has been read: frozen expressions, variables and settings.

Subscripts are already written out: `service delivery[health]` is a variable of its own. SMOOTH and DELAY
have become stocks, marked `hidden`. No array and no file appears here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property, lru_cache
from pathlib import Path

from transition_sim.errors import ModelError, nearest
from transition_sim.html import card
from transition_sim.html import table as table_of
from transition_sim.model.functions import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """The current value of another variable, by its name in the model."""

    name: str


@dataclass(frozen=True, slots=True)
class Time:
    """The model's clock."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator (`+`, `negative`, `<=`, `:AND:` ...) with its operands.

    `function` is a key of `transition_sim.model.functions.FUNCTIONS`.
    """

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Points of a lookup: `x` rises strictly, `y` has the same length."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table read at `argument`; `mode` says how between and beyond its points.

    Modes: `interpolate` (flat outside), `extrapolate` (last slopes), `forward` and `backward` (steps).
    """

    table: Table
    argument: Expression
    mode: str = "interpolate"


Expression = Number | Reference | Time | Call | Lookup


class Kind(Enum):
    """What a variable is to the engine."""

    CONSTANT = "constant"  # a number in the file; a run may set another
    STOCK = "stock"  # integrates `expression` from `initial`
    AUXILIARY = "auxiliary"  # computed from others at each moment
    INITIAL = "initial"  # computed once, at the start, and held


@dataclass(frozen=True, slots=True)
class Variable:
    """One scalar variable of a model.

    For a stock `expression` is the net flow and `initial` the starting value. For ACTIVE INITIAL `initial`
    is what the variable is worth while stocks get their starting values. `limits` are validity limits in the
    variable's unit, None where open.
    """

    name: str
    kind: Kind
    expression: Expression
    initial: Expression | None = None
    unit: str = ""
    limits: tuple[float | None, float | None] = (None, None)
    documentation: str = ""
    group: str = ""
    line: int = 0
    hidden: bool = False
    even_step: bool = False  # means what it says only where every step is the file's TIME STEP

    @property
    def base(self) -> str:
        """The name without its subscripts."""
        return self.name.split("[", 1)[0]

    @property
    def value(self) -> float:
        """The number that the file gives a constant."""
        if not isinstance(self.expression, Number):
            raise ModelError(f"'{self.name}' is not a constant: it has no value of its own")
        return self.expression.value


@dataclass(frozen=True, slots=True)
class TimeSettings:
    """Start, end, step and saving interval in the model's unit of time, and the file's integration method."""

    initial: float
    final: float
    step: float
    save_every: float
    unit: str
    method: str  # "euler", "rk4", or "rk2", which is read but not offered


@dataclass(frozen=True, eq=False)
class Model:
    """A model: its variables in file order by name, subscript ranges, time settings, path and hashes.

    `file_hash` is the SHA-256 of the file's bytes; `lookups` are the named tables.
    """

    name: str
    path: Path | None
    file_hash: str
    variables: Mapping[str, Variable]
    time: TimeSettings
    subscripts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: Mapping[str, Table] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _by_canonical(self) -> Mapping[str, Variable]:
        return {canonical(name): variable for name, variable in self.variables.items()}

    def find(self, name: str) -> Variable:
        """Return the variable of that name; case, spaces and underscores do not matter.

        Raises ModelError with the nearest name where there is none.
        """
        variable = self._by_canonical.get(canonical(name))
        if variable is None:
            where = self.path.name if self.path else self.name
            raise ModelError(f"'{name}' is not in {where}{nearest(name, self.names())}")
        return variable

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and canonical(name) in self._by_canonical

    def __repr__(self) -> str:
        return f"<Model '{self.name}': {len(self.names())} variables, {self.file_hash[:12]}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how many variables of each kind in each sector, the clock and the file."""
        shown = [variable for variable in self.variables.values() if not variable.hidden]
        groups = dict.fromkeys(variable.group for variable in shown)
        kinds = (Kind.STOCK, Kind.AUXILIARY, Kind.CONSTANT)
        rows = [
            [
                group or "all",
                ", ".join(v.name for v in shown if v.group == group and v.kind is Kind.STOCK),
                *(str(sum(v.group == group and v.kind is kind for v in shown)) for kind in kinds),
            ]
            for group in groups
        ]
        head = ["sector", "its stocks", "stocks", "auxiliaries", "constants"]
        time = self.time
        clock = f"Runs from {time.initial:g} to {time.final:g} {time.unit}, step {time.step:g}."
        where = self.path.name if self.path else "no file"
        note = f"File {where}, {self.file_hash[:12]}. model.find(NAME) shows a variable's equation, unit and source."
        return card(
            f"Model '{self.name}': {len(shown)} variables",
            [table_of(head, rows, words=2)],
            [clock, note],
            self.constants,
        )

    def names(self) -> list[str]:
        """Return the names of all visible variables, in file order."""
        return [name for name, variable in self.variables.items() if not variable.hidden]

    def of_kind(self, kind: Kind) -> list[Variable]:
        """Return the variables of one kind, hidden ones included, in file order."""
        return [variable for variable in self.variables.values() if variable.kind is kind]

    @property
    def constants(self) -> dict[str, float]:
        """The constants and the numbers that the file gives them."""
        return {variable.name: variable.value for variable in self.of_kind(Kind.CONSTANT) if not variable.hidden}

    @property
    def stocks(self) -> list[str]:
        """The names of the visible stocks."""
        return [variable.name for variable in self.of_kind(Kind.STOCK) if not variable.hidden]

    @property
    def clock_inputs(self) -> set[str]:
        """Names of the constants from which the file computes its time settings; a run cannot set them."""
        clock = {"initial time", "final time", "time step", "saveper"}
        pending = [v.expression for v in self.variables.values() if canonical(v.name) in clock]
        found: set[str] = set()
        while pending:
            for name in references(pending.pop()):
                if name not in found:
                    found.add(name)
                    pending.append(self.variables[name].expression)
        return {name for name in found if canonical(name) not in clock}

    @cached_property
    def draws(self) -> tuple[tuple[str, str], ...]:
        """Variables that draw random numbers while a run goes on, not at its start alone, with the function."""
        return tuple(
            (variable.name, node.function)
            for variable in self.variables.values()
            if variable.kind in (Kind.STOCK, Kind.AUXILIARY)
            for node in walk(variable.expression)
            if isinstance(node, Call) and FUNCTIONS[node.function].random
        )

    def with_series(self, series: Mapping[str, Table]) -> Model:
        """Return a model in which each named constant follows a table of time, linear between its points."""
        changed = dict(self.variables)
        for name, table in series.items():
            variable = self.find(name)
            changed[variable.name] = replace(variable, kind=Kind.AUXILIARY, expression=Lookup(table, Time()))
        return replace(self, variables=changed)

    def with_frozen(self, stocks: Mapping[str, float | None], since: float | None = None) -> Model:
        """Return a model in which each named stock keeps a value, or where it is None its own.

        Without `since` that is its initial value, for the whole run; else the value that it has at that time.
        Raises ModelError for a name that is no stock.
        """
        changed = dict(self.variables)
        for name, value in stocks.items():
            stock = self.find(name)
            if stock.kind is not Kind.STOCK:
                raise ModelError(f"'{stock.name}' is no stock ({stock.kind.value}), so it cannot be frozen")
            flow: Expression = Number(0.0)
            if since is not None:
                early = Call("<", (Time(), Number(float(since))))
                flow = Call("IF THEN ELSE", (early, stock.expression, Number(0.0)))
            initial = stock.initial if value is None else Number(float(value))
            changed[stock.name] = replace(stock, expression=flow, initial=initial)
        return replace(self, variables=changed)


@lru_cache(maxsize=16_384)
def canonical(name: str) -> str:
    """Return the form in which two spellings of one name are equal.

    Case, quotes, runs of spaces and underscores, and spaces around brackets and commas do not count.
    """
    plain = re.sub(r"[\s_]+", " ", name.strip().strip('"')).casefold()
    return re.sub(r"\s*([\[\],])\s*", r"\1", plain)


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and everything inside it, outermost first."""
    pending = [expression]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Call):
            pending.extend(reversed(node.arguments))
        elif isinstance(node, Lookup):
            pending.append(node.argument)


def references(expression: Expression) -> list[str]:
    """Return the names that an expression refers to, each once, in order of appearance."""
    return list(dict.fromkeys(node.name for node in walk(expression) if isinstance(node, Reference)))
