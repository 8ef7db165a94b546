"""What a comparison leaves behind: outcomes by option and world, and their plain forms.

Shapes: probabilities and effort at the horizons are `(horizon, option, world)`; other outcomes `(option, world)`;
bands of trajectories `(3, time, option)`: 10th percentile, median and 90th over worlds. Differences and regret are
taken inside a world, ranges across worlds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from transition_sim.study.basis import Basis
    from transition_sim.study.calendar import Span

Floats = NDArray[np.float64]
HORIZONS = (5, 10, 15, 20)
LEVEL = 0.001
"""Medians of probability that are closer than this are called level."""
NORMAL_SUM = 1.959964 + 0.841621
"""Normal deviates of a two-sided level of 5 per cent and a power of 80."""
BUDGET = "PBC effort budget"
NOTE = "stylised teaching and exploration model, not a forecast"
ASSUMPTION = (
    "The size of any effect of the Peacebuilding Commission is an assumption with a wide range; no published "
    "estimate exists."
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one bundle gave under one definition of relapse in one ensemble: outcomes of all options in all worlds.

    `varied` gives the 20-year probabilities `(option, world)` of the first worlds under each other assumption.
    """

    definition: str
    bundle: str
    options: tuple[str, ...]
    probability: Floats  # (horizon, option, world)
    effort: Floats  # (horizon, option, world)
    gap: Mapping[str, Floats]  # measure -> (option, world)
    cost: Floats  # (option, world), MUSD
    time: Floats  # (time,)
    bands: Mapping[str, Floats]  # variable -> (3, time, option)
    full_budget: tuple[bool, ...]
    ensemble: str
    varied: Mapping[str, Floats] = field(default_factory=dict)

    @cached_property
    def leader(self) -> int:
        """The option whose median change of the 20-year risk is the lowest."""
        return int(np.argmin(np.median(self.difference[-1], axis=1)))

    @cached_property
    def level(self) -> tuple[int, ...]:
        """The options whose median change is within a tenth of a point of the leader's, the leader first."""
        change = np.median(self.difference[-1], axis=1)
        near = [i for i in np.argsort(change, kind="stable") if change[i] - change[self.leader] < LEVEL]
        return tuple(int(i) for i in near)

    def cases_needed(self, option: int) -> Floats:
        """Return how many countries with an option, and as many without, would show its 20-year change, `(world,)`.

        For a two-sided test of two proportions at 5 per cent with a power of 80 (Fleiss, Levin and Paik 2003, section
        4.2, unchecked; without correction for continuity); infinity where there is no change.
        """
        with_it, without = self.probability[-1, option], self.probability[-1, self.options.index("none")]
        spread = with_it * (1 - with_it) + without * (1 - without)
        with np.errstate(divide="ignore"):
            return np.asarray(NORMAL_SUM**2 * spread / (with_it - without) ** 2)

    def leaders_under(self) -> dict[str, str]:
        """Return the option that leads the ranking by a tenth of a point or more under each assumption that has one."""
        found: dict[str, str] = {}
        for name in self.varied if len(self.options) > 1 else ():
            change = self.change_under(name)
            best, second = np.argsort(change, kind="stable")[:2]
            if change[second] - change[best] >= LEVEL:
                found[name] = self.options[int(best)]
        return found

    def change_under(self, assumption: str) -> Floats:
        """Median change from `none` of the 20-year probability under another assumption, `(option,)`."""
        risks = self.varied[assumption]
        return np.asarray(np.median(risks - risks[self.options.index("none")], axis=1))

    @cached_property
    def difference(self) -> Floats:
        """Probability less that of `none` in the same world, `(horizon, option, world)`."""
        none = self.options.index("none")
        return np.asarray(self.probability - self.probability[:, none : none + 1])

    @cached_property
    def regret(self) -> Floats:
        """Probability above the best option in the same world, `(horizon, option, world)`."""
        return np.asarray(self.probability - self.probability.min(axis=1, keepdims=True))

    @cached_property
    def share_best(self) -> Floats:
        """Share of worlds in which an option has the lowest probability, `(horizon, option)`; ties are shared."""
        best = self.regret == 0
        return np.asarray((best / best.sum(axis=1, keepdims=True)).mean(axis=2))

    @cached_property
    def rank_share(self) -> Floats:
        """Share of worlds in which an option comes first, second, ... at year 20, `(option, rank)`; ties are shared."""
        risk = self.probability[-1]
        shares = np.zeros((len(self.options), len(self.options)))
        for i, own in enumerate(risk):
            before, level = (risk < own).sum(axis=0), (risk == own).sum(axis=0)
            for rank in range(len(self.options)):
                shares[i, rank] = (((before <= rank) & (rank < before + level)) / level).mean()
        return shares


