"""What a sweep, an estimate and a rerun say to a person, as lines of text, and as plain data for `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.study.outcomes import quantiles
from transition_sim.study.sweeps.design import CROSSED, crossed_levers
from transition_sim.study.sweeps.plan import Job, described

if TYPE_CHECKING:
    from transition_sim.study.sweeps.estimate import Estimate
    from transition_sim.study.sweeps.rerun import Rerun
    from transition_sim.study.sweeps.sweep import Sweep

Floats = NDArray[np.float64]
SHOWN_LEVELS = 12


def job_lines(job: Job) -> Iterator[str]:
    """Yield what a sweep is to run: levers with their levels and reasons, uncertain constants, outcomes."""
    yield f"{job.name}: {job.title}"
    yield f"  {described(job)}, seed {job.design.seed}"
    for lever in job.design.levers:
        if lever.bounds:
            levels = f"{lever.bounds[0]:g} to {lever.bounds[1]:g}"
        else:
            levels = ", ".join(map(_shown, lever.labels[:SHOWN_LEVELS]))
            levels += f", ... ({len(lever.labels)} in all)" if len(lever.labels) > SHOWN_LEVELS else ""
        yield f"  {lever.name}: {levels} {lever.unit}".rstrip()
        if lever.name in job.why:
            yield f"      {job.why[lever.name]}"
    if job.design.sampled:
        source = f" ({job.ensemble})" if job.ensemble else ""
        yield f"  {len(job.design.sampled)} uncertain constants{source}: {', '.join(job.design.sampled)}"
    yield f"  outcomes: {', '.join(outcome.name for outcome in job.recipe.outcomes)}"
    for note in job.notes:
        yield f"  note: {note}"


def sweep_lines(sweep: Sweep) -> Iterator[str]:
    """Yield what a finished sweep says: failures, SciPy's check, ranges of each outcome, the first one by lever."""
    manifest = sweep.manifest
    for note in manifest["notes"]:
        yield f"Note: {note}."
    if sweep.redone:
        more = f" and {len(sweep.redone) - 5:,} more" if len(sweep.redone) > 5 else ""
        yield f"Computed again, because missing or altered: {', '.join(sweep.redone[:5])}{more}."
    yield from _referee_lines(manifest["referee"])
    hosts = sorted({part["host"] for part in manifest["parts"].values()})
    if len(hosts) > 1:
        yield f"Parts come from several kinds of processor ({'; '.join(hosts)}): equal to about 1e-12, not to the bit."
    if sweep.failed:
        yield f"{sweep.failed:,} of {sweep.runs:,} runs FAILED; failures.csv has their inputs and why."
    yield ""
    yield from _outcome_lines(sweep)
    if manifest["plan"]["design"] in CROSSED:
        yield from _lever_lines(sweep)


def summary_data(sweep: Sweep) -> dict[str, Any]:
    """Return a finished sweep's summary as plain data."""
    outcomes = {}
    for name, unit in sweep.manifest["units"]["outcomes"].items():
        outcomes[name] = {"unit": unit, **quantiles_of_good(sweep.outcome(name))}
    plan = sweep.manifest["plan"]
    return {
        "sweep": sweep.manifest["sweep"], "title": sweep.manifest["title"], "runs": sweep.runs, "failed": sweep.failed,
        "seed": plan["seed"], "design": plan["design"], "plan_hash": sweep.manifest["plan_hash"],
        "model": plan["model"], "model_hash": plan["model_hash"], "notes": sweep.manifest["notes"],
        "referee": sweep.manifest["referee"], "code": sweep.manifest["code"], "outcomes": outcomes,
        "tables": sorted(sweep.manifest["tables"]), "note": sweep.manifest["note"],
    }  # fmt: skip


def estimate_lines(found: Estimate) -> Iterator[str]:
    """Yield what an estimate says."""
    threads = "thread" if found.jobs == 1 else "threads"
    chunks = "chunk" if found.chunks == 1 else "chunks"
    yield f"runs    {found.runs:,}, in {found.chunks:,} {chunks} of {min(found.chunk, found.runs):,}"
    yield f"time    about {duration(found.seconds)} on {found.jobs} {threads} (measured on {found.sample} runs)"
    yield f"disk    about {size(found.disk)}"
    yield f"memory  about {size(found.memory)}, whatever the number of runs"


