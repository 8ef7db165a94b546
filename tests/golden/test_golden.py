"""One tiny model per function or construct, with its expected table beside it.

The tables come from PySD under Euler (`--refresh-goldens`), or from the formulas below where PySD is known to be
wrong; never from our own engine. Our Euler with compatible events must equal them, in both printings, and two other
engines are asked live.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from transition_sim.engine.numpy_backend import compile_program
from transition_sim.engine.plan import BACKENDS
from transition_sim.engine.simulate import simulate, structure_of
from transition_sim.engine.solvers import integrate_batch, make_grid, regular_times
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind, Model, canonical
from transition_sim.model.functions import FUNCTIONS, STRUCTURES
from transition_sim.model.reader import load_model

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.mdl"))
TIMES = np.arange(0, 8.01, 0.5)


def euler_smooth(inputs: np.ndarray, time: float, start: float) -> np.ndarray:
    """Return a first-order smooth by Euler's rule, written out."""
    levels = [start]
    for value in inputs[:-1]:
        levels.append(levels[-1] + 0.5 * (value - levels[-1]) / time)
    return np.array(levels)


STEPPED = 0.5 + 2.0 * (TIMES >= 2)
BY_HAND: dict[str, dict[str, np.ndarray]] = {
    # PySD gives a variable the subscripts of the range that its own is mapped to.
    "mapping": {
        **{f"price[b{i + 1}]": np.full(17, price) for i, price in enumerate((3.0, 5.0, 7.0))},
        **{f"cost[a{i + 1}]": price * (1 + TIMES) for i, price in enumerate((3.0, 5.0, 7.0))},
    },
    # PySD prints (-2)^2 as -2**2, which Python reads as -(2**2).
    "bracketed_negative_base": {
        "squared": np.full(17, 4.0),
        "cubed": np.full(17, -8.0),
        "shifted": np.full(17, 5.5),
    },
    # PySD's lookups cannot be arguments, and pysimlin stays flat beyond the last points.
    "lookup_extrapolate": {"x": np.interp(TIMES - 2, [-2, 0, 2, 6], [-3, 1, 5, 7])},
    # PySD keeps the state of a SMOOTH in an array of the initial value's type, so that whole numbers truncate.
    "smooth_integer_start": {
        "in": STEPPED,
        "x": euler_smooth(STEPPED, 2, 1),
        "y": euler_smooth(np.full(17, 1.7), 2, 1),
    },
}
PYSD_CANNOT = {
    **dict.fromkeys(BY_HAND, "wrong, see BY_HAND"),
    "truth_as_number": "a number as a condition, and arithmetic on truth values, fail in its Python",
    "layout": "comments in braces inside an equation are not taken out",
    "logic": "evaluates a :AND: b :OR: c from the right; Vensim and pysimlin bind :AND: first",
    "lookup_forward": "lookups cannot be arguments",
    "lookup_backward": "lookups cannot be arguments",
}
PYSIMLIN_CANNOT = {
    **dict.fromkeys((f"function_{n}" for n in ("cosh", "sinh", "tanh", "power")), "does not know the function"),
    **dict.fromkeys(("delay_n", "smooth_n"), "refuses orders above 3"),
    "forecast": "does not know the function",
    "over_ranges": "does not know PROD",
    "delay_fixed": "runs DELAY FIXED as DELAY1",
    "sample_if_true": "counts up from a negative start",
    "macro": "does not compile a macro's value inside an expression",
    "control_expressions": "takes the time settings for numbers",
    "function_integer": "takes the floor of negative numbers; Vensim cuts them towards zero",
    "function_modulo": "never negative; Vensim keeps the sign of the first argument",
    "lookup_extrapolate": "stays flat beyond the last points",
    "lookup_unsorted_points": "reads the points as they stand; Vensim and PySD sort them",
    "pulse_train": "a pulse may begin at the end time itself",
    "truth_as_number": "refuses it",
}
CONTROLS = ("INITIAL TIME", "FINAL TIME", "TIME STEP", "SAVEPER")


