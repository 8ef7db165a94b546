"""`transition-sim compare` and `run`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transition_sim.cli.common import Force, Json, Out, Quiet, app, output_folder, print_saved, progress

if TYPE_CHECKING:
    from transition_sim.engine.result import Result
    from transition_sim.model.equations import Model
    from transition_sim.study.outcomes import Comparison
    from transition_sim.study.ranges import Ranges
    from transition_sim.study.scenario import Scenario


@app.command()
def compare(
    context: Annotated[str, typer.Option(help="A shipped context or a scenario file.")] = "reference",
    option: Annotated[list[str] | None, typer.Option(help="A further option: a scenario file. Repeatable.")] = None,
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Plausible worlds.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample of worlds.")] = 7,
    effort: Annotated[float, typer.Option(help="Budget of every option, in effort-months.")] = 18.0,
    definition: Annotated[
        str, typer.Option(help="What counts as relapse: war, armed_conflict, major_war or all.")
    ] = "war",
    bundle: Annotated[str, typer.Option(help="role, same or both.")] = "both",
    ensemble: Annotated[
        str, typer.Option(help="c5, c6, both, prior (not calibrated), or a CSV file that calibrate wrote.")
    ] = "c5",
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Compare the options at equal effort: risk of relapse with ranges over plausible worlds."""
    if not as_json:
        print(
            f"Comparing options in context '{context}': {runs} plausible worlds, {effort:g} effort-months, seed {seed}."
        )
        print(f"Worlds: {ensemble}. The size of any PBC effect is an assumption.", flush=True)
    folder = output_folder(out, force, "table.csv")
    from transition_sim.study.comparison import OPTIONS
    from transition_sim.study.comparison import compare as run_comparison

    done = run_comparison(
        context, [*OPTIONS, *(option or [])], runs, seed, effort, definition, bundle, ensemble, progress(quiet)
    )
    if as_json:
        print(done.to_json())
    else:
        _print_comparison(done)
    if folder is not None:
        _save_comparison(done, folder, sys.stderr if as_json else sys.stdout)


