"""Figures of a comparison: options with paired differences, trajectories with bands, hazard by driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.figures.draw import (
    BLUE,
    COLUMN,
    GREY,
    MM,
    PAGE,
    SKY,
    Floats,
    finish,
    head,
    log_scale,
    mark_dates,
    panels,
    same_scale,
    save,
    style,
)
from transition_sim.study.outcomes import Comparison, Outcome, quantiles
from transition_sim.study.wording import finding, label, spread_of_worlds

PANELS = (
    ("peacekeepers deployed", 1e-3, "thousand people"), ("security", 1, "index 0 to 1"),
    ("active spoilers", 1e-3, "thousand people"), ("state capacity", 1, "index 0 to 1"),
    ("legitimacy", 1, "index 0 to 1"), ("agreement implementation", 1, "index 0 to 1"),
    ("aid disbursement", 1, "MUSD per month"), ("aid gap", 1, "MUSD per month"),
    ("relapse probability", 100, "% since mandate"),
)  # fmt: skip


def option_risk(ax: Axes, outcome: Outcome, horizon: int = -1) -> Axes:
    """Draw the risk of relapse of each option: median, 10th to 90th percentile of the worlds."""
    for i, name in enumerate(outcome.options):
        _whisker(ax, i, outcome.probability[horizon, i] * 100, GREY if name == "none" else BLUE)
    ax.set_xlim(left=0)
    return _option_axis(ax, outcome.options, "risk of relapse in 20 years (%)")


def option_difference(ax: Axes, outcome: Outcome, horizon: int = -1) -> Axes:
    """Draw what each option changes against `none` in the same world: median, 10th to 90th percentile."""
    for i, name in enumerate(outcome.options):
        if name != "none":
            _whisker(ax, i, outcome.difference[horizon, i] * 100, BLUE)
    ax.axvline(0, color=GREY, linewidth=0.8)
    return _option_axis(ax, outcome.options, "change from none (points)")


def _whisker(ax: Axes, row: int, values: Floats, colour: str) -> None:
    q = quantiles(values)
    ax.plot([q["p10"], q["p90"]], [row, row], color=colour, linewidth=3, alpha=0.45, solid_capstyle="butt")
    ax.plot(q["median"], row, "o", color=colour, markersize=4)


def _option_axis(ax: Axes, options: Sequence[str], text: str) -> Axes:
    ax.set_yticks(range(len(options)), [label(option) for option in options])
    ax.set_ylim(len(options) - 0.5, -0.5)
    ax.set_xlabel(text)
    ax.tick_params(axis="y", length=0)
    return ax


def trajectory(ax: Axes, time: Floats, band: Floats, scale: float, dates: Mapping[str, float]) -> Axes:
    """Draw a band `(3, time)` over years: 10th percentile, median and 90th."""
    low, middle, high = band * scale
    ax.fill_between(time / 12, low, high, color=SKY, alpha=0.45, linewidth=0)
    ax.plot(time / 12, middle, color=BLUE)
    mark_dates(ax, dates)
    ax.set_xlim(time[0] / 12, time[-1] / 12)
    ax.set_ylim(bottom=0)
    ax.set_xticks([0, 5, 10, 15, 20])
    return ax


def hazard_multiplier(ax: Axes, time: Floats, band: Floats, dates: Mapping[str, float]) -> Axes:
    """Draw what one driver multiplies the hazard by: a band `(3, time)` of log contributions over years.

    The axis is logarithmic, so that doubling and halving are equally far from 1.
    """
    after = time >= 0
    low, middle, high = np.exp(band[:, after])
    mark_dates(ax, dates)
    ax.axhline(1, color=GREY, linewidth=0.7)
    ax.fill_between(time[after] / 12, low, high, color=SKY, alpha=0.45, linewidth=0)
    ax.plot(time[after] / 12, middle, color=BLUE)
    ax.set_yscale("log")
    ax.set_xlim(0, time[-1] / 12)
    ax.set_xticks([0, 5, 10, 15, 20])
    return ax


def comparison_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return risk and paired differences by option, both bundles on the same scales, `width` mm wide."""
    rows = len(done.outcomes)
    with style():
        wide = width >= 120
        height = rows * (58 if wide else 104) + 40
        figure = Figure(figsize=(width * MM, height * MM), layout="constrained")
        axes = figure.subplots(rows * (1 if wide else 2), 2 if wide else 1, squeeze=False).reshape(rows, 2)
        for (left, right), outcome in zip(axes, done.outcomes, strict=True):
            option_risk(left, outcome)
            option_difference(right, outcome)
            name = {"role": "By role: own channels", "same": "Same bundle: only timing differs"}[outcome.bundle]
            left.set_title(name, fontweight="bold")
            if wide:
                right.set_yticklabels([])
        for column in axes.T:
            same_scale(column)
        finish(figure, _headline(done), done, width)
    return figure