def table_of(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv", comment="#", index_col=0)


def by_pysd(name: str, folder: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        copy = folder / f"{name}.mdl"
        shutil.copy(HERE / f"{name}.mdl", copy)
        return pysd.read_vensim(str(copy)).run()


def by_pysimlin(name: str) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import simlin

        return simlin.load(str(HERE / f"{name}.mdl")).run(analyze_loops=False).results


def assert_same(ours: Callable[[str], np.ndarray], names: list[str], table: pd.DataFrame, share: float) -> None:
    """Compare every variable with its column to a share of the variable's maximum."""
    columns = {canonical(str(column)): np.asarray(table[column], dtype=float) for column in table.columns}
    missing = [n for n in names if canonical(n) not in columns]
    assert missing == []
    for n in names:
        theirs = columns[canonical(n)]
        assert np.abs(ours(n) - theirs).max() <= share * max(np.abs(theirs).max(), 1e-300), n


def moving(model: Model) -> list[str]:
    return [n for n in model.names() if model.variables[n].kind is not Kind.CONSTANT and n not in CONTROLS]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("events", ["exact", "compatible"])
def test_backends_agree(name: str, method: str, events: str) -> None:
    """NumPy and LLVM, three runs of which two differ in every constant, to 1e-12 of each variable's maximum."""
    model = load_model(HERE / f"{name}.mdl")
    if any(v.even_step for v in model.variables.values()) and (method, events) != ("euler", "compatible"):
        with pytest.raises(ScenarioError, match="needs an even grid"):
            simulate(model, method=method, events=events)
        return
    constants = {v.name: v.value * np.array([1.0, 1.01, 0.97]) for v in model.of_kind(Kind.CONSTANT)
                 if v.name.upper() not in CONTROLS and v.name not in model.clock_inputs}  # fmt: skip
    results = [
        simulate(model, constants=constants, method=method, events=events, outputs="all", backend=backend)
        for backend in BACKENDS
    ]
    for n in moving(model):
        one, other = (result[n] for result in results)
        assert np.array_equal(np.isfinite(one), np.isfinite(other)), n
        error = np.abs(np.where(np.isfinite(one), one - other, 0)).max()
        assert error <= 1e-12 * max(np.abs(one[np.isfinite(one)]).max(initial=0), 1e-300), n


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_golden_table_is_reproduced(name: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if request.config.getoption("--refresh-goldens"):
        refresh(name, tmp_path)
    model = load_model(HERE / f"{name}.mdl")
    result = simulate(model, method="euler", events="compatible", outputs="all", backend=backend)
    assert np.allclose(result.time, TIMES)
    assert_same(lambda n: result[n][:, 0], moving(model), table_of(name), 1e-12)


def refresh(name: str, folder: Path) -> None:
    """Write a table from its oracle, with where it comes from."""
    if name in BY_HAND:
        table, origin = pd.DataFrame(BY_HAND[name], index=TIMES), "the formulas of test_golden.py"
    elif name in PYSD_CANNOT:
        table, origin = by_pysimlin(name), "pysimlin 0.8.5, Euler"
    else:
        table, origin = by_pysd(name, folder).astype(float), "PySD 3.14.3, Euler"
    table.index.name = "time"
    (HERE / f"{name}.csv").write_text(f"# from {origin}\n{table.to_csv()}", encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_golden_table_in_batches_and_in_scalars(name: str) -> None:
    model = load_model(HERE / f"{name}.mdl")
    names = tuple(moving(model))
    grid = make_grid(0, 8, 0.5, regular_times(0, 8, 0.5), np.empty((0, 1)))
    batch_program = compile_program(model, structure_of(model), names, "numpy", "compatible")
    values = [float(model.constants[n]) for n in batch_program.constants]
    batch = integrate_batch(batch_program, [np.full(3, v) for v in values], grid, "euler", "compatible", 0.5)
    scalar_program = compile_program(model, structure_of(model), names, "scalar", "compatible")
    scalar = by_scalars(scalar_program, values)
    table = table_of(name)
    for run in range(3):
        assert_same(lambda n, run=run: batch[:, names.index(n), run], list(names), table, 1e-12)
    assert_same(lambda n: scalar[:, names.index(n)], list(names), table, 1e-12)


def by_scalars(program: object, constants: list[float]) -> np.ndarray:
    """Return Euler's steps with the scalar printing, `(time, output)`."""
    state, held = program.start(0.0, 0.0, 0.25, constants)
    rows = []
    for t in TIMES:
        rows.append(program.observe(float(t), float(t), 0.25, state, held))
        flows = [0.0] * len(state)
        program.derivative(float(t), float(t), 0.25, state, held, flows)
        state = [s + 0.5 * f for s, f in zip(state, flows, strict=True)]
    return np.array(rows, dtype=float)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in PYSD_CANNOT])
def test_pysd_agrees(name: str, tmp_path: Path) -> None:
    table, oracle = table_of(name), by_pysd(name, tmp_path)
    assert_same(lambda n: table[n].to_numpy(), moving(load_model(HERE / f"{name}.mdl")), oracle, 1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in PYSIMLIN_CANNOT])
def test_pysimlin_agrees(name: str) -> None:
    table, oracle = table_of(name), by_pysimlin(name)
    assert_same(lambda n: table[n].to_numpy(), moving(load_model(HERE / f"{name}.mdl")), oracle, 1e-9)


def test_every_function_has_a_golden() -> None:
    text = "\n".join((HERE / f"{n}.mdl").read_text(encoding="utf-8") for n in NAMES)
    called = [n for n, function in FUNCTIONS.items() if not function.infix] + list(STRUCTURES)
    lacking = [n for n in called if f"{n}(" not in text and f"{n} (" not in text and n not in ("INTEG",)]
    assert lacking == []
