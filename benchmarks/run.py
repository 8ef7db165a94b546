"""Ours beside peers: the same file, method and step, outputs read back, in microseconds a run and core.

    python benchmarks/run.py [--rounds 7] [--runs 8192] [--profile] [--write]

Engines: ours (LLVM on one core and on all, NumPy on one), pysimlin by its fastest way (reset, set_value, run_to_end),
C generated from the same tree and built with -O3 -march=native, PySD (once: it is slow). All under Euler's rule with
compatible events, final values read. The rounds are interleaved, for these machines are shared; medians, and ratios
taken round by round. Then a profile of ours: phases from a file to 1,000 results, and what a step is made of. `--write`
puts tables and figures into docs/, `--profile` measures the profile alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import c_code
import floor
import numpy as np
import phases
import profile_figure
import scale

import transition_sim as ts
from transition_sim.engine.simulate import host_name
from transition_sim.model.equations import Kind, Model

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
PROFILE = "## Where the time goes"
CASES = {
    "transition model": (HERE.parent / "models" / "transition.mdl", ["relapse probability"], "baseline hazard of war"),
    "World3's size": (HERE / "large.mdl", ["stock 0", "sum 3"], "k0"),
}
Engine = Callable[[], float]
"""Runs once and returns microseconds a run and core."""


def timed(work: Callable[[], object], runs: int, cores: int = 1) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * cores / runs * 1e6


def ours(model: Model, outputs: list[str], varied: dict[str, np.ndarray], backend: str, jobs: int) -> Engine:
    runs = len(next(iter(varied.values())))
    span = model.time.final - model.time.initial

    def work() -> object:
        return ts.simulate(
            model, constants=varied, outputs=outputs, method="euler", events="compatible", save_every=span,
            backend=backend, jobs=jobs,
        )  # fmt: skip

    return lambda: timed(work, runs, jobs)


def generated_c(model: Model, outputs: list[str], varied: dict[str, np.ndarray], folder: Path) -> Engine:
    function = c_code.build(model, outputs, folder)
    runs = len(next(iter(varied.values())))
    columns = [varied.get(v.name, np.full(runs, v.value)) for v in model.of_kind(Kind.CONSTANT)]
    constants = np.ascontiguousarray(np.array(columns).T)
    out = np.empty((runs, len(outputs)))
    function(constants.ctypes.data, out.ctypes.data, runs)
    check("generated C", ours_final(Path(str(model.path)), outputs, {n: c[-1] for n, c in varied.items()}),
          out[-1].tolist())  # fmt: skip
    return lambda: timed(lambda: function(constants.ctypes.data, out.ctypes.data, runs), runs)


def simlin_engine(path: Path, outputs: list[str], varied: dict[str, np.ndarray], runs: int = 60) -> Engine:
    import simlin

    project = simlin.load(str(path)).project
    project.set_sim_specs(sim_method="euler")
    simulation = project.main_model.simulate()
    names = {name: name.replace(" ", "_") for name in (*varied, *outputs)}

    def work() -> None:
        for i in range(runs):
            simulation.reset()
            for name, column in varied.items():
                simulation.set_value(names[name], float(column[i]))
            simulation.run_to_end()
            for name in outputs:
                simulation.get_value(names[name])

    work()
    check("pysimlin", ours_final(path, outputs, {n: c[runs - 1] for n, c in varied.items()}),
          [simulation.get_value(names[n]) for n in outputs])  # fmt: skip
    return lambda: timed(work, runs)


def ours_final(path: Path, outputs: list[str], values: dict[str, float]) -> list[float]:
    """Return our final values of one run by the reference backend."""
    model = ts.load_model(path)
    result = ts.simulate(model, constants=values, outputs=outputs, method="euler", events="compatible", backend="numpy")
    return result.values[-1, :, 0].tolist()


def check(engine: str, expected: list[float], got: list[float]) -> None:
    """Refuse to time an engine that computes something else."""
    if not np.allclose(expected, got, rtol=1e-9):
        raise SystemExit(f"{engine} gives {got}, expected {expected}: not the same computation")


def pysd_once(path: Path, outputs: list[str]) -> float:
    """Return microseconds of one run by PySD, translation apart."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        copy = Path(folder) / path.name
        copy.write_bytes(path.read_bytes())
        model = pysd.read_vensim(str(copy))
        taken = timed(lambda: model.run(return_columns=outputs), 1)
        check("PySD", ours_final(path, outputs, {}), model.run(return_columns=outputs).iloc[-1].tolist())
        return taken


