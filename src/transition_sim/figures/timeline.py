"""What is planned when: mission, elections, instruments and windows of effort, on one axis of time."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.figures.draw import BLUE, GREY, MM, ORANGE, PAGE, SKY, YELLOW, Floats, finish, short, style
from transition_sim.study.calendar import Span
from transition_sim.study.outcomes import Comparison
from transition_sim.study.wording import label

FULL = 0.6
"""Effort-months a month that fill a lane of the timeline."""
LETTER = 0.75
"""Years that a small letter takes in the narrowest panel."""


def mark_windows(ax: Axes, calendar: Sequence[Span], height: float = 0.03, named: bool = False) -> Axes:
    """Mark the windows of effort of each option as bars, a lane an option, from the foot of the axes upward.

    `height` is that of a lane, as a share of the axes; `named` writes the options beside their lanes.
    """
    across = ax.get_xaxis_transform()
    lanes = list(dict.fromkeys(span.name for span in calendar if span.kind == "effort"))
    for i, option in enumerate(lanes):
        foot = 0.01 + height * (len(lanes) - 1 - i)
        spans = [span for span in calendar if span.kind == "effort" and span.name == option]
        for span in spans:
            ax.fill_between(
                [span.start / 12, span.end / 12], foot + 0.15 * height, foot + 0.85 * height, transform=across,
                color=BLUE if i % 2 == 0 else GREY, linewidth=0,
            )  # fmt: skip
        if named:
            _name_lane(ax, short(label(option), 20), spans, foot + 0.5 * height)
    return ax


def _name_lane(ax: Axes, name: str, spans: Sequence[Span], height: float) -> None:
    """Write a lane's name where there is room: inside its longest bar, after its last one, or before its first."""
    needs = LETTER * len(name)
    longest = max(spans, key=lambda span: span.end - span.start)
    last, first = max(span.end for span in spans) / 12, min(span.start for span in spans) / 12
    room = (min(longest.end, 240.0) - max(longest.start, 0.0)) / 12
    if room > needs + 1:
        place: dict[str, Any] = {"x": longest.end / 12 - 0.4, "ha": "right", "color": "white"}
    elif last + needs < 22 or first < needs:
        place = {"x": last + 0.4, "ha": "left", "color": "black"}
    else:
        place = {"x": first - 0.4, "ha": "right", "color": "black"}
    ax.text(y=height, s=name, transform=ax.get_xaxis_transform(), va="center", fontsize=6, **place)


def timeline(ax: Axes, calendar: Sequence[Span], mission: tuple[Floats, Floats], dates: Mapping[str, float]) -> Axes:
    """Draw what is planned when, a lane each: mission, elections, instruments, then the effort of each option.

    `mission` gives months and peacekeepers deployed, both `(time,)`. Bars of effort are as high as the effort is
    strong, instruments as dark as they are.
    """
    time, deployed = mission
    lanes = ["mission", "elections", *_names(calendar, "instrument"), *_names(calendar, "effort")]
    at = {name: len(lanes) - 1 - i for i, name in enumerate(lanes)}
    start = dates["draw down start"]
    ax.axvspan(start / 12, (start + dates["draw down duration"]) / 12, color=YELLOW, alpha=0.35, linewidth=0)
    share = 0.8 * deployed / max(float(deployed.max()), 1.0)
    ax.fill_between(time / 12, at["mission"] - 0.4, at["mission"] - 0.4 + share, color=GREY, linewidth=0)
    for span in calendar:
        if span.kind == "election":
            ax.plot(span.start / 12, at["elections"], "D", color="black", markersize=4)
        else:
            _bar(ax, span, at[span.name])
    ax.set_yticks(list(at.values()), ["\n".join(textwrap.wrap(short(label(name), 40), 19)) for name in at])
    ax.set_ylim(-0.6, len(lanes) - 0.4)
    ax.set_xlim(-1, 20)
    ax.set_xticks([0, 5, 10, 15, 20])
    ax.set_xlabel("years from mandate")
    ax.tick_params(axis="y", length=0)
    return ax


def _names(calendar: Sequence[Span], kind: str) -> list[str]:
    return list(dict.fromkeys(span.name for span in calendar if span.kind == kind))


def _bar(ax: Axes, span: Span, lane: float) -> None:
    """Draw a span in its lane: instruments hatched where they are at half strength, effort as high as it is strong."""
    years = [span.start / 12, span.end / 12]
    if span.kind == "instrument":
        fill: dict[str, Any] = (
            {"color": ORANGE} if span.level >= 0.99 else {"facecolor": "white", "edgecolor": ORANGE, "hatch": "////"}
        )
        ax.fill_between(years, lane - 0.28, lane + 0.28, linewidth=0, **fill)
        return
    high = 0.8 * min(span.level / FULL, 1.0)
    ax.fill_between(years, lane - 0.4, lane - 0.4 + high, color=BLUE, linewidth=0)
    ax.plot(years, [lane - 0.4] * 2, color=SKY, linewidth=0.6)


def timeline_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return the timeline of mission, elections, instruments and windows of effort, `width` mm wide."""
    outcome = done.outcomes[0]
    none = outcome.options.index("none")
    deployed = outcome.bands["peacekeepers deployed"][1, :, none]
    lanes = 2 + len(_names(done.calendar, "instrument")) + len(_names(done.calendar, "effort"))
    with style():
        figure = Figure(figsize=(width * MM, (7.5 * lanes + (45 if width >= 120 else 70)) * MM), layout="constrained")
        timeline(figure.subplots(), done.calendar, (outcome.time, deployed), done.dates)
        finish(figure, _text(done, deployed), done, width)
    return figure


def _text(done: Comparison, deployed: Floats) -> str:
    start = done.dates["draw down start"]
    held = [f"{span.start:g}" for span in done.calendar if span.kind == "election"]
    return (
        f"Planned dates. Grey: peacekeepers deployed without PBC effort (median of worlds, at most "
        f"{np.max(deployed):,.0f}); shaded: planned draw-down, month {start:g} to "
        f"{start + done.dates['draw down duration']:g}; diamonds: elections in month {' and '.join(held)}. Orange: "
        "instruments at work, hatched at less than full strength. Blue: effort of each option, as high as the effort a "
        "month."
    )
