"""The folder of a comparison: what goes in comes out; what is cut off, changed or hostile is refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import transition_sim as ts
from transition_sim import cli
from transition_sim.errors import ScenarioError
from transition_sim.study import folder as kept
from transition_sim.study.outcomes import Comparison

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def done() -> Comparison:
    return ts.compare(runs=5, seed=2, options=["mission_start", "late_transition"])


@pytest.fixture(scope="module")
def saved(done: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("saved")
    ts.save_comparison(done, place)
    return place


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def rewrite(folder: Path, edit: Edit) -> None:
    """Change `basis.json` and sign it anew, as somebody who knows the format could."""
    tree = json.loads((folder / "basis.json").read_text())
    edit(tree)
    tree.pop("checksum", None)
    tree["checksum"] = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
    (folder / "basis.json").write_text(json.dumps(tree))


def resign(folder: Path, name: str, change: Callable[[str], str]) -> None:
    """Change a table and its checksum."""
    text = change((folder / name).read_text())
    (folder / name).write_text(text)
    rewrite(folder, lambda tree: tree["tables"].update({name: hashlib.sha256(text.encode()).hexdigest()}))


def test_what_is_saved_comes_back(done: Comparison, saved: Path) -> None:
    back = ts.load_comparison(saved)
    assert back.to_json() == done.to_json()
    assert (back.calendar, back.dates, back.basis, back.units) == (done.calendar, done.dates, done.basis, done.units)
    for before, after in zip(done.outcomes, back.outcomes, strict=True):
        assert np.array_equal(before.probability, after.probability)
        assert np.array_equal(before.effort, after.effort)
        assert np.array_equal(before.cost, after.cost)
        assert list(before.varied) == list(after.varied)
        for name in before.varied:
            assert np.array_equal(before.varied[name], after.varied[name])
        for name, gap in before.gap.items():
            assert np.array_equal(gap, after.gap[name], equal_nan=True)
        for name, band in before.bands.items():
            assert after.bands[name] == pytest.approx(band, rel=1e-8, abs=1e-300)


def test_saving_what_was_loaded_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    ts.save_comparison(ts.load_comparison(saved), tmp_path)
    for path in saved.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", kept.TABLES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_tables_that_were_cut_off_are_refused(copy: Path, name: str, share: float) -> None:
    raw = (copy / name).read_bytes()
    (copy / name).write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(ScenarioError, match=rf"{name}: is not the table that the comparison wrote"):
        ts.load_comparison(copy)


@pytest.mark.parametrize("name", kept.TABLES)
def test_missing_tables_are_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ScenarioError, match=rf"{name}: is missing"):
        ts.load_comparison(copy)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda t: t.pop("runs"), "'runs': Field required"),
        (lambda t: t.update(runs=10**9), "less than or equal"),
        (lambda t: t.update(runs=6), "rows, not"),
        (lambda t: t.update(format=2), "has format 2; this version reads 1"),
        (lambda t: t.update(options=["none", "none", "spread"]), "do not fit together"),
        (lambda t: t.update(options=["a", "b", "c"]), "do not fit together"),
        (lambda t: t.update(options=["none", "spread", "mission_start"]), "has other rows"),
        (lambda t: t["provenance"].pop("versions"), "'versions': Field required"),
        (lambda t: t["provenance"].update(deep=[[[[[[[[]]]]]]]]), "nested too deep"),
        (lambda t: t["units"].pop("security"), "it lacks security"),
        (lambda t: t["dates"].pop("draw down start"), "it lacks draw down start"),
        (lambda t: t.update(basis=None), "it lacks basis"),
        (lambda t: t["cases"][0].update(definition="<b>"), "definition of relapse that does not exist"),
        (lambda t: t["cases"][0].update(bundle="../x"), "'cases / 0 / bundle'"),
        (lambda t: t["calendar"][0].update(kind="wedding"), "'calendar / 0 / kind'"),
        (lambda t: t.update(months=t["months"][::-1]), "months do not follow"),
        (lambda t: t.update(more="unknown"), "'more': Extra inputs"),
        (lambda t: t.update(assumptions=["no such column"]), "no such column"),
    ],
)
def test_sheets_that_make_no_sense_are_refused(copy: Path, edit: Edit, told: str) -> None:
    rewrite(copy, edit)
    with pytest.raises(ScenarioError, match=told):
        ts.load_comparison(copy)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is cut off or was changed"),
        (b"[]", "is cut off or was changed"),
        (b"\xff\xfe", "is cut off or was changed"),
        (b'{"format": 1, "runs": NaN}', "NaN is no number"),
        (b'{"format": 1, "effort_months": 1e999}', "1e999 is no number"),
        (b"[" * 100_000, "is cut off or was changed"),
        (b" " * 5_000_000, "is larger than"),
    ],
)
def test_files_that_are_no_sheet_are_refused(copy: Path, raw: bytes, told: str) -> None:
    (copy / "basis.json").write_bytes(raw)
    with pytest.raises(ScenarioError, match=told):
        ts.load_comparison(copy)


def test_a_sheet_changed_by_hand_is_refused(copy: Path) -> None:
    text = (copy / "basis.json").read_text()
    (copy / "basis.json").write_text(text.replace('"seed": 2,', '"seed": 3,', 1))
    with pytest.raises(ScenarioError, match="its checksum differs"):
        ts.load_comparison(copy)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("late_transition", "late transition"), "column 'option' of worlds.csv"),
        (lambda text: text.replace(",0.", ",1e999.", 1), "1e999."),
        (lambda text: text.replace(",0.", ",9.", 1), "probability lies outside"),
        (lambda text: "\n".join(text.split("\n")[:-5]), "rows, not"),
        (lambda text: text.replace("relapse_probability_20y", "risk", 1), "relapse_probability_20y"),
        (lambda text: "no,table\n", "holds tables that do not fit"),
    ],
)
def test_tables_that_make_no_sense_are_refused(copy: Path, change: Callable[[str], str], told: str) -> None:
    resign(copy, "worlds.csv", change)
    with pytest.raises(ScenarioError, match=told):
        ts.load_comparison(copy)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda place: None, "no such folder"),
        (lambda place: place.write_text("x"), "no such folder"),
        (lambda place: place.mkdir(), "holds no basis.json"),
        (lambda place: (place.mkdir(), (place / "manifest.json").write_text("{}")), "is the folder of a sweep"),
        (lambda place: (place.mkdir(), (place / "basis.json").mkdir()), "holds no basis.json"),
    ],
)
def test_report_says_what_a_folder_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], object], told: str
) -> None:
    place = tmp_path / "folder"
    make(place)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as stop:
        cli.main(["report", str(place)])
    assert stop.value.code == 3
    assert told in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_report_of_a_bad_folder_leaves_the_old_one(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "report.html").write_text("the old one")
    (copy / "bands.csv").write_text("")
    with pytest.raises(SystemExit) as stop:
        cli.main(["report", str(copy)])
    assert stop.value.code == 3
    assert "bands.csv" in capsys.readouterr().err
    assert (copy / "report.html").read_text() == "the old one"
    assert not (copy / "report.pdf").exists()
