"""Every number in the report's tables, recomputed from the files beside it, by other means than the report's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import transition_sim as ts
from transition_sim.data import models_folder, scenarios_folder
from transition_sim.figures import Drawing
from transition_sim.figures.comparison import parts
from transition_sim.report.comparison import comparison_document
from transition_sim.report.page import page
from transition_sim.study import comparison
from transition_sim.units import split_number

pytestmark = pytest.mark.slow

YEARS = (5, 10, 15, 20)
LABELS = {"draw_down": "draw-down"}
Grid = list[list[Any]]
BLANK = Drawing('<svg xmlns="http://www.w3.org/2000/svg"/>', '<svg xmlns="http://www.w3.org/2000/svg"/>', "text")


class Tables(HTMLParser):
    """Collects the cells of every table of a page by its id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, Grid] = {}
        self.heads: dict[str, list[str]] = {}
        self.cell: list[str] | None = None
        self.inside = self.id = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.id = dict(attrs)["id"] or ""
            self.found[self.id], self.heads[self.id] = [], []
        elif tag in ("thead", "tbody"):
            self.inside = tag
        elif tag == "tr" and self.inside == "tbody":
            self.found[self.id].append([])
        elif tag in ("td", "th"):
            self.cell = []
        elif tag == "span" and self.cell is not None:
            self.cell.append(" | ")

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self.cell is not None:
            text = "".join(self.cell).strip()
            (self.heads[self.id] if self.inside == "thead" else self.found[self.id][-1]).append(text)
            self.cell = None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "REFEREED", 1)  # SciPy's look at more runs is tested elsewhere
        ts.save_comparison(ts.compare(runs=11, seed=4, ensemble="both", definition="all"), place)
    return place


@pytest.fixture(scope="module")
def tables(folder: Path) -> Tables:
    done = ts.load_comparison(folder)
    return Tables(page(comparison_document(done, {file: BLANK for file, _, _ in parts(done)})))


@pytest.fixture(scope="module")
def worlds(folder: Path) -> pd.DataFrame:
    frame = pd.read_csv(folder / "worlds.csv")
    keys = ["ensemble", "definition", "bundle", "world"]
    risk = frame["relapse_probability_20y"]
    none = frame[frame.option == "none"].set_index(keys)["relapse_probability_20y"]
    frame["change"] = risk - none.loc[pd.MultiIndex.from_frame(frame[keys])].to_numpy()
    frame["regret"] = risk - frame.groupby(keys)["relapse_probability_20y"].transform("min")
    first = frame["regret"] == 0
    frame["best"] = first / first.groupby([frame[key] for key in keys]).transform("sum")
    return frame


def name(option: str) -> str:
    return LABELS.get(option, option.replace("_", " "))


def ranges(values: pd.Series, scale: float = 1) -> tuple[float, float, float]:
    """Return the 10th and 90th percentile and the median, between the sorted values."""
    ordered = np.sort(scale * values.to_numpy())
    low, high, middle = (
        float(np.interp(q * (len(ordered) - 1), np.arange(len(ordered)), ordered)) for q in (0.1, 0.9, 0.5)
    )
    return low, high, middle


