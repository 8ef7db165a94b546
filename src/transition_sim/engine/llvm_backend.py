"""Expressions compiled by LLVM: the whole time loop in machine code, a vector of runs at a time.

The same tree that `numpy_backend` prints is emitted here with the host's vector width. Arithmetic is strict IEEE: no
fast-math, no contraction, no sum across runs, so a run's bits do not hang on batch size, order or threads.

What stays fixed in a run, and the stocks at the start, come from the NumPy printing, once for each chunk. Shapes:
constants `(run,)`, state in memory `(stock, lane)`, outputs `(time, output, run)`; runs are padded to whole vectors.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from transition_sim.engine.llvm_math import BIT, DOUBLE, INTEGER, Vectors
from transition_sim.engine.numpy_backend import Program
from transition_sim.engine.solvers import Grid, Moment
from transition_sim.model.equations import (
    Call,
    Expression,
    Kind,
    Lookup,
    Model,
    Number,
    Reference,
    Time,
    references,
)
from transition_sim.model.functions import FUNCTIONS, SMALL
from transition_sim.model.structure import Structure

Floats = NDArray[np.float64]
POINTER = ir.PointerType()
VOID = ir.VoidType()
ALIGNED = 64
SELECTED_POINTS = 24
"""Lookups of up to so many points are read by selecting; longer ones by a search in each lane."""
_ARGUMENTS = (
    ("first", INTEGER), ("last", INTEGER), ("count", INTEGER), ("nodes", POINTER), ("node_row", INTEGER),
    ("node_block", INTEGER), ("saves", POINTER), ("differ", INTEGER), ("held", POINTER), ("held_steps", POINTER),
    ("state", POINTER), ("state_steps", POINTER), ("out", POINTER), ("out_row", INTEGER), ("out_column", INTEGER),
    ("work", POINTER), ("half", DOUBLE),
)  # fmt: skip
_C_TYPES = {INTEGER: ctypes.c_int64, POINTER: ctypes.c_void_p, DOUBLE: ctypes.c_double}


@dataclass(frozen=True, eq=False)
class Machine:
    """A program in machine code: what it reads of each run, and the function that integrates blocks of runs."""

    program: Program
    held: tuple[str, ...]
    lanes: int
    method: str
    events: str
    run: Callable[..., None]
    engine: Any = field(repr=False)

    @property
    def workspace(self) -> int:
        """Numbers of memory that one thread needs."""
        return self.lanes * (4 * len(self.program.stocks) + len(self.held) + len(self.program.outputs) + 8)


@lru_cache(maxsize=1)
def host() -> tuple[str, str, int]:
    """Return the processor to compile for, its features, and how many numbers its vectors hold."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    lanes = 8 if features.get("avx512f") else 4 if features.get("avx2") else 2
    return llvm.get_host_cpu_name(), features.flatten(), lanes


def _target() -> Any:
    """Return a target machine for this host; an engine takes its own over."""
    name, features, _ = host()
    return llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=3)


def compile_machine(model: Model, structure: Structure, program: Program, method: str, events: str) -> Machine:
    """Return a program compiled for this host; `method` is `rk4` or `euler`, `events` as for the NumPy printing."""
    lanes = host()[2]
    emitter = _Emitter(model, structure, program, events, lanes)
    module = emitter.module(method)
    engine = _compiled(module)
    kind = ctypes.CFUNCTYPE(None, *(_C_TYPES[argument] for _, argument in _ARGUMENTS))
    return Machine(program, emitter.held, lanes, method, events, kind(engine.get_function_address("run")), engine)


def _compiled(module: ir.Module) -> Any:
    """Return the engine that holds a module's machine code."""
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    builder = llvm.create_pass_builder(_target(), llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, _target())
    engine.finalize_object()
    return engine


@dataclass(frozen=True, eq=False)
class Single:
    """One run's flow and outputs in machine code."""

    program: Program
    held: tuple[str, ...]
    flow: Callable[..., None]
    watch: Callable[..., None]
    engine: Any = field(repr=False)


