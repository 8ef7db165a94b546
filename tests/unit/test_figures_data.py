"""What ten figures draw is what the results say: lines, bars, bands and cells are read back out of the axes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import transition_sim as ts
from transition_sim import figures
from transition_sim.engine.result import Result
from transition_sim.model.equations import Kind
from transition_sim.model.insight import feedback_loops
from transition_sim.study.ensembles import load_ensemble
from transition_sim.study.evidence import judge, load_evidence
from transition_sim.study.outcomes import Comparison
from transition_sim.study.ranges import scenario_ranges
from transition_sim.study.worlds import load_uncertainties, sampled

Points = list[tuple[np.ndarray, np.ndarray]]
LEVELS = (0.1, 0.5, 0.9)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return ts.compare(runs=9, seed=6, ensemble="both", bundle="role")


@pytest.fixture(scope="module")
def saved(done: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    ts.save_comparison(done, folder)
    return folder


@pytest.fixture(scope="module")
def worlds(saved: Path) -> pd.DataFrame:
    return pd.read_csv(saved / "worlds.csv")


@pytest.fixture(scope="module")
def bands(saved: Path) -> pd.DataFrame:
    frame = pd.read_csv(saved / "bands.csv")
    return frame[frame.option == "none"].set_index(["variable", "ensemble"]).sort_index()


def lines(ax: Axes, style: str | None = None, colour: str | None = None) -> Points:
    """Return x and y of the lines of an axes, of one dash or colour if asked."""
    return [
        (np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float))
        for line in ax.get_lines()
        if (style is None or line.get_linestyle() == style) and (colour is None or line.get_color() == colour)
    ]


def panel(figure: Figure, title: str) -> Axes:
    """Return the panel of a title."""
    return next(ax for ax in figure.axes if " ".join(ax.get_title(loc="left").split()) == title)


def options(worlds: pd.DataFrame, ensemble: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield options with their 20-year risk and change in points, a value a world."""
    part = worlds[worlds.ensemble == ensemble]
    none = part[part.option == "none"]["relapse_probability_20y"].to_numpy()
    for option, rows in part.groupby("option", sort=False):
        risk = rows["relapse_probability_20y"].to_numpy()
        yield str(option), 100 * risk, 100 * (risk - none)


@pytest.mark.parametrize(("place", "what"), [(0, 1), (1, 2)])
def test_options_show_risk_and_change(done: Comparison, worlds: pd.DataFrame, place: int, what: int) -> None:
    ax = figures.comparison_figure(done.within("c6")).axes[place]
    rows = [row for row in options(worlds, "c6") if place == 0 or row[0] != "none"]
    bars = [x for x, y in lines(ax) if len(x) == 2 and y[0] == y[1]]
    dots = [x[0] for x, _ in lines(ax) if len(x) == 1]
    wanted = np.array([np.quantile(row[what], LEVELS) for row in rows])
    assert np.array(bars) == pytest.approx(wanted[:, [0, 2]])
    assert np.array(dots) == pytest.approx(wanted[:, 1])


def test_ranks_show_shares_of_worlds(done: Comparison, worlds: pd.DataFrame) -> None:
    for ax, ensemble in zip(figures.ranks_figure(done).axes, ("c5", "c6"), strict=True):
        risks = np.array([risk for _, risk, _ in options(worlds, ensemble)])
        places = np.argsort(np.argsort(risks, axis=0), axis=0)
        count = len(risks)
        wanted = np.array([[100 * (places[i] == rank).mean() for rank in range(count)] for i in range(count)])
        cells = ax.collections[0].get_array().reshape(count, count)
        assert np.asarray(cells) == pytest.approx(wanted)
        told = np.array([text.get_text() for text in ax.texts]).reshape(count, count)
        assert told[wanted > 0.5].astype(float) == pytest.approx(wanted[wanted > 0.5], abs=0.5)


@pytest.mark.parametrize(
    ("variable", "scale"), [("security", 1), ("aid gap", 1), ("relapse probability", 100), ("active spoilers", 1e-3)]
)
def test_trajectories_show_the_bands(done: Comparison, bands: pd.DataFrame, variable: str, scale: float) -> None:
    ax = panel(figures.trajectories_figure(done), variable)
    assert_bands(ax, bands, variable, scale)


