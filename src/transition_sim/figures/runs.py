"""Figures of single runs: the stocks of any model, and the shares of its feedback loops."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from transition_sim.engine.result import Result
from transition_sim.figures.draw import (
    BLUE,
    CAUTION,
    GREEN,
    GREY,
    MM,
    ORANGE,
    PAGE,
    PURPLE,
    SKY,
    VERMILLION,
    head,
    panels,
    save,
    style,
)
from transition_sim.model.equations import Kind, Model
from transition_sim.model.insight import Loop, Loops
from transition_sim.study.ranges import Ranges
from transition_sim.study.wording import phases

LOOP_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, GREY, "black")
DASHES = ("-", "--", ":", "-.")


def run_figure(result: Result, model: Model, width: float = PAGE, ranges: Sequence[Ranges] = ()) -> Figure:
    """Return the stocks of one run, small multiples, `width` mm wide, with bands over worlds; any model."""
    names = [name for name in result.names if model.variables[name].kind is Kind.STOCK] or list(result.names)
    names = names[:40]
    with style():
        figure, axes = panels(len(names), width, _clock(model))
        for ax, name in zip(axes, names, strict=True):
            for each, colour in zip(ranges, (SKY, ORANGE), strict=False):
                low, _, high = each.bands[name]
                ax.fill_between(each.time, low, high, color=colour, alpha=0.4, linewidth=0)
            ax.plot(result.time, result[name][:, 0], color=BLUE)
            unit = result.units.get(name, "")
            if np.abs(result[name]).max() >= 1e4:
                ax.yaxis.set_major_formatter(EngFormatter(sep=""))  # 20k, 4M
            head(ax, name)
            ax.set_ylabel(unit)
        told = f"One run of {model.name}, model {model.file_hash[:12]}."
        if ranges:
            shades = zip(ranges, ("blue", "orange"), strict=False)
            told += " Line: the run; shaded: 10th to 90th percentile over worlds of "
            told += ", ".join(f"{each.ensemble} ({shade})" for each, shade in shades) + f". {CAUTION}"
        figure.supxlabel("\n".join(textwrap.wrap(told, int(width / 1.15))), fontsize=6, color=GREY)
    return figure


def loops_figure(found: Loops, model: Model, top: int = 6, width: float = PAGE) -> Figure:
    """Return the share of the strongest loops over time, `width` mm wide; named below by the stocks they pass."""
    chosen: dict[int, Loop] = {}
    for _, start, end in phases(model):
        chosen |= {id(loop): loop for loop, _ in found.strongest(start, end, max(top // 2, 1))}
    with style():
        figure = Figure(figsize=(width * MM, (90 + 14 * len(chosen)) * MM), layout="constrained")
        ax = figure.subplots()
        for i, loop in enumerate(chosen.values()):
            told = f"{loop.polarity}: {' > '.join(loop.stocks)}"
            name = "\n".join(textwrap.wrap(told, int(width / 1.7)))
            line = DASHES[i // len(LOOP_COLOURS) % len(DASHES)] if len(chosen) > len(LOOP_COLOURS) else DASHES[i % 4]
            ax.plot(found.time, 100 * loop.share, color=LOOP_COLOURS[i % len(LOOP_COLOURS)], linestyle=line, label=name)
        ax.set_ylabel("share of change by loops (%)")
        ax.set_xlabel(_clock(model))
        if chosen:
            figure.legend(loc="outside lower left", frameon=False, fontsize=6)
        text = f"Loops of two stocks or more in {model.name}, model {model.file_hash[:12]}. " + (
            "Every loop was looked at." if found.complete else "The strongest of a sample of loops."
        )
        figure.suptitle("\n".join(textwrap.wrap(text, int(width / 1.52))), x=0.01, ha="left", fontsize=8)
    return figure


def _clock(model: Model) -> str:
    return f"time ({model.time.unit})" if model.time.unit else "time"


def save_run(result: Result, model: Model, folder: Path, ranges: Sequence[Ranges] = ()) -> list[Path]:
    """Save the stocks of a run as SVG and PNG; return the paths."""
    return save(run_figure(result, model, ranges=ranges), folder / "stocks")
