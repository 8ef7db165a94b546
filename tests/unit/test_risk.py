"""Risk measures: frailty by quadrature against direct integration, the accounting of the hazard, the aid gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import transition_sim as ts
from transition_sim.engine.result import Result
from transition_sim.errors import ModelError, SimulationError
from transition_sim.risk import frailty_average, time_index


def result_of(values: Mapping[str, list[float]], constants: Mapping[str, float], times: list[float]) -> Result:
    stacked = np.array([values[name] for name in values], dtype=float).T[:, :, None]
    held = {name: np.array([value]) for name, value in constants.items()}
    return Result(np.array(times), tuple(values), stacked, held, {}, {"time_unit": "Month"})


@pytest.mark.parametrize("deviation", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("hazard", [1e-3, 0.1, 0.7, 3.0, 10.0])
def test_frailty_average_equals_direct_integration(hazard: float, deviation: float) -> None:
    def relapsing(u: float) -> float:
        return float(-np.expm1(-hazard * np.exp(deviation * u)) * norm.pdf(u))

    direct = quad(relapsing, -12, 12, epsabs=1e-12, limit=400)[0]
    ours = frailty_average(np.array([hazard]), np.array([deviation]))[0]
    assert ours == pytest.approx(direct, abs=1e-6)


def test_frailty_of_no_spread_is_one_minus_exp() -> None:
    hazard = np.linspace(0, 5, 20)
    assert frailty_average(hazard, np.zeros(20)) == pytest.approx(1 - np.exp(-hazard), abs=1e-14)


def test_frailty_bends_the_hazard_of_a_population_downward() -> None:
    """The frail leave early, so the mean hazard of those left falls although each one's is constant."""
    hazard = np.linspace(0, 3, 200)
    for deviation in (0.3, 1.6, 2.9):
        left = -np.log1p(-frailty_average(hazard, np.full(200, deviation)))
        assert (np.diff(left, 2) < 0).all()


def test_relapse_risk_counts_years_from_the_mandate() -> None:
    model = ts.load_model()
    result = ts.simulate(model, outputs=["cumulative relapse hazard", "relapse probability"])
    table = ts.relapse_risk(result, years=(5, 20))
    assert table.index.tolist() == [5, 20]
    hazard = result["cumulative relapse hazard"][result.time == 60, 0]
    spread = result.fixed["frailty log standard deviation"]
    assert table.loc[5, 0] == pytest.approx(float(frailty_average(hazard, spread)[0]))
    with pytest.raises(SimulationError, match="time 252 was not saved"):
        ts.relapse_risk(result, years=(21,))


def test_hazard_decomposition_sums_to_the_log_hazard() -> None:
    result = ts.simulate(ts.load_model())
    parts = ts.hazard_decomposition(result)
    whole = np.log(result["relapse hazard"] / result["baseline hazard"])
    assert sum(parts.values()) == pytest.approx(whole, abs=1e-12)
    assert "mission" in parts
    assert 7 <= len(parts) <= 9


def test_hazard_decomposition_notices_a_missing_driver() -> None:
    result = ts.simulate(ts.load_model())
    kept = [name for name in result.names if name != "hazard from mission"]
    lacking = ts.simulate(ts.load_model(), outputs=kept)
    with pytest.raises(SimulationError, match="the drivers miss the log hazard by"):
        ts.hazard_decomposition(lacking)


def test_a_model_without_frailty_has_the_probability_of_its_hazard() -> None:
    result = ts.simulate(ts.load_model("aid_gap"), method="rk4", save_every=12)
    expected = 1 - np.exp(-result["cumulative relapse hazard"][[5, 20], 0])
    assert ts.relapse_risk(result, [5, 20])[0].to_numpy() == pytest.approx(expected, rel=1e-12)
    full = ts.simulate(ts.load_model(), outputs=["cumulative relapse hazard"], save_every=12)
    with pytest.raises(ModelError, match="frailty log standard deviation"):
        ts.relapse_risk(replace(full, fixed={}), [5])


def test_aid_gap_measures_on_a_known_path() -> None:
    result = result_of(
        {
            "aid need": [10, 10, 10, 10, 10],
            "aid gap": [9, 0, 0.5, 5, 0],
            "cumulative aid gap": [0, 1, 2, 3, 4],
        },
        {"draw down start": 1.0},
        [-1, 0, 1, 2, 3],
    )
    row = ts.aid_gap(result).iloc[0]
    assert row["max_share"] == pytest.approx(0.5)  # the gap before the mandate does not count
    assert row["months_open"] == pytest.approx(1.0)  # half a month either side of month 2
    assert row["cumulative_musd"] == 4
    assert row["opens_after_draw_down"] == 1


def test_aid_gap_that_never_closes_is_open_for_all_months_from_the_mandate_and_no_more() -> None:
    result = result_of(
        {"aid need": [10] * 4, "aid gap": [9] * 4, "cumulative aid gap": [0, 1, 2, 3]}, {"draw down start": 1.0},
        [-1, 0, 1, 2],
    )  # fmt: skip
    assert ts.aid_gap(result).iloc[0]["months_open"] == 2


def test_aid_gap_that_never_opens_has_no_opening() -> None:
    result = result_of(
        {"aid need": [10, 10], "aid gap": [0, 0.9], "cumulative aid gap": [0, 0]}, {"draw down start": 0.0}, [0, 1]
    )
    assert np.isnan(ts.aid_gap(result).iloc[0]["opens_after_draw_down"])


def test_measures_name_what_they_lack() -> None:
    model = ts.load_model("aid_gap")
    result = ts.simulate(model, outputs=["state capacity"])
    with pytest.raises(ModelError, match="this needs 'cumulative relapse hazard'"):
        ts.relapse_risk(result)
    with pytest.raises(ModelError, match=r"no variable 'hazard from"):
        ts.hazard_decomposition(result)


def test_time_index_finds_saved_times_alone() -> None:
    result = result_of({"x": [0, 1]}, {}, [0, 1.5])
    assert time_index(result, 1.5) == 1
    with pytest.raises(SimulationError, match=r"time 1 was not saved; saved are 0 to 1\.5"):
        time_index(result, 1)