def rerun_lines(done: Rerun) -> Iterator[str]:
    """Yield what a rerun says: inputs, outcomes then and now, and whether this is the same run."""
    manifest = done.sweep.manifest
    yield f"{manifest['title']}: run {done.run:,} of {done.sweep.runs:,}"
    for lever in manifest["plan"]["levers"]:
        yield f"  {lever['name']} = {_shown(done.inputs[lever['name']])} {lever['unit']}".rstrip()
    if "world" in done.inputs:
        yield f"  world {done.inputs['world']}"
    yield ""
    width = max(map(len, done.again))
    yield f"{'outcome':<{width}}  {'stored':>12}  {'now':>12}"
    units = manifest["units"]["outcomes"]
    for name, value in done.again.items():
        yield f"{name:<{width}}  {_shown(done.stored[name]):>12}  {_shown(value):>12}  {units[name]}".rstrip()
    yield ""
    if done.reason:
        yield f"This run failed, then and now: {done.reason}."
    elif done.equal:
        yield "The same run: every outcome has the very bits that are stored, and the trajectories give them."
    else:
        yield f"The same run within rounding; the bits differ by other code: {'; '.join(done.other_code)}."
    if done.referee:
        yield from _referee_lines({"groups": [done.referee]})


def rerun_data(done: Rerun) -> dict[str, Any]:
    """Return a rerun as plain data, missing numbers as None."""
    result = done.result
    return {
        "sweep": done.sweep.manifest["sweep"], "run": done.run, "inputs": dict(done.inputs),
        "stored": {name: _or_none(value) for name, value in done.stored.items()},
        "now": {name: _or_none(value) for name, value in done.again.items()},
        "equal_to_the_bit": done.equal, "failed": done.reason or None, "other_code": list(done.other_code),
        "referee": dict(done.referee), "time": result.time.tolist(),
        "units": {name: result.units[name] for name in result.names},
        "variables": {name: [_or_none(value) for value in result[name][:, 0].tolist()] for name in result.names},
    }  # fmt: skip


def duration(seconds: float) -> str:
    """Return seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Return bytes as a person says them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.3g} MB"


def _referee_lines(referee: Any) -> Iterator[str]:
    for group in referee["groups"]:
        count = len(group["runs"])
        draws = "draws" if count == 1 else "draw"
        words = f" that {draws} down {group['draw_down']}" if group.get("draw_down") else ""
        yield (
            f"SciPy integrated {count} {'run' if count == 1 else 'runs'}{words} again: largest deviation "
            f"{group['max_deviation']:.1e} in {group['of']} (allowed {group['tolerance']:g})."
        )


def _outcome_lines(sweep: Sweep) -> Iterator[str]:
    units = sweep.manifest["units"]["outcomes"]
    width = max(map(len, units))
    yield f"{'over all runs':<{width}}  {'p10':>10}  {'median':>10}  {'p90':>10}"
    for name, unit in units.items():
        found = quantiles_of_good(sweep.outcome(name))
        values = "  ".join(f"{_shown(found[key]):>10}" for key in ("p10", "median", "p90"))
        yield f"{name:<{width}}  {values}  {unit}".rstrip()


def _lever_lines(sweep: Sweep) -> Iterator[str]:
    """Yield the first outcome by the levels of each lever, and its change from the first level in the same world."""
    plan = sweep.manifest["plan"]
    name = next(iter(sweep.manifest["units"]["outcomes"]))
    axes = crossed_levers(plan)
    values = sweep.outcome(name).reshape([len(lever["labels"]) for lever in axes] + [plan["samples"]])
    several = [lever for lever in axes if 1 < len(lever["labels"]) <= SHOWN_LEVELS]
    if not several:
        return
    yield ""
    yield f"{name}, by lever: p10 to p90 (median) over all else; median change from the first level, all else equal"
    for axis, lever in enumerate(axes):
        if lever not in several:
            continue
        yield f"  {lever['name']}" + (f" ({lever['unit']})" if lever["unit"] else "")
        first = np.asarray(values.take(0, axis=axis))
        for level, label in enumerate(lever["labels"]):
            here = np.asarray(values.take(level, axis=axis))
            found = quantiles_of_good(here)
            change = "" if level == 0 else f"  {_median(here - first):+.4f}"
            spread = f"{_shown(found['p10'])} to {_shown(found['p90'])} ({_shown(found['median'])})"
            yield f"    {_shown(label):<28}  {spread:<30}{change}".rstrip()


def quantiles_of_good(values: Floats) -> dict[str, float | None]:
    """Return 10th percentile, median and 90th over the runs that did not fail; None where all did."""
    good = values[np.isfinite(values)]
    if not good.size:
        return {"p10": None, "median": None, "p90": None}
    return {**quantiles(good)}


def _median(values: Floats) -> float:
    good = values[np.isfinite(values)]
    return float(np.median(good)) if good.size else float("nan")


def _shown(value: Any) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def joined(lines: Iterable[str]) -> str:
    """Return lines as one text."""
    return "\n".join(lines)
