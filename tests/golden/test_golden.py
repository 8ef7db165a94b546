"""One tiny model per function or construct, with its expected table beside it.

The tables come from PySD under Euler (`--refresh-goldens`), or from the formulas below where PySD is known to be
wrong; never from our own engine. Our Euler with compatible events must equal them, in both printings, and two other
engines are asked live.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from transition_sim.engine.numpy_backend import compile_program
from transition_sim.engine.plan import BACKENDS
from transition_sim.engine.simulate import simulate, structure_of
from transition_sim.engine.solvers import integrate_batch, make_grid, regular_times
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind, Model, canonical
from transition_sim.model.functions import DRAW, FUNCTIONS, STRUCTURES
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


def turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) % 2**32


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Return Threefry-2x32 of 20 rounds in whole numbers of Python, written apart from the engine's."""
    keys = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (counter[0] + key[0]) % 2**32, (counter[1] + key[1]) % 2**32
    for i in range(20):
        x = (x + y) % 2**32
        y = turned(y, (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]) ^ x
        if i % 4 == 3:
            n = i // 4 + 1
            x, y = (x + keys[n % 3]) % 2**32, (y + keys[(n + 1) % 3] + n) % 2**32
    return x, y


def drawn(call: str, stream: int = 0, noise_seed: int = 4487556, seed: int = 0, run: int = 0) -> np.ndarray:
    """Return what a call draws at each step: `call` is the variable's name, `>` and which RANDOM call it is there."""
    place = int.from_bytes(hashlib.sha256(call.encode()).digest()[:4], "big")
    own, usual = (stream, 0) if stream else (noise_seed, 1)
    key = threefry((seed, own % 2**32), (place, usual))
    pairs = [threefry(key, (run, step)) for step in range(len(TIMES))]
    return np.array([((high >> 6) * 2**26 + (low >> 6) + 0.5) / 2**52 for high, low in pairs])


def exponential(u: np.ndarray, low: float, high: float, shift: float, stretch: float) -> np.ndarray:
    """Return SciPy's exponential distribution between bounds, at its quantiles u."""
    return stats.truncexpon.ppf(u, (high - max(low, shift)) / stretch, loc=max(low, shift), scale=stretch)


def between(law: Any, u: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return a distribution's quantiles between bounds."""
    return law.ppf(law.cdf(low) + u * (law.cdf(high) - law.cdf(low)))


def normal(u: np.ndarray, low: float, high: float, mean: float, deviation: float) -> np.ndarray:
    """Return SciPy's normal distribution between bounds, at its quantiles u."""
    return stats.truncnorm.ppf(u, (low - mean) / deviation, (high - mean) / deviation, mean, deviation)


def weibull(shape: float, shift: float, stretch: float) -> Any:
    """Return SciPy's Weibull distribution with mean 1 before it is stretched and shifted."""
    return stats.weibull_min(shape, loc=shift, scale=stretch / special.gamma(1 + 1 / shape))


SPREAD = 0.25 * (np.minimum(TIMES, 6) - 1) * (TIMES > 0.99)
RANDOM = {
    "random_0_1": {"x": drawn("x>1"), "y": drawn("y>1") + 10 * drawn("y>2")},
    "random_uniform": {"x": -2 + 7 * drawn("x>1"), "y": np.full(17, 3.0)},
    "random_normal": {
        "x": normal(drawn("x>1"), -1000, 1000, 12, 5),
        "y": normal(drawn("y>1"), 0, 20, 12, 5),
        "far": normal(drawn("far>1", 3), 27, 40, 12, 5),
        "spread": SPREAD,
        "z": np.array([normal(u, -1, 3, 0.5, s) if s > 0 else 0.5 for u, s in zip(drawn("z>1"), SPREAD, strict=True)]),
    },
    "random_exponential": {
        "x": exponential(drawn("x>1"), 0, 1000, 0, 1),
        "y": exponential(drawn("y>1", 9), 1, 4, 0.5, 2),
    },
    "random_triangular": {
        "x": between(stats.triang(1 / 3, 0, 15), drawn("x>1", 77), 0, 20),
        "y": between(stats.triang(1 / 3, 0, 15), drawn("y>1", 77), 2, 12),
        "left": between(stats.triang(0, 1, 3), drawn("left>1"), 0, 9),
        "right": between(stats.triang(1, 1, 3), drawn("right>1"), 0, 9),
    },
    "random_weibull": {
        "x": weibull(1.7, 0, 1).ppf(drawn("x>1")),
        "y": between(weibull(0.8, 0.5, 2), drawn("y>1", 9), 1, 4),
    },
    "random_streams": {
        "x[a]": drawn("x[a]>1", 0, 12),
        "x[b]": drawn("x[b]>1", 0, 12),
        "y": drawn("y>1", 5),
        "z": drawn("z>1", -5),
        "s": drawn("y>1", 5)[0]
        + 0.5 * np.concatenate([[0.0], np.cumsum(drawn("x[a]>1", 0, 12) - drawn("x[b]>1", 0, 12))[:-1]]),
        "held": np.full(17, drawn("held>1", 0, 12)[0] + drawn("y>1", 5)[0]),
    },
}

STEPPED = 0.5 + 2.0 * (TIMES >= 2)
BY_HAND: dict[str, dict[str, np.ndarray]] = {
    # Others draw other numbers: whole numbers of Python and SciPy's distributions say which are ours.
    **RANDOM,
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
    **dict.fromkeys(RANDOM, "draws other numbers"),
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
        refused(model, method, events)
        return
    if model.draws and events == "exact":
        refused(model, method, events)
        return
    constants = {v.name: v.value * np.array([1.0, 1.01, 0.97]) for v in model.of_kind(Kind.CONSTANT)
                 if not v.hidden and v.name.upper() not in CONTROLS and v.name not in model.clock_inputs}  # fmt: skip
    results = [
        simulate(model, constants=constants, method=method, events=events, outputs="all", backend=backend)
        for backend in BACKENDS
    ]
    for n in moving(model):
        one, other = (result[n] for result in results)
        assert np.array_equal(np.isfinite(one), np.isfinite(other)), n
        error = np.abs(np.where(np.isfinite(one), one - other, 0)).max()
        assert error <= 1e-12 * max(np.abs(one[np.isfinite(one)]).max(initial=0), 1e-300), n


def refused(model: Model, method: str, events: str) -> None:
    with pytest.raises(ScenarioError, match="needs an even grid"):
        simulate(model, method=method, events=events)


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
    values = [model.variables[n].value for n in batch_program.constants]
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
    called = [n for n, function in FUNCTIONS.items() if not function.infix and n != DRAW] + list(STRUCTURES)
    lacking = [n for n in called if f"{n}(" not in text and f"{n} (" not in text and n not in ("INTEG",)]
    assert lacking == []