def groups(frame: pd.DataFrame, definition: str, ensemble: str | None = None) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yield ensemble, bundle and option with their rows, in the order of the file."""
    part = frame[(frame.definition == definition) & ((frame.ensemble == ensemble) | (ensemble is None))]
    yield from part.groupby(["ensemble", "bundle", "option"], sort=False)


def risk_rows(worlds: pd.DataFrame, definition: str, ensemble: str) -> Grid:
    return [
        [
            bundle, name(option), ranges(g["relapse_probability_20y"], 100),
            "-" if option == "none" else ranges(g["change"], 100), 100 * g["best"].mean(), ranges(g["regret"], 100),
        ]
        for (_, bundle, option), g in groups(worlds, definition, ensemble)
    ]  # fmt: skip


def horizon_rows(worlds: pd.DataFrame, definition: str, ensemble: str) -> Grid:
    return [
        [bundle, name(option), *(ranges(g[f"relapse_probability_{year}y"], 100) for year in YEARS),
         *(g[f"effort_spent_{year}y"].mean() for year in YEARS)]
        for (_, bundle, option), g in groups(worlds, definition, ensemble)
    ]  # fmt: skip


def rank_rows(worlds: pd.DataFrame, definition: str) -> Grid:
    part = worlds[worlds.definition == definition]
    order = list(dict.fromkeys(part.option))
    share = {(e, b, o): np.zeros(len(order)) for (e, b, o), _ in groups(worlds, definition)}
    for (ensemble, bundle, _), g in part.groupby(["ensemble", "bundle", "world"], sort=False):
        place = g["relapse_probability_20y"].rank(method="min").astype(int).to_numpy() - 1
        for option, rank in zip(g.option, place, strict=True):
            tied = int((place == rank).sum())
            share[ensemble, bundle, option][rank : rank + tied] += 1 / tied
    runs = part.world.nunique()
    return [[e, b, name(o), *(100 * values / runs)] for (e, b, o), values in share.items()]


def assumption_rows(worlds: pd.DataFrame, folder: Path, definition: str) -> Grid:
    other = pd.read_csv(folder / "assumptions.csv")
    names = list(other.columns[5:])
    keys = ["ensemble", "definition", "bundle", "option", "world"]
    joined = other.merge(worlds[[*keys, "relapse_probability_20y"]], on=keys)
    joined = joined.rename(columns={"relapse_probability_20y": "as sampled"})
    rows = []
    for (ensemble, bundle, option), g in groups(joined, definition):
        if option == "none":
            none = g.set_index("world")
            continue
        own = g.set_index("world")
        rows.append([ensemble, bundle, name(option),
                     *(100 * (own[n] - none[n]).median() for n in ("as sampled", *names))])  # fmt: skip
    return rows


def cost_rows(worlds: pd.DataFrame, definition: str, ensemble: str) -> Grid:
    return [
        [bundle, name(option), ranges(g["cost_musd"]), ranges(g["aid_gap_cumulative_musd"]),
         ranges(g["aid_gap_months_open"]), ranges(g["aid_gap_max_share"], 100),
         100 * g["aid_gap_opens_after_draw_down"].notna().mean()]
        for (_, bundle, option), g in groups(worlds, definition, ensemble)
    ]  # fmt: skip


COURSES = [
    ("peacekeepers deployed", 1e-3, "thousand people"), ("security", 1, "index 0 to 1"),
    ("active spoilers", 1e-3, "thousand people"), ("state capacity", 1, "index 0 to 1"),
    ("legitimacy", 1, "index 0 to 1"), ("agreement implementation", 1, "index 0 to 1"),
    ("aid disbursement", 1, "MUSD per month"), ("aid gap", 1, "MUSD per month"),
    ("relapse probability", 100, "% since mandate"),
]  # fmt: skip
MONEY = [
    ("pledging", 1, "MUSD per month"), ("outstanding pledges", 1, "MUSD"), ("aid disbursement", 1, "MUSD per month"),
    ("aid gap", 1, "MUSD per month"), ("aid need", 1, "MUSD per month"), ("cumulative pledges", 1, "MUSD"),
    ("cumulative aid disbursed", 1, "MUSD"), ("cumulative pledges lapsed", 1, "MUSD"),
]  # fmt: skip
DRIVERS = (
    "weak state", "low income", "exclusion", "spoilers", "illegitimacy", "unimplemented agreement", "aid shock",
    "region", "mission",
)  # fmt: skip


def band_rows(
    folder: Path, definition: str, wanted: list[tuple[str, float, str]], months: tuple[float, ...],
    change: Callable[[float], float] = float, told: Callable[[str], str] = str,
) -> Grid:  # fmt: skip
    """Return rows of a table of bands, without effort, under the first bundle."""
    frame = pd.read_csv(folder / "bands.csv")
    frame = frame[(frame.definition == definition) & (frame.option == "none") & (frame.bundle == "role")]
    at = frame.set_index(["variable", "month", "ensemble"])[["p10", "p90", "median"]]
    return [
        [told(variable), unit, month,
         *(tuple(scale * change(v) for v in at.loc[(variable, month, e)]) for e in ("c5", "c6"))]
        for variable, scale, unit in wanted for month in months
    ]  # fmt: skip


def hazard_rows(folder: Path, definition: str) -> Grid:
    months = (0, 48, 72, 84, 120, 180, 240)
    drivers = [(f"hazard from {driver}", 1.0, "times") for driver in DRIVERS]
    return [
        *band_rows(folder, definition, [("relapse hazard", 1200, "% a year")], months, told=lambda _: "hazard"),
        *band_rows(folder, definition, drivers, months, lambda v: float(np.exp(v)), lambda v: v[12:]),
    ]


def given_rows(path: Path) -> Iterator[list[Any]]:
    """Yield what a scenario file sets, with its reasons, read by another reader of YAML than the project's."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    for constant, value in tree["set"].items():
        number, unit = split_number(str(value)) or (float("nan"), "")
        yield [constant, number, unit, tree["why"][constant]]


