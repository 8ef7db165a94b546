"""The floor of the arithmetic units: how long the operations of one run take if nothing but arithmetic took time.

Operations of derivative are counted in the machine's terms - as LLVM leaves them, after it has shared and folded what
it can - and divided by throughputs that are measured on this machine, in the same run, by kernels of independent
vectors. Loads, stores, and waiting for operands are what lies above.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

import transition_sim as ts
from transition_sim.engine import llvm_backend as backend
from transition_sim.engine.llvm_emit import Emitter, _Scope
from transition_sim.engine.llvm_math import DOUBLE, INTEGER, Vectors
from transition_sim.engine.numpy_backend import compile_program
from transition_sim.engine.simulate import structure_of
from transition_sim.model.equations import Expression, Model

SIMPLE = ("fadd", "fsub", "fmul", "fneg", "fcmp", "select", "fma", "sqrt", "fdiv", "integer", "minmax")
CLASSES = {
    "products": ("fmul",), "sums and differences": ("fadd", "fsub", "fneg"), "divisions": ("fdiv",),
    "fused products and sums (exponentials, logarithms, powers)": ("fma",),
    "comparisons and choices": ("fcmp", "select", "minmax"), "whole numbers (exponents)": ("integer",),
    "roots": ("sqrt",),
}  # fmt: skip
SHARED = "shared by sectors"
CHAINS = 12
Counts = dict[str, Counter[str]]
"""How often each operation stands, by sector of the model."""


class Marked(Emitter):
    """Emits the same code with each instruction marked, as a debugger's line, by the sector that it computes."""

    def sectors(self) -> list[str]:
        return list(dict.fromkeys(variable.group or "Model" for variable in self.model.variables.values()))

    def body(self, function: ir.Function, targets: Sequence[Expression]) -> None:
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        scope, module = _Scope(self, builder, function), function.module
        file = module.add_debug_info("DIFile", {"filename": "model", "directory": ""})
        unit = module.add_debug_info(
            "DICompileUnit",
            {"language": ir.DIToken("DW_LANG_C"), "file": file, "producer": "", "runtimeVersion": 0,
             "isOptimized": True, "emissionKind": ir.DIToken("FullDebug")},
            is_distinct=True,
        )  # fmt: skip
        kind = module.add_debug_info("DISubroutineType", {"types": module.add_metadata([None])})
        program = module.add_debug_info(
            "DISubprogram",
            {"name": function.name, "file": file, "line": 0, "type": kind, "unit": unit, "isDefinition": True},
            is_distinct=True,
        )
        function.set_metadata("dbg", program)
        lines = {name: i + 1 for i, name in enumerate(self.sectors())}

        def mark(name: str) -> None:
            line = lines[self.model.variables[name].group or "Model"]
            builder.debug_metadata = module.add_debug_info("DILocation", {"line": line, "column": 1, "scope": program})

        for name in self.by_level(targets):
            mark(name)
            scope.variable(name)
        for i, (name, target) in enumerate(zip(self.program.stocks, targets, strict=False)):
            mark(name)
            scope.store(function.args[5], i, scope.number(target))
        builder.ret_void()
        module.add_named_metadata("llvm.dbg.cu", unit)
        flag = [ir.Constant(ir.IntType(32), 2), "Debug Info Version", ir.Constant(ir.IntType(32), 3)]
        module.add_named_metadata("llvm.module.flags", module.add_metadata(flag))


def counted(model: Model, outputs: tuple[str, ...]) -> Counter[str]:
    """Return how often each vector operation stands in the optimised derivative."""
    program = compile_program(model, structure_of(model), outputs, "numpy", "exact")
    module = Emitter(model, structure_of(model), program, "exact", backend.host()[2]).bodies()
    return Counter(word for word, _ in operations(module))


def by_sector(model: Model, outputs: tuple[str, ...]) -> Counts:
    """Return the same counts sector by sector; what LLVM found to be common to several is `SHARED`."""
    program = compile_program(model, structure_of(model), outputs, "numpy", "exact")
    emitter = Marked(model, structure_of(model), program, "exact", backend.host()[2])
    emitter.targets = {"derivative": emitter.targets["derivative"]}
    found: Counts = {}
    for word, line in operations(emitter.bodies()):
        sector = emitter.sectors()[line - 1] if line else SHARED
        found.setdefault(sector, Counter())[word] += 1
    return found