def assert_bands(ax: Axes, bands: pd.DataFrame, variable: str, scale: float) -> None:
    for ensemble, style in (("c5", "-"), ("c6", "--")):
        wanted = bands.loc[(variable, ensemble)]
        found = [(x, y) for x, y in lines(ax, style) if len(x) == len(wanted)]
        x, y = found[-1]
        assert 12 * x == pytest.approx(wanted["month"].to_numpy())
        assert y == pytest.approx(scale * wanted["median"].to_numpy(), rel=1e-8, abs=1e-12)
    shaded = [path.vertices[:, 1] for area in ax.collections for path in area.get_paths()]
    for area, ensemble in zip(shaded[-2:], ("c5", "c6"), strict=True):
        wanted = bands.loc[(variable, ensemble)]
        assert area.min() == pytest.approx(scale * wanted["p10"].min(), rel=1e-8, abs=1e-12)
        assert area.max() == pytest.approx(scale * wanted["p90"].max(), rel=1e-8)


@pytest.mark.parametrize("driver", ["mission", "weak state", "aid shock"])
def test_hazard_shows_what_each_driver_multiplies_it_by(done: Comparison, bands: pd.DataFrame, driver: str) -> None:
    figure = figures.hazard_figure(done)
    for ensemble, style in (("c5", "-"), ("c6", "--")):
        wanted = bands.loc[(f"hazard from {driver}", ensemble)]
        wanted = wanted[wanted["month"] >= 0]
        x, y = [(x, y) for x, y in lines(panel(figure, driver), style) if len(x) == len(wanted)][-1]
        assert 12 * x == pytest.approx(wanted["month"].to_numpy())
        assert y == pytest.approx(np.exp(wanted["median"].to_numpy()), rel=1e-7)
        total = bands.loc[("relapse hazard", ensemble)]
        total = total[total["month"] >= 0]
        yearly = [y for x, y in lines(panel(figure, "all together"), style) if len(x) == len(total)][-1]
        assert yearly == pytest.approx(1200 * total["median"].to_numpy(), rel=1e-7)


def test_hazard_marks_draw_down_elections_and_windows(done: Comparison) -> None:
    """Month 48 to 72, elections in months 24 and 84, and the windows of the interface, in every panel."""
    windows = {(-6, 24), (6, 48), (42, 72), (66, 120), (0, 240)}
    for ax in figures.hazard_figure(done).axes:
        assert [patch.get_x() * 12 for patch in ax.patches] == pytest.approx([48])
        assert [patch.get_width() * 12 for patch in ax.patches] == pytest.approx([24])
        dots = sorted(12 * x[0] for x, _ in lines(ax, ":") if len(x) == 2)
        assert dots == pytest.approx([24, 84])
        if ax.get_title(loc="left") == "all together":
            continue
        edges = {
            (round(12 * area.get_paths()[0].vertices[:, 0].min()), round(12 * area.get_paths()[0].vertices[:, 0].max()))
            for area in ax.collections
        }
        assert windows <= edges


@pytest.mark.parametrize(
    ("title", "variable"),
    [("new pledges", "pledging"), ("aid disbursement", "aid disbursement"), ("aid gap", "aid gap")],
)
def test_money_shows_the_bands(done: Comparison, bands: pd.DataFrame, title: str, variable: str) -> None:
    assert_bands(panel(figures.money_figure(done), title), bands, variable, 1)


@pytest.mark.parametrize(
    ("title", "variables"),
    [
        ("need, paid, gap", ("aid need", "aid disbursement", "aid gap")),
        ("fate of pledges", ("cumulative pledges", "cumulative aid disbursed", "cumulative pledges lapsed")),
    ],
)
def test_money_lines_are_medians(done: Comparison, bands: pd.DataFrame, title: str, variables: tuple[str, ...]) -> None:
    ax = panel(figures.money_figure(done), title)
    found = [y for x, y in lines(ax) if len(x) > 2]
    for y, variable in zip(found, variables, strict=True):
        assert y == pytest.approx(bands.loc[(variable, "c5")]["median"].to_numpy(), rel=1e-8, abs=1e-12)
    assert {text.get_text() for text in ax.texts} in ({"need", "paid", "gap"}, {"pledged", "paid", "lapsed"})


