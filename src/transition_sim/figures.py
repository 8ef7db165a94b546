"""Figures: each function takes an axes (and data) and returns it. The only importer of matplotlib.

One style: Okabe-Ito colours that are safe for the colour-blind, dash styles so that grey prints read as well, direct
labels, units on the axes, ranges before single numbers. Widths are in millimetres: a column is 85, a page 170.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from transition_sim.data import write_bytes
from transition_sim.engine.result import Result
from transition_sim.model.equations import Kind, Model
from transition_sim.model.insight import Loop, Loops
from transition_sim.study.ensembles import Ensemble
from transition_sim.study.evidence import Verdict
from transition_sim.study.outcomes import Comparison, Outcome, quantiles
from transition_sim.study.ranges import Ranges
from transition_sim.study.wording import finding, label, phases, spread_of_worlds, worlds_words
from transition_sim.study.worlds import Uncertainty

Floats = NDArray[np.float64]
MM = 1 / 25.4
COLUMN, PAGE = 85.0, 170.0
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, GREY = "#E69F00", "#56B4E9", "#F0E442", "#555555"
CAUTION = "Stylised teaching and exploration model, not a forecast. The size of PBC effects is an assumption."
_STYLE: dict[str, Any] = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
    "svg.hashsalt": "transition_sim",
    "svg.fonttype": "none", "lines.linewidth": 1.4, "figure.dpi": 200,
}  # fmt: skip
PANELS = (
    ("peacekeepers deployed", 1e-3, "thousand people"), ("security", 1, "index 0 to 1"),
    ("active spoilers", 1e-3, "thousand people"), ("state capacity", 1, "index 0 to 1"),
    ("legitimacy", 1, "index 0 to 1"), ("agreement implementation", 1, "index 0 to 1"),
    ("aid disbursement", 1, "MUSD per month"), ("aid gap", 1, "MUSD per month"),
    ("relapse probability", 100, "% since mandate"),
)  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style inside this block."""
    settings: Any = _STYLE
    with mpl.rc_context(settings):
        yield


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
    _draw_down(ax, dates)
    ax.set_xlim(time[0] / 12, time[-1] / 12)
    ax.set_ylim(bottom=0)
    ax.set_xticks([0, 5, 10, 15, 20])
    return ax


def _draw_down(ax: Axes, dates: Mapping[str, float]) -> None:
    """Shade the planned draw-down and mark the election."""
    if "draw down start" in dates:
        start = dates["draw down start"]
        ax.axvspan(start / 12, (start + dates["draw down duration"]) / 12, color=YELLOW, alpha=0.35, linewidth=0)
    if "election date" in dates:
        ax.axvline(dates["election date"] / 12, color=GREY, linewidth=0.7, linestyle=":")


def hazard_multiplier(ax: Axes, time: Floats, band: Floats, dates: Mapping[str, float]) -> Axes:
    """Draw what one driver multiplies the hazard by: a band `(3, time)` of log contributions over years.

    The axis is logarithmic, so that doubling and halving are equally far from 1.
    """
    after = time >= 0
    low, middle, high = np.exp(band[:, after])
    _draw_down(ax, dates)
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
            _same_scale(column)
        _finish(figure, _headline(done), done, width)
    return figure


def _same_scale(axes: Iterable[Axes]) -> None:
    """Give axes the widest of their x limits, so that bars can be compared between them."""
    limits = [ax.get_xlim() for ax in axes]
    for ax in axes:
        ax.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))


def trajectories_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return the main stocks of `none` and its risk over time with bands, `width` mm wide."""
    outcome = done.outcomes[0]
    none = outcome.options.index("none")
    with style():
        figure, axes = _panels(len(PANELS), width)
        for ax, (name, scale, unit) in zip(axes, PANELS, strict=True):
            trajectory(ax, outcome.time, outcome.bands[name][:, :, none], scale, done.dates)
            _name(ax, name)
            ax.set_ylabel(unit)
        _finish(figure, _course(done, outcome, none), done, width)
    return figure


def _name(ax: Axes, name: str) -> None:
    """Head a panel with a variable's name, wrapped to the narrowest panel."""
    ax.set_title("\n".join(textwrap.wrap(name.replace("[", " ["), 17)))


