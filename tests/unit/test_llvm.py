"""The compiled backend: its own functions against longer arithmetic, the reference backend, and its bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.engine import simulate as engine
from transition_sim.engine.llvm_emit import EMITTERS, SELECTED_POINTS
from transition_sim.engine.plan import default_backend
from transition_sim.engine.simulate import simulate
from transition_sim.model.equations import Model
from transition_sim.model.functions import FUNCTIONS
from transition_sim.study.worlds import sample_worlds

Build = Callable[..., Model]
SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1e300, 1e-300, 5e-324, 1e-310, 700.0, -700.0]
)
LONG = np.finfo(np.longdouble).nmant > 52


def values(model: Model, **columns: np.ndarray) -> np.ndarray:
    """Return y at once, computed by the compiled backend; adding 0 * Time keeps it out of what is fixed."""
    result = simulate(model, constants=columns, outputs=["y"], method="euler", backend="llvm")
    return result["y"][0]


def ulps(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return the distance from an exact value in units of the last place of its double."""
    near = exact.astype(float)
    return np.abs((got - exact).astype(float)) / np.spacing(np.maximum(np.abs(near), 5e-324))


def test_every_function_is_emitted() -> None:
    assert set(EMITTERS) == set(FUNCTIONS) - {"IF THEN ELSE", "^", "POWER"}


@pytest.mark.skipif(not LONG, reason="no longer arithmetic to compare with")
@pytest.mark.parametrize(("low", "high"), [(-745, 709.7), (-1, 1), (-1e-8, 1e-8)])
def test_exp_is_within_one_unit_in_the_last_place(model_of: Build, low: float, high: float) -> None:
    x = np.random.default_rng(1).uniform(low, high, 200_000)
    got = values(model_of("x = 1", "y = EXP(x + 0 * Time)", stop=1), x=x)
    assert ulps(got, np.exp(x.astype(np.longdouble))).max() <= 1.0


@pytest.mark.skipif(not LONG, reason="no longer arithmetic to compare with")
@pytest.mark.parametrize("spread", [700, 1, 1e-6])
def test_log_is_within_one_unit_in_the_last_place(model_of: Build, spread: float) -> None:
    x = np.exp(np.random.default_rng(2).uniform(-spread, spread, 200_000))
    got = values(model_of("x = 1", "y = LN(x + 0 * Time)", stop=1), x=x)
    assert ulps(got, np.log(x.astype(np.longdouble))).max() <= 1.0


@pytest.mark.skipif(not LONG, reason="no longer arithmetic to compare with")
@pytest.mark.parametrize(("reach", "allowed"), [(50.0, 2.0), (690.0, 5.0)])
def test_power_is_within_its_stated_accuracy(model_of: Build, reach: float, allowed: float) -> None:
    generator = np.random.default_rng(3)
    x = np.exp(generator.uniform(-20, 20, 200_000))
    y = generator.uniform(-reach, reach, 200_000) / np.maximum(np.abs(np.log(x)), 1e-3)
    got = values(model_of("x = 1", "e = 1", "y = (x + 0 * Time) ^ e", stop=1), x=x, e=y)
    assert ulps(got, np.power(x.astype(np.longdouble), y.astype(np.longdouble))).max() <= allowed


@pytest.mark.parametrize("text", ["EXP(u)", "LN(u)", "u ^ 2", "u ^ 3", "u ^ 0.5", "POWER(u, -2)", "SQRT(u)", "1 / u"])
def test_special_values_are_those_of_ieee(model_of: Build, text: str) -> None:
    """Zeros, denormals, infinities and what is no number, made inside the model, as NumPy gives them."""
    for inner in ("x", "1 / x", "x / x", "x * 1e300", "LN(x)"):
        model = model_of("x = 1", f"u = {inner} + 0 * Time", f"y = {text}", stop=1)
        both = [
            simulate(model, constants={"x": SPECIAL}, outputs=["y"], method="euler", backend=backend).values[0, 0]
            for backend in ("llvm", "numpy")
        ]
        assert np.allclose(*both, rtol=1e-14, atol=0, equal_nan=True), inner


