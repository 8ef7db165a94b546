"""`transition-sim check` and `model ...`: a model looked at."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from transition_sim.cli.common import Force, Json, Out, Quiet, app, limit, model_app, output_folder, print_saved


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Models (.mdl), scenarios, sweeps and uncertainties (.yaml).")],
) -> None:
    """List every fault of model, scenario and sweep files, with file and line; exit 3 if there are any."""
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
            message = f"'{variable.name}' is {variable.value:g}; its limits are {limit(low)} to {limit(high)}"
            faults.append(Fault(shown(path), variable.line, message))
    return sorted(faults, key=lambda fault: fault.line or 0)


def _check_yaml(path: Path) -> list[Any]:
    from transition_sim.errors import ScenarioError, TransitionSimError
    from transition_sim.model.reader import load_model
    from transition_sim.study.evidence import check_evidence
    from transition_sim.study.findings import check_claims
    from transition_sim.study.levers import check_levers
    from transition_sim.study.scenario import check_scenario
    from transition_sim.study.sweeps.file import is_sweep
    from transition_sim.study.sweeps.plan import check_sweep
    from transition_sim.study.worlds import check_uncertainties
    from transition_sim.study.yaml_file import plain, read_yaml
    from transition_sim.workshop.scenarios import check_workshop, is_workshop

    try:
        tree, _ = read_yaml(path)
        if is_workshop(tree.value):
            return list(check_workshop(path, load_model()))
        if "targets" in tree.value:
            return list(check_evidence(path, load_model(str(plain(tree).get("model")))))
        if "claims" in tree.value:
            return list(check_claims(path, load_model(str(plain(tree).get("model")))))
        if is_sweep(tree.value):
            return list(check_sweep(path))
        if any(isinstance(each.value, dict) and "levers" in each.value for each in tree.value.values()):
            return check_levers(path)
        if "uncertainties" in tree.value:
            named = plain(tree).get("model")
            beside = path.parent / f"{named}.mdl"
            return list(check_uncertainties(path, load_model(beside if beside.is_file() else str(named))))
    except (ScenarioError, TransitionSimError) as error:
        return list(error.faults)
    return list(check_scenario(path))


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
        print(f"  unit: {variable.unit or '-'}; limits: {limit(low)} to {limit(high)}")
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
    folder = output_folder(out, force, f"{_plain(wanted[0])}.svg")
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
    folder = output_folder(out, force, "loops.csv")
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
        print_saved(written, sys.stderr if as_json else sys.stdout)


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
