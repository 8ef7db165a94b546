"""Names and values become columns: what is checked, and that every fault is told at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from transition_sim.engine.resolve import Series, Setting, resolve
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind, Model


@pytest.fixture
def model(model_of: Callable[..., Model]) -> Model:
    return model_of(
        "share = 0.5 ~ Dmnl [0, 1] ~ |",
        "delay time = 12 ~ Month [1, ?] ~ |",
        "free = 1 ~ ~ |",
        "level = INTEG(share * free / delay time, 0) ~ ~ |",
        "half = share / 2 ~ ~ |",
    )


def told(model: Model, **given: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        resolve(model, given.pop("settings", {}), **given)
    return [str(fault) for fault in caught.value.faults]


def test_columns_are_broadcast_and_named_as_in_the_model(model: Model) -> None:
    found = resolve(model, {"SHARE": Setting(0.25)}, {"Delay_Time": np.array([6, 12, 24])})
    assert found.runs == 3
    assert not found.scalar
    assert {n: c.tolist() for n, c in found.columns.items()} == {"share": [0.25] * 3, "delay time": [6, 12, 24]}


def test_scalars_make_one_run_and_constants_win(model: Model) -> None:
    found = resolve(model, {"share": Setting(0.25)}, {"share": 0.75})
    assert (found.runs, found.scalar, found.columns["share"].tolist()) == (1, True, [0.75])
    assert resolve(model, {}).columns == {}


def test_limits_hold_at_their_ends(model: Model) -> None:
    for value in (0, 1, np.float32(0.5), np.int8(1)):
        resolve(model, {}, {"share": value})
    resolve(model, {}, {"delay time": 1e9, "free": -1e300})


def test_unit_of_a_setting_is_converted(model: Model) -> None:
    assert resolve(model, {"delay time": Setting(2, "years")}).columns["delay time"].tolist() == [24]


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"shar": 0.5}, "'shar' is not in model.mdl; did you mean 'share'?"),
        ({"level": 1}, "'level' is computed by the model (stock), not a constant"),
        ({"half": 1}, "'half' is computed by the model (auxiliary), not a constant"),
        ({"share": 1.5}, "'share' is 1.5; allowed: finite numbers, 0 to 1 Dmnl"),
        ({"share": np.nan}, "'share' is nan; allowed: finite numbers"),
        ({"free": np.inf}, "'free' is inf; allowed: finite numbers, any to any"),
        ({"delay time": 0}, "'delay time' is 0; allowed: finite numbers, 1 to any Month"),
        ({"share": [0.5, 2, 3]}, "'share' is 2 (2 of 3 values)"),
        ({"share": True}, "'share': a number or a one-dimensional array of numbers is expected"),
        ({"share": "0.5"}, "'share': a number"),
        ({"share": None}, "'share': a number"),
        ({"share": []}, "'share': a number"),
        ({"share": [[0.5]]}, "'share': a number"),
        ({"share": 1j}, "'share': a number"),
        ({"share": [0.1] * 2, "free": [1] * 3}, "cannot be the runs of one call: 'share' 2, 'free' 3"),
    ],
)  # fmt: skip
def test_constants_that_do_not_fit(model: Model, constants: dict[str, Any], words: str) -> None:
    assert [message for message in told(model, constants=constants) if words in message]


def test_faults_of_settings_keep_file_and_line_and_come_together(model: Model) -> None:
    messages = told(
        model,
        settings={"shar": Setting(1, None, "a.yaml", 3), "delay time": Setting(1, "Person", "a.yaml", 4)},
        constants={"share": 7},
    )
    assert [message.split(" ")[0] for message in messages] == ["a.yaml:3:", "a.yaml:4:", "'share'"]


@pytest.mark.parametrize(
    "given",
    [
        {0: 0.1, 6: 0.3},
        Series((0.0, 6.0), (0.1, 0.3)),
        pd.Series([0.1, 0.3], index=[0, 6]),
        pd.DataFrame({"share": [0.1, 0.3]}, index=[0, 6]),
    ],
)
def test_series_in_all_forms_become_a_table_of_time(model: Model, given: Any) -> None:
    changed = resolve(model, {}, None, {"share": given}).model
    assert changed.find("share").kind is Kind.AUXILIARY
    assert changed.find("share").expression.table.y == (0.1, 0.3)  # type: ignore[union-attr]
    assert model.find("share").kind is Kind.CONSTANT


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({"shar": {0: 0.1, 6: 0.3}}, "did you mean 'share'?"),
        ({"half": {0: 0.1, 6: 0.3}}, "computed by the model"),
        ({"share": {0: 0.1}}, "needs two points or more"),
        ({"share": {6: 0.1, 0: 0.3}}, "times must be finite and rise"),
        ({"share": {0: 0.1, np.inf: 0.3}}, "times must be finite and rise"),
        ({"share": {0: 0.1, 6: 1.3}}, "series 'share' is 1.3 (1 of 2 values); allowed"),
        ({"share": {0: 0.1, 6: np.nan}}, "allowed: finite numbers"),
        ({"share": {0: "a", 6: "b"}}, "needs two points or more, each a time and a value"),
        ({"share": 3}, "needs two points or more"),
    ],
)
def test_series_that_do_not_fit(model: Model, series: dict[str, Any], words: str) -> None:
    assert [message for message in told(model, series=series) if words in message]
