"""Studies as HTML for notebooks: units, ranges before single numbers, provenance, and the caution that belongs here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.html import card, line, number, table
from transition_sim.study.frontier import BENCHMARK, CALENDAR
from transition_sim.study.outcomes import ASSUMPTION, Comparison, Outcome
from transition_sim.study.wording import TITLES, finding, flips, label, meaning, spread, spread_of_worlds, worlds_words

if TYPE_CHECKING:
    from transition_sim.study.scenario import Scenario
    from transition_sim.study.sensitivity.analysis import Sensitivity
    from transition_sim.study.sensitivity.quantities import Quantity
    from transition_sim.study.sweeps.sweep import Sweep
    from transition_sim.study.timing import Timing

Floats = NDArray[np.float64]
SHOWN_INPUTS = 6


def comparison_html(done: Comparison) -> str:
    """Return a comparison: for each outcome what it shows, then the options with ranges."""
    parts = []
    for outcome in done.outcomes:
        parts += [_outcome_table(outcome, done), line(finding(outcome)), line(flips(outcome))]
    worlds = "; ".join(f"{name} ({worlds_words(name)})" for name in done.ensembles)
    notes = (
        spread_of_worlds(done.outcomes[0]),
        "Ranges: 10th to 90th percentile over worlds, the same for every option; in brackets the median. Only year 20 "
        "compares equal effort.",
        f"Assumption: {ASSUMPTION}",
        f"{done.runs:,} worlds of {worlds}; seed {done.seed}; {done.effort_months:g} effort-months; relapse means "
        f"{meaning(done.definition)}; model {str(done.provenance['model_hash'])[:12]}; SciPy agrees within "
        f"{done.max_deviation:.1e}.",
    )
    return card(f"Options in profile '{done.context}': {done.title}", parts, notes)


def _outcome_table(outcome: Outcome, done: Comparison) -> str:
    rows = []
    for i, name in enumerate(outcome.options):
        change = "-" if name == "none" else spread(100 * outcome.difference[-1, i], "+.1f")
        rows.append(
            [
                label(name), spread(100 * outcome.probability[-1, i], ".0f"), change,
                f"{100 * outcome.share_best[-1, i]:.0f}", f"{outcome.effort[-1, i].mean():.0f}",
            ]
        )  # fmt: skip
    head = ["option", "20-year risk, %", "change from none, points", "best in % of worlds", "effort by year 20, months"]
    several = f"{outcome.ensemble}, {outcome.definition.replace('_', ' ')}: " if len(done.outcomes) > 2 else ""
    return table(head, rows, several + TITLES[outcome.bundle])


def scenario_html(scenario: Scenario) -> str:
    """Return what a scenario sets, with units and reasons."""
    rows = [
        [name, f"{number(setting.value)} {setting.unit or ''}".strip(), scenario.why.get(name, "")]
        for name, setting in scenario.settings.items()
    ]
    for name, series in scenario.series.items():
        points = ", ".join(f"{t:g}: {v:g}" for t, v in zip(series.times, series.values, strict=True))
        rows.append([name, f"over time: {points}", scenario.why.get(name, "")])
    parts = [table(["constant", "value", "why"], rows, words=3)] if rows else [line("sets nothing")]
    files = ", ".join(path.name for path in scenario.files)
    note = f"Model {scenario.model.stem}; files: {files}; {scenario.hash[:12]}. Values without unit take the model's."
    return card(f"{scenario.name}: {scenario.title}", parts, [note], scenario.settings)


def sweep_html(sweep: Sweep) -> str:
    """Return a finished sweep: its outcomes over all runs, design, failures and how SciPy agrees."""
    from transition_sim.study.sweeps.words import quantiles_of_good

    plan, units = sweep.manifest["plan"], sweep.manifest["units"]["outcomes"]
    rows = []
    for name, unit in units.items():
        found = quantiles_of_good(sweep.outcomes[name].to_numpy(float))
        shown = [number(math.nan if value is None else value) for value in found.values()]
        rows.append([name, *shown, unit.replace("Dmnl", "")])
    levers = [f"{lever['name']} ({len(lever['labels']) or 'anywhere between two ends'})" for lever in plan["levers"]]
    deviation = max((group["max_deviation"] for group in sweep.manifest["referee"]["groups"]), default=0.0)
    notes = [
        f"Design {plan['design'].replace('_', ' ')}: {sweep.runs:,} runs, {sweep.failed:,} failed; "
        f"{len(plan['ranges']) + len(plan['worlds']['sampled'])} uncertain constants"
        + (f" of {plan['ensemble']} ({worlds_words(plan['ensemble'])})" if plan["ensemble"] else "")
        + f"; seed {plan['seed']}; levers: {', '.join(levers) or 'none'}.",
        *sweep.manifest["notes"],
        f"Sweep {sweep.manifest['plan_hash'][:12]}, model {plan['model']} {plan['model_hash'][:12]}; SciPy agrees "
        f"within {deviation:.1e}. Tables: .experiments, .outcomes, .failures; .to_xarray().",
    ]
    head = ["over all runs", "10th percentile", "median", "90th percentile", "unit"]
    names = (*plan["base"], *plan["defaults"], *plan["ranges"], *plan["worlds"]["sampled"])
    return card(f"{sweep.name}: {sweep.manifest['title']}", [table(head, rows)], notes, names)


def sensitivity_html(found: Sensitivity) -> str:
    """Return the largest indices of the headline quantities, with sample, confidence and what was held fixed."""
    from transition_sim.study.sensitivity.words import SAYS, confidence_words, held_words, sample_words

    parts = [_index_table(found, quantity) for quantity in found.headlines]
    if len(found.options):
        parts.insert(0, _options_table(found.options.to_dict("records")))
    notes = [
        f"{SAYS[found.method]}. Intervals: {confidence_words(found)}.", sample_words(found), held_words(found),
        *found.notes, f"Assumption: {found.assumption}" if found.assumption else "",
    ]  # fmt: skip
    return card(f"What drives it: {found.sample['title']}", parts, notes)


def _options_table(rows: Sequence[Mapping[Any, Any]]) -> str:
    from transition_sim.study.sensitivity.quantities import short

    several = len({(row["outcome"], row["condition"]) for row in rows}) > 1
    told = [
        [short(row["option"]) + (f" ({row['condition'] or row['outcome']})" if several else ""),
         f"{100 * row['share_best']:.0f}", f"{row['median_rank']:g}"]
        for row in rows
    ]  # fmt: skip
    return table(["option", "best in % of worlds", "median rank"], told)


def _index_table(found: Sensitivity, quantity: Quantity) -> str:
    from transition_sim.study.sensitivity.words import INDEX_OF, brief, index_scale

    scale, single = index_scale(found, quantity), len(quantity.parts) == 1
    rows = []
    for row in found.of(quantity, SHOWN_INPUTS).to_dict("records"):
        mark = " *" if row.get("clear") else ""
        cells = [row["input"] + mark, f"{brief(scale * row['low'])} to {brief(scale * row['high'])}"]
        cells.append(brief(scale * row["index"]))
        if single:
            cells += [brief(quantity.scale * row[end]) for end in ("when_low", "when_high")]
        rows.append(cells)
    unit = f", {quantity.measure}" if quantity.measure and single else ""
    head = ["input", "95 % interval", INDEX_OF[found.method], *(["mean when low", "when high"] if single else [])]
    return table(head, rows, quantity.words[0].upper() + quantity.words[1:] + unit)


def timing_html(found: Timing) -> str:
    """Return risk by start and duration for both rules without effort, gains, and the best rule by worth."""
    from transition_sim.study.timing_words import edges, gains, lasting

    parts = [_surface_table(found, rule) for rule in (CALENDAR, BENCHMARK)]
    rows = [[words, spread(100 * first, ".1f"), spread(100 * last, ".1f")] for words, first, last in gains(found)]
    head = ["change, all else equal", f"start in month {found.starts[0]:g}", f"start in month {found.starts[-1]:g}"]
    parts.append(table(head, rows, "What it takes off the risk, points"))
    ends = edges(found.frontier)
    best = [
        [f"{row['value_musd']:,.0f}", row["best"] + (" (an end of what was tried)" if row["best"] in ends else ""),
         f"{100 * row['share_best']:.0f}"]
        for row in found.best.to_dict("records")
    ]  # fmt: skip
    parts.append(table(["a relapse avoided is worth, MUSD", "best rule", "best in % of worlds"], best, words=2))
    notes = (
        f"Relapse means {meaning(found.definition)} within {found.years} years of the mandate. Ranges: 10th to 90th "
        "percentile over worlds, in brackets the median. By benchmark, start and duration are the earliest and the "
        f"shortest. Best: least mean cost (mission and disbursed aid) plus mean risk times worth. {lasting(found)}",
        f"Assumption: {ASSUMPTION} What a relapse avoided is worth is a choice.",
        f"{found.runs:,} worlds of {found.ensemble} ({worlds_words(found.ensemble)}), seed {found.seed}, model "
        f"{str(found.provenance['model_hash'])[:12]}.",
    )
    return card(f"Draw-down timing in profile '{found.context}'", parts, notes)


def _surface_table(found: Timing, rule: str) -> str:
    values = 100 * found.at(rule)
    rows = [
        [f"{start:g}", *(spread(values[s, d], ".0f") for d in range(len(found.durations)))]
        for s, start in enumerate(found.starts)
    ]
    head = ["start, month", *(f"{duration:g} months" for duration in found.durations)]
    return table(head, rows, f"By {rule}, no effort: risk by start and duration, %")
