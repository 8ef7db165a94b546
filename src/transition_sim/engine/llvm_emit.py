"""Expressions emitted as LLVM code, a vector of runs at a time: the flows of a model, and what is observed of it.

The same tree that `numpy_backend` prints, with the same formulas. Arithmetic is strict IEEE: no fast-math, no
contraction, no sum across runs. Shapes: every value is `<lanes x double>`; state and what is held lie in memory as
`(name, lane)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from transition_sim.engine import noise
from transition_sim.engine.llvm_math import BIT, DOUBLE, INTEGER, POINTER, VOID, Vectors
from transition_sim.engine.llvm_noise import OfVectors, Term
from transition_sim.engine.numpy_backend import Program
from transition_sim.model.equations import (
    Call,
    Expression,
    Lookup,
    Model,
    Number,
    Reference,
    Time,
    references,
)
from transition_sim.model.functions import DRAW, FUNCTIONS, SMALL
from transition_sim.model.structure import Structure, used_now

SELECTED_POINTS = 24
"""Lookups of up to so many points are read by selecting; longer ones by a search in each lane."""


class Emitter:
    """Emits one model's flows and outputs as functions of a module."""

    def __init__(self, model: Model, structure: Structure, program: Program, events: str, lanes: int) -> None:
        self.model, self.structure, self.program, self.events, self.lanes = model, structure, program, events, lanes
        flows = [model.variables[name].expression for name in program.stocks]
        watched: list[Expression] = [Reference(name) for name in program.outputs]
        used = used_now(model, [*flows, *watched], program.held)
        self.held = tuple(name for name in program.held if name in used)
        self.targets = {"derivative": flows, "observe": watched}

    def single(self) -> ir.Module:
        """Return derivative and observe of one run, as `flow` and `watch` of plain numbers."""
        module = self.bodies()
        kind = ir.FunctionType(VOID, [DOUBLE, DOUBLE, POINTER, POINTER, POINTER])
        for name, inner in (("flow", "derivative"), ("watch", "observe")):
            function = ir.Function(module, kind, name)
            builder = ir.IRBuilder(function.append_basic_block("entry"))
            t, te = (splat(builder, argument, 1) for argument in function.args[:2])
            builder.call(module.globals[inner], [t, te, ir.Constant(DOUBLE, 0.0), *function.args[2:]])
            builder.ret_void()
        return module

    def bodies(self) -> ir.Module:
        """Return a module with `derivative` and `observe`: time, moment of events, half a step, state, held, out."""
        module = ir.Module(name="model")
        module.triple = llvm.get_process_triple()
        vector = ir.VectorType(DOUBLE, self.lanes)
        kind = ir.FunctionType(VOID, [vector, vector, DOUBLE, POINTER, POINTER, POINTER])
        for name, targets in self.targets.items():
            function = ir.Function(module, kind, name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            self.body(function, targets)
        return module

    def body(self, function: ir.Function, targets: Sequence[Expression]) -> None:
        """Emit a function that reads time, state and what is held, and writes each target."""
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        scope = _Scope(self, builder, function)
        for name in self.by_level(targets):
            scope.variable(name)
        for i, target in enumerate(targets):
            scope.store(function.args[5], i, scope.number(target))
        builder.ret_void()

    def by_level(self, targets: Sequence[Expression]) -> list[str]:
        """Return the auxiliaries that the targets need, in the order in which their operands become ready."""
        fixed = set(self.program.held)
        needed = used_now(self.model, targets, fixed)
        level: dict[str, int] = {}
        for name in self.structure.order:
            if name in needed and name not in fixed:
                uses = references(self.model.variables[name].expression)
                level[name] = 1 + max((level.get(use, 0) for use in uses), default=0)
        return sorted(level, key=lambda name: level[name])


class _Scope:
    """Values inside one function, each expression emitted once."""

    def __init__(self, emitter: Emitter, builder: ir.IRBuilder, function: ir.Function) -> None:
        self.emitter, self.builder = emitter, builder
        self.v = Vectors(builder, emitter.lanes)
        self.t, self.te, half, self.state, self.held, _ = function.args
        self.half = splat(builder, half, emitter.lanes)
        self.stock_at = {name: i for i, name in enumerate(emitter.program.stocks)}
        self.held_at = {name: i for i, name in enumerate(emitter.held)}
        self.known: dict[str, Any] = {}
        self.done: dict[tuple[Expression, bool], Any] = {}
        self.at_event = False

    def load(self, base: Any, index: int) -> Any:
        at = self.builder.gep(base, [ir.Constant(INTEGER, index)], source_etype=self.v.type)
        return self.builder.load(at, typ=self.v.type, align=8 * self.v.lanes)

    def store(self, base: Any, index: int, value: Any) -> None:
        at = self.builder.gep(base, [ir.Constant(INTEGER, index)], source_etype=self.v.type)
        self.builder.store(value, at, align=8 * self.v.lanes)

    def variable(self, name: str) -> Any:
        if name not in self.known:
            if name in self.stock_at:
                self.known[name] = self.load(self.state, self.stock_at[name])
            elif name in self.held_at:
                self.known[name] = self.load(self.held, self.held_at[name])
            else:
                self.known[name] = self.number(self.emitter.model.variables[name].expression)
        return self.known[name]

    def number(self, node: Expression) -> Any:
        value = self.emit(node)
        return value if value.type == self.v.type else self.builder.uitofp(value, self.v.type)

    def truth(self, node: Expression) -> Any:
        value = self.emit(node)
        if value.type == self.v.truths:
            return value
        return self.builder.fcmp_unordered("!=", value, self.v.number(0.0))

    def emit(self, node: Expression) -> Any:
        if isinstance(node, Number):
            return self.v.number(node.value)
        if isinstance(node, Reference):
            return self.variable(node.name)
        if isinstance(node, Time):
            return self.te if self.at_event else self.t
        before = self.at_event
        self.at_event = before or (self.emitter.events == "exact" and node in self.emitter.structure.split)
        key = (node, self.at_event)
        if key not in self.done:
            self.done[key] = self.lookup(node) if isinstance(node, Lookup) else self.call(node)
        self.at_event = before
        return self.done[key]

    def call(self, node: Call) -> Any:
        function = FUNCTIONS[node.function]
        if function.name == "IF THEN ELSE":
            test, yes, no = node.arguments
            return self.builder.select(self.truth(test), self.number(yes), self.number(no))
        if function.logical_in:
            return EMITTERS[node.function](self, *(self.truth(argument) for argument in node.arguments))
        if node.function in ("^", "POWER"):
            return self.power(*node.arguments)
        return EMITTERS[node.function](self, *(self.number(argument) for argument in node.arguments))

    def power(self, base: Expression, exponent: Expression) -> Any:
        """Return a power: by multiplication for small whole numbers, else by logarithm, else by the C library."""
        x = self.number(base)
        if isinstance(exponent, Number) and exponent.value in range(1, 9):
            return self.v.repeated(x, int(exponent.value))
        y = self.number(exponent)
        b, v = self.builder, self.v
        size = v.intrinsic("fabs", b.fmul(y, v.log(x)))
        ordinary = b.fcmp_ordered(">=", x, v.number(2.2250738585072014e-308))
        fine = b.and_(ordinary, b.fcmp_ordered("<", size, v.number(700.0)))
        with b.if_else(every(b, fine, v.lanes)) as (then, otherwise):
            with then:
                quick, quick_block = v.ordinary_power(x, y), b.block
            with otherwise:
                slow, slow_block = self.by_lane("pow", x, y), b.block
        value = b.phi(v.type)
        value.add_incoming(quick, quick_block)
        value.add_incoming(slow, slow_block)
        return value

    def by_lane(self, name: str, *operands: Any) -> Any:
        """Call a function of the C library for each run."""
        module = self.builder.module
        kind = ir.FunctionType(DOUBLE, [DOUBLE] * len(operands))
        function = module.globals.get(name) or ir.Function(module, kind, name)
        value: Any = ir.Constant(self.v.type, ir.Undefined)
        for lane in range(self.v.lanes):
            at = ir.Constant(ir.IntType(32), lane)
            single = self.builder.call(function, [self.builder.extract_element(operand, at) for operand in operands])
            value = self.builder.insert_element(value, single, at)
        return value

    def lookup(self, node: Lookup) -> Any:
        """Read a table by the same formula as the NumPy printing."""
        x, y = np.array(node.table.x), np.array(node.table.y)
        slopes = np.diff(y) / np.diff(x)
        at = self.number(node.argument)
        b, v = self.builder, self.v
        if node.mode == "forward":
            return self.stairs(at, x[:-1], ">", y)[0]
        if node.mode == "backward":
            return self.stairs(at, x[1:], ">=", y)[0]
        from_x, from_y, slope = self.stairs(at, x[1:-1], ">=", x[:-1], y[:-1], slopes)
        value = b.fadd(from_y, b.fmul(slope, b.fsub(at, from_x)))
        if node.mode == "extrapolate":
            return value
        value = b.select(b.fcmp_ordered(">=", at, v.number(float(x[-1]))), v.number(float(y[-1])), value)
        return b.select(b.fcmp_ordered("<=", at, v.number(float(x[0]))), v.number(float(y[0])), value)

    def stairs(self, at: Any, edges: Any, relation: str, *levels: Any) -> list[Any]:
        """Return, of each list of levels, the one whose number is that of edges passed."""
        if len(edges) > SELECTED_POINTS:
            return self.searched(at, edges, relation, levels)
        values: list[Any] = [self.v.number(float(level[0])) for level in levels]
        for i, edge in enumerate(edges, start=1):
            passed = self.builder.fcmp_ordered(relation, at, self.v.number(float(edge)))
            values = [
                self.builder.select(passed, self.v.number(float(level[i])), value)
                for level, value in zip(levels, values, strict=True)
            ]
        return values

    def searched(self, at: Any, edges: Any, relation: str, levels: Sequence[Any]) -> list[Any]:
        """Do as `stairs` by halving, lane by lane, for tables that are long."""
        b = self.builder
        search = passed_edges(b.module, relation)
        stored = self.table(edges)
        tables = [self.table(level) for level in levels]
        values: list[Any] = [ir.Constant(self.v.type, ir.Undefined) for _ in levels]
        for lane in range(self.v.lanes):
            place = ir.Constant(ir.IntType(32), lane)
            found = b.call(search, [stored, ir.Constant(INTEGER, len(edges)), b.extract_element(at, place)])
            for i, table in enumerate(tables):
                level = b.load(b.gep(table, [found], source_etype=DOUBLE), typ=DOUBLE, align=8)
                values[i] = b.insert_element(values[i], level, place)
        return values

    def table(self, numbers: Any) -> Any:
        """Return a pointer to numbers that stand in the module."""
        kind = ir.ArrayType(DOUBLE, len(numbers))
        module = self.builder.module
        stored = ir.GlobalVariable(module, kind, module.get_unique_name("table"))
        stored.linkage, stored.global_constant = "internal", True
        stored.initializer = ir.Constant(kind, [ir.Constant(DOUBLE, float(number)) for number in numbers])
        return stored

    def where(self, relation: str, one: Any, other: Any) -> Any:
        """Compare as NumPy does: only `!=` holds for what is no number."""
        compare = self.builder.fcmp_unordered if relation == "!=" else self.builder.fcmp_ordered
        return compare(relation, one, other)

    def extreme(self, relation: str, one: Any, other: Any) -> Any:
        b = self.builder
        value = b.select(b.fcmp_ordered(relation, one, other), one, other)
        return b.select(b.fcmp_unordered("uno", one, one), one, value)

    def quantum(self, a: Any, b: Any) -> Any:
        whole = self.v.intrinsic("trunc", self.builder.fdiv(a, b))
        small = self.where("<", b, self.v.number(SMALL))
        return self.builder.select(small, a, self.builder.fmul(b, whole))

    def ratio(self, a: Any, b: Any, otherwise: Any) -> Any:
        small = self.where("<", self.v.intrinsic("fabs", b), self.v.number(SMALL))
        return self.builder.select(small, otherwise, self.builder.fdiv(a, b))

    def as_number(self, truth: Any) -> Any:
        return self.builder.uitofp(truth, self.v.type)

    def drawn(self, formula: Callable[..., Any], *operands: Any) -> Any:
        """Emit one of the formulas of `noise`."""
        of = OfVectors(self.v)
        return formula(of, *(Term(of, operand) for operand in operands)).value

    def step(self, height: Any, start: Any) -> Any:
        b = self.builder
        if self.emitter.events == "exact":
            return b.fmul(height, self.as_number(self.where(">=", self.te, start)))
        return b.fmul(height, self.as_number(self.where(">", b.fadd(self.t, self.half), start)))

    def ramp(self, slope: Any, start: Any, end: Any) -> Any:
        b, zero = self.builder, self.v.number(0.0)
        gone = b.fsub(self.extreme("<", self.t, end), start)
        if self.emitter.events == "exact":
            return b.fmul(slope, self.extreme(">", gone, zero))
        begun = self.as_number(self.where(">", b.fadd(self.t, self.v.number(SMALL)), start))
        return b.fmul(b.fmul(slope, begun), gone)

    def pulse(self, start: Any, width: Any) -> Any:
        b, exact = self.builder, self.emitter.events == "exact"
        at = self.te if exact else self.t
        begun = self.where(">=", at, start if exact else b.fsub(start, self.v.number(SMALL)))
        return self.as_number(b.and_(begun, self.where("<", at, b.fadd(start, width))))

    def pulse_train(self, start: Any, width: Any, repeat: Any, end: Any) -> Any:
        b, exact = self.builder, self.emitter.events == "exact"
        at = self.te if exact else self.t
        inside = b.and_(self.where(">=", at, start), self.where("<", at, end))
        since = b.fadd(b.fsub(at, start), self.v.number(0.0 if exact else SMALL))
        rest = self.by_lane("fmod", since, repeat)
        turned = b.xor(self.where("<", rest, self.v.number(0.0)), self.where("<", repeat, self.v.number(0.0)))
        wrong = b.and_(turned, self.where("!=", rest, self.v.number(0.0)))
        rest = b.select(wrong, b.fadd(rest, repeat), rest)
        return self.as_number(b.and_(inside, self.where("<", rest, width)))


def splat(builder: ir.IRBuilder, value: Any, lanes: int) -> Any:
    """Return one number in all lanes."""
    vector = ir.VectorType(DOUBLE, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [ir.Constant(ir.IntType(32), 0)] * lanes)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def every(builder: ir.IRBuilder, truths: Any, lanes: int, kind: str = "and") -> Any:
    """Return whether all lanes (or, with `or`, any lane) hold."""
    name = f"llvm.vector.reduce.{kind}.v{lanes}i1"
    module = builder.module
    function = module.globals.get(name) or ir.Function(module, ir.FunctionType(BIT, [truths.type]), name)
    return builder.call(function, [truths])


def passed_edges(module: ir.Module, relation: str) -> ir.Function:
    """Return a function that counts, by halving, the rising edges which a number has passed."""
    name = "passed_strictly" if relation == ">" else "passed"
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(INTEGER, [POINTER, INTEGER, DOUBLE]), name)
    function.linkage = "internal"
    edges, count, at = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    head, body, done = (function.append_basic_block(part) for part in ("head", "body", "done"))
    before = b.block
    b.branch(head)
    b.position_at_end(head)
    low, high = b.phi(INTEGER), b.phi(INTEGER)
    b.cbranch(b.icmp_signed("<", low, high), body, done)
    b.position_at_end(body)
    middle = b.lshr(b.add(low, high), ir.Constant(INTEGER, 1))
    edge = b.load(b.gep(edges, [middle], source_etype=DOUBLE), typ=DOUBLE, align=8)
    over = b.fcmp_ordered(relation, at, edge)
    low.add_incoming(ir.Constant(INTEGER, 0), before)
    low.add_incoming(b.select(over, b.add(middle, ir.Constant(INTEGER, 1)), low), body)
    high.add_incoming(count, before)
    high.add_incoming(b.select(over, high, middle), body)
    b.branch(head)
    b.position_at_end(done)
    b.ret(low)
    return function


