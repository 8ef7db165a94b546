"""`transition-sim sweep` and `rerun`."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transition_sim.cli.common import Force, Json, Out, Quiet, app, output_folder, print_saved, say_at_interrupt

if TYPE_CHECKING:
    from transition_sim.study.sweeps.plan import Job
    from transition_sim.study.sweeps.rerun import Rerun
    from transition_sim.study.sweeps.sweep import Sweep

SOME_FAILED = 4


@app.command()
def sweep(
    sweep: Annotated[str, typer.Argument(help="A shipped sweep, such as draw_down_timing, or a sweep file.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the tables; needed unless --dry-run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what the folder has.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, max=1024, help="Threads; default one a processor.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler to run the chunks.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and run nothing.")] = False,
    runs: Annotated[int | None, typer.Option(min=1, help="Worlds or runs, in place of the file's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="In place of the file's.")] = None,
    csv: Annotated[bool, typer.Option(help="Write CSV beside Parquet.")] = True,
    as_json: Json = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Run a sweep over levers and plausible worlds into tables of inputs and outcomes; it can be resumed."""
    from transition_sim.study.sweeps.plan import described, load_job

    if out is None and not dry_run:
        raise typer.BadParameter("a sweep needs a folder for its tables: --out DIR", param_hint="--out")
    if resume and force:
        raise typer.BadParameter("--resume keeps what is there and --force replaces it; give one", param_hint="--force")
    job = load_job(sweep, runs, seed)
    stream = sys.stderr if as_json else sys.stdout
    if not quiet:
        print(f"{job.title}: {described(job)}, seed {job.design.seed}.", file=stream)
        print(_about_worlds(job), file=stream, flush=True)
    if dry_run:
        _print_estimate(job, jobs, csv, as_json)
        return
    folder = out or Path()
    say_at_interrupt(_resume_line(sweep, folder, jobs, cluster, runs, seed, csv))
    from transition_sim.study.sweeps.sweep import execute

    began = time.monotonic()
    done = execute(job, folder, resume, force, jobs, cluster, csv, sweep_progress(quiet))
    _print_sweep(done, time.monotonic() - began, as_json, quiet)
    if done.failed:
        raise typer.Exit(SOME_FAILED)


@app.command()
def rerun(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished sweep.")],
    only: Annotated[int, typer.Option(min=0, metavar="ID", help="The number of the run, from the column 'run'.")],
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Compute one run of a sweep again, in full, and prove that it is the same run."""
    from transition_sim.study.sweeps.rerun import rerun as run_again
    from transition_sim.study.sweeps.words import rerun_data, rerun_lines

    target = output_folder(out, force, "trajectories.csv")
    done = run_again(folder, only)
    if as_json:
        print(json.dumps(rerun_data(done), indent=1, allow_nan=False))
    else:
        for line in rerun_lines(done):
            print(line)
    if target is not None:
        _save_rerun(done, target, as_json)


def sweep_progress(quiet: bool) -> Callable[[int, int, int], None] | None:
    """Return a progress line with rate and time left for a terminal, shown after a second; None elsewhere."""
    if quiet or not sys.stderr.isatty():
        return None
    from transition_sim.study.sweeps.words import duration

    began = time.monotonic()

    def show(now: int, done: int, total: int) -> None:
        took = time.monotonic() - began
        if took > 1:
            rate = now / took
            text = f"{done:,} of {total:,} runs, {rate:,.0f} a second, {duration((total - done) / rate)} left"
            print(f"\r{text:<70}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show


def _about_worlds(job: Job) -> str:
    from transition_sim.study.ensembles import SAYS

    if job.ensemble is None:
        return "A stylised teaching and exploration model, not a forecast."
    told = f" ({SAYS[job.ensemble]})" if job.ensemble in SAYS else ""
    return f"Worlds: {job.ensemble}{told}. The size of any PBC effect is an assumption."


def _resume_line(
    sweep: str, out: Path, jobs: int | None, cluster: str | None, runs: int | None, seed: int | None, csv: bool
) -> str:
    """Return the command that goes on with a sweep that was interrupted."""
    words = ["transition-sim", "sweep", sweep, "--out", out.as_posix(), "--resume"]
    for name, value in (("--jobs", jobs), ("--cluster", cluster), ("--runs", runs), ("--seed", seed)):
        words += [] if value is None else [name, str(value)]
    return "go on with: " + shlex.join([*words, *([] if csv else ["--no-csv"])])


def _print_estimate(job: Job, jobs: int | None, csv: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from transition_sim.study.sweeps.estimate import estimate
    from transition_sim.study.sweeps.words import estimate_lines

    found = estimate(job, jobs, csv)
    if as_json:
        print(json.dumps({**asdict(found), "notes": list(job.notes)}, indent=1))
        return
    for note in job.notes:
        print(f"Note: {note}.")
    for line in estimate_lines(found):
        print(line)


def _print_sweep(done: Sweep, seconds: float, as_json: bool, quiet: bool) -> None:
    from transition_sim.study.sweeps.words import duration, summary_data, sweep_lines

    if as_json:
        print(json.dumps(summary_data(done), indent=1, allow_nan=False))
        return
    if not quiet:
        print(f"{done.runs:,} {'run' if done.runs == 1 else 'runs'}, {done.failed:,} failed, in {duration(seconds)}.")
        for line in sweep_lines(done):
            print(line)
    names = ["manifest.json", *sorted(done.manifest["tables"])]
    print_saved([done.folder / name for name in names], sys.stdout)


def _save_rerun(done: Rerun, folder: Path, as_json: bool) -> None:
    from transition_sim import figures
    from transition_sim.data import write_text
    from transition_sim.study.sweeps.words import rerun_data

    data = rerun_data(done)
    short = {key: value for key, value in data.items() if key not in ("time", "units", "variables")}
    told = {**short, "sweep_manifest": dict(done.sweep.manifest["plan"]), **dict(done.result.provenance)}
    written = [
        write_text(folder / "trajectories.csv", done.result.to_frame().to_csv()),
        write_text(folder / "provenance.json", json.dumps(told, indent=1)),
    ]
    if not done.reason and done.result.model is not None:
        written += figures.save_run(done.result, done.result.model, folder)
    print_saved(written, sys.stderr if as_json else sys.stdout)