@dataclass(frozen=True, eq=False)
class Comparison:
    """The options at equal effort: outcomes by bundle, how they were computed, and how well SciPy agrees."""

    context: str
    title: str
    runs: int
    seed: int
    effort_months: float
    definition: str
    ensemble: str
    outcomes: tuple[Outcome, ...]
    provenance: Mapping[str, Any]
    referee_runs: int
    max_deviation: float
    tolerance: float
    dates: Mapping[str, float] = field(default_factory=dict)
    calendar: tuple[Span, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    basis: Basis | None = None

    @property
    def ensembles(self) -> tuple[str, ...]:
        """The ensembles compared, in order."""
        return tuple(dict.fromkeys(outcome.ensemble for outcome in self.outcomes))

    def within(self, ensemble: str) -> Comparison:
        """Return the part of the comparison over the worlds of one ensemble."""
        return replace(self, outcomes=tuple(outcome for outcome in self.outcomes if outcome.ensemble == ensemble))

    @property
    def definitions(self) -> tuple[str, ...]:
        """The definitions of relapse compared, in order."""
        return tuple(dict.fromkeys(outcome.definition for outcome in self.outcomes))

    def under(self, definition: str) -> Comparison:
        """Return the part of the comparison under one definition of relapse."""
        outcomes = tuple(outcome for outcome in self.outcomes if outcome.definition == definition)
        return replace(self, definition=definition, outcomes=outcomes)

    def __repr__(self) -> str:
        worlds = " and ".join(self.ensembles)
        return f"<Comparison in '{self.context}': {self.runs:,} worlds of {worlds}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        from transition_sim.study.forms import comparison_html

        return comparison_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as the plain data of `compare --json`."""
        return {
            "context": self.context,
            "runs": self.runs,
            "seed": self.seed,
            "effort_months": self.effort_months,
            "horizon_years": list(HORIZONS),
            "provenance": dict(self.provenance),
            "referee": {"runs": self.referee_runs, "max_deviation": self.max_deviation, "tolerance": self.tolerance},
            "results": [_results(self, outcome) for outcome in self.outcomes],
        }

    def to_json(self) -> str:
        """Return the comparison as JSON text, plain numbers throughout."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    @property
    def table(self) -> pd.DataFrame:
        """The comparison as a data frame, a row for each bundle, option and horizon."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for result in self.to_dict()["results"]:
            for option in result["options"]:
                rows.extend(_row(self, result, option, year) for year in map(str, HORIZONS))
        return pd.DataFrame(rows)


def quantiles(values: Floats) -> dict[str, float]:
    """Return 10th percentile, median and 90th percentile over the last axis of one row of worlds."""
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return {"p10": float(low), "median": float(middle), "p90": float(high)}


def _results(comparison: Comparison, outcome: Outcome) -> dict[str, Any]:
    return {
        "ensemble": outcome.ensemble,
        "definition": outcome.definition,
        "bundle": outcome.bundle,
        "options": [_option(outcome, i) for i in range(len(outcome.options))],
        "median_change_under": {
            name: dict(zip(outcome.options, outcome.change_under(name).tolist(), strict=True))
            for name in outcome.varied
        },
        "cases_needed": {
            option: finite_quantiles(outcome.cases_needed(i))
            for i, option in enumerate(outcome.options)
            if option != "none"
        },
        "worlds_under": next(iter(outcome.varied.values())).shape[1] if outcome.varied else 0,
    }


def finite_quantiles(values: Floats) -> dict[str, float | None]:
    """Return 10th percentile, median and 90th of values that may be infinite: None where they are."""
    found = np.quantile(values, (0.1, 0.5, 0.9), method="inverted_cdf")
    return {n: float(v) if np.isfinite(v) else None for n, v in zip(("p10", "median", "p90"), found, strict=True)}


def _option(outcome: Outcome, i: int) -> dict[str, Any]:
    def by_year(values: Floats) -> dict[str, dict[str, float]]:
        return {str(year): quantiles(values[h, i]) for h, year in enumerate(HORIZONS)}

    return {
        "name": outcome.options[i],
        "full_budget": outcome.full_budget[i],
        "effort_spent": {str(year): float(outcome.effort[h, i].mean()) for h, year in enumerate(HORIZONS)},
        "relapse_probability": by_year(outcome.probability),
        "difference_from_none": by_year(outcome.difference),
        "aid_gap": {name: quantiles(outcome.gap[name][i]) for name in ("cumulative_musd", "months_open", "max_share")},
        "cost_musd": quantiles(outcome.cost[i]),
        "share_best": {str(year): float(outcome.share_best[h, i]) for h, year in enumerate(HORIZONS)},
        "regret": by_year(outcome.regret),
    }


def _row(comparison: Comparison, result: Mapping[str, Any], option: Mapping[str, Any], year: str) -> dict[str, Any]:
    row = {
        "context": comparison.context, "ensemble": result["ensemble"], "definition": result["definition"],
        "bundle": result["bundle"], "option": option["name"], "years": int(year),
        "effort_spent": option["effort_spent"][year], "share_best": option["share_best"][year],
    }  # fmt: skip
    for name in ("relapse_probability", "difference_from_none", "regret"):
        row |= {f"{name}_{part}": value for part, value in option[name][year].items()}
    for name, values in {**option["aid_gap"], "cost_musd": option["cost_musd"]}.items():
        prefix = name if name == "cost_musd" else f"aid_gap_{name}"
        row |= {f"{prefix}_{part}": value for part, value in values.items()}
    return row
