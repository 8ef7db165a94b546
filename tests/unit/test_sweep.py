"""Sweeps in their folders: the same bytes however they are interrupted, nothing trusted that was altered, reruns."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

import transition_sim as ts
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.study.sweeps import run as sweep_run
from transition_sim.study.sweeps import store as sweep_store
from transition_sim.study.sweeps import sweep as sweeps
from transition_sim.study.sweeps.plan import Job, load_job
from transition_sim.study.sweeps.rerun import rerun
from transition_sim.study.sweeps.run import local_parts, run_chunk
from transition_sim.study.sweeps.store import MANIFEST, read_manifest

TABLES = ("experiments", "outcomes", "failures")
SMALL = """
title: small
based_on: contexts/reference
levers:
  draw down start: [24, 48, 96]
  bridging: [entry_points/none, entry_points/draw_down]
uncertainties: prior
runs: 20
outcomes: [relapse probability at 20 years, largest aid gap, aid gap opens after draw down]
"""
ODD = """
title: odd
model: odd.mdl
levers:
  a: {from: -1, to: 1, steps: 5}
uncertainties:
  b: {low: 0, high: 1}
runs: 7
outcomes: [final y, final x]
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def job(text: Path) -> Job:
    return load_job(text, chunk=16)


@pytest.fixture(scope="module")
def whole(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the sweep, run without interruption; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    sweeps.execute(job, folder, jobs=2)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished folder."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture
def odd(mdl: Callable[..., Path], tmp_path: Path) -> Path:
    """Return a sweep of which some runs break down and some pass a limit."""
    mdl("x = INTEG(a + 0*b, 1) ~ ~ |", "a = 1 ~ ~ |", "b = 1 ~ ~ |", "y = SQRT(x + b) ~ Dmnl [0, 3] ~ |", name="odd")
    (tmp_path / "odd.yaml").write_text(ODD)
    return tmp_path / "odd.yaml"


def bytes_of(folder: Path) -> dict[str, bytes]:
    names = [f"{table}{ending}" for table in TABLES for ending in (".parquet", ".csv")] + ["outcomes.nc", "units.json"]
    return {name: (folder / name).read_bytes() for name in names}


def test_tables_say_what_was_run(job: Job, whole: Path) -> None:
    done = ts.load_sweep(whole)
    assert (done.runs, done.failed, len(done.failures)) == (120, 0, 0)
    experiments, outcomes = done.experiments, done.outcomes
    assert list(experiments.columns[:4]) == ["run", "draw down start", "bridging", "world"]
    assert list(outcomes.columns) == ["run", *(o.name for o in job.recipe.outcomes), "failed"]
    assert experiments["run"].tolist() == list(range(120))
    assert experiments.attrs["units"]["draw down start"] == "Month"
    assert outcomes.attrs["units"]["largest aid gap"] == "MUSD/Month"
    assert not list(whole.rglob("*.tmp"))


def test_runs_are_those_of_the_engine(whole: Path) -> None:
    done = ts.load_sweep(whole)
    row = done.experiments[done.experiments["bridging"] == "entry_points/draw_down"].iloc[33]
    sampled = {name: float(row[name]) for name in done.experiments.columns[4:]}
    constants = {**sampled, "draw down start": row["draw down start"], "PBC draw down effort": 1.0}
    columns = {name: np.array([value, value]) for name, value in constants.items()}
    outputs = ["cumulative relapse hazard", "aid gap"]
    reference = ts.load_scenario("contexts/reference")
    alone = ts.simulate(ts.load_model(), reference, constants=columns, outputs=outputs, method="rk4", time_step=0.5)
    stored = done.outcomes.loc[row["run"]]
    assert stored["relapse probability at 20 years"] == ts.relapse_risk(alone).loc[20, 0]
    assert stored["largest aid gap"] == alone["aid gap"][:, 0].max()


def test_worlds_are_common_to_all_points(whole: Path) -> None:
    frame = ts.load_sweep(whole).experiments
    for name in ("weight of weak state", "pledge lapse time"):
        by_world = frame.groupby("world")[name]
        assert (by_world.nunique() == 1).all()
        assert frame[name].nunique() == 20


def test_files_are_read_by_others_alike(whole: Path) -> None:
    done = ts.load_sweep(whole)
    for name in TABLES:
        table = pd.read_parquet(whole / f"{name}.parquet")
        text = pd.read_csv(whole / f"{name}.csv")
        assert list(text.columns) == list(table.columns)
        known = json.loads((whole / "units.json").read_text())["outcomes" if name == "outcomes" else "experiments"]
        assert {column: unit for column, unit in table.attrs["units"].items() if unit} == {
            column: unit for column, unit in known.items() if unit
        }
        if len(table):
            pd.testing.assert_frame_equal(text, table, check_dtype=False, check_exact=True)
    schema = pq.read_schema(whole / "outcomes.parquet")
    assert schema.field("largest aid gap").metadata[b"unit"] == b"MUSD/Month"
    assert done.outcomes["aid gap opens after draw down"].notna().any()


def test_netcdf_has_named_axes_and_units(whole: Path) -> None:
    done = ts.load_sweep(whole)
    with xr.open_dataset(whole / "outcomes.nc", engine="scipy") as data:
        gap = data["largest aid gap"]
        assert gap.dims == ("draw down start", "bridging", "world")
        assert gap.attrs["units"] == "MUSD/Month"
        picked = gap.sel({"draw down start": 48, "bridging": "entry_points/draw_down", "world": 3}).item()
        frame = done.experiments.merge(done.outcomes, on="run")
        match = frame[
            (frame["draw down start"] == 48) & (frame["bridging"] == "entry_points/draw_down") & (frame["world"] == 3)
        ]
        assert picked == match["largest aid gap"].item()
        assert data["weight of weak state"].dims == ("world",)
        assert data["weight of weak state"][3] == match["weight of weak state"].item()
    assert done.to_xarray()["failed"].sum() == 0


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_sampled_designs_run_too(kind: str, text: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    changed = SMALL.replace("[24, 48, 96]", "{from: 24, to: 96}").replace("runs: 20", f"runs: 32\ndesign: {kind}")
    path.write_text(changed)
    done = ts.run_sweep(path, tmp_path / "out", chunk=8)
    assert done.runs == 32
    assert done.experiments["draw down start"].nunique() == 32
    assert "world" not in done.experiments
    data = done.to_xarray()
    assert data["largest aid gap"].dims == ("run",)
    assert data["draw down start"].dims == ("run",)
    again = rerun(tmp_path / "out", 31)
    assert again.equal


def test_order_threads_and_company_of_chunks_do_not_matter(job: Job) -> None:
    alone = {index: run_chunk(job, index).data for index in reversed(range(job.chunks))}
    for jobs in (1, 3):
        together = {part.index: part.data for part in local_parts(job, [5, 0, 7, 2], jobs)}
        assert set(together) == {5, 0, 7, 2}
        assert all(alone[index] == data for index, data in together.items())


def test_size_of_chunks_changes_no_number(text: Path, whole: Path, tmp_path: Path) -> None:
    other = ts.run_sweep(text, tmp_path / "o", chunk=7)
    same = ts.load_sweep(whole)
    pd.testing.assert_frame_equal(other.outcomes, same.outcomes, check_exact=True)
    pd.testing.assert_frame_equal(other.experiments, same.experiments, check_exact=True)


# ------------------------------------------------------------------ interrupted, resumed, altered


@pytest.mark.skipif(os.name == "nt", reason="forks")
@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_time_and_again_and_resumed_gives_the_same_bytes(kills: int, text: Path, tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "kill_and_resume.py"
    words = [sys.executable, str(script), str(text), str(tmp_path / "out"), str(kills), "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == kills
    assert told["in_between"] >= kills / 2
    ts.run_sweep(text, tmp_path / "whole", chunk=1)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")
    assert not list((tmp_path / "out").rglob("*.tmp"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _swap(path: Path) -> None:
    other = path.with_name("part-00001.parquet")
    path.write_bytes(other.read_bytes())


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    path.rmdir()


@pytest.mark.parametrize("harm", [_cut, _flip, _swap, Path.unlink, _replace_by_folder])
def test_a_part_that_is_not_what_was_written_is_computed_again(
    harm: Callable[[Path], Any], job: Job, copy: Path, whole: Path
) -> None:
    harm(copy / "parts" / "part-00004.parquet")
    done = sweeps.execute(job, copy, resume=True)
    assert done.redone == ("parts/part-00004.parquet",)
    assert bytes_of(copy) == bytes_of(whole)
    assert sweeps.execute(job, copy, resume=True).redone == ()


@pytest.mark.parametrize("name", ["experiments.parquet", "outcomes.csv", "outcomes.nc", "failures.csv"])
@pytest.mark.parametrize("harm", [_flip, Path.unlink])
def test_a_table_that_was_altered_is_refused_and_written_anew(
    harm: Callable[[Path], Any], name: str, job: Job, copy: Path, whole: Path
) -> None:
    harm(copy / name)
    with pytest.raises(ScenarioError, match=f"{name}: is missing or was changed after it was written"):
        ts.load_sweep(copy)
    assert sweeps.execute(job, copy, resume=True).redone == (name,)
    assert bytes_of(copy) == bytes_of(whole)


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: _edit(path, '"seed": 7', '"seed": 8'),
        lambda path: _edit(path, '"failed": 0', '"failed": 1'),
        lambda path: path.write_text("{}"),
        lambda path: path.write_text("[1, 2]"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_bytes(b"\xff\x00"),
        _cut,
    ],
)
def test_an_edited_manifest_is_refused(harm: Callable[[Path], Any], job: Job, copy: Path, whole: Path) -> None:
    harm(copy / MANIFEST)
    for use in (lambda: sweeps.execute(job, copy, resume=True), lambda: ts.load_sweep(copy), lambda: rerun(copy, 3)):
        with pytest.raises(ScenarioError, match=r"manifest\.json: was changed after it was written"):
            use()
    sweeps.execute(job, copy, force=True)
    assert bytes_of(copy) == bytes_of(whole)


def test_results_are_not_replaced_unless_told(job: Job, copy: Path) -> None:
    (copy / "notes.txt").write_text("mine")
    with pytest.raises(
        ScenarioError, match=r"holds results already .* --resume goes on with them, --force replaces them"
    ):
        sweeps.execute(job, copy)
    sweeps.execute(job, copy, force=True)
    assert (copy / "notes.txt").read_text() == "mine"


def test_a_finished_sweep_is_left_alone_by_resume(job: Job, copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.suffix in (".parquet", ".csv", ".json")}
    sweeps.execute(job, copy, resume=True)
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())


def test_without_a_manifest_resume_starts_anew(job: Job, copy: Path, whole: Path) -> None:
    (copy / MANIFEST).unlink()
    (copy / "parts" / "part-00003.parquet").write_bytes(b"not a part")
    sweeps.execute(job, copy, resume=True)
    assert bytes_of(copy) == bytes_of(whole)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seed": 8}, "another sweep: .*seed 7, not 8"),
        ({"runs": 21}, "another sweep: .*samples 20, not 21"),
        ({"chunk": 32}, "another sweep: chunk 16, not 32"),
    ],
)
def test_another_sweep_in_the_folder_is_refused(changed: dict[str, int], told: str, text: Path, copy: Path) -> None:
    with pytest.raises(ScenarioError, match=told):
        sweeps.execute(load_job(text, **{"chunk": 16, **changed}), copy, resume=True)


def test_another_scenario_in_the_folder_is_refused(tmp_path: Path, copy: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(SMALL.replace("contexts/reference", "contexts/onub_like"))
    with pytest.raises(ScenarioError, match=r"holds runs of another sweep: .*its base differ"):
        sweeps.execute(load_job(path, chunk=16), copy, resume=True)


def test_another_model_or_version_in_the_folder_is_refused(
    odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ts.run_sweep(odd, tmp_path / "o")
    model = tmp_path / "odd.mdl"
    model.write_text(model.read_text().replace("SQRT(x + b)", "SQRT(x + b + 1)"))
    with pytest.raises(ScenarioError, match="holds runs of another model: odd"):
        ts.run_sweep(odd, tmp_path / "o", resume=True)
    model.write_text(model.read_text().replace("SQRT(x + b + 1)", "SQRT(x + b)"))
    ts.run_sweep(odd, tmp_path / "o", resume=True)
    real = sweep_run.code_of_here()
    monkeypatch.setattr(sweep_run, "_code", lambda: {**real, "scipy": "0.1"})
    with pytest.raises(ScenarioError, match=f"another version of scipy: {real['scipy']}, not 0.1"):
        ts.run_sweep(odd, tmp_path / "o", resume=True)


def test_two_processes_do_not_write_one_folder(job: Job, copy: Path) -> None:
    script = "import filelock, sys, time; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(); time.sleep(9)"
    with subprocess.Popen([sys.executable, "-uc", script, str(copy / ".lock")], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ScenarioError, match="another process is writing this folder"):
            sweeps.execute(job, copy, resume=True)
        other.kill()
    sweeps.execute(job, copy, resume=True)


@pytest.mark.parametrize("where", ["taken", "taken/below"])
def test_a_path_that_cannot_be_a_folder_is_refused(where: str, job: Job, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(ScenarioError, match="cannot be the folder of --out"):
        sweeps.execute(job, tmp_path / where)


def test_a_sweep_that_ended_before_its_first_chunk_is_no_result(
    job: Job, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "local_parts", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sweeps.execute(job, tmp_path / "out")
    sweeps.execute(job, tmp_path / "out")
    assert bytes_of(tmp_path / "out") == bytes_of(whole)


# ------------------------------------------------------------------ a disk that is full


@pytest.mark.parametrize("after", [0, 1, 2, 7, 12])
def test_a_full_disk_is_told_and_resumed(
    after: int, job: Job, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, real = [], sweep_store.write_durably

    def fails(path: Path, data: bytes) -> Path:
        if len(written) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        return real(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(sweep_store, "write_durably", fails)
        patch.setattr(sweeps, "write_durably", fails)
        with pytest.raises(SimulationError, match="No space left on device; what is finished stays, --resume goes on"):
            sweeps.execute(job, tmp_path / "out")
    sweeps.execute(job, tmp_path / "out", resume=True)
    assert bytes_of(tmp_path / "out") == bytes_of(whole)


def test_a_disk_that_fills_while_tables_are_joined(
    job: Job, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "_add_chunk", fails)
        with pytest.raises(SimulationError, match="No space left"):
            sweeps.execute(job, tmp_path / "out")
    assert not (tmp_path / "out" / "outcomes.parquet").exists()
    with pytest.raises(ScenarioError, match="holds 120 of 120 runs; sweep it with --resume first"):
        ts.load_sweep(tmp_path / "out")
    sweeps.execute(job, tmp_path / "out", resume=True)
    assert bytes_of(tmp_path / "out") == bytes_of(whole)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small file system")
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_small_file_system_that_fills(share: float, job: Job, whole: Path, tmp_path: Path) -> None:
    size = int(share * sum(path.stat().st_size for path in whole.rglob("*") if path.is_file()))
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(small)], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        with pytest.raises(SimulationError, match="No space left"):
            sweeps.execute(job, small / "out")
        assert not list((small / "out").glob("*.tmp"))
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        sweeps.execute(job, small / "out", resume=True)
        assert bytes_of(small / "out") == bytes_of(whole)
    finally:
        subprocess.run(["umount", str(small)], check=True)


# ------------------------------------------------------------------ failures, referee, reruns


def test_failed_runs_are_kept_with_inputs_and_counted(odd: Path, tmp_path: Path) -> None:
    done = ts.run_sweep(odd, tmp_path / "out", chunk=3)
    frame = done.experiments.merge(done.outcomes, on="run")
    end = frame["a"] * 10 + 1 + frame["b"]
    assert (frame["failed"] == ((end < 0) | (end > 9))).all()
    assert frame.loc[~frame["failed"], "final y"].to_numpy() == pytest.approx(np.sqrt(end[~frame["failed"]]))
    assert frame.loc[frame["failed"], ["final y", "final x"]].isna().all().all()
    failures = done.failures
    assert done.failed == len(failures) == frame["failed"].sum() > 7
    assert set(failures["reason"]) == {"broke down: a value is no finite number", "'y' rises above its limit 3"}
    pd.testing.assert_frame_equal(
        failures.drop(columns="reason"), done.experiments.loc[failures["run"]].reset_index(drop=True), check_exact=True
    )
    assert len(pd.read_csv(tmp_path / "out" / "failures.csv")) == done.failed


def test_failed_runs_fail_again_in_a_rerun(odd: Path, tmp_path: Path) -> None:
    done = ts.run_sweep(odd, tmp_path / "out")
    for reason, runs in done.failures.groupby("reason")["run"]:
        again = ts.rerun(tmp_path / "out", int(runs.iloc[0]))
        assert again.reason == reason
        assert again.equal
    good = ts.rerun(tmp_path / "out", int(done.outcomes[~done.outcomes["failed"]]["run"].iloc[0]))
    assert good.reason == ""
    assert good.result["x"][-1, 0] == good.again["final x"]


def test_a_lone_run_that_breaks_down_is_a_failure_too(odd: Path, tmp_path: Path) -> None:
    odd.write_text("title: one\nmodel: odd.mdl\nlevers:\n  a: [-1]\noutcomes: [final y]\n")
    assert ts.run_sweep(odd, tmp_path / "out").failed == 1


@pytest.mark.parametrize("run", [0, 57, 119])
def test_a_rerun_is_the_stored_run_to_the_bit(run: int, whole: Path) -> None:
    again = ts.rerun(whole, run)
    stored = ts.load_sweep(whole).outcomes.loc[run]
    assert again.equal
    assert again.again["largest aid gap"] == stored["largest aid gap"] == again.result["aid gap"].max()
    assert again.result.runs == 1
    assert {"security", "state capacity", "relapse hazard"} <= set(again.result.names)
    assert again.inputs["draw down start"] == ts.load_sweep(whole).experiments.loc[run, "draw down start"]
    assert 0 < again.referee["max_deviation"] < 1e-4


def _store_other_number(folder: Path, table: str, column: str, run: int) -> None:
    """Alter one number of a table and make the manifest vouch for it."""
    path = folder / f"{table}.parquet"
    frame = pq.read_table(path)
    values = frame[column].to_numpy().copy()
    values[run] *= 1 + 1e-15 if table == "outcomes" else 1 + 1e-9
    index = frame.schema.get_field_index(column)
    pq.write_table(frame.set_column(index, frame.schema.field(index), [values]), path)
    body = read_manifest(folder)
    body["tables"][path.name] = sweep_store.sha256_of(path)
    sweep_store.Store(folder, body).save()


@pytest.mark.parametrize(
    ("table", "column"), [("outcomes", "largest aid gap"), ("experiments", "weight of weak state")]
)
def test_a_rerun_finds_a_last_bit_that_is_not_its_own(table: str, column: str, copy: Path) -> None:
    _store_other_number(copy, table, column, 9)
    with pytest.raises(SimulationError, match=r"run 9 is not the one stored: '.*' is .* now, .* then"):
        ts.rerun(copy, 9)
    assert ts.rerun(copy, 10).equal


def test_a_rerun_by_other_code_says_so(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = read_manifest(copy)
    body["code"]["numpy"] = "1.0"
    sweep_store.Store(copy, body).save()
    _store_other_number(copy, "outcomes", "largest aid gap", 9)
    again = ts.rerun(copy, 9)
    assert not again.equal
    assert again.other_code == (f"numpy {np.__version__}, then 1.0",)


def test_a_rerun_needs_its_model_and_a_run_that_exists(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="has no run 120; allowed: 0 to 119"):
        ts.rerun(copy, 120)
    (copy / "transition.mdl").write_bytes((copy / "transition.mdl").read_bytes() + b"\n")
    with pytest.raises(ScenarioError, match=r"transition\.mdl: is not the model of this sweep"):
        ts.rerun(copy, 1)
    with pytest.raises(ScenarioError, match="holds no sweep"):
        ts.rerun(tmp_path, 1)


def test_scipy_checks_a_sample_and_fails_the_sweep(
    job: Job, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ts.load_sweep(whole).manifest["referee"]
    assert report["runs"] == 6
    assert [group["draw_down"] for group in report["groups"]] == ["by calendar"]
    assert 1e-9 < report["groups"][0]["max_deviation"] < 1e-4
    monkeypatch.setattr(sweep_run, "TOLERANCE", 1e-12)
    with pytest.raises(
        SimulationError, match=r"SciPy's integration differs by .* in relapse probability; allowed: 1e-12"
    ):
        sweeps.execute(job, tmp_path / "out")


def test_effort_that_does_not_fit_is_refused_before_any_run(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SMALL.replace("draw down start: [24, 48, 96]", "PBC effort budget: [18, 100]"))
    told = (
        "at PBC effort budget 100.0, bridging entry_points/draw_down: 100 effort-months do not fit the draw down window"
    )
    with pytest.raises(ScenarioError, match=told):
        ts.run_sweep(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_profiles_sweep_agrees_with_compare(tmp_path: Path) -> None:
    done = ts.run_sweep("sweeps/entry_points_across_profiles", tmp_path / "out", runs=12, csv=False)
    assert not (tmp_path / "out" / "outcomes.csv").exists()
    data = done.to_xarray()["relapse probability at 20 years"]
    for profile in ("unamsil_like", "unmiset_like"):
        compared = ts.compare(profile, runs=12, seed=7, bundle="role").outcomes[0]
        for option, name in enumerate(compared.options):
            here = data.sel({"profile": f"contexts/{profile}", "entry point": f"entry_points/{name}"})
            assert np.array_equal(here, compared.probability[-1, option]), (profile, name)


def test_series_of_the_base_reach_every_run_and_reruns(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("title: b\nseries:\n  regional instability input: {-12: 0.9, 240: 0.1}\n")
    path = tmp_path / "s.yaml"
    path.write_text(SMALL.replace("contexts/reference", "b.yaml").replace("runs: 20", "runs: 2"))
    done = ts.run_sweep(path, tmp_path / "out")
    plain = ts.run_sweep("sweeps/draw_down_timing", tmp_path / "plain", runs=2)
    assert done.manifest["plan"]["series"] == {"regional instability input": [[-12.0, 240.0], [0.9, 0.1]]}
    assert ts.rerun(tmp_path / "out", 3).equal
    assert plain.manifest["plan"]["series"] == {}


def test_names_that_netcdf_does_not_allow_are_written_in_others(mdl: Callable[..., Path], tmp_path: Path) -> None:
    mdl('"a/b" = INTEG(float, 0)', "float = 1", '"#x" = 2*"a/b"', name="names")
    text = 'title: n\nmodel: names.mdl\nlevers:\n  float: [1, 2]\noutcomes: [final a/b, "final #x"]\n'
    (tmp_path / "n.yaml").write_text(text)
    done = ts.run_sweep(tmp_path / "n.yaml", tmp_path / "out")
    assert done.outcomes["final a/b"].tolist() == pytest.approx([10, 20])
    with xr.open_dataset(tmp_path / "out" / "outcomes.nc", engine="scipy") as data:
        assert data["final a per b"].dims == ("_float", "world")
        assert data["final #x"].values.ravel().tolist() == pytest.approx([20, 40])


def test_the_step_is_that_of_the_model(mdl: Callable[..., Path], tmp_path: Path) -> None:
    mdl("x = INTEG(-a*x, 1)", "a = 1", start=0, stop=2, step=0.01, save=1, name="fine")
    (tmp_path / "f.yaml").write_text("title: f\nmodel: fine.mdl\nlevers:\n  a: [1, 5]\n")
    done = ts.run_sweep(tmp_path / "f.yaml", tmp_path / "out")
    assert done.manifest["method"]["time_step"] == 0.01
    assert done.outcomes["final x"].tolist() == pytest.approx([np.exp(-2), np.exp(-10)], rel=1e-6)
    assert ts.rerun(tmp_path / "out", 1).equal


def test_progress_counts_runs_now_and_in_all(job: Job, copy: Path) -> None:
    for index in (1, 2):
        (copy / "parts" / f"part-0000{index}.parquet").unlink()
    told: list[tuple[int, int, int]] = []
    sweeps.execute(job, copy, resume=True, jobs=1, progress=lambda *counts: told.append(counts))
    assert told == [(16, 104, 120), (32, 120, 120)]
