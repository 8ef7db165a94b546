"""Who uses whom in a model, by names without subscripts and through hidden helpers; elements as one equation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from transition_sim.model.equations import (
    Call,
    Expression,
    Lookup,
    Model,
    Number,
    Reference,
    Variable,
    references,
)


def elements(model: Model) -> dict[str, list[Variable]]:
    """Return the visible variables of a model by their names without subscripts, in file order."""
    found: dict[str, list[Variable]] = {}
    for variable in model.variables.values():
        if not variable.hidden:
            found.setdefault(variable.base, []).append(variable)
    return found


def helpers(model: Model, variables: Sequence[Variable]) -> list[Variable]:
    """Return the hidden variables that functions in these variables' equations stand for, in order."""
    found: dict[str, Variable] = {}
    pending = [name for variable in variables for name in _named(variable)]
    while pending:
        variable = model.variables[pending.pop(0)]
        if variable.hidden and variable.name not in found:
            found[variable.name] = variable
            pending += _named(variable)
    return list(found.values())


def uses(model: Model) -> dict[str, list[str]]:
    """Return for each name without subscripts the names that its equations use, in order of appearance."""
    return {base: _used(model, own) for base, own in elements(model).items()}


def users(used: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return `uses` turned round: for each name those that use it, in file order."""
    found: dict[str, list[str]] = {name: [] for name in used}
    for user, names in used.items():
        for name in names:
            found[name].append(user)
    return found


def common_form(model: Model, own: Sequence[Variable]) -> tuple[Variable, str] | None:
    """Return one variable that stands for all elements, and the subscript range it runs over; None where they differ.

    Only for elements over one whole range whose equations are alike but for the element: each `name[element]` is then
    written `name[range]`.
    """
    for name, members in model.subscripts.items():
        if [variable.name for variable in own] != [f"{own[0].base}[{member}]" for member in members]:
            continue
        general = [_general(variable, member, name) for variable, member in zip(own, members, strict=True)]
        shapes = {(v.kind, v.expression, v.initial) for v in general}
        if len(shapes) == 1 and len(own) > 1 and not isinstance(own[0].expression, Number):
            return general[0], name
    return None


def _general(variable: Variable, member: str, range_name: str) -> Variable:
    initial = None if variable.initial is None else _renamed(variable.initial, member, range_name)
    return replace(
        variable,
        name=f"{variable.base}[{range_name}]",
        expression=_renamed(variable.expression, member, range_name),
        initial=initial,
    )


def _renamed(node: Expression, member: str, range_name: str) -> Expression:
    """Return an expression in which references to one element are references to the range."""
    if isinstance(node, Reference) and node.name.endswith(f"[{member}]"):
        return Reference(f"{node.name.removesuffix(f'[{member}]')}[{range_name}]")
    if isinstance(node, Call):
        return Call(node.function, tuple(_renamed(argument, member, range_name) for argument in node.arguments))
    if isinstance(node, Lookup):
        return replace(node, argument=_renamed(node.argument, member, range_name))
    return node


def _named(variable: Variable) -> list[str]:
    trees = [tree for tree in (variable.expression, variable.initial) if tree is not None]
    return [name for tree in trees for name in references(tree)]


def _used(model: Model, own: Sequence[Variable]) -> list[str]:
    names = [name for variable in (*own, *helpers(model, own)) for name in _named(variable)]
    inside = [model.variables[name] for name in names]
    return list(dict.fromkeys(variable.base for variable in inside if not variable.hidden))
