"""A parsed equation becomes expressions: references resolved, subscripts written out, structures made stocks.

The trees that come in are PySD's; they are told apart by class name, so that this module imports no PySD.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from transition_sim.errors import ModelError, nearest
from transition_sim.model import draws
from transition_sim.model.equations import (
    Call,
    Expression,
    Kind,
    Lookup,
    Number,
    Reference,
    Table,
    Time,
    canonical,
)
from transition_sim.model.functions import FUNCTIONS, supported

MAX_NODES = 20_000
MAX_ORDER = 100
MAX_CELLS = 2000
MAX_DEPTH = 10
OVER_RANGES = {"sum": "+", "prod": "*", "vmin": "MIN", "vmax": "MAX"}
LOOKUP_CALLS = {
    "lookup extrapolate": "extrapolate",
    "lookup forward": "forward",
    "lookup backward": "backward",
}


@dataclass(frozen=True)
class Macro:
    """A macro: its name, the canonical names of its inputs, and its equations, canonical name and tree each."""

    name: str
    inputs: tuple[str, ...]
    equations: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Scope:
    """What names mean in one file: ranges, defined elements, names as written, lookup tables, macros.

    `mappings` gives, for two ranges, which element of the first stands for which of the second; `calls` collects the
    numbers of the RANDOM calls met so far.
    """

    ranges: Mapping[str, tuple[str, ...]]
    elements: Mapping[str, int]
    names: Mapping[str, str]
    element_names: Mapping[str, str]
    lookups: Mapping[str, Table]
    macros: Mapping[str, Macro] = field(default_factory=dict)
    mappings: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    calls: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Hidden:
    """A variable that a function stands for: a level of a SMOOTH or DELAY, or a held INITIAL."""

    name: str
    kind: Kind
    expression: Expression
    initial: Expression | None = None
    even_step: bool = False


@dataclass
class Converter:
    """Turns the tree of one scalar variable into expressions, collecting hidden variables on the way."""

    scope: Scope
    bound: Mapping[str, str]  # canonical range name -> element, for this scalar variable
    owner: str
    step: float | None = None  # the file's TIME STEP, where it is a number
    local: Mapping[str, Expression] | None = None  # inside a macro: its inputs and variables
    depth: int = 0
    hidden: list[Hidden] = field(default_factory=list)
    nodes: int = 0
    random_calls: int = 0

    def definition(self, tree: Any) -> tuple[Kind, Expression, Expression | None]:
        """Return kind, expression and initial value of the variable that this tree defines."""
        kind = type(tree).__name__
        if kind == "IntegStructure":
            return Kind.STOCK, self.convert(tree.flow), self.convert(tree.initial)
        if kind == "InitialStructure":
            return Kind.INITIAL, self.convert(tree.initial), None
        if kind == "CallStructure" and self.called(tree) == "active initial":
            self.count(tree, "ACTIVE INITIAL", 2)
            return Kind.AUXILIARY, self.convert(tree.arguments[0]), self.convert(tree.arguments[1])
        expression = self.convert(tree)
        if isinstance(expression, Number):
            return Kind.CONSTANT, expression, None
        return Kind.AUXILIARY, expression, None

    def convert(self, tree: Any) -> Expression:
        """Return the expression of a tree; ModelError where it holds what is not supported."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ModelError(f"'{self.owner}' grows above {MAX_NODES:,} terms once subscripts are written out")
        if isinstance(tree, (int, float)) or hasattr(tree, "dtype"):
            return self.number(tree)
        handler = getattr(self, f"_{type(tree).__name__}", None)
        if handler is None:
            what = type(tree).__name__.removesuffix("Structure")
            raise ModelError(f"'{self.owner}': {what} is not supported{nearest(what, supported())}")
        result: Expression = handler(tree)
        return result

    def number(self, tree: Any) -> Expression:
        if getattr(tree, "size", 1) != 1:
            raise ModelError(f"'{self.owner}': a list of numbers can only stand alone")
        value = float(tree)
        if not math.isfinite(value):
            raise ModelError(f"'{self.owner}': {value} is no finite number (:NA: is not supported)")
        return Number(value)

    def called(self, tree: Any) -> str:
        return canonical(getattr(tree.function, "reference", ""))

    def count(self, tree: Any, name: str, *allowed: int) -> None:
        given = len(tree.arguments)
        if given not in allowed:
            wanted = " or ".join(map(str, allowed))
            raise ModelError(f"'{self.owner}': {name} takes {wanted} arguments, {given} given")

    def _ArithmeticStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        operators, arguments = list(tree.operators), list(tree.arguments)
        if operators == ["negative"]:
            return negative(self.convert(arguments[0]))
        if operators[0] == "^":
            return self.power(arguments)
        result = self.convert(arguments[0])
        for operator, argument in zip(operators, arguments[1:], strict=True):
            result = Call(operator, (result, self.convert(argument)))
        return result

    def power(self, arguments: list[Any]) -> Expression:
        """Return a chain of powers, right to left; a literal's minus binds weaker than its power."""
        if len(arguments) == 1:
            return self.convert(arguments[0])
        base, exponent = self.convert(arguments[0]), self.power(arguments[1:])
        if isinstance(base, Number) and base.value < 0:
            return negative(Call("^", (Number(-base.value), exponent)))
        return Call("^", (base, exponent))

    def _LogicStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        if tree.operators == [":NOT:"]:
            return Call(":NOT:", (self.convert(tree.arguments[0]),))
        result = self.convert(tree.arguments[0])
        groups: list[Expression] = []
        for operator, argument in zip(tree.operators, tree.arguments[1:], strict=True):
            if operator.upper() == ":OR:":  # :AND: binds stronger
                groups.append(result)
                result = self.convert(argument)
            else:
                result = Call(operator.upper(), (result, self.convert(argument)))
        groups.append(result)
        result = groups[0]
        for group in groups[1:]:
            result = Call(":OR:", (result, group))
        return result

    def _ReferenceStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        own = self.local is not None and canonical(tree.reference) in self.local
        if canonical(tree.reference) == "time" and tree.subscripts is None and not own:
            return Time()
        if self.local is not None:
            return self.inside_macro(tree, self.local)
        name = self.element(tree)
        if name in self.scope.lookups:
            raise ModelError(f"'{self.owner}': lookup '{tree.reference}' needs an argument in brackets")
        return Reference(self.scope.element_names[name])

    def inside_macro(self, tree: Any, local: Mapping[str, Expression]) -> Expression:
        """Return what a name means inside a macro: an input, a variable of its own, or `name$` outside."""
        name = canonical(tree.reference)
        if tree.subscripts is not None:
            raise ModelError(f"'{self.owner}': subscripts inside a macro are not supported")
        if name in local:
            return local[name]
        outer = name.removesuffix("$").strip()
        if name.endswith("$") and outer in self.scope.element_names:
            return Reference(self.scope.element_names[outer])
        raise ModelError(
            f"'{self.owner}': '{tree.reference.replace('_', ' ')}' is no input or variable of the macro"
            f"{nearest(name, local)} (a variable outside is written with a $ behind its name)"
        )

    def macro_call(self, tree: Any, macro: Macro) -> Expression:
        """Write out a macro for one call: its inputs and variables become hidden variables of their own."""
        self.count(tree, f"macro '{macro.name}'", len(macro.inputs))
        if self.depth >= MAX_DEPTH:
            raise ModelError(f"'{self.owner}': macro '{macro.name}' calls macros more than {MAX_DEPTH} deep")
        values = [self.convert(argument) for argument in tree.arguments]  # may hide variables: before this one's place
        place = f"{self.owner}>{macro.name} {len(self.hidden) + 1}"
        names = {name: f"#{place}>{name}" for name, _ in macro.equations}
        local: dict[str, Expression] = {name: Reference(hidden) for name, hidden in names.items()}
        for given, value in zip(macro.inputs, values, strict=True):
            local[given] = value if isinstance(value, Number) else Reference(f"#{place}>{given}")
            if not isinstance(value, Number):
                self.hidden.append(Hidden(f"#{place}>{given}", Kind.AUXILIARY, value))
        inner = Converter(self.scope, {}, place, self.step, local, self.depth + 1, nodes=self.nodes)
        for name, equation in macro.equations:
            kind, expression, initial = inner.definition(equation)
            kind = Kind.AUXILIARY if kind is Kind.CONSTANT else kind
            self.hidden.append(Hidden(names[name], kind, expression, initial))
        self.nodes = inner.nodes
        self.hidden += inner.hidden
        return local[canonical(macro.name)]

    def element(self, tree: Any) -> str:
        """Return the canonical full name that a reference means for this scalar variable."""
        base = canonical(tree.reference)
        subscripts = [self.subscript(s) for s in tree.subscripts.subscripts] if tree.subscripts else []
        name = canonical(f"{base}[{','.join(subscripts)}]" if subscripts else base)
        if name in self.scope.elements:
            return name
        shown = self.scope.names.get(base)
        if shown is None:
            spoken = tree.reference.replace("_", " ")
            raise ModelError(f"'{self.owner}': '{spoken}' is not defined{nearest(spoken, self.scope.names.values())}")
        raise ModelError(
            f"'{self.owner}': '{shown}' has no element '[{', '.join(subscripts)}]'"
            if subscripts
            else f"'{self.owner}': '{shown}' needs its subscripts"
        )

    def subscript(self, text: str) -> str:
        name = canonical(text)
        if name in self.bound:
            return self.bound[name]
        for source, element in self.bound.items():
            if (source, name) in self.scope.mappings:
                return self.scope.mappings[source, name][canonical(element)]
        if name.rstrip("! ") in self.scope.ranges:
            where = "inside SUM, PROD, VMIN or VMAX" if name.endswith("!") else "on the left-hand side"
            raise ModelError(f"'{self.owner}': subscript range '{text}' can only be used where it stands {where}")
        return text

    def _CallStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        name = self.called(tree)
        if name in self.scope.macros:
            return self.macro_call(tree, self.scope.macros[name])
        if name in OVER_RANGES:
            self.count(tree, name.upper(), 1)
            return self.over_ranges(tree.arguments[0], name.upper(), OVER_RANGES[name])
        if name in LOOKUP_CALLS:
            self.count(tree, name.upper(), 2)
            return Lookup(self.table(tree.arguments[0]), self.convert(tree.arguments[1]), LOOKUP_CALLS[name])
        if name == "active initial":
            raise ModelError(f"'{self.owner}': ACTIVE INITIAL can only stand alone on the right-hand side")
        if name in self.scope.names:
            return self.lookup_call(tree)
        if name == "random 0 1":
            self.count(tree, "RANDOM 0 1", 0)
            return self.random_call("RANDOM UNIFORM", [Number(0.0), Number(1.0), Number(0.0)])
        function = FUNCTIONS.get(name.upper())
        if function is None or function.infix:
            written = tree.function.reference.replace("_", " ").strip().upper() or "_"
            kin = [known for known in supported() if known.startswith("RANDOM") and written.startswith("RANDOM")]
            told = f"; allowed: {', '.join(kin)}" if kin else nearest(written, supported())
            raise ModelError(f"'{self.owner}': function '{written}' is not supported{told}")
        self.count(tree, function.name, function.arity)
        arguments = list(tree.arguments)
        if function.random:
            return self.random_call(function.name, [self.convert(argument) for argument in arguments])
        if function.name == "PULSE TRAIN":  # the parser hands on (start, repeat, width, end)
            arguments = [arguments[0], arguments[2], arguments[1], arguments[3]]
        return Call(function.name, tuple(self.convert(argument) for argument in arguments))

    def random_call(self, function: str, arguments: list[Expression]) -> Expression:
        """Return a call that draws numbers of its own, by the name of the variable and the call's place in it."""
        self.random_calls += 1
        given = draws.NOISE_SEED in self.scope.elements
        noise_seed = Reference(self.scope.element_names[draws.NOISE_SEED]) if given else None
        number = draws.call_number(f"{self.owner}>{self.random_calls}", self.scope.calls)
        return draws.drawn(self.owner, function, arguments, number, noise_seed or Number(draws.USUAL_NOISE_SEED))

    def lookup_call(self, tree: Any) -> Expression:
        name = self.element(tree.function)
        if name not in self.scope.lookups:
            shown = self.scope.names[canonical(tree.function.reference)]
            raise ModelError(f"'{self.owner}': '{shown}' is no lookup and takes no argument")
        self.count(tree, f"lookup '{tree.function.reference}'", 1)
        return Lookup(self.scope.lookups[name], self.convert(tree.arguments[0]))

    def table(self, tree: Any) -> Table:
        if type(tree).__name__ == "ReferenceStructure":
            name = self.element(tree)
            if name in self.scope.lookups:
                return self.scope.lookups[name]
        raise ModelError(f"'{self.owner}': a lookup's name is expected as first argument")

    def _InlineLookupsStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        try:
            table = table_of(tree.lookups)
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"'{self.owner}': {error}") from error
        return Lookup(table, self.convert(tree.argument))

    def over_ranges(self, tree: Any, function: str, operator: str) -> Expression:
        """Return the sum, product, least or largest over every range marked with `!` in the argument."""
        marked = list(dict.fromkeys(_marked(tree)))
        if not marked:
            raise ModelError(f"'{self.owner}': {function} needs a subscript marked with '!'")
        axes = []
        for name in marked:
            if name.rstrip("! ") not in self.scope.ranges:
                raise ModelError(f"'{self.owner}': {function} over '{name}': no such subscript range")
            axes.append(self.scope.ranges[name.rstrip("! ")])
        outer, total = self.bound, None
        for combination in product(*axes):
            self.bound = {**outer, **dict(zip(marked, combination, strict=True))}
            term = self.convert(tree)
            total = term if total is None else Call(operator, (total, term))
        self.bound = outer
        if total is None:
            raise ModelError(f"'{self.owner}': {function} over an empty range")
        return total

    def hide(
        self, what: str, kind: Kind, expression: Expression, initial: Expression | None = None, even_step: bool = False
    ) -> Reference:
        own = self.next_hidden(what)
        self.hidden.append(Hidden(own.name, kind, expression, initial, even_step))
        return own

    def next_hidden(self, what: str) -> Reference:
        """Return what the next hidden variable will be called, for equations that use it in its own."""
        return Reference(f"#{self.owner}>{what} {len(self.hidden) + 1}")

    def _InitialStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        return self.hide("INITIAL", Kind.INITIAL, self.convert(tree.initial))

    def _IntegStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        raise ModelError(f"'{self.owner}': INTEG can only stand alone on the right-hand side")

    def order(self, tree: Any) -> int:
        """Return the order of a SMOOTH or DELAY, which is structure: a literal whole number."""
        try:
            order = float(tree)
        except (TypeError, ValueError):
            raise ModelError(f"'{self.owner}': the order of a delay or smooth must be written as a number") from None
        if order != int(order) or not 1 <= order <= MAX_ORDER:
            raise ModelError(f"'{self.owner}': order {order:g} of a delay or smooth; allowed: 1 to {MAX_ORDER}")
        return int(order)

    def _SmoothNStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        return self._SmoothStructure(tree)

    def _DelayNStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        return self._DelayStructure(tree)

    def _TrendStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        """Return the share by which the input departs from its average, a unit of time."""
        value, time = self.convert(tree.input), self.convert(tree.average_time)
        start = Call("+", (Number(1.0), Call("*", (self.convert(tree.initial_trend), time))))
        average = self.average("TREND", value, time, Call("/", (value, start)))
        distance = Call("*", (time, Call("ABS", (average,))))
        return Call("ZIDZ", (Call("-", (value, average)), distance))

    def _ForecastStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        """Return the input carried forward by its trend."""
        value, time = self.convert(tree.input), self.convert(tree.average_time)
        start = Call("+", (Number(1.0), self.convert(tree.initial_trend)))
        average = self.average("FORECAST", value, time, Call("/", (value, start)))
        trend = Call("ZIDZ", (Call("-", (value, average)), Call("*", (time, average))))
        return Call("*", (value, Call("+", (Number(1.0), Call("*", (trend, self.convert(tree.horizon)))))))

    def _SampleIfTrueStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        """Return the input while a condition holds, else what it was when it last held."""
        condition, value = self.convert(tree.condition), self.convert(tree.input)
        seen = Call("IF THEN ELSE", (condition, value, self.next_hidden("SAMPLE IF TRUE")))
        self.keep("SAMPLE IF TRUE", seen, self.convert(tree.initial))
        return seen

    def _DelayFixedStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        """Return the end of a row of cells, each of which takes over from the one before at every step."""
        time = self.convert(tree.delay_time)
        if not isinstance(time, Number) or self.step is None:
            raise ModelError(f"'{self.owner}': DELAY FIXED needs a delay time and a TIME STEP written as numbers")
        cells = max(math.floor(time.value / self.step + 0.5 + 1e-6), 1)
        if cells > MAX_CELLS:
            raise ModelError(f"'{self.owner}': DELAY FIXED over {cells:,} steps; allowed: 1 to {MAX_CELLS:,}")
        before, initial = self.convert(tree.input), self.convert(tree.initial)
        for _ in range(cells):
            before = self.keep("DELAY FIXED", before, initial)
        return before

    def keep(self, what: str, value: Expression, initial: Expression) -> Reference:
        """Return a hidden stock that is worth what a value was a step before, under Euler's rule."""
        own = self.next_hidden(what)
        if "time step" not in self.scope.elements:
            raise ModelError(f"'{self.owner}': {what} needs TIME STEP")
        step = Reference(self.scope.element_names["time step"])
        return self.hide(what, Kind.STOCK, Call("/", (Call("-", (value, own)), step)), initial, even_step=True)

    def average(self, what: str, value: Expression, time: Expression, initial: Expression) -> Reference:
        """Return a hidden stock that follows a value over a time."""
        own = self.next_hidden(what)
        return self.hide(what, Kind.STOCK, Call("/", (Call("-", (value, own)), time)), initial)

    def _SmoothStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        """Return the last level of a chain in which each level closes on the one before."""
        before, initial = self.convert(tree.input), self.convert(tree.initial)
        count = self.order(tree.order)
        time, order = self.convert(tree.smooth_time), Number(float(count))
        for _ in range(count):
            own = self.next_hidden("SMOOTH")
            flow = Call("/", (Call("*", (Call("-", (before, own)), order)), time))
            before = self.hide("SMOOTH", Kind.STOCK, flow, initial)
        return before

    def _DelayStructure(self, tree: Any) -> Expression:  # noqa: N802 - named after the parser's class
        """Return the outflow of a chain of levels, each worth its outflow times the delay time."""
        before, initial = self.convert(tree.input), self.convert(tree.initial)
        count = self.order(tree.order)
        time, order = self.convert(tree.delay_time), Number(float(count))
        for _ in range(count):
            outflow = Call("/", (self.next_hidden("DELAY"), time))
            flow = Call("*", (Call("-", (before, outflow)), order))
            self.hide("DELAY", Kind.STOCK, flow, Call("*", (initial, time)))
            before = outflow
        return before


