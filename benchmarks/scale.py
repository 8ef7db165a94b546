"""A million runs, dates that differ from run to run, and worlds in which the backends latch at another step.

    python benchmarks/scale.py [RUNS]

The million runs are made in a process of their own, whose largest memory is read. Dates that differ are timed beside
dates that are alike, the rounds interleaved.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

import transition_sim as ts

RUNS = 1_000_000
LATCHES = 1000
WANTED = {"outputs": ["relapse probability"], "save_every": 252, "method": "rk4"}


@dataclass(frozen=True)
class Scale:
    """Seconds and bytes of many runs, the ratio with dates that differ, and the worlds that latch at another step."""

    runs: int
    seconds: float
    memory: float
    ratios: list[float]
    differing: dict[int, int]


def many(runs: int) -> dict[str, float]:
    """Return seconds and the process's largest memory in bytes for so many runs, final probabilities kept."""
    import resource

    model = ts.load_model()
    hazard = model.find("baseline hazard of war").value
    began = time.perf_counter()
    ts.simulate(model, constants={"baseline hazard of war": hazard * np.linspace(0.8, 1.2, runs)}, **WANTED)
    seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


def date_ratios(runs: int = 20_000, rounds: int = 5) -> list[float]:
    """Return how much longer runs take whose draw-down starts at dates of their own, off the grid, a number a round."""
    model = ts.load_model()
    dates = {"alike": np.full(runs, 48.3), "differing": np.random.default_rng(1).uniform(24, 96, runs)}
    ratios = []
    for _ in range(rounds + 1):
        taken = {}
        for name, column in dates.items():
            began = time.perf_counter()
            ts.simulate(model, constants={"draw down start": column}, **WANTED)
            taken[name] = time.perf_counter() - began
        ratios.append(taken["differing"] / taken["alike"])
    return ratios[1:]


def latching_worlds() -> dict[int, int]:
    """Return the worlds in which relapse as an event comes at another step in NumPy; by how many in LLVM."""
    model = ts.load_model()
    worlds = dict(ts.sample_worlds(model, LATCHES, 4).columns)
    worlds["relapse threshold"] = np.random.default_rng(8).exponential(size=LATCHES)
    one, other = (
        ts.simulate(model, constants=worlds, outputs=["relapsed"], save_every=0.5, backend=backend)["relapsed"].argmax(
            0
        )
        for backend in ("llvm", "numpy")
    )
    return {int(world): int(one[world] - other[world]) for world in np.flatnonzero(one != other)}


def measured(runs: int = RUNS) -> Scale:
    done = subprocess.run([sys.executable, __file__, "--child", str(runs)], capture_output=True, text=True, check=True)
    return Scale(runs, **json.loads(done.stdout), ratios=date_ratios(), differing=latching_worlds())


def report(scale: Scale) -> str:
    """Return what was measured, as text."""
    ratio = statistics.median(scale.ratios)
    listed = ", ".join(f"world {world} by {steps:+d} steps" for world, steps in scale.differing.items()) or "none"
    return "\n".join([
        f"- {scale.runs:,} runs of the transition model (RK4, half a month, final probabilities) on all cores: "
        f"**{scale.seconds:.0f} s**, {scale.memory / 1e9:.2f} GB at most.",
        f"- Where each run has a draw-down date of its own, off the grid, a run takes **{ratio:.2f} times** as long "
        f"({min(scale.ratios):.2f} to {max(scale.ratios):.2f}).",
        f"- Of {LATCHES:,} random worlds with relapse as an event, the backends latch at different steps in: "
        f"{listed}.",
    ])  # fmt: skip


if __name__ == "__main__":
    if "--child" in sys.argv:
        print(json.dumps(many(int(sys.argv[-1]))))
    else:
        print(report(measured(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)))
