"""Random numbers: known answers, distributions, independence, and draws that hang on seed, run and step alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from transition_sim.engine import llvm_backend
from transition_sim.engine import simulate as engine
from transition_sim.engine.noise import ARRAYS, MAX_RUNS, MAX_SEED, log_gamma, normal_quantile, normal_share, threefry
from transition_sim.engine.plan import BACKENDS
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import referee, simulate, simulate_reduced
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.model import draws
from transition_sim.model.equations import Model
from transition_sim.model.printing import expression_text

Build = Callable[..., Model]
COMPATIBLE: dict[str, Any] = {"events": "compatible", "method": "euler"}
MANY = 100_000
CRITICAL = 1.95 / np.sqrt(MANY)
"""The Kolmogorov-Smirnov distance that 1 sample in 1,000 exceeds; the seeds are fixed, so a pass is a pass."""


def drawn(model: Model, runs: int = MANY, **how: Any) -> Result:
    """Return runs of one step and everything that moves; `unused` makes the runs."""
    constants = {"unused": np.zeros(runs)}
    return simulate(model, constants=constants, outputs="all", **{**COMPATIBLE, **how})


def test_threefry_gives_the_published_answers() -> None:
    """The vectors for threefry2x32 with 20 rounds that come with Random123."""
    known = [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ]
    for key, counter, answer in known:
        words = [np.array([word], dtype=np.uint32) for word in (*key, *counter)]
        assert tuple(int(word[0]) for word in threefry(ARRAYS, words[:2], words[2:])) == answer


def test_normal_quantile_is_scipys_to_two_parts_in_1e15() -> None:
    p = np.concatenate([np.random.default_rng(1).uniform(0, 1, MANY), 10.0 ** -np.linspace(0.5, 300, 10_000),
                        1 - 10.0 ** -np.linspace(0.5, 15.9, 10_000)])  # fmt: skip
    exact = special.ndtri(p)
    assert (np.abs(normal_quantile(ARRAYS, p) - exact) <= 2e-15 * np.abs(exact)).all()


def test_normal_share_is_scipys_to_its_stated_accuracy() -> None:
    with np.errstate(all="ignore"):
        for low, allowed in ((-4.0, 2e-15), (-36.0, 1e-12)):
            z = np.linspace(low, 36, MANY)
            exact = special.ndtr(z)
            assert (np.abs(normal_share(ARRAYS, z) / exact - 1) <= allowed).all()
        assert normal_share(ARRAYS, np.array([-np.inf, 0.0, np.inf])).tolist() == [0, 0.5, 1]


def test_log_gamma_is_scipys_to_2e_14() -> None:
    x = np.linspace(1, 60, 10_001)
    assert (np.abs(log_gamma(ARRAYS, x) - special.gammaln(x)) <= 2e-14 * np.maximum(special.gammaln(x), 1)).all()


LAWS = {
    "RANDOM 0 1()": stats.uniform(),
    "RANDOM UNIFORM(-2, 5, 0)": stats.uniform(-2, 7),
    "RANDOM NORMAL(-1000, 1000, 12, 5, 0)": stats.norm(12, 5),
    "RANDOM NORMAL(0, 20, 12, 5, 0)": stats.truncnorm(-2.4, 1.6, 12, 5),
    "RANDOM NORMAL(32, 80, 12, 5, 0)": stats.truncnorm(4, 13.6, 12, 5),
    "RANDOM EXPONENTIAL(0, 1000, 0.5, 2, 0)": stats.expon(0.5, 2),
    "RANDOM EXPONENTIAL(1, 4, 0.5, 2, 0)": stats.truncexpon(1.5, 1, 2),
    "RANDOM TRIANGULAR(0, 20, 0, 5, 15, 0)": stats.triang(1 / 3, 0, 15),
    "RANDOM WEIBULL(0, 1000, 1.7, 0, 1, 0)": stats.weibull_min(1.7, 0, 1 / special.gamma(1 + 1 / 1.7)),
}


@pytest.mark.parametrize("call", LAWS)
def test_distribution_is_the_stated_one(model_of: Build, call: str) -> None:
    values = drawn(model_of("unused = 0", f"x = {call}", stop=1, step=1), seed=3)["x"][0]
    assert stats.kstest(values, LAWS[call].cdf).statistic < CRITICAL


@pytest.mark.parametrize(("call", "redrawn"), [
    ("RANDOM TRIANGULAR(2, 12, 0, 5, 15, 0)", lambda g: g.triangular(0, 5, 15, 4 * MANY)),
    ("RANDOM NORMAL(0, 20, 12, 5, 0)", lambda g: g.normal(12, 5, 4 * MANY)),
    ("RANDOM WEIBULL(0.5, 3, 0.8, 0.2, 1, 0)", lambda g: 0.2 + g.weibull(0.8, 9 * MANY) / special.gamma(1 + 1 / 0.8)),
])  # fmt: skip
def test_truncation_is_that_of_drawing_again(model_of: Build, call: str, redrawn: Callable[..., Any]) -> None:
    values = drawn(model_of("unused = 0", f"x = {call}", stop=1, step=1), seed=4)["x"][0]
    other = redrawn(np.random.default_rng(5))
    low, high = (float(part) for part in call.split("(")[1].split(",")[:2])
    other = other[(other > low) & (other < high)]
    assert len(other) > MANY
    assert stats.ks_2samp(values, other).statistic < CRITICAL * np.sqrt(1 + MANY / len(other))


def test_draws_of_runs_steps_calls_and_elements_are_independent(model_of: Build) -> None:
    model = model_of("unused = 0", "place: a, b", "x[place] = RANDOM UNIFORM(0, 1, 0)",
                     "y = RANDOM UNIFORM(0, 1, 0) - RANDOM UNIFORM(0, 1, 0)", stop=20, step=1)  # fmt: skip
    done = drawn(model, 5000)
    one, other, difference = (done[name] for name in ("x[a]", "x[b]", "y"))
    assert stats.kstest(difference.ravel(), stats.triang(0.5, -1, 2).cdf).statistic < CRITICAL
    pairs = {
        "elements": (one, other), "steps": (one[1:], one[:-1]), "two steps": (one[2:], one[:-2]),
        "runs": (one[:, 1:], one[:, :-1]), "variables": (one, difference),
        "seeds": (one, drawn(model, 5000, seed=1)["x[a]"]),
    }  # fmt: skip
    for what, (u, v) in pairs.items():
        assert abs(np.corrcoef(u.ravel(), v.ravel())[0, 1]) < 4 / np.sqrt(u.size), what
        table = np.histogram2d(u.ravel(), v.ravel(), bins=8)[0]
        assert stats.chi2_contingency(table).pvalue > 1e-3, what
    assert np.unique(one).size == one.size


NOISY = ("unused = 0", "x = RANDOM NORMAL(-3, 3, 0, 1, 0)", "s = INTEG(x - 0.1 * s, RANDOM UNIFORM(0, 1, 0))")


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_hang_on_the_runs_number_not_on_batch_or_threads(
    model_of: Build, monkeypatch: pytest.MonkeyPatch, backend: str, method: str
) -> None:
    model = model_of(*NOISY)
    how = {"backend": backend, "method": method, "seed": 7}
    whole = drawn(model, 1000, **how).values
    for first, size in ((0, 1), (13, 1), (100, 7), (936, 64), (0, 1000)):
        part = drawn(model, size, first_run=first, **how).values
        assert np.array_equal(part, whole[:, :, first : first + size]), (first, size)
    monkeypatch.setattr(engine, "CHUNK", 101)
    for jobs in (1, 2):
        assert np.array_equal(drawn(model, 1000, jobs=jobs, **how).values, whole)


def test_draws_hang_on_no_number_of_lanes(model_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    name, features, usual = llvm_backend.host()
    model = model_of(*NOISY, "y = RANDOM TRIANGULAR(0, 9, 0, 1, 5, 3) + RANDOM WEIBULL(0, 9, 1.5, 0, 1, 0)")
    by_lanes = []
    for lanes in (usual, 1, 2, 4):
        monkeypatch.setattr(llvm_backend, "host", lambda lanes=lanes: (name, features, lanes))
        engine._machine.cache_clear()
        by_lanes.append(drawn(model, 21, backend="llvm", method="rk4").values)
    engine._machine.cache_clear()
    assert all(np.array_equal(by_lanes[0], values) for values in by_lanes[1:])


def test_reduced_runs_draw_as_one_batch(model_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(*NOISY)
    whole = drawn(model, 50, seed=7, first_run=5)["s"][-1]
    monkeypatch.setattr(engine, "CHUNK", 8)
    how = {"outputs": ["s"], "seed": 7, "first_run": 5, **COMPATIBLE}
    got = simulate_reduced(model, lambda r: {"s": r["s"][-1]}, constants={"unused": np.zeros(50)}, **how)
    assert np.array_equal(got["s"], whole)


def test_seed_matters_and_zero_is_one(model_of: Build) -> None:
    model = model_of(*NOISY)
    by_seed = [drawn(model, 3, seed=seed)["x"] for seed in (0, 1, MAX_SEED)]
    assert np.array_equal(by_seed[0], drawn(model, 3)["x"])
    assert np.array_equal(by_seed[0], drawn(model, 3, seed=0)["x"])
    assert all(not (a == b).any() for a, b in ((by_seed[0], by_seed[1]), (by_seed[1], by_seed[2])))
    kept = drawn(model, 3, seed=9, first_run=4).provenance
    assert (kept["seed"], kept["first_run"]) == (9, 4)


def test_streams_and_noise_seed_choose_the_numbers(model_of: Build) -> None:
    lines = ("unused = 0", "x = RANDOM UNIFORM(0, 1, 0)", "y = RANDOM UNIFORM(0, 1, stream)")
    plain = drawn(model_of(*lines, "stream = 5"), 3)
    usual = drawn(model_of(*lines, "stream = 5", "NOISE SEED = 4487556"), 3)
    other = drawn(model_of(*lines, "stream = 5", "NOISE SEED = 12"), 3)
    moved = drawn(model_of(*lines, "stream = 6"), 3)
    assert np.array_equal(plain.values, usual["x"][:, None] * [[1], [0]] + usual["y"][:, None] * [[0], [1]])
    assert not (plain["x"] == other["x"]).any()
    assert np.array_equal(plain["y"], other["y"])
    assert np.array_equal(plain["x"], moved["x"])
    assert not (plain["y"] == moved["y"]).any()


def test_a_call_keeps_its_numbers_when_others_come_and_go(model_of: Build) -> None:
    one = drawn(model_of("unused = 0", "x = RANDOM UNIFORM(0, 1, 0)"), 3)["x"]
    more = drawn(model_of("a = RANDOM 0 1()", "unused = 0", "x = RANDOM UNIFORM(0, 1, 0) + 0 * a"), 3)["x"]
    assert np.array_equal(one, more)


def test_two_calls_never_share_a_number() -> None:
    taken: set[int] = set()
    first = draws.call_number("x>1", taken)
    again = draws.call_number("x>1", taken)
    assert first != again
    assert taken == {first, again}
    assert draws.call_number("X>1", set()) == first


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_are_held_over_a_step(model_of: Build, backend: str) -> None:
    """Under RK4 a stock moves by step times draw: all four evaluations see the number at the left end."""
    model = model_of("unused = 0", "x = RANDOM UNIFORM(0, 1, 0)", "s = INTEG(x, 0)", step=0.3, stop=3.1)
    done = drawn(model, 5, method="rk4", backend=backend, save_every=0.3)
    lengths = np.diff(done.time)[:, None]
    assert np.diff(done["s"], axis=0) == pytest.approx(lengths * done["x"][:-1], abs=1e-14)
    assert np.unique(done["x"]).size == done["x"].size


def test_another_start_or_step_counts_steps_anew(model_of: Build) -> None:
    model = model_of("unused = 0", "x = RANDOM UNIFORM(0, 1, 0)", start=-12, stop=0, step=0.5)
    usual = drawn(model, 2)["x"]
    assert np.array_equal(drawn(model, 2, start=-6)["x"], usual[:13])
    assert np.array_equal(drawn(model, 2, time_step=0.25, save_every=0.25)["x"][:25], usual)


def test_in_initial_values_a_number_is_drawn_once_in_every_mode(model_of: Build) -> None:
    model = model_of("unused = 0", "first = INITIAL(RANDOM UNIFORM(1, 2, 0))",
                     "s = INTEG(-0.1 * s, RANDOM UNIFORM(3, 4, 0))")  # fmt: skip
    batch = simulate(model, constants={"unused": np.zeros(4)}, outputs="all", seed=2)
    assert np.ptp(batch["first"], axis=0).max() == 0
    assert np.unique(batch["first"][0]).size == 4
    assert ((batch["s"][0] > 3) & (batch["s"][0] < 4)).all()
    single = simulate(model, seed=2, first_run=3)
    assert single["first"][0, 0] == pytest.approx(batch["first"][0, 3], rel=1e-15)
    assert referee(batch, ["s"], sample=4).deviation["s"] < 1e-6


@pytest.mark.parametrize("how", [{}, {"method": "rk4"}, {"method": "euler", "events": "exact"}])
def test_uneven_grids_are_refused(model_of: Build, how: dict[str, Any]) -> None:
    model = model_of("x = SMOOTH(RANDOM UNIFORM(0, 1, 0), 2)")
    with pytest.raises(
        ScenarioError, match=r"model\.mdl:2: 'x' uses RANDOM UNIFORM, which needs an even grid: give events='compat"
    ):
        simulate(model, **how)


@pytest.mark.parametrize(("how", "told"), [
    ({"seed": -1}, "seed is -1; allowed: whole numbers 0 to 4294967295"),
    ({"seed": 2**32}, "seed is 4294967296; allowed"),
    ({"seed": 1.5}, "seed is 1.5; allowed"),
    ({"seed": None}, "seed is None; allowed"),
    ({"first_run": MAX_RUNS}, "first_run is 4294967296; allowed: whole numbers 0 to 4294967295"),
])  # fmt: skip
def test_seeds_and_runs_beyond_a_word_are_refused(model_of: Build, how: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        simulate(model_of(*NOISY), **COMPATIBLE, **how)


def test_hidden_constants_stay_hidden(model_of: Build) -> None:
    model = model_of(*NOISY)
    done = drawn(model, 2)
    assert not [name for name in (*model.constants, *done.constants, *done.units) if name.startswith("#")]
    with pytest.raises(ScenarioError, match=r"'#noise>seed' is not in model\.mdl"):
        simulate(model, constants={draws.SEED: 3})


@pytest.mark.parametrize("call", [
    "RANDOM UNIFORM(low, high, 0)", "RANDOM NORMAL(low, high, 0, 1, 0)", "RANDOM NORMAL(60, 70, 0, 1, 0)",
    "RANDOM NORMAL(0, 1, 0, high - low, 0)", "RANDOM EXPONENTIAL(low, high, 0, 1, 0)",
    "RANDOM EXPONENTIAL(0, 1, 0, high - low, 0)", "RANDOM TRIANGULAR(low, high, 0, 1, 9, 0)",
    "RANDOM TRIANGULAR(0, 9, high + 1, high, 9, 0)", "RANDOM WEIBULL(0, 1, high - low, 0, 1, 0)",
])  # fmt: skip
@pytest.mark.parametrize("backend", BACKENDS)
def test_bounds_with_nothing_between_break_the_run_by_name(model_of: Build, call: str, backend: str) -> None:
    model = model_of("low = 5", "high = 3", f"x = {call}")
    with pytest.raises(SimulationError, match="the run broke down at time 0: 'x' is no finite number"):
        simulate(model, backend=backend, **COMPATIBLE)


@pytest.mark.parametrize("call", ["RANDOM NORMAL(0, 3, 2, off, 0)", "RANDOM EXPONENTIAL(0, 3, 2, off, 0)",
                                  "RANDOM WEIBULL(0, 3, 2, 2, off, 0)", "RANDOM UNIFORM(2 + off, 2, 0)"])  # fmt: skip
def test_no_spread_gives_the_middle(model_of: Build, call: str) -> None:
    done = drawn(model_of("unused = 0", "off = 0", f"x = {call}"), 3)
    assert (done["x"] == 2).all()


def test_equations_print_as_they_were_written(model_of: Build) -> None:
    model = model_of("s = 3", "x = 2 * RANDOM NORMAL(-1, 3, 0.5, s, 7)")
    assert expression_text(model.find("x").expression) == "2 * RANDOM NORMAL(-1, 3, 0.5, s, 7)"


def test_the_page_on_random_numbers_runs(mdl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs" / "random.md"
    path = mdl("rate = 0.2", "x = INTEG(rate * RANDOM NORMAL(-3, 3, 0, 1, 0), 0)", name="noisy")
    monkeypatch.chdir(path.parent)
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, str(page), "exec"), names)  # noqa: S102 - the project's own page
    assert names["result"].runs == 3
    assert names["result"].provenance["seed"] == 7


def test_each_call_of_a_macro_and_each_term_of_a_sum_draws_anew(model_of: Build) -> None:
    model = model_of(":MACRO: NOISE(size)", "NOISE = RANDOM UNIFORM(0, size, 0)", ":END OF MACRO:", "place: a, b",
                     "unused = 0", "x = NOISE(1)", "y = NOISE(1) + NOISE(1)",
                     "top[place] = 1", "z = SUM(RANDOM UNIFORM(0, top[place!], 0))")  # fmt: skip
    done = drawn(model, 2000)
    assert not (done["x"] == done["y"]).any()
    for name in ("y", "z"):
        assert stats.kstest(done[name][0], stats.triang(0.5, 0, 2).cdf).statistic < 1.95 / np.sqrt(2000)