def option_rows() -> Grid:
    order = ("none", "mission_start", "during_mission", "draw_down", "late_transition", "throughout", "spread")
    rows = [(o, row) for o in order for row in given_rows(scenarios_folder() / f"entry_points/{o}.yaml")]
    return [[name(option), *row] for option, row in rows if row[1] != 0]


def target_rows() -> Grid:
    tree = yaml.safe_load((models_folder() / "evidence.yaml").read_text(encoding="utf-8"))
    kept = {e: json.loads((scenarios_folder() / f"ensembles/{e}.json").read_text())["targets"] for e in ("c5", "c6")}
    rows = []
    for key, target in tree["targets"].items():
        fitted = [e for e in ("c5", "c6") if target["kind"] == "fitted" and e in target.get("ensembles", ("c5", "c6"))]
        low, high = target["band"]
        rows.append([
            key, target["quantity"], target["value"], target["basis"], f"{low:g} to {high:g}", target["kind"],
            *(100 * kept[e][key]["share of kept worlds inside"] for e in ("c5", "c6")), ", ".join(fitted) or "-",
        ])  # fmt: skip
    return rows


def ensemble_rows() -> Grid:
    rows = []
    for e in ("c5", "c6"):
        sheet = json.loads((scenarios_folder() / f"ensembles/{e}.json").read_text())
        head = (scenarios_folder() / f"ensembles/{e}.csv").read_text(encoding="utf-8").splitlines()
        rows.append([e, sheet["says"], len(head) - 1, len(head[0].split(",")), len(sheet["moved"]), re.compile(e)])
    return rows


def effort_rows(worlds: pd.DataFrame, folder: Path) -> Grid:
    spans = json.loads((folder / "basis.json").read_text())["calendar"]
    rows = []
    for (_, _, option), g in groups(worlds[worlds.bundle == "role"], "war", "c5"):
        title = yaml.safe_load((scenarios_folder() / f"entry_points/{option}.yaml").read_text())["title"]
        own = [f"{s['start']:g} to {s['end']:g}" for s in spans if s["kind"] == "effort" and s["name"] == option]
        spent = [g[f"effort_spent_{year}y"].mean() for year in YEARS]
        rows.append([name(option), title, ", ".join(own) or "none", *spent, "yes"])
    return rows


def calendar_rows(folder: Path) -> Grid:
    rows = []
    for span in json.loads((folder / "basis.json").read_text())["calendar"]:
        told = f"{name(span['name'])}: {span['role']}" if span["role"] else span["name"]
        rows.append([span["kind"], told, span["start"], span["end"], span["level"]])
    return rows


def provenance_rows(folder: Path) -> Grid:
    rows: Grid = []

    def add(tree: dict[str, Any], before: str) -> None:
        for key, value in tree.items():
            told = before + key.replace("_", " ")
            if isinstance(value, dict):
                add(value, told + ": ")
            else:
                rows.append([told, (", ".join(value) or "-") if isinstance(value, list) else str(value)])

    add(json.loads((folder / "provenance.json").read_text()), "")
    return rows


