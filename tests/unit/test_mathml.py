"""Equations as MathML: read back they are the tree that runs, and worked out they give the engine's numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import transition_sim as ts
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
    Variable,
    canonical,
    walk,
)
from transition_sim.model.functions import DRAW, FUNCTIONS
from transition_sim.model.mathml import Notation, equations_mathml, spoken_name, tables_of
from transition_sim.model.reader import load_model

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.mdl"))
SIGNS = {"·": "*", "−": "-", "≥": ">=", "≤": "<=", "≠": "<>"}
INFIX = {"or": 1, "and": 2, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6}
MODES = {"extrapolated": "extrapolate", "next point": "forward", "last point": "backward"}


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - what this package printed


class Reading:
    """Reads MathML as a person does: signs, names and brackets in a row; bars, roots and heights as structure."""

    def __init__(self, model: Model, tables: Mapping[str, Table]) -> None:
        self.names = {canonical(spoken_name(name)): name for name in model.variables}
        self.tables = tables

    def equation(self, text: str) -> tuple[list[Any], Expression]:
        """Return the tokens left of `=` and the tree right of it."""
        tokens = list(self.tokens(parsed(text)))
        at = tokens.index("=")
        return tokens[:at], self.tree(tokens[at + 1 :])

    def tokens(self, node: ElementTree.Element) -> Iterator[Any]:
        made = getattr(self, f"_{node.tag}")(node, node.get("class") or "")
        yield from made

    def _row(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        if kind == "power-of-ten":
            sign, mantissa, ten = "", node[0].text, node[2]
            yield Number(float(f"{sign}{mantissa}e{''.join(ten[1].itertext()).replace('−', '-')}"))
        elif kind == "abs":
            yield Call("ABS", (self.tree([t for part in list(node)[1:-1] for t in self.tokens(part)]),))
        else:
            for part in node:
                yield from self.tokens(part)

    _math = _mrow = _mtr = _mtd = _row

    def _mspace(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        return iter(())

    def _mo(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        yield SIGNS.get(node.text or "", node.text)

    def _mn(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        yield Number(float(node.text or ""))

    def _mtext(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        yield (node.text or "").strip("\u00a0")

    def _mi(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        text = "".join(node.itertext())
        yield {"v": ("v", text), "f": ("f", text), "time": Time(), "table": ("t", text)}.get(kind, ("letter", text))

    def _msub(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        below = "".join(node[1].itertext())
        text = "".join(node[0].itertext())
        if kind == "element":
            yield "v", f"{text}[{below}]"
        elif kind == "base":
            yield "log", self.tree(list(self.tokens(node[1])))
        else:
            yield "t", text, MODES[below]

    def _mfrac(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        if "".join(node.itertext()) == "ddt":
            yield "rate"
        else:
            yield Call("/", tuple(self.tree(list(self.tokens(part))) for part in node))

    def _msup(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        yield Call("^", tuple(self.tree(list(self.tokens(part))) for part in node))

    def _msqrt(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        yield Call("SQRT", (self.tree([t for part in node for t in self.tokens(part)]),))

    def _mtable(self, node: ElementTree.Element, kind: str) -> Iterator[Any]:
        if "cases" not in kind:
            yield from self._row(node, "")
            return
        cells = [list(self.tokens(cell)) for row in node for cell in row]
        pairs = list(zip(cells[::2], cells[1::2], strict=True))
        assert pairs[-1][1] == ["otherwise"]
        result = self.tree(pairs[-1][0])
        for i, (value, told) in reversed(list(enumerate(pairs[:-1]))):
            assert told[0] == ("else if" if i else "if")
            result = Call("IF THEN ELSE", (self.tree(told[1:]), self.tree(value), result))
        yield result

    def tree(self, tokens: list[Any]) -> Expression:
        """Return the tree of a row of tokens, by the usual precedence."""
        result, rest = self.infix(tokens, 0)
        assert rest == [], rest
        return result

    def infix(self, tokens: list[Any], least: int) -> tuple[Expression, list[Any]]:
        left, tokens = self.operand(tokens)
        while tokens and isinstance(tokens[0], str) and INFIX.get(tokens[0], -1) > least:
            sign = tokens[0]
            right, tokens = self.infix(tokens[1:], INFIX[sign])
            left = Call({"and": ":AND:", "or": ":OR:"}.get(sign, sign), (left, right))
        return left, tokens

    def operand(self, tokens: list[Any]) -> tuple[Expression, list[Any]]:
        first, rest = tokens[0], tokens[1:]
        if first == "-":
            inner, rest = self.infix(rest, 6)
            return (Number(-inner.value) if isinstance(inner, Number) else Call("negative", (inner,))), rest
        if first == "not":
            inner, rest = self.infix(rest, 2)
            return Call(":NOT:", (inner,)), rest
        if first == "(":
            inner, rest = self.infix(rest, 0)
            assert rest[0] == ")"
            return inner, rest[1:]
        if not isinstance(first, tuple):
            return first, rest
        if first[0] == "v":
            return Reference(self.names[canonical(first[1])]), rest
        arguments = []
        while rest[0] in ("(", ","):
            argument, rest = self.infix(rest[1:], 0)
            arguments.append(argument)
        assert rest[0] == ")"
        return self.called(first, arguments), rest[1:]

    def called(self, function: tuple[Any, ...], arguments: list[Expression]) -> Expression:
        if function[0] == "t":
            return Lookup(self.tables[function[1]], arguments[0], function[2] if len(function) > 2 else "interpolate")
        if function[0] == "log":
            return Call("LOG", (arguments[0], function[1]))
        return Call(function[1].upper(), tuple(arguments))


def named_tables(variable: Variable) -> dict[str, Table]:
    tables = dict.fromkeys(table for table, _ in tables_of(variable))
    return {f"table {i + 1}": table for i, table in enumerate(tables)}


def read_back(model: Model, variable: Variable) -> list[tuple[list[Any], Expression]]:
    tables = named_tables(variable)
    notation = Notation(lambda name: f"#{len(name)}", {table: name for name, table in tables.items()})
    return [Reading(model, tables).equation(text) for text in equations_mathml(variable, notation)]


def plain(node: Expression) -> Expression:
    """Return a tree with one name for powers, draws by the number of their stream, no sign on zero."""
    if isinstance(node, Number):
        return Number(node.value + 0.0)
    if isinstance(node, Call) and node.function == DRAW:
        return plain(node.arguments[0])
    if isinstance(node, Call):
        return Call("^" if node.function == "POWER" else node.function, tuple(map(plain, node.arguments)))
    if isinstance(node, Lookup):
        return replace(node, argument=plain(node.argument))
    return node


def expected(variable: Variable) -> list[Expression]:
    return [plain(tree) for tree in (variable.expression, variable.initial) if tree is not None]


@pytest.mark.parametrize("path", [None, "aid_gap", *GOLDEN], ids=lambda p: getattr(p, "stem", p or "transition"))
def test_every_equation_reads_back_as_the_tree_that_runs(path: Path | str | None) -> None:
    model = load_model(path)
    for variable in model.variables.values():
        assert [right for _, right in read_back(model, variable)] == expected(variable), variable.name


def test_what_stands_left_says_what_is_defined() -> None:
    model = ts.load_model()
    left = [told for told, _ in read_back(model, model.find("service delivery[health]"))]
    assert left == [["rate", ("v", "service delivery[health]")], [("v", "service delivery[health]"), "at start"]]
    assert [told for told, _ in read_back(model, model.find("aid gap"))] == [[("v", "aid gap")]]


OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow,
    "negative": operator.neg, "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, ":AND:": lambda a, b: a and b, ":OR:": lambda a, b: a or b,
    ":NOT:": operator.not_, "ABS": abs, "EXP": math.exp, "LN": math.log, "SQRT": math.sqrt, "MIN": min, "MAX": max,
    "RAMP": lambda slope, start, end, t: slope * max(min(t, end) - start, 0.0),
}  # fmt: skip


def worked_out(node: Expression, values: Mapping[str, float], time: float) -> Any:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Reference):
        return values[node.name]
    if isinstance(node, Time):
        return time
    if isinstance(node, Lookup):
        return float(np.interp(worked_out(node.argument, values, time), node.table.x, node.table.y))
    if node.function == "IF THEN ELSE":
        condition, one, other = node.arguments
        return worked_out(one if worked_out(condition, values, time) else other, values, time)
    operands = [worked_out(argument, values, time) for argument in node.arguments]
    return OPERATORS[node.function](*operands, *([time] if FUNCTIONS[node.function].time else []))


def with_rates(model: Model) -> Model:
    """Return a model in which every stock's change and start are variables too."""
    rates = {f"rate of {v.name}": Variable(f"rate of {v.name}", Kind.AUXILIARY, v.expression)
             for v in model.of_kind(Kind.STOCK)}  # fmt: skip
    starts = {f"start of {v.name}": Variable(f"start of {v.name}", Kind.INITIAL, v.initial)
              for v in model.of_kind(Kind.STOCK) if v.initial is not None}  # fmt: skip
    return replace(model, variables={**model.variables, **rates, **starts})