def negative(expression: Expression) -> Expression:
    """Return the expression with its sign turned; a number stays a number."""
    return Number(-expression.value) if isinstance(expression, Number) else Call("negative", (expression,))


def _marked(tree: Any) -> list[str]:
    """Return the canonical names of the ranges marked with `!` in a tree, those of inner SUMs left out."""
    if type(tree).__name__ == "ReferenceStructure":
        names = tree.subscripts.subscripts if tree.subscripts else []
        return [canonical(name) for name in names if name.strip().endswith("!")]
    if type(tree).__name__ == "CallStructure" and canonical(tree.function.reference) in OVER_RANGES:
        return []
    inner = getattr(tree, "arguments", None) or ()
    found = [name for branch in inner for name in _marked(branch)]
    if type(tree).__name__ == "CallStructure":
        found += _marked(tree.function)
    if type(tree).__name__ == "InlineLookupsStructure":
        found += _marked(tree.argument)
    return found


def table_of(tree: Any) -> Table:
    """Return the checked table of a parsed lookup; ValueError says what is wrong with it."""
    if type(tree).__name__ != "LookupsStructure":
        raise ValueError("tables from spreadsheets are not supported")
    x, y = tuple(map(float, tree.x)), tuple(map(float, tree.y))
    if len(x) < 2:
        raise ValueError("a lookup needs two points or more")
    if any(not abs(v) < float("inf") for v in (*x, *y)):
        raise ValueError("a lookup's points must be finite numbers")
    if any(b <= a for a, b in pairwise(x)):
        raise ValueError("a lookup's x values must differ")
    return Table(x, y)
