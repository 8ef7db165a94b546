"""What a sensitivity analysis explains: an outcome, and what becomes of the ranking of options inside the same world.

Shapes: an outcome of a sweep whose levers are crossed with worlds is `(option, world)` under each condition; a
quantity's parts are `(part, world)`. Options are the levels of one lever; the levels of all others are conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.errors import ScenarioError, nearest
from transition_sim.study.sweeps.design import crossed_levers
from transition_sim.study.sweeps.outcomes import PROBABILITY

Floats = NDArray[np.float64]
CONDITIONS = 4
"""Levels of other levers, taken together, up to which each is explained apart; more are averaged in each world."""
LEVEL, DIFFERENCE, RANK, REGRET, RANKING, BEST = "level", "difference", "rank", "regret", "ranking", "best"


@dataclass(frozen=True, eq=False)
class Quantity:
    """One thing to explain: its kind, of which outcome, option and condition, its parts `(part, world)` and weights.

    `level`: the outcome of the first option, or of all runs; `difference`: an option's less the first one's in the same
    world; `rank` (1 is best) and `regret` of an option among all; `ranking`: all ranks together; `best`: which option
    is best.
    """

    kind: str
    outcome: str
    unit: str
    option: str
    condition: str
    parts: Floats
    weights: Floats

    @property
    def scale(self) -> float:
        """What it is multiplied by where people read it: probabilities are told in per cent and points."""
        return scale_of(self.outcome, self.unit)

    @property
    def measure(self) -> str:
        """The unit that people read it in."""
        if self.scale == 100:
            return "%" if self.kind == LEVEL else "points"
        return "places" if self.kind in (RANK, RANKING) else self.unit.removeprefix("Dmnl")

    @property
    def words(self) -> str:
        """What it is, in words."""
        plain = {
            LEVEL: f"{self.outcome}, {short(self.option)}" if self.option else self.outcome,
            DIFFERENCE: f"{self.outcome}, change by {short(self.option)}",
            RANK: f"rank of {short(self.option)} by {self.outcome}",
            REGRET: f"regret of {short(self.option)} in {self.outcome}",
            RANKING: f"the ranking of all options by {self.outcome}",
            BEST: f"which option is best by {self.outcome}",
        }[self.kind]
        return f"{plain} ({self.condition})" if self.condition else plain


@dataclass(frozen=True, eq=False)
class Standing:
    """How options stand in each world by an outcome: shares of the best place, ranks and regret `(option, world)`."""

    outcome: str
    unit: str
    condition: str
    options: tuple[str, ...]
    values: Floats
    best: Floats
    ranks: Floats
    regret: Floats


def scale_of(outcome: str, unit: str) -> float:
    """Return what an outcome is multiplied by where people read it: 100 for probabilities."""
    return 100.0 if PROBABILITY in outcome and unit == "Dmnl" else 1.0


def short(option: str) -> str:
    """Return an option's name without the folder of its file."""
    return option.rsplit("/", 1)[-1].removesuffix(".yaml").replace("_", " ")


def lever_of_options(plan: Mapping[str, Any], name: str | None) -> Mapping[str, Any] | None:
    """Return the crossed lever whose levels are the options: the one named, one that lists scenarios, or the only one.

    Of several that list scenarios, the one with a level `none`. ScenarioError where the one named is no crossed lever.
    """
    levers = crossed_levers(plan)
    if name is None:
        listed = [lever for lever in levers if lever["settings"] is not None or len(levers) == 1]
        return next((lever for lever in listed if _base(lever) is not None), listed[0] if listed else None)
    known = {lever["name"]: lever for lever in levers}
    if name not in known:
        allowed = ", ".join(known) or "none: its levers are sampled, not crossed with worlds"
        raise ScenarioError(
            f"'{name}' is no lever whose levels can be ranked; allowed: {allowed}{nearest(name, known)}"
        )
    return known[name]


def options_of(lever: Mapping[str, Any] | None) -> tuple[list[str], list[int]]:
    """Return the options of a lever and their levels, the base first: the level `none`, else the first."""
    if lever is None:
        return [], []
    base = _base(lever) or 0
    levels = [base, *(i for i in range(len(lever["labels"])) if i != base)]
    labels = [lever["labels"][i] for i in levels]
    return [label if isinstance(label, str) else f"{lever['name']} = {label:g}" for label in labels], levels


def _base(lever: Mapping[str, Any]) -> int | None:
    """Return the level called `none`, if there is one."""
    labels = [short(label) if isinstance(label, str) else "" for label in lever["labels"]]
    return labels.index("none") if "none" in labels else None


