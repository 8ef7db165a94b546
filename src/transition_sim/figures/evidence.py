"""Figures of the evidence: targets against calibrated worlds, and what calibration moved."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.figures.draw import BLUE, CAUTION, GREEN, GREY, MM, PAGE, VERMILLION, YELLOW, frame, style, wrapped
from transition_sim.study.ensembles import Ensemble
from transition_sim.study.evidence import Verdict
from transition_sim.study.worlds import Uncertainty


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
        frame(figure, text, CAUTION, width)
    return figure


def _short_target(verdict: Verdict) -> str:
    return wrapped(f"{verdict.name}: {verdict.target.quantity}", 44)


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
