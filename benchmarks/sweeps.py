"""Sweeps at scale, as a user runs them: time, memory, and twenty kills.

python benchmarks/sweeps.py time [REPEATS]      100,000 runs of the draw-down sweep, median of several
python benchmarks/sweeps.py memory              largest resident memory at 10,000, 100,000 and 1,000,000 runs
python benchmarks/sweeps.py kill [KILLS]        100,000 runs killed at random moments and resumed: the same bytes?
python benchmarks/sweeps.py profile             where the time goes, by step

Each prints its figures as lines of text; results go to a temporary folder that is removed.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from transition_sim.study.sweeps.file import find_sweep

SWEEP = "draw_down_timing"
POINTS = 200


def command(out: Path, worlds: int, *more: str, sweep: str = SWEEP) -> list[str]:
    """Return the command line of one sweep."""
    words = [sys.executable, "-m", "transition_sim.cli", "sweep", sweep, "--out", str(out), "--runs", str(worlds)]
    return [*words, "--quiet", *more]


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every table of a finished sweep."""
    names = [f"{table}{end}" for table in ("experiments", "outcomes", "failures") for end in (".parquet", ".csv")]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in [*names, "outcomes.nc"]}


def timed(words: list[str]) -> tuple[float, float, float]:
    """Return wall-clock seconds, processor seconds and megabytes of a command."""
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(words)}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def time_it(work: Path, repeats: int = 5) -> None:
    """Time 100,000 runs, everything included from the start of the interpreter to the last table."""
    for csv in ("--csv", "--no-csv"):
        found = [timed(command(work / "out", 500, "--force", csv)) for _ in range(repeats)]
        walls, processors = [f[0] for f in found], [f[1] for f in found]
        told = ", ".join(f"{wall:.1f}" for wall in walls)
        used = f"processor time {statistics.median(processors):.1f} s; load {os.getloadavg()[0]:.1f}"
        print(f"100,000 runs {csv}: median {statistics.median(walls):.1f} s ({told}); {used}", flush=True)


def memory(work: Path) -> None:
    """Print the largest resident memory by the number of runs; of prior worlds, for calibrated ones are a thousand."""
    prior = str(work / "prior.yaml")
    Path(prior).write_text(find_sweep(SWEEP).read_text().replace("uncertainties: c5", "uncertainties: prior"))
    for worlds in (50, 500, 5000):
        wall, _, megabytes = timed(command(work / "out", worlds, "--force", sweep=prior))
        size = sum(path.stat().st_size for path in (work / "out").rglob("*") if path.is_file())
        print(f"{worlds * POINTS:,} runs: {megabytes:.0f} MB, {wall:.0f} s, {size / 1e6:.0f} MB on disk", flush=True)


def kill(work: Path, kills: int = 20) -> None:
    """Kill a sweep of 100,000 runs at random moments, resume it, and compare all tables with an uninterrupted one."""
    timed(command(work / "whole", 500))
    moments, partial = random.Random(1), 0  # noqa: S311 - no secret
    for number in range(kills):
        process = subprocess.Popen(command(work / "out", 500, "--resume"), stdout=subprocess.DEVNULL)
        time.sleep(moments.uniform(2, 9))
        process.send_signal(signal.SIGKILL)
        process.wait()
        parts = len(list((work / "out").glob("parts/part-*.parquet")))
        partial += 0 < parts < 49
        tables = "there" if (work / "out" / "outcomes.csv").exists() else "not there"
        print(f"kill {number + 1}: {parts} of 49 parts, tables {tables}", flush=True)
        if parts == 49:  # give the next ones something to lose
            for path in moments.sample(sorted((work / "out").glob("parts/part-*")), 20):
                path.unlink()
    timed(command(work / "out", 500, "--resume"))
    same = digests(work / "out") == digests(work / "whole")
    print(
        f"{kills} kills, {partial} with some parts and not all; tables {'EQUAL' if same else 'DIFFER'}, byte for byte"
    )
    if not same:
        raise SystemExit(1)


def profile(work: Path) -> None:
    """Print where the time of a sweep goes: of a chunk on one thread, and of the tables."""
    from transition_sim.study.sweeps import run as sweep_run
    from transition_sim.study.sweeps.estimate import tables_of_a_chunk
    from transition_sim.study.sweeps.plan import load_job

    job = load_job(SWEEP)
    sweep_run.run_chunk(job, 0)
    steps: dict[str, list[float]] = {name: [] for name in ("constants", "integrate", "reduce", "whole chunk", "tables")}
    for index in range(1, 12):
        runs = np.asarray(job.runs_of(index))
        clock = [time.perf_counter()]
        constants = job.design.constants(runs)
        clock.append(time.perf_counter())
        result = sweep_run.integrated(job.recipe, constants, len(runs))
        clock.append(time.perf_counter())
        sweep_run.outcomes_from(job.recipe, result, len(runs))
        clock.append(time.perf_counter())
        sweep_run.run_chunk(job, index)
        clock.append(time.perf_counter())
        tables_of_a_chunk(job, csv=True)
        clock.append(time.perf_counter())
        for name, took in zip(steps, np.diff(clock).tolist(), strict=True):
            steps[name].append(took)
    for name, took in steps.items():
        print(f"{name:<12} {statistics.median(took) / job.chunk * 1e6:6.1f} us a run")


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    try:
        jobs = {"time": time_it, "memory": memory, "kill": kill, "profile": profile}
        jobs[sys.argv[1]](folder, *map(int, sys.argv[2:]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
