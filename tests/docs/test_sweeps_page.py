"""docs/sweeps.md says what is true: its Python and YAML run, its names are those that exist."""

import re
from pathlib import Path

import pytest

from transition_sim.data import list_sweeps
from transition_sim.study.sweeps.design import BLOCK
from transition_sim.study.sweeps.file import SweepFile
from transition_sim.study.sweeps.outcomes import MEASURES
from transition_sim.study.sweeps.plan import MAX_RUNS, check_sweep, load_job
from transition_sim.study.sweeps.run import BENCHMARK_TOLERANCE, TOLERANCE
from transition_sim.study.sweeps.xarray import NETCDF_VALUES

PAGE = Path(__file__).parents[2] / "docs" / "sweeps.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    ours = [block for block in blocks("python") if "dask_jobqueue" not in block]
    assert len(ours) == 1
    exec(compile(ours[0], str(PAGE), "exec"), {})  # noqa: S102 - the project's own page
    out = capsys.readouterr().out
    assert "pledge lapse time" in out
    assert "True (253, 1)" in out


def test_its_sweep_is_one(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    assert check_sweep(tmp_path / "s.yaml") == []
    assert load_job(tmp_path / "s.yaml").design.runs == 7 * 3 * 2 * 100


def test_its_names_and_numbers_are_those_of_the_code() -> None:
    for name in (*SweepFile.model_fields, *MEASURES):
        assert f"| `{name}` |" in TEXT
    for name in list_sweeps():
        assert f"`{name.removeprefix('sweeps/')}`" in TEXT
    for number in (MAX_RUNS, BLOCK):
        assert f"{number:,}" in TEXT
    assert f"{NETCDF_VALUES // 1_000_000} million numbers" in TEXT
    assert (TOLERANCE, BENCHMARK_TOLERANCE) == (1e-4, 1e-3)
    assert "more than 1e-4 (1e-3 for" in TEXT
