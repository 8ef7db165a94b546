"""Measures: an outcome of a case at a moment or over a window, and what is computed from several of them.

Claims and calibration targets are written in this language, so that both are computed from the model and neither in
Python. Shapes: a measure is `(run,)`, one run a world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from transition_sim import risk
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import simulate
from transition_sim.errors import nearest
from transition_sim.model.equations import Model
from transition_sim.study.scenario import Scenario

Floats = NDArray[np.float64]
Moment = Annotated[float, Field(ge=-1200, le=1200)] | str
RISK = "relapse risk"
"""An outcome beside the model's variables: the probability of relapse since the mandate, averaged over frailty."""
BLOCK = 4096
"""Worlds whose trajectories are held at once."""
_MOMENT = re.compile(r"\s*(?P<name>[^+-]*?)\s*(?P<offset>[+-]\s*\d+(\.\d+)?)?\s*")


class Setting(BaseModel):
    """What a case sets: constants, and series over time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: dict[str, float] = Field(default_factory=dict)
    series: dict[str, dict[float, float]] = Field(default_factory=dict)


class Case(Setting):
    """What is set, and what is measured: an outcome at a moment, its largest or mean over a window, or years until.

    `years until` counts from month 0 to the first moment at which the outcome `reaches` a value (linear between
    saved months), infinity where it does not within `to`.
    """

    case: str | None = None
    outcome: str
    take: Literal["at", "largest", "mean", "years until"] = "at"
    at: Moment | None = None
    start: Moment | None = Field(None, alias="from")
    end: Moment | None = Field(None, alias="to")
    reaches: float | None = None
    minus: Case | None = None


class Quotient(BaseModel):
    """One measure divided by another."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    quotient: tuple[Formula, Formula]


class Log(BaseModel):
    """The natural logarithm of a measure."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    log: Formula


class IntegratedHazard(BaseModel):
    """The cumulative hazard, -ln(1 - p), that a probability stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    integrated_hazard: Formula = Field(alias="integrated hazard")


class Slope(BaseModel):
    """The elasticity of measures to what they are set against: the least-squares slope of logarithm on logarithm."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slope: list[Formula] = Field(min_length=2)
    against: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(min_length=2)

    @model_validator(mode="after")
    def _as_many(self) -> Slope:
        if len(self.slope) != len(self.against):
            raise ValueError(f"'against' has {len(self.against)} numbers for {len(self.slope)} measures")
        return self


def _form(value: object) -> str:
    """Return which form of formula a value has."""
    if isinstance(value, (int, float)):
        return "number"
    keys = set(value) if isinstance(value, Mapping) else {type(value).__name__.lower()}
    return next((form for form in ("quotient", "log", "integrated hazard", "slope") if form in keys), "case")


Formula = Annotated[
    Annotated[float, Tag("number")]
    | Annotated[Case, Tag("case")]
    | Annotated[Quotient, Tag("quotient")]
    | Annotated[Log, Tag("log")]
    | Annotated[IntegratedHazard, Tag("integrated hazard")]
    | Annotated[Slope, Tag("slope")],
    Discriminator(_form),
]
for _each in (Quotient, Log, IntegratedHazard, Slope):
    _each.model_rebuild()


def cases_of(formula: Formula) -> Iterator[Case]:
    """Yield every case that a formula measures, the subtracted ones among them."""
    if isinstance(formula, Case):
        yield formula
        if formula.minus is not None:
            yield from cases_of(formula.minus)
    else:
        for part in _parts_of(formula):
            yield from cases_of(part)


def _parts_of(formula: Formula) -> Sequence[Formula]:
    if isinstance(formula, Quotient):
        return formula.quotient
    if isinstance(formula, Slope):
        return formula.slope
    if isinstance(formula, Log):
        return (formula.log,)
    return (formula.integrated_hazard,) if isinstance(formula, IntegratedHazard) else ()


def faults_of(model: Model, case: Case) -> Iterator[str]:
    """Say what is wrong with a case, against a model."""
    moments = [m for m in (case.at, case.start, case.end) if isinstance(m, str)]
    names = [*case.set, *case.series, *filter(None, (_split(moment)[0] for moment in moments))]
    for name in names if case.outcome == RISK else [case.outcome, *names]:
        if name not in model:
            yield f"'{name}' is not in {model.name}.mdl{nearest(name, [*model.names(), RISK])}"
    if case.take == "at" and case.at is None:
        yield "'at' is missing: the moment at which the outcome is measured"
    if case.take in ("largest", "mean") and (case.start is None or case.end is None):
        yield f"'{case.take}' needs 'from' and 'to'"
    if case.take == "years until" and (case.reaches is None or case.end is None):
        yield "'years until' needs 'reaches' and 'to'"


def measure(
    model: Model,
    scenario: Scenario,
    columns: Mapping[str, Floats],
    formulas: Sequence[Formula],
    step: float = 1.0,
    together: bool = False,
) -> list[Floats]:
    """Return each formula in every world, `(run,)`; the cases that formulas share are run once.

    `columns` are the worlds' constants `(run,)`; what the scenario or a case sets is not taken from them. `step` is the
    step of integration (fourth-order Runge-Kutta), in months. `together` computes every outcome in every case, so that
    one compiled program serves them all: quicker where outcomes and worlds are few, and the same numbers.
    """
    worlds = len(next(iter(columns.values())))
    cases = {_key(case): case for formula in formulas for case in cases_of(formula)}
    groups: dict[str, dict[str, Case]] = {}
    for key, case in cases.items():
        groups.setdefault(_setting_key(case), {})[key] = case
    every = list(cases.values()) if together else []
    found: dict[str, list[Floats]] = {key: [] for key in cases}
    for first in range(0, worlds, BLOCK):
        block = {name: column[first : first + BLOCK] for name, column in columns.items()}
        for group in groups.values():
            result = _run(model, scenario, block, list(group.values()), step, every)
            for key, case in group.items():
                found[key].append(_taken(result, case))
    values = {key: np.concatenate(parts) for key, parts in found.items()}
    return [np.broadcast_to(_value(formula, values), (worlds,)) for formula in formulas]


def _key(case: Case) -> str:
    return case.model_copy(update={"minus": None}).model_dump_json()


def _setting_key(case: Case) -> str:
    return Setting(set=case.set, series=case.series).model_dump_json()


def _run(
    model: Model,
    scenario: Scenario,
    columns: Mapping[str, Floats],
    group: Sequence[Case],
    step: float,
    every: Sequence[Case],
) -> Result:
    """Run one case's setting for all the outcomes that are measured of it, or of every case, as long as it must be."""
    first = group[0]
    given = {*scenario.settings, *first.set, *first.series}
    sampled = {name: column for name, column in columns.items() if name not in given}
    moments = [moment for case in group for moment in (case.at, case.end) if moment is not None]
    named = any(isinstance(moment, str) for moment in moments)
    last = model.time.final if named else max(float(moment) for moment in moments)
    outputs = dict.fromkeys(risk.CUMULATIVE if case.outcome == RISK else case.outcome for case in every or group)
    return simulate(
        model, scenario, constants={**sampled, **first.set}, series=first.series, outputs=list(outputs), method="rk4",
        save_every=1, time_step=step, stop=max(float(np.ceil(last)), model.time.initial + 1),
    )  # fmt: skip


