"""Comparisons and runs in words and tables: ranges first, and what they hang on beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.result import Result
from transition_sim.model.equations import Kind, Model
from transition_sim.model.insight import Loops
from transition_sim.study.ensembles import SAYS
from transition_sim.study.outcomes import ASSUMPTION, BUDGET, LEVEL, NOTE, Comparison, Outcome, quantiles
from transition_sim.study.ranges import Ranges

Floats = NDArray[np.float64]
TITLES = {
    "role": "By role: each entry point with its own channels (confounds what with when)",
    "same": "Same bundle: identical actions placed at different times (isolates timing)",
}
SHORT = {"role": "By role", "same": "With the same bundle"}
DEFINITION_WORDS = {
    "war": "a return to war",
    "armed_conflict": "a return to armed conflict (25 deaths a year)",
    "major_war": "a return to major war (1,000 deaths a year)",
}
WIDTH = 80
LABELS = {
    "none": "none",
    "mission_start": "mission start",
    "during_mission": "during mission",
    "draw_down": "draw-down",
    "late_transition": "late transition",
    "throughout": "throughout",
    "spread": "spread",
}


def label(option: str) -> str:
    """Return an option's name as people read it."""
    return LABELS.get(option, option.replace("_", " "))


def meaning(definition: str) -> str:
    """Return what counts as relapse, in words."""
    return DEFINITION_WORDS.get(definition, "each of: " + "; ".join(DEFINITION_WORDS.values()))


def spread(values: Floats, form: str) -> str:
    """Return the range of values over worlds, with the median in brackets."""
    low, middle, high = (value + 0.0 for value in np.quantile(values, (0.1, 0.5, 0.9)).round(6))
    return f"{low:{form}} to {high:{form}} ({middle:{form}})"


def filled(text: str) -> list[str]:
    """Return a text as lines of at most 80 columns, all but the first set in."""
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def comparison_tables(done: Comparison) -> list[str]:
    """Return for each ensemble, definition and bundle a table of outcomes, then one of its assumptions, 80 wide."""
    tables = []
    for ensemble in done.ensembles:
        if len(done.ensembles) > 1:
            tables.append("\n" + textwrap.fill(f"=== Worlds {ensemble}: {worlds_words(ensemble)} ===", WIDTH))
        for definition in done.definitions:
            if len(done.definitions) > 1:
                tables.append(f"\n== Relapse is {meaning(definition)} ==")
            outcomes = done.within(ensemble).under(definition).outcomes
            tables += [_table(outcome) for outcome in outcomes]
            tables += [_assumptions_table(outcome) for outcome in outcomes]
    return tables


def worlds_words(ensemble: str) -> str:
    """Return what an ensemble of worlds is, in words."""
    return SAYS.get(ensemble, "kept by a calibration of one's own")


def _assumptions_table(outcome: Outcome) -> str:
    """Return the median change of the 20-year risk by option (rows) under each assumption (columns)."""
    names = list(outcome.varied)
    heads = [name.split(" ", 1) for name in names]
    rows = [["what the ranking", *(first for first, _ in heads)], ["hangs on", *(rest for _, rest in heads)]]
    changes = {name: outcome.change_under(name) * 100 for name in names}
    for i, option in enumerate(outcome.options):
        if option != "none":
            best = {name for name in names if changes[name][i] == changes[name].min()}
            rows.append([label(option), *(f"{changes[n][i]:+.1f}" + ("*" if n in best else "") for n in names)])
    worlds = next(iter(outcome.varied.values())).shape[1]
    title = f"{SHORT[outcome.bundle]}: median change, points, year 20, {worlds} worlds (* lowest risk)"
    return "\n".join(["", title, *_ruled(rows)])