def expected(worlds: pd.DataFrame, folder: Path) -> dict[str, Grid]:
    """Return the cells of every table of the report."""
    months = (-12, 0, 48, 72, 84, 120, 180, 240)
    found = {
        "effort": effort_rows(worlds, folder),
        "numbers-timeline": calendar_rows(folder),
        "profile": list(given_rows(scenarios_folder() / "contexts/reference.yaml")),
        "option-files": option_rows(),
        "numbers-money": band_rows(folder, "war", MONEY, months),
        "ensembles": ensemble_rows(),
        "targets": target_rows(),
        "provenance": provenance_rows(folder),
    }
    for definition in ("war", "armed_conflict", "major_war"):
        mark = f"-{definition.replace('_', '-')}"
        found[f"numbers-ranks{mark}"] = rank_rows(worlds, definition)
        found[f"assumptions{mark}"] = assumption_rows(worlds, folder, definition)
        found[f"numbers-trajectories{mark}"] = band_rows(folder, definition, COURSES, months)
        found[f"numbers-hazard{mark}"] = hazard_rows(folder, definition)
        for ensemble in ("c5", "c6"):
            found[f"risk-{ensemble}{mark}"] = risk_rows(worlds, definition, ensemble)
            found[f"horizons-{ensemble}{mark}"] = horizon_rows(worlds, definition, ensemble)
    return found | {f"cost-{ensemble}": cost_rows(worlds, "war", ensemble) for ensemble in ("c5", "c6")}


def numbers(text: str) -> list[tuple[float, float]]:
    """Return the numbers of a cell, each with half a unit of its last digit."""
    parts = re.findall(r"[-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?", text)
    return [(float(p.replace(",", "")), 0.5 * 10.0 ** -len(p.partition(".")[2])) for p in parts]


def check_cell(cell: str, value: Any, where: str) -> None:
    """Hold a cell against text, a pattern, a number or a range `(low, high, middle)`."""
    if isinstance(value, str):
        assert cell == value, where
    elif isinstance(value, re.Pattern):
        assert value.search(cell), where
    else:
        wanted = list(value) if isinstance(value, tuple) else [value]
        found = numbers(cell)
        assert len(found) == len(wanted), where
        for (number, half), right in zip(found, wanted, strict=True):
            assert number == pytest.approx(right, abs=half + 1e-9), f"{where}: {cell}, not {right}"


def test_every_table_says_what_the_files_say(tables: Tables, worlds: pd.DataFrame, folder: Path) -> None:
    wanted = expected(worlds, folder)
    assert set(tables.found) - {"files"} == set(wanted)
    cells = 0
    for key, rows in wanted.items():
        assert len(tables.found[key]) == len(rows), key
        for shown, right in zip(tables.found[key], rows, strict=True):
            assert len(shown) == len(right) == len(tables.heads[key]), key
            for head, cell, value in zip(tables.heads[key], shown, right, strict=True):
                check_cell(cell, value, f"{key}, {shown[:3]}, {head}")
                cells += 1
    assert cells > 4000


def test_a_wrong_number_would_be_found(tables: Tables, worlds: pd.DataFrame, folder: Path) -> None:
    row = tables.found["risk-c5-war"][3]
    right = risk_rows(worlds, "war", "c5")[3]
    check_cell(row[2], right[2], "right")
    with pytest.raises(AssertionError, match="not"):
        check_cell(row[2].replace(row[2][:4], f"{float(row[2][:4]) + 0.1:.1f}", 1), right[2], "wrong")


def test_the_same_table_is_in_the_csv_of_old(tables: Tables, folder: Path) -> None:
    """`table.csv`, which the comparison writes without the report, has the same ranges."""
    table = pd.read_csv(folder / "table.csv")
    table = table[(table.years == 20) & (table.ensemble == "c6") & (table.definition == "war")]
    for shown, (_, row) in zip(tables.found["risk-c6-war"], table.iterrows(), strict=True):
        told = tuple(100 * row[f"relapse_probability_{part}"] for part in ("p10", "p90", "median"))
        check_cell(shown[2], told, shown[1])
        check_cell(shown[4], 100 * row["share_best"], shown[1])
