"""Measures: moments, windows, references, years until; formulas of them against plain runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import transition_sim as ts
from transition_sim import risk
from transition_sim.model.equations import Model
from transition_sim.study import measures
from transition_sim.study.measures import Formula, cases_of, faults_of
from transition_sim.study.worlds import Worlds, sample_worlds

FORMULA: TypeAdapter[Any] = TypeAdapter(Formula)


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def worlds(model: Model) -> Worlds:
    return sample_worlds(model, 5, 3)


def measured(model: Model, worlds: Worlds, *raw: Any) -> list[np.ndarray]:
    formulas = [FORMULA.validate_python(each) for each in raw]
    return measures.measure(model, ts.load_scenario("contexts/reference"), worlds.columns, formulas)


def test_measures_take_moments_windows_and_references(model: Model, worlds: Worlds) -> None:
    spoilers = {"outcome": "active spoilers"}
    window = {"from": 0, "to": 60}
    first, later, low, high, change = measured(
        model, worlds, {**spoilers, "at": 0}, {**spoilers, "at": "planned exit - 12"},
        {**spoilers, **window, "take": "mean"}, {**spoilers, **window, "take": "largest"},
        {**spoilers, "at": 60, "minus": {**spoilers, "at": 0}},
    )  # fmt: skip
    assert (high >= np.maximum(np.maximum(low, first), later)).all()
    assert change == pytest.approx(later - first)  # the planned exit is month 72


def test_measures_equal_a_plain_run(model: Model, worlds: Worlds) -> None:
    scenario = ts.load_scenario("contexts/reference")
    none = {"set": {"peak peacekeepers": 0, "initial peacekeepers": 0}}
    got = measured(
        model, worlds, {**none, "outcome": "relapse risk", "at": 120},
        {"quotient": [{**none, "outcome": "cumulative relapse hazard", "at": 120}, 2]},
        {"log": {**none, "outcome": "cumulative relapse hazard", "at": 120}},
        {"integrated hazard": {**none, "outcome": "relapse risk", "at": 120}},
    )  # fmt: skip
    given = {**worlds.besides({*scenario.settings}), "peak peacekeepers": 0.0, "initial peacekeepers": 0.0}
    result = ts.simulate(model, scenario, constants=given, stop=120, time_step=1, method="rk4", save_every=12)
    total = result[risk.CUMULATIVE][-1]
    chance = ts.relapse_risk(result, years=[10]).to_numpy()[0]
    for own, plain in zip(got, (chance, total / 2, np.log(total), -np.log(1 - chance)), strict=True):
        assert own == pytest.approx(plain, rel=1e-12)


def test_slope_is_the_exponent_of_a_power_and_years_are_linear_between_months() -> None:
    slope = FORMULA.validate_python({"slope": [2.0, 4.0, 8.0], "against": [1, 4, 16]})
    assert measures._value(slope, {}) == pytest.approx([0.5])
    time = np.array([0.0, 12.0, 24.0])
    path = np.array([[0.0, 0.9, 0.0], [0.4, 0.9, 0.1], [0.8, 0.9, 0.2]])
    assert measures._years_until(time, path, 0.6) == pytest.approx([1.5, 0.0, np.inf])


def test_cases_that_formulas_share_are_run_once(model: Model, worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    plain = measures.simulate
    monkeypatch.setattr(measures, "simulate", lambda *a, **k: calls.append(k["outputs"]) or plain(*a, **k))
    other = {"set": {"draw down start": 24}, "outcome": "security", "at": 60}
    measured(model, worlds, {"outcome": "security", "at": 60}, {"outcome": "legitimacy", "at": 12}, other)
    assert calls == [["security", "legitimacy"], ["security"]]


def test_a_run_goes_no_further_than_it_must(model: Model, worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[float] = []
    plain = measures.simulate
    monkeypatch.setattr(measures, "simulate", lambda *a, **k: stops.append(k["stop"]) or plain(*a, **k))
    measured(model, worlds, {"outcome": "security", "at": 30})
    measured(model, worlds, {"outcome": "security", "at": "planned exit"})
    assert stops == [30, 240]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"outcome": "securty", "at": 3}, "did you mean 'security'"),
        ({"outcome": "security"}, "'at' is missing"),
        ({"outcome": "security", "take": "mean"}, "needs 'from' and 'to'"),
        ({"outcome": "security", "take": "years until", "to": 9}, "needs 'reaches' and 'to'"),
        ({"outcome": "security", "at": "planned exot + 3"}, "did you mean 'planned exit'"),
        ({"outcome": "security", "at": 3, "set": {"no such": 1}}, "'no such' is not in transition.mdl"),
    ],
)
def test_what_is_wrong_with_a_case_is_said(model: Model, raw: dict[str, Any], words: str) -> None:
    (case,) = cases_of(FORMULA.validate_python(raw))
    assert any(words in message for message in faults_of(model, case))


@pytest.mark.parametrize("raw", [{"quotient": [1]}, {"slope": [1], "against": [1]}, {"logg": 1}, "text", None, []])
def test_what_is_no_formula_is_refused(raw: Any) -> None:
    with pytest.raises(ValidationError):
        FORMULA.validate_python(raw)
