"""Outcomes: what a run is reduced to, by names such as `relapse probability at 20 years` or `largest aid gap`.

Shapes: a result's variables are `(time, run)`; an outcome is `(run,)`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import structure_of
from transition_sim.errors import ScenarioError, nearest
from transition_sim.model.equations import Model, canonical
from transition_sim.study.outcomes import BUDGET
from transition_sim.units import convert, split_number

Floats = NDArray[np.float64]
PROBABILITY = "relapse probability"
"""Averaged over frailty wherever the model has what that needs."""
COST = ("cumulative mission cost", "cumulative aid disbursed")
_GAP = ("aid need", "aid gap", "cumulative aid gap")
ROLES = ("mission start", "during mission", "draw down", "late transition", "throughout")
_REDUCED = re.compile(r"(largest|smallest|mean|final) +(\S.*)", re.IGNORECASE)
_AT = re.compile(r"(\S.*?) +at +([+-]?[\d.].*)", re.IGNORECASE)
_FORMS = "'NAME at 240', 'NAME at 20 years', 'final NAME', 'largest NAME', 'smallest NAME', 'mean NAME'"
_SLACK = 1e-9
"""Share of a limit by which rounding may pass it."""


@dataclass(frozen=True)
class Measure:
    """An outcome with a name of its own: its unit, the variables it needs, and its column in `risk.aid_gap`."""

    unit: str
    needs: tuple[str, ...]
    column: str = ""


MEASURES = {
    "aid gap max share": Measure("Dmnl", (*_GAP, "draw down start"), "max_share"),
    "aid gap months open": Measure("Month", (*_GAP, "draw down start"), "months_open"),
    "aid gap cumulative": Measure("MUSD", (*_GAP, "draw down start"), "cumulative_musd"),
    "aid gap opens after draw down": Measure("Month", (*_GAP, "draw down start"), "opens_after_draw_down"),
    "cost": Measure("MUSD", COST),
}
USUAL = (
    *(f"{PROBABILITY} at {years} years" for years in (20, 15, 10, 5)),
    "aid gap max share", "aid gap months open", "aid gap cumulative", "cost", "final cumulative PBC effort",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One number a run: its name and unit, the variables it is made of, and how.

    `how` is `at` (with `time`), `final`, `largest`, `smallest`, `mean`, or the name of a measure.
    """

    name: str
    unit: str
    how: str
    needs: tuple[str, ...]
    time: float = math.nan

    def of(self, result: Result) -> Floats:
        """Return the outcome `(run,)` of a result that has kept what it needs; for measures see `reduced`."""
        if self.how in ("at", "final"):
            index = risk.time_index(result, self.time if self.how == "at" else float(result.time[-1]))
            return np.asarray(self._series(result, np.array([index]))[0])
        values = self._series(result, slice(None))
        if self.how == "mean":
            return np.asarray(np.trapezoid(values, result.time, axis=0) / np.ptp(result.time))
        return np.asarray(values.max(axis=0) if self.how == "largest" else values.min(axis=0))

    def _series(self, result: Result, at: NDArray[np.int64] | slice) -> Floats:
        averaged = self.needs == (risk.CUMULATIVE, risk.SPREAD)
        return risk.probability(result, at) if averaged else result[self.needs[0]][at]


def reduced(result: Result, outcomes: Sequence[Outcome]) -> dict[str, Floats]:
    """Return every outcome `(run,)` of a result by name."""
    gap = risk.aid_gap(result) if any(o.how in MEASURES and MEASURES[o.how].column for o in outcomes) else None
    found: dict[str, Floats] = {}
    for outcome in outcomes:
        if outcome.how not in MEASURES:
            found[outcome.name] = outcome.of(result)
        elif gap is not None and MEASURES[outcome.how].column:
            found[outcome.name] = gap[MEASURES[outcome.how].column].to_numpy(float)
        else:
            found[outcome.name] = np.asarray(sum(result[name][-1] for name in outcome.needs))
    return found


def variables_of(outcomes: Iterable[Outcome], model: Model) -> tuple[str, ...]:
    """Return the variables that must be kept for some outcomes, by their names in the model; what is fixed is not."""
    named = [model.find(name).name for outcome in outcomes for name in outcome.needs]
    still = {*model.constants, *structure_of(model).fixed}
    return tuple(dict.fromkeys(name for name in named if name not in still))


def usual_outcomes(model: Model) -> list[str]:
    """Return the outcomes of a sweep that names none: those the model has, else the final value of each stock."""
    found = [text for text in USUAL if _parts(text)[1] in model or _has(model, _parts(text)[1])]
    return found or [f"final {name}" for name in model.stocks]


