"""Figures of a comparison: options with paired differences; the list of all figures; saving them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transition_sim.data import write_bytes
from transition_sim.figures.courses import money_figure, trajectories_figure
from transition_sim.figures.draw import (
    BLUE,
    COLUMN,
    GREY,
    MM,
    PAGE,
    Drawing,
    Floats,
    drawing,
    drawn,
    finish,
    said,
    same_scale,
    settle,
    short,
    style,
)
from transition_sim.figures.hazard import hazard_figure
from transition_sim.figures.ranks import ranks_figure
from transition_sim.figures.timeline import timeline_figure
from transition_sim.study.ensembles import ENSEMBLES
from transition_sim.study.outcomes import Comparison, Outcome, quantiles
from transition_sim.study.scenario import DEFINITIONS
from transition_sim.study.wording import finding, label, spread_of_worlds


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
    ax.set_yticks(range(len(options)), [short(label(option)) for option in options])
    ax.set_ylim(len(options) - 0.5, -0.5)
    ax.set_xlabel(text)
    ax.tick_params(axis="y", length=0)
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


def _headline(done: Comparison) -> str:
    """Say what the comparison shows, with its range."""
    parts = [*map(finding, done.outcomes), spread_of_worlds(done.outcomes[0])]
    return " ".join([*parts, "Dot: median; bar: 10th to 90th percentile."])


COMPARISON_FIGURES: Mapping[str, Callable[[Comparison, float], Figure]] = {
    "options": comparison_figure,
    "ranks": ranks_figure,
    "trajectories": trajectories_figure,
    "hazard-by-driver": hazard_figure,
    "money": money_figure,
    "timeline": timeline_figure,
}
BY_ENSEMBLE = {"options"}
"""Figures that are drawn for each ensemble apart; the others show all ensembles together."""


def parts(done: Comparison) -> Iterator[tuple[str, str, Comparison]]:
    """Yield each figure of a comparison: its file name, its kind, and the part of the comparison that it draws."""
    for name in COMPARISON_FIGURES:
        for definition in done.definitions:
            under = done.under(definition)
            mark = f"-{definition.replace('_', '-')}" if len(done.definitions) > 1 else ""
            if name not in BY_ENSEMBLE or len(done.ensembles) == 1:
                yield f"{name}{mark}", name, under
                continue
            for ensemble in done.ensembles:
                yield f"{name}-{ensemble}{mark}", name, under.within(ensemble)


def pictures(done: Comparison) -> dict[str, Drawing]:
    """Return every figure of a comparison as SVG, by file name."""
    return {file: drawing(COMPARISON_FIGURES[name], part) for file, name, part in parts(done)}


def save_comparison(done: Comparison, folder: Path) -> tuple[list[Path], dict[str, Drawing]]:
    """Save every figure of a comparison, page and column wide, as SVG and PNG; return the paths and the pictures."""
    written: list[Path] = []
    found: dict[str, Drawing] = {}
    for file, name, part in parts(done):
        texts = []
        for width, mark in ((PAGE, ""), (COLUMN, "-column")):
            figure = settle(COMPARISON_FIGURES[name](part, width))
            texts.append(drawn(figure, "svg"))
            written.append(write_bytes(folder / f"{file}{mark}.svg", texts[-1]))
            written.append(write_bytes(folder / f"{file}{mark}.png", drawn(figure, "png")))
        found[file] = Drawing(texts[0].decode(), texts[1].decode(), said(figure))
    _drop_others(folder, written)
    return written, found


def _drop_others(folder: Path, written: Sequence[Path]) -> None:
    """Remove the figures of an earlier comparison that this one, which replaces it, does not have."""
    kinds, definitions = "|".join(COMPARISON_FIGURES), "|".join(name.replace("_", "-") for name in DEFINITIONS)
    pattern = re.compile(rf"({kinds})(-({'|'.join(ENSEMBLES)}))?(-({definitions}))?(-column)?\.(svg|png)")
    for path in folder.iterdir():
        if pattern.fullmatch(path.name) and path not in written:
            path.unlink()
