"""The command line: `transition-sim`. Results go to stdout, progress and errors to stderr.

Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid input, 130 interrupted. Imports are lazy, so that `--help` is quick.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transition_sim.errors import SimulationError, TransitionSimError

if TYPE_CHECKING:
    from transition_sim.engine.result import Result
    from transition_sim.model.equations import Model
    from transition_sim.study.comparison import Comparison

app = typer.Typer(
    name="transition-sim", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, help="Where peacebuilding effort goes, and the risk of relapse into war.",
    epilog="A stylised teaching and exploration model, not a forecast.",
)  # fmt: skip
model_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look into a model.")
scenario_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the shipped scenarios; copy one.")
app.add_typer(model_app, name="model")
app.add_typer(scenario_app, name="scenario")

Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
Out = Annotated[Path | None, typer.Option("--out", help="Save tables, figures and provenance in this folder.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # UsageError of the click that this typer carries


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; a user's mistake gives a message, never a traceback."""
    with _stopping_at_once():
        _main(arguments)


@contextmanager
def _stopping_at_once() -> Iterator[None]:
    """End with 130 at an interrupt, wherever it falls.

    Raised as KeyboardInterrupt it would turn into other errors inside the import of compiled modules. Nothing is lost:
    files are written under another name and renamed.
    """

    def stop(number: int, frame: object) -> None:
        os.write(2, b"interrupted\n")
        os._exit(130)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _main(arguments: Sequence[str] | None) -> None:
    try:
        code = app(args=list(sys.argv[1:] if arguments is None else arguments), standalone_mode=False)
    except typer.Abort:
        raise SystemExit(130) from None
    except _USAGE_ERROR as error:
        error.show()
        raise SystemExit(2) from None
    except TransitionSimError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)
        raise SystemExit(1 if isinstance(error, SimulationError) else 3) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _version(wanted: bool) -> None:
    if wanted:
        from transition_sim import __version__

        print(f"transition-sim {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Where peacebuilding effort goes, and the risk of relapse into war."""


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
        str, typer.Option(help="prior: sampled worlds, not calibrated (the only one so far).")
    ] = "prior",
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
        print("Worlds are a prior sample: not calibrated. The size of any PBC effect is an assumption.", flush=True)
    folder = _output_folder(out, force, "table.csv")
    from transition_sim.study.comparison import OPTIONS
    from transition_sim.study.comparison import compare as run_comparison

    done = run_comparison(
        context, [*OPTIONS, *(option or [])], runs, seed, effort, definition, bundle, ensemble, _progress(quiet)
    )
    if as_json:
        print(done.to_json())
    else:
        _print_comparison(done)
    if folder is not None:
        _save_comparison(done, folder, sys.stderr if as_json else sys.stdout)


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario, a scenario file, or any .mdl file.")],
    model: Annotated[Path | None, typer.Option(help="Another model for the scenario: an .mdl file.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help='Such as --set "draw down start=5 years".')
    ] = None,
    events: Annotated[str, typer.Option(help="exact, or compatible: snapped to the step, as Vensim does.")] = "exact",
    seed: Annotated[int, typer.Option(help="For RANDOM functions.")] = 0,
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Run one scenario, or any Vensim model of your own, once."""
    from transition_sim.engine.simulate import simulate
    from transition_sim.model.reader import load_model
    from transition_sim.study.scenario import Scenario, load_scenario

    folder = _output_folder(out, force, "trajectories.csv")
    given: Scenario | None = None
    if scenario.lower().endswith(".mdl"):
        loaded = load_model(scenario)
    else:
        given = load_scenario(scenario)
        loaded = load_model(model or given.model)
    result = simulate(loaded, _with_changes(given, loaded, change or []), events=events, seed=seed)
    if as_json:
        print(json.dumps(_run_data(result, loaded), indent=1))
    else:
        _print_run(result, loaded, scenario)
    if folder is not None:
        _save_run(result, loaded, folder, sys.stderr if as_json else sys.stdout)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Models (.mdl), scenarios and uncertainties (.yaml).")],
) -> None:
    """List every fault of model and scenario files, with file and line; exit 3 if there are any."""
    faulty = False
    for path in files:
        faults = _check_model(path) if path.suffix.lower() == ".mdl" else _check_yaml(path)
        faulty = faulty or bool(faults)
        for fault in faults:
            print(f"error: {fault}", file=sys.stderr)
        if not faults:
            print(f"{path}: ok")
    if faulty:
        raise typer.Exit(3)


@model_app.command("list")
def model_list(
    file: Annotated[Path | None, typer.Argument(help="A model file; default the shipped one.")] = None,
) -> None:
    """List a model's variables by sector, with kind, unit and value."""
    from transition_sim.model.equations import Number
    from transition_sim.model.reader import load_model

    model = load_model(file)
    group = None
    width = max(len(name) for name in model.names())
    for variable in (model.variables[name] for name in model.names()):
        if variable.group != group:
            group = variable.group
            print(f"\n{group or 'Model'}" + (f" - {model.groups[group]}" if model.groups.get(group) else ""))
        value = f" = {variable.value:g}" if isinstance(variable.expression, Number) and not variable.initial else ""
        print(f"  {variable.name:<{width}}  {variable.kind.value:<9}  {variable.unit}{value}")


@model_app.command("show")
def model_show(
    name: Annotated[str, typer.Argument(help="A variable; without its subscripts, all of its elements.")],
    file: Annotated[Path | None, typer.Argument(help="A model file; default the shipped one.")] = None,
) -> None:
    """Show a variable: equation, unit, limits, documentation with source, what uses it."""
    from transition_sim.model.equations import canonical, references
    from transition_sim.model.printing import equation_text
    from transition_sim.model.reader import load_model

    model = load_model(file)
    found = [v for v in model.variables.values() if canonical(v.base) == canonical(name) and not v.hidden]
    for variable in found or [model.find(name)]:
        low, high = variable.limits
        users = [
            other.name
            for other in model.variables.values()
            if not other.hidden and any(variable.name in references(e) for e in (other.expression, other.initial) if e)
        ]
        print(equation_text(variable))
        print(f"  kind: {variable.kind.value}; sector: {variable.group or '-'}; line {variable.line}")
        print(f"  unit: {variable.unit or '-'}; limits: {_limit(low)} to {_limit(high)}")
        print(f"  {variable.documentation or 'no documentation'}")
        print(f"  used by: {', '.join(users) or 'nothing'}\n")


@model_app.command("draw")
def model_draw(
    out: Annotated[Path, typer.Option(help="Folder for the pictures, SVG and PNG.")],
    sector: Annotated[list[str] | None, typer.Option(help="A sector; default all. Repeatable.")] = None,
    constants: Annotated[bool, typer.Option(help="Draw constants too.")] = False,
    force: Force = False,
    file: Annotated[Path | None, typer.Argument(help="A model file; default the shipped one.")] = None,
) -> None:
    """Draw a stock-and-flow picture of each sector."""
    from transition_sim.data import write_bytes
    from transition_sim.model.insight import draw, sectors
    from transition_sim.model.reader import load_model

    model = load_model(file)
    wanted = sector or sectors(model)
    folder = _output_folder(out, force, f"{_plain(wanted[0])}.svg")
    for name in wanted:
        svg, png = draw(model, name, constants)
        for ending, data in (("svg", svg), ("png", png)):
            print(write_bytes((folder or out) / f"{_plain(name)}.{ending}", data).as_posix())


def _plain(sector: str) -> str:
    """Return a sector's name as a file name."""
    return "".join(letter if letter.isalnum() else "-" for letter in sector).strip("-").lower() or "model"


@model_app.command("loops")
def model_loops(
    file: Annotated[Path | None, typer.Argument(help="A model file; default the shipped one.")] = None,
    top: Annotated[int, typer.Option(min=1, max=50, help="Loops a phase.")] = 6,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Find the feedback loops that matter most, with polarity and their share over time."""
    from transition_sim.model.insight import feedback_loops
    from transition_sim.model.reader import load_model
    from transition_sim.study.wording import loop_lines, loops_data

    model = load_model(file)
    folder = _output_folder(out, force, "loops.csv")
    found = feedback_loops(model)
    if as_json:
        print(json.dumps(loops_data(found), indent=1))
    else:
        print("\n".join(loop_lines(found, model, top)))
    if folder is not None:
        from transition_sim import figures
        from transition_sim.data import write_text

        written = [
            write_text(folder / "loops.csv", found.to_frame().to_csv()),
            *figures.save(figures.loops_figure(found, model, top), folder / "loops"),
        ]
        _print_saved(written, sys.stderr if as_json else sys.stdout)


@model_app.command("findings")
def model_findings(
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Plausible worlds.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample of worlds.")] = 7,
    write: Annotated[Path | None, typer.Option(help="Put them between the marks in this Markdown file.")] = None,
    quiet: Quiet = False,
) -> None:
    """Compute which stocks carry the risk, in which share of worlds claims hold, and cost against risk."""
    from transition_sim.model.reader import load_model
    from transition_sim.study.findings import findings_text, write_findings

    def told(what: str) -> None:
        print(f"\r{what:<78.78}", end="", file=sys.stderr, flush=True)

    text = findings_text(load_model(), runs, seed, told if not quiet and sys.stderr.isatty() else None)
    print(text if write is None else write_findings(write, text).as_posix())


@scenario_app.command("list")
def scenario_list() -> None:
    """List the shipped scenarios."""
    from transition_sim.data import list_scenarios
    from transition_sim.study.scenario import load_scenario

    names = list_scenarios()
    width = max(map(len, names))
    for name in names:
        print(f"{name:<{width}}  {load_scenario(name).title}")


@scenario_app.command("show")
def scenario_show(name: Annotated[str, typer.Argument(help="A shipped scenario or a scenario file.")]) -> None:
    """Show what a scenario sets, and why."""
    from transition_sim.model.reader import load_model
    from transition_sim.study.scenario import load_scenario

    scenario = load_scenario(name)
    model = load_model(scenario.model)
    print(f"{scenario.name}: {scenario.title}")
    print(f"  model: {scenario.model.stem}; files: {', '.join(path.name for path in scenario.files)}")
    for key, setting in scenario.settings.items():
        unit = setting.unit or (model.find(key).unit if key in model else "")
        print(f"  {key} = {setting.value:g} {unit}")
        if key in scenario.why:
            print(f"      {scenario.why[key]}")
    for key, series in scenario.series.items():
        points = ", ".join(f"{t:g}: {v:g}" for t, v in zip(series.times, series.values, strict=True))
        print(f"  {key} over time: {points}")


@scenario_app.command("copy")
def scenario_copy(
    name: Annotated[str, typer.Argument(help="A shipped scenario, such as contexts/_template.")],
    to: Annotated[Path, typer.Argument(help="The file or folder to copy it to.")],
    force: Force = False,
) -> None:
    """Copy a shipped scenario, to change it."""
    from transition_sim.study.scenario import copy_scenario

    print(copy_scenario(name, to, force))


def _limit(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def _progress(quiet: bool) -> Callable[[int, int], None] | None:
    """Return a progress line for a terminal, shown after a second; None elsewhere."""
    if quiet or not sys.stderr.isatty():
        return None
    import time

    began = time.monotonic()

    def show(done: int, total: int) -> None:
        if time.monotonic() - began > 1:
            end = "\n" if done == total else ""
            print(f"\r{done:,} of {total:,} runs", end=end, file=sys.stderr, flush=True)

    return show


def _output_folder(out: Path | None, force: bool, marker: str) -> Path | None:
    """Return the folder to save in, made if it is not there; ScenarioError where it cannot be used."""
    if out is None:
        return None
    from transition_sim.errors import Fault, ScenarioError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(Fault(str(out), None, f"cannot be the folder of --out: {error.strerror}")) from error
    if (out / marker).exists() and not force:
        raise ScenarioError(Fault(str(out), None, f"holds results already ({marker}); --force replaces them"))
    return out


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


def _check_model(path: Path) -> list[Any]:
    from transition_sim.errors import Fault, ModelError, shown
    from transition_sim.model.equations import Kind
    from transition_sim.model.insight import unit_faults
    from transition_sim.model.reader import load_model

    try:
        model = load_model(path)
        faults = unit_faults(model) if any(v.unit for v in model.variables.values()) else []
    except ModelError as error:
        return list(error.faults)
    for variable in model.of_kind(Kind.CONSTANT):
        low, high = variable.limits
        if (low is not None and variable.value < low) or (high is not None and variable.value > high):
            message = f"'{variable.name}' is {variable.value:g}; its limits are {_limit(low)} to {_limit(high)}"
            faults.append(Fault(shown(path), variable.line, message))
    return sorted(faults, key=lambda fault: fault.line or 0)


def _check_yaml(path: Path) -> list[Any]:
    from transition_sim.errors import ScenarioError, TransitionSimError
    from transition_sim.model.reader import load_model
    from transition_sim.study.findings import check_claims
    from transition_sim.study.scenario import check_scenario
    from transition_sim.study.worlds import check_uncertainties
    from transition_sim.study.yaml_file import plain, read_yaml

    try:
        tree, _ = read_yaml(path)
        if "claims" in tree.value:
            return list(check_claims(path, load_model(str(plain(tree).get("model")))))
        if "uncertainties" in tree.value:
            named = plain(tree).get("model")
            beside = path.parent / f"{named}.mdl"
            return list(check_uncertainties(path, load_model(beside if beside.is_file() else str(named))))
    except (ScenarioError, TransitionSimError) as error:
        return list(error.faults)
    return list(check_scenario(path))


def _print_comparison(done: Comparison) -> None:
    from transition_sim.study.wording import comparison_lines, comparison_tables

    for text in comparison_tables(done):
        print(text)
    for line in comparison_lines(done):
        print(line)


def _save_comparison(done: Comparison, folder: Path, stream: Any) -> None:
    from transition_sim import figures
    from transition_sim.data import write_text

    written = [
        write_text(folder / "table.csv", done.table.to_csv(index=False)),
        write_text(folder / "comparison.json", done.to_json()),
        write_text(folder / "provenance.json", json.dumps(dict(done.provenance), indent=1)),
        *figures.save_comparison(done, folder),
    ]
    _print_saved(written, stream)


def _print_saved(written: Sequence[Path], stream: Any) -> None:
    print("Saved:", *(path.as_posix() for path in written), sep="\n  ", file=stream)


def _save_run(result: Result, model: Model, folder: Path, stream: Any) -> None:
    from transition_sim import figures
    from transition_sim.data import write_text

    written = [
        write_text(folder / "trajectories.csv", result.to_frame().to_csv()),
        write_text(folder / "provenance.json", json.dumps(dict(result.provenance), indent=1)),
        *figures.save_run(result, model, folder),
    ]
    _print_saved(written, stream)


def _run_data(result: Result, model: Model) -> dict[str, Any]:
    """Return a run as plain data: risk where the model has it, trajectories by name, provenance."""
    from transition_sim import risk

    data: dict[str, Any] = {"model": model.name, "provenance": dict(result.provenance)}
    if risk.CUMULATIVE in model and risk.SPREAD in model:
        table = risk.relapse_risk(result, _years(result))
        data["relapse_probability"] = {str(year): float(table.loc[year].iloc[0]) for year in table.index}
    data["time"] = result.time.tolist()
    data["units"] = {name: result.units[name] for name in result.names}
    data["variables"] = {name: result[name][:, 0].tolist() for name in result.names}
    return data


def _years(result: Result) -> list[int]:
    return [year for year in (5, 10, 15, 20) if 12 * year <= result.time[-1] + 1e-9]


def _print_run(result: Result, model: Model, name: str) -> None:
    from transition_sim.study.wording import run_lines

    for line in run_lines(result, model, name, _years(result)):
        print(line)


if __name__ == "__main__":
    main()
