"""Ensembles: shipped worlds are read back as they were written; stale, altered and foreign ones are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.data import models_folder, scenarios_folder
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model
from transition_sim.model.printing import content_hash
from transition_sim.study import ensembles
from transition_sim.study.ensembles import draw_worlds, load_ensemble, stale_parts, write_ensemble
from transition_sim.study.worlds import load_uncertainties, sampled

TEXT = (models_folder() / "transition.mdl").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The shipped ensemble c5 in a folder of its own."""
    for suffix in ("csv", "json"):
        shutil.copy(scenarios_folder() / "ensembles" / f"c5.{suffix}", tmp_path)
    return tmp_path / "c5.csv"


def changed(folder: Path, old: str, new: str) -> Model:
    assert old in TEXT
    path = folder / "transition.mdl"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return ts.load_model(path)


@pytest.mark.parametrize("name", ["c5", "c6"])
def test_shipped_ensembles_are_fresh_and_complete(model: Model, name: str) -> None:
    found = load_ensemble(model, name)
    ranges = sampled(load_uncertainties(model)[0])
    assert found.runs >= 1000
    assert stale_parts(model, found) == []
    assert set(found.columns) == set(ranges)
    for constant, column in found.columns.items():
        low, high = model.find(constant).limits if constant == "baseline hazard of war" else ranges[constant].range
        assert (column >= low - 1e-12).all(), constant
        assert (column <= high * (1 + 1e-11)).all(), constant
    assert len({tuple(row) for row in np.column_stack(list(found.columns.values())).tolist()}) == found.runs
    for key in ("seed", "counts", "targets", "moved", "made_for", "versions"):
        assert found.sheet[key] or key == "seed"


def test_seed_draws_worlds_without_replacement(model: Model) -> None:
    one, same, other = (draw_worlds(model, "c5", 40, seed) for seed in (1, 1, 2))
    assert one.ensemble == "c5"
    assert all(np.array_equal(one.columns[n], same.columns[n]) for n in one.columns)
    assert any(not np.array_equal(one.columns[n], other.columns[n]) for n in one.columns)
    everything = draw_worlds(model, "c5", 1000, 3)
    assert np.array_equal(everything.columns["optimism"], load_ensemble(model, "c5").columns["optimism"])


@pytest.mark.slow
def test_words_and_layout_do_not_make_worlds_stale_values_units_and_equations_do(model: Model, tmp_path: Path) -> None:
    own = content_hash(model)
    assert content_hash(changed(tmp_path, "Share of people and places", "Part of all people")) == own
    assert content_hash(changed(tmp_path, "~ Dmnl [0,1]\n\t~ Safety of", "~ Dmnl [0,2]\n\t~ Safety of")) == own
    assert content_hash(changed(tmp_path, "early warning =\n\t0.2", "early warning =\n\t0.21")) != own
    assert content_hash(changed(tmp_path, "output/population", "output/population*1")) != own
    assert content_hash(changed(tmp_path, "0.02\n\t~ 1/Month [0,0.2]", "0.02\n\t~ 1/Year [0,0.2]")) != own


def test_a_stale_ensemble_is_refused_with_the_command_that_renews_it(tmp_path: Path) -> None:
    other = changed(tmp_path, "early warning =\n\t0.2", "early warning =\n\t0.21")
    assert stale_parts(other, load_ensemble(other, "c5")) == ["equations"]
    with pytest.raises(ScenarioError, match=r"stale: equations changed.*transition-sim calibrate --out"):
        draw_worlds(other, "c5", 10, 7)


def test_an_ensemble_of_ones_own_is_read_by_its_path(model: Model, copied: Path) -> None:
    assert draw_worlds(model, copied, 30, 7).runs == 30
    assert ts.compare(runs=8, ensemble=copied, bundle="role").outcomes[0].ensemble == "c5"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mission half density", "mission half densty", r"c5.csv:1: column 'mission half densty'.*did you mean"),
        ("\n", "\nnan,1\n", r"c5.csv:2: needs \d+ numbers"),
        ("\n", "\nabc\n", r"c5.csv:2: needs \d+ numbers"),
    ],
)
def test_altered_worlds_are_refused(model: Model, copied: Path, old: str, new: str, words: str) -> None:
    copied.write_text(copied.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match=words):
        load_ensemble(model, copied)