def test_worked_out_the_equations_give_the_engines_numbers() -> None:
    model = ts.load_model()
    scenario = ts.load_scenario("entry_points/spread")
    result = ts.simulate(with_rates(model), scenario, outputs="all", method="rk4")
    read = {name: read_back(model, variable) for name, variable in model.variables.items()}
    seen = 0
    for i in range(3, len(result.time), 41):
        values = {name: float(result[name][i, 0]) for name in result.names}
        values |= {name: float(column[0]) for name, column in result.constants.items()}
        time = float(result.time[i])
        for variable in model.variables.values():
            (_, right), *start = read[variable.name]
            if variable.kind is Kind.CONSTANT:
                assert right == Number(variable.value)
                continue
            name = f"rate of {variable.name}" if variable.kind is Kind.STOCK else variable.name
            assert worked_out(right, values, time) == pytest.approx(values[name], rel=1e-9, abs=1e-12), name
            seen += 1
            if i == 3 and start:
                first = {name: float(result[name][0, 0]) for name in result.names}
                given = worked_out(start[0][1], {**values, **first}, float(result.time[0]))
                assert given == pytest.approx(values[f"start of {variable.name}"], rel=1e-12), variable.name
    assert seen > 6 * 250


@pytest.mark.parametrize(
    ("equation", "shown"),
    [
        ("a - (b - c)", "a−(b−c)"),
        ("a * (b + c)", "a·(b+c)"),
        ("(a * b) + c", "a·b+c"),
        ("-a * b", "−a·b"),
        ("-(a * b)", "−(a·b)"),
        ("a + (-b)", "a+(−b)"),
        ("a * (-b * c)", "a·(−b·c)"),
        ("a - 2 * -3", "a−2·(−3)"),
        ("(a + b) ^ 2", "(a+b)2"),
        ("(0 - a) ^ 2 - 2 ^ a", "(0−a)2−2a"),
        ("a ^ b ^ c", "abc"),
        ("(a ^ b) ^ c", "(ab)c"),
        ("(a / b) ^ 2", "(ab)2"),
        ("(a * b) ^ c - EXP(a) ^ 2", "(a·b)c−exp(a)2"),
        ("1e-7 * a", "1×10−7·a"),
        ("IF THEN ELSE(a > 1, b, c) + 1", "(b\u200bif\xa0a>1\u200bc\u200botherwise)+1"),
        ("MAX(IF THEN ELSE(a > 1, b, c), 1)", "max((b\u200bif\xa0a>1\u200bc\u200botherwise),1)"),
    ],
)
def test_brackets_stand_where_they_must(model_of: Callable[..., Model], equation: str, shown: str) -> None:
    model = model_of(f"x = {equation}", "a = 2", "b = 3", "c = 4")
    text = equations_mathml(model.find("x"), Notation())[0].replace("</mtd>", "\u200b</mtd>")
    tree = parsed(text)
    assert "".join(tree.itertext()).removeprefix("x=").replace("\u200b)", ")").rstrip("\u200b") == shown


