"""Hazard by driver over time, with the mission, the draw-down, elections and the windows of effort marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from transition_sim.figures.draw import (
    GREY,
    LOOKS,
    PAGE,
    Floats,
    banded,
    finish,
    head,
    log_scale,
    looks_words,
    mark_dates,
    name_lines,
    panels,
    style,
)
from transition_sim.figures.timeline import mark_windows
from transition_sim.study.calendar import Span
from transition_sim.study.outcomes import Comparison, Outcome

PREFIX = "hazard from "


def hazard_multiplier(ax: Axes, time: Floats, bands: Mapping[str, Floats], dates: Mapping[str, float]) -> Axes:
    """Draw what one driver multiplies the hazard by: for each ensemble a band `(3, time)` of log contributions.

    The axis is logarithmic, so that doubling and halving are equally far from 1.
    """
    after = time >= 0
    mark_dates(ax, dates)
    ax.axhline(1, color=GREY, linewidth=0.7)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    for look, band in enumerate(bands.values()):
        banded(ax, time[after], np.exp(band[:, after]), look)
    return _years(ax, time)


def yearly_hazard(ax: Axes, time: Floats, bands: Mapping[str, Floats], dates: Mapping[str, float]) -> Axes:
    """Draw the hazard itself, per cent a year: for each ensemble a band `(3, time)` of the monthly hazard."""
    after = time >= 0
    mark_dates(ax, dates)
    for look, band in enumerate(bands.values()):
        banded(ax, time[after], 1200 * band[:, after], look)
    ax.set_ylim(bottom=0)
    name_lines(ax, time[after], {n: 1200 * band[1, after] for n, band in bands.items()}, [c for c, _, _ in LOOKS])
    return _years(ax, time)


def windows_key(ax: Axes, calendar: Sequence[Span], mission: tuple[Floats, Floats], dates: Mapping[str, float]) -> Axes:
    """Draw the key to the marks of the other panels: mission, draw-down, elections, a named lane for each option."""
    time, deployed = mission
    mark_dates(ax, dates)
    share = 0.22 * deployed / max(float(deployed.max()), 1.0)
    ax.fill_between(time / 12, 0.74, 0.74 + share, color=GREY, linewidth=0)
    gone = (dates["draw down start"] + dates["draw down duration"]) / 12
    inside = gone > 14
    place: dict[str, Any] = {"x": 1.5, "color": "white"} if inside else {"x": gone + 0.5, "color": "black"}
    ax.text(y=0.84, s="mission", fontsize=6, va="center", ha="left", **place)
    lanes = max(len({span.name for span in calendar if span.kind == "effort"}), 1)
    mark_windows(ax, calendar, 0.7 / lanes, named=True)
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    ax.set_ylabel("a lane an option")
    ax.spines["left"].set_visible(False)
    return _years(ax, time)


def _years(ax: Axes, time: Floats) -> Axes:
    ax.set_xlim(0, time[-1] / 12)
    ax.set_xticks([0, 5, 10, 15, 20])
    return ax


def hazard_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return what each driver multiplies the hazard by over time for `none`, with bands, `width` mm wide."""
    firsts = {ensemble: done.within(ensemble).outcomes[0] for ensemble in done.ensembles}
    first = next(iter(firsts.values()))
    none = first.options.index("none")
    names = [name for name in first.bands if name.startswith(PREFIX)]
    marks = [span for span in done.calendar if span.kind == "effort"]
    with style():
        figure, axes = panels(len(names) + 2, width)
        of = {name: {e: o.bands[name][:, :, none] for e, o in firsts.items()} for name in ("relapse hazard", *names)}
        windows_key(axes[0], done.calendar, (first.time, first.bands["peacekeepers deployed"][1, :, none]), done.dates)
        head(axes[0], "windows of effort")
        yearly_hazard(axes[1], first.time, of["relapse hazard"], done.dates)
        head(axes[1], "all together")
        axes[1].set_ylabel("hazard, % a year")
        for ax, name in zip(axes[2:], names, strict=True):
            hazard_multiplier(ax, first.time, of[name], done.dates)
            head(ax, name.removeprefix(PREFIX))
            ax.set_ylabel("hazard times")
        log_scale(axes[2:])
        low, high = axes[2].get_ylim()
        for ax in axes[2:]:
            ax.set_ylim(low * (low / high) ** 0.18, high)
            mark_windows(ax, marks, 0.15 / max(len({span.name for span in marks}), 6))
        finish(figure, _text(done, firsts, none), done, width)
    return figure


def _text(done: Comparison, firsts: Mapping[str, Outcome], none: int) -> str:
    """Say what the mission's leaving does to the hazard, and which driver weighs most then, in each ensemble."""
    parts = []
    for ensemble, outcome in firsts.items():
        start = done.dates["draw down start"]
        time = outcome.time
        gone = start + done.dates["draw down duration"] + 12
        before, after = (int(np.abs(time - moment).argmin()) for moment in (start, gone))
        drivers = {name: band for name, band in outcome.bands.items() if name.startswith(PREFIX)}
        middle = {name.removeprefix(PREFIX): np.exp(band[1, :, none]) for name, band in drivers.items()}
        worst = max((name for name in middle if name != "mission"), key=lambda name: middle[name][after])
        where = f"In {ensemble} the" if len(firsts) > 1 else "The"
        parts.append(
            f"{where} mission multiplies the hazard by {middle['mission'][before]:.2f} when its draw-down begins and "
            f"by {middle['mission'][after]:.2f} a year after the planned end; then '{worst}' weighs most, times "
            f"{middle[worst][after]:.2f}."
        )
    return (
        f"{' '.join(parts)} Medians ({looks_words(list(firsts))}) and bands (10th to 90th percentile) over worlds "
        "without PBC effort; all drivers together multiply the baseline hazard. An accounting of the model, not causal "
        "attribution. Shaded: planned draw-down; dots: elections; lanes at the foot: windows of effort, named in the "
        "first panel."
    )
