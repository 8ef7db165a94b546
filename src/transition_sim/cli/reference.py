"""`transition-sim model doc`: the reference of a model as one HTML file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from transition_sim.cli.common import Force, Quiet, model_app, print_saved


@model_app.command("doc")
def model_doc(
    file: Annotated[Path | None, typer.Argument(help="A model file; default the shipped one.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file to write; default NAME-reference.html in this folder.")
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write the reference of a model: sectors, equations, units, sources, loops, evidence, claims, limits."""
    from transition_sim.data import write_text
    from transition_sim.errors import Fault, ScenarioError
    from transition_sim.model.reader import load_model

    model = load_model(file)
    place = out or Path(f"{model.name}-reference.html")
    _check_place(place, force)
    from transition_sim.report.reference.gather import gather
    from transition_sim.report.reference.page import reference_page

    page = reference_page(gather(model, _told(quiet)))
    try:
        print_saved([write_text(place, page)], sys.stdout)
    except OSError as error:
        raise ScenarioError(Fault(str(place), None, f"cannot be written: {error.strerror}")) from error


def _check_place(place: Path, force: bool) -> None:
    """Raise ScenarioError where a file cannot be written, or is there already and is not to be replaced."""
    from transition_sim.errors import Fault, ScenarioError

    if place.is_dir():
        raise ScenarioError(Fault(str(place), None, "is a folder; --out takes the name of an HTML file"))
    if not place.parent.is_dir():
        raise ScenarioError(Fault(str(place), None, f"cannot be written: there is no folder {place.parent}"))
    if place.exists() and not force:
        raise ScenarioError(Fault(str(place), None, "is there already; --force replaces it"))


def _told(quiet: bool) -> Callable[[str], None]:
    if quiet or not sys.stderr.isatty():
        return lambda words: None
    return lambda words: print(f"{words} ...", file=sys.stderr, flush=True)
