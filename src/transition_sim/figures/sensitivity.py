"""Figures of sensitivity: indices with their confidence, and tornadoes of what an input's low and high ends go with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.figures.draw import BLUE, CAUTION, COLUMN, GREY, MM, PAGE, SKY, frame, save, style, wrapped
from transition_sim.study.sensitivity.analysis import Sensitivity
from transition_sim.study.sensitivity.indices import MORRIS, PAWN, SOBOL
from transition_sim.study.sensitivity.quantities import BEST, LEVEL, RANKING, Quantity
from transition_sim.study.sensitivity.words import index_scale, sample_words

MOST = 8
AXIS = {
    SOBOL: "total index, share of variance",
    MORRIS: "mean absolute effect",
    PAWN: "PAWN index above no effect",
}


def index_intervals(ax: Axes, found: Sensitivity, quantity: Quantity, most: int = MOST) -> Axes:
    """Draw the largest indices of a quantity with their 95 per cent intervals, the largest on top.

    For Sobol an open diamond is the index of first order: what the input does alone. For PAWN an open dot is an index
    that the strongest of so many inputs without effect may have too.
    """
    rows = found.of(quantity, most)
    scale = index_scale(found, quantity)
    for y, row in enumerate(rows.to_dict("records")):
        ax.plot([row["low"] * scale, row["high"] * scale], [y, y], color=BLUE, linewidth=3, alpha=0.45)
        fill = "white" if row.get("clear", 1.0) == 0 else BLUE
        ax.plot(row["index"] * scale, y, "o", color=BLUE, markerfacecolor=fill, markersize=4)
        if found.method == SOBOL:
            ax.plot(row["first"], y, "D", color=GREY, markerfacecolor="white", markersize=3.5, zorder=3)
    ax.axvline(0, color=GREY, linewidth=0.8)
    unit = f" ({_unit(quantity)})" if found.method == MORRIS and quantity.kind != BEST else ""
    return _inputs_axis(ax, rows, AXIS[found.method] + unit)


def tornado(ax: Axes, found: Sensitivity, quantity: Quantity, most: int = MOST) -> Axes:
    """Draw the mean of a quantity in the lowest (light) and highest (dark) fifth of each input, around its mean.

    Whiskers are the margin of 95 per cent within which the two ends would differ by chance.
    """
    rows = found.of(quantity, most)
    scale = quantity.scale
    middle = float(np.mean(quantity.parts[0])) * scale
    for y, row in enumerate(rows.to_dict("records")):
        for end, colour in (("when_low", SKY), ("when_high", BLUE)):
            value = row[end] * scale
            ax.barh(y, value - middle, left=middle, height=0.62, color=colour, linewidth=0)
            half = row["when_margin"] * scale / 2
            ax.plot([value - half, value + half], [y, y], color="black", linewidth=0.7)
    ax.axvline(middle, color=GREY, linewidth=0.8)
    return _inputs_axis(ax, rows, f"{wrapped(quantity.outcome, 30)} ({_unit(quantity)})")


def sensitivity_figure(found: Sensitivity, width: float = PAGE) -> Figure:
    """Return the largest indices of the first outcome, of the ranking of options, and of which is best.

    Beside the indices of the outcome, and of the change by the option that is best most often, stand their tornadoes.
    """
    first = found.headlines[0]
    shown = [q for q in found.headlines if (q.outcome, q.condition) == (first.outcome, first.condition)]
    cells = [
        (draw, q) for q in shown for draw in ((index_intervals, tornado) if len(q.parts) == 1 else (index_intervals,))
    ]
    wide = width >= 120
    across = 2 if wide else 1
    rows = -(-len(cells) // across)
    with style():
        figure = Figure(figsize=(width * MM, (rows * 62 + (42 if wide else 74)) * MM), layout="constrained")
        axes = figure.subplots(rows, across, squeeze=False).ravel()
        for ax, (draw, quantity) in zip(axes, cells, strict=False):
            draw(ax, found, quantity)
            ax.set_title(_title(quantity, draw is tornado), fontweight="bold")
            if wide and draw is tornado:
                ax.set_yticklabels([])
        for ax in axes[len(cells) :]:
            ax.remove()
        frame(figure, _finding(found, shown), _stamp(found), width)
    return figure


def save_sensitivity(found: Sensitivity, folder: Path) -> list[Path]:
    """Save the figure of an analysis, page and column wide, as SVG and PNG."""
    written = save(sensitivity_figure(found, PAGE), folder / "sensitivity")
    return [*written, *save(sensitivity_figure(found, COLUMN), folder / "sensitivity-column")]


def _title(quantity: Quantity, ends: bool) -> str:
    words = "Low and high end of each input" if ends else quantity.words[0].upper() + quantity.words[1:]
    return wrapped(words, 30)


def _finding(found: Sensitivity, shown: Sequence[Quantity]) -> str:
    """Say which inputs lead each question by more than chance, with their intervals, and how to read the marks."""
    asked = [quantity for quantity in shown if quantity.kind in (LEVEL, RANKING)]
    parts = []
    for quantity in asked:
        top = [row for row in found.of(quantity, 3).to_dict("records") if row.get("clear", row["low"] > 0)]
        scale = index_scale(found, quantity)
        told = ", ".join(f"{r['input']} ({r['low'] * scale:.2f} to {r['high'] * scale:.2f})" for r in top)
        words = f"driven most by {told}" if top else "no input stands out from chance"
        parts.append(f"{quantity.words[0].upper() + quantity.words[1:]}: {words}.")
    marks = "Dot: index; bar: 95 % interval"
    marks += {
        SOBOL: "; open mark: first order.",
        PAWN: "; open dot: no more than chance gives one of so many inputs.",
    }.get(found.method, ".")
    if any(len(quantity.parts) == 1 for quantity in shown):
        marks += " Bars to both sides: mean in the lowest (light) and highest fifth (dark) of an input, with margins."
    return " ".join([*parts, marks])


def _stamp(found: Sensitivity) -> str:
    return (
        f"{CAUTION} {sample_words(found)} Bootstrap: {found.sample['resamples']} resamples, seed "
        f"{found.sample['bootstrap_seed']}. Model {str(found.sample['model_hash'])[:12]}."
    )


def _inputs_axis(ax: Axes, rows: pd.DataFrame, text: str) -> Axes:
    ax.set_yticks(range(len(rows)), [wrapped(name, 24) for name in rows["input"]])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(text)
    ax.tick_params(axis="y", length=0)
    return ax


def _unit(quantity: Quantity) -> str:
    return quantity.measure or "no unit"
