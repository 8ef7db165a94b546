"""ONE table of every operator and function that models may use, with each of its printings.

`numpy` and `scalar` are templates of the two Python printings, `javascript` of the page's: `{0}`, `{1}` ... are
operands, `t` is the time, `te` the moment at which conditions on time are judged (see
`transition_sim.engine.solvers`), `half` is half a step. `compatible` (and `javascript_compatible`) is used in place of
them where events snap to the step as in Vensim and PySD. Names in a `javascript` template that are not `Math`'s are
functions of `engine/solver.js`; a function without one cannot be printed for the page.
The names on the left are the ones that a `.mdl` file uses, in upper case.
"""

from __future__ import annotations

from dataclasses import dataclass

SMALL = 1e-6
"""What Vensim takes for zero in ZIDZ, XIDZ, QUANTUM and MODULO, and the slack of PULSE and RAMP."""


@dataclass(frozen=True, slots=True)
class Function:
    """How one function is written in each printing.

    `logical_in` and `logical_out` tell whether operands and result are truth values; `jumps` whether the result
    can jump where its operands do not; `time` whether it reads the clock by itself; `random` whether its last
    argument, in a file the number of a stream, is replaced by a draw between 0 and 1 when it is read.
    """

    name: str
    arity: int
    numpy: str
    scalar: str = ""
    compatible: str = ""
    javascript: str = ""
    javascript_compatible: str = ""
    logical_in: bool = False
    logical_out: bool = False
    jumps: bool = False
    time: bool = False
    infix: bool = False
    random: bool = False

    def template(self, printing: str, events: str) -> str:
        """Return the template for a printing (`numpy`, `scalar` or `javascript`) and a mode of events."""
        if printing == "javascript":
            return (events == "compatible" and self.javascript_compatible) or self.javascript
        if events == "compatible" and self.compatible:
            return self.compatible
        return self.scalar if printing == "scalar" and self.scalar else self.numpy


def _infix(name: str, arity: int, text: str, scalar: str = "", javascript: str = "") -> Function:
    return Function(name, arity, text, scalar, javascript=javascript or text, infix=True)


def _comparison(name: str, text: str, javascript: str = "") -> Function:
    return Function(name, 2, text, javascript=javascript or text, logical_out=True, jumps=True, infix=True)


def _logic(name: str, arity: int, text: str, scalar: str, javascript: str) -> Function:
    return Function(name, arity, text, scalar, javascript=javascript, logical_in=True, logical_out=True, infix=True)


def _plain(name: str, numpy_name: str, arity: int = 1, javascript: str = "") -> Function:
    """Return a function called by one name in Python and by another, by default `Math`'s of that name, on the page."""
    operands = ", ".join(f"{{{i}}}" for i in range(arity))
    return Function(
        name, arity, f"{numpy_name}({operands})", javascript=f"{javascript or f'Math.{numpy_name}'}({operands})"
    )


def _random(name: str, arity: int) -> Function:
    """Return a distribution, worked out by `transition_sim.engine.noise` from its parameters and a draw."""
    operands = ", ".join(f"{{{i}}}" for i in range(arity))
    return Function(name, arity, f"{name.lower().replace(' ', '_')}({operands})", random=True)


DRAW = "draw"
"""A number between 0 and 1 that hangs on seed, call, run and step alone; no file can call it by this name.

Operands: the number of the stream, the call's own number, the file's NOISE SEED, then seed, run, start and step.
"""

