"""Courses over time: the main stocks with bands, and money from the pledge to what is missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.figures.draw import (
    BLUE,
    GREEN,
    LOOKS,
    PAGE,
    VERMILLION,
    Floats,
    banded,
    finish,
    head,
    looks_words,
    mark_dates,
    name_lines,
    panels,
    short,
    style,
)
from transition_sim.study.outcomes import Comparison, Outcome

PANELS = (
    ("peacekeepers deployed", 1e-3, "thousand people"), ("security", 1, "index 0 to 1"),
    ("active spoilers", 1e-3, "thousand people"), ("state capacity", 1, "index 0 to 1"),
    ("legitimacy", 1, "index 0 to 1"), ("agreement implementation", 1, "index 0 to 1"),
    ("aid disbursement", 1, "MUSD per month"), ("aid gap", 1, "MUSD per month"),
    ("relapse probability", 100, "% since mandate"),
)  # fmt: skip
MONEY = (
    ("pledging", "new pledges", "MUSD per month"), ("outstanding pledges", "outstanding pledges", "MUSD"),
    ("aid disbursement", "aid disbursement", "MUSD per month"), ("aid gap", "aid gap", "MUSD per month"),
)  # fmt: skip
FLOWS = {"aid need": "need", "aid disbursement": "paid", "aid gap": "gap"}
SUMS = {
    "cumulative pledges": "pledged", "cumulative aid disbursed": "paid", "cumulative pledges lapsed": "lapsed",
}  # fmt: skip
_COLOURS = (VERMILLION, BLUE, GREEN)
_DASHES = ("--", "-", ":")


def trajectory(ax: Axes, time: Floats, bands: Mapping[str, Floats], scale: float, dates: Mapping[str, float]) -> Axes:
    """Draw for each ensemble a band `(3, time)` over years: 10th percentile, median and 90th."""
    mark_dates(ax, dates)
    for look, band in enumerate(bands.values()):
        banded(ax, time, band * scale, look)
    return _framed(ax, time)


def money_lines(ax: Axes, time: Floats, medians: Mapping[str, Floats], dates: Mapping[str, float]) -> Axes:
    """Draw up to three medians `(time,)` of money over years, each named beside its line."""
    mark_dates(ax, dates)
    for i, values in enumerate(medians.values()):
        ax.plot(time / 12, values, color=_COLOURS[i], linestyle=_DASHES[i])
    _framed(ax, time)
    name_lines(ax, time, medians, _COLOURS)
    return ax


def _framed(ax: Axes, time: Floats) -> Axes:
    ax.set_xlim(time[0] / 12, time[-1] / 12)
    ax.set_ylim(bottom=0)
    ax.set_xticks([0, 5, 10, 15, 20])
    return ax


def trajectories_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return the main stocks of `none` and its risk over time with bands, `width` mm wide."""
    firsts = first_outcomes(done)
    with style():
        figure, axes = panels(len(PANELS), width)
        for ax, (name, scale, unit) in zip(axes, PANELS, strict=True):
            time, bands = without_effort(firsts, name)
            trajectory(ax, time, bands, scale, done.dates)
            head(ax, name)
            ax.set_ylabel(unit)
        time, bands = without_effort(firsts, "relapse probability")
        name_lines(axes[-1], time, {e: 100 * band[1] for e, band in bands.items()}, [c for c, _, _ in LOOKS])
        finish(figure, _course(done, firsts), done, width)
    return figure


def money_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return need, pledges, disbursement and the gap of `none` over time, with bands, `width` mm wide."""
    firsts = first_outcomes(done)
    with style():
        figure, axes = panels(2 + len(MONEY), width)
        for ax, (names, title, unit) in zip((axes[0], axes[-1]), (
            (FLOWS, "need, paid, gap", "MUSD per month"), (SUMS, "fate of pledges", "MUSD since start"),
        ), strict=True):  # fmt: skip
            first = next(iter(firsts.values()))
            none = first.options.index("none")
            money_lines(ax, first.time, {told: first.bands[n][1, :, none] for n, told in names.items()}, done.dates)
            head(ax, title)
            ax.set_ylabel(unit)
        for ax, (name, title, unit) in zip(axes[1:-1], MONEY, strict=True):
            trajectory(ax, *without_effort(firsts, name), 1, done.dates)
            head(ax, title)
            ax.set_ylabel(unit)
        finish(figure, _money(firsts), done, width)
    return figure


def first_outcomes(done: Comparison) -> dict[str, Outcome]:
    """Return the first outcome of each ensemble; without effort the bundle makes no difference."""
    return {ensemble: done.within(ensemble).outcomes[0] for ensemble in done.ensembles}


def without_effort(firsts: Mapping[str, Outcome], name: str) -> tuple[Floats, dict[str, Floats]]:
    """Return months and, for each ensemble, the band `(3, time)` of a variable without any effort."""
    time = next(iter(firsts.values())).time
    return time, {e: o.bands[name][:, :, o.options.index("none")] for e, o in firsts.items()}


def _course(done: Comparison, firsts: Mapping[str, Outcome]) -> str:
    """Say how security and the aid gap move when the mission leaves, in each ensemble."""
    start = done.dates["draw down start"]
    moments = (start, start + done.dates["draw down duration"] + 12, 240.0)
    parts = []
    for ensemble, outcome in firsts.items():
        at = [int(np.abs(outcome.time - moment).argmin()) for moment in moments]
        none = outcome.options.index("none")
        security, gap = (outcome.bands[name][1, at, none] for name in ("security", "aid gap"))
        where = f"In {short(ensemble)}, without" if len(firsts) > 1 else "Without"
        parts.append(
            f"{where} PBC effort, median security is {security[0]:.2f} when the draw-down begins, {security[1]:.2f} a "
            f"year after its planned end and {security[2]:.2f} at year 20; the aid gap is {gap[0]:.1f}, {gap[1]:.1f} "
            f"and {gap[2]:.1f} MUSD per month."
        )
    return f"{' '.join(parts)} {_how_to_read(firsts)}"


def _money(firsts: Mapping[str, Outcome]) -> str:
    """Say what became of the pledges, as ranges."""
    parts = []
    for ensemble, outcome in firsts.items():
        none = outcome.options.index("none")
        pledged, paid, lapsed = (outcome.bands[name][:, -1, none] for name in SUMS)
        where = f"In {short(ensemble)}, without" if len(firsts) > 1 else "Without"
        parts.append(
            f"{where} PBC effort, {pledged[0]:,.0f} to {pledged[2]:,.0f} MUSD are pledged over the run (median "
            f"{pledged[1]:,.0f}), {paid[0]:,.0f} to {paid[2]:,.0f} paid ({paid[1]:,.0f}) and {lapsed[0]:,.0f} to "
            f"{lapsed[2]:,.0f} lapse ({lapsed[1]:,.0f})."
        )
    whose = " of the first ensemble" if len(firsts) > 1 else ""
    return f"{' '.join(parts)} First and last panel: medians{whose}. {_how_to_read(firsts)}"


def _how_to_read(firsts: Mapping[str, Outcome]) -> str:
    return (
        f"Line: median ({looks_words(list(firsts))}); band: 10th to 90th percentile of worlds; shaded: planned "
        "draw-down; dots: elections."
    )