def operations(module: ir.Module) -> Iterator[tuple[str, int]]:
    """Yield each vector operation of the optimised derivative with the line that marks it, 0 for none."""
    module.globals["derivative"].linkage = "external"  # nothing calls it here
    text = str(backend.optimised(str(module)))
    body = text[text.index(" @derivative(") :]
    lines = dict(re.findall(r"^(!\d+) = !DILocation\(line: (\d+)", text, re.MULTILINE))
    for line in body[: body.index("\n}")].splitlines():
        match = re.search(r"= (?:tail )?(\w+) .*?<\d+ x", line)
        if match is None:
            continue
        word = match[1]
        if word == "call":
            name = re.search(r"@llvm\.(\w+)", line)
            word = {"fma": "fma", "sqrt": "sqrt"}.get(name[1] if name else "", "minmax")
        if word in ("add", "sub", "shl", "ashr", "lshr", "and", "or", "xor"):
            word = "integer"
        if word in SIMPLE:
            mark = re.search(r"!dbg (!\d+)", line)
            yield word, int(lines.get(mark[1], 0)) if mark else 0


def throughput(kind: str, lanes: int) -> float:
    """Return nanoseconds that one vector operation takes when many independent ones are under way."""
    module = ir.Module(name="kernel")
    module.triple = llvm.get_process_triple()
    vector = ir.VectorType(DOUBLE, lanes)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INTEGER, ir.PointerType()]), "kernel")
    count, memory = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    v = Vectors(b, lanes)
    places = [b.gep(memory, [ir.Constant(INTEGER, i)], source_etype=vector) for i in range(CHAINS + 1)]
    values = [b.load(place, typ=vector, align=8) for place in places]
    before, body, done = b.block, function.append_basic_block("body"), function.append_basic_block("done")
    b.branch(body)
    b.position_at_end(body)
    index = b.phi(INTEGER)
    chains = [b.phi(vector) for _ in range(CHAINS)]
    other = values[-1]
    make = {
        "fadd": lambda x: b.fadd(x, other), "fmul": lambda x: b.fmul(x, other), "fdiv": lambda x: b.fdiv(x, other),
        "fma": lambda x: v.fma(x, other, other), "sqrt": lambda x: v.intrinsic("sqrt", x),
    }[kind]  # fmt: skip
    after = [make(chain) for chain in chains]
    following = b.add(index, ir.Constant(INTEGER, 1))
    index.add_incoming(ir.Constant(INTEGER, 0), before)
    index.add_incoming(following, body)
    for chain, first, last in zip(chains, values, after, strict=False):
        chain.add_incoming(first, before)
        chain.add_incoming(last, body)
    b.cbranch(b.icmp_signed("<", following, count), body, done)
    b.position_at_end(done)
    for place, last in zip(places, after, strict=False):
        b.store(last, place, align=8)
    b.ret_void()
    engine = backend.compiled(module)
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(engine.get_function_address("kernel"))
    numbers = backend.aligned(((CHAINS + 1) * lanes,))
    best = np.inf
    for _ in range(15):
        numbers[:] = 1.0
        began = time.perf_counter()
        run(200_000, numbers.ctypes.data)
        best = min(best, (time.perf_counter() - began) / (200_000 * CHAINS) * 1e9)
    return best


Costs = dict[str, float]
"""Nanoseconds of one vector operation."""


def costs(lanes: int) -> Costs:
    """Return what each operation takes: divisions and roots as measured, all others as an addition."""
    light = throughput("fadd", lanes)
    return {word: throughput(word, lanes) if word in ("fdiv", "sqrt") else light for word in SIMPLE}


def nanoseconds(counts: Counter[str], cost: Costs) -> float:
    return sum(count * cost[word] for word, count in counts.items())


