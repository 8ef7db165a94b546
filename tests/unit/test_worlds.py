"""Worlds: stratified, repeatable, inside their ranges; the ranges' file is checked with lines."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim import risk
from transition_sim.data import models_folder
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind, Model
from transition_sim.model.reader import load_model
from transition_sim.study.worlds import Uncertainty, check_uncertainties, load_uncertainties, sample_worlds

HEAD = "model: transition\nuncertainties:\n"
GOOD = HEAD + "  weight of region:\n    low: 0.2\n    high: 1.6\n    assumption: plausible\n"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def test_each_range_is_cut_into_as_many_parts_as_worlds(model: Model) -> None:
    worlds = sample_worlds(model, 40, 7)
    ranges, _ = load_uncertainties(model)
    for name, column in worlds.columns.items():
        low, high = worlds.bounds[name]
        assert ((column >= low) & (column <= high)).all()
        share = (column - low) / (high - low)
        if ranges[name].distribution == "loguniform":
            share = np.log(column / low) / np.log(high / low)
        if ranges[name].distribution != "triangular":
            assert sorted(np.floor(share * 40).clip(0, 39).astype(int)) == list(range(40)), name


@pytest.mark.parametrize(
    "shape", [{"distribution": "loguniform"}, {"distribution": "uniform"}, {"distribution": "triangular", "mode": 3.0}]
)
def test_share_is_the_inverse_of_at(shape: dict[str, object]) -> None:
    each = Uncertainty.model_validate({"low": 2.0, "high": 5.0, "assumption": "plausible", **shape})
    share = np.linspace(0, 1, 9)
    assert each.share(each.at(share)) == pytest.approx(share, abs=1e-12)


def test_same_seed_same_worlds_another_seed_others(model: Model) -> None:
    one, same, other = (sample_worlds(model, 9, seed) for seed in (3, 3, 4))
    assert all((one.columns[name] == same.columns[name]).all() for name in one.columns)
    assert all((one.columns[name] != other.columns[name]).any() for name in one.columns)
    assert one.file_hash == same.file_hash
    assert one.runs == 9


def test_columns_are_not_bound_to_each_other(model: Model) -> None:
    table = np.array(list(sample_worlds(model, 600, 1).columns.values()))
    correlation = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlation).max() < 0.2


def test_shipped_ranges_hold_the_files_own_values(model: Model) -> None:
    ranges, _ = load_uncertainties(model)
    ranged = {name: u for name, u in ranges.items() if u.low is not None}
    outside = {n: (u.range, model.find(n).value) for n, u in ranged.items()
               if not u.range[0] <= model.find(n).value <= u.range[1]}  # fmt: skip
    assert outside == {}
    assert all((u.source or u.assumption) for u in ranges.values())
    assert all(model.find(name).kind is Kind.CONSTANT for name in ranges)


def test_every_constant_of_the_model_says_what_is_done_with_it(model: Model) -> None:
    ranges, _ = load_uncertainties(model)
    assert set(ranges) == set(model.constants)


def test_what_is_held_fixed_moves_the_risk_by_no_more_than_it_says(model: Model) -> None:
    """The points named beside each fixed constant, at both ends of its range, with and without a mission."""
    ranges, _ = load_uncertainties(model)
    held = {name: u for name, u in ranges.items() if u.role == "fixed" and u.low is not None}
    assert len(held) > 40
    ends = [(name, end) for name, u in held.items() for end in u.range]
    columns = {name: np.full(len(ends) + 1, model.find(name).value) for name in held}
    for i, (name, end) in enumerate(ends):
        columns[name][i + 1] = end
    moved = dict.fromkeys(held, 0.0)
    for mission in ({}, {"peak peacekeepers": 0.0}):
        result = ts.simulate(model, constants={**columns, **mission}, outputs=[risk.CUMULATIVE], save_every=252)
        points = 100 * risk.probability(result)[-1]
        for i, (name, _) in enumerate(ends):
            moved[name] = max(moved[name], abs(points[i + 1] - points[0]))
    said = {name: float(re.search(r"by ([0-9.]+) points", u.assumption or "")[1]) for name, u in held.items()}
    assert {name: (moved[name], said[name]) for name in held if moved[name] > said[name]} == {}
    assert max(said.values()) <= 1.0


def test_hazard_weights_and_effects_of_the_commission_are_uncertain(model: Model) -> None:
    ranges, _ = load_uncertainties(model)
    weights = [n for n in model.constants if n.startswith("weight of ")]
    assert [n for n in weights if n not in ranges] == []
    effects = [n for n in ranges if "PBC" in n or "effect" in n]
    assert effects
    assert all(ranges[n].assumption for n in effects)


def test_distributions_have_their_quantiles() -> None:
    shares = np.array([0.0, 0.5, 1.0])
    assert Uncertainty(low=1, high=3).at(shares).tolist() == [1, 2, 3]
    assert Uncertainty(low=1, high=100, distribution="loguniform").at(shares) == pytest.approx([1, 10, 100])
    assert Uncertainty(low=0, high=2, mode=1, distribution="triangular").at(shares) == pytest.approx([0, 1, 2])


@pytest.mark.parametrize("runs", [0, -3])
def test_no_worlds_is_refused(model: Model, runs: int) -> None:
    with pytest.raises(ScenarioError, match="allowed: 1 or more"):
        sample_worlds(model, runs, 0)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (GOOD.replace("weight of region", "weight of regoin"), 3, "did you mean 'weight of region'?"),
        (GOOD.replace("weight of region", "legitimacy"), 3, "computed by the model"),
        (GOOD.replace("high: 1.6", "high: 0.2"), 3, "low 0.2 must be below high 0.2"),
        (GOOD.replace("high: 1.6", "high: .inf"), 3, "must be below high inf"),
        (GOOD.replace("high: 1.6", "high: 1e6"), 3, "leaves the model's limits"),
        (GOOD.replace("low: 0.2", "low: 0\n    distribution: loguniform"), 3, "must lie above zero"),
        (GOOD.replace("low: 0.2", "low: 0\n    distribution: triangular"), 3, "needs a mode between"),
        (GOOD.replace("low: 0.2", "low: 0\n    mode: 9\n    distribution: triangular"), 3, "needs a mode between"),
        (GOOD + "    source: also one\n", 3, "give either a source or an assumption"),
        (GOOD.replace("    assumption: plausible\n", ""), 3, "give either a source or an assumption"),
        (GOOD.replace("low: 0.2", "lowest: 0.2"), 4, "unknown key"),
        (GOOD.replace("low: 0.2", "low: small"), 4, "number"),
        (GOOD.replace("low: 0.2", "low: 0.2\n    distribution: normal"), 5, "uniform"),
        (GOOD.replace("model: transition\n", ""), 1, "Field required"),
    ],
)
def test_faults_of_a_ranges_file_have_lines(model: Model, tmp_path: Path, text: str, line: int, told: str) -> None:
    path = tmp_path / "ranges.yaml"
    path.write_text(text, encoding="utf-8")
    faults = check_uncertainties(path, model)
    assert [fault for fault in faults if fault.line == line and told in fault.message], faults


def test_good_ranges_have_no_fault(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "ranges.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert check_uncertainties(path, model) == []
    assert check_uncertainties(models_folder() / "uncertainties.yaml", model) == []
    assert list(sample_worlds(model, 3, 0, path).columns) == ["weight of region"]
