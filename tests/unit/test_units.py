"""Units at the border: what converts, what does not, and that no text is executed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transition_sim.errors import ScenarioError
from transition_sim.units import convert, split_number, to_unit


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("48", "Month", 48), ("48 Month", "Month", 48), ("4 years", "Month", 48), ("6 weeks", "day", 42),
        ("1 year", "day", 365.25), ("-3 months", "Month", -3), ("17500 troops", "Person", 17500),
        ("200 MUSD/Year", "MUSD/Month", 200 / 12), ("1.2 BUSD/year", "MUSD/Month", 100), ("5e5 USD", "MUSD", 0.5),
        ("250 kUSD", "MUSD", 0.25), ("20 percent", "Dmnl", 0.2), ("20%", "Dmnl", 0.2), ("0.3 fraction", "", 0.3),
        ("12 %/year", "1/Month", 0.01), ("3 1/Year", "1/Month", 0.25), ("2 /Year", "1/Month", 1 / 6),
        ("600 USD/(person*year)", "MUSD/(Person*Month)", 5e-5), (" 7  MONTHS ", "Month", 7), (".5 Dmnl", "Dmnl", 0.5),
    ],
)  # fmt: skip
def test_text_becomes_the_models_unit(text: str, unit: str, value: float) -> None:
    assert to_unit(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "told"),
    [
        ("4 years", "Person", "unit 'years' does not convert to 'Person'"),
        ("4 MUSD", "MUSD/Month", "does not convert"),
        ("4 yaers", "Month", "unit 'yaers' is not known; did you mean 'years'?"),
        ("4 parsec", "Month", "is not known"),
        ("four", "Month", "'four' is no number with a unit; expected such as '48 Month'"),
        ("", "Month", "is no number"),
        ("nan", "Month", "is no number"),
        ("inf years", "Month", "is no number"),
        ("1e999", "Month", "is no number"),
        ("4 years^99", "Month", "cannot be read"),
        ("4 year**year", "Month", "cannot be read"),
        ("4 (year", "Month", ""),
        ("4 year)", "Month", ""),
        ("4 __import__('os')", "Month", ""),
        ("4 " + "month*" * 50, "Month", ""),
        ("4 ; month", "Month", "cannot be read"),
        ("4 month month", "Month", ""),
    ],
)
def test_what_does_not_convert_is_told(text: str, unit: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=r"\w") as caught:
        to_unit(text, unit)
    assert told in str(caught.value)


def test_spelling_of_the_models_own_unit_needs_no_registry() -> None:
    assert convert(3.0, "  musd / MONTH", "MUSD/Month") == 3.0
    assert convert(3.0, "", "anything at all") == 3.0
    assert convert(3.0, "widget", "Widget") == 3.0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_survives(value: float) -> None:
    assert split_number(f"{value!r} Month") == (value, "Month")


@given(st.floats(-1e6, 1e6), st.sampled_from([("year", "Month"), ("week", "day"), ("BUSD", "MUSD")]))
def test_there_and_back(value: float, units: tuple[str, str]) -> None:
    one, other = units
    assert convert(convert(value, one, other), other, one) == pytest.approx(value, rel=1e-12)