def test_timeline_shows_mission_elections_instruments_and_effort(done: Comparison, bands: pd.DataFrame) -> None:
    ax = figures.timeline_figure(done).axes[0]
    names = [" ".join(label.get_text().split()) for label in ax.get_yticklabels()]
    lane = dict(zip(names, ax.get_yticks(), strict=True))
    boxes = [
        (12 * v[:, 0].min(), 12 * v[:, 0].max(), v[:, 1].min(), v[:, 1].max())
        for v in (area.get_paths()[0].vertices for area in ax.collections)
    ]
    for span in done.calendar:
        if span.kind == "election":
            continue
        name = {"draw_down": "draw-down"}.get(span.name, span.name.replace("_", " "))
        own = [box for box in boxes if abs((box[2] + box[3]) / 2 - lane[name]) < 0.45]
        assert any((start, end) == pytest.approx((span.start, span.end)) for start, end, _, _ in own), span
    dots = [(12 * x[0], y[0]) for x, y in lines(ax) if len(x) == 1]
    assert np.array(dots) == pytest.approx(np.array([(24, lane["elections"]), (84, lane["elections"])]))
    deployed = bands.loc[("peacekeepers deployed", "c5")]
    mission = ax.collections[0].get_paths()[0].vertices
    top = np.interp(36 / 12, deployed["month"] / 12, deployed["median"] / deployed["median"].max())
    at = mission[np.isclose(mission[:, 0], 3.0)][:, 1]
    assert at.max() - at.min() == pytest.approx(0.8 * top)


def test_effort_bars_are_as_high_as_the_effort(done: Comparison) -> None:
    """Height times length of an option's bars is its budget: 18 effort-months."""
    ax = figures.timeline_figure(done).axes[0]
    lane = {" ".join(t.get_text().split()): y for t, y in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}
    for name in ("mission start", "during mission", "draw-down", "late transition", "throughout", "spread"):
        areas = [a.get_paths()[0].vertices for a in ax.collections if to_hex(a.get_facecolor()[0]) == "#0072b2"]
        own = [v for v in areas if v[:, 1].min() == pytest.approx(lane[name] - 0.4)]
        assert sum(np.ptp(v[:, 0]) * 12 * np.ptp(v[:, 1]) / 0.8 * 0.6 for v in own) == pytest.approx(18, rel=1e-6)


def test_evidence_shows_each_target_on_the_scale_of_its_band() -> None:
    model = ts.load_model()
    evidence = load_evidence(model)
    columns = {name: column[:20] for name, column in load_ensemble(model, "c5").columns.items()}
    found = judge(model, evidence, columns, "c5", ["C3", "C9", "C11"])
    ax = figures.evidence_figure({"c5": found}).axes[0]
    dots = [x[0] for x, _ in lines(ax, "None") if len(x) == 1][: len(found)]
    for dot, verdict in zip(dots, found, strict=True):
        low, high = verdict.target.band
        middle = np.quantile(verdict.values, 0.5, method="inverted_cdf")
        assert dot == pytest.approx(np.clip((middle - low) / (high - low), -1.2, 2.2))


def test_prior_and_posterior_show_what_moved() -> None:
    model = ts.load_model()
    prior = sampled(load_uncertainties(model)[0])
    each = load_ensemble(model, "c5")
    ax = figures.moved_figure(prior, [each], {name: model.find(name).unit for name in prior}).axes[0]
    names = [label.get_text().rsplit(" (", 1)[0] for label in ax.get_yticklabels()]
    assert set(names) == {row["constant"] for row in each.sheet["moved"]}
    dots = [x[0] for x, _ in lines(ax) if len(x) == 1]
    wanted = [np.median(prior[name].share(each.columns[name])) for name in names]
    assert dots == pytest.approx(wanted)


@pytest.fixture(scope="module")
def run() -> Result:
    return ts.simulate(ts.load_model("aid_gap"))


def test_run_shows_its_stocks(run: Result) -> None:
    model = ts.load_model("aid_gap")
    figure = figures.run_figure(run, model)
    stocks = [v.name for v in model.variables.values() if v.kind is Kind.STOCK]
    for name in stocks:
        x, y = lines(panel(figure, name))[0]
        assert x == pytest.approx(run.time)
        assert y == pytest.approx(run[name][:, 0])


def test_run_shows_its_range_over_worlds() -> None:
    model = ts.load_model()
    ranges = scenario_ranges(model, ts.load_scenario("contexts/reference"), "c5", [20], 5, 3)
    result = ts.simulate(model, ts.load_scenario("contexts/reference"))
    ax = panel(figures.run_figure(result, model, ranges=[ranges]), "legitimacy")
    area = ax.collections[0].get_paths()[0].vertices[:, 1]
    low, _, high = ranges.bands["legitimacy"]
    assert (area.min(), area.max()) == pytest.approx((low.min(), high.max()))


def test_loops_show_their_shares() -> None:
    model = ts.load_model("aid_gap")
    found = feedback_loops(model)
    ax = figures.loops_figure(found, model).axes[0]
    shares = [100 * loop.share for loop in found.loops]
    drawn = [y for x, y in lines(ax) if len(x) == len(found.time)]
    assert drawn
    for y in drawn:
        assert any(y == pytest.approx(share) for share in shares)