@pytest.mark.parametrize("points", [2, 3, SELECTED_POINTS + 2, SELECTED_POINTS + 3, 900])
@pytest.mark.parametrize("mode", ["EXTRAPOLATE", "FORWARD", "BACKWARD", ""])
def test_tables_of_any_length_are_read_alike(model_of: Build, points: int, mode: str) -> None:
    generator = np.random.default_rng(points)
    xs, ys = np.unique(generator.uniform(-5, 5, points).round(6)), generator.uniform(-1, 1, points)
    listed = ",".join(f"({x},{y:.6f})" for x, y in zip(xs, ys, strict=False))
    read = f"LOOKUP {mode}(table, x + 0 * Time)" if mode else "table(x + 0 * Time)"
    model = model_of(f"table({listed})", "x = 1", f"y = {read}", stop=1)
    at = np.concatenate([generator.uniform(-7, 7, 500), xs[:200], xs[:200] + 1e-9])
    both = [
        simulate(model, constants={"x": at}, outputs=["y"], method="euler", backend=backend)["y"][0]
        for backend in ("llvm", "numpy")
    ]
    assert np.allclose(*both, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("option", ["none", "mission_start", "during_mission", "draw_down", "late_transition",
                                    "throughout", "spread"])  # fmt: skip
def test_backends_agree_on_the_transition_model(option: str) -> None:
    model = ts.load_model()
    scenario = ts.load_scenario("contexts/reference").combined(ts.load_scenario(f"entry_points/{option}"))
    runs = 1000 if option == "spread" else 20
    worlds = dict(sample_worlds(model, runs, 4).columns)
    outputs = "all" if option != "spread" else [*model.stocks, "relapse hazard", "aid gap"]
    one, other = (
        simulate(model, scenario, constants=worlds, outputs=outputs, backend=backend, save_every=12)
        for backend in ("llvm", "numpy")
    )
    for i, name in enumerate(one.names):
        largest = np.abs(other.values[:, i]).max()
        assert np.abs(one.values[:, i] - other.values[:, i]).max() <= 1e-12 * max(largest, 1e-300), name


def test_bits_hang_on_neither_batch_nor_order_nor_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ts.load_model()
    worlds = dict(sample_worlds(model, 1000, 4).columns)
    worlds["draw down start"] = np.random.default_rng(5).uniform(24, 96, 1000)  # dates that differ from run to run
    wanted = {"outputs": ["relapse probability", "security"], "save_every": 63, "backend": "llvm"}
    whole = simulate(model, constants=worlds, **wanted).values
    for size in (1, 7, 64):
        part = {name: column[100 : 100 + size] for name, column in worlds.items()}
        again = simulate(model, constants=part, method="rk4", **wanted).values
        assert np.array_equal(again, whole[:, :, 100 : 100 + size]), size
    monkeypatch.setattr(engine, "CHUNK", 101)
    order = np.random.default_rng(6).permutation(1000)
    shuffled = {name: column[order] for name, column in worlds.items()}
    for jobs in (1, 2):
        assert np.array_equal(simulate(model, constants=shuffled, jobs=jobs, **wanted).values, whole[:, :, order])


def test_sweeping_a_date_is_smooth_in_exact_mode_and_a_staircase_in_compatible_mode() -> None:
    model = ts.load_model()
    dates = np.linspace(24, 96, 10_000)
    risk = {
        events: simulate(
            model, constants={"draw down start": dates}, outputs=["relapse probability"], events=events, save_every=252,
            method="rk4",
        )["relapse probability"][-1]
        for events in ("exact", "compatible")
    }  # fmt: skip
    width = dates[1] - dates[0]
    bend = np.abs(np.diff(risk["exact"], 2)) / width**2
    assert bend.max() < 1e-3
    assert np.unique(risk["exact"]).size == 10_000
    assert np.unique(risk["compatible"]).size <= 2 * 72 * 2 + 2
    assert np.abs(risk["exact"] - risk["compatible"]).max() < 5e-3


def test_latches_of_the_state_come_within_a_step() -> None:
    """Relapse as an event: both backends latch in the same step in nearly all runs, and the hazard agrees."""
    model = ts.load_model()
    thresholds = np.random.default_rng(8).exponential(size=400)
    wanted = {"outputs": ["relapsed", "cumulative relapse hazard"], "save_every": 0.5}
    one, other = (
        simulate(model, constants={"relapse threshold": thresholds}, backend=b, **wanted) for b in ("llvm", "numpy")
    )
    differ = (one["relapsed"] != other["relapsed"]).any(axis=0)
    assert differ.sum() <= 1
    gap = np.abs(one["cumulative relapse hazard"] - other["cumulative relapse hazard"])
    assert gap[:, ~differ].max() < 1e-12


def test_worlds_whose_latch_step_differs_are_few_and_a_step_apart() -> None:
    """Relapse as an event in 1,000 random worlds: those in which the backends latch at another step are listed."""
    model = ts.load_model()
    worlds = dict(sample_worlds(model, 1000, 4).columns)
    worlds["relapse threshold"] = np.random.default_rng(8).exponential(size=1000)
    wanted = {"outputs": ["relapsed", "cumulative relapse hazard"], "save_every": 0.5}
    one, other = (simulate(model, constants=worlds, backend=backend, **wanted) for backend in ("llvm", "numpy"))
    steps = [result["relapsed"].argmax(axis=0) for result in (one, other)]
    assert 100 < (steps[0] > 0).sum() < 900
    listed = {int(world): int(steps[0][world] - steps[1][world]) for world in np.flatnonzero(steps[0] != steps[1])}
    assert len(listed) <= 2, listed
    assert set(listed.values()) <= {-1, 1}, listed
    same = steps[0] == steps[1]
    assert np.abs(one["cumulative relapse hazard"] - other["cumulative relapse hazard"])[:, same].max() < 1e-12


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_scipy_referees_both_backends(backend: str) -> None:
    model = ts.load_model()
    scenario = ts.load_scenario("contexts/reference").combined(ts.load_scenario("entry_points/late_transition"))
    worlds = dict(sample_worlds(model, 60, 4).columns)
    result = simulate(
        model, scenario, constants=worlds, outputs=["relapse probability"], backend=backend, save_every=12
    )
    assert ts.referee(result, ["relapse probability"], sample=10).deviation["relapse probability"] < 1e-4


def no_target() -> tuple[str, str, int]:
    raise RuntimeError("no target for this host")


@pytest.mark.parametrize(("part", "missing"), [("host", no_target), ("fuses", lambda: False)])
def test_where_compiling_does_not_pay_the_reference_takes_over(
    monkeypatch: pytest.MonkeyPatch, model_of: Build, part: str, missing: Callable[[], Any]
) -> None:
    from transition_sim.engine import llvm_backend

    monkeypatch.setattr(llvm_backend, part, missing)
    default_backend.cache_clear()
    try:
        result = simulate(model_of("x = INTEG(-x, 1)"), method="rk4")
        assert result.provenance["backend"] == "numpy"
        assert result.provenance["host"] is None
    finally:
        default_backend.cache_clear()
