"""The solvers against analytic solutions: order of convergence, events off the grid, and bits that hang on nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from transition_sim.engine.simulate import simulate
from transition_sim.engine.solvers import make_grid, regular_times
from transition_sim.model.equations import Model

Build = Callable[..., Model]
GROWTH = ("x = INTEG(0.3 * x - 0.1 * x * y, 2)", "y = INTEG(0.05 * x * y - 0.2 * y, 1)")
FORCED = ("rate = 0.4", "x = INTEG(rate * (STEP(3, 2.37) - x), 1)")


def forced(t: np.ndarray, when: float | np.ndarray = 2.37, to: float = 3.0) -> np.ndarray:
    """Return the solution of x' = 0.4 (to [t >= when] - x), x(0) = 1."""
    before = np.exp(-0.4 * np.minimum(t, when))
    return before * np.exp(-0.4 * np.maximum(t - when, 0)) + to * -np.expm1(-0.4 * np.maximum(t - when, 0))


def orders(errors: list[float]) -> list[float]:
    return [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
def test_fixed_step_has_its_order_on_a_smooth_model(model_of: Build, method: str, order: int) -> None:
    model = model_of(*GROWTH)
    exact = simulate(model, rtol=1e-13, atol=1e-13)["x"][-1, 0]
    steps = [2.0**-n for n in ((6, 7, 8, 9) if method == "euler" else (2, 3, 4, 5))]
    errors = [abs(simulate(model, method=method, time_step=h)["x"][-1, 0] - exact) for h in steps]
    assert orders(errors) == pytest.approx([order] * 3, abs=0.15)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
def test_fixed_step_keeps_its_order_across_an_event_off_the_grid(model_of: Build, method: str, order: int) -> None:
    model = model_of(*FORCED)
    exact = forced(np.array(10.0))
    ends = [simulate(model, method=method, time_step=2.0**-n, save_every=10)["x"][-1, 0] for n in (0, 1, 2, 3)]
    assert orders([abs(end - exact) for end in ends]) == pytest.approx([order] * 3, abs=0.35)


def test_rk4_with_compatible_events_loses_its_order_at_an_event(model_of: Build) -> None:
    """The exact mode is worth its cost: snapping to the step leaves an error of first order."""
    model = model_of(*FORCED)
    options = {"method": "rk4", "time_step": 0.5}
    exact = forced(np.array(10.0))
    snapped = abs(simulate(model, events="compatible", **options)["x"][-1, 0] - exact)
    split = abs(simulate(model, events="exact", **options)["x"][-1, 0] - exact)
    assert split < 1e-4 < 1e-3 < snapped


@pytest.mark.parametrize("solver", ["DOP853", "RK45", "RK23", "LSODA", "Radau", "BDF"])
def test_scipy_solvers_meet_the_analytic_solution(model_of: Build, solver: str) -> None:
    result = simulate(model_of(*FORCED), solver=solver, rtol=1e-9, atol=1e-11)
    assert result["x"][:, 0] == pytest.approx(forced(result.time), abs=2e-7)


def test_scipy_finds_a_pulse_shorter_than_any_step(model_of: Build) -> None:
    model = model_of("x = INTEG(1000 * PULSE(5.123, 0.001), 0)", step=1)
    assert simulate(model)["x"][-1, 0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("method", ["scipy", "rk4", "euler"])
def test_exact_events_give_a_pulse_its_area(model_of: Build, method: str) -> None:
    model = model_of("x = INTEG(PULSE(3.3, 0.2), 0)", step=1)
    assert simulate(model, method=method)["x"][-1, 0] == pytest.approx(0.2, abs=1e-12)


TIMED = {
    "step": ("STEP(2, 3.3)", 2 * 6.7),
    "pulse_train": ("PULSE TRAIN(0.7, 0.4, 1.9, 9)", 5 * 0.4),
    "ramp": ("RAMP(0.5, 1.25, 4.75)", 0.5 * 3.5**2 / 2 + 0.5 * 3.5 * 5.25),
    "condition": ("IF THEN ELSE(Time > 2.2 :AND: Time <= 7.7, 1, 0)", 5.5),
    "maximum": ("MAX(Time, 4.4)", 4.4**2 + (100 - 4.4**2) / 2),
    "lookup": ("WITH LOOKUP(Time, ((0, 0), (3.3, 1), (6.6, 0), (10, 0)))", 3.3),
    "shifted": ("IF THEN ELSE(Time - 1.1 >= 2.2, 1, 0)", 6.7),
    "two jumps": ("STEP(1, 3.3) * STEP(1, 3.3)", 6.7),
}


BENT = ("ramp", "lookup", "maximum")


@pytest.mark.parametrize(("name", "method"), [
    (name, method) for name in TIMED for method in ("scipy", "rk4", "euler") if method != "euler" or name not in BENT
])  # fmt: skip
def test_exact_events_integrate_functions_of_time(model_of: Build, name: str, method: str) -> None:
    """RK4 and SciPy are exact for pieces of at most third degree, Euler for constant pieces."""
    expression, area = TIMED[name]
    model = model_of(f"x = INTEG({expression}, 0)", step=1)
    assert simulate(model, method=method)["x"][-1, 0] == pytest.approx(area, abs=1e-9)


def test_each_run_of_a_batch_has_its_own_event(model_of: Build) -> None:
    model = model_of("when = 2", "x = INTEG(0.4 * (STEP(3, when) - x), 1)")
    when = np.linspace(-1, 11, 97)
    result = simulate(model, constants={"when": when}, outputs=["x"])
    exact = np.array([forced(result.time, max(w, 0.0)) for w in when]).T
    assert np.abs(result["x"] - exact).max() < 2e-5


def test_sweeping_a_date_gives_a_smooth_curve(model_of: Build) -> None:
    """Snapping to the step would make a staircase: many equal neighbours."""
    model = model_of("when = 2", "x = INTEG(0.4 * (STEP(3, when) - x), 1)")
    ends = simulate(model, constants={"when": np.linspace(2, 4, 200)}, outputs=["x"])["x"][-1]
    falls = np.diff(ends)
    assert (falls < 0).all()
    assert falls.min() / falls.max() < 3


def test_outputs_are_continuous_from_the_right(model_of: Build) -> None:
    model = model_of("s = STEP(1, 5)", "p = PULSE(2, 1)", "x = INTEG(s, 0)")
    for method in ("scipy", "rk4"):
        result = simulate(model, method=method)
        at = {t: i for i, t in enumerate(result.time)}
        assert [result["s"][at[t], 0] for t in (4.5, 5.0, 5.5)] == [0, 1, 1]
        assert [result["p"][at[t], 0] for t in (1.5, 2.0, 2.5, 3.0)] == [0, 1, 1, 0]


def test_bits_hang_on_neither_batch_nor_order_nor_threads(model_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transition_sim.engine.simulate.CHUNK", 7)
    model = model_of("when = 2", "k = 0.4", "x = INTEG(k * EXP(-x) * (STEP(3, when) - x) ^ 2, 1)")
    generator = np.random.default_rng(3)
    columns = {"when": generator.uniform(0, 9, 40), "k": generator.uniform(0.1, 0.8, 40)}
    whole = simulate(model, constants=columns, outputs=["x"])["x"]
    order = generator.permutation(40)
    shuffled = simulate(model, constants={n: v[order] for n, v in columns.items()}, outputs=["x"], jobs=2)["x"]
    assert np.array_equal(whole[:, order], shuffled)
    single = {n: float(v[11]) for n, v in columns.items()}
    assert np.array_equal(whole[:, [11]], simulate(model, constants=single, method="rk4", outputs=["x"])["x"])


def test_outputs_asked_for_do_not_change_the_others(model_of: Build) -> None:
    model = model_of(*GROWTH, "z = INTEG(x * y, 0)")
    alone = simulate(model, method="rk4", outputs=["x"])["x"]
    assert np.array_equal(alone, simulate(model, method="rk4", outputs="all")["x"])


def test_saved_times_between_steps_are_met_exactly(model_of: Build) -> None:
    result = simulate(model_of(*FORCED), method="rk4", time_step=0.5, save_every=0.3)
    assert result.time[1] == pytest.approx(0.3)
    assert result.time[-1] == 10
    assert np.abs(result["x"][:, 0] - forced(result.time)).max() < 2e-5


def test_step_that_does_not_divide_the_run_is_shortened_at_the_end(model_of: Build) -> None:
    result = simulate(model_of(*FORCED), method="rk4", time_step=0.3, save_every=None)
    assert result.time[-1] == 10
    assert np.diff(result.time)[-1] == pytest.approx(0.1)
    assert np.abs(result["x"][:, 0] - forced(result.time)).max() < 1e-5


def test_regular_times_do_not_drift() -> None:
    times = regular_times(-12, 240, 0.1)
    assert len(times) == 2521
    assert times[120] == pytest.approx(0, abs=1e-12)


def test_grid_gives_every_run_equal_steps_and_its_own_breaks() -> None:
    saved = regular_times(0, 2, 1)
    breaks = np.array([[0.25, 1.0, 5.0], [0.75, 0.75, 0.75]])
    grid = make_grid(0, 2, 1, saved, breaks)
    assert grid.nodes.shape[1] == 3
    assert (np.diff(grid.nodes, axis=0) >= 0).all()
    for run, inside in enumerate(([0.25, 0.75], [0.75], [0.75])):
        assert set(inside) | {0, 1, 2} == set(grid.nodes[:, run].tolist())
        kept = grid.save[:, run]
        assert grid.nodes[kept >= 0, run].tolist() == saved.tolist()


def test_model_that_runs_away_is_named(model_of: Build) -> None:
    from transition_sim.errors import SimulationError

    model = model_of("x = INTEG(x * x, 1)")
    for method in ("rk4", "scipy"):
        with pytest.raises(SimulationError, match=r"broke down|gave up"), np.errstate(all="ignore"):
            simulate(model, method=method)