def test_what_is_no_finite_number_is_named_by_line(model: Model, copied: Path) -> None:
    rows = copied.read_text(encoding="utf-8").splitlines()
    rows[3] = ",".join(["inf", *rows[3].split(",")[1:]])
    copied.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"c5.csv:4: holds what is no finite number"):
        load_ensemble(model, copied)


def test_one_changed_digit_a_missing_world_and_a_foreign_sheet_are_seen(model: Model, copied: Path) -> None:
    rows = copied.read_text(encoding="utf-8").splitlines()
    first = rows[1].split(",")
    first[0] = f"{float(first[0]) + 1e-6:.12g}"
    copied.write_text("\n".join([rows[0], ",".join(first), *rows[2:]]) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"is not what its sheet c5\.json describes"):
        load_ensemble(model, copied)
    copied.write_text("\n".join(rows[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"is not what its sheet"):
        load_ensemble(model, copied)
    sheet = copied.with_suffix(".json")
    for text, words in (("{", "is no sheet"), ("[]", "is no sheet"), ('{"format": 1}', "it needs")):
        sheet.write_text(text, encoding="utf-8")
        with pytest.raises(ScenarioError, match=words):
            load_ensemble(model, copied)
    sheet.unlink()
    with pytest.raises(ScenarioError, match=r"'c5\.json' is missing"):
        load_ensemble(model, copied)


def test_what_is_written_is_read_back_bit_by_bit(model: Model, tmp_path: Path) -> None:
    names = list(sampled(load_uncertainties(model)[0]))
    columns = {
        n: np.array([float(f"{v:.12g}") for v in c]) for n, c in draw_worlds(model, "prior", 7, 3).columns.items()
    }
    sheet = {"seed": 3, "made_for": {}, "ensemble": "mine", "moved": []}
    table, described = write_ensemble(tmp_path / "own.csv", columns, sheet)
    found = load_ensemble(model, table)
    assert all(np.array_equal(found.columns[name], columns[name]) for name in names)
    assert found.name == "mine"
    assert json.loads(described.read_text(encoding="utf-8"))["kept"] == 7
    sheet_text = described.read_text(encoding="utf-8").replace('"seed": 3', '"seed": NaN')
    described.write_text(sheet_text, encoding="utf-8")
    with pytest.raises(ScenarioError, match="is no sheet of an ensemble"):
        load_ensemble(model, table)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda head, rows: ("OPTIMISM," + head, ["1," + row for row in rows]), "different names"),
        (lambda head, rows: (head.replace("optimism", "population"), rows), "'population' is not among the constants"),
        (lambda head, rows: ("optimism", ["0.4"] * len(rows)), "lacks 99 of the constants that are sampled"),
        (lambda head, rows: (head, ["9e9," + row.split(",", 1)[1] for row in rows]), "9e\\+09.*allowed"),
        (lambda head, rows: ("x" * 200_000, rows), "is no table of worlds"),
        (lambda head, rows: (",".join(f"a{i}" for i in range(9000)), ["1"] * 9000), "asks for .* numbers"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_worlds_is_refused(model: Model, copied: Path, change: Any, words: str) -> None:
    head, *rows = copied.read_text(encoding="utf-8").splitlines()
    head, rows = change(head, rows)
    copied.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=words):
        load_ensemble(model, copied)


def test_another_reference_profile_makes_worlds_stale(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ts.load_scenario("contexts/unamsil_like")
    monkeypatch.setattr(ensembles, "load_scenario", lambda name: other)
    assert stale_parts(model, load_ensemble(model, "c5")) == ["context"]
