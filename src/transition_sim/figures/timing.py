"""Figures of draw-down timing: contours of risk over start and duration, of its range, and cost against risk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.figures.draw import (
    BLUE,
    CAUTION,
    COLUMN,
    GREEN,
    MM,
    PAGE,
    VERMILLION,
    Floats,
    frame,
    save,
    style,
    wrapped,
)
from transition_sim.study.frontier import BENCHMARK, CALENDAR, Rule
from transition_sim.study.timing import BRIDGED, NONE, Timing
from transition_sim.study.timing_words import edges, lasting
from transition_sim.study.wording import worlds_words

SHADES = "Blues"
"""Fill of the surfaces: darker is more, and it reads in grey; lines carry the numbers."""
MEDIAN, RANGE = "median", "range"


def timing_surface(ax: Axes, found: Timing, rule: str, bridging: str = NONE, part: str = MEDIAN) -> Axes:
    """Draw the risk over start and duration by contours labelled in per cent, or the width of its 80 per cent range.

    `part`: `median` or `range` (90th less 10th percentile of worlds, in points). A cross marks the profile's own plan.
    """
    low, middle, high = 100 * found.surface(rule, bridging)
    values, unit = (middle, "%") if part == MEDIAN else (high - low, "")
    steps = _levels(found, part)
    ax.contourf(found.starts, found.durations, values.T, levels=steps, cmap=SHADES, alpha=0.75, extend="both")
    lines = ax.contour(found.starts, found.durations, values.T, levels=steps, colors="black", linewidths=0.6)
    places = list(_label_places(found, lines.allsegs))
    if places:
        ax.clabel(lines, fmt=lambda value: f"{value:g} {unit}".strip(), fontsize=6.5, inline_spacing=2, manual=places)
    if found.holds_plan:
        ax.plot(*found.planned, "x", color=VERMILLION, markersize=6, markeredgewidth=1.8, clip_on=False, zorder=5)
    ax.set_xticks(found.starts[:: -(-len(found.starts) // 7)])
    ax.set_yticks(found.durations)
    ax.set_xlabel("start (month)")
    ax.set_ylabel("duration (months)")
    return ax


def timing_frontier(ax: Axes, found: Timing) -> Axes:
    """Draw cost against risk of rules by calendar and by benchmark, and both with effort: medians and 80 % ranges."""
    drawn = (
        (found.frontier, CALENDAR, BLUE, "o", "-", "calendar"),
        (found.frontier, BENCHMARK, VERMILLION, "s", "--", "benchmark"),
        (found.bridged, CALENDAR, GREEN, "^", ":", "calendar, with effort"),
    )
    for rules, kind, colour, shape, dash, words in drawn:
        some = [rule for rule in rules if rule.kind == kind]
        cost, risk = _medians(some)
        ax.plot(cost, risk, dash, marker=shape, color=colour, markersize=3.5, linewidth=1.1, label=words)
        if rules is found.frontier:
            for rule in some:
                ends, middle = np.quantile(100 * rule.risk, (0.1, 0.9)), float(np.median(rule.cost)) / 1000
                ax.plot([middle, middle], ends, color=colour, linewidth=2.2, alpha=0.3, solid_capstyle="butt")
    ax.set_xlabel("cost, mission and disbursed aid (billion USD)")
    ax.set_ylabel("20-year risk (%)")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=7, loc="upper right")
    return ax


def best_rule(ax: Axes, found: Timing) -> Axes:
    """Draw the best rule for each value of a relapse avoided, with the share of worlds in which it is best."""
    table = found.best
    ends = edges(found.frontier)
    for y, row in enumerate(table.to_dict("records")):
        colour = BLUE if row["kind"] == CALENDAR else VERMILLION
        hatch = "" if row["kind"] == CALENDAR else "////"
        ax.barh(y, 100 * row["share_best"], color=colour, alpha=0.35, hatch=hatch, edgecolor=colour, linewidth=0.8)
        mark = " +" if row["best"] in ends else ""
        ax.text(2, y, row["best"] + mark, va="center", fontsize=7)
    ax.set_yticks(range(len(table)), [f"{value / 1000:g}" for value in table["value_musd"]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel("best in % of worlds")
    ax.set_ylabel("a relapse avoided is worth (billion USD)")
    ax.tick_params(axis="y", length=0)
    return ax


def surface_figure(found: Timing, width: float = PAGE) -> Figure:
    """Return risk over start and duration by both rules, without and with effort, and its range over worlds."""
    cells = [(rule, bridging, MEDIAN) for rule in (CALENDAR, BENCHMARK) for bridging in (NONE, BRIDGED)]
    cells = [*cells[:2], (CALENDAR, NONE, RANGE), *cells[2:], (BENCHMARK, NONE, RANGE)]
    wide = width >= 120
    across = 3 if wide else 1
    with style():
        rows = -(-len(cells) // across)
        figure = Figure(
            figsize=(width * MM, (rows * (58 if wide else 62) + (44 if wide else 66)) * MM), layout="constrained"
        )
        axes = figure.subplots(rows, across, squeeze=False).ravel()
        for i, (ax, (rule, bridging, part)) in enumerate(zip(axes, cells, strict=True)):
            timing_surface(ax, found, rule, bridging, part)
            effort = {NONE: "no effort", BRIDGED: "effort and bridge"}[bridging]
            words = f"{effort}, %" if part == MEDIAN else f"{effort}: width of 80 % range, points"
            ax.set_title(wrapped(f"By {rule}, {words}", 28 if wide else 40), fontweight="bold")
            if wide and i % across:
                ax.set_ylabel("")
        frame(figure, _surface_finding(found), _stamp(found), width)
    return figure


def frontier_figure(found: Timing, width: float = PAGE) -> Figure:
    """Return cost against risk, and the best rule for each value of a relapse avoided."""
    wide = width >= 120
    with style():
        figure = Figure(figsize=(width * MM, (125 if wide else 235) * MM), layout="constrained")
        left, right = figure.subplots(1 if wide else 2, 2 if wide else 1, squeeze=False).ravel()
        timing_frontier(left, found).set_title("Cost against risk", fontweight="bold")
        best_rule(right, found).set_title(
            wrapped("Best rule by what a relapse avoided is worth", 34), fontweight="bold"
        )
        frame(figure, _frontier_finding(found), _stamp(found), width)
    return figure


def save_timing(found: Timing, folder: Path, mark: str = "") -> list[Path]:
    """Save both figures of an analysis, page and column wide, as SVG and PNG."""
    written: list[Path] = []
    for name, make in (("timing", surface_figure), ("frontier", frontier_figure)):
        written += save(make(found, PAGE), folder / f"{name}{mark}")
        written += save(make(found, COLUMN), folder / f"{name}{mark}-column")
    return written


def _levels(found: Timing, part: str) -> list[float]:
    """Return contour levels common to all surfaces of a part: round numbers, about eight of them."""
    surfaces = [100 * found.surface(rule, bridging) for rule in (CALENDAR, BENCHMARK) for bridging in (NONE, BRIDGED)]
    values = np.array([each[1] if part == MEDIAN else each[2] - each[0] for each in surfaces])
    low, high = float(values.min()), float(values.max())
    step = next((step for step in (0.2, 0.5, 1, 2, 5, 10) if (high - low) / step <= 9), 20)
    return [float(level) for level in np.arange(np.floor(low / step) * step, high + step, step)]


def _label_places(found: Timing, segments: Sequence[Sequence[Floats]]) -> Iterator[tuple[float, float]]:
    """Yield a place on each contour, by turns before and after its middle.

    Left out are contours whose label would leave the picture or come too near to the one before.
    """
    first = np.array([found.starts[0], found.durations[0]])
    span = np.array([found.starts[-1], found.durations[-1]]) - first
    before = np.array([-1.0, -1.0])
    for number, level in enumerate(segments):
        longest = max(level, key=len, default=np.empty((0, 2)))
        if len(longest) > 1:
            along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(longest, axis=0) / span, axis=1))])
            share = (0.4, 0.6)[number % 2]
            place = np.array([np.interp(share * along[-1], along, longest[:, axis]) for axis in (0, 1)])
            inside = (place - first) / span
            apart = np.abs(inside - before).max()
            if along[-1] > 0.25 and inside.min() > 0.08 and inside.max() < 0.92 and apart > 0.16:
                before = inside
                yield float(place[0]), float(place[1])


def _medians(rules: Sequence[Rule]) -> tuple[list[float], list[float]]:
    """Return median costs in billion USD and median risks in per cent."""
    return (
        [float(np.median(rule.cost)) / 1000 for rule in rules],
        [100 * float(np.median(rule.risk)) for rule in rules],
    )


def _surface_finding(found: Timing) -> str:
    """Say how far the risk moves over start and duration, and what rule and effort change, with ranges."""
    none = found.at(CALENDAR)
    later = 100 * (none[0] - none[-1])
    rule, effort = (100 * found.gain(change)[0, 0] for change in ("benchmark", "effort"))
    told = [np.quantile(values, (0.1, 0.9)) for values in (later, rule, effort)]
    return (
        f"By calendar and without effort, a draw-down that starts in month {found.starts[-1]:g} leaves a risk "
        f"{told[0][0]:.0f} to {told[0][1]:.0f} points below one from month {found.starts[0]:g}. For that early start "
        f"the benchmark takes off {told[1][0]:.1f} to {told[1][1]:.1f} points and effort {told[2][0]:.1f} to "
        f"{told[2][1]:.1f} (10th to 90th percentile over worlds and durations, in the same world). Lines: median risk "
        f"of relapse within {found.years} years, or the width of its range; {_plan(found)}; by benchmark, start and "
        "duration are the earliest and the shortest."
    )


def _plan(found: Timing) -> str:
    start, duration = found.planned
    if found.holds_plan:
        return "cross: the profile's own plan"
    return f"the profile's own plan, from month {start:g} over {duration:g} months, lies outside"


def _frontier_finding(found: Timing) -> str:
    table = found.best.to_dict("records")
    first, last = table[0], table[-1]
    return (
        f"Where avoiding a relapse is worth {first['value_musd'] / 1000:g} billion USD the best rule is "
        f"'{first['best']}', where it is worth {last['value_musd'] / 1000:g} billion it is '{last['best']}'. Marks: "
        "medians; bars: 10th to 90th percentile of risk over worlds. Best: least mean cost plus mean risk times worth, "
        f"without effort; +: an end of what was tried. {lasting(found)} What a relapse avoided is worth is a choice, "
        "not a finding."
    )


def _stamp(found: Timing) -> str:
    return (
        f"{CAUTION} Profile '{found.context}', relapse = {found.definition.replace('_', ' ')}, {found.runs:,} worlds "
        f"of {found.ensemble} ({worlds_words(found.ensemble)}), seed {found.seed}, model "
        f"{str(found.provenance['model_hash'])[:12]}, transition_sim {found.provenance['versions']['transition_sim']}."
    )
