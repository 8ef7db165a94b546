"""From a file to 1,000 results: where the time goes, phase by phase, in processes of their own.

    python benchmarks/phases.py

Cold: the cache folder is empty; warm: the same again. Medians of five processes with lowest and highest. Imports are
named apart. `whole` is the same work by the public calls, not cut into phases.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNS = 1000
REPEATS = 5
OUTPUTS = ("cumulative relapse hazard",)
YEARS = (5, 10, 15, 20)
PHASES = {
    "import": "import: NumPy, SciPy, pandas, LLVM, this package",
    "parser": "import: PySD's parser",
    "read": "read the file (warm: take the model from the cache)",
    "structure": "structure",
    "print": "print what is fixed in a run (NumPy)",
    "emit": "emit LLVM's text",
    "optimise": "LLVM: optimise",
    "generate": "LLVM: generate code",
    "link": "take the code from the cache",
    "run": "integrate 1,000 runs (RK4, 504 steps)",
    "reduce": "reduce to risks by year",
}


class Clock:
    """Notes how long each phase took."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    def time(self, phase: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        value = work()
        self.taken[phase] = time.perf_counter() - began
        return value


def imported() -> None:
    import pandas as pd  # noqa: F401
    import scipy.integrate  # noqa: F401

    import transition_sim.engine.llvm_backend
    import transition_sim.engine.simulate
    import transition_sim.risk

    transition_sim.engine.llvm_backend.host()


def warm() -> bool:
    """Return whether the cache of this process holds anything, so that no parser is needed."""
    return any(Path(os.environ["TRANSITION_SIM_CACHE"]).iterdir())


def by_phase() -> dict[str, float]:
    """Return the seconds of each phase in this process; what the cache holds is not compiled."""
    clock = Clock()
    clock.time("import", imported)
    from transition_sim import cache
    from transition_sim.engine import llvm_backend, simulate
    from transition_sim.engine.llvm_emit import Emitter
    from transition_sim.engine.llvm_loop import Loop
    from transition_sim.model import reader

    if not warm():
        clock.time("parser", reader._parser)
    model = clock.time("read", reader.load_model)
    structure = clock.time("structure", lambda: simulate.structure_of(model))
    program = clock.time("print", lambda: simulate._program(model, OUTPUTS, "numpy", "exact"))

    def emit() -> str:
        emitter = Emitter(model, structure, program, "exact", llvm_backend.host()[2])
        module = emitter.bodies()
        Loop(module, emitter, "rk4").emit()
        return str(module)

    text = clock.time("emit", emit)
    key = llvm_backend.key_of(text)
    if cache.load(key) is None:
        parsed = clock.time("optimise", lambda: llvm_backend.optimised(text))
        clock.time("generate", lambda: llvm_backend.generated(parsed, key))
    else:
        clock.time("link", lambda: llvm_backend.kept(text))
    simulate._machine(model, OUTPUTS, "rk4", "exact")  # as it was made above: now in the cache
    clock.time("reduce", clock.time("run", lambda: thousand(model)))
    return clock.taken


def thousand(model: Any) -> Callable[[], Any]:
    """Return what reduces 1,000 runs, once they are there."""
    import numpy as np

    import transition_sim as ts

    name = "baseline hazard of war"
    constants = {name: model.find(name).value * np.linspace(0.8, 1.2, RUNS)}
    result = ts.simulate(model, constants=constants, outputs=list(OUTPUTS))
    return lambda: ts.relapse_risk(result, years=YEARS)


def whole() -> dict[str, float]:
    """Return the seconds from a file to 1,000 reduced results by the public calls, and of what follows."""
    imported()
    import transition_sim as ts
    from transition_sim.model import reader

    if not warm():
        reader._parser()
    clock = Clock()
    clock.time("whole", lambda: thousand(ts.load_model())())
    model = ts.load_model()
    clock.time("first single run", lambda: ts.simulate(model))
    clock.time("single run", lambda: ts.simulate(model))
    clock.time("1,000 runs again", lambda: thousand(model)())
    return clock.taken


def measured(repeats: int = REPEATS) -> dict[str, dict[str, list[float]]]:
    """Return seconds by phase, a number a process, for a cold and a warm cache."""
    found: dict[str, dict[str, list[float]]] = {"cold": {}, "warm": {}}
    for what in ("by_phase", "whole"):
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                for state in found:
                    for phase, seconds in child(what, folder).items():
                        found[state].setdefault(phase, []).append(seconds)
    return found


def child(what: str, folder: str) -> dict[str, float]:
    environment = {**os.environ, "TRANSITION_SIM_CACHE": folder}
    command = [sys.executable, __file__, what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {str(phase): float(seconds) for phase, seconds in json.loads(done.stdout).items()}


def spread(times: list[float] | None) -> str:
    if not times:
        return "-"
    low, middle, high = (1000 * t for t in (min(times), statistics.median(times), max(times)))
    return f"{middle:,.0f} ({low:,.0f} to {high:,.0f})" if high >= 1 else "under 1"


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Return the phases as a table in milliseconds."""
    head = "from the file to 1,000 results, imports apart"
    labels = {
        **PHASES, "whole": f"**{head}**", "first single run": "then: a single run by SciPy, the first",
        "single run": "another single run", "1,000 runs again": "another 1,000 runs",
    }  # fmt: skip
    lines = ["| phase | cache empty: ms | cache warm: ms |", "|---|---|---|"]
    for phase, label in labels.items():
        lines.append(f"| {label} | {spread(found['cold'].get(phase))} | {spread(found['warm'].get(phase))} |")
    return "\n".join(lines)


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps({"by_phase": by_phase, "whole": whole}[sys.argv[1]]()))
    else:
        print(table(measured()))


if __name__ == "__main__":
    main()
