"""Shipped files and writing: names with their nearest, and files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from transition_sim.data import list_models, list_scenarios, shipped_model, shipped_scenario, write_bytes, write_text
from transition_sim.errors import ModelError, ScenarioError


def test_shipped_files_exist() -> None:
    assert {"transition", "aid_gap"} <= set(list_models())
    assert all(shipped_model(name).is_file() for name in list_models())
    assert all(shipped_scenario(name).is_file() for name in list_scenarios(templates=True))
    assert shipped_scenario("entry_points/none.yaml") == shipped_scenario("entry_points/none")


def test_unknown_names_tell_the_nearest() -> None:
    with pytest.raises(
        ModelError, match=r"'aidgap' is no shipped model \(aid_gap, transition\).*did you mean 'aid_gap'"
    ):
        shipped_model("aidgap")
    with pytest.raises(ScenarioError, match="did you mean 'entry_points/spread'"):
        shipped_scenario("entry_points/spred")
    with pytest.raises(ScenarioError, match="no shipped scenario"):
        shipped_scenario("../../etc/passwd")


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.csv", "é,1\r\nb,2\n")
    assert path.read_bytes() == "é,1\r\nb,2\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old")
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
