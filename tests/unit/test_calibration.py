"""Calibration: small ones meet their targets, are the same each time, and the shipped ones are what it makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim import cli
from transition_sim.errors import SimulationError
from transition_sim.model.equations import Model
from transition_sim.study import calibration
from transition_sim.study.calibration import Calibrated, calibrate
from transition_sim.study.ensembles import load_ensemble
from transition_sim.study.evidence import judge, load_evidence


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def small(model: Model) -> dict[str, Calibrated]:
    return {each.name: each for each in calibrate(model, runs=12, seed=3, tried=1024)}


@pytest.mark.parametrize("name", ["c5", "c6"])
def test_kept_worlds_meet_every_fitted_target(model: Model, small: dict[str, Calibrated], name: str) -> None:
    found = small[name]
    verdicts = judge(model, load_evidence(model), found.columns, name)
    assert [v.name for v in verdicts if v.fitted and v.word != "inside"] == []
    assert all(len(column) == 12 for column in found.columns.values())


@pytest.mark.slow
def test_the_same_seed_gives_the_same_worlds(model: Model, small: dict[str, Calibrated]) -> None:
    again, other = (calibrate(model, runs=12, seed=seed, names=("c6",), tried=1024)[0] for seed in (3, 4))
    found = small["c6"]
    assert all(np.array_equal(found.columns[n], again.columns[n]) for n in found.columns)
    assert again.sheet == found.sheet
    assert any(not np.array_equal(found.columns[n], other.columns[n]) for n in found.columns)


def test_the_solved_baseline_gives_the_level_that_was_drawn(model: Model) -> None:
    match = calibration._Match(model, load_evidence(model), 3, lambda words: None)
    worlds = match.drawn(list(match.ranges), calibration._sobol(len(match.ranges), 16, 3, 1))
    levels = match.levels(np.linspace(0.01, 0.99, 16))
    worlds["baseline hazard of war"] = match.solve(worlds, levels)
    verdict = judge(model, match.evidence, worlds, "c5", ["C1"])[0]
    assert verdict.values == pytest.approx(levels, abs=1e-9)
    assert (np.diff(levels) > 0).all()
    assert levels.min() > verdict.target.band[0]


def test_the_centred_ensemble_has_half_of_its_worlds_on_each_side(model: Model, small: dict[str, Calibrated]) -> None:
    values = judge(model, load_evidence(model), small["c6"].columns, "c6", ["C6"])[0].values
    assert (values >= 0.4).sum() == 6
    shipped = judge(model, load_evidence(model), load_ensemble(model, "c6").columns, "c6", ["C6"])[0].values
    assert (shipped >= 0.4).mean() == 0.5


def test_designs_hang_on_nothing(model: Model) -> None:
    """Neither columns of one design nor those of two with the same rows go together."""
    match = calibration._Match(model, load_evidence(model), 7, lambda words: None)
    first = calibration._sobol(len(match.ranges), 4096, 7, 1)
    second = calibration._hypercube(len(match.blocks[1]) + 1, 4096, 7, 3)
    other = calibration._hypercube(len(match.blocks[1]) + 1, 4096, 7, 4)
    together = np.corrcoef(np.hstack([first, second, other]).T)
    assert np.abs(together - np.eye(len(together))).max() < 0.08


def test_kept_worlds_do_not_tie_the_frailty_to_the_level(model: Model) -> None:
    for name in ("c5", "c6"):
        found = load_ensemble(model, name)
        level = judge(model, load_evidence(model), found.columns, name, ["C1"])[0].values
        assert abs(np.corrcoef(level, found.columns["frailty of war"])[0, 1]) < 0.6, name


def test_no_world_left_is_said(model: Model) -> None:
    with pytest.raises(SimulationError, match=r"none of 1 worlds meets C7"):
        calibrate(model, runs=1, seed=3, tried=1)


def test_too_few_worlds_are_said_with_the_target_that_loses_most(model: Model) -> None:
    with pytest.raises(SimulationError, match=r"ensemble 'c5': \d+ worlds of .* Most are lost to 'C[279]'"):
        calibrate(model, runs=500, seed=3, names=("c5",), tried=256)


def test_binding_counts_what_only_one_target_rejects() -> None:
    met = {"a": np.array([True, True, False, False]), "b": np.array([True, False, True, True])}
    assert calibration._binding(met) == pytest.approx({"a": 2 / 3, "b": 1 / 2})


def test_moved_names_what_moved_and_nothing_by_chance() -> None:
    generator = np.random.default_rng(2)
    prior = {f"x{i}": generator.random(4000) for i in range(40)}
    kept = {name: generator.random(1000) for name in prior} | {"x7": generator.random(1000) ** 2}
    assert [row["constant"] for row in calibration.moved(kept, prior)] == ["x7"]


@pytest.mark.slow
def test_verdicts_change_with_a_constant_of_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path(str(ts.load_model().path)).read_text(encoding="utf-8")
    copy = tmp_path / "transition.mdl"
    copy.write_text(text.replace("own delivery =\n\t0.6", "own delivery =\n\t0.05", 1), encoding="utf-8")
    answers = []
    for file in ([], [str(copy)]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["model", "evidence", *file, "--ensemble", "c5", "--json"])
        assert ended.value.code == 0
        answers.append(json.loads(capsys.readouterr().out))
    verdicts = [{row["target"]: row["verdict"] for row in answer["targets"]} for answer in answers]
    fitted = load_evidence(ts.load_model()).fitted("c5")
    assert {verdicts[0][name] for name in fitted} == {"inside"}
    assert verdicts[0] != verdicts[1]
    assert answers[0]["ensembles"]["c5"]["stale"] == []
    assert answers[1]["ensembles"]["c5"]["stale"] == ["equations"]
    assert answers[0]["unchecked"] == len(load_evidence(ts.load_model()).unchecked())


def test_evidence_shows_every_constant_with_its_range_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["model", "evidence", "--ensemble", "c5", "--uncertainties"])
    out = capsys.readouterr().out
    words = " ".join(out.split())
    assert all(len(line) <= 80 for line in out.splitlines())
    for name in ts.load_model().constants:
        assert f" {name}: " in words or f" {name} - " in words, name
    assert "3 unchecked" in words
    assert "are sampled (2 of these ranges have a source" in words


def test_the_files_own_values_meet_every_target_of_c5(model: Model) -> None:
    """A single run, which carries no range, is a run of a world that calibration would keep."""
    own = {"optimism": np.array([model.find("optimism").value])}
    verdicts = judge(model, load_evidence(model), own, "c5")
    assert [v.name for v in verdicts if v.fitted and v.word != "inside"] == []


@pytest.mark.slow
def test_calibration_gives_the_shipped_ensembles_again(model: Model) -> None:
    """The same worlds, to 1e-9: what `make calibrate` writes is what is shipped."""
    for found in calibrate(model):
        shipped = load_ensemble(model, found.name)
        assert list(found.columns) == list(shipped.columns)
        for name, column in found.columns.items():
            assert column == pytest.approx(shipped.columns[name], rel=1e-9), (found.name, name)
        assert found.sheet["counts"] == shipped.sheet["counts"]


def test_the_sheet_of_a_shipped_ensemble_says_what_its_worlds_give(model: Model) -> None:
    for name in ("c5", "c6"):
        found = load_ensemble(model, name)
        for verdict in judge(model, load_evidence(model), found.columns, name):
            assert found.sheet["targets"][verdict.name]["share of kept worlds inside"] == round(verdict.share, 4)
