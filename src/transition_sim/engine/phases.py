"""How often each part of a model has to be computed: once a run, once a step, at each moment of time, at each state.

What does not change within a run (`FIXED`) is worth computing once; conditions on time alone keep their value between
two break points (`STEP`: once a step); what hangs on time alone (`TIME`) is the same for the two middle stages of a
Runge-Kutta step; the rest hangs on the state (`STATE`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from transition_sim.model.equations import Call, Expression, Kind, Lookup, Model, Number, Reference, Time
from transition_sim.model.functions import FUNCTIONS
from transition_sim.model.structure import Structure

FIXED, STEP, TIME, STATE = range(4)
Node = tuple[Expression, bool]
"""An expression, and whether it stands inside a condition on time that is judged at the moment of events."""


class Phases:
    """Tells the phase of each expression of a model under a mode of events."""

    def __init__(self, model: Model, structure: Structure, printing: str, events: str) -> None:
        self.model, self.events = model, events
        self._split = structure.split if events == "exact" else frozenset()
        self._clock = {name: _clock(function.template(printing, events)) for name, function in FUNCTIONS.items()}
        self._known: dict[Node, int] = {}
        self._of_name = {name: self._first(name, structure) for name in model.variables}
        for name in structure.order:
            if self._of_name[name] == STEP:
                self._of_name[name] = max(STEP, self.of((model.variables[name].expression, False)))

    def _first(self, name: str, structure: Structure) -> int:
        """Return the phase of a variable; of an auxiliary that can move, the least that it can have.

        ACTIVE INITIAL is worth something else at the start, so its variable is never FIXED.
        """
        kind = self.model.variables[name].kind
        if kind is Kind.STOCK:
            return STATE
        return STEP if kind is Kind.AUXILIARY and name not in structure.fixed else FIXED

    def of(self, node: Node) -> int:
        """Return the phase of an expression."""
        if node not in self._known:
            self._known[node] = self._find(node)
        return self._known[node]

    def _find(self, node: Node) -> int:
        expression, at_event = node
        if isinstance(expression, Reference):
            return self._of_name[expression.name]
        if isinstance(expression, Time):
            return STEP if at_event else TIME
        own = self._clock[expression.function] if isinstance(expression, Call) else FIXED
        return max([own, *map(self.of, self.children(node))])

    def children(self, node: Node) -> Iterator[Node]:
        """Yield what an expression is made of."""
        expression, at_event = node
        inner = at_event or expression in self._split
        if isinstance(expression, Call):
            yield from ((argument, inner) for argument in expression.arguments)
        elif isinstance(expression, Lookup):
            yield (expression.argument, inner)


def is_plain(expression: Expression) -> bool:
    """Tell whether an expression costs nothing to compute: a number, a name, the clock."""
    return isinstance(expression, Number | Reference | Time)


def _clock(template: str) -> int:
    """Return the phase that a function's own reading of the clock puts it in."""
    if re.search(r"\bt\b", template):
        return TIME
    return STEP if re.search(r"\bte\b", template) else FIXED
