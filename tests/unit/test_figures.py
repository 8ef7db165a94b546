"""Figures: text neither overlaps nor leaves the picture, axes carry units, the stamp and the ranges are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import transition_sim as ts
from transition_sim import figures
from transition_sim.study.outcomes import Comparison
from transition_sim.study.sensitivity.analysis import Sensitivity
from transition_sim.study.timing import Timing

WIDTHS = (figures.COLUMN, figures.PAGE)


def slow(value: object) -> Any:
    """Return a parameter that is left out by `make test`."""
    return pytest.param(value, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return ts.compare(context="unamsil_like", runs=12, seed=3)


@pytest.fixture(scope="module")
def one_bundle() -> Comparison:
    return ts.compare(options=["spread"], runs=5, bundle="same")


@pytest.fixture(scope="module")
def both() -> Comparison:
    return ts.compare(context="unmil_like", runs=4, ensemble="both", bundle="role")


def texts(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """Yield what is written in a figure and the box it takes, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = {id(label) for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for label in beyond(axis)}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden:
            yield text.get_text(), text.get_window_extent(renderer)


def beyond(axis: Axis) -> list[Text]:
    """Return the tick labels outside an axis' view, which are kept but not drawn."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    return [tick.label1 for tick in axis.get_major_ticks() if not low - slack <= tick.get_loc() <= high + slack]


def assert_legible(figure: Figure) -> None:
    with figures.style():
        boxes = list(texts(figure))
    page = figure.bbox
    assert len(boxes) > 5
    for words, box in boxes:
        assert page.x0 - 1 <= box.x0, f"'{words}' leaves the figure"
        assert box.x1 <= page.x1 + 1, f"'{words}' leaves the figure"
        assert page.y0 - 1 <= box.y0, f"'{words}' leaves the figure"
        assert box.y1 <= page.y1 + 1, f"'{words}' leaves the figure"
    for (one, a), (other, b) in combinations(boxes, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width < 1 or height < 1, f"'{one}' overlaps '{other}'"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", figures.COMPARISON_FIGURES)
def test_comparison_figures_are_legible(comparison: Comparison, name: str, width: float) -> None:
    assert_legible(figures.COMPARISON_FIGURES[name](comparison, width))


@pytest.mark.parametrize("name", ["hazard-by-driver", "money", "trajectories"])
def test_figures_of_two_ensembles_are_legible_in_a_column(both: Comparison, name: str) -> None:
    """With a mission of fourteen years, so that names of windows must give way."""
    assert_legible(figures.COMPARISON_FIGURES[name](both, figures.COLUMN))


@pytest.mark.parametrize("width", WIDTHS)
def test_figure_of_one_bundle_is_legible(one_bundle: Comparison, width: float) -> None:
    assert_legible(figures.comparison_figure(one_bundle, width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["transition", "aid_gap"])
def test_run_figures_are_legible(name: str, width: float) -> None:
    model = ts.load_model(name)
    assert_legible(figures.run_figure(ts.simulate(model), model, width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("design", [slow("saltelli"), slow("morris"), "grid"])
def test_sensitivity_figures_are_legible_and_carry_their_sample(design: str, width: float, tmp_path: Path) -> None:
    found = analysed(design, tmp_path)
    figure = figures.sensitivity_figure(found, width)
    assert_legible(figure)
    written = " ".join(" ".join(words.split()) for words, _ in texts(figure))
    design_words = f"design {design}, "
    for part in ("not a forecast", "95 % interval", str(found.sample["sweep_id"]), design_words, "seed 7", "points"):
        assert part in written, part
    for ax in figure.axes:
        assert ax.get_xlabel()


def analysed(design: str, folder: Path) -> Sensitivity:
    """Return a small sweep's indices: three options over a few inputs with long names."""
    runs = {"saltelli": 16, "morris": 10, "grid": 40}[design]
    (folder / "s.yaml").write_text(
        "title: small\nbased_on: contexts/reference\nlevers:\n  entry point: [entry_points/none, "
        "entry_points/mission_start, entry_points/late_transition]\nuncertainties: [security force building time, "
        f"baseline hazard of war, PBC institution size, half effect effort]\ndesign: {design}\nruns: {runs}\n"
        "outcomes: [relapse probability at 20 years]\n"
    )
    return ts.sensitivity(ts.run_sweep(folder / "s.yaml", folder / "o", csv=False), resamples=20)


def test_sensitivity_figure_shows_the_numbers_of_the_table(tmp_path: Path) -> None:
    found = analysed("saltelli", tmp_path)
    ax = figures.index_intervals(Figure().subplots(), found, found.headlines[1])
    bars = np.array([line.get_xdata() for line in ax.get_lines() if len(set(line.get_ydata())) == 1][::3])
    rows = found.of(found.headlines[1])
    assert bars[: len(rows)] == pytest.approx(rows[["low", "high"]].to_numpy())
    ax = figures.tornado(Figure().subplots(), found, found.headlines[0])
    ends = [patch.get_x() + patch.get_width() for patch in ax.patches]
    expected = 100 * found.of(found.headlines[0])[["when_low", "when_high"]].to_numpy().ravel()
    assert ends == pytest.approx(expected)


