"""The profile as a figure: phases from a file to 1,000 results, and the floor of a step by sector of the model."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

BLUE, ORANGE = "#0072B2", "#E69F00"
STEPS = {
    "read the file": ("read", "structure"),
    "print and emit": ("print", "emit"),
    "LLVM": ("optimise", "generate", "link"),
    "integrate": ("run",),
    "reduce": ("reduce",),
}
COLOURS = ("#0072B2", "#56B4E9", "#D55E00", "#009E73", "#CC79A7")
HATCHES = ("", "//", "", "..", "")


def draw(phases: dict[str, dict[str, list[float]]], shares: dict[str, tuple[int, float, float]], path: Path) -> None:
    """Save both panels: milliseconds stacked by phase, cache empty and warm; share of the floor by sector."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.7, 3.9), layout="constrained", dpi=200)
    top, bottom = figure.subplots(2, 1, height_ratios=(1, 2.4))
    stack(top, phases)
    sectors(bottom, shares)
    for ax in (top, bottom):
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Software": None})


def stack(ax: Any, phases: dict[str, dict[str, list[float]]]) -> None:
    rows = {"cache warm": phases["warm"], "cache empty": phases["cold"]}
    reached = dict.fromkeys(rows, 0.0)
    for (label, names), colour, hatch in zip(STEPS.items(), COLOURS, HATCHES, strict=True):
        widths = [sum(1000 * statistics.median(times[n]) for n in names if n in times) for times in rows.values()]
        ax.barh(list(rows), widths, left=list(reached.values()), color=colour, hatch=hatch, edgecolor="white",
                linewidth=0.5, height=0.65, label=label)  # fmt: skip
        for (row, left), width in zip(reached.items(), widths, strict=True):
            reached[row] = left + width
    for row, total in reached.items():
        ax.text(total + 8, row, f"{total:,.0f}", va="center", fontsize=7)
    ax.set_xlim(0, max(reached.values()) * 1.1)
    ax.set_title("From the file to 1,000 results, ms (imports apart)", fontsize=8, loc="left")
    ax.legend(ncols=5, fontsize=6.5, frameon=False, loc="upper left", bbox_to_anchor=(-0.01, -0.18),
              handlelength=1.4, columnspacing=1.2)  # fmt: skip


def sectors(ax: Any, shares: dict[str, tuple[int, float, float]]) -> None:
    names = list(shares)[::-1]
    slow = [100 * shares[name][1] * shares[name][2] for name in names]
    rest = [100 * shares[name][1] * (1 - shares[name][2]) for name in names]
    ax.barh(names, slow, color=ORANGE, height=0.7, label="divisions and roots")
    ax.barh(names, rest, left=slow, color=BLUE, height=0.7, label="everything else")
    for i, name in enumerate(names):
        ax.text(100 * shares[name][1] + 0.4, i, f"{100 * shares[name][1]:.0f}", va="center", fontsize=7)
    ax.set_title("Inside a step: share of the counted floor by sector of the model, %", fontsize=8, loc="left")
    ax.legend(fontsize=7, frameon=False, loc="lower right")
