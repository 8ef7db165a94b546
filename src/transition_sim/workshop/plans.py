"""A team's plan as constants and series of the model: the country, its decisions so far, and the news that happened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from transition_sim.model.equations import Model
from transition_sim.workshop.form import Workshop
from transition_sim.workshop.session import Session, all_choices

Points = Mapping[float, float]


@dataclass(frozen=True)
class Plan:
    """Constants and series in the model's units."""

    constants: Mapping[str, float]
    series: Mapping[str, Points]

    @cached_property
    def key(self) -> str:
        """What tells two plans apart."""
        told = [sorted(self.constants.items()), sorted((n, sorted(p.items())) for n, p in self.series.items())]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def plan_of_team(session: Session, number: int, model: Model, last: int | None = None) -> Plan:
    """Return the plan of a team up to a round (by default the current), later rounds as planned from the start."""
    upto = session.round if last is None else last
    choices = all_choices(session.workshop, session.team(number), upto)
    return plan_of(session.workshop, model, choices, news_until(session, upto))


def news_until(session: Session, last: int) -> tuple[tuple[str, str], ...]:
    """Return the news of the rounds up to one."""
    order = session.workshop.order
    return tuple(item for item in session.news if order.index(item[0]) <= last)


def plan_of(
    workshop: Workshop, model: Model, choices: Mapping[str, int] | None = None, news: Iterable[tuple[str, str]] = ()
) -> Plan:
    """Return the plan of some choices (else the defaults) under news, given as round and name."""
    constants = dict(workshop.constants)
    chosen = {name: lever.default for name, lever in workshop.levers.items()} | dict(choices or {})
    moved = workshop.moved(chosen)
    for name in [*(n for n in chosen if n not in moved), *moved]:  # what is moved wins where two set the same
        constants |= workshop.levers[name].constants(chosen[name])
    series: dict[str, Points] = {n: {float(t): v for t, v in p.items()} for n, p in workshop.series.items()}
    for round_name, name in news:
        item = workshop.news[name]
        constants |= item.set
        for constant, more in item.add.items():
            base = constants.get(constant, model.find(constant).value)
            constants[constant] = _inside(model, constant, base + more)
        for constant, rise in item.rise.items():
            base_series = series.get(constant) or {0.0: constants.get(constant, model.find(constant).value)}
            series[constant] = _raised(model, constant, base_series, rise, workshop.rounds[round_name].month)
    return Plan(constants, series)


def holds_assumed(workshop: Workshop, choices: Mapping[str, int]) -> bool:
    """Return whether choices hold effort of the Commission beyond what is planned: its effects have an assumed size."""
    return any(workshop.levers[name].assumed for name in workshop.moved(choices))


def _inside(model: Model, name: str, value: float) -> float:
    low, high = model.find(name).limits
    value = value if low is None else max(low, value)
    return value if high is None else min(high, value)


def _raised(model: Model, name: str, base: Points, rise: Mapping[str, float], month: float) -> dict[float, float]:
    """Return a series with a rise added from a month on, linear between the points of either, inside the limits."""
    times, values = np.array(sorted(base)), np.array([base[t] for t in sorted(base)])
    added = {month + float(t): v for t, v in rise.items()}
    moments = sorted({*times.tolist(), *added, month})
    more = np.interp(moments, sorted(added), [added[t] for t in sorted(added)], left=0.0)
    whole = np.interp(moments, times, values) + more
    return {t: _inside(model, name, float(v)) for t, v in zip(moments, whole, strict=True)}
