"""`transition-sim lab`: the offline page as one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from transition_sim.cli.common import Force, Quiet, app, print_saved


@app.command("lab")
def lab_command(
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path("lab.html"),
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write the offline page: aid gaps and draw-down in any browser, from one file, with no network."""
    from transition_sim.data import write_text
    from transition_sim.errors import Fault, ScenarioError, shown
    from transition_sim.lab.page import build_page

    if out.is_dir() or not out.parent.is_dir():
        raise ScenarioError(Fault(shown(out), None, "must be a file in a folder that exists"))
    if out.exists() and not force:
        raise ScenarioError(Fault(shown(out), None, "exists already; --force replaces it"))
    try:
        write_text(out, build_page())
    except OSError as error:
        raise ScenarioError(Fault(shown(out), None, f"cannot be written: {error.strerror}")) from error
    print_saved([out], sys.stdout)
    if not quiet:
        print("Open it in any browser, from a disk, a USB stick or a phone; it needs no network and asks for none.")
