"""`transition-sim calibrate` and `model evidence`: worlds that meet published targets, and those targets."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from transition_sim.cli.common import Force, Json, Out, Quiet, app, model_app, output_folder, print_saved


@app.command()
def calibrate(
    out: Annotated[
        Path | None, typer.Option(help="Folder for c5.csv, c6.csv and their sheets, or a .csv file for one ensemble.")
    ] = None,
    ensemble: Annotated[str, typer.Option(help="c5, c6 or both.")] = "both",
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Worlds to keep in each ensemble.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the designs.")] = 7,
    tried: Annotated[int, typer.Option(min=1, max=2**22, help="Worlds to try in the first block.")] = 2**16,
    model: Annotated[Path | None, typer.Option(help="A changed copy of the shipped model.")] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Sample worlds from plausible ranges and keep those that meet published targets."""
    from transition_sim.errors import ScenarioError
    from transition_sim.model.reader import load_model
    from transition_sim.study.calibration import calibrate as run_calibration
    from transition_sim.study.ensembles import ENSEMBLES, chosen_ensembles, write_ensemble
    from transition_sim.study.evidence_words import calibration_lines

    names = chosen_ensembles(ensemble)
    if not set(names) <= set(ENSEMBLES):
        raise ScenarioError(f"'{ensemble}' cannot be calibrated; allowed: {', '.join(ENSEMBLES)}, both")
    places = _places(out, names, force)
    found = run_calibration(load_model(model), runs, seed, names, tried, _told(quiet))
    written = []
    for each in found:
        print("\n".join(calibration_lines(each)))
        if each.name in places:
            written += write_ensemble(places[each.name], each.columns, each.sheet)
    if written:
        print_saved(written, sys.stdout)
    else:
        print("Nothing was saved; --out FOLDER saves the worlds.")


@model_app.command("evidence")
def model_evidence(
    file: Annotated[Path | None, typer.Argument(help="A model file; default the shipped one.")] = None,
    ensemble: Annotated[str, typer.Option(help="c5, c6, both, or a CSV file that calibrate wrote.")] = "both",
    uncertainties: Annotated[bool, typer.Option("--uncertainties", help="List every constant too.")] = False,
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Hold the model against published targets: compute each anew in calibrated worlds, with its source and verdict."""
    from transition_sim.model.reader import load_model
    from transition_sim.study.ensembles import chosen_ensembles, load_ensemble, stale_parts
    from transition_sim.study.evidence import judge, load_evidence
    from transition_sim.study.evidence_words import evidence_data, evidence_frame, evidence_lines, uncertainty_lines
    from transition_sim.study.worlds import load_uncertainties, sampled

    folder = output_folder(out, force, "evidence.csv")
    model = load_model(file)
    evidence = load_evidence(model)
    worlds = [load_ensemble(model, name) for name in chosen_ensembles(ensemble)]
    verdicts = {each.name: judge(model, evidence, each.columns, each.name) for each in worlds}
    stale = {each.name: parts for each in worlds if (parts := stale_parts(model, each))}
    if as_json:
        print(json.dumps(evidence_data(model, evidence, verdicts, worlds, stale), indent=1, allow_nan=False))
    else:
        print("\n".join(evidence_lines(model, evidence, verdicts, worlds, stale)))
        if uncertainties:
            print("\n".join(uncertainty_lines(model, load_uncertainties(model)[0], worlds)))
    if folder is not None:
        from transition_sim import figures
        from transition_sim.data import write_text

        prior = sampled(load_uncertainties(model)[0])
        units = {name: model.find(name).unit for name in prior}
        written = [
            write_text(folder / "evidence.csv", evidence_frame(verdicts).to_csv(index=False)),
            *figures.save(figures.evidence_figure(verdicts), folder / "evidence"),
            *figures.save(figures.moved_figure(prior, worlds, units), folder / "prior-and-posterior"),
        ]
        print_saved(written, sys.stderr if as_json else sys.stdout)


def _places(out: Path | None, names: tuple[str, ...], force: bool) -> dict[str, Path]:
    """Return the file for each ensemble; ScenarioError where it is there already or cannot be used."""
    from transition_sim.errors import Fault, ScenarioError

    if out is None:
        return {}
    if out.suffix == ".csv":
        if len(names) > 1:
            raise ScenarioError(Fault(str(out), None, "is one file; name one ensemble with --ensemble, or a folder"))
        output_folder(out.parent, force, out.name)
        return {names[0]: out}
    for name in names:
        output_folder(out, force, f"{name}.csv")
    return {name: out / f"{name}.csv" for name in names}


def _told(quiet: bool) -> Callable[[str], None] | None:
    if quiet or not sys.stderr.isatty():
        return None
    return lambda words: print(f"\r{words:<78.78}", end="", file=sys.stderr, flush=True)
