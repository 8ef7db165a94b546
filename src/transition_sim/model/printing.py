"""Expressions as people read them: the equation of a variable in a model file's own words."""

from __future__ import annotations

import hashlib

from transition_sim.model.equations import Call, Expression, Kind, Lookup, Model, Number, Reference, Variable
from transition_sim.model.functions import DRAW, FUNCTIONS

_BINDING = {
    ":OR:": 1, ":AND:": 2, ":NOT:": 3, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "negative": 7, "^": 8,
}  # fmt: skip
_ATOM = 9


def equation_text(variable: Variable) -> str:
    """Return `name = expression` of a variable, INTEG and INITIAL written out."""
    right = expression_text(variable.expression)
    initial = expression_text(variable.initial) if variable.initial is not None else ""
    if variable.kind is Kind.STOCK:
        right = f"INTEG({right}, {initial})"
    elif variable.kind is Kind.INITIAL:
        right = f"INITIAL({right})"
    elif initial:
        right = f"ACTIVE INITIAL({right}, {initial})"
    return f"{variable.name} = {right}"


def content_hash(model: Model) -> str:
    """Return the SHA-256 of what a model computes: equations, values, units and time settings, not its text.

    Documentation, limits, sectors, the order and the layout of the file do not count.
    """
    lines = sorted(f"{equation_text(v)} ~ {v.unit}" for v in model.variables.values())
    clock = model.time
    lines.append(f"{clock.initial!r} {clock.final!r} {clock.step!r} {clock.save_every!r} {clock.unit} {clock.method}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def expression_text(node: Expression) -> str:
    """Return an expression as text, with no more brackets than it needs."""
    return _print(node)[0]


def _print(node: Expression) -> tuple[str, int]:
    """Return the text of a node and how strongly its outermost operator binds."""
    if isinstance(node, Number):
        return f"{node.value:.12g}", _ATOM if node.value >= 0 else _BINDING["negative"]
    if isinstance(node, Reference):
        return node.name, _ATOM
    if isinstance(node, Lookup):
        points = ", ".join(f"({x:.12g}, {y:.12g})" for x, y in zip(node.table.x, node.table.y, strict=True))
        mode = "" if node.mode == "interpolate" else f", {node.mode}"
        return f"WITH LOOKUP({_print(node.argument)[0]}, ({points}){mode})", _ATOM
    if not isinstance(node, Call):
        return "Time", _ATOM
    if node.function == DRAW:
        return _print(node.arguments[0])  # the number of the stream, as the file has it
    if not FUNCTIONS[node.function].infix:
        return f"{node.function}({', '.join(_print(argument)[0] for argument in node.arguments)})", _ATOM
    binding = _BINDING[node.function]
    if len(node.arguments) == 1:
        sign = "-" if node.function == "negative" else f"{node.function} "
        return f"{sign}{_bracketed(node.arguments[0], binding + 1)}", binding
    left = binding + 1 if node.function == "^" else binding
    right = binding if node.function == "^" else binding + 1
    one, other = _bracketed(node.arguments[0], left), _bracketed(node.arguments[1], right)
    return f"{one} {node.function} {other}", binding


def _bracketed(node: Expression, least: int) -> str:
    text, binding = _print(node)
    return text if binding >= least else f"({text})"
