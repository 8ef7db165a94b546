"""The printed models in V8 beside the Python engines: milliseconds a run, and their ratios, in the same rounds.

    python benchmarks/javascript.py [--rounds 5] [--runs 200]

The same model, method (RK4 at the file's step, exact events), worlds and outputs, on one core. For each model: the
first run of a fresh engine, a single run with every output, and a band (`--runs` worlds, a few outputs) at the file's
step and at twice that. Lowest and median over interleaved rounds, for these machines are shared; ratios of the lowest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from py_mini_racer import MiniRacer

import transition_sim as ts
from transition_sim.engine.javascript import print_script
from transition_sim.model.equations import Model
from transition_sim.study.worlds import sample_worlds

BAND = ("cumulative relapse hazard", "relapse hazard", "aid gap", "aid need", "state capacity", "legitimacy")
Work = Callable[[], object]


def columns_of(model: Model, runs: int) -> dict[str, np.ndarray]:
    """Return worlds to run: sampled ones of the full model, else constants near their own."""
    if model.name == "transition":
        return dict(sample_worlds(model, runs, 1).columns)
    generator = np.random.default_rng(1)
    return {
        name: model.find(name).value * generator.uniform(0.9, 1.1, runs) for name in ("pipeline time", "delivery time")
    }


def works(model: Model, racer: MiniRacer, runs: int) -> dict[str, tuple[int, Work]]:
    """Return what is timed: runs in it, and the work."""
    columns = columns_of(model, runs)
    listed = [columns[n].tolist() if n in columns else value for n, value in model.constants.items()]
    racer.eval(f"const columns = {json.dumps(listed)};")

    def page(call: str) -> Work:
        return lambda: racer.eval(f"{call}; 0")

    def python(backend: str, step: float) -> Work:
        how = {"method": "rk4", "backend": backend, "jobs": 1, "time_step": step}
        return lambda: ts.simulate(model, constants=columns, outputs=list(BAND), **how)

    step = model.time.step
    many = f"M.runMany(columns, {runs}, {{view: 1"
    return {
        "single run, every output": (1, page("M.run(M.defaults())")),
        "band": (runs, page(f"{many}}})")),
        "band at twice the step": (runs, page(f"{many}, step: {2 * step}}})")),
        "the same band, NumPy": (runs, python("numpy", step)),
        "the same band, LLVM": (runs, python("llvm", step)),
    }


def milliseconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def measure(name: str, runs: int, rounds: int) -> None:
    """Print the times of one model."""
    model = ts.load_model(name)
    text = print_script(model, "M", views={"band": BAND})
    with MiniRacer() as racer:
        racer.eval(text)
        first = milliseconds(lambda: racer.eval("M.run(M.defaults()); 0"))
        todo = works(model, racer, runs)
        for _, work in todo.values():
            work()
        times: dict[str, list[float]] = {told: [] for told in todo}
        for _ in range(rounds):
            for told, (_, work) in todo.items():
                times[told].append(milliseconds(work))
        print(f"\n{name}: {len(text):,} characters of JavaScript, V8 {racer.v8_version}; first run {first:.1f} ms")
    for told, (count, _) in todo.items():
        low, middle = min(times[told]), statistics.median(times[told])
        beside = f"{low / min(times['band']):6.2f} of the band" if count > 1 else ""
        print(f"  {told:<26} {low:8.1f} ms (median {middle:.1f})  {low / count:7.3f} ms a run  {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=200)
    given = parser.parse_args()
    for name in ("aid_gap", "transition"):
        measure(name, given.runs, given.rounds)


if __name__ == "__main__":
    main()
