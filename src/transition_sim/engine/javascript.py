"""Expressions printed as JavaScript: a model with its solver as one module, for a page that works without a network.

The contract of a printed module (`print_module`: an ES module; `print_script`: one constant holding the same names):

`model`: {name, hash, time: {start, stop, step, saveEvery, unit, fixedStep}, method, events, constants: [{name, unit,
value, low, high}], outputs: [{name, unit}], views: [{name, outputs: [index into outputs]}]}. Constants stand in the
order in which `run` wants their values; `low` and `high` are validity limits, null where open. View 0 is `all`, every
output; each view of `print_module(views=)` follows.
`defaults()`: Float64Array of the constants' own values, to change and hand to `run`.
`run(values, {saveEvery, step, start, stop, view})` -> {time, series}: `values` one number a constant; each option may
be left out (the file's own; view 0). `time` Float64Array; `series[j]` Float64Array `(time,)` of the view's j-th output.
`runMany(columns, count, options)` -> {time, series}: `columns[i]` a number or `count` numbers for constant i;
`series[j]` Float64Array `(time, run)`, value of a run at `[time * count + run]`; no run hangs on the others beside it.
Settings of time come from the options alone, whatever their constants say. Limits are not checked there; a run that
breaks down (at too long a step, say) holds NaN or infinities, nothing is thrown for it. RangeError for settings of time
that cannot be, and for a wrong number of constants.

Calls share memory inside the module: one call at a time (as JavaScript has it), another worker has its own. Opened from
a file, Chromium takes a module by `import(blob URL)` but no module as a worker: workers want the script.

Generated code names things by index (`v12`, `C[3]`) and numbers by the shortest text that reads back as the same
double; no text of a model file becomes code, and strings are escaped so that no `</script>` is in them. Parts are
printed by phase (`phases.py`) into functions small enough for a browser to optimise. Operations stand in the order of
the NumPy printing: results differ by what exp, log and powers differ.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from transition_sim.engine.phases import FIXED, STATE, STEP, TIME, Node, Phases, is_plain
from transition_sim.errors import Fault, ModelError, shown
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
    walk,
)
from transition_sim.model.functions import FUNCTIONS, SMALL
from transition_sim.model.structure import Structure, Train, analyse, needed

NAMES = ("model", "defaults", "run", "runMany")
CLOCK = {"INITIAL TIME": "start", "FINAL TIME": "stop", "TIME STEP": "step", "SAVEPER": "every"}
MAX_TRAIN = 10_000
Views = Mapping[str, Sequence[str]]


def print_module(
    model: Model, outputs: Sequence[str] | None = None, views: Views | None = None, method: str = "rk4",
    events: str = "exact",
) -> str:  # fmt: skip
    """Return the text of an ES module that runs a model; see the head of this file for what it exports.

    `outputs` default to every variable that moves, `views` name smaller lists of them. ModelError where the model
    cannot be printed: RANDOM functions, or DELAY FIXED and SAMPLE IF TRUE with any but Euler and compatible events.
    """
    return f"{_body(model, outputs, views, method, events)}\nexport {{ {', '.join(NAMES)} }};\n"


def print_script(
    model: Model, name: str, outputs: Sequence[str] | None = None, views: Views | None = None, method: str = "rk4",
    events: str = "exact",
) -> str:  # fmt: skip
    """Return the same as a script: one constant of that name, an identifier, that holds what the module exports."""
    body = _body(model, outputs, views, method, events)
    return f'const {name} = (() => {{\n"use strict";\n{body}\nreturn {{ {", ".join(NAMES)} }};\n}})();\n'


def _body(model: Model, outputs: Sequence[str] | None, views: Views | None, method: str, events: str) -> str:
    _check(model, method, events)
    structure = analyse(model)
    names = [model.find(name).name for name in outputs] if outputs is not None else moving(model)
    chosen = {"all": names, **{view: [model.find(n).name for n in some] for view, some in (views or {}).items()}}
    return _Printer(model, structure, names, chosen, events).text(method)


def moving(model: Model) -> list[str]:
    """Return the names of all visible variables that are no constants, in file order."""
    return [name for name in model.names() if model.variables[name].kind is not Kind.CONSTANT]


def _check(model: Model, method: str, events: str) -> None:
    """Refuse what cannot be printed, with file, line and function."""
    if method not in ("rk4", "euler") or events not in ("exact", "compatible"):
        raise ModelError(f"method '{method}' with events '{events}': allowed are rk4, euler; exact, compatible")
    faults = []
    file = shown(model.path) if model.path else ""
    for variable in model.variables.values():
        nodes = [n for e in (variable.expression, variable.initial) if e is not None for n in walk(e)]
        for node in nodes:
            if isinstance(node, Call) and not FUNCTIONS[node.function].javascript:
                told = f"'{variable.base}' uses {node.function.upper()}, which cannot be printed as JavaScript"
                faults.append(Fault(file, variable.line or None, told))
        if variable.even_step and (method, events) != ("euler", "compatible"):
            owner, what = variable.name.removeprefix("#").split(">", 1)
            what = what.rsplit(" ", 1)[0]
            told = f"'{owner}' uses {what}, which needs an even grid: method 'euler', events 'compatible'"
            faults.append(Fault(file, variable.line or None, told))
    if faults:
        raise ModelError(sorted(set(faults)))


class _Printer:
    """Prints one model's parts; each part is printed once, those that other parts read into numbered slots."""

    def __init__(self, model: Model, structure: Structure, outputs: list[str], views: Views, events: str) -> None:
        self.model, self.structure, self.outputs, self.views, self.events = model, structure, outputs, views, events
        self.phases = Phases(model, structure, "javascript", events)
        self.index = {name: i for i, name in enumerate(model.variables)}
        self.constants = [variable.name for variable in model.of_kind(Kind.CONSTANT)]
        self.constant_at = {name: i for i, name in enumerate(self.constants)}
        wanted = needed(model, [name for view in views.values() for name in view])
        self.stocks = [v.name for v in model.of_kind(Kind.STOCK) if v.name in wanted]
        self.stock_at = {name: i for i, name in enumerate(self.stocks)}
        self.slots: tuple[dict[Node, int], ...] = ({}, {}, {})
        self.tables: dict[Table, int] = {}

    def text(self, method: str) -> str:
        """Return the whole module but for what it exports."""
        flows = [(self.model.variables[name].expression, False) for name in self.stocks]
        parts = [self.function("flows", "t, te", STATE, flows, "K")]
        for i, view in enumerate(self.views.values()):
            watched: list[Node] = [(Reference(name), False) for name in view]
            parts.append(self.function(f"observe{i}", "t, te", STATE, watched, "O", into=(FIXED,)))
        parts.append(self.function("atTime", "t, te", TIME, list(self.slots[TIME]), "T"))
        parts.append(self.function("atEvent", "te", STEP, list(self.slots[STEP]), "S"))
        parts.append(self.moments())
        parts.append(self.start())
        observers = ", ".join(f"observe{i}" for i in range(len(self.views)))
        sizes = {"C": self.constants, "F": self.slots[FIXED], "S": self.slots[STEP], "T": self.slots[TIME],
                 "X": self.stocks, "K": self.stocks, "O": self.outputs}  # fmt: skip
        facts = {"model": self.description(method), "RK4": method == "rk4", "EXACT": self.events == "exact",
                 "SMALL": SMALL, "MAX_TRAIN": MAX_TRAIN, "clock": self.clock()}  # fmt: skip
        head = [
            *(f"const {name} = {_data(value)};" for name, value in facts.items()),
            *(f"const {name} = new Float64Array({len(what)});" for name, what in sizes.items()),
            *(f"const table{i} = table({_numbers(t.x)}, {_numbers(t.y)});" for t, i in self.tables.items()),
            f"const observers = [{observers}];",
            "let half = 0;",
        ]
        return "\n".join([*head, *parts, _solver()])

    def description(self, method: str) -> dict[str, Any]:
        """Return what the module says about the model."""
        model, time, at = self.model, self.model.time, {name: i for i, name in enumerate(self.outputs)}
        constants = [model.variables[name] for name in self.constants]
        return {
            "name": model.name,
            "hash": model.file_hash,
            "time": {"start": time.initial, "stop": time.final, "step": time.step, "saveEvery": time.save_every,
                     "unit": time.unit, "fixedStep": any(v.even_step for v in model.variables.values())},
            "method": method,
            "events": self.events,
            "constants": [{"name": v.name, "unit": v.unit, "value": v.value, "low": v.limits[0], "high": v.limits[1]}
                          for v in constants],
            "outputs": [{"name": name, "unit": model.variables[name].unit} for name in self.outputs],
            "views": [{"name": view, "outputs": [at[name] for name in some]} for view, some in self.views.items()],
        }  # fmt: skip

    def clock(self) -> list[tuple[int, str]]:
        """Return which constants are settings of time, and what a plan calls them."""
        return [(at, CLOCK[name.upper()]) for name, at in self.constant_at.items() if name.upper() in CLOCK]

    def function(
        self, name: str, arguments: str, phase: int, targets: list[Node], to: str, into: tuple[int, ...] = (0, 1, 2)
    ) -> str:
        """Print a function that writes each target into `to`; parts of phases `into` are given slots of their own."""
        body = _Body(self, phase, into)
        results = body.print(targets)
        lines = [*body.lines, *(f"{to}[{i}] = {result};" for i, result in enumerate(results))]
        return f"function {name}({arguments}) {{\n" + "\n".join(lines) + "\n}"

    def start(self) -> str:
        """Print the start of a run: stocks at their initial values, and what stays fixed in it."""
        body = _Body(self, FIXED, (), starting=True)
        results = body.print([(Reference(name), False) for name in self.stocks] + list(self.slots[FIXED]))
        places = [f"X[{i}]" for i in range(len(self.stocks))] + [f"F[{i}]" for i in range(len(self.slots[FIXED]))]
        lines = [*body.lines, *(f"{to} = {result};" for to, result in zip(places, results, strict=True))]
        return "function start(t) {\nconst te = t;\n" + "\n".join(lines) + "\n}"

    def moments(self) -> str:
        """Print a function that gives the moments at which conditions on time can jump in a run."""
        body = _Body(self, STATE, (FIXED,))
        trains = [point for point in self.structure.breaks if isinstance(point, Train)]
        points: list[Node] = [(point, False) for point in self.structure.breaks if not isinstance(point, Train)]
        parts = [(e, False) for train in trains for e in (train.start, train.duration, train.repeat, train.end)]
        results = body.print([*points, *parts])
        lines = [f"const points = [{', '.join(results[: len(points)])}];"]
        lines += [f"addTrain(points, plan.stop, {', '.join(results[i : i + 4])});"
                  for i in range(len(points), len(results), 4)]  # fmt: skip
        return "function moments(plan) {\n" + "\n".join([*body.lines, *lines]) + "\nreturn points;\n}"

    def table(self, table: Table) -> str:
        return f"table{self.tables.setdefault(table, len(self.tables))}"


