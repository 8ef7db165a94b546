"""Units at the border: text such as `4 years` becomes a number in a model's unit, once. The only importer of pint."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from transition_sim.errors import ScenarioError, nearest

if TYPE_CHECKING:
    from pint import UnitRegistry

MAX_LENGTH = 100
NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)
_WORDS = {
    "month": ("month", "months", "mo"),
    "year": ("year", "years", "yr"),
    "week": ("week", "weeks"),
    "day": ("day", "days"),
    "person": ("person", "persons", "people", "troop", "troops", "peacekeeper", "peacekeepers"),
    "MUSD": ("musd",),
    "USD": ("usd",),
    "kUSD": ("kusd",),
    "BUSD": ("busd",),
    "dimensionless": ("dmnl", "dimensionless", "fraction"),
    "percent": ("percent",),
}
_KNOWN = {word: unit for unit, words in _WORDS.items() for word in words}


def split_number(text: str) -> tuple[float, str] | None:
    """Return the number and the unit text of `48 Month`; None where no finite number begins the text."""
    found = NUMBER.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None or not math.isfinite(float(found.group(1))):
        return None
    return float(found.group(1)), found.group(2).strip()


def convert(value: float, given: str, unit: str) -> float:
    """Return a value in `unit`, the model's; ScenarioError where the units do not convert or are unknown."""
    if not given or _same(given, unit):
        return value
    factor = _factor(given, unit)
    return value * factor


def to_unit(text: str, unit: str) -> float:
    """Return `48 Month`, `4 years` or `200 MUSD/Year` as a number in the model's unit.

    Raises ScenarioError where the text holds no number, an unknown unit, or one that does not convert.
    """
    parts = split_number(text)
    if parts is None:
        raise ScenarioError(f"'{text[:40]}' is no number with a unit; expected such as '48 {unit or 'Month'}'")
    return convert(*parts, unit)


def _same(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


@lru_cache(maxsize=256)
def _factor(given: str, unit: str) -> float:
    allowed = unit or "Dmnl"
    try:
        factor = _quantity(given).to(_quantity(allowed).units).magnitude
    except ScenarioError:
        raise
    except Exception as error:  # pint raises many kinds
        raise ScenarioError(f"unit '{given}' does not convert to '{allowed}'") from error
    return float(factor)


@lru_cache(maxsize=1)
def _registry() -> UnitRegistry[Any]:
    from pint import UnitRegistry

    registry: UnitRegistry[Any] = UnitRegistry(None)
    for line in (
        "month = [time]", "year = 12 * month", "day = year / 365.25", "week = 7 * day",
        "person = [person]", "MUSD = [money]", "USD = 1e-6 * MUSD", "kUSD = 1e-3 * MUSD", "BUSD = 1e3 * MUSD",
        "percent = 0.01",
    ):  # fmt: skip
        registry.define(line)
    return registry


@lru_cache(maxsize=256)
def _quantity(text: str) -> Any:
    """Return a unit text as a quantity; only known words, numbers, `* / ^` and brackets are let through."""
    if len(text) > MAX_LENGTH or not re.fullmatch(r"[A-Za-z0-9_ .*/^()%-]*", text):
        raise ScenarioError(f"unit '{text[:40]}' cannot be read")
    words = re.findall(r"[A-Za-z_]+", text)
    for word in words:
        if word.casefold() not in _KNOWN:
            raise ScenarioError(f"unit '{word}' is not known{nearest(word, _KNOWN)}; known: {', '.join(_WORDS)}")
    if re.search(r"\^\s*\d{2,}|\*\s*\*", text):
        raise ScenarioError(f"unit '{text[:40]}' cannot be read")
    text = f"1{text}" if text.lstrip().startswith("/") else text
    plain = re.sub(r"[A-Za-z_]+", lambda found: _KNOWN[found.group(0).casefold()], text).replace("%", "percent")
    return _registry().Quantity(1.0, "dimensionless") * _registry().parse_expression(plain or "dimensionless")