def _value(formula: Formula, cases: Mapping[str, Floats]) -> Floats:
    """Return a formula from the cases it is made of."""
    if isinstance(formula, Case):
        own = cases[_key(formula)]
        return own if formula.minus is None else own - _value(formula.minus, cases)
    if isinstance(formula, (int, float)):
        return np.array([float(formula)])
    parts = [_value(part, cases) for part in _parts_of(formula)]
    with np.errstate(all="ignore"):
        if isinstance(formula, Quotient):
            return np.asarray(parts[0] / parts[1])
        if isinstance(formula, Log):
            return np.asarray(np.log(parts[0]))
        if isinstance(formula, IntegratedHazard):
            return np.asarray(-np.log1p(-parts[0]))
        x = np.log(formula.against)[:, None] if isinstance(formula, Slope) else np.zeros((len(parts), 1))
        y = np.log(np.array(parts))
        away = x - x.mean()
        return np.asarray((away * (y - y.mean(axis=0))).sum(axis=0) / (away**2).sum())


def _taken(result: Result, case: Case) -> Floats:
    path = risk.probability(result) if case.outcome == RISK else result[case.outcome]
    if case.take == "years until":
        return _years_until(result.time, path, float(case.reaches or 0))
    if case.take == "at":
        at = _index(result, case.at)
        return np.asarray(np.take_along_axis(path, at[None, :], axis=0)[0])
    first, last = _index(result, case.start), _index(result, case.end)
    inside = (np.arange(len(result.time))[:, None] >= first) & (np.arange(len(result.time))[:, None] <= last)
    if case.take == "largest":
        return np.asarray(np.where(inside, path, -np.inf).max(axis=0))
    return np.asarray((path * inside).sum(axis=0) / inside.sum(axis=0))


def _years_until(time: Floats, path: Floats, value: float) -> Floats:
    """Return the years from month 0 to the first crossing of a value, infinity where there is none."""
    above = path >= value
    after = above.argmax(axis=0)
    before = np.maximum(after - 1, 0)
    low, high = (np.take_along_axis(path, at[None, :], axis=0)[0] for at in (before, after))
    with np.errstate(all="ignore"):
        share = np.where(after > before, (value - low) / (high - low), 0.0)
    months = time[before] + share * (time[after] - time[before])
    return np.where(above.any(axis=0), np.maximum(months, 0.0) / 12, np.inf)


def _split(moment: str) -> tuple[str, float]:
    """Return the variable and the offset of a moment such as `planned exit + 12`."""
    match = _MOMENT.fullmatch(moment)
    if match is None:
        return moment, 0.0
    return match["name"], float((match["offset"] or "0").replace(" ", ""))


def _index(result: Result, moment: Moment | None) -> NDArray[np.int64]:
    """Return the index of the saved time nearest to a moment in each run, within the run."""
    name, offset = _split(moment) if isinstance(moment, str) else ("", float(moment or 0))
    month = result[name][0] + offset if name else np.full(result.runs, offset)
    return np.asarray(np.abs(result.time[:, None] - month[None, :]).argmin(axis=0))
