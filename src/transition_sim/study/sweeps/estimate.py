"""What a sweep will take: runs, chunks, time, disk and memory, measured on a few of its runs."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from transition_sim.study.sweeps.outcomes import variables_of
from transition_sim.study.sweeps.plan import Job
from transition_sim.study.sweeps.run import check_effort, run_chunk
from transition_sim.study.sweeps.tables import table_of, table_writer

SAMPLE = 512
_BASE = 350e6
"""Bytes of the interpreter with its libraries and a compiled model."""
_COPIES = 4
"""Arrays as large as a chunk's trajectories that exist at once while it is reduced."""


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take: seconds of wall-clock on `jobs` threads, bytes on disk and in memory."""

    runs: int
    chunks: int
    chunk: int
    jobs: int
    seconds: float
    disk: float
    memory: float
    sample: int


def estimate(job: Job, jobs: int | None = None, csv: bool = True) -> Estimate:
    """Return what a job will take, after running a small chunk of it."""
    check_effort(job)
    threads = jobs or os.cpu_count() or 1
    small = replace(job, chunk=min(SAMPLE, job.design.runs))
    run_chunk(small, 0)  # compiles the model, which is done once
    began = time.perf_counter()
    part = run_chunk(small, 0)
    each = (time.perf_counter() - began) / part.runs
    written, writing = tables_of_a_chunk(small, csv)
    bytes_each = (len(part.data) * 2 + written) / part.runs
    runs = job.design.runs
    seconds = runs * (each / min(threads, os.cpu_count() or 1) + writing / part.runs)
    memory = _memory(job, threads)
    return Estimate(runs, job.chunks, job.chunk, threads, seconds, runs * bytes_each, memory, part.runs)


def tables_of_a_chunk(job: Job, csv: bool) -> tuple[int, float]:
    """Return the bytes of the inputs' tables for one chunk, and the seconds it takes to write them."""
    runs = np.asarray(job.runs_of(0))
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        with table_writer(Path(name), "experiments", csv) as writer:
            writer.add(table_of(job.design.table(runs), job.design.units))
        took = time.perf_counter() - began
        return sum(path.stat().st_size for path in Path(name).iterdir()), took


def _memory(job: Job, threads: int) -> float:
    recipe = job.recipe
    moments = (recipe.stop - recipe.model.time.initial) / recipe.model.time.save_every + 1
    trajectories = 8.0 * moments * len(variables_of(recipe.outcomes, recipe.model)) * min(job.chunk, job.design.runs)
    worlds = 8.0 * sum(len(column) for column in job.design.worlds.values())
    return _BASE + worlds + threads * _COPIES * trajectories