def _ruled(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines in columns, with rules around the first two, which are the head, and below."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    return [rule, *lines[:2], rule, *lines[2:], rule]


def _table(outcome: Outcome) -> str:
    rows = [["option", "20-year risk", "change from none", "best", "10-year risk", "effort"]]
    rows.append(["", "% (median)", "points (median)", "in %", "% (median)", "5/20 y"])
    for i, name in enumerate(outcome.options):
        change = "-" if name == "none" else spread(100 * outcome.difference[-1, i], "+.1f")
        effort = f"{outcome.effort[0, i].mean():.0f}/{outcome.effort[-1, i].mean():.0f}"
        mark = "" if outcome.full_budget[i] or name == "none" else " *"
        rows.append(
            [
                label(name) + mark,
                spread(100 * outcome.probability[-1, i], ".0f"),
                change,
                f"{100 * outcome.share_best[-1, i]:.0f}",
                spread(100 * outcome.probability[1, i], ".0f"),
                effort,
            ]
        )
    partial = any(not full and o != "none" for full, o in zip(outcome.full_budget, outcome.options, strict=True))
    note = ["* spends less than the whole budget"] if partial else []
    return "\n".join(["", TITLES[outcome.bundle], *_ruled(rows), *note])


def comparison_lines(done: Comparison) -> list[str]:
    """Return what the tables show, and what they hang on, in plain lines of at most 80 columns."""
    told = [line for i, line in enumerate(_comparison_lines(done)) if line or i == 0]
    return [textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in told]


def _comparison_lines(done: Comparison) -> list[str]:
    lines = [
        "",
        f"Ranges: 10th to 90th percentile over {done.runs:,} plausible worlds, the same for every option. 'best in %': "
        "share of worlds in which an option has the lowest 20-year risk. Effort: effort-months spent by year 5 and 20.",
    ]
    for ensemble in done.ensembles:
        lines.append(f"WORLDS {ensemble}: {worlds_words(ensemble)}.")
        for definition in done.definitions:
            part = done.within(ensemble).under(definition).outcomes
            told = f"Relapse as {meaning(definition)}. " if len(done.definitions) > 1 else ""
            lines.append(told + " ".join([*map(finding, part), spread_of_worlds(part[0])]))
            lines += [agreement(*part)] if len(part) == 2 else []
            lines += [*map(flips, part), *map(regret_line, part), cases_line(part)]
    lines += [
        f"ASSUMPTION: {ASSUMPTION}",
        "Only year 20 compares equal effort: at earlier years late options have not yet spent theirs.",
        f"Relapse means {meaning(done.definition)}. Risks are counted from the mandate and averaged over frailty.",
        f"SciPy integrated {done.referee_runs} runs again: largest difference in probability {done.max_deviation:.1e} "
        f"(allowed {done.tolerance:g}).",
        f"Model {str(done.provenance['model_hash'])[:12]}, seed {done.seed}. A {NOTE}.",
    ]
    return lines


def finding(outcome: Outcome) -> str:
    """Say which option lowers the 20-year risk most, range first, and which is best more often where another is."""
    change = outcome.difference[-1] * 100
    leader = outcome.leader
    name = SHORT[outcome.bundle]
    q = quantiles(change[leader])
    if q["median"] >= 0:
        return f"{name}, no option lowers the median 20-year risk."
    also = [f"'{label(outcome.options[i])}'" for i in outcome.level[1:]]
    level = f", level with {' and '.join(also)}" if also else ""
    shares = 100 * outcome.share_best[-1]
    oftenest = int(np.argmax(shares))
    other = f"; '{label(outcome.options[oftenest])}' is best more often, in {shares[oftenest]:.0f} %"
    return (
        f"{name}, '{label(outcome.options[leader])}' lowers the 20-year risk most: {-q['p90']:.1f} to {-q['p10']:.1f} "
        f"points (median {-q['median']:.1f}){level}; best in {shares[leader]:.0f} % of worlds"
        f"{other if oftenest != leader else ''}."
    )


def flips(outcome: Outcome) -> str:
    """Say which option is first over the worlds in which assumptions were varied, and where that changes."""
    leaders = outcome.leaders_under()
    if not outcome.varied or len(outcome.options) < 2:
        return ""
    now = leaders.get("as sampled")
    changed: dict[str | None, list[str]] = {}
    for assumption in outcome.varied:
        if leaders.get(assumption) != now:
            changed.setdefault(leaders.get(assumption), []).append(f"'{assumption}'")
    first = f"{SHORT[outcome.bundle]}, {_lead(now, outcome, 'as sampled')}"
    if not changed:
        return f"{first}; none of the assumptions varied changes that."
    told = [
        f"under {' and '.join(names)} {_lead(leader, outcome, names[0].strip(chr(39)))}"
        for leader, names in changed.items()
    ]
    return f"{first}; {'; '.join(told)}."


def _lead(leader: str | None, outcome: Outcome, assumption: str) -> str:
    """Say who leads, or which options are level."""
    if leader is not None:
        return f"'{label(leader)}' is first"
    change = outcome.change_under(assumption)
    near = [outcome.options[i] for i in np.argsort(change, kind="stable") if change[i] - change.min() < LEVEL]
    return " and ".join(f"'{label(name)}'" for name in near) + " are level"


def regret_line(outcome: Outcome) -> str:
    """Say how far above the best option of the same world each option is."""
    told = ", ".join(
        f"{label(name)} {100 * q['median']:.1f} (to {100 * q['p90']:.1f})"
        for name, q in ((name, quantiles(outcome.regret[-1, i])) for i, name in enumerate(outcome.options))
    )
    return f"{SHORT[outcome.bundle]}, regret in points, median (to the 90th percentile): {told}."


def cases_line(outcomes: Sequence[Outcome]) -> str:
    """Say how many countries it would take to see the largest of the differences."""
    if all(outcome.options[outcome.leader] == "none" for outcome in outcomes):
        return ""
    best = min(outcomes, key=lambda outcome: float(np.median(outcome.difference[-1, outcome.leader])))
    low, middle, high = np.quantile(best.cases_needed(best.leader), (0.1, 0.5, 0.9), method="inverted_cdf")
    if not np.isfinite(middle):
        return "No number of countries would show a difference in most worlds: there is none."
    top = f"{_rough(high)}" if np.isfinite(high) else "any number"
    return (
        f"To see the largest of these differences ('{label(best.options[best.leader])}', "
        f"{SHORT[best.bundle].lower()}) in data would take "
        f"{_rough(low)} to {top} countries with it (median {_rough(middle)}) and as many without, at 5 per cent and a "
        "power of 80; 103 countries had any civil war between 1945 and 2009 (Walter 2011)."
    )


def _rough(count: float) -> str:
    """Return a count to two digits."""
    digits = max(int(np.floor(np.log10(max(count, 1)))) - 1, 0)
    return f"{round(count, -digits):,.0f}"


def spread_of_worlds(outcome: Outcome) -> str:
    """Say how far the worlds differ without any effort, against which every gain is to be seen."""
    none = quantiles(outcome.probability[-1, outcome.options.index("none")] * 100)
    gain = -float(np.median(outcome.difference[-1, outcome.leader])) * 100
    width = none["p90"] - none["p10"]
    times = f", {width / gain:.0f} times the median gain of the best option" if gain > 0 and width > gain else ""
    return f"Without any effort the worlds differ by {width:.0f} points{times}."


def agreement(one: Outcome, other: Outcome) -> str:
    """Say whether two bundles rank the options alike, and if not, how."""
    orders = [_order(outcome) for outcome in (one, other)]
    if orders[0] == orders[1]:
        return "Both bundles rank the options alike."
    return (
        f"The two rank differently: by role {orders[0]}; same bundle {orders[1]} (lowest risk first; =: level). What "
        "is done and when it is done are different questions."
    )


def _order(outcome: Outcome) -> str:
    """Return the options from the lowest risk up, with = between those that are level with the one before."""
    change = np.median(outcome.difference[-1], axis=1)
    ranked = [i for i in np.argsort(change, kind="stable") if outcome.options[i] != "none"]
    text = label(outcome.options[ranked[0]])
    for before, here in pairwise(ranked):
        text += f" {'=' if change[here] - change[before] < LEVEL else '<'} {label(outcome.options[here])}"
    return text


def run_lines(
    result: Result, model: Model, name: str, years: Sequence[int], ranges: Sequence[Ranges] = ()
) -> list[str]:
    """Return a run's key outcomes, their ranges over worlds, and the course of its stocks, at most 80 columns wide."""
    told = "below, its range over worlds." if ranges else "a single run carries no range."
    lines = filled(f"One run of '{name}' with model '{model.name}': {told}")
    if risk.CUMULATIVE in model:
        table = risk.relapse_risk(result, years)
        told = ", ".join(f"{year} years {100 * float(table.loc[year].iloc[0]):.1f} %" for year in table.index)
        lines += filled(f"Risk of relapse into war within {told}.")
        lines += _range_lines(ranges)
        lines += filled(f"ASSUMPTION: {ASSUMPTION}") if BUDGET in model else []
    at = np.unique(np.linspace(0, len(result.time) - 1, 5).round().astype(int))
    kept = [name for name in result.names if model.variables[name].kind is Kind.STOCK] or list(result.names)
    width = min(max(map(len, kept), default=4), 34)
    unit = f" ({model.time.unit})" if model.time.unit else ""
    lines += ["", f"{'time' + unit:<{width}}" + "".join(f"{_brief(result.time[i]):>9}" for i in at)]
    for n in kept:
        least = 1e-9 * float(np.abs(result[n][:, 0]).max())
        shown = [value if abs(value) > least else 0.0 for value in result[n][at, 0]]
        lines.append(f"{n[:width]:<{width}}" + "".join(f"{_brief(value):>9}" for value in shown))
    if "scipy" in str(result.provenance["method"]):
        lines += ["", f"Integrated by SciPy's {result.provenance['solver']}, split where conditions on time can jump."]
    return lines


def _brief(value: float) -> str:
    """Return a number in at most eight signs: four digits, or three and an exponent."""
    text = f"{value:.4g}"
    return text if len(text) <= 8 else f"{value:.2e}".replace("e+0", "e").replace("e-0", "e-")


def _range_lines(ranges: Sequence[Ranges]) -> list[str]:
    """Return the risk by year over the worlds of each ensemble."""
    lines = []
    for each in ranges:
        risks = [(year, quantiles(100 * each.risk[i])) for i, year in enumerate(each.years)]
        told = "; ".join(f"{year} years {q['p10']:.0f} to {q['p90']:.0f} % ({q['median']:.0f})" for year, q in risks)
        lines += filled(f"Over {each.runs:,} worlds of {each.ensemble} (10th to 90th percentile, median): {told}.")
    return lines


def phases(model: Model) -> list[tuple[str, float, float]]:
    """Return the phases of a run: around the planned draw-down where the model has one, else thirds of the run."""
    first, last = model.time.initial, model.time.final
    if "draw down start" in model and "draw down duration" in model:
        start = model.find("draw down start").value
        end = start + model.find("draw down duration").value
        return [("before the draw-down", first, start), ("during it", start, end), ("after it", end, last)]
    cuts = np.linspace(first, last, 4)
    names = ("first third", "second third", "last third")
    return [(name, float(a), float(b)) for name, a, b in zip(names, cuts[:-1], cuts[1:], strict=True)]


def loop_lines(found: Loops, model: Model, top: int) -> list[str]:
    """Return the strongest loops by phase, as lines of at most 80 columns."""
    lines = [f"Feedback loops of '{model.name}': share of all change by loops, in per cent."]
    for name, start, end in phases(model):
        lines += ["", f"{name} (time {start:g} to {end:g})"]
        for loop, share in found.strongest(start, end, top):
            text = f"{loop.polarity} {100 * share:4.1f}  {' > '.join(loop.stocks)}"
            lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 10)
    notes = (
        "R: reinforcing, B: balancing, U: changes its polarity. Named by the stocks it passes; loops of one stock are "
        "left out. Method: Loops that Matter (Schoenberg, Davidsen and Eberlein 2020; unchecked), by pysimlin.",
        "The search looked at every loop." if found.complete else
        f"The model has too many loops to look at all: these are the strongest of a sample ({found.retained:,} kept); "
        "a loop that is missing here may still exist.",
    )  # fmt: skip
    return [*lines, "", *(line for note in notes for line in textwrap.wrap(note, WIDTH))]


def loops_data(found: Loops) -> dict[str, Any]:
    """Return loops as plain data."""
    loops = [
        {"stocks": list(loop.stocks), "polarity": loop.polarity, "paths": loop.paths, "share": loop.share.tolist()}
        for loop in found.loops
    ]
    return {"time": found.time.tolist(), "complete": found.complete, "loops": loops}
