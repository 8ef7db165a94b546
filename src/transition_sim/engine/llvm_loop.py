"""The loop around a model's flows as LLVM code: over blocks of runs, over time, the steps of a method, what is saved.

One function, `run`, for one method and one mode of events; a block is as many runs as a vector has lanes. Where the
nodes of time differ from run to run, every lane takes as many steps, some of no length, and saves when it is its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from llvmlite import ir

from transition_sim.engine.llvm_emit import Emitter, every
from transition_sim.engine.llvm_math import DOUBLE, INTEGER, POINTER, VOID

ARGUMENTS = (
    ("first", INTEGER), ("last", INTEGER), ("count", INTEGER), ("nodes", POINTER), ("node_row", INTEGER),
    ("node_block", INTEGER), ("saves", POINTER), ("differ", INTEGER), ("held", POINTER), ("held_steps", POINTER),
    ("state", POINTER), ("state_steps", POINTER), ("out", POINTER), ("out_row", INTEGER), ("out_column", INTEGER),
    ("work", POINTER), ("half", DOUBLE),
)  # fmt: skip
"""What `run` is given: blocks, nodes of time, marks of what is saved, columns, where to write, and workspace."""


class Loop:
    """Emits `run`: over blocks of runs, over time, the steps of the method, what is saved."""

    def __init__(self, module: ir.Module, emitter: Emitter, method: str) -> None:
        self.emitter, self.method, self.lanes = emitter, method, emitter.lanes
        self.vector = ir.VectorType(DOUBLE, self.lanes)
        self.marks = ir.VectorType(INTEGER, self.lanes)
        kind = ir.FunctionType(VOID, [argument for _, argument in ARGUMENTS])
        function = ir.Function(module, kind, "run")
        self.a = {name: function.args[i] for i, (name, _) in enumerate(ARGUMENTS)}
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
        two, six = (ir.Constant(self.vector, [ir.Constant(DOUBLE, n)] * self.lanes) for n in (2.0, 6.0))
        half = b.fdiv(h, two)
        middle, end = b.fadd(t, half), b.fadd(t, h)
        self.call("derivative", t, te, "y", "sum")
        self.over_stocks("trial", lambda of: b.fadd(of("y"), b.fmul(half, of("sum"))))
        self.call("derivative", middle, te, "trial", "flow")
        for length, at in ((half, middle), (h, end)):
            self.over_stocks("sum", lambda of: b.fadd(of("sum"), b.fmul(two, of("flow"))))
            self.over_stocks("trial", partial(self.shifted, length))
            self.call("derivative", at, te, "trial", "flow")
        self.over_stocks("sum", lambda of: b.fadd(of("sum"), of("flow")))
        sixth = b.fdiv(h, six)
        self.over_stocks("y", lambda of: b.fadd(of("y"), b.fmul(sixth, of("sum"))))