class _Body:
    """The body of one function: what is printed into it, each name and each repeated term once."""

    def __init__(self, printer: _Printer, phase: int, into: tuple[int, ...], starting: bool = False) -> None:
        self.of, self.phase, self.into, self.starting = printer, phase, into, starting
        self.lines: list[str] = []
        self.counts: Counter[Node] = Counter()
        self.shared: dict[Node, str] = {}

    def print(self, targets: list[Node]) -> list[str]:
        """Print what the targets need; return the text of each target."""
        names = self.needs(targets)
        order = self.of.structure.initial_order if self.starting else self.of.structure.order
        roots = [(self.expression(name), False) for name in order if name in names]
        for root in (*roots, *targets):
            self.count(root)
        for name, root in zip((n for n in order if n in names), roots, strict=True):
            self.share(root)
            self.lines.append(f"const v{self.of.index[name]} = {self.numeric(root)};")
        for target in targets:
            self.share(target)
        return [self.numeric(target) for target in targets]

    def expression(self, name: str) -> Expression:
        variable = self.of.model.variables[name]
        return variable.initial if self.starting and variable.initial is not None else variable.expression

    def needs(self, targets: list[Node]) -> set[str]:
        """Return the names of the variables that are computed in this body."""
        found: set[str] = set()
        pending = list(targets)
        while pending:
            node = pending.pop()
            if self.slot(node):
                continue
            name = node[0].name if isinstance(node[0], Reference) else ""
            if name and self.is_local(name) and name not in found:
                found.add(name)
                pending.append((self.expression(name), False))
            pending.extend(self.of.phases.children(node))
        return found

    def is_local(self, name: str) -> bool:
        """Tell whether a variable is computed in this body; constants, and stocks but at the start, are in memory."""
        kind = self.of.model.variables[name].kind
        return kind is not Kind.CONSTANT and (self.starting or kind is not Kind.STOCK)

    def slot(self, node: Node) -> str:
        """Return the place in memory of what another function computes; nothing where this one does."""
        phase = self.of.phases.of(node)
        expression = node[0]
        plain = is_plain(expression) and not (isinstance(expression, Reference) and self.is_local(expression.name))
        if phase >= self.phase or plain or self.starting:
            return ""
        slots = self.of.slots[phase]
        if node not in slots and phase not in self.into:
            return ""
        return f"{'FST'[phase]}[{slots.setdefault(node, len(slots))}]"

    def count(self, root: Node) -> None:
        """Count the terms of an expression, as far as they are computed here."""
        pending = [root]
        while pending:
            node = pending.pop()
            if self.slot(node) or is_plain(node[0]):
                continue
            self.counts[node] += 1
            pending.extend(self.of.phases.children(node))

    def share(self, root: Node) -> None:
        """Print terms that occur more than once into names of their own, innermost first."""
        found = []
        pending = [root]
        while pending:
            node = pending.pop()
            if self.slot(node) or is_plain(node[0]) or node in self.shared:
                continue
            found.append(node)
            pending.extend(self.of.phases.children(node))
        for node in reversed(found):
            if self.counts[node] > 1 and node not in self.shared and not _is_logical(node[0]):
                self.name(node)

    def name(self, node: Node) -> str:
        """Return the name of a term, printed before it is used."""
        if node not in self.shared:
            text = self.numeric(node)
            if text.isalnum():
                return text
            self.shared[node] = f"s{len(self.shared)}"
            self.lines.append(f"const {self.shared[node]} = {text};")
        return self.shared[node]

    def numeric(self, node: Node) -> str:
        """Print an expression as a number."""
        text = self.node(node)
        return f"({text} ? 1 : 0)" if _is_logical(node[0]) and not self.slot(node) else text

    def logical(self, node: Node) -> str:
        """Print an expression as a truth value."""
        text = self.node(node)
        return text if _is_logical(node[0]) and not self.slot(node) else f"({text} !== 0)"

    def node(self, node: Node) -> str:
        expression, at_event = node
        place = self.slot(node)
        if place:
            return place
        if node in self.shared:
            return self.shared[node]
        if isinstance(expression, Number):
            return _number(expression.value)
        if isinstance(expression, Reference):
            return self.reference(expression.name)
        if isinstance(expression, Time):
            return "te" if at_event else "t"
        if isinstance(expression, Lookup):
            (argument,) = self.of.phases.children(node)
            return f"{expression.mode}({self.of.table(expression.table)}, {self.numeric(argument)})"
        return self.call(expression, node)

    def reference(self, name: str) -> str:
        if self.is_local(name):
            return f"v{self.of.index[name]}"
        if name in self.of.constant_at:
            return f"C[{self.of.constant_at[name]}]"
        return f"X[{self.of.stock_at[name]}]"

    def call(self, call: Call, node: Node) -> str:
        function = FUNCTIONS[call.function]
        operands = list(self.of.phases.children(node))
        if call.function in ("^", "POWER") and isinstance(call.arguments[1], Number):
            exponent = call.arguments[1].value
            if exponent in range(2, 9):
                base = self.name(operands[0])
                return f"({' * '.join([base] * int(exponent))})"
        conditional = function.name == "IF THEN ELSE"
        texts = [
            self.logical(operand) if function.logical_in or (conditional and i == 0) else self.numeric(operand)
            for i, operand in enumerate(operands)
        ]
        return function.template("javascript", self.of.events).format(*texts)


def _is_logical(expression: Expression) -> bool:
    return isinstance(expression, Call) and FUNCTIONS[expression.function].logical_out


def _number(value: float) -> str:
    """Return the shortest text that JavaScript reads as the same double; ModelError for what is no finite number."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ModelError(f"{value} cannot be printed as a number")
    text = repr(value).removesuffix(".0")
    return f"({text})" if text.startswith("-") else text


def _numbers(values: Sequence[float]) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _data(value: Any) -> str:
    """Return plain data as JavaScript; no text in it can end a script or a line."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


@lru_cache(maxsize=1)
def _solver() -> str:
    return Path(__file__).with_name("solver.js").read_text(encoding="utf-8")
