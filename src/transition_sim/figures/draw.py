"""The style of every figure and what they share: panels over time, marks of dates, the stamp, saving.

Okabe-Ito colours that are safe for the colour-blind, dash styles so that grey prints read as well, direct labels,
units on the axes, ranges before single numbers. Widths are in millimetres: a column is 85, a page 170.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
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
    "svg.hashsalt": "transition_sim", "hatch.linewidth": 0.5,
    "text.parse_math": False,  # names come from users' files: a dollar sign is a dollar sign
    "svg.fonttype": "none", "lines.linewidth": 1.4, "figure.dpi": 200,
}  # fmt: skip


LOOKS = ((BLUE, SKY, "-"), (VERMILLION, ORANGE, "--"), (GREEN, GREEN, "-."), (PURPLE, PURPLE, ":"))
"""Line, band and dash of the first, second, ... ensemble."""
LONGEST = 24
"""Letters of a name that a figure shows."""


@dataclass(frozen=True)
class Drawing:
    """A figure as SVG text at page and at column width, and what it says above its panels."""

    page: str
    column: str
    text: str


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
    """Shade the planned draw-down and mark the elections."""
    if "draw down start" in dates:
        start = dates["draw down start"]
        ax.axvspan(start / 12, (start + dates["draw down duration"]) / 12, color=YELLOW, alpha=0.35, linewidth=0)
    for name in ("election date", "second election date"):
        if name in dates:
            ax.axvline(dates[name] / 12, color=GREY, linewidth=0.7, linestyle=":")


def short(name: str, letters: int = LONGEST) -> str:
    """Return a name as figures show it: printable, and cut where it is long."""
    told = "".join(letter if letter.isprintable() else " " for letter in name)
    return told if len(told) <= letters else told[: letters - 1] + "…"


def banded(ax: Axes, time: Floats, band: Floats, look: int = 0) -> None:
    """Draw a band `(3, time)` over years in the look of the first, second, ... ensemble: told apart in grey as well."""
    line, fill, dash = LOOKS[look % len(LOOKS)]
    low, middle, high = band
    ax.fill_between(time / 12, low, high, color=fill, alpha=0.4 if look == 0 else 0.25, linewidth=0)
    if look:
        for edge in (low, high):
            ax.plot(time / 12, edge, color=line, linestyle=dash, linewidth=0.5)
    ax.plot(time / 12, middle, color=line, linestyle=dash)


def name_lines(ax: Axes, time: Floats, lines: Mapping[str, Floats], colours: Sequence[str]) -> None:
    """Write the name of each line `(time,)` beside it, where it lies furthest from the others; one line needs none.

    Call it once the limits of the axes are set.
    """
    if len(lines) < 2:
        return
    low, high = ax.get_ylim()
    scale = np.log if ax.get_yscale() == "log" else np.asarray
    values = (scale(np.array(list(lines.values()))) - scale(low)) / (scale(high) - scale(low))
    inner = np.flatnonzero((time >= 0.15 * time[-1]) & (time <= 0.8 * time[-1]))
    taken: list[tuple[float, float]] = []
    for i, name in enumerate(lines):
        at, spot, up = _clearest(values, inner, i, taken, time, len(short(name)))
        taken.append((time[at] / time[-1], spot))
        ax.text(
            time[at] / 12, spot - (0.05 if up else -0.05), short(name), transform=ax.get_xaxis_transform(), ha="center",
            va="bottom" if up else "top", color=colours[i % len(colours)], fontsize=7, fontweight="bold",
        )  # fmt: skip


def _clearest(
    values: Floats, inner: NDArray[np.intp], own: int, taken: Sequence[tuple[float, float]], time: Floats, letters: int
) -> tuple[int, float, bool]:
    """Return where along a line, how high, and whether above it, a name is furthest from lines, names and the frame."""
    best = (-1.0, int(inner[0]), 0.5, True)
    reach = max(round(len(time) * 0.02 * letters), 1)
    for at in inner:
        near = values[:, max(at - reach, 0) : at + reach + 1]
        for up in (True, False):
            spot = float(near[own].max() + 0.08) if up else float(near[own].min() - 0.08)
            free = [abs(spot - edge) for edge in (0.0, 1.0)] if 0 < spot < 1 else [0.0]
            free += [float(np.abs(near[k] - spot).min()) for k in range(len(values)) if k != own]
            free += [np.hypot((time[at] / time[-1] - x) / 2, spot - y) for x, y in taken]
            best = max(best, (min(free), int(at), spot, up))
    return best[1:]


def looks_words(names: Sequence[str]) -> str:
    """Say which line is which ensemble."""
    words = ("solid blue", "dashed red", "dash-dotted green", "dotted purple")
    return "; ".join(f"{words[i % 4]}: {short(name)}" for i, name in enumerate(names)) if len(names) > 1 else "blue"


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
    worlds = ", ".join(f"{short(name, 60)} ({worlds_words(name)})" for name in done.ensembles)
    stamp = (
        f"{CAUTION} Context '{short(done.context, 60)}', relapse = {relapse}, {done.runs:,} worlds {worlds}, "
        f"seed {done.seed}, {done.effort_months:g} effort-months, model {str(done.provenance['model_hash'])[:12]}, "
        f"transition_sim {done.provenance['versions']['transition_sim']}."
    )
    frame(figure, text, stamp, width)


def frame(figure: Figure, text: str, stamp: str, width: float) -> None:
    """Put what a figure shows above it and what it rests on below, wrapped to its width in mm."""
    figure.suptitle(
        "\n".join(textwrap.wrap(text, int(width / 1.52), break_on_hyphens=False)), x=0.01, ha="left", fontsize=8
    )
    figure.supxlabel("\n".join(textwrap.wrap(stamp, int(width / 1.15))), x=0.01, ha="left", fontsize=6, color=GREY)


def settle(figure: Figure) -> Figure:
    """Lay a figure out once and for all, so that drawing it in several formats costs no further layout."""
    with style():
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def drawn(figure: Figure, form: str) -> bytes:
    """Return a figure as the bytes of an SVG or PNG file; the same figure gives the same bytes.

    The canvas is asked at once: `savefig` would draw everything twice.
    """
    buffer, dots = io.BytesIO(), figure.dpi
    canvas: Any = FigureCanvasSVG(figure) if form == "svg" else FigureCanvasAgg(figure)
    with style():
        if form == "svg":
            canvas.print_svg(buffer, metadata={"Date": None})
        else:
            canvas.print_png(buffer, metadata={"Software": None})
    figure.dpi = dots
    return buffer.getvalue()


def drawing(make: Callable[[Any, float], Figure], given: Any) -> Drawing:
    """Return what a figure function draws of something, as SVG at both widths."""
    page, column = (settle(make(given, width)) for width in (PAGE, COLUMN))
    return Drawing(drawn(page, "svg").decode(), drawn(column, "svg").decode(), said(page))


def said(figure: Figure) -> str:
    """Return what a figure says above its panels, as one line."""
    return " ".join(figure.get_suptitle().split())


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
    return Picture(buffer.getvalue(), said(figure) or "A figure.")


def save(figure: Figure, path: Path, formats: Iterable[str] = ("svg", "png")) -> list[Path]:
    """Write a figure in some formats, each by a temporary name and a rename; the same figure gives the same bytes."""
    settle(figure)
    return [write_bytes(path.with_suffix(f".{form}"), drawn(figure, form)) for form in formats]


def font_folder() -> Path:
    """Return the folder of the typeface that figures are drawn in, DejaVu Sans."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def letters_of(*faces: str) -> frozenset[int]:
    """Return the code points that all of some faces of the typeface can draw, such as `DejaVuSans-Bold`."""
    from matplotlib.ft2font import FT2Font

    return frozenset.intersection(
        *(frozenset(FT2Font(str(font_folder() / f"{face}.ttf")).get_charmap()) for face in faces)
    )
