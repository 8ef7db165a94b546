"""`transition-sim sweep` and `rerun`: exit codes, what is printed where, interrupts that say how to go on."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import transition_sim as ts
from transition_sim.cli import sweeps

Call = Callable[..., tuple[int, str, str]]
SMALL = """
title: small
based_on: contexts/reference
levers:
  draw down start: [24, 48]
  bridging: [entry_points/none, entry_points/draw_down]
uncertainties: prior
runs: 6
outcomes: [relapse probability at 20 years, security at 240]
"""
ODD = "title: odd\nmodel: odd.mdl\nlevers:\n  a: [-1, 1]\noutcomes: [final y]\n"


@pytest.fixture(autouse=True)
def small(call: Call) -> None:
    """Put `small.yaml` into the empty folder in which commands run."""
    Path("small.yaml").write_text(SMALL)


def test_sweep_resume_and_rerun(call: Call, tmp_path: Path) -> None:
    code, out, err = call("sweep", "small.yaml", "--out", "o")
    assert (code, err) == (0, "")
    assert "24 runs: 2 draw down start x 2 bridging x 6 worlds, seed 7" in out
    assert "not calibrated" in out
    assert "24 runs, 0 failed" in out
    assert re.search(r"SciPy integrated 6 runs .* largest deviation \de-0\d .*|allowed 0\.0001", out)
    assert "entry_points/draw_down" in out
    assert "o/outcomes.nc" in out
    outcomes = pd.read_csv(tmp_path / "o" / "outcomes.csv")
    assert len(outcomes) == 24
    code, _, err = call("sweep", "small.yaml", "--out", "o")
    assert (code, "--resume goes on with them, --force replaces them" in err) == (3, True)
    (tmp_path / "o" / "parts" / "part-00000.parquet").unlink()
    code, out, _ = call("sweep", "small.yaml", "--out", "o", "--resume")
    assert (code, "Computed again, because missing or altered: parts/part-00000.parquet" in out) == (0, True)
    code, out, err = call("rerun", "o", "--only", "13", "--out", "r")
    assert (code, err) == (0, "")
    assert "The same run: every outcome has the very bits that are stored" in out
    assert f"{outcomes['security at 240'][13]:.4g}" in out
    frame = pd.read_csv(tmp_path / "r" / "trajectories.csv", index_col=0)
    assert frame["security"].iloc[-1] == outcomes["security at 240"][13]
    assert {"provenance.json", "stocks.svg"} <= {path.name for path in (tmp_path / "r").iterdir()}
    assert json.loads((tmp_path / "r" / "provenance.json").read_text())["equal_to_the_bit"] is True


def test_json_is_json_alone(call: Call) -> None:
    code, out, err = call("sweep", "small.yaml", "--out", "o", "--json", "--runs", "3", "--seed", "0")
    data = json.loads(out)
    assert (code, data["runs"], data["seed"], data["failed"]) == (0, 12, 0, 0)
    assert data["outcomes"]["security at 240"]["unit"] == "Dmnl"
    assert 0 < data["outcomes"]["relapse probability at 20 years"]["median"] < 1
    assert "12 runs" in err
    code, out, _ = call("rerun", "o", "--only", "0", "--json")
    again = json.loads(out)
    assert again["equal_to_the_bit"] is True
    assert len(again["variables"]["security"]) == len(again["time"]) == 253


def test_quiet_prints_the_files_alone(call: Call) -> None:
    code, out, err = call("sweep", "small.yaml", "--out", "o", "--quiet", "--no-csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "Saved:"
    assert "csv" not in out


def test_dry_run_counts_and_runs_nothing(call: Call, tmp_path: Path) -> None:
    code, out, err = call("sweep", "draw_down_timing", "--dry-run", "--jobs", "2")
    assert (code, err) == (0, "")
    assert "100,000, in 49 chunks of 2,048" in out
    for line in (r"time    about \d+(\.\d)? \w+ on 2 threads", r"disk    about \d+ MB", r"memory  about \d+ MB"):
        assert re.search(line, out), out
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]
    code, out, _ = call("sweep", "small.yaml", "--dry-run", "--json")
    assert json.loads(out)["runs"] == 24


@pytest.mark.slow
def test_estimates_are_near_what_happens(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("sweep", "draw_down_timing", "--runs", "10", "--dry-run", "--json", "--jobs", "1")
    told = json.loads(out)
    began = time.perf_counter()
    assert call("sweep", "draw_down_timing", "--runs", "10", "--jobs", "1", "--out", "o", "--quiet")[0] == code == 0
    took = time.perf_counter() - began
    disk = sum(path.stat().st_size for path in (tmp_path / "o").rglob("*") if path.is_file())
    assert told["disk"] / 3 < disk < told["disk"] * 3
    assert told["seconds"] < 3 * took + 1


def test_failed_runs_give_exit_4(call: Call, mdl: Callable[..., Path]) -> None:
    mdl("x = INTEG(a, 1)", "a = 1", "y = SQRT(x)", name="odd")
    Path("odd.yaml").write_text(ODD)
    code, out, err = call("sweep", "odd.yaml", "--out", "o")
    assert (code, err) == (4, "")
    assert "1 of 2 runs FAILED; failures.csv has their inputs and why" in out
    code, out, _ = call("rerun", "o", "--only", "0")
    assert (code, "This run failed, then and now: broke down" in out) == (0, True)
    assert json.loads(call("rerun", "o", "--only", "0", "--json")[1])["now"]["final y"] is None


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("sweep", 2, "sweep"),
        ("sweep small.yaml", 2, "--out DIR"),
        ("sweep small.yaml --out o --jobs 0", 2, "--jobs"),
        ("sweep small.yaml --out o --runs 0", 2, "--runs"),
        ("sweep small.yaml --out o --resume --force", 2, "give one"),
        ("sweep small.yaml --out small.yaml", 3, "cannot be the folder of --out"),
        ("sweep small.yaml --out o --runs 1000000000", 3, "4,000,000,000 runs; allowed: at most 10,000,000"),
        ("sweep small.yml --out o", 3, "no such file"),
        ("sweep draw_down_tming --out o", 3, "did you mean 'sweeps/draw_down_timing'"),
        ("sweep entry_points/none --out o", 3, "no shipped sweep"),
        ("sweep . --out o", 3, "is a folder"),
        ("run small.yaml", 3, "is a sweep; transition-sim sweep small.yaml --out DIR runs it"),
        ("run sweeps/aid_gap", 3, "is a sweep"),
        ("sweep nope --out o", 3, "(aid_gap, draw_down_timing, entry_points_across_profiles, what_drives"),
        ("rerun o", 2, "--only"),
        ("rerun o --only -1", 2, "--only"),
        ("rerun o --only x", 2, "--only"),
        ("rerun nowhere --only 1", 3, "holds no sweep"),
        ("rerun small.yaml --only 1", 3, "small.yaml"),
        ("check sweeps.yaml", 3, "no such file"),
    ],
)
def test_mistakes_get_a_code_and_a_message(call: Call, words: str, code: int, told: str) -> None:
    given, _, err = call(*words.split(" "))
    assert (given, told in err) == (code, True), err
    assert not Path("o").exists()


def test_check_takes_sweeps(call: Call) -> None:
    assert call("check", "small.yaml")[:2] == (0, "small.yaml: ok\n")
    Path("bad.yaml").write_text(SMALL.replace("draw down start", "draw down strat") + "sedd: 3\n")
    code, _, err = call("check", "bad.yaml")
    assert (code, err.count("error: ")) == (3, 1)
    Path("bad.yaml").write_text(SMALL.replace("draw down start", "draw down strat").replace("security", "securty"))
    code, _, err = call("check", "bad.yaml")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["bad.yaml:5", "bad.yaml:9"]


def test_shipped_sweeps_are_listed_shown_and_copied(call: Call) -> None:
    assert "sweeps/aid_gap " in call("scenario", "list")[1]
    shown = call("scenario", "show", "sweeps/aid_gap")[1]
    assert "pledge lapse time: 12, 24, 48, 96, 600 Month" in shown
    assert "assumption - " in shown
    assert call("scenario", "copy", "sweeps/aid_gap", "mine.yaml")[0] == 0
    assert call("scenario", "show", "mine.yaml")[0] == call("check", "mine.yaml")[0] == 0


def test_progress_has_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert sweeps.sweep_progress(quiet=True) is None
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    show = sweeps.sweep_progress(quiet=False)
    assert show is not None
    show(10, 510, 1000)
    assert capsys.readouterr().err == ""
    now[0] = 110.0
    show(100, 600, 1000)
    assert capsys.readouterr().err.strip() == "600 of 1,000 runs, 10 a second, 40 s left"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert sweeps.sweep_progress(quiet=False) is None


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_ends_soon_with_the_line_that_resumes(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "transition_sim.cli", "sweep", "draw_down_timing", "--runs", "30", "--jobs", "1"]
    words += ["--out", "my sweep"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        ends = time.monotonic() + 60
        while not list(tmp_path.glob("my sweep/parts/*.parquet")) and time.monotonic() < ends:
            time.sleep(0.01)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        took = time.monotonic() - began
    assert process.returncode == 130
    assert took < 2
    first, line = err.splitlines()
    assert first == "interrupted"
    again = shlex.split(line.removeprefix("go on with: "))
    assert again == [
        "transition-sim",
        "sweep",
        "draw_down_timing",
        "--out",
        "my sweep",
        "--resume",
        "--jobs",
        "1",
        "--runs",
        "30",
    ]
    resumed = subprocess.run(
        [sys.executable, "-m", "transition_sim.cli", *again[1:]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    whole = ts.run_sweep("draw_down_timing", tmp_path / "whole", runs=30)
    for name in whole.manifest["tables"]:
        assert (tmp_path / "my sweep" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