def outcome_of(text: str, model: Model, stop: float) -> Outcome:
    """Return the outcome that a text names; ScenarioError with what can be named and the nearest name."""
    how, name, when = _parts(text)
    if how in MEASURES:
        lacking = [need for need in MEASURES[how].needs if need not in model]
        if lacking:
            raise ScenarioError(f"outcome '{text}' needs '{lacking[0]}', which is not in {model.name}.mdl")
        return Outcome(how, MEASURES[how].unit, how, MEASURES[how].needs)
    if name not in model or not how:
        raise ScenarioError(_unknown(text, name, model))
    variable = model.find(name)
    needs: tuple[str, ...] = (variable.name,)
    if canonical(name) == PROBABILITY and risk.CUMULATIVE in model and risk.SPREAD in model:
        needs = (risk.CUMULATIVE, risk.SPREAD)
    time = _time(text, when, model, stop) if how == "at" else math.nan
    plain = f"{variable.name} at {when}" if how == "at" else f"{how} {variable.name}"
    return Outcome(plain, variable.unit, how, needs, time)


def _parts(text: str) -> tuple[str, str, str]:
    """Return how, name and time of an outcome's text; for a measure its name twice; how is empty where none is said."""
    plain = " ".join(text.split())
    if plain.lower() in MEASURES:
        return plain.lower(), plain.lower(), ""
    if found := _AT.fullmatch(plain):
        return "at", found.group(1), found.group(2)
    if found := _REDUCED.fullmatch(plain):
        return found.group(1).lower(), found.group(2), ""
    return "", plain, ""


def _has(model: Model, measure: str) -> bool:
    return measure in MEASURES and all(need in model for need in MEASURES[measure].needs)


def _unknown(text: str, name: str, model: Model) -> str:
    if name in model:
        return f"outcome '{text}' does not say when; allowed: {_FORMS}"
    if name.lower() in MEASURES:
        return f"outcome '{text[:80]}': '{name.lower()}' is one number of a whole run; write it alone"
    hint = nearest(text, MEASURES) or nearest(name, model.names())
    allowed = f"{', '.join(MEASURES)}, {_FORMS}"
    return f"outcome '{text[:80]}': '{name[:80]}' is not in {model.name}.mdl; allowed: {allowed}{hint}"


def _time(text: str, when: str, model: Model, stop: float) -> float:
    """Return the time that an outcome is taken at, which must be one that is saved."""
    parts = split_number(when)
    if parts is None:
        raise ScenarioError(f"outcome '{text[:80]}': '{when[:40]}' is no time; allowed: such as 240 or 20 years")
    time = convert(*parts, model.time.unit)
    first, every = model.time.initial, model.time.save_every
    steps = (time - first) / every
    if not first <= time <= stop or abs(steps - round(steps)) > 1e-6:
        raise ScenarioError(
            f"outcome '{text[:80]}': {time:g} {model.time.unit} is not saved; allowed: {first:g} to {stop:g} "
            f"in steps of {every:g}"
        )
    return first + round(steps) * every


def wrong_runs(result: Result, model: Model, names: Sequence[str] | None = None) -> dict[int, str]:
    """Return the runs that cannot be trusted, and why: broken down, outside limits, effort that does not fit.

    `names` are the variables whose limits are looked at, by default all that were kept.
    """
    wrong: dict[int, str] = {}
    for mask, reason in (*_misfits(result), *_beyond_limits(result, model, names)):
        wrong |= {run: reason for run in np.flatnonzero(mask).tolist() if run not in wrong}
    return wrong | dict.fromkeys(result.failed, "broke down: a value is no finite number")


def _beyond_limits(
    result: Result, model: Model, names: Sequence[str] | None
) -> Iterator[tuple[NDArray[np.bool_], str]]:
    for name in result.names if names is None else names:
        low, high = model.variables[name].limits
        values = result[name]
        if low is not None:
            yield values.min(axis=0) < low - _SLACK * max(abs(low), 1), f"'{name}' falls below its limit {low:g}"
        if high is not None:
            yield values.max(axis=0) > high + _SLACK * max(abs(high), 1), f"'{name}' rises above its limit {high:g}"


def _misfits(result: Result) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Yield the runs whose shares of the effort budget sum to more than one, or do not fit their windows."""
    if any(f"PBC {role} window end" not in result.fixed for role in ROLES):
        return
    shares = {role: result.constants[f"PBC {role} effort"] for role in ROLES}
    yield sum(shares.values()) > 1 + 1e-9, "shares of the effort budget sum to more than 1"  # type: ignore[misc]
    for role, share in shares.items():
        length = result.fixed[f"PBC {role} window end"] - result.fixed[f"PBC {role} window start"]
        needs = share * result.constants[BUDGET]
        bad = needs > np.maximum(length, 0) + 1e-9
        if bad.any():
            run = int(np.argmax(bad))
            yield (
                bad,
                (
                    f"{needs[run]:g} effort-months do not fit the {role} window of {max(length[run], 0):g} months "
                    f"(budget {result.constants['PBC effort budget'][run]:g})"
                ),
            )
