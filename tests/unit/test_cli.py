"""The command line: exit codes, what goes to stdout and stderr, files written whole, and never a traceback."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import transition_sim as ts
from transition_sim import figures
from transition_sim.data import scenarios_folder
from transition_sim.study.outcomes import Comparison

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `compare --out` draw nothing, where figures are not what is tested: they take most of the time."""
    blank = figures.Drawing(*['<svg xmlns="http://www.w3.org/2000/svg"/>'] * 2, "words")

    def save(done: Comparison, folder: Path) -> tuple[list[Path], dict[str, figures.Drawing]]:
        return [], {file: blank for file, _, _ in figures.comparison.parts(done)}

    monkeypatch.setattr(figures, "save_comparison", save)


def test_help_lists_what_exists(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    for command in (
        "compare", "run", "check", "model", "scenario", "sweep", "rerun", "report", "sensitivity", "timing", "lab",
        "workshop",
    ):  # fmt: skip
        assert command in out


def test_version(call: Call) -> None:
    assert call("--version") == (0, f"transition-sim {ts.__version__}\n", "")


def test_compare_prints_tables_and_writes_files(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "results" / "new"
    folder.mkdir(parents=True)
    (folder / "options-c6-war-column.png").write_bytes(b"of an earlier comparison")
    (folder / "options-mine.png").write_bytes(b"somebody's own")
    code, out, err = call("compare", "--runs", "6", "--seed", "0", "--out", "results/new")
    assert code == 0
    assert "WORLDS c5" in out
    assert "best in" in out
    assert err == ""
    names = {path.name for path in folder.iterdir()}
    assert {"table.csv", "comparison.json", "provenance.json", "options.svg", "trajectories.png"} <= names
    assert {"report.html", "report.pdf", "report.xlsx", "worlds.csv", "bands.csv", "timeline-column.svg"} <= names
    assert not [name for name in names if name.endswith(".tmp")]
    assert "options-c6-war-column.png" not in names
    assert "options-mine.png" in names
    table = pd.read_csv(folder / "table.csv")
    assert len(table) == 56
    assert json.loads((folder / "provenance.json").read_text())["seed"] == 0


def test_compare_replaces_results_with_force_alone(call: Call, tmp_path: Path, no_figures: None) -> None:
    folder = tmp_path / "results" / "new"
    words = ("compare", "--runs", "6", "--out", "results/new")
    assert call(*words)[0] == 0
    code, _, err = call(*words)
    assert code == 3
    assert "--force" in err
    assert call(*words, "--bundle", "role", "--force")[0] == 0
    assert len(pd.read_csv(folder / "table.csv")) == 28


def test_compare_json_is_json_alone(call: Call, tmp_path: Path, no_figures: None) -> None:
    code, out, err = call("compare", "--runs", "4", "--context", "unamsil_like", "--json", "--out", "o")
    assert code == 0
    assert json.loads(out)["context"] == "unamsil_like"
    assert "report.html" in err
    assert out.strip() == (tmp_path / "o" / "comparison.json").read_text().strip()


def test_compare_takes_further_options(call: Call, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("title: mine\nset:\n  PBC draw down effort: 0.5\n  PBC throughout effort: 0.5\n", encoding="utf-8")
    code, out, _ = call("compare", "--runs", "4", "--option", "mine.yaml", "--json")
    assert code == 0
    assert [o["name"] for o in json.loads(out)["results"][0]["options"]][-1] == "mine"


def test_a_full_disk_is_a_message(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out/table.csv.tmp")

    monkeypatch.setattr("transition_sim.data.tempfile.mkstemp", full)
    code, _, err = call("compare", "--runs", "4", "--out", "out", "--quiet")
    assert code == 1
    assert "out/table.csv.tmp: No space left on device" in err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("compare --runs 0", 2, "--runs"),
        ("compare --runs many", 2, "--runs"),
        ("compare --out /sys/kernel", 3, "/sys/kernel: cannot be the folder of --out"),
        ("timing --out /sys/kernel", 3, "/sys/kernel: cannot be the folder of --out"),
        ("run contexts/reference --out /sys/kernel", 3, "/sys/kernel: cannot be the folder of --out"),
        ("calibrate --out /sys/kernel", 3, "/sys/kernel: cannot be the folder of --out"),
        ("compare --seed -1", 2, "--seed"),
        ("compare --colour", 2, "--colour"),
        ("compar", 2, "compar"),
        ("compare --effort 100", 3, "do not fit the mission start window of 30 months (budget 100)"),
        ("compare --effort 1000", 3, "'PBC effort budget' is 1000; allowed: finite numbers, 0 to 200 Month"),
        ("compare --effort -1", 3, "effort"),
        ("compare --effort nan", 3, "effort"),
        ("compare --effort inf", 3, "effort"),
        ("compare --definition wars", 3, "allowed: war, armed_conflict, major_war, all"),
        ("model draw --sector Aids --out pictures", 3, "did you mean 'Aid'"),
        ("model loops nowhere.mdl", 3, "nowhere.mdl: no such file"),
        ("compare --ensemble c7", 3, "allowed: prior, c5, c6"),
        ("compare --runs 1001", 3, "allowed: 1 to 1,000"),
        ("compare --ensemble none.csv", 3, "'none.json' is missing"),
        ("model evidence --ensemble c7", 3, "allowed: prior, c5, c6"),
        ("calibrate --ensemble both --out one.csv", 3, "name one ensemble"),
        ("calibrate --ensemble prior", 3, "cannot be calibrated"),
        ("model evidence --ensemble prior", 3, "keeps no worlds"),
        ("compare --bundle rol", 3, "did you mean 'role'"),
        ("compare --context unamsil", 3, "did you mean 'contexts/unamsil_like'"),
        ("compare --context no/such.yaml", 3, "no such file"),
        ("compare --option no_such.yaml", 3, "no such file"),
        ("run entry_points/nine", 3, "did you mean 'entry_points/none'"),
        ("run no.mdl", 3, "no.mdl: no such file"),
        ("run .", 3, "is a folder"),
        ("run entry_points/none --model no.mdl", 3, "no.mdl: no such file"),
        ("run entry_points/none --set draw", 3, "expected \"NAME=VALUE UNIT\""),
        ("run entry_points/none --set drawdownstart=3", 3, "did you mean 'draw down start'"),
        ("run entry_points/none --set population=3_MUSD", 3, "population"),
        ("run entry_points/none --set population=nan", 3, "population=nan"),
        ("run entry_points/none --set population=-5", 3, "'population' is -5; allowed"),
        ("check no.yaml", 3, "no.yaml: no such file"),
        ("check no.mdl", 3, "no.mdl: no such file"),
        ("check .", 3, "is a folder"),
        ("check", 2, "files"),
        ("model show sekurity", 3, "did you mean 'security'"),
        ("model list no.mdl", 3, "no such file"),
        ("scenario show nothing", 3, "no shipped scenario"),
        ("scenario copy contexts/_template no/where.yaml", 3, "there is no folder"),
        ("scenario copy nothing x.yaml", 3, "no shipped scenario"),
    ],
)  # fmt: skip
def test_mistakes_get_a_code_and_a_message(call: Call, words: str, code: int, told: str) -> None:
    given, _, err = call(*[word.replace("_MUSD", " MUSD") for word in words.split(" ")])
    assert (given, told in err) == (code, True), err


def test_every_fault_of_a_file_has_its_line(call: Call, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "title: late\nset:\n  draw down strat: 4 years\n  population: 4 MUSD\n  PBC draw down effort: 7\n",
        encoding="utf-8",
    )
    for command in ("check", "run"):
        code, _, err = call(command, "bad.yaml")
        assert code == 3
        lines = err.splitlines()
        assert "bad.yaml:3: 'draw down strat' is not in transition.mdl; did you mean 'draw down start'?" in lines[0]
        assert "bad.yaml:4: 'population'" in lines[1]
        assert "bad.yaml:5: 'PBC draw down effort' is 7; allowed: finite numbers, 0 to 1" in lines[2]


def test_check_goes_on_after_a_bad_file(call: Call, mdl: Callable[..., Path]) -> None:
    good, bad = mdl("x = INTEG(1, 0)", name="good"), mdl("x = INTEG(y, 0)", name="bad")
    code, out, err = call("check", str(bad), str(good))
    assert code == 3
    assert "good.mdl: ok" in out
    assert "'y' is not defined" in err


def test_check_finds_units_and_limits(call: Call, mdl: Callable[..., Path]) -> None:
    path = mdl("p = 3 ~ Person [0, 2] ~ |", "x = INTEG(p, 0) ~ MUSD ~ |")
    code, _, err = call("check", str(path))
    assert code == 3
    assert "'p' is 3; its limits are 0 to 2" in err
    assert "units of 'p' (Person)" in err


def test_shipped_files_check_clean(call: Call) -> None:
    shipped = [ts.load_model().path.parent / name for name in ("transition.mdl", "aid_gap.mdl", "uncertainties.yaml")]
    code, out, err = call("check", *map(str, shipped))
    assert (code, err) == (0, "")
    assert out.count(": ok") == 3


def test_run_takes_a_scenario_with_changes(call: Call) -> None:
    code, out, _ = call("run", "entry_points/none", "--set", "draw down start=5 years", "--json")
    data = json.loads(out)
    assert code == 0
    peacekeepers = np.interp([59, 90], data["time"], data["variables"]["peacekeepers deployed"])
    assert peacekeepers[0] == pytest.approx(12000, rel=1e-3)
    assert peacekeepers[1] < 100
    assert set(data["relapse_probability"]) == {"5", "10", "15", "20"}


def test_run_takes_any_model_of_ones_own(call: Call, mdl: Callable[..., Path], tmp_path: Path) -> None:
    path = mdl("rabbits = INTEG(0.2 * rabbits, 2)", name="own model")
    code, out, _ = call("run", str(path), "--out", "o")
    assert code == 0
    assert "rabbits" in out
    frame = pd.read_csv(tmp_path / "o" / "trajectories.csv", index_col=0)
    assert frame["rabbits"].iloc[-1] == pytest.approx(2 * np.exp(2), rel=1e-6)
    assert (tmp_path / "o" / "stocks.svg").stat().st_size > 1000


def test_run_draws_random_numbers_by_its_seed(call: Call, mdl: Callable[..., Path]) -> None:
    path = str(mdl("x = INTEG(RANDOM UNIFORM(0, 1, 0), 0)"))
    assert call("run", path)[0] == 3
    ends = []
    for seed in ("0", "3", "3"):
        code, out, _ = call("run", path, "--events", "compatible", "--seed", seed, "--json")
        assert code == 0
        assert json.loads(out)["provenance"]["seed"] == int(seed)
        ends.append(json.loads(out)["variables"]["x"][-1])
    assert ends[0] != ends[1] == ends[2]


def test_run_that_breaks_down_is_a_failure(call: Call, mdl: Callable[..., Path]) -> None:
    code, _, err = call("run", str(mdl("x = INTEG(-1, 2.25)", "r = SQRT(x)")))
    assert code == 1
    assert "'r' is no finite number" in err


def test_model_list_and_show(call: Call) -> None:
    code, out, _ = call("model", "list")
    assert code == 0
    assert "relapse hazard" in out
    code, out, _ = call("model", "show", "service delivery")
    assert code == 0
    assert out.count("service delivery[") >= 4
    code, out, _ = call("model", "show", "aid gap")
    assert "unit: MUSD/Month" in out
    assert "Definition:" in out


def test_scenario_list_show_copy(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("scenario", "list")
    assert code == 0
    for part in ("contexts/reference", "entry_points/spread", "sweeps/aid_gap", "teaching/early_exit"):
        assert part in out
    shipped = [path for path in scenarios_folder().glob("*/*.yaml") if not path.name.startswith("_")]
    assert out.count("\n") == len(shipped)
    assert "assumption" in call("scenario", "show", "contexts/reference")[1]
    assert call("scenario", "copy", "contexts/_template", "mine.yaml")[0] == 0
    assert call("check", "mine.yaml")[0] == 0
    assert call("scenario", "copy", "contexts/_template", "mine.yaml")[0] == 3


def test_out_that_is_a_file_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    code, _, err = call("compare", "--runs", "3", "--out", "taken")
    assert code == 3
    assert "taken" in err


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_gives_130() -> None:
    words = [sys.executable, "-m", "transition_sim.cli", "compare", "--runs", "20000", "--ensemble", "prior"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_closed_pipe_is_no_traceback() -> None:
    words = f"{sys.executable} -m transition_sim.cli model list | head -1"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False)
    assert done.stderr == ""
