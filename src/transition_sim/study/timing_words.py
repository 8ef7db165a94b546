"""What an analysis of draw-down timing says to a person, as lines of text, and as plain data for `--json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.study.frontier import BENCHMARK, CALENDAR, Rule, efficient
from transition_sim.study.outcomes import ASSUMPTION, NOTE, quantiles
from transition_sim.study.wording import filled, meaning, spread, worlds_words

if TYPE_CHECKING:
    from transition_sim.study.timing import Timing

Floats = NDArray[np.float64]
EDGE = "an end of what was tried"
CHANGES = {
    "benchmark": "benchmark in place of calendar, no effort",
    "effort": "effort around the draw-down, by calendar",
    "bridge": "of it, the channel that bridges the exit",
}


def timing_lines(found: Timing) -> Iterator[str]:
    """Yield what an analysis says: risk by start and duration, gains in the same world, the frontier, the best rule."""
    yield from filled(
        f"Draw-down timing in profile '{found.context}': {len(found.starts)} starts x {len(found.durations)} durations "
        f"x 2 rules x 3 kinds of bridging, {found.runs:,} worlds of {found.ensemble} "
        f"({worlds_words(found.ensemble)}), seed {found.seed}. Relapse is {meaning(found.definition)} within "
        f"{found.years} years of the mandate. Ranges: 10th to 90th percentile of worlds. By benchmark, start and "
        "duration are the earliest and the shortest."
    )
    for rule, words in ((CALENDAR, "By calendar"), (BENCHMARK, "By benchmark")):
        yield from _surface_lines(found, rule, f"{words}, no effort: risk in %, range (median)")
    if not found.holds_plan:
        start, duration = found.planned
        yield from filled(
            f"The profile's own plan, from month {start:g} over {duration:g} months, lies outside: --start and "
            "--duration take others."
        )
    yield from _gain_lines(found)
    yield from _frontier_lines(found)
    yield from _best_lines(found)
    yield ""
    yield from filled(
        f"ASSUMPTION: {ASSUMPTION} What a relapse avoided is worth is chosen. Cost leaves out that of effort."
    )
    for rule, report in found.referee.items():
        yield from filled(
            f"SciPy integrated {report['runs']} runs by {rule} again: largest difference in probability "
            f"{report['max_deviation']:.1e} (allowed {report['tolerance']:g})."
        )
    yield from filled(f"Model {str(found.provenance['model_hash'])[:12]}. A {NOTE}.")


def _surface_lines(found: Timing, rule: str, title: str) -> Iterator[str]:
    yield ""
    yield title
    shown = sorted({round(i) for i in np.linspace(0, len(found.durations) - 1, 4)})
    yield f"  {'start, month':<12}" + "".join(f"{f'{found.durations[d]:g} months':>16}" for d in shown)
    low, middle, high = 100 * found.surface(rule)
    for s, start in enumerate(found.starts):
        cells = [f"{low[s, d]:.0f} to {high[s, d]:.0f} ({middle[s, d]:.0f})" for d in shown]
        yield f"  {start:<12g}" + "".join(f"{cell:>16}" for cell in cells)


def gains(found: Timing) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield changes in words, with what each takes off the risk in the same world at the first and the last start.

    All are without effort unless the change is one; over all durations `(duration, world)`.
    """
    for change, words in CHANGES.items():
        values = found.gain(change)[0]
        yield words, values[0], values[-1]
    none = found.at(CALENDAR)
    slower = none[:, :1] - none[:, -1:]
    yield f"{found.durations[-1]:g} months in place of {found.durations[0]:g}, by calendar", slower[0], slower[-1]


def _gain_lines(found: Timing) -> Iterator[str]:
    yield ""
    yield from filled(
        "What a change takes off that risk, points, range (median) over worlds and durations, all else equal, where "
        f"the draw-down starts in month {found.starts[0]:g} and in month {found.starts[-1]:g}"
    )
    for words, first, last in gains(found):
        yield f"  {words:<42} {spread(100 * first, '.1f'):>18}{spread(100 * last, '.1f'):>17}"


def lasting(found: Timing) -> str:
    """Say how long the draw-downs of the frontier last, which is not what the table of starts and durations varies."""
    return f"All draw-downs here are planned to last {found.planned[1]:g} months, as in the profile."


def _frontier_lines(found: Timing) -> Iterator[str]:
    yield ""
    yield from filled(f"Cost (mission and disbursed aid, MUSD) against 20-year risk, no effort. {lasting(found)}")
    yield f"  {'rule':<30}{'cost, range (median)':>26}{'risk, %':>20}"
    kept = {rule.words for rule in efficient(found.frontier)}
    for rule in found.frontier:
        mark = "*" if rule.words in kept else " "
        yield f"{mark} {rule.words:<30}{spread(rule.cost, ',.0f'):>26}{spread(100 * rule.risk, '.1f'):>20}"
    yield "* no other rule is better in both, on average over worlds"


def _best_lines(found: Timing) -> Iterator[str]:
    yield ""
    yield from filled(
        "Best rule by what avoiding one relapse is worth: least cost plus risk times worth, on average over worlds. In "
        "a single world another may be better (regret, MUSD)"
    )
    yield f"  {'worth, MUSD':>11}  {'rule':<32}{'best in % of worlds':>20}{'regret, p90':>12}"
    ends = edges(found.frontier)
    for row in found.best.to_dict("records"):
        mark = "+" if row["best"] in ends else " "
        yield (
            f"  {row['value_musd']:>11,.0f}{mark} {row['best']:<32}{100 * row['share_best']:>20.0f}"
            f"{row['regret_p90']:>12,.0f}"
        )
    if set(found.best["best"]) & ends:
        yield f"+ {EDGE}: a rule beyond it may be better still"


def edges(rules: Sequence[Rule]) -> set[str]:
    """Return the rules that stand at an end of what was tried: the first and last of each kind."""
    kinds = [[rule.words for rule in rules if rule.kind == kind] for kind in (CALENDAR, BENCHMARK)]
    return {words for kind in kinds if kind for words in (kind[0], kind[-1])}


def timing_data(found: Timing) -> dict[str, Any]:
    """Return an analysis as plain data: the table of points, the frontier, the best rules."""
    ends = edges(found.frontier)
    rules = [
        {
            "rule": rule.words, "kind": rule.kind, "effort": effort, "cost_musd": quantiles(rule.cost),
            "risk": quantiles(rule.risk), "end_of_range": rule.words in ends,
        }
        for effort, some in ((False, found.frontier), (True, found.bridged))
        for rule in some
    ]  # fmt: skip
    return {
        "context": found.context, "ensemble": found.ensemble, "runs": found.runs, "seed": found.seed,
        "years": found.years, "definition": found.definition, "planned": list(found.planned),
        "points": found.table.to_dict("records"), "frontier": rules, "best": found.best.to_dict("records"),
        "referee": {rule: dict(report) for rule, report in found.referee.items()},
        "provenance": dict(found.provenance), "note": f"{NOTE}. {ASSUMPTION}",
    }  # fmt: skip
