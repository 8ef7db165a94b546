"""The style of every figure and what they share: panels over time, marks of dates, the stamp, saving.

Okabe-Ito colours that are safe for the colour-blind, dash styles so that grey prints read as well, direct labels,
units on the axes, ranges before single numbers. Widths are in millimetres: a column is 85, a page 170.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from transition_sim.data import write_bytes
from transition_sim.study.outcomes import Comparison
from transition_sim.study.wording import worlds_words

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


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style inside this block."""
    settings: Any = _STYLE
    with mpl.rc_context(settings):
        yield


def panels(count: int, width: float, across: str = "years from mandate") -> tuple[Figure, list[Axes]]:
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


def head(ax: Axes, name: str) -> None:
    """Head a panel with a variable's name, wrapped to the narrowest panel."""
    ax.set_title("\n".join(textwrap.wrap(name.replace("[", " ["), 17)))


def mark_dates(ax: Axes, dates: Mapping[str, float]) -> None:
    """Shade the planned draw-down and mark the election."""
    if "draw down start" in dates:
        start = dates["draw down start"]
        ax.axvspan(start / 12, (start + dates["draw down duration"]) / 12, color=YELLOW, alpha=0.35, linewidth=0)
    if "election date" in dates:
        ax.axvline(dates["election date"] / 12, color=GREY, linewidth=0.7, linestyle=":")


def same_scale(axes: Iterable[Axes]) -> None:
    """Give axes the widest of their x limits, so that bars can be compared between them."""
    limits = [ax.get_xlim() for ax in axes]
    for ax in axes:
        ax.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))


def log_scale(axes: Sequence[Axes]) -> None:
    """Give log axes the widest of their limits and plain ticks at halves and doubles."""
    limits = np.array([ax.get_ylim() for ax in axes])
    low, high = limits[:, 0].min(), limits[:, 1].max()
    ticks = [tick for tick in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16) if low <= tick <= high]
    for ax in axes:
        ax.set_ylim(low, high)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()


def finish(figure: Figure, text: str, done: Comparison, width: float) -> None:
    """Put the finding above a figure of a comparison, and below it the stamp."""
    relapse = done.definition.replace("_", " ")
    worlds = ", ".join(f"{name} ({worlds_words(name)})" for name in done.ensembles)
    stamp = (
        f"{CAUTION} Context '{done.context}', relapse = {relapse}, {done.runs:,} worlds {worlds}, seed {done.seed}, "
        f"{done.effort_months:g} effort-months, model {str(done.provenance['model_hash'])[:12]}, "
        f"transition_sim {done.provenance['versions']['transition_sim']}."
    )
    frame(figure, text, stamp, width)


def frame(figure: Figure, text: str, stamp: str, width: float) -> None:
    """Put what a figure shows above it and what it rests on below, wrapped to its width in mm."""
    figure.suptitle("\n".join(textwrap.wrap(text, int(width / 1.52))), x=0.01, ha="left", fontsize=8)
    figure.supxlabel("\n".join(textwrap.wrap(stamp, int(width / 1.15))), x=0.01, ha="left", fontsize=6, color=GREY)


@dataclass(frozen=True)
class Picture:
    """A figure as a notebook shows it: its PNG, and in words what it shows for those who cannot see it."""

    png: bytes
    words: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        data = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.words}
        return data, {"image/png": {"alt": self.words}}


def picture(figure: Figure, dpi: int = 110) -> Picture:
    """Return a figure for a notebook, described by the text above it; the same figure gives the same picture."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return Picture(buffer.getvalue(), " ".join(figure.get_suptitle().split()) or "A figure.")


def save(figure: Figure, path: Path, formats: Iterable[str] = ("svg", "png")) -> list[Path]:
    """Write a figure in some formats, each by a temporary name and a rename; the same figure gives the same bytes."""
    written = []
    for form in formats:
        buffer = io.BytesIO()
        with style():
            figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
        written.append(write_bytes(path.with_suffix(f".{form}"), buffer.getvalue()))
    return written
