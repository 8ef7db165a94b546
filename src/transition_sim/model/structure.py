"""How the parts of a model hang together: order of evaluation, phases, cycles, and break points in time.

A variable is `fixed` when its value cannot change within a run (it hangs on constants and held INITIAL values
alone). Break points are moments at which a condition on time can jump: they come from STEP, PULSE, RAMP,
PULSE TRAIN, comparisons and MIN/MAX of Time with something fixed, and the points of lookups of Time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from transition_sim.errors import Fault, ModelError
from transition_sim.model.equations import (
    Call,
    Expression,
    Kind,
    Lookup,
    Model,
    Number,
    Reference,
    Time,
    Variable,
    references,
    walk,
)
from transition_sim.model.functions import FUNCTIONS

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Train:
    """A PULSE TRAIN's break points: start + k repeat and those plus duration, up to end."""

    start: Expression
    duration: Expression
    repeat: Expression
    end: Expression


@dataclass(frozen=True)
class Structure:
    """What the engine needs to know of a model's shape.

    `order`: auxiliaries so that each stands after what it uses; `initial_order`: the same at the start, stocks
    and INITIAL values included; `fixed`: names that cannot change within a run, in order; `breaks`: fixed
    expressions of the moments at which time conditions can jump; `split`: the comparisons and stepwise lookups that
    these cover; `unsplit`: names of variables with a jump that no break point covers; `sudden`: those of them that hang
    on time by another way than through stocks, so that a long step could miss them altogether.
    """

    order: tuple[str, ...]
    initial_order: tuple[str, ...]
    fixed: tuple[str, ...]
    breaks: tuple[Expression | Train, ...]
    split: frozenset[Expression]
    unsplit: tuple[str, ...]
    sudden: tuple[str, ...]


def analyse(model: Model) -> Structure:
    """Return the structure of a model; ModelError where it hangs on itself without a stock between."""
    faults: list[Fault] = []
    order, initial_order = _orders(model, "", faults)
    if faults:
        raise ModelError(faults)
    fixed = _fixed(model, order)
    breaks: dict[Expression | Train, None] = {}
    split: set[Expression] = set()
    is_fixed = _fixed_test(model, frozenset(fixed))
    unsplit = [v.name for v in model.variables.values() if not _breaks_of(v.expression, is_fixed, breaks, split)]
    sudden = [name for name in unsplit if _hangs_on_time(model, name)]
    return Structure(order, initial_order, fixed, tuple(breaks), frozenset(split), tuple(unsplit), tuple(sudden))


def check(model: Model, file: str) -> None:
    """Raise ModelError, naming file and line, where variables hang on themselves in a circle."""
    faults: list[Fault] = []
    _orders(model, file, faults)
    if faults:
        raise ModelError(faults)


def needed(model: Model, names: Iterable[str], stocks_too: bool = True) -> set[str]:
    """Return all variables that must be known to compute the named ones; through stocks too if asked."""
    seen: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        variable = model.variables[name]
        if variable.kind is not Kind.STOCK or stocks_too:
            pending.extend(references(variable.expression))
    return seen


def used_now(model: Model, targets: Iterable[Expression], fixed: Iterable[str]) -> set[str]:
    """Return the names that must be known at a moment to compute expressions, not what is behind fixed ones."""
    still = set(fixed)
    seen: set[str] = set()
    pending = [name for expression in targets for name in references(expression)]
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in still and model.variables[name].kind is Kind.AUXILIARY:
            pending.extend(references(model.variables[name].expression))
    return seen