def conditions_of(
    plan: Mapping[str, Any], options: Mapping[str, Any] | None, at: Mapping[str, Any]
) -> list[tuple[str, tuple[int, ...] | None]]:
    """Return conditions in words, each with the level of every other crossed lever, None for the mean over them all.

    `at` names levels to look at. ScenarioError for a lever or a level that there is not.
    """
    levers = [lever for lever in crossed_levers(plan) if lever is not options]
    known = [lever["name"] for lever in levers]
    for name in at:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise ScenarioError(f"'{name}' is no lever to choose a level of; allowed: {allowed}{nearest(name, known)}")
    chosen = [_levels(lever, at) for lever in levers]
    points = list(product(*chosen))
    several = [i for i, levels in enumerate(chosen) if len(levels) > 1 or levers[i]["name"] in at]
    if len(points) > CONDITIONS:
        over = [i for i in several if len(chosen[i]) > 1]
        return [(f"mean over {' x '.join(f'{len(chosen[i])} levels of {known[i]}' for i in over)}", None)]
    words = [", ".join(f"{known[i]} = {told(levers[i]['labels'][point[i]])}" for i in several) for point in points]
    return list(zip(words, points, strict=True))


def levers_words(plan: Mapping[str, Any], options: Mapping[str, Any] | None, at: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each lever that is crossed but not ranked, what becomes of its levels."""
    apart = conditions_of(plan, options, at)[0][1] is not None
    found = {}
    for lever in crossed_levers(plan):
        levels = _levels(lever, at)
        if lever is not options:
            one = f"held at {told(lever['labels'][levels[0]])}"
            found[lever["name"]] = (
                one
                if len(levels) == 1
                else f"{len(levels)} levels, " + ("each apart" if apart else "averaged in each world")
            )
    return found


def _levels(lever: Mapping[str, Any], at: Mapping[str, Any]) -> list[int]:
    """Return the levels of a lever to look at: the one asked for, else all."""
    labels = lever["labels"]
    if lever["name"] not in at:
        return list(range(len(labels)))
    asked = at[lever["name"]]
    found = [i for i, label in enumerate(labels) if label == asked or told(label) == str(asked)]
    if not found:
        allowed = ", ".join(told(label) for label in labels[:12]) + (", ..." if len(labels) > 12 else "")
        hint = nearest(str(asked), [told(label) for label in labels])
        raise ScenarioError(f"'{lever['name']}' has no level '{asked}'; allowed: {allowed}{hint}")
    return found


def told(label: float | str) -> str:
    """Return a level as words show it."""
    return short(label) if isinstance(label, str) else f"{label:g}"


def by_option(
    values: Floats, plan: Mapping[str, Any], options: Mapping[str, Any] | None, at: Mapping[str, Any]
) -> Iterator[tuple[str, Floats]]:
    """Yield each condition in words, with the outcome `(option, world)` under it; one option where none are ranked.

    `values` are those of all runs, in their order.
    """
    levers = crossed_levers(plan)
    shaped = values.reshape([len(lever["labels"]) for lever in levers] + [plan["samples"]])
    if options is None:
        shaped = shaped[None]
    else:
        axis = [lever["name"] for lever in levers].index(options["name"])
        shaped = np.moveaxis(shaped, axis, 0)[options_of(options)[1]]
    others = [lever for lever in levers if lever is not options]
    for words, point in conditions_of(plan, options, at):
        chosen = shaped
        for axis, lever in enumerate(others, 1):
            chosen = chosen.take(_levels(lever, at) if point is None else [point[axis - 1]], axis=axis)
        yield words, np.asarray(chosen.mean(axis=tuple(range(1, chosen.ndim - 1))))


def standing_of(
    outcome: str, unit: str, condition: str, values: Floats, options: Sequence[str], highest: bool
) -> Standing:
    """Return how options stand by an outcome `(option, world)`; those level with each other share a place.

    `highest`: whether the highest outcome is the best one, rather than the lowest.
    """
    from scipy.stats import rankdata

    costs = -values if highest else values
    regret = costs - costs.min(axis=0)
    best = (regret == 0) / (regret == 0).sum(axis=0)
    return Standing(outcome, unit, condition, tuple(options), values, best, rankdata(costs, axis=0), regret)


def quantities_of(standing: Standing) -> list[Quantity]:
    """Return what there is to explain about an outcome: see `Quantity`. The first option is the base."""

    def single(kind: str, option: str, part: Floats, unit: str) -> Quantity:
        return Quantity(kind, standing.outcome, unit, option, standing.condition, part[None], np.ones(1))

    def joint(kind: str, parts: Floats, weight: float) -> Quantity:
        return Quantity(kind, standing.outcome, "", "", standing.condition, parts, np.full(len(parts), weight))

    options, values, unit = standing.options, standing.values, standing.unit
    found = [single(LEVEL, options[0] if options else "", values[0], unit)]
    if len(options) < 2:
        return found
    found += [joint(RANKING, standing.ranks, 1 / len(options)), joint(BEST, standing.best, 0.5)]
    for i, option in enumerate(options):
        if i > 0:
            found.append(single(DIFFERENCE, option, values[i] - values[0], unit))
        found.append(single(RANK, option, standing.ranks[i], ""))
        found.append(single(REGRET, option, standing.regret[i], unit))
    return found