def trajectories_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return the main stocks of `none` and its risk over time with bands, `width` mm wide."""
    outcome = done.outcomes[0]
    none = outcome.options.index("none")
    with style():
        figure, axes = panels(len(PANELS), width)
        for ax, (name, scale, unit) in zip(axes, PANELS, strict=True):
            trajectory(ax, outcome.time, outcome.bands[name][:, :, none], scale, done.dates)
            head(ax, name)
            ax.set_ylabel(unit)
        finish(figure, _course(done, outcome, none), done, width)
    return figure


def _course(done: Comparison, outcome: Outcome, none: int) -> str:
    """Say how security and the aid gap move when the mission leaves."""
    start = done.dates["draw down start"]
    moments = (start, start + done.dates["draw down duration"] + 12, 240.0)
    at = [int(np.abs(outcome.time - moment).argmin()) for moment in moments]
    security, gap = (outcome.bands[name][1, at, none] for name in ("security", "aid gap"))
    return (
        f"Without PBC effort, median security is {security[0]:.2f} when the draw-down begins, {security[1]:.2f} a year "
        f"after its planned end and {security[2]:.2f} at year 20; the aid gap is {gap[0]:.1f}, {gap[1]:.1f} and "
        f"{gap[2]:.1f} MUSD per month. Line: median; band: 10th to 90th percentile of worlds; shaded: planned "
        "draw-down; dots: election."
    )


def hazard_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return what each driver multiplies the hazard by over time for `none`, with bands, `width` mm wide."""
    outcome = done.outcomes[0]
    none = outcome.options.index("none")
    drivers = {
        name.removeprefix("hazard from "): band[:, :, none]
        for name, band in outcome.bands.items()
        if name.startswith("hazard from ")
    }
    with style():
        figure, axes = panels(len(drivers), width)
        for ax, (name, band) in zip(axes, drivers.items(), strict=True):
            hazard_multiplier(ax, outcome.time, band, done.dates)
            head(ax, name)
            ax.set_ylabel("hazard times")
        log_scale(axes)
        finish(figure, _drivers(done, outcome.time, drivers), done, width)
    return figure


def _drivers(done: Comparison, time: Floats, drivers: Mapping[str, Floats]) -> str:
    """Say what the mission's leaving does to the hazard, and which driver weighs most then."""
    start = done.dates["draw down start"]
    before, after = (int(np.abs(time - t).argmin()) for t in (start, start + done.dates["draw down duration"] + 12))
    middle = {name: np.exp(band[1]) for name, band in drivers.items()}
    worst = max((name for name in drivers if name != "mission"), key=lambda name: middle[name][after])
    return (
        f"The mission multiplies the hazard by {middle['mission'][before]:.2f} when its draw-down begins and by "
        f"{middle['mission'][after]:.2f} a year after the planned end; then '{worst}' weighs most, "
        f"times {middle[worst][after]:.2f}. Medians and bands (10th to 90th percentile) over worlds without PBC "
        "effort; all drivers together multiply the baseline hazard. An accounting of the model, not causal "
        "attribution. Shaded: planned draw-down; dots: election."
    )


def _headline(done: Comparison) -> str:
    """Say what the comparison shows, with its range."""
    parts = [*map(finding, done.outcomes), spread_of_worlds(done.outcomes[0])]
    return " ".join([*parts, "Dot: median; bar: 10th to 90th percentile."])


COMPARISON_FIGURES: Mapping[str, Callable[[Comparison, float], Figure]] = {
    "options": comparison_figure,
    "trajectories": trajectories_figure,
    "hazard-by-driver": hazard_figure,
}


def save_comparison(done: Comparison, folder: Path) -> list[Path]:
    """Save every figure of a comparison, by ensemble and definition, page and column wide, as SVG and PNG."""
    written: list[Path] = []
    for ensemble in done.ensembles:
        for definition in done.definitions:
            part = done.within(ensemble).under(definition)
            mark = f"-{ensemble}" if len(done.ensembles) > 1 else ""
            mark += f"-{definition.replace('_', '-')}" if len(done.definitions) > 1 else ""
            for name, make in COMPARISON_FIGURES.items():
                written += save(make(part, PAGE), folder / f"{name}{mark}")
                written += save(make(part, COLUMN), folder / f"{name}{mark}-column")
    return written
