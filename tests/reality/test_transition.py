"""Structural checks of models/transition.mdl: what must hold in every plausible world, and what the file promises."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.model.equations import Kind, Model, Number, walk
from transition_sim.study.worlds import sample_worlds

OPTIONS = ("none", "mission_start", "during_mission", "draw_down", "late_transition", "throughout", "spread")
EFFORTS = [
    f"PBC {name} effort" for name in ("mission start", "during mission", "draw down", "late transition", "throughout")
]
INDICES = (
    "security", "state capacity", "legitimacy", "national ownership", "agreement implementation",
    "elite power concentration", "donor attention", "perceived risk", "regional instability", "relapse probability",
)  # fmt: skip
AMOUNTS = (
    "peacekeepers deployed", "active spoilers", "excluded population", "outstanding pledges", "cumulative pledges",
    "aid disbursement", "cumulative aid disbursed", "cumulative pledges lapsed", "absorptive capacity", "aid need",
    "aid gap", "cumulative aid gap", "relapse hazard", "cumulative relapse hazard", "cumulative mission cost",
    "cumulative PBC effort",
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def reference() -> ts.Scenario:
    return ts.load_scenario("contexts/reference")


@pytest.fixture(scope="module")
def worlds(model: Model) -> dict[str, np.ndarray]:
    return dict(sample_worlds(model, runs=200, seed=11).columns)


def final(result: ts.Result, name: str = "relapse probability") -> np.ndarray:
    return result[name][-1]


def test_every_variable_has_unit_limits_and_a_source(model: Model) -> None:
    lacking = []
    for variable in model.variables.values():
        if variable.hidden:
            continue
        sourced = any(word in variable.documentation for word in ("Source:", "Assumption:", "Definition:"))
        if not (variable.unit and sourced and len(variable.documentation) > 20):
            lacking.append(variable.name)
        if variable.kind is Kind.CONSTANT and None in variable.limits:
            lacking.append(f"{variable.name} (limits)")
    assert lacking == []


def test_constants_lie_inside_their_own_limits(model: Model) -> None:
    outside = [
        v.name for v in model.of_kind(Kind.CONSTANT) if not (v.limits[0] or 0) <= v.value <= (v.limits[1] or np.inf)
        and v.limits != (None, None) and not (v.limits[0] is not None and v.limits[0] <= v.value <= (v.limits[1] or 0))
    ]  # fmt: skip
    assert outside == []


def test_scipy_and_rk4_agree(model: Model, reference: ts.Scenario) -> None:
    for definition in (None, reference):
        one = ts.simulate(model, definition)
        batch = ts.simulate(model, definition, method="rk4", time_step=0.5)
        assert abs(one["relapse probability"] - batch["relapse probability"]).max() < 1e-4


def test_rk4_has_converged_at_half_a_month(model: Model, reference: ts.Scenario) -> None:
    coarse, fine = (ts.simulate(model, reference, method="rk4", time_step=h) for h in (0.5, 0.125))
    assert abs(coarse["relapse probability"] - fine["relapse probability"]).max() < 2e-5


@pytest.mark.parametrize("name", ["transition", "aid_gap"])
def test_compatible_euler_equals_pysd(name: str, tmp_path: Path) -> None:
    model = ts.load_model(name)
    copy = tmp_path / "copy.mdl"
    shutil.copy(model.path, copy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        oracle = pysd.read_vensim(str(copy)).run()
    ours = ts.simulate(model, method="euler", events="compatible", outputs="all")
    assert_equal_to_table(ours, oracle)


@pytest.mark.parametrize("name", ["transition", "aid_gap"])
def test_compatible_euler_equals_pysimlin(name: str) -> None:
    import simlin

    model = ts.load_model(name)
    text = model.path.read_text(encoding="utf-8").split("\\\\\\---///")[0]
    ours = ts.simulate(model, method="euler", events="compatible", outputs="all")
    oracle = simlin.load(euler_copy(text, model.path.stem)).run(analyze_loops=False).results
    assert_equal_to_table(ours, oracle)


def euler_copy(text: str, stem: str) -> str:
    """Return the path of a temporary copy without settings, which pysimlin integrates by Euler."""
    import tempfile

    path = Path(tempfile.mkdtemp()) / f"{stem}.mdl"
    path.write_text(text, encoding="utf-8")
    return str(path)


def assert_equal_to_table(ours: ts.Result, table: object) -> None:
    """Compare every variable with an oracle's data frame to 1e-9 of the variable's maximum."""
    columns = {plain(str(c)): c for c in table.columns}
    compared = 0
    for name in ours.names:
        column = columns.get(plain(name))
        if column is None:
            continue
        theirs = np.asarray(table[column], dtype=float)[: len(ours.time)]
        scale = max(np.abs(theirs).max(), 1e-300)
        assert np.abs(ours[name][: len(theirs), 0] - theirs).max() <= 1e-9 * scale, name
        compared += 1
    assert compared > 0.8 * len(ours.names)


def plain(name: str) -> str:
    return name.lower().replace("_", " ").replace(", ", ",").strip()


def test_drivers_sum_to_the_log_hazard(model: Model, worlds: dict[str, np.ndarray], reference: ts.Scenario) -> None:
    drivers = [name for name in model.names() if name.startswith("hazard from ")]
    assert 7 <= len(drivers) <= 9
    result = ts.simulate(
        model, reference, constants=worlds, outputs=[*drivers, "relapse hazard", "baseline hazard"], save_every=12
    )
    total = sum(result[name] for name in drivers)
    assert np.allclose(total, np.log(result["relapse hazard"] / result["baseline hazard"]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("context", ["contexts/reference", "contexts/unamsil_like"])
@pytest.mark.parametrize("option", OPTIONS)
def test_indices_and_amounts_stay_in_bounds(
    model: Model, worlds: dict[str, np.ndarray], context: str, option: str
) -> None:
    scenario = ts.load_scenario(context).combined(ts.load_scenario(f"entry_points/{option}"))
    names = [name for name in (*INDICES, *AMOUNTS) if name in model]
    result = ts.simulate(model, scenario, constants=worlds, outputs=names, save_every=2)
    assert result.failed == ()
    for name in names:
        values = result[name]
        assert values.min() >= (0.0 if name in INDICES else -1e-9), name
        if name in INDICES:
            assert values.max() <= 1.0, name


def corners(model: Model, runs: int, seed: int) -> dict[str, np.ndarray]:
    """Return random corners: each uncertain constant at its lowest or its highest."""
    sampled = sample_worlds(model, runs=2, seed=0)
    generator = np.random.default_rng(seed)
    return {
        name: np.where(generator.random(runs) < 0.5, *sampled.bounds[name]) for name in sampled.columns
    }  # fmt: skip


def test_random_corners_stay_finite_and_in_bounds(model: Model, reference: ts.Scenario) -> None:
    names = [name for name in (*INDICES, *AMOUNTS) if name in model]
    generator = np.random.default_rng(5)
    constants = corners(model, 2000, seed=5)
    for effort in EFFORTS:
        constants[effort] = 0.2 * (generator.random(2000) < 0.5)
    result = ts.simulate(model, reference, constants=constants, outputs=names, save_every=6)
    assert result.failed == ()
    for name in names:
        assert result[name].min() >= (0.0 if name in INDICES else -1e-9), name
        assert name not in INDICES or result[name].max() <= 1.0, name


def test_money_is_conserved(model: Model, worlds: dict[str, np.ndarray], reference: ts.Scenario) -> None:
    pipeline = [name for name in model.stocks if "pipeline" in name]
    names = ["cumulative pledges", "outstanding pledges", "cumulative aid disbursed", "cumulative pledges lapsed"]
    result = ts.simulate(model, reference, constants=worlds, outputs=[*names, *pipeline], save_every=12)
    rest = result["outstanding pledges"] + result["cumulative aid disbursed"] + result["cumulative pledges lapsed"]
    rest = rest + sum(result[name] for name in pipeline)
    assert np.allclose(rest, result["cumulative pledges"], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("bundle", [0, 1])
def test_full_budget_options_spend_the_same(model: Model, reference: ts.Scenario, bundle: int) -> None:
    for option in OPTIONS[1:]:
        scenario = reference.combined(ts.load_scenario(f"entry_points/{option}"))
        spent = ts.simulate(model, scenario, constants={"PBC same bundle": bundle})["cumulative PBC effort"][-1, 0]
        assert spent == pytest.approx(18, rel=1e-6), option


def test_without_shares_the_budget_changes_nothing(model: Model, reference: ts.Scenario) -> None:
    budgets = ts.simulate(model, reference, constants={"PBC effort budget": np.array([0.0, 18.0, 40.0])}, outputs="all")
    spread = np.ptp(budgets.values, axis=2)
    assert spread[:, [n != "PBC effort budget" for n in budgets.names]].max() == 0.0


def test_every_switched_off_channel_changes_nothing(model: Model, reference: ts.Scenario) -> None:
    weights = [v.name for v in model.of_kind(Kind.CONSTANT) if v.name.endswith("channel weight")]
    assert len(weights) >= 8
    off = dict.fromkeys(weights, 0.0)
    outputs = ["relapse probability", "state capacity", "cumulative aid disbursed", "legitimacy", "security"]
    none = ts.simulate(model, reference, constants=off, method="rk4", outputs=outputs)
    for option in OPTIONS[1:]:
        scenario = reference.combined(ts.load_scenario(f"entry_points/{option}"))
        silent = ts.simulate(model, scenario, constants=off, method="rk4", outputs=outputs)
        assert np.allclose(silent.values, none.values, rtol=1e-9, atol=0), option


def test_no_mission_is_worse(model: Model, worlds: dict[str, np.ndarray], reference: ts.Scenario) -> None:
    with_mission = ts.simulate(model, reference, constants=worlds, outputs=["relapse probability"], save_every=60)
    without = ts.simulate(
        model, reference, constants={**worlds, "peak peacekeepers": 0.0}, outputs=["relapse probability"], save_every=60
    )
    assert (final(without) > final(with_mission)).all()


HELPS = (
    "peak peacekeepers", "draw down duration", "mission cover limit", "community order limit", "own force support",
    "initial state security capacity", "initial state capacity", "aid delivery", "legitimacy gain rate",
    "ownership gain rate", "engagement holding rate", "base needs orientation", "base information quality",
)  # fmt: skip
HARMS = (
    "security force building time", "initial spoilers", "defection rate", "demobilisation time", "waiting out",
    "capacity building time", "overload strength", "implementation time", "plan drop", "consolidation rate",
    "exclusion rate", "driver addressing time", "regional instability input", "spill over",
)  # fmt: skip


@pytest.mark.parametrize(("name", "sign"), [*((n, -1) for n in HELPS), *((n, 1) for n in HARMS)])
def test_signs_of_causes_hold_in_every_world(
    name: str, sign: int, model: Model, worlds: dict[str, np.ndarray], reference: ts.Scenario
) -> None:
    """A tenth more of a cause moves the 20-year risk the same way in every sampled world."""
    outcome = ["cumulative relapse hazard"]
    base = ts.simulate(model, reference, constants=worlds, outputs=outcome, save_every=252)
    more = {**worlds, name: 1.1 * base.constants[name]}
    moved = ts.simulate(model, reference, constants=more, outputs=outcome, save_every=252)
    change = sign * (final(moved, outcome[0]) - final(base, outcome[0]))
    assert (change > 0).all(), f"{(change <= 0).sum()} worlds of {len(change)}"


def test_building_own_forces_never_raises_the_risk_while_a_mission_is_there(
    model: Model, worlds: dict[str, np.ndarray], reference: ts.Scenario
) -> None:
    """Own forces take over from the mission term what they cover; they must give back at least as much."""
    times = [
        ts.simulate(
            model,
            reference,
            constants={**worlds, "security force building time": months},
            outputs=["cumulative relapse hazard"],
            save_every=60,
        )
        for months in (130.0, 65.0, 33.0)
    ]
    at_exit = [result["cumulative relapse hazard"][np.searchsorted(result.time, 48)] for result in times]
    assert (np.diff(at_exit, axis=0) < 0).all()


def test_a_regional_shock_raises_the_hazard(model: Model, reference: ts.Scenario) -> None:
    calm = ts.simulate(model, reference, series={"regional instability input": {-12: 0.2, 240: 0.2}})
    shock = ts.simulate(model, reference, series={"regional instability input": {-12: 0.2, 60: 0.2, 66: 0.9, 240: 0.9}})
    after = calm.time > 72
    assert (shock["relapse hazard"][after, 0] > calm["relapse hazard"][after, 0]).all()


def test_an_election_does_not_remove_spoilers(model: Model, reference: ts.Scenario) -> None:
    result = ts.simulate(model, reference)
    when = float(result.constants["election date"][0])
    before, after = (result["active spoilers"][np.searchsorted(result.time, when + d), 0] for d in (-3, 9))
    assert after > 0.5 * before


def test_everything_at_its_best_is_not_zero_risk(
    model: Model, worlds: dict[str, np.ndarray], reference: ts.Scenario
) -> None:
    spread = reference.combined(ts.load_scenario("entry_points/spread"))
    result = ts.simulate(model, spread, constants=worlds, outputs=["relapse probability"], save_every=60)
    assert final(result).min() > 0.005


def test_hand_set_targets_of_the_reference_without_a_mission(model: Model, reference: ts.Scenario) -> None:
    """C1 and C2: Collier, Hoeffler and Soderbom 2008; Suhrke and Samset 2007 (bands around .40 and .23)."""
    alone = ts.simulate(model, reference, constants={"peak peacekeepers": 0.0})
    risk = ts.relapse_risk(alone, years=(5, 10))
    five, ten = (float(risk.loc[year].iloc[0]) for year in (5, 10))
    assert 0.18 <= five <= 0.30
    assert 0.30 <= ten <= 0.51


def test_risk_falls_with_sustained_mission_spend(model: Model, reference: ts.Scenario) -> None:
    """The sign of C5 (Collier, Chauvet and Hegre 2008): more sustained spend, less risk."""
    peaks = np.array([0.0, 2500.0, 5000.0, 12500.0, 20000.0])
    held = ts.simulate(
        model,
        reference,
        constants={"peak peacekeepers": peaks, "draw down start": 240.0},
        outputs=["relapse probability"],
    )
    at_ten_years = held["relapse probability"][np.searchsorted(held.time, 120)]
    assert (np.diff(at_ten_years) < 0).all()


@pytest.mark.parametrize("name", ["transition", "aid_gap"])
def test_numbers_inside_equations_say_that_they_are_assumed(name: str) -> None:
    """Weights inside an equation need `Assumption:` or `Source:`; 0, 1, 2 and mathematical constants do not."""
    plain_numbers = {0.0, 1.0, 2.0, -0.5, 0.5, 4.0, 2.506628}
    silent = []
    for variable in ts.load_model(name).variables.values():
        expressions = [e for e in (variable.expression, variable.initial) if e is not None]
        numbers = {node.value for e in expressions for node in walk(e) if isinstance(node, Number)}
        told = "Assumption:" in variable.documentation or "Source:" in variable.documentation
        if variable.kind is not Kind.CONSTANT and not numbers <= plain_numbers and not told:
            silent.append(variable.name)
    assert silent == []