@app.command()
def run(
    scenario: Annotated[
        str | None, typer.Argument(help="A shipped scenario, a scenario file, or any .mdl file.", show_default=False)
    ] = None,
    code: Annotated[
        str | None, typer.Option(help="A run's code, as the offline page gives it, in place of a scenario.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Another model for the scenario: an .mdl file.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help='Such as --set "draw down start=5 years".')
    ] = None,
    events: Annotated[str, typer.Option(help="exact, or compatible: snapped to the step, as Vensim does.")] = "exact",
    seed: Annotated[int, typer.Option(help="For RANDOM functions.")] = 0,
    ensemble: Annotated[
        str | None, typer.Option(help="Worlds for ranges: c5, c6, both, prior, a CSV file, or none. Default both.")
    ] = None,
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Run one scenario, with its range over plausible worlds, or any Vensim model of your own, once."""
    from transition_sim.engine.simulate import simulate

    if (scenario is None) == (code is None) or (code is not None and model is not None):
        raise typer.BadParameter("give a scenario or an .mdl file, or --code CODE (which names its own model)")
    loaded, given = _asked(scenario, code, model)
    folder = output_folder(out, force, "trajectories.csv")
    changed = _with_changes(given, loaded, change or [])
    method = "rk4" if code is not None and events == "exact" else None  # as the page computes it
    result = simulate(loaded, changed, events=events, seed=seed, method=method)
    ranges = _ranges(loaded, changed, ensemble, _years(result))
    if as_json:
        print(json.dumps(_run_data(result, loaded, ranges), indent=1))
    else:
        _print_run(result, loaded, scenario or (given.name if given else loaded.name), ranges)
    if folder is not None:
        _save_run(result, loaded, ranges, folder, sys.stderr if as_json else sys.stdout)


def _asked(scenario: str | None, code: str | None, model: Path | None) -> tuple[Model, Scenario | None]:
    """Return the model that is to run, and the scenario that a name, a file or a code stands for."""
    from transition_sim.errors import ScenarioError
    from transition_sim.model.reader import load_model
    from transition_sim.study.codes import load_code
    from transition_sim.study.scenario import load_scenario
    from transition_sim.study.sweeps.file import names_sweep

    if code is not None:
        given = load_code(code)
        return load_model(given.model), given
    name = str(scenario)
    if names_sweep(name):
        raise ScenarioError(f"'{name}' is a sweep; transition-sim sweep {name} --out DIR runs it")
    if name.lower().endswith(".mdl"):
        return load_model(name), None
    given = load_scenario(name)
    return load_model(model or given.model), given


def _ranges(model: Model, scenario: Any, ensemble: str | None, years: list[int]) -> list[Ranges]:
    """Return the scenario's ranges; none for a model that no ensemble was made for, unless one was asked for."""
    from transition_sim.errors import ScenarioError
    from transition_sim.study.ensembles import chosen_ensembles
    from transition_sim.study.ranges import scenario_ranges

    if ensemble == "none" or (ensemble is None and model.name != "transition"):
        return []
    try:
        return [scenario_ranges(model, scenario, name, years, None, 7) for name in chosen_ensembles(ensemble or "both")]
    except ScenarioError as error:
        if ensemble is not None:
            raise
        print(f"no range: {error.faults[0]}", file=sys.stderr)
        return []


def _with_changes(given: Any, model: Model, changes: Sequence[str]) -> Any:
    """Return a scenario with the `--set` changes laid over it; each is parsed here and checked when it is run."""
    from transition_sim.engine.resolve import Setting
    from transition_sim.errors import Fault, ScenarioError
    from transition_sim.study.scenario import DEFINITIONS, Scenario
    from transition_sim.units import split_number

    settings: dict[str, Setting] = {}
    faults: list[Fault] = []
    for change in changes:
        name, _, text = change.partition("=")
        word = DEFINITIONS.get(text.strip()) if name.strip().lower() == "relapse definition" else None
        parts = (word, "") if word is not None else split_number(text)
        if parts is None or not name.strip():
            faults.append(
                Fault("--set", None, f'\'{change}\': expected "NAME=VALUE UNIT", such as "draw down start=5 years"')
            )
        else:
            settings[name.strip()] = Setting(parts[0], parts[1] or None, "--set")
    if faults:
        raise ScenarioError(faults)
    if not settings:
        return given
    base = given or Scenario(model.name, model.name, model.path or Path())
    return base.combined(Scenario("--set", "changed", base.model, settings))


def _print_comparison(done: Comparison) -> None:
    from transition_sim.study.wording import comparison_lines, comparison_tables

    for text in comparison_tables(done):
        print(text)
    for line in comparison_lines(done):
        print(line)


def _save_comparison(done: Comparison, folder: Path, stream: Any) -> None:
    """Write tables, then figures and report as they are made from these tables alone."""
    from transition_sim import figures
    from transition_sim.report import write_comparison_report
    from transition_sim.study.folder import load_comparison, save_comparison

    written = save_comparison(done, folder)
    kept = load_comparison(folder)
    drawn, pictures = figures.save_comparison(kept, folder)
    print_saved([*written, *drawn, *write_comparison_report(kept, pictures, folder)], stream)


def _save_run(result: Result, model: Model, ranges: Sequence[Ranges], folder: Path, stream: Any) -> None:
    from transition_sim import figures
    from transition_sim.data import write_text
    from transition_sim.study.ranges import bands_frame

    bands = [write_text(folder / "bands.csv", bands_frame(ranges, result.units).to_csv(index=False))] if ranges else []
    written = [
        write_text(folder / "trajectories.csv", result.to_frame().to_csv()),
        write_text(folder / "provenance.json", json.dumps(dict(result.provenance), indent=1)),
        *bands,
        *figures.save_run(result, model, folder, ranges),
    ]
    print_saved(written, stream)


def _run_data(result: Result, model: Model, ranges: Sequence[Ranges]) -> dict[str, Any]:
    """Return a run as plain data: risk where the model has it, trajectories by name, provenance."""
    from transition_sim import risk
    from transition_sim.study.codes import code_of_run

    data: dict[str, Any] = {"model": model.name, "code": code_of_run(result), "provenance": dict(result.provenance)}
    if risk.CUMULATIVE in model:
        table = risk.relapse_risk(result, _years(result))
        data["relapse_probability"] = {str(year): float(table.loc[year].iloc[0]) for year in table.index}
    data["ranges"] = {each.ensemble: each.to_dict() for each in ranges}
    data["time"] = result.time.tolist()
    data["units"] = {name: result.units[name] for name in result.names}
    data["variables"] = {name: result[name][:, 0].tolist() for name in result.names}
    return data


def _years(result: Result) -> list[int]:
    return [year for year in (5, 10, 15, 20) if 12 * year <= result.time[-1] + 1e-9]


def _print_run(result: Result, model: Model, name: str, ranges: Sequence[Ranges]) -> None:
    from transition_sim.study.codes import code_lines
    from transition_sim.study.wording import run_lines

    for line in [*run_lines(result, model, name, _years(result), ranges), *code_lines(result)]:
        print(line)