def _panels(count: int, width: float, across: str = "years from mandate") -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels over time, three beside each other on a page, two in a column."""
    columns = 3 if width >= 120 else 2
    rows = -(-count // columns)
    figure = Figure(figsize=(width * MM, (rows * 40 + 40) * MM), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for ax in axes[count:]:
        ax.remove()
    for ax in axes[max(count - columns, 0) : count]:
        ax.set_xlabel(across)
    return figure, axes[:count]


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
        figure, axes = _panels(len(drivers), width)
        for ax, (name, band) in zip(axes, drivers.items(), strict=True):
            hazard_multiplier(ax, outcome.time, band, done.dates)
            _name(ax, name)
            ax.set_ylabel("hazard times")
        _log_scale(axes)
        _finish(figure, _drivers(done, outcome.time, drivers), done, width)
    return figure


def _log_scale(axes: Sequence[Axes]) -> None:
    """Give log axes the widest of their limits and plain ticks at halves and doubles."""
    limits = np.array([ax.get_ylim() for ax in axes])
    low, high = limits[:, 0].min(), limits[:, 1].max()
    ticks = [tick for tick in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16) if low <= tick <= high]
    for ax in axes:
        ax.set_ylim(low, high)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()


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


def run_figure(result: Result, model: Model, width: float = PAGE, ranges: Sequence[Ranges] = ()) -> Figure:
    """Return the stocks of one run, small multiples, `width` mm wide, with bands over worlds; any model."""
    names = [name for name in result.names if model.variables[name].kind is Kind.STOCK] or list(result.names)
    names = names[:40]
    with style():
        figure, axes = _panels(len(names), width, f"time ({model.time.unit})" if model.time.unit else "time")
        for ax, name in zip(axes, names, strict=True):
            for each, colour in zip(ranges, (SKY, ORANGE), strict=False):
                low, _, high = each.bands[name]
                ax.fill_between(each.time, low, high, color=colour, alpha=0.4, linewidth=0)
            ax.plot(result.time, result[name][:, 0], color=BLUE)
            unit = result.units.get(name, "")
            if np.abs(result[name]).max() >= 1e4:
                ax.yaxis.set_major_formatter(EngFormatter(sep=""))  # 20k, 4M
            _name(ax, name)
            ax.set_ylabel(unit)
        told = f"One run of {model.name}, model {model.file_hash[:12]}."
        if ranges:
            shades = zip(ranges, ("blue", "orange"), strict=False)
            told += " Line: the run; shaded: 10th to 90th percentile over worlds of "
            told += ", ".join(f"{each.ensemble} ({shade})" for each, shade in shades) + f". {CAUTION}"
        figure.supxlabel("\n".join(textwrap.wrap(told, int(width / 1.15))), fontsize=6, color=GREY)
    return figure


def _headline(done: Comparison) -> str:
    """Say what the comparison shows, with its range."""
    parts = [*map(finding, done.outcomes), spread_of_worlds(done.outcomes[0])]
    return " ".join([*parts, "Dot: median; bar: 10th to 90th percentile."])


def _finish(figure: Figure, text: str, done: Comparison, width: float) -> None:
    """Put the finding above and the stamp below a figure, wrapped to its width."""
    letters = int(width / 1.52)
    figure.suptitle("\n".join(textwrap.wrap(text, letters)), x=0.01, ha="left", fontsize=8)
    relapse = done.definition.replace("_", " ")
    worlds = ", ".join(f"{name} ({worlds_words(name)})" for name in done.ensembles)
    stamp = (
        f"{CAUTION} Context '{done.context}', relapse = {relapse}, {done.runs:,} worlds {worlds}, seed {done.seed}, "
        f"{done.effort_months:g} effort-months, model {str(done.provenance['model_hash'])[:12]}, "
        f"transition_sim {done.provenance['versions']['transition_sim']}."
    )
    figure.supxlabel("\n".join(textwrap.wrap(stamp, int(width / 1.15))), x=0.01, ha="left", fontsize=6, color=GREY)


LOOP_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, GREY, "black")
DASHES = ("-", "--", ":", "-.")


def loops_figure(found: Loops, model: Model, top: int = 6, width: float = PAGE) -> Figure:
    """Return the share of the strongest loops over time, `width` mm wide; named below by the stocks they pass."""
    chosen: dict[int, Loop] = {}
    for _, start, end in phases(model):
        chosen |= {id(loop): loop for loop, _ in found.strongest(start, end, max(top // 2, 1))}
    with style():
        figure = Figure(figsize=(width * MM, (90 + 14 * len(chosen)) * MM), layout="constrained")
        ax = figure.subplots()
        for i, loop in enumerate(chosen.values()):
            name = "\n".join(textwrap.wrap(f"{loop.polarity}: {' > '.join(loop.stocks)}", int(width / 1.7)))
            line = DASHES[i // len(LOOP_COLOURS) % len(DASHES)] if len(chosen) > len(LOOP_COLOURS) else DASHES[i % 4]
            ax.plot(found.time, 100 * loop.share, color=LOOP_COLOURS[i % len(LOOP_COLOURS)], linestyle=line, label=name)
        ax.set_ylabel("share of change by loops (%)")
        ax.set_xlabel(f"time ({model.time.unit})" if model.time.unit else "time")
        figure.legend(loc="outside lower left", frameon=False, fontsize=6)
        text = f"Loops of two stocks or more in {model.name}, model {model.file_hash[:12]}. " + (
            "Every loop was looked at." if found.complete else "The strongest of a sample of loops."
        )
        figure.suptitle("\n".join(textwrap.wrap(text, int(width / 1.52))), x=0.01, ha="left", fontsize=8)
    return figure


def evidence_figure(verdicts: Mapping[str, Sequence[Verdict]], width: float = PAGE) -> Figure:
    """Return the targets against what the worlds of each ensemble give, each on the scale of its own band."""
    first = next(iter(verdicts.values()))
    with style():
        figure = Figure(figsize=(width * MM, (9 * len(first) + 45) * MM), layout="constrained")
        ax = figure.subplots()
        ax.axvspan(0, 1, color=YELLOW, alpha=0.35, linewidth=0)
        for number, (name, found) in enumerate(verdicts.items()):
            colour, shift = (BLUE, VERMILLION, GREEN)[number % 3], 0.18 * (2 * number + 1 - len(verdicts))
            for row, verdict in enumerate(found):
                _banded(ax, row + shift, verdict, colour, name if row == 0 else None)
        for row, verdict in enumerate(first):
            low, high = verdict.target.band
            ax.plot((verdict.target.value - low) / (high - low), row, "|", color="black", markersize=9)
        ax.set_yticks(range(len(first)), [_short_target(verdict) for verdict in first])
        ax.set_ylim(len(first) - 0.5, -0.5)
        ax.set_xlim(-1.25, 2.25)
        ax.set_xticks([0, 1], ["lower end\nof the band", "upper end"])
        ax.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower right", frameon=False, fontsize=7, ncols=len(verdicts))
        text = (
            "Published targets against calibrated worlds: dot, median; bar, 10th to 90th percentile; filled, fitted; "
            "open, not fitted; black mark, the value of the target; shaded, band. Arrows leave the picture."
        )
        figure.suptitle("\n".join(textwrap.wrap(text, int(width / 1.52))), x=0.01, ha="left", fontsize=8)
        figure.supxlabel(
            "\n".join(textwrap.wrap(CAUTION, int(width / 1.15))), x=0.01, ha="left", fontsize=6, color=GREY
        )
    return figure


def _short_target(verdict: Verdict) -> str:
    return "\n".join(textwrap.wrap(f"{verdict.name}: {verdict.target.quantity}", 44))


def _banded(ax: Axes, row: float, verdict: Verdict, colour: str, name: str | None) -> None:
    """Draw a verdict's range on the scale of its band, from 0 to 1, cut at the picture's edges with an arrow."""
    low, high = verdict.target.band
    ends = np.quantile(verdict.values, (0.1, 0.5, 0.9), method="inverted_cdf")
    left, middle, right = np.clip((ends - low) / (high - low), -1.2, 2.2)
    ax.plot([left, right], [row, row], color=colour, linewidth=2.5, alpha=0.45, solid_capstyle="butt")
    fill = colour if verdict.fitted else "white"
    shape = "<" if middle <= -1.2 else ">" if middle >= 2.2 else "o"
    ax.plot(middle, row, shape, color=colour, markerfacecolor=fill, markersize=4, label=name, linestyle="none")


def moved_figure(
    prior: Mapping[str, Uncertainty], worlds: Sequence[Ensemble], units: Mapping[str, str], width: float = PAGE
) -> Figure:
    """Return prior ranges against what calibration left of them, for the constants that moved in any ensemble.

    Each is drawn by the share of its prior that lies below, so that an unmoved one would fill 10 to 90 per cent.
    """
    moved = {row["constant"]: row["distance"] for each in worlds for row in reversed(each.sheet["moved"])}
    names = sorted(moved, key=lambda name: -moved[name])
    with style():
        figure = Figure(figsize=(width * MM, (9 * len(names) + 45) * MM), layout="constrained")
        ax = figure.subplots()
        for row, name in enumerate(names):
            ax.plot([0, 1], [row, row], color=GREY, linewidth=0.8)
            for number, each in enumerate(worlds):
                q = np.clip(np.quantile(prior[name].share(each.columns[name]), (0.1, 0.5, 0.9)), -0.02, 1.02)
                at, colour = row + 0.18 * (2 * number + 1 - len(worlds)), (BLUE, VERMILLION, GREEN)[number % 3]
                ax.plot(q[[0, 2]], [at, at], color=colour, linewidth=2.5, alpha=0.45, solid_capstyle="butt")
                ax.plot(q[1], at, "o", color=colour, markersize=4, label=each.name if row == 0 else None)
        told = [(n, *prior[n].range, units[n].replace("Dmnl", "")) for n in names]
        ax.set_yticks(
            range(len(names)), [f"{n} ({low:g} to {high:g} {unit}".rstrip() + ")" for n, low, high, unit in told]
        )
        ax.axvspan(0.1, 0.9, color=YELLOW, alpha=0.35, linewidth=0)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xlim(-0.03, 1.03)
        ax.set_xticks([0, 0.1, 0.5, 0.9, 1], ["0", "10", "50", "90", "100"])
        ax.set_xlabel("share of the prior that lies below (%)")
        ax.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower right", frameon=False, fontsize=7, ncols=len(worlds))
        still = len(next(iter(worlds)).columns) - len(names)
        text = (
            f"What the targets tell: the {len(names)} constants whose values moved, of {still + len(names)} sampled. "
            "Shaded: 10th to 90th percentile before; bar: the same after; dot: median after. Of the other "
            f"{still} the targets say nothing."
        )
        figure.suptitle("\n".join(textwrap.wrap(text, int(width / 1.52))), x=0.01, ha="left", fontsize=8)
    return figure


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


def save_run(result: Result, model: Model, folder: Path, ranges: Sequence[Ranges] = ()) -> list[Path]:
    """Save the stocks of a run as SVG and PNG; return the paths."""
    return save(run_figure(result, model, ranges=ranges), folder / "stocks")


def save(figure: Figure, path: Path, formats: Iterable[str] = ("svg", "png")) -> list[Path]:
    """Write a figure in some formats, each by a temporary name and a rename; the same figure gives the same bytes."""
    written = []
    for form in formats:
        buffer = io.BytesIO()
        with style():
            figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
        written.append(write_bytes(path.with_suffix(f".{form}"), buffer.getvalue()))
    return written
