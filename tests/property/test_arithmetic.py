"""Random expressions: read from a file, printed and computed two ways, against Python's own arithmetic."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transition_sim.engine.simulate import simulate
from transition_sim.model.printing import expression_text
from transition_sim.model.reader import load_model

CONTROL = "INITIAL TIME = 0 ~ ~ |\nFINAL TIME = 1 ~ ~ |\nTIME STEP = 1 ~ ~ |\nSAVEPER = 1 ~ ~ |\n"
NUMBERS = st.floats(0.1, 9).map(lambda v: round(v, 3)).map(lambda v: (f"{v}", f"{v}"))
NAMES = st.sampled_from([("a", "a"), ("b", "b"), ("c", "c")])


def combine(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    """Return pairs (Vensim, Python) of larger expressions; brackets only where the strategy puts them."""

    def binary(operator: str, python: str) -> st.SearchStrategy[tuple[str, str]]:
        return st.tuples(inner, inner).map(
            lambda p: (f"{p[0][0]} {operator} {p[1][0]}", f"{p[0][1]} {python} {p[1][1]}")
        )

    bracketed = inner.map(lambda p: (f"({p[0]})", f"({p[1]})"))
    negative = inner.map(lambda p: (f"(-({p[0]}))", f"(-({p[1]}))"))
    called = st.one_of(
        inner.map(lambda p: (f"EXP(-ABS({p[0]}))", f"math.exp(-abs({p[1]}))")),
        inner.map(lambda p: (f"SQRT(ABS({p[0]}))", f"math.sqrt(abs({p[1]}))")),
        st.tuples(inner, inner).map(lambda p: (f"MIN({p[0][0]}, {p[1][0]})", f"min({p[0][1]}, {p[1][1]})")),
        st.tuples(inner, inner).map(lambda p: (f"MAX({p[0][0]}, {p[1][0]})", f"max({p[0][1]}, {p[1][1]})")),
        st.tuples(inner, inner, inner).map(
            lambda p: (
                f"IF THEN ELSE({p[0][0]} > {p[1][0]}, {p[1][0]}, {p[2][0]})",
                f"(({p[1][1]}) if ({p[0][1]}) > ({p[1][1]}) else ({p[2][1]}))",
            )
        ),
    )
    return st.one_of(
        binary("+", "+"), binary("-", "-"), binary("*", "*"), binary("/", "/"), bracketed, negative, called
    )


EXPRESSIONS = st.recursive(st.one_of(NUMBERS, NAMES), combine, max_leaves=12)
RELAXED = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(EXPRESSIONS)
def test_arithmetic_is_pythons(tmp_path: Path, expression: tuple[str, str]) -> None:
    vensim, python = expression
    values = {"a": 1.7, "b": -0.6, "c": 12.5}
    path = tmp_path / "random.mdl"
    lines = [f"{name} = {value} ~ ~ |" for name, value in values.items()]
    path.write_text("\n".join([*lines, f"x = {vensim} ~ ~ |", "s = INTEG(0, 0) ~ ~ |", CONTROL]), encoding="utf-8")
    try:
        expected = eval(python, {"math": math, "min": min, "max": max, "abs": abs}, dict(values))  # noqa: S307
    except (ZeroDivisionError, OverflowError):
        return
    if not math.isfinite(expected):
        return
    model = load_model(path)
    single = simulate(model)["x"][0, 0]
    batch = simulate(model, constants={"a": np.full(3, 1.7)}, outputs=["x"])["x"][0]
    scale = max(abs(expected), 1.0)
    assert abs(single - expected) <= 1e-12 * scale
    assert np.abs(batch - expected).max() <= 1e-12 * scale


@RELAXED
@given(EXPRESSIONS)
def test_printed_expression_reads_back_the_same(tmp_path: Path, expression: tuple[str, str]) -> None:
    path = tmp_path / "printed.mdl"
    start = "a = 1.7 ~ ~ |\nb = -0.6 ~ ~ |\nc = 12.5 ~ ~ |\n"
    path.write_text(f"{start}x = {expression[0]} + 0 * Time ~ ~ |\n{CONTROL}", encoding="utf-8")
    first = load_model(path).variables["x"].expression
    path.write_text(f"{start}x = {expression_text(first)} ~ ~ |\n{CONTROL}", encoding="utf-8")
    assert load_model(path).variables["x"].expression == first
