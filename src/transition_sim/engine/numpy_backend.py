"""Expressions printed as Python: over batches with NumPy, for one run with plain floats.

Shapes: in the `numpy` printing every variable is `(run,)` and the state `(stock, run)`; in the `scalar` printing
every variable is a float and the state a list. Generated code names things by index (`v12`) and numbers by
`repr`; no text of a model file ever becomes code.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.noise import ARRAYS, DISTRIBUTIONS, draw
from transition_sim.model.equations import (
    Call,
    Expression,
    Kind,
    Lookup,
    Model,
    Number,
    Reference,
    Table,
    Time,
    references,
    walk,
)
from transition_sim.model.functions import FUNCTIONS, SMALL
from transition_sim.model.structure import Structure, needed, used_now

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Program:
    """A model compiled for one printing and one mode of events.

    `start(t, te, half, constants)` -> (state, held): stocks at the start in order of `stocks`, and all that stays
    fixed in a run (constants, INITIAL values, fixed auxiliaries) in order of `held`.
    `derivative(t, te, half, state, held, out)` fills the net flows into `out`, `(stock,)` or `(stock, run)`.
    `observe(t, te, half, state, held)` -> the list of outputs, in order of `outputs`.
    """

    stocks: tuple[str, ...]
    constants: tuple[str, ...]
    held: tuple[str, ...]
    outputs: tuple[str, ...]
    start: Callable[..., tuple[Any, list[Any]]]
    derivative: Callable[..., None]
    observe: Callable[..., list[Any]]
    source: str


def compile_program(model: Model, structure: Structure, outputs: Sequence[str], printing: str, events: str) -> Program:
    """Return the program that computes the outputs of a model.

    `printing` is `numpy` or `scalar`; `events` is `exact` (conditions on time are judged at `te`) or `compatible`
    (at `t`, with Vensim's slack). Stocks that no output and no break point needs are left out.
    """
    printer = _Printer(model, structure, printing, events)
    stocks = _needed_stocks(model, structure, outputs)
    source = printer.source(stocks, tuple(outputs))
    namespace: dict[str, Any] = dict(_SCALAR if printing == "scalar" else _NUMPY)
    namespace.update({f"table{i}": _reader(lookup, printing) for i, lookup in enumerate(printer.lookups)})
    exec(compile(source, "<model>", "exec"), namespace)  # noqa: S102 - our own text, made of indices and numbers
    return Program(
        stocks, printer.constants, printer.held, tuple(outputs),
        namespace["start"], namespace["derivative"], namespace["observe"], source,
    )  # fmt: skip


def fixed_values(
    model: Model, structure: Structure, expressions: Sequence[Expression], held: Mapping[str, Floats]
) -> list[Floats]:
    """Return the values, shape `(run,)`, of expressions of what stays fixed in a run."""
    printer = _Printer(model, structure, "numpy", "exact")
    results = []
    for expression in expressions:
        names = {f"v{printer.index[name]}": held[name] for name in references(expression)}
        source = printer.numeric(expression)
        values = eval(source, {**_NUMPY, **names})  # noqa: S307 - our own text, made of indices and numbers
        results.append(np.asarray(values, dtype=float))
    return results


def _needed_stocks(model: Model, structure: Structure, outputs: Sequence[str]) -> tuple[str, ...]:
    names = needed(model, outputs)
    return tuple(v.name for v in model.of_kind(Kind.STOCK) if v.name in names)


class _Printer:
    """Prints the expressions of one model."""

    def __init__(self, model: Model, structure: Structure, printing: str, events: str) -> None:
        self.model, self.structure, self.printing, self.events = model, structure, printing, events
        self.index = {name: i for i, name in enumerate(model.variables)}
        self.lookups: list[Lookup] = []
        self.lookup_index: dict[tuple[Table, str], int] = {}
        self.constants = tuple(v.name for v in model.of_kind(Kind.CONSTANT))
        initials = tuple(v.name for v in model.of_kind(Kind.INITIAL))
        self.held = (*self.constants, *initials, *structure.fixed)
        self.at_event = False
        self.shared: dict[Expression, str] = {}

    def source(self, stocks: tuple[str, ...], outputs: tuple[str, ...]) -> str:
        flows = [self.model.variables[name].expression for name in stocks]
        lines = [
            *self.start(stocks),
            "",
            *self.derivative(stocks, flows),
            "",
            *self.observe(stocks, outputs),
            "",
        ]
        return "\n".join(lines)

    def start(self, stocks: tuple[str, ...]) -> list[str]:
        """Print everything at the start; a stock is worth its initial value there."""
        lines = ["def start(t, te, half, constants):"]
        lines += [f"    v{self.index[name]} = constants[{i}]" for i, name in enumerate(self.constants)]
        for name in self.structure.initial_order:
            variable = self.model.variables[name]
            expression = variable.initial if variable.initial is not None else variable.expression
            lines.append(f"    v{self.index[name]} = {self.numeric(expression)}")
        state = ", ".join(f"v{self.index[name]}" for name in stocks)
        held = ", ".join(f"v{self.index[name]}" for name in self.held)
        return [*lines, f"    return [{state}], [{held}]"]

    def derivative(self, stocks: tuple[str, ...], flows: list[Expression]) -> list[str]:
        head = ["def derivative(t, te, half, state, held, out):"]
        body, results = self.body(stocks, flows)
        return [
            *head,
            *body,
            *(f"    out[{i}] = {result}" for i, result in enumerate(results)),
            "    return None",
        ]

    def observe(self, stocks: tuple[str, ...], outputs: tuple[str, ...]) -> list[str]:
        body, results = self.body(stocks, [Reference(name) for name in outputs])
        return ["def observe(t, te, half, state, held):", *body, f"    return [{', '.join(results)}]"]

    def body(self, stocks: tuple[str, ...], targets: list[Expression]) -> tuple[list[str], list[str]]:
        """Print what the targets need, each auxiliary once and each repeated term once."""
        needs = used_now(self.model, targets, self.held)
        lines = [f"    v{self.index[name]} = state[{i}]" for i, name in enumerate(stocks) if name in needs]
        lines += [f"    v{self.index[name]} = held[{i}]" for i, name in enumerate(self.held) if name in needs]
        fixed = set(self.held)
        moving = [name for name in self.structure.order if name in needs and name not in fixed]
        counts: Counter[Expression] = Counter(
            node
            for expression in (*(self.model.variables[name].expression for name in moving), *targets)
            for node in walk(expression)
            if isinstance(node, Call | Lookup)
        )
        self.shared = {}
        for name in moving:
            expression = self.model.variables[name].expression
            self.share(expression, counts, lines)
            lines.append(f"    v{self.index[name]} = {self.numeric(expression)}")
        for expression in targets:
            self.share(expression, counts, lines)
        results = [self.numeric(expression) for expression in targets]
        self.shared = {}
        return lines, results

    def share(self, expression: Expression, counts: Counter[Expression], lines: list[str]) -> None:
        """Print terms that occur more than once into names of their own, innermost first."""
        for node in reversed(list(walk(expression))):
            if counts.get(node, 0) < 2 or node in self.shared or self.is_logical(node):
                continue
            text = self.numeric(node)
            self.shared[node] = f"s{len(self.shared)}"
            lines.append(f"    {self.shared[node]} = {text}")

    def is_logical(self, node: Expression) -> bool:
        return isinstance(node, Call) and FUNCTIONS[node.function].logical_out

    def numeric(self, node: Expression) -> str:
        """Print an expression as a number."""
        text = self.print(node)
        if not self.is_logical(node):
            return text
        return f"(1.0 if {text} else 0.0)" if self.printing == "scalar" else f"where({text}, 1.0, 0.0)"

    def logical(self, node: Expression) -> str:
        """Print an expression as a truth value."""
        return self.print(node) if self.is_logical(node) else f"({self.print(node)} != 0.0)"

    def print(self, node: Expression) -> str:
        if node in self.shared and not self.at_event:
            return self.shared[node]
        if isinstance(node, Number):
            return f"({node.value!r})" if node.value < 0 else repr(node.value)
        if isinstance(node, Reference):
            return f"v{self.index[node.name]}"
        if isinstance(node, Time):
            return "te" if self.at_event else "t"
        before = self.at_event
        self.at_event = before or (self.events == "exact" and node in self.structure.split)
        text = self.lookup(node) if isinstance(node, Lookup) else self.call(node)
        self.at_event = before
        return text

    def call(self, node: Call) -> str:
        function = FUNCTIONS[node.function]
        conditional = function.name == "IF THEN ELSE"
        operands = [
            self.logical(argument) if function.logical_in or (conditional and i == 0) else self.numeric(argument)
            for i, argument in enumerate(node.arguments)
        ]
        return function.template(self.printing, self.events).format(*operands)

    def lookup(self, node: Lookup) -> str:
        key = (node.table, node.mode)
        if key not in self.lookup_index:
            self.lookup_index[key] = len(self.lookups)
            self.lookups.append(node)
        return f"table{self.lookup_index[key]}({self.numeric(node.argument)})"


def _reader(lookup: Lookup, printing: str) -> Callable[[Any], Any]:
    """Return the function that reads a table; both printings use the same formula."""
    x, y = np.array(lookup.table.x), np.array(lookup.table.y)
    slopes = np.diff(y) / np.diff(x)
    mode, last = lookup.mode, len(x) - 2

    def read(at: Any) -> Any:
        at = np.asarray(at, dtype=float)
        cell = np.clip(np.searchsorted(x, at, side="right") - 1, 0, last)
        if mode == "forward":
            return y[np.clip(np.searchsorted(x, at, side="left"), 0, last + 1)]
        if mode == "backward":
            return y[np.clip(np.searchsorted(x, at, side="right") - 1, 0, last + 1)]
        value = y[cell] + slopes[cell] * (at - x[cell])
        if mode == "extrapolate":
            return value
        return np.where(at <= x[0], y[0], np.where(at >= x[-1], y[-1], value))

    return (lambda at: float(read(at))) if printing == "scalar" else read


def _quantum(a: Any, b: Any) -> Any:
    return np.where(np.asarray(b) < SMALL, a, b * np.trunc(np.divide(a, b)))


def _xidz(a: Any, b: Any, otherwise: Any) -> Any:
    return np.where(np.abs(b) < SMALL, otherwise, np.divide(a, b))


def _pulse_train(t: Any, start: Any, duration: Any, repeat: Any, end: Any, slack: float) -> Any:
    inside = (t >= start) & (t < end)
    return np.where(inside & (np.mod(t - start + slack, repeat) < duration), 1.0, 0.0)


_PLAIN = (
    "where", "absolute", "exp", "log", "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "power", "minimum", "maximum", "trunc",
)  # fmt: skip

_RANDOM: dict[str, Callable[..., Any]] = {
    "draw": partial(draw, ARRAYS),
    **{name.lower().replace(" ", "_"): partial(formula, ARRAYS) for name, formula in DISTRIBUTIONS.items()},
}

_NUMPY: dict[str, Any] = {
    "__builtins__": {},
    **{name: getattr(np, name) for name in _PLAIN},
    "quantum": _quantum,
    "modulo": lambda a, b: a - _quantum(a, b),
    "zidz": lambda a, b: _xidz(a, b, 0.0),
    "xidz": _xidz,
    "pulse_train": _pulse_train,
    **_RANDOM,
}


def _ieee(function: Callable[..., float]) -> Callable[..., float]:
    """Return a math function that gives NaN or infinity as NumPy does, in place of an exception."""

    def safe(*arguments: float) -> float:
        try:
            return function(*arguments)
        except (ValueError, OverflowError, ZeroDivisionError):
            with np.errstate(all="ignore"):
                return float(_NUMPY_TWIN[function](*arguments))

    return safe


_NUMPY_TWIN: dict[Any, Callable[..., Any]] = {
    math.exp: np.exp, math.log: np.log, math.sqrt: np.sqrt, math.sin: np.sin, math.cos: np.cos, math.tan: np.tan,
    math.asin: np.arcsin, math.acos: np.arccos, math.sinh: np.sinh, math.cosh: np.cosh, math.pow: np.power,
}  # fmt: skip


def _divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _scalar(function: Callable[..., Any]) -> Callable[..., float]:
    def single(*arguments: float) -> float:
        with np.errstate(all="ignore"):
            return float(function(*arguments))

    return single


_SCALAR: dict[str, Any] = {
    "__builtins__": {},
    "divide": _divide,
    "absolute": abs,
    "minimum": lambda a, b: math.nan if a != a or b != b else (a if a <= b else b),
    "maximum": lambda a, b: math.nan if a != a or b != b else (a if a >= b else b),
    "arctan": math.atan,
    "tanh": math.tanh,
    **{name: _ieee(getattr(math, name)) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh")},
    "arcsin": _ieee(math.asin),
    "arccos": _ieee(math.acos),
    "power": _ieee(math.pow),
    **{name: _scalar(_NUMPY[name]) for name in ("trunc", "quantum", "modulo", "zidz", "xidz", "pulse_train", *_RANDOM)},
}