_ALL = (
    _infix("+", 2, "({0} + {1})"),
    _infix("-", 2, "({0} - {1})"),
    _infix("*", 2, "({0} * {1})"),
    _infix("/", 2, "({0} / {1})", "divide({0}, {1})", "({0} / {1})"),
    _infix("^", 2, "power({0}, {1})"),
    _infix("negative", 1, "(-{0})"),
    _comparison("=", "({0} == {1})", "({0} === {1})"),
    _comparison("<>", "({0} != {1})", "({0} !== {1})"),
    _comparison("<", "({0} < {1})"),
    _comparison("<=", "({0} <= {1})"),
    _comparison(">", "({0} > {1})"),
    _comparison(">=", "({0} >= {1})"),
    _logic(":AND:", 2, "({0} & {1})", "({0} and {1})", "({0} && {1})"),
    _logic(":OR:", 2, "({0} | {1})", "({0} or {1})", "({0} || {1})"),
    _logic(":NOT:", 1, "(~{0})", "(not {0})", "(!{0})"),
    Function("IF THEN ELSE", 3, "where({0}, {1}, {2})", "({1} if {0} else {2})", javascript="({0} ? {1} : {2})"),
    _plain("ABS", "absolute", javascript="Math.abs"),
    _plain("EXP", "exp"),
    _plain("LN", "log"),
    Function(
        "LOG", 2, "(log({0}) / log({1}))", "divide(log({0}), log({1}))", javascript="(Math.log({0}) / Math.log({1}))"
    ),
    _plain("SQRT", "sqrt"),
    _plain("SIN", "sin"),
    _plain("COS", "cos"),
    _plain("TAN", "tan"),
    _plain("ARCSIN", "arcsin", javascript="Math.asin"),
    _plain("ARCCOS", "arccos", javascript="Math.acos"),
    _plain("ARCTAN", "arctan", javascript="Math.atan"),
    _plain("SINH", "sinh"),
    _plain("COSH", "cosh"),
    _plain("TANH", "tanh"),
    _plain("POWER", "power", 2, "power"),
    _plain("MIN", "minimum", 2, "Math.min"),
    _plain("MAX", "maximum", 2, "Math.max"),
    Function("INTEGER", 1, "trunc({0})", javascript="Math.trunc({0})", jumps=True),
    Function("QUANTUM", 2, "quantum({0}, {1})", javascript="quantum({0}, {1})", jumps=True),
    Function("MODULO", 2, "modulo({0}, {1})", javascript="modulo({0}, {1})", jumps=True),
    Function("ZIDZ", 2, "zidz({0}, {1})", javascript="zidz({0}, {1})", jumps=True),
    Function("XIDZ", 3, "xidz({0}, {1}, {2})", javascript="xidz({0}, {1}, {2})", jumps=True),
    Function(
        "STEP",
        2,
        "({0} * (te >= {1}))",
        compatible="({0} * ((t + half) > {1}))",
        javascript="({0} * (te >= {1} ? 1 : 0))",
        javascript_compatible="({0} * (t + half > {1} ? 1 : 0))",
        jumps=True,
        time=True,
    ),
    Function(
        "RAMP",
        3,
        "({0} * maximum(minimum(t, {2}) - {1}, 0.0))",
        compatible=f"({{0}} * ((t + {SMALL!r}) > {{1}}) * (minimum(t, {{2}}) - {{1}}))",
        javascript="({0} * Math.max(Math.min(t, {2}) - {1}, 0))",
        javascript_compatible=f"({{0}} * (t + {SMALL!r} > {{1}} ? 1 : 0) * (Math.min(t, {{2}}) - {{1}}))",
        time=True,
    ),
    Function(
        "PULSE",
        2,
        "(1.0 * ((te >= {0}) & (te < {0} + {1})))",
        compatible=f"(1.0 * ((t >= {{0}} - {SMALL!r}) & (t < {{0}} + {{1}})))",
        javascript="(te >= {0} && te < {0} + {1} ? 1 : 0)",
        javascript_compatible=f"(t >= {{0}} - {SMALL!r} && t < {{0}} + {{1}} ? 1 : 0)",
        jumps=True,
        time=True,
    ),
    Function(
        "PULSE TRAIN",
        4,
        "pulse_train(te, {0}, {1}, {2}, {3}, 0.0)",
        compatible=f"pulse_train(t, {{0}}, {{1}}, {{2}}, {{3}}, {SMALL!r})",
        javascript="pulseTrain(te, {0}, {1}, {2}, {3}, 0)",
        javascript_compatible=f"pulseTrain(t, {{0}}, {{1}}, {{2}}, {{3}}, {SMALL!r})",
        jumps=True,
        time=True,
    ),
    Function(DRAW, 7, "draw(te, {0}, {1}, {2}, {3}, {4}, {5}, {6})", jumps=True, time=True),
    _random("RANDOM UNIFORM", 3),
    _random("RANDOM NORMAL", 5),
    _random("RANDOM EXPONENTIAL", 5),
    _random("RANDOM TRIANGULAR", 6),
    _random("RANDOM WEIBULL", 6),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}
"""Every operator and function by its name in a model file (upper case, single spaces)."""

STRUCTURES = (
    "INTEG",
    "INITIAL",
    "ACTIVE INITIAL",
    "WITH LOOKUP",
    "LOOKUP EXTRAPOLATE",
    "LOOKUP FORWARD",
    "LOOKUP BACKWARD",
    "SMOOTH",
    "SMOOTHI",
    "SMOOTH3",
    "SMOOTH3I",
    "DELAY1",
    "DELAY1I",
    "DELAY3",
    "DELAY3I",
    "SMOOTH N",
    "DELAY N",
    "TREND",
    "FORECAST",
    "SAMPLE IF TRUE",
    "DELAY FIXED",
    "RANDOM 0 1",
    "SUM",
    "PROD",
    "VMIN",
    "VMAX",
)
"""What the reader writes out itself before a model reaches the engine."""


def supported() -> list[str]:
    """Return the names of all functions that a model file may call."""
    callable_names = {name for name, f in FUNCTIONS.items() if not f.infix and name != DRAW}
    return sorted(callable_names | set(STRUCTURES))