def test_a_long_equation_is_broken_without_changing_it(model_of: Callable[..., Model]) -> None:
    names = [f"a rather long name of number {i}" for i in range(12)]
    terms = " + ".join(f"{a} * ({b} - {c})" for a, b, c in zip(names[::3], names[1::3], names[2::3], strict=True))
    model = model_of(f"x = {terms}", *(f"{name} = {i}" for i, name in enumerate(names)))
    (text,) = equations_mathml(model.find("x"), Notation())
    rows = parsed(text).findall(".//mtr")
    assert len(rows) > 4
    assert max(len("".join(row.itertext())) for row in rows) <= 90
    assert [right for _, right in read_back(model, model.find("x"))] == expected(model.find("x"))


def test_names_are_never_markup() -> None:
    name = '<script>alert("1")</script>&amp;'
    variable = Variable(name, Kind.AUXILIARY, Call("+", (Reference(name), Reference(f"{name}[<b>,c]"))))
    (text,) = equations_mathml(variable, Notation(lambda name: f'#"{name}"', {}))
    tree = parsed(text)
    assert {node.tag for node in tree.iter()} == {"math", "mrow", "mi", "mo", "msub", "mtable", "mtr", "mtd"}
    assert "".join(tree.itertext()).startswith(name)
    assert next(tree.iter("mi")).get("data-to") == f'#"{name}"'


def test_every_function_has_a_form(model_of: Callable[..., Model]) -> None:
    made = {node.function for path in GOLDEN for v in load_model(path).variables.values()
            for tree in (v.expression, v.initial) if tree is not None
            for node in walk(tree) if isinstance(node, Call)}  # fmt: skip
    assert made == set(FUNCTIONS)