def compile_single(model: Model, structure: Structure, program: Program) -> Single:
    """Return the flow and the outputs of single runs, compiled for this host, events exact."""
    emitter = _Emitter(model, structure, program, "exact", 1)
    engine = _compiled(emitter.single())
    kind = ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_double, *[ctypes.c_void_p] * 3)
    flow, watch = (kind(engine.get_function_address(name)) for name in ("flow", "watch"))
    return Single(program, emitter.held, flow, watch, engine)


def moments(single: Single, values: Mapping[str, float]) -> tuple[Moment, Moment]:
    """Return flow and outputs as functions of time, the moment of events, and the state, what is fixed being given."""
    held = np.array([values[name] for name in single.held] + [0.0])
    at = held.ctypes.data

    def call(function: Callable[..., None], size: int) -> Moment:
        def value(t: float, te: float, state: Floats, keep: Floats = held) -> Floats:
            out = np.empty(size)
            function(t, te, state.ctypes.data, at, out.ctypes.data)
            return out

        return value

    return call(single.flow, len(single.program.stocks)), call(single.watch, len(single.program.outputs))


def aligned(shape: tuple[int, ...], kind: Any = np.float64) -> NDArray[Any]:
    """Return an empty array that begins on a cache line."""
    count = int(np.prod(shape))
    raw = np.empty(count + ALIGNED // 8, dtype=kind)
    skip = (-raw.ctypes.data // 8) % (ALIGNED // 8)
    return raw[skip : skip + count].reshape(shape)


def integrate(machine: Machine, constants: Sequence[Floats], grid: Grid, runs: int, step: float, out: Floats) -> None:
    """Fill `out` `(time, output, run)` for a chunk; runs beyond a whole number of vectors are padded in copies."""
    lanes = machine.lanes
    padded = -(-runs // lanes) * lanes
    half = step / 2 if machine.events == "compatible" else 0.0
    with np.errstate(all="ignore"):
        state, values = machine.program.start(grid.nodes[0], grid.nodes[0], half, list(constants))
    by_name = dict(zip(machine.program.held, values, strict=True))
    held, held_steps = _columns([by_name[name] for name in machine.held], runs, padded, lanes)
    first, first_steps = _columns(state, runs, padded, lanes)
    nodes, saves = _spread(grid.nodes, runs, padded, lanes), _spread(grid.save, runs, padded, lanes)
    differ = grid.nodes.shape[1] > 1
    whole = out if padded == runs and out.strides[2] == 8 else aligned((*out.shape[:2], padded))
    work = aligned((machine.workspace,))
    machine.run(
        0, padded // lanes, len(nodes), nodes.ctypes.data, nodes.shape[1], lanes if differ else 0, saves.ctypes.data,
        int(differ), held[0].ctypes.data, held_steps.ctypes.data, first[0].ctypes.data, first_steps.ctypes.data,
        whole.ctypes.data, whole.strides[0] // 8, whole.strides[1] // 8, work.ctypes.data, half,
    )  # fmt: skip
    if whole is not out:
        out[...] = whole[:, :, :runs]


def _columns(
    values: Sequence[Any], runs: int, padded: int, lanes: int
) -> tuple[tuple[NDArray[Any], list[Floats]], NDArray[Any]]:
    """Return pointers to each value, spread over lanes or runs, with the arrays behind them, and the block steps."""
    arrays: list[Floats] = []
    steps = np.zeros(len(values) + 1, dtype=np.int64)
    for i, value in enumerate(values):
        flat = np.atleast_1d(np.asarray(value, dtype=float))
        same = len(flat) == 1 or flat.strides[0] == 0
        steps[i] = 0 if same else lanes
        arrays.append(np.full(lanes, flat[0]) if same else _padded(flat, padded))
    pointers = np.array([array.ctypes.data for array in arrays] + [0], dtype=np.int64)
    return (pointers, arrays), steps


def _padded(flat: Floats, padded: int) -> Floats:
    """Return a column with its last value repeated up to whole vectors."""
    if len(flat) == padded and flat.flags.c_contiguous:
        return flat
    return np.concatenate([flat, np.full(padded - len(flat), flat[-1])])


def _spread(values: NDArray[Any], runs: int, padded: int, lanes: int) -> NDArray[Any]:
    """Return nodes or save marks with a row of lanes (all runs alike) or of padded runs."""
    if values.shape[1] == 1:
        return np.ascontiguousarray(np.broadcast_to(values, (len(values), lanes)))
    if padded == runs:
        return np.ascontiguousarray(values)
    return np.concatenate([values, np.repeat(values[:, -1:], padded - runs, axis=1)], axis=1)


class _Emitter:
    """Emits one model as a module: derivative, observe, and the loop over blocks and time."""

    def __init__(self, model: Model, structure: Structure, program: Program, events: str, lanes: int) -> None:
        self.model, self.structure, self.program, self.events, self.lanes = model, structure, program, events, lanes
        flows = [model.variables[name].expression for name in program.stocks]
        watched: list[Expression] = [Reference(name) for name in program.outputs]
        fixed = set(program.held)
        needed = [name for name in self.needs([*flows, *watched], fixed) if name in fixed]
        self.held = tuple(name for name in program.held if name in set(needed))
        self.targets = {"derivative": flows, "observe": watched}

    def needs(self, targets: Sequence[Expression], fixed: set[str]) -> list[str]:
        seen: dict[str, None] = {}
        pending = [name for expression in targets for name in references(expression)]
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen[name] = None
            if name not in fixed and self.model.variables[name].kind is Kind.AUXILIARY:
                pending.extend(references(self.model.variables[name].expression))
        return list(seen)

    def module(self, method: str) -> ir.Module:
        """Return derivative, observe and the loop over runs and time."""
        module = self.bodies()
        _Loop(module, self, method).emit()
        return module

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
        needed = set(self.needs(targets, fixed))
        level: dict[str, int] = {}
        for name in self.structure.order:
            if name in needed and name not in fixed:
                uses = references(self.model.variables[name].expression)
                level[name] = 1 + max((level.get(use, 0) for use in uses), default=0)
        return sorted(level, key=lambda name: level[name])


class _Scope:
    """Values inside one function, each expression emitted once."""

    def __init__(self, emitter: _Emitter, builder: ir.IRBuilder, function: ir.Function) -> None:
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
            return self.stairs(at, y, x[:-1], ">")
        if node.mode == "backward":
            return self.stairs(at, y, x[1:], ">=")
        from_x = self.stairs(at, x[:-1], x[1:-1], ">=")
        from_y = self.stairs(at, y[:-1], x[1:-1], ">=")
        slope = self.stairs(at, slopes, x[1:-1], ">=")
        value = b.fadd(from_y, b.fmul(slope, b.fsub(at, from_x)))
        if node.mode == "extrapolate":
            return value
        value = b.select(b.fcmp_ordered(">=", at, v.number(float(x[-1]))), v.number(float(y[-1])), value)
        return b.select(b.fcmp_ordered("<=", at, v.number(float(x[0]))), v.number(float(y[0])), value)

    def stairs(self, at: Any, levels: Any, edges: Any, relation: str) -> Any:
        """Return levels[number of edges at or below]."""
        value: Any = self.v.number(float(levels[0]))
        for edge, level in zip(edges, levels[1:], strict=True):
            passed = self.builder.fcmp_ordered(relation, at, self.v.number(float(edge)))
            value = self.builder.select(passed, self.v.number(float(level)), value)
        return value

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


def _binary(name: str) -> Callable[..., Any]:
    return lambda s, a, b: getattr(s.builder, name)(a, b)


def _compare(relation: str) -> Callable[..., Any]:
    return lambda s, a, b: s.where(relation, a, b)


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
}  # fmt: skip
"""How each function is emitted; `IF THEN ELSE`, `^` and `POWER` are emitted by `_Scope` itself."""


class _Loop:
    """Emits `run`: over blocks of runs, over time, the steps of the method, what is saved."""

    def __init__(self, module: ir.Module, emitter: _Emitter, method: str) -> None:
        self.emitter, self.method, self.lanes = emitter, method, emitter.lanes
        self.vector = ir.VectorType(DOUBLE, self.lanes)
        self.marks = ir.VectorType(INTEGER, self.lanes)
        kind = ir.FunctionType(VOID, [argument for _, argument in _ARGUMENTS])
        function = ir.Function(module, kind, "run")
        self.a = {name: function.args[i] for i, (name, _) in enumerate(_ARGUMENTS)}
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.functions = {name: module.globals[name] for name in emitter.targets}
        self.stocks, outputs = len(emitter.program.stocks), len(emitter.program.outputs)
        sizes = {"y": self.stocks, "trial": self.stocks, "flow": self.stocks, "sum": self.stocks,
                 "fixed": len(emitter.held), "seen": outputs}  # fmt: skip
        self.memory: dict[str, Any] = {}
        offset = 0
        for name, size in sizes.items():
            self.memory[name] = self.at(self.a["work"], self.whole(offset))
            offset += size
        self.outputs = outputs

    def whole(self, value: int) -> ir.Constant:
        return ir.Constant(INTEGER, value)

    def at(self, base: Any, index: Any, kind: Any = None) -> Any:
        return self.b.gep(base, [index], source_etype=kind or self.vector)

    def load(self, base: Any, index: Any, kind: Any = None, align: int = 8) -> Any:
        return self.b.load(self.at(base, index, kind), typ=kind or self.vector, align=align)

    @contextmanager
    def each(self, count: Any, first: Any = None) -> Iterator[Any]:
        """Emit a loop from first (default 0) to count - 1."""
        b = self.b
        first = first if first is not None else self.whole(0)
        before = b.block
        head, body, done = (b.append_basic_block(name) for name in ("head", "body", "done"))
        b.branch(head)
        b.position_at_end(head)
        index = b.phi(INTEGER)
        index.add_incoming(first, before)
        b.cbranch(b.icmp_signed("<", index, count), body, done)
        b.position_at_end(body)
        yield index
        index.add_incoming(b.add(index, self.whole(1)), b.block)
        b.branch(head)
        b.position_at_end(done)

    def emit(self) -> None:
        b, a = self.b, self.a
        with self.each(a["last"], a["first"]) as block:
            self.gather("held", "held_steps", "fixed", len(self.emitter.held), block)
            self.gather("state", "state_steps", "y", self.stocks, block)
            with self.each(a["count"]) as node:
                self.node(block, node)
        b.ret_void()

    def gather(self, pointers: str, steps: str, to: str, count: int, block: Any) -> None:
        """Copy this block's part of each column into the workspace."""
        with self.each(self.whole(count)) as i:
            base = self.load(self.a[pointers], i, POINTER)
            offset = self.b.mul(block, self.load(self.a[steps], i, INTEGER))
            value = self.b.load(self.at(base, offset, DOUBLE), typ=self.vector, align=8)
            self.b.store(value, self.at(self.memory[to], i), align=8)

    def node(self, block: Any, node: Any) -> None:
        b, a = self.b, self.a
        here = b.add(b.mul(node, a["node_row"]), b.mul(block, a["node_block"]))
        t = b.load(self.at(a["nodes"], here, DOUBLE), typ=self.vector, align=8)
        more = b.icmp_signed("<", b.add(node, self.whole(1)), a["count"])
        there = b.select(more, b.add(here, a["node_row"]), here)
        after = b.load(self.at(a["nodes"], there, DOUBLE), typ=self.vector, align=8)
        te = t
        if self.emitter.events == "exact":
            two = ir.Constant(self.vector, [ir.Constant(DOUBLE, 2.0)] * self.lanes)
            te = b.fdiv(b.fadd(t, after), two)
        marks = b.load(self.at(a["saves"], here, INTEGER), typ=self.marks, align=8)
        none = ir.Constant(self.marks, [self.whole(0)] * self.lanes)
        with b.if_then(every(b, b.icmp_signed(">=", marks, none), self.lanes, "or")):
            self.save(block, marks, t, te)
        length = b.fsub(after, t)
        zero = ir.Constant(self.vector, [ir.Constant(DOUBLE, 0.0)] * self.lanes)
        with b.if_then(every(b, b.fcmp_unordered("!=", length, zero), self.lanes, "or")):
            self.rk4(t, te, length) if self.method == "rk4" else self.euler(t, te, length)

    def save(self, block: Any, marks: Any, t: Any, te: Any) -> None:
        """Write the outputs into the rows that the marks name, all lanes at once where they agree."""
        b, a = self.b, self.a
        self.call("observe", t, te, "y", "seen")
        column = b.mul(block, self.whole(self.lanes))
        with b.if_else(b.icmp_signed("==", a["differ"], self.whole(0))) as (same, differ):
            with same:
                row = b.mul(b.extract_element(marks, ir.Constant(ir.IntType(32), 0)), a["out_row"])
                with self.each(self.whole(self.outputs)) as i:
                    place = b.add(b.add(row, b.mul(i, a["out_column"])), column)
                    b.store(self.load(self.memory["seen"], i), self.at(a["out"], place, DOUBLE), align=8)
            with differ:
                for lane in range(self.lanes):
                    mark = b.extract_element(marks, ir.Constant(ir.IntType(32), lane))
                    with b.if_then(b.icmp_signed(">=", mark, self.whole(0))):
                        row = b.mul(mark, a["out_row"])
                        with self.each(self.whole(self.outputs)) as i:
                            from_ = b.add(b.mul(i, self.whole(self.lanes)), self.whole(lane))
                            value = self.load(self.memory["seen"], from_, DOUBLE)
                            place = b.add(b.add(row, b.mul(i, a["out_column"])), b.add(column, self.whole(lane)))
                            b.store(value, self.at(a["out"], place, DOUBLE), align=8)

    def call(self, name: str, t: Any, te: Any, state: str, into: str) -> None:
        memory = self.memory
        self.b.call(self.functions[name], [t, te, self.a["half"], memory[state], memory["fixed"], memory[into]])

    def over_stocks(self, to: str, formula: Callable[[Callable[[str], Any]], Any]) -> None:
        """Emit to[i] = formula for every stock i."""
        with self.each(self.whole(self.stocks)) as i:
            value = formula(lambda name: self.load(self.memory[name], i))
            self.b.store(value, self.at(self.memory[to], i), align=8)

    def shifted(self, length: Any, of: Callable[[str], Any]) -> Any:
        """Return the state moved along the flow."""
        return self.b.fadd(of("y"), self.b.fmul(length, of("flow")))

    def euler(self, t: Any, te: Any, h: Any) -> None:
        self.call("derivative", t, te, "y", "flow")
        self.over_stocks("y", lambda of: self.b.fadd(of("y"), self.b.fmul(h, of("flow"))))

    def rk4(self, t: Any, te: Any, h: Any) -> None:
        """Emit one classical Runge-Kutta step, in the same order of operations as the NumPy one."""
        b = self.b
        exact = self.emitter.events == "exact"
        two, six = (ir.Constant(self.vector, [ir.Constant(DOUBLE, n)] * self.lanes) for n in (2.0, 6.0))
        half = b.fdiv(h, two)
        middle, end = b.fadd(t, half), b.fadd(t, h)
        self.call("derivative", t, te, "y", "sum")
        self.over_stocks("trial", lambda of: b.fadd(of("y"), b.fmul(half, of("sum"))))
        self.call("derivative", middle, te if exact else middle, "trial", "flow")
        for length, at in ((half, middle), (h, end)):
            self.over_stocks("sum", lambda of: b.fadd(of("sum"), b.fmul(two, of("flow"))))
            self.over_stocks("trial", partial(self.shifted, length))
            self.call("derivative", at, te if exact else at, "trial", "flow")
        self.over_stocks("sum", lambda of: b.fadd(of("sum"), of("flow")))
        sixth = b.fdiv(h, six)
        self.over_stocks("y", lambda of: b.fadd(of("y"), b.fmul(sixth, of("sum"))))
