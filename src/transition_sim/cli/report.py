"""`transition-sim report`: the report of a folder, made anew from what it holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from transition_sim.cli.common import app, print_saved


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `compare --out DIR` left.")],
) -> None:
    """Make the report of a folder anew - page, PDF and workbook - from what it holds; nothing is computed again."""
    from transition_sim.report import write_report

    print_saved(write_report(folder), sys.stdout)
