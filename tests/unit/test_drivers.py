"""Drivers of the hazard: the small model's terms are its hazard; changes by driver sum to the change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import transition_sim as ts
from transition_sim import risk
from transition_sim.data import shipped_model
from transition_sim.model.equations import Call, Reference
from transition_sim.study.drivers import change_by_driver, logarithmic_mean, with_drivers


def test_terms_of_the_small_model_sum_to_its_hazard_and_change_nothing_else() -> None:
    small = ts.load_model(shipped_model("aid_gap"))
    split = with_drivers(small)
    result, plain = ts.simulate(split), ts.simulate(small)
    parts = ts.hazard_decomposition(result)
    assert list(parts) == ["weak state", "illegitimacy", "aid gap"]
    assert np.array_equal(result["relapse probability"], plain["relapse probability"])
    assert with_drivers(split) is split
    assert with_drivers(ts.load_model()) is not None


def test_hazards_of_another_form_are_refused() -> None:
    small = ts.load_model(shipped_model("aid_gap"))
    other = replace(small.find("relapse hazard"), expression=Call("+", (Reference("legitimacy"),) * 2))
    with pytest.raises(ts.ModelError, match="cannot be split"):
        with_drivers(replace(small, variables={**small.variables, "relapse hazard": other}))


@pytest.mark.parametrize(("year", "definition"), [(10, 0), (20, 0), (20, 2)])
def test_changes_by_driver_sum_to_the_change_of_risk(year: int, definition: int) -> None:
    model = ts.load_model()
    before = ts.simulate(model, constants={"relapse definition": definition})
    changed = {"draw down start": 24, "PBC late transition effort": 1, "relapse definition": definition}
    after = ts.simulate(model, constants=changed)
    parts = change_by_driver(before, after, year)
    at = np.array([risk.time_index(before, 12 * year)])
    change = float((risk.probability(after, at) - risk.probability(before, at))[0, 0])
    assert change > 0.01
    assert sum(parts.values()) == pytest.approx(change, rel=2e-3)  # the trapezoidal rule over months
    assert parts["mission"] > 0.5 * change  # the mission leaves two years earlier


def test_runs_that_mean_other_things_are_not_compared() -> None:
    model = ts.load_model()
    before, after = ts.simulate(model), ts.simulate(model, constants={"relapse definition": 1})
    with pytest.raises(ts.SimulationError, match="another meaning"):
        change_by_driver(before, after, 20)


def test_logarithmic_mean_is_smooth_where_both_are_equal() -> None:
    one = np.array([2.0, 2.0, 2.0, 1.0])
    other = np.array([2.0, 2.0 + 2e-7, 2.0 + 4e-6, np.e])
    assert logarithmic_mean(one, other) == pytest.approx([2.0, 2.0 + 1e-7, 2.0 + 2e-6, np.e - 1], rel=1e-12)
