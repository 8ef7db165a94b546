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

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

import transition_sim as ts
from transition_sim.engine import llvm_backend as backend
from transition_sim.engine.llvm_emit import Emitter
from transition_sim.engine.llvm_math import DOUBLE, INTEGER, Vectors
from transition_sim.engine.numpy_backend import compile_program
from transition_sim.engine.simulate import structure_of
from transition_sim.model.equations import Model

SIMPLE = ("fadd", "fsub", "fmul", "fneg", "fcmp", "select", "fma", "sqrt", "fdiv", "integer", "minmax")
CHAINS = 12


def counted(model: Model, outputs: tuple[str, ...]) -> Counter[str]:
    """Return how often each vector operation stands in the optimised derivative."""
    program = compile_program(model, structure_of(model), outputs, "numpy", "exact")
    module = Emitter(model, structure_of(model), program, "exact", backend.host()[2]).bodies()
    module.globals["derivative"].linkage = "external"  # nothing calls it here
    body = str(backend.optimised(module).get_function("derivative"))
    found: Counter[str] = Counter()
    for line in body.splitlines():
        match = re.search(r"= (?:tail )?(\w+) .*?<\d+ x", line)
        if match is None:
            continue
        word = match[1]
        if word == "call":
            name = re.search(r"@llvm\.(\w+)", line)
            word = {"fma": "fma", "sqrt": "sqrt"}.get(name[1] if name else "", "minmax")
        if word in ("add", "sub", "shl", "ashr", "lshr", "and", "or", "xor"):
            word = "integer"
        if word != "load":
            found[word] += 1
    return found


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


def report(runs: int = 8192) -> str:
    """Return, for the transition model under RK4, the floor and the time of a run, and what the operations are."""
    model = ts.load_model()
    lanes = backend.host()[2]
    counts = counted(model, ("cumulative relapse hazard",))
    cost = {kind: throughput(kind, lanes) for kind in ("fadd", "fmul", "fma", "fdiv", "sqrt")}
    slow = {kind: counts[kind] for kind in ("fdiv", "sqrt")}
    light = sum(counts[kind] for kind in SIMPLE if kind not in slow)
    vector = light * cost["fadd"] + sum(n * cost[kind] for kind, n in slow.items())
    steps = round((model.time.final - model.time.initial) / model.time.step)
    least = vector * 4 * steps / lanes / 1000
    columns = {"baseline hazard of war": model.find("baseline hazard of war").value * np.linspace(0.8, 1.2, runs)}
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        ts.simulate(model, constants=columns, outputs=["cumulative relapse hazard"], save_every=252, jobs=1)
        taken.append((time.perf_counter() - began) / runs * 1e6)
    middle = float(np.median(taken))
    listed = ", ".join(f"{n} {kind}" for kind, n in counts.most_common() if kind in SIMPLE)
    parts = (
        f"One evaluation of the transition model's flows, as LLVM leaves it, is {listed} on vectors of {lanes}.",
        f"Measured throughputs: {cost['fadd']:.3f} ns an addition, {cost['fmul']:.3f} a product, {cost['fdiv']:.2f} a "
        f"division, {cost['sqrt']:.2f} a root.",
        f"Four evaluations in each of {steps} steps make a floor of **{least:.0f} µs a run and core**; a run takes "
        f"**{middle:.0f}** (median of 7), **{middle / least:.1f} times** the floor. Divisions and roots alone are "
        f"{100 * sum(n * cost[k] for k, n in slow.items()) / vector:.0f} % of the floor.",
    )
    return " ".join(parts)


if __name__ == "__main__":
    print(report())
