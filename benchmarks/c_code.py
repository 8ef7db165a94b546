"""A model's tree printed as plain C, one run at a time under Euler's rule: what a good generated simulator does.

Built with `-O3 -march=native` by the machine's own compiler; no fast-math. Only what the benchmark's models use.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from transition_sim.engine.simulate import structure_of
from transition_sim.model.equations import Call, Expression, Kind, Lookup, Model, Number, Reference
from transition_sim.model.functions import SMALL

INFIX = {"+": "+", "-": "-", "*": "*", "/": "/", "=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
         ":AND:": "&&", ":OR:": "||"}  # fmt: skip
CALLS = {
    "^": "pow",
    "POWER": "pow",
    "EXP": "exp",
    "LN": "log",
    "SQRT": "sqrt",
    "ABS": "fabs",
    "MIN": "fmin",
    "MAX": "fmax",
}
HEAD = """#include <math.h>
static inline double table(double at, const double *x, const double *y, int n) {
    if (at <= x[0]) return y[0];
    if (at >= x[n - 1]) return y[n - 1];
    int i = 1; while (at >= x[i]) i++;
    return y[i - 1] + (y[i] - y[i - 1]) / (x[i] - x[i - 1]) * (at - x[i - 1]);
}
"""


def compiler() -> str | None:
    """Return the machine's C compiler, or None."""
    return shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")


def build(model: Model, outputs: list[str], folder: Path) -> Callable[..., None]:
    """Return `run(constants, out, runs)` in machine code; final values only, `(run, output)`."""
    source, binary = folder / "model.c", folder / "model.so"
    source.write_text(code(model, outputs), encoding="utf-8")
    command = [str(compiler()), "-O3", "-march=native", "-shared", "-fPIC", str(source), "-o", str(binary), "-lm"]
    subprocess.run(command, check=True)
    function = ctypes.CDLL(str(binary)).run
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long]
    return function


def code(model: Model, outputs: list[str]) -> str:
    """Return the C text: constants in the order of the model, state and auxiliaries as local variables."""
    structure = structure_of(model)
    index = {name: i for i, name in enumerate(model.variables)}
    tables: list[str] = []
    constants = [v.name for v in model.of_kind(Kind.CONSTANT)]
    time = model.time

    def text(node: Expression) -> str:
        if isinstance(node, Number):
            return f"({node.value!r})"
        if isinstance(node, Reference):
            return f"v{index[node.name]}"
        if isinstance(node, Lookup):
            number = len(tables)
            x, y = (", ".join(map(repr, column)) for column in (node.table.x, node.table.y))
            tables.append(f"static const double tx{number}[] = {{{x}}}, ty{number}[] = {{{y}}};")
            return f"table({text(node.argument)}, tx{number}, ty{number}, {len(node.table.x)})"
        if not isinstance(node, Call):
            return "t"
        operands = [text(argument) for argument in node.arguments]
        if node.function == "negative":
            return f"(-{operands[0]})"
        if node.function == "IF THEN ELSE":
            return f"({operands[0]} ? {operands[1]} : {operands[2]})"
        if node.function == "RAMP":
            slope, start, end = operands
            return f"({slope} * (t + {SMALL!r} > {start} ? fmin(t, {end}) - {start} : 0.0))"
        if node.function == "^" and node.arguments[1] in (Number(2.0), Number(4.0)):
            return "(" + " * ".join([operands[0]] * int(node.arguments[1].value)) + ")"  # type: ignore[union-attr]
        if node.function in INFIX:
            return f"({operands[0]} {INFIX[node.function]} {operands[1]})"
        return f"{CALLS[node.function]}({', '.join(operands)})"

    moving = [name for name in structure.order if name not in structure.fixed]
    stocks = list(model.stocks)
    first = [
        f"double v{index[n]} = {text(model.variables[n].initial or model.variables[n].expression)};"
        for n in structure.initial_order if n in structure.fixed or n in stocks or n in _used_at_start(model, stocks)
    ]  # fmt: skip
    declared = {line.split(" ")[1] for line in first}
    each = [
        f"{'' if f'v{index[n]}' in declared else 'double '}v{index[n]} = {text(model.variables[n].expression)};"
        for n in moving
    ]
    flows = [f"double d{index[n]} = {text(model.variables[n].expression)};" for n in stocks]
    steps = [f"v{index[n]} += {time.step!r} * d{index[n]};" for n in stocks]
    seen = [f"out[{i}] = v{index[n]};" for i, n in enumerate(outputs)]
    reads = [f"double v{index[n]} = c[{i}];" for i, n in enumerate(constants)]
    count = round((time.final - time.initial) / time.step)
    return "\n".join([
        HEAD, *tables, "void run(const double *c, double *out, long runs) {",
        f"for (long r = 0; r < runs; r++, c += {len(constants)}, out += {len(outputs)}) {{", *reads, *first,
        f"for (int i = 0; i <= {count}; i++) {{ double t = {time.initial!r} + i * {time.step!r};", *each,
        f"if (i == {count}) {{", *seen, "break; }", *flows, *steps, "}}}",
    ])  # fmt: skip


def _used_at_start(model: Model, stocks: list[str]) -> set[str]:
    """Return the auxiliaries that initial values need."""
    from transition_sim.model.equations import references

    pending = [n for s in stocks for n in references(model.variables[s].initial or Number(0.0))]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in found and model.variables[name].kind is not Kind.CONSTANT:
            found.add(name)
            pending += references(model.variables[name].expression)
    return found
