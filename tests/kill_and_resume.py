"""Run a sweep in children that are killed at random moments, then let one finish. Run by the tests, and by hand:

python tests/kill_and_resume.py SWEEP OUT KILLS CHUNK [LONGEST_SECONDS [SEED]]

The model is compiled before the first fork, so that a child's life is spent on chunks, parts and tables; Arrow, whose
threads do not outlive a fork, is not used before.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from transition_sim.study.sweeps import sweep
from transition_sim.study.sweeps.plan import load_job
from transition_sim.study.sweeps.run import check_effort, integrated, referee_of
from transition_sim.study.sweeps.store import MANIFEST, read_manifest


def main(name: str, out: Path, kills: int, chunk: int, longest: float = 0.6, seed: int = 1) -> None:
    """Kill, resume, finish, and print how often a child died in between as a line of JSON."""
    job = load_job(name, chunk=chunk)
    check_effort(job)
    integrated(job.recipe, job.design.constants(np.arange(chunk)), chunk)
    referee_of(job)
    moments = random.Random(seed)  # noqa: S311 - no secret
    in_between, parts = 0, 0
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            sweep.execute(job, out, resume=True)
            os._exit(0)
        wait_for(out, moments.choice([0, 1, 2, 3, 4]), moments.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        manifest = read_manifest(out) if (out / MANIFEST).exists() else {"parts": {}, "finished": False}
        in_between += 0 < len(manifest["parts"]) < job.chunks
        parts = len(manifest["parts"])
        if manifest["finished"]:  # killed too late: something for the next one to do
            (out / "parts" / "part-00000.parquet").unlink()
            (out / "outcomes.csv").unlink()
    done = sweep.execute(job, out, resume=True)
    told = {"kills": kills, "in_between": in_between, "parts_before_the_last": parts, "runs": done.runs}
    print(json.dumps(told))


def wait_for(out: Path, parts: int, seconds: float) -> None:
    """Wait until so many more parts are there, at most a minute, and a moment longer; with none, the moment alone."""
    there = len(list(out.glob("parts/part-*")))
    ends = time.monotonic() + 60
    while parts and len(list(out.glob("parts/part-*"))) < there + parts and time.monotonic() < ends:
        if (out / "outcomes.parquet").exists():
            break
        time.sleep(0.002)
    time.sleep(seconds / 10 if parts else seconds)


if __name__ == "__main__":
    main(
        sys.argv[1],
        Path(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
        *map(float, sys.argv[5:6]),
        *map(int, sys.argv[6:7]),
    )
