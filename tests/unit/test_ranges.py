"""A scenario over plausible worlds: the same as plain runs, in words, data and files; no range for other models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import transition_sim as ts
from transition_sim import cli
from transition_sim.model.equations import Model
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.ranges import bands_frame, scenario_ranges


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", *words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_ranges_are_those_of_plain_runs(model: Model) -> None:
    scenario = ts.load_scenario("entry_points/late_transition")
    found = scenario_ranges(model, scenario, "c6", [10, 20], 30, 3)
    worlds = draw_worlds(model, "c6", 30, 3)
    plain = ts.simulate(model, scenario, constants=worlds.besides(scenario.settings), time_step=0.5)
    assert found.risk == pytest.approx(ts.relapse_risk(plain, [10, 20]).to_numpy())
    assert found.bands["security"][1] == pytest.approx(np.median(plain["security"], axis=1))
    assert found.to_dict()["relapse_probability"]["20"]["median"] == pytest.approx(np.median(found.risk[1]))


def test_what_a_scenario_sets_is_not_taken_from_the_worlds(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("title: s\nset:\n  optimism: 0.3\n  mission hazard weight: 0\n", encoding="utf-8")
    weak = scenario_ranges(model, ts.load_scenario(path), "c5", [20], 50, 3)
    base = scenario_ranges(model, None, "c5", [20], 50, 3)
    assert (weak.risk > base.risk).all()


def test_what_a_scenario_sets_in_another_spelling_is_not_taken_from_the_worlds(model: Model, tmp_path: Path) -> None:
    found = []
    for name in ("mission hazard weight", "MISSION_Hazard  weight"):
        path = tmp_path / "s.yaml"
        path.write_text(f"title: s\nset:\n  {name}: 0\n", encoding="utf-8")
        found.append(scenario_ranges(model, ts.load_scenario(path), "c5", [20], 20, 3).risk)
    assert (found[0] == found[1]).all()


def test_run_prints_ranges_beside_the_single_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "entry_points/throughout", "--out", str(tmp_path))
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("  /"))
    for name in ("c5", "c6"):
        assert f"Over 1,000 worlds of {name}" in out
    frame = pd.read_csv(tmp_path / "bands.csv")
    assert set(frame.columns) == {"ensemble", "variable", "unit", "time", "p10", "median", "p90"}
    assert (frame.p10 <= frame.p90).all()
    assert set(frame.ensemble) == {"c5", "c6"}
    assert frame[frame.variable == "aid trend"].unit.unique().tolist() == ["MUSD/Month"]
    code, out, _ = run(capsys, "entry_points/throughout", "--json", "--ensemble", "c6")
    assert list(json.loads(out)["ranges"]) == ["c6"]


def test_other_models_have_no_range_unless_one_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Model
) -> None:
    text = Path(str(model.path)).read_text(encoding="utf-8")
    path = tmp_path / "transition.mdl"
    path.write_text(text.replace("early warning =\n\t0.2", "early warning =\n\t0.3", 1), encoding="utf-8")
    code, out, err = run(capsys, str(path))
    assert "no range" in err
    assert "stale: equations changed" in err
    assert (code, "carries no range" in " ".join(out.split()), "Over" in out) == (0, True, False)
    code, _, err = run(capsys, str(path), "--ensemble", "c5")
    assert code == 3
    assert "is stale: equations changed" in err
    code, out, _ = run(capsys, "contexts/reference", "--ensemble", "prior")
    assert (code, "Over 1,000 worlds of prior" in out) == (0, True)
    code, out, _ = run(capsys, "contexts/reference", "--ensemble", "none")
    assert (code, "carries no range" in " ".join(out.split())) == (0, True)


def test_bands_are_tidy(model: Model) -> None:
    found = scenario_ranges(model, None, "c5", [20], 8, 3)
    frame = bands_frame([found], {"security": "Dmnl"})
    assert len(frame) == len(found.bands) * len(found.time)
    assert frame[frame.variable == "security"].unit.iloc[0] == "Dmnl"