def _orders(model: Model, file: str, faults: list[Fault]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    running = {v.name: references(v.expression) for v in model.of_kind(Kind.AUXILIARY)}
    start = {name: references(_at_start(v)) for name, v in model.variables.items() if v.kind is not Kind.CONSTANT}
    order = _sorted(model, running, file, faults, "hangs on itself with no stock between")
    if faults:
        return (), ()
    return order, _sorted(model, start, file, faults, "hangs on itself in its initial value")


def _at_start(variable: Variable) -> Expression:
    """Return what a variable is worth when a run starts."""
    return variable.initial if variable.initial is not None else variable.expression


def _sorted(model: Model, graph: Mapping[str, list[str]], file: str, faults: list[Fault], what: str) -> tuple[str, ...]:
    sorter = TopologicalSorter({name: [d for d in uses if d in graph] for name, uses in graph.items()})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        spoken = " -> ".join(f"'{name}'" for name in circle[:8]) + (" ..." if len(circle) > 8 else "")
        faults.append(Fault(file, model.variables[circle[0]].line, f"'{circle[0]}' {what}: {spoken}"))
        return ()


def _fixed(model: Model, order: tuple[str, ...]) -> tuple[str, ...]:
    """Return the auxiliaries that hang on constants and held values alone, in order of evaluation."""
    fixed: dict[str, None] = {}
    for name in order:
        variable = model.variables[name]
        test = _fixed_test(model, frozenset(fixed))
        if variable.initial is None and test(variable.expression):
            fixed[name] = None
    return tuple(fixed)


def _fixed_test(model: Model, fixed: frozenset[str]) -> Callable[[Expression], bool]:
    """Return a test that tells whether an expression cannot change within a run."""

    def test(expression: Expression) -> bool:
        return all(_still(node) for node in walk(expression))

    def _still(node: Expression) -> bool:
        if isinstance(node, Reference):
            return node.name in fixed or model.variables[node.name].kind in (Kind.CONSTANT, Kind.INITIAL)
        if isinstance(node, Call):
            return not FUNCTIONS[node.function].time
        return not isinstance(node, Time)

    return test


def _hangs_on_time(model: Model, name: str) -> bool:
    """Tell whether a variable hangs on time at a moment, the stocks given."""
    expressions = (model.variables[other].expression for other in needed(model, [name], stocks_too=False)
                   if model.variables[other].kind is not Kind.STOCK)  # fmt: skip
    nodes = [node for expression in expressions for node in walk(expression)]
    return any(isinstance(n, Time) or (isinstance(n, Call) and FUNCTIONS[n.function].time) for n in nodes)


def _breaks_of(
    expression: Expression,
    is_fixed: Callable[[Expression], bool],
    breaks: dict[Expression | Train, None],
    split: set[Expression],
) -> bool:
    """Collect the break points of one expression; False where it can jump at a moment they do not cover."""
    covered = True
    for node in walk(expression):
        if isinstance(node, Lookup):
            covered = _lookup_breaks(node, is_fixed, breaks, split) and covered
        if not isinstance(node, Call):
            continue
        found = _call_breaks(node, is_fixed)
        if found is not None:
            breaks.update(dict.fromkeys(found))
            if node.function in COMPARISONS:
                split.add(node)
        elif FUNCTIONS[node.function].jumps and not is_fixed(node):
            covered = False
    return covered


def _call_breaks(node: Call, is_fixed: Callable[[Expression], bool]) -> list[Expression | Train] | None:
    """Return the fixed moments at which this call can jump or bend; None where it has none or they are not fixed."""
    arguments = node.arguments
    if node.function == "STEP" and is_fixed(arguments[1]):
        return [arguments[1]]
    if node.function == "PULSE" and all(map(is_fixed, arguments)):
        return [arguments[0], Call("+", arguments)]
    if node.function == "RAMP" and all(map(is_fixed, arguments[1:])):
        return [arguments[1], arguments[2]]
    if node.function == "PULSE TRAIN" and all(map(is_fixed, arguments)):
        return [Train(*arguments)]
    if node.function in (*COMPARISONS, "MIN", "MAX"):
        for one, other in (arguments, arguments[::-1]):
            shift = _shift(one, is_fixed)
            if shift is not None and is_fixed(other):
                return [Call("-", (other, shift))]
    return None


def _shift(expression: Expression, is_fixed: Callable[[Expression], bool]) -> Expression | None:
    """Return c where the expression is Time + c with c fixed, else None."""
    if isinstance(expression, Time):
        return Number(0.0)
    if isinstance(expression, Call) and expression.function in ("+", "-") and isinstance(expression.arguments[0], Time):
        other = expression.arguments[1]
        if is_fixed(other):
            return other if expression.function == "+" else Call("negative", (other,))
    return None


def _lookup_breaks(
    node: Lookup,
    is_fixed: Callable[[Expression], bool],
    breaks: dict[Expression | Train, None],
    split: set[Expression],
) -> bool:
    """Add the points of a lookup of Time; False for a stepwise lookup of anything that moves otherwise."""
    stepwise = node.mode in ("forward", "backward")
    shift = _shift(node.argument, is_fixed)
    if shift is None:
        return not stepwise or is_fixed(node.argument)
    if stepwise:
        split.add(node)
    breaks.update({Call("-", (Number(x), shift)): None for x in node.table.x})
    return True