def test_an_input_no_clearer_than_chance_is_not_called_a_driver(tmp_path: Path) -> None:
    found = analysed("grid", tmp_path)

    def says(table: pd.DataFrame) -> str:
        return figures.picture(figures.sensitivity_figure(replace(found, table=table))).words

    assert "driven most by baseline hazard of war" in says(found.table.assign(clear=1.0))
    nothing = says(found.table.assign(clear=0.0))
    assert "no input stands out from chance" in nothing
    assert "driven most" not in nothing


@pytest.fixture(scope="module", params=["reference", slow("unmil_like")])
def timing(request: pytest.FixtureRequest) -> Timing:
    return ts.draw_down_timing(request.param, runs=12)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", [figures.surface_figure, figures.frontier_figure])
def test_timing_figures_are_legible_and_say_what_they_rest_on(
    timing: Timing, make: Callable[[Timing, float], Figure], width: float
) -> None:
    figure = make(timing, width)
    assert_legible(figure)
    written = " ".join(" ".join(words.split()) for words, _ in texts(figure))
    for part in ("not a forecast", "12 worlds of c5", "seed 7", f"Profile '{timing.context}'", "10th to 90th"):
        assert part in written, part
    for ax in figure.axes:
        assert ax.get_xlabel()


def test_surfaces_are_labelled_with_what_they_show(timing: Timing) -> None:
    ax = figures.timing_surface(Figure().subplots(), timing, "calendar")
    labels = [text for text in ax.texts if "%" in text.get_text()]
    assert len(labels) >= 3
    middle = 100 * timing.surface("calendar")[1]
    for text in labels:
        start, duration = text.get_position()
        column = [np.interp(duration, timing.durations, row) for row in middle]
        assert np.interp(start, timing.starts, column) == pytest.approx(float(text.get_text()[:-2]), abs=0.4)


def test_legibility_check_finds_an_overlap(comparison: Comparison) -> None:
    figure = figures.comparison_figure(comparison)
    figure.axes[0].set_title("a title that is far too long for the axes that it stands above " * 3)
    with pytest.raises(AssertionError, match=r"overlaps|leaves"):
        assert_legible(figure)


@pytest.mark.parametrize("name", figures.COMPARISON_FIGURES)
def test_figures_carry_units_ranges_and_the_stamp(comparison: Comparison, name: str) -> None:
    figure = figures.COMPARISON_FIGURES[name](comparison, figures.PAGE)
    written = " ".join(" ".join(words.split()) for words, _ in texts(figure))
    ranged = "10th to 90th percentile" if name != "timeline" else "Planned dates"  # dates carry no range
    for part in (
        "not a forecast", "PBC effects is an assumption", "c5 (mission effect", "seed 3", "unamsil_like",
        "relapse = war", ranged, str(comparison.provenance["model_hash"])[:12],
    ):  # fmt: skip
        assert part in written, part
    for ax in figure.axes:
        assert ax.get_xlabel() or ax.get_ylabel()


def test_options_figure_shows_the_numbers_of_the_comparison(comparison: Comparison) -> None:
    figure = figures.comparison_figure(comparison)
    outcome = comparison.outcomes[0]
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 2]
    drawn = np.array([line.get_xdata() for line in lines])
    expected = 100 * np.quantile(outcome.probability[-1], (0.1, 0.9), axis=1).T
    assert drawn == pytest.approx(expected)


def test_both_bundles_share_their_scales(comparison: Comparison) -> None:
    axes = figures.comparison_figure(comparison).axes
    assert axes[0].get_xlim() == axes[2].get_xlim()
    assert axes[1].get_xlim() == axes[3].get_xlim()


def test_colours_differ_in_grey() -> None:
    """Line, band and marks are told apart when printed in grey."""
    lightness = [
        float(np.dot(mpl.colors.to_rgb(c), (0.299, 0.587, 0.114)))
        for c in (figures.BLUE, figures.SKY, figures.YELLOW)
    ]  # fmt: skip
    assert min(abs(a - b) for a, b in combinations(lightness, 2)) > 0.15


def test_figures_are_saved_whole_and_the_same_each_time(one_bundle: Comparison, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        written = figures.save(figures.comparison_figure(one_bundle), tmp_path / folder / "options")
        assert [path.suffix for path in written] == [".svg", ".png"]
    for suffix in ("svg", "png"):
        assert (tmp_path / f"a/options.{suffix}").read_bytes() == (tmp_path / f"b/options.{suffix}").read_bytes()
    assert b"<text" in (tmp_path / "a/options.svg").read_bytes()
