"""`transition-sim timing`: when to draw down, how fast, by which rule, with or without bridging."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transition_sim.cli.common import Force, Json, Out, Quiet, app, output_folder, print_saved, progress

if TYPE_CHECKING:
    from transition_sim.study.timing import Timing


@app.command()
def timing(
    context: Annotated[
        list[str] | None, typer.Option(help="A shipped profile or a scenario file. Repeatable. Default reference.")
    ] = None,
    ensemble: Annotated[str, typer.Option(help="c5, c6, both, prior (not calibrated), or a CSV file.")] = "c5",
    runs: Annotated[int, typer.Option(min=2, max=10_000, help="Plausible worlds.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw of worlds.")] = 7,
    value: Annotated[
        list[float] | None, typer.Option(help="What a relapse avoided is worth, MUSD. Repeatable.")
    ] = None,
    start: Annotated[
        list[str] | None, typer.Option(help="A start of the draw-down: months, or '5 years'. Repeatable, two or more.")
    ] = None,
    duration: Annotated[
        list[str] | None, typer.Option(help="How long it lasts: months, or '2 years'. Repeatable, two or more.")
    ] = None,
    definition: Annotated[str, typer.Option(help="What counts as relapse: war, armed_conflict, major_war.")] = "war",
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Show risk over draw-down start and duration, by calendar and benchmark, with and without bridging, and cost."""
    from transition_sim.study.ensembles import ENSEMBLES
    from transition_sim.study.timing import DURATIONS, STARTS, VALUES, draw_down_timing
    from transition_sim.study.timing_words import timing_lines

    folder = output_folder(out, force, "timing.csv")
    names = ENSEMBLES if ensemble == "both" else (ensemble,)
    found = []
    for profile in context or ["reference"]:
        for name in names:
            done = draw_down_timing(
                profile, ensemble=name, runs=runs, seed=seed, values=value or VALUES, definition=definition,
                starts=start or STARTS, durations=duration or DURATIONS, progress=progress(quiet),
            )  # fmt: skip
            found.append(done)
            if not as_json:
                print(*([""] if len(found) > 1 else []), *timing_lines(done), sep="\n", flush=True)
    if as_json:
        print(json.dumps([each.to_dict() for each in found], indent=1, allow_nan=False))
    if folder is not None:
        _save(found, folder, sys.stderr if as_json else sys.stdout)


def _save(found: Sequence[Timing], folder: Path, stream: Any) -> None:
    import pandas as pd

    from transition_sim import figures
    from transition_sim.data import write_text

    tables = pd.concat([each.table for each in found])
    best = pd.concat([each.best.assign(context=each.context, ensemble=each.ensemble) for each in found])
    provenance = [{**each.provenance, "runs": each.runs, "seed": each.seed} for each in found]
    written = [
        write_text(folder / "timing.csv", tables.to_csv(index=False)),
        write_text(folder / "best-rules.csv", best.to_csv(index=False)),
        write_text(folder / "provenance.json", json.dumps(provenance, indent=1)),
    ]
    for each in found:
        mark = f"-{Path(each.context).stem}-{Path(each.ensemble).stem}" if len(found) > 1 else ""
        written += figures.save_timing(each, folder, mark)
    print_saved(written, stream)
