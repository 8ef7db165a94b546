"""Good is good enough: what rules for drawing down cost, what risk they leave, and which is best at what worth.

Shapes: costs and risks are `(world,)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.simulate import simulate
from transition_sim.model.equations import Model
from transition_sim.study.scenario import Scenario, load_scenario
from transition_sim.study.sweeps.outcomes import COST
from transition_sim.study.worlds import Worlds

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
VALUES_OF_PEACE = (5_000, 10_000, 15_000, 20_000, 30_000, 60_000)
"""What avoiding a relapse may be worth, MUSD. Collier, Chauvet and Hegre 2008 put about 60,000 on a war (unchecked)."""
STARTS = tuple(range(12, 121, 12))
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
CALENDAR, BENCHMARK = "calendar", "benchmark"


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule for drawing down: its kind and words, and in each world its cost (MUSD) and 20-year risk `(world,)`."""

    kind: str
    words: str
    cost: Floats
    risk: Floats

    def total(self, value: float) -> Floats:
        """Return cost plus risk times what avoiding a relapse is worth, MUSD `(world,)`."""
        return self.cost + value * self.risk


def frontier(
    model: Model,
    worlds: Worlds,
    context: str | Scenario = "reference",
    given: Mapping[str, float] | None = None,
    step: float = 1.0,
) -> list[Rule]:
    """Return cost (mission and disbursed aid, MUSD) and 20-year risk of draw-downs by calendar and by benchmark.

    By calendar the start varies, by benchmark the own conditions that are asked for. `given` are constants that all
    rules share, `step` is that of integration, in months.
    """
    scenario = load_scenario(f"contexts/{context}") if isinstance(context, str) else context
    varied: list[tuple[str, str, dict[str, float]]] = [
        (CALENDAR, f"calendar, from month {m}", {"draw down rule": 0.0, "draw down start": float(m)}) for m in STARTS
    ]
    varied += [
        (BENCHMARK, f"benchmark, own conditions {t:g}", {"draw down rule": 1.0, "benchmark threshold": t})
        for t in THRESHOLDS
    ]
    shared: dict[str, Any] = {**worlds.besides(scenario.settings), **(given or {})}
    span = model.time.final - model.time.initial
    rules = []
    for kind, words, values in varied:
        result = simulate(
            model, scenario, constants={**shared, **values}, method="rk4", time_step=step, save_every=span,
            outputs=[risk.CUMULATIVE, *COST],
        )  # fmt: skip
        cost = np.sum([result[name][-1] for name in COST], axis=0)
        rules.append(Rule(kind, words, cost, risk.probability(result, slice(-1, None))[0]))
    return rules


def best_rules(rules: Sequence[Rule], values: Sequence[float] = VALUES_OF_PEACE) -> dict[float, str]:
    """Return the rule of least mean cost plus mean risk times what avoiding a relapse is worth, for each value."""
    return {value: min(rules, key=lambda rule: float(rule.total(value).mean())).words for value in values}


def efficient(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that no other beats in both mean cost and mean risk, the cheapest first."""
    ordered = sorted(rules, key=lambda rule: (float(rule.cost.mean()), float(rule.risk.mean())))
    kept: list[Rule] = []
    for rule in ordered:
        if not kept or rule.risk.mean() < kept[-1].risk.mean():
            kept.append(rule)
    return kept


def best_table(rules: Sequence[Rule], values: Sequence[float]) -> pd.DataFrame:
    """Return, for each value of a relapse avoided (MUSD), the best rule and how sure that is, a row a value.

    `best`: least mean cost plus mean risk times value; `share_best`: share of worlds in which it is; `regret_p10` to
    `regret_p90`: how far it lies above the best rule of the same world, MUSD; `safest`: the rule whose largest regret
    over worlds is the least.
    """
    import pandas as pd

    rows = []
    for value in values:
        totals = np.stack([rule.total(value) for rule in rules])
        best = int(totals.mean(axis=1).argmin())
        regret = totals - totals.min(axis=0)
        low, middle, high = np.quantile(regret[best], (0.1, 0.5, 0.9))
        rows.append(
            {
                "value_musd": float(value), "best": rules[best].words, "kind": rules[best].kind,
                "share_best": float((regret[best] == 0).mean()), "regret_p10": float(low),
                "regret_median": float(middle), "regret_p90": float(high),
                "safest": rules[int(regret.max(axis=1).argmin())].words,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