def _binary(name: str) -> Callable[..., Any]:
    return lambda s, a, b: getattr(s.builder, name)(a, b)


def _compare(relation: str) -> Callable[..., Any]:
    return lambda s, a, b: s.where(relation, a, b)


def _noise(formula: Callable[..., Any]) -> Callable[..., Any]:
    return lambda s, *operands: s.drawn(formula, *operands)


def _library(name: str) -> Callable[..., Any]:
    return lambda s, *operands: s.by_lane(name, *operands)


EMITTERS: Mapping[str, Callable[..., Any]] = {
    "+": _binary("fadd"), "-": _binary("fsub"), "*": _binary("fmul"), "/": _binary("fdiv"),
    "negative": lambda s, a: s.builder.fneg(a),
    "=": _compare("=="), "<>": _compare("!="), "<": _compare("<"), "<=": _compare("<="), ">": _compare(">"),
    ">=": _compare(">="),
    ":AND:": _binary("and_"), ":OR:": _binary("or_"), ":NOT:": lambda s, a: s.builder.not_(a),
    "ABS": lambda s, a: s.v.intrinsic("fabs", a), "EXP": lambda s, a: s.v.exp(a), "LN": lambda s, a: s.v.log(a),
    "LOG": lambda s, a, base: s.builder.fdiv(s.v.log(a), s.v.log(base)),
    "SQRT": lambda s, a: s.v.intrinsic("sqrt", a), "INTEGER": lambda s, a: s.v.intrinsic("trunc", a),
    "SIN": _library("sin"), "COS": _library("cos"), "TAN": _library("tan"), "ARCSIN": _library("asin"),
    "ARCCOS": _library("acos"), "ARCTAN": _library("atan"), "SINH": _library("sinh"), "COSH": _library("cosh"),
    "TANH": _library("tanh"),
    "MIN": lambda s, a, b: s.extreme("<", a, b), "MAX": lambda s, a, b: s.extreme(">", a, b),
    "QUANTUM": lambda s, a, b: s.quantum(a, b), "MODULO": lambda s, a, b: s.builder.fsub(a, s.quantum(a, b)),
    "ZIDZ": lambda s, a, b: s.ratio(a, b, s.v.number(0.0)), "XIDZ": lambda s, a, b, c: s.ratio(a, b, c),
    "STEP": lambda s, a, b: s.step(a, b), "RAMP": lambda s, a, b, c: s.ramp(a, b, c),
    "PULSE": lambda s, a, b: s.pulse(a, b), "PULSE TRAIN": lambda s, a, b, c, d: s.pulse_train(a, b, c, d),
    DRAW: lambda s, *operands: s.drawn(noise.draw, s.te, *operands),
    **{name: _noise(formula) for name, formula in noise.DISTRIBUTIONS.items()},
}  # fmt: skip
"""How each function is emitted; `IF THEN ELSE`, `^` and `POWER` are emitted by `_Scope` itself."""
