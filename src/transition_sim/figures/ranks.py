"""Ranks: in which share of worlds each option comes first, second, and so on."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from transition_sim.figures.draw import BLUE, GREY, MM, PAGE, finish, short, style
from transition_sim.study.outcomes import Comparison, Outcome
from transition_sim.study.wording import SHORT, label

_SHADES = LinearSegmentedColormap.from_list("shades", ["white", BLUE])


def rank_shares(ax: Axes, outcome: Outcome) -> Axes:
    """Draw the share of worlds in which each option comes first, second, ... at year 20: per cent, darker for more."""
    share = 100 * outcome.rank_share
    count = len(outcome.options)
    ax.pcolormesh(share, cmap=_SHADES, vmin=0, vmax=100, edgecolors="white", linewidth=1)
    for row in range(count):
        for rank in range(count):
            value = share[row, rank]
            ink = "white" if value > 55 else "black" if value >= 0.5 else GREY
            told = f"{value:.0f}" if value >= 0.5 or value == 0 else "<1"
            ax.text(rank + 0.5, row + 0.5, told, ha="center", va="center", color=ink, fontsize=7)
    ax.set_yticks([row + 0.5 for row in range(count)], [short(label(option)) for option in outcome.options])
    ax.set_xticks([rank + 0.5 for rank in range(count)], [str(rank + 1) for rank in range(count)])
    ax.invert_yaxis()
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def ranks_figure(done: Comparison, width: float = PAGE) -> Figure:
    """Return the shares of ranks by bundle and ensemble, `width` mm wide."""
    across = 2 if width >= 120 else 1
    rows = -(-len(done.outcomes) // across)
    tall = 5.2 * len(done.outcomes[0].options) + 18
    with style():
        figure = Figure(figsize=(width * MM, (rows * tall + 45) * MM), layout="constrained")
        axes = list(figure.subplots(rows, across, squeeze=False).ravel())
        for ax in axes[len(done.outcomes) :]:
            ax.remove()
        for ax, outcome in zip(axes, done.outcomes, strict=False):
            rank_shares(ax, outcome)
            where = f" ({short(outcome.ensemble)})" if len(done.ensembles) > 1 else ""
            ax.set_title(f"{SHORT[outcome.bundle]}{where}", fontweight="bold")
            ax.set_xlabel("rank at year 20; cells: % of worlds")
        finish(figure, _text(done), done, width)
    return figure


def _text(done: Comparison) -> str:
    """Say how sure each first place is."""
    parts = []
    for outcome in done.outcomes:
        first = outcome.rank_share[:, 0]
        best = int(first.argmax())
        where = f" in {outcome.ensemble}" if len(done.ensembles) > 1 else ""
        told = f"'{label(outcome.options[best])}' comes first in {100 * first[best]:.0f} % of worlds"
        parts.append(f"{SHORT[outcome.bundle]}{where}, {told}.")
    note = "Ranks count a difference however small: see the ranges (10th to 90th percentile) beside them."
    return " ".join([*parts, note])