def measure(rounds: int, runs: int) -> dict[str, dict[str, list[float]]]:
    """Return microseconds a run and core by case and engine, a number a round."""
    cores = os.cpu_count() or 1
    found: dict[str, dict[str, list[float]]] = {}
    for case, (path, outputs, name) in CASES.items():
        model = ts.load_model(path)
        varied = {name: model.find(name).value * np.linspace(0.8, 1.2, runs)}
        few = {name: varied[name][:: max(runs // 512, 1)]}
        engines: dict[str, Engine] = {
            f"LLVM, {cores} cores": ours(model, outputs, varied, "llvm", cores),
            "LLVM, one core": ours(model, outputs, varied, "llvm", 1),
            "NumPy, one core": ours(model, outputs, varied, "numpy", 1),
            "pysimlin": simlin_engine(path, outputs, varied),
        }
        with tempfile.TemporaryDirectory() as folder:
            if c_code.compiler():
                engines["generated C"] = generated_c(model, outputs, few, Path(folder))
            for engine in engines.values():
                engine()  # compile and warm up
            times: dict[str, list[float]] = {engine: [] for engine in engines}
            for _ in range(rounds):
                for engine, once in engines.items():
                    times[engine].append(once())
        times["PySD"] = [pysd_once(path, outputs)]
        found[case] = times
    return found


def table(found: dict[str, dict[str, list[float]]]) -> str:
    lines = [
        "| model | engine | µs a run and core: median (lowest to highest) | times LLVM on one core |",
        "|---|---|---|---|",
    ]
    for case, times in found.items():
        own = times["LLVM, one core"]
        for engine, each in times.items():
            ratios = [a / b for a, b in zip(each, own, strict=False)]
            middle = statistics.median(each)
            lines.append(
                f"| {case} | {engine} | {middle:,.1f} ({min(each):,.1f} to {max(each):,.1f}) "
                f"| {statistics.median(ratios):,.2f} |"
            )
    return "\n".join(lines)


def machine() -> str:
    return (
        f"{os.cpu_count()} cores, {host_name()} of 64 bits, strict IEEE; Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )


def draw(found: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Save bars of medians on a log axis, ranges as whiskers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.7, 3.4), layout="constrained", dpi=200)
    for ax, (case, times) in zip(figure.subplots(1, len(found), sharex=True), found.items(), strict=True):
        names = list(times)[::-1]
        middle = [statistics.median(times[name]) for name in names]
        spread = [[m - min(times[n]) for m, n in zip(middle, names, strict=True)],
                  [max(times[n]) - m for m, n in zip(middle, names, strict=True)]]  # fmt: skip
        colours = ["#0072B2" if name.startswith(("LLVM", "NumPy")) else "#999999" for name in names]
        ax.barh(names, middle, xerr=spread, color=colours, height=0.6, error_kw={"linewidth": 0.8})
        for i, value in enumerate(middle):
            ax.text(value * 1.5, i, f"{value:,.0f}", va="center", fontsize=7)
        ax.set_xscale("log")
        ax.set_xlim(5, max(max(map(max, t.values())) for t in found.values()) * 20)
        ax.set_title(case, fontsize=8, loc="left")
        ax.set_xlabel("µs a run and core (log)", fontsize=8)
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        "Euler, same file and step, final values read back: median, lowest to highest", fontsize=8, x=0.01, ha="left"
    )
    figure.savefig(path, metadata={"Software": None})


def profile() -> tuple[str, Callable[[Path], None]]:
    """Return where the time goes as text, and what draws it."""
    load = f" Load when it began: {os.getloadavg()[0]:.1f}." if hasattr(os, "getloadavg") else ""
    times, least, many = phases.measured(), floor.measured(), scale.measured()
    shares = floor.sector_shares(least.sectors, least.cost)
    text = "\n\n".join([
        PROFILE, f"Measured by `python benchmarks/run.py --profile --write` on: {machine()}. Medians of "
        f"{phases.REPEATS} processes, lowest to highest.{load}", "![Time by phase and by sector](profile.png)",
        "### From a file to 1,000 results", phases.table(times), "### Inside a step", floor.report(least),
        "### Many runs", scale.report(many),
    ])  # fmt: skip
    return text, lambda path: profile_figure.draw(times, shares, path)


def comparison(rounds: int, runs: int) -> tuple[str, Callable[[Path], None]]:
    """Return ours beside peers as text, and what draws it."""
    found = measure(rounds, runs)
    text = "\n\n".join([
        "# How fast", f"Measured by `python benchmarks/run.py --write` on: {machine()}. "
        f"{rounds} interleaved rounds of {runs:,} runs.", "![Time a run by engine](benchmarks.png)", table(found),
    ])  # fmt: skip
    return text, lambda path: draw(found, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=8192)
    parser.add_argument("--write", action="store_true", help="put tables and figures into docs/")
    parser.add_argument(
        "--profile", action="store_true", help="only where the time goes; the comparison stays as it is"
    )
    asked = parser.parse_args()
    page = DOCS / "benchmarks.md"
    if asked.profile:
        compared = page.read_text(encoding="utf-8").split(PROFILE)[0].rstrip()
    else:
        compared, draw_comparison = comparison(asked.rounds, asked.runs)
        if asked.write:
            draw_comparison(DOCS / "benchmarks.png")
    profiled, draw_profile = profile()
    print(profiled if asked.profile else f"{compared}\n\n{profiled}")
    if asked.write:
        page.write_text(f"{compared}\n\n{profiled}\n", encoding="utf-8")
        draw_profile(DOCS / "profile.png")


if __name__ == "__main__":
    main()