def class_table(counts: Counter[str], cost: Costs) -> str:
    """Return the floor by class of operation, the largest first."""
    whole = nanoseconds(counts, cost)
    rows = []
    for label, words in CLASSES.items():
        some = Counter({word: counts[word] for word in words})
        rows.append((nanoseconds(some, cost), some.total(), label))
    lines = ["| operations | in one evaluation | share of the floor |", "|---|---|---|"]
    lines += [f"| {label} | {count:,} | {100 * taken / whole:.0f} % |" for taken, count, label in sorted(rows)[::-1]]
    return "\n".join(lines)


def sector_shares(found: Counts, cost: Costs) -> dict[str, tuple[int, float, float]]:
    """Return operations, share of the floor, and of that the share of divisions and roots, by sector."""
    whole = sum(nanoseconds(counts, cost) for counts in found.values())
    shares = {}
    for sector, counts in found.items():
        taken = nanoseconds(counts, cost)
        slow = counts["fdiv"] * cost["fdiv"] + counts["sqrt"] * cost["sqrt"]
        shares[sector] = (counts.total(), taken / whole, slow / taken)
    return dict(sorted(shares.items(), key=lambda item: -item[1][1]))


def sector_table(shares: dict[str, tuple[int, float, float]], variables: Counter[str]) -> str:
    """Return the floor by sector of the model, the largest first."""
    lines = [
        "| sector | variables | operations | share of the floor | of it divisions and roots |",
        "|---|---|---|---|---|",
    ]
    for sector, (count, share, slow) in shares.items():
        held = f"{variables[sector]:,}" if sector in variables else "-"
        lines.append(f"| {sector} | {held} | {count:,} | {100 * share:.0f} % | {100 * slow:.0f} % |")
    return "\n".join(lines)


def run_time(model: Model, runs: int) -> float:
    """Return microseconds a run of one core takes, the median of seven rounds."""
    columns = {"baseline hazard of war": model.find("baseline hazard of war").value * np.linspace(0.8, 1.2, runs)}
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        ts.simulate(model, constants=columns, outputs=["cumulative relapse hazard"], save_every=252, jobs=1)
        taken.append((time.perf_counter() - began) / runs * 1e6)
    return float(np.median(taken))


@dataclass(frozen=True)
class Floor:
    """What was counted and measured of the transition model under RK4."""

    counts: Counter[str]
    sectors: Counts
    cost: Costs
    variables: Counter[str]
    lanes: int
    steps: int
    taken: float

    @property
    def least(self) -> float:
        """Microseconds of a run if nothing but arithmetic took time."""
        return nanoseconds(self.counts, self.cost) * 4 * self.steps / self.lanes / 1000


def measured(runs: int = 8192) -> Floor:
    model = ts.load_model()
    outputs = ("cumulative relapse hazard",)
    lanes = backend.host()[2]
    steps = round((model.time.final - model.time.initial) / model.time.step)
    variables = Counter(variable.group or "Model" for variable in model.variables.values())
    return Floor(counted(model, outputs), by_sector(model, outputs), costs(lanes), variables, lanes, steps,
                 run_time(model, runs))  # fmt: skip


def report(floor: Floor) -> str:
    """Return the floor and the time of a run, and where inside a step the floor lies."""
    cost = floor.cost
    parts = (
        f"One evaluation of the transition model's flows, as LLVM leaves it, is {floor.counts.total():,} operations on "
        f"vectors of {floor.lanes}. Measured: {cost['fadd']:.3f} ns an addition (products and choices are taken for as "
        f"much), {cost['fdiv']:.2f} a division, {cost['sqrt']:.2f} a root.",
        f"Four evaluations in each of {floor.steps} steps make a floor of **{floor.least:.0f} µs a run and core**; a "
        f"run takes **{floor.taken:.0f}** (median of 7), **{floor.taken / floor.least:.1f} times** the floor. What "
        "lies above is loads, stores, and waiting for operands.",
    )
    marked = sum(counts.total() for counts in floor.sectors.values())
    note = (
        f"Sectors are those of the model's file. Operations carry their sector through LLVM as a debugger's line; "
        f"{marked:,} are counted so. What several sectors have in common, LLVM computes once."
    )
    sectors = sector_table(sector_shares(floor.sectors, cost), floor.variables)
    return "\n\n".join([" ".join(parts), class_table(floor.counts, cost), note, sectors])


if __name__ == "__main__":
    print(report(measured()))
