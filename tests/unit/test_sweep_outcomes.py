"""Outcomes by name: against the same numbers taken by hand, runs that cannot be trusted, names that are not there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model
from transition_sim.study.sweeps.outcomes import Outcome, outcome_of, reduced, usual_outcomes, variables_of, wrong_runs

STARTS = {"draw down start": np.array([24.0, 60.0, 96.0])}


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


def outcomes(model: Model, *texts: str, stop: float = 240) -> list[Outcome]:
    return [outcome_of(text, model, stop) for text in texts]


def test_outcomes_are_the_numbers_taken_by_hand(model: Model) -> None:
    named = outcomes(
        model, "security at 10 years", "final state capacity", "largest aid gap", "Smallest security", "mean  aid_gap",
        "relapse probability at 20 years", "mean relapse probability", "aid gap cumulative", "cost",
    )  # fmt: skip
    result = ts.simulate(model, constants=STARTS, outputs=variables_of(named, model), method="rk4")
    found = reduced(result, named)
    every = ts.simulate(model, constants=STARTS, outputs="all", method="rk4")
    risk = ts.relapse_risk(every, years=np.arange(-1, 20 + 1 / 24, 1 / 12).tolist())
    month = {time: i for i, time in enumerate(every.time.tolist())}
    expected = {
        "security at 10 years": every["security"][month[120.0]],
        "final state capacity": every["state capacity"][-1],
        "largest aid gap": every["aid gap"].max(axis=0),
        "smallest security": every["security"].min(axis=0),
        "mean aid gap": np.trapezoid(every["aid gap"], every.time, axis=0) / 252,
        "relapse probability at 20 years": ts.relapse_risk(every, years=[20]).loc[20].to_numpy(),
        "mean relapse probability": np.trapezoid(risk.to_numpy(), every.time, axis=0) / 252,
        "aid gap cumulative": ts.aid_gap(every)["cumulative_musd"].to_numpy(),
        "cost": every["cumulative mission cost"][-1] + every["cumulative aid disbursed"][-1],
    }
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-14 if name.startswith("mean") else 0, err_msg=name)


def test_units_follow_the_model(model: Model) -> None:
    units = [o.unit for o in outcomes(model, "largest aid gap", "cost", "aid gap months open", "security at 3")]
    assert units == ["MUSD/Month", "MUSD", "Month", "Dmnl"]


def test_probability_is_averaged_over_frailty(model: Model) -> None:
    (named,) = outcomes(model, "relapse probability at 240")
    result = ts.simulate(
        model, constants=STARTS, outputs=["cumulative relapse hazard", "relapse probability"], method="rk4"
    )
    assert np.array_equal(named.of(result), ts.relapse_risk(result, years=[20]).loc[20].to_numpy())
    assert not np.allclose(named.of(result), result["relapse probability"][-1], rtol=1e-3)


def test_usual_outcomes_are_those_the_model_has(model: Model, model_of: Callable[..., Model]) -> None:
    assert "relapse probability at 20 years" in usual_outcomes(model)
    assert usual_outcomes(model_of("x = INTEG(1, 0)", "y = 2*x")) == ["final x"]


@pytest.mark.parametrize(
    "text", ["security", "securty at 3", "security at noon", "security at 0.5", "security at 241", ""]
)
def test_what_cannot_be_named_is_refused(model: Model, text: str) -> None:
    with pytest.raises(ScenarioError, match="outcome"):
        outcome_of(text, model, 240)


def test_measures_need_their_variables(model_of: Callable[..., Model]) -> None:
    with pytest.raises(ScenarioError, match=r"needs 'cumulative mission cost', which is not in model\.mdl"):
        outcome_of("cost", model_of("x = INTEG(1, 0)"), 10)


def test_runs_beyond_limits_or_broken_down_are_wrong(model_of: Callable[..., Model]) -> None:
    model = model_of("x = INTEG(a, 1) ~ ~ |", "a = 1 ~ ~ |", "y = SQRT(x) ~ Dmnl [0, 3] ~ |")
    result = ts.simulate(model, constants={"a": np.array([0.5, 1.0, -1.0, 0.0])}, outputs=["y"], method="rk4")
    assert wrong_runs(result, model) == {1: "'y' rises above its limit 3", 2: "broke down: a value is no finite number"}


def test_effort_that_does_not_fit_its_window_is_wrong(model: Model) -> None:
    constants = {
        "PBC effort budget": np.array([18.0, 100.0, 18.0]),
        "PBC draw down effort": np.array([1.0, 1.0, 0.9]),
        "PBC throughout effort": np.array([0.0, 0.0, 0.9]),
    }
    result = ts.simulate(model, constants=constants, outputs=["security"], method="rk4")
    wrong = wrong_runs(result, model)
    assert list(wrong) == [2, 1]
    assert wrong[1] == "100 effort-months do not fit the draw down window of 30 months (budget 100)"
    assert "sum to more than 1" in wrong[2]
