"""`transition-sim sensitivity`: which inputs of a sweep drive its outcomes and the ranking of options."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transition_sim.cli.common import Force, Json, Out, app, output_folder, print_saved

if TYPE_CHECKING:
    from transition_sim.study.sensitivity.analysis import Sensitivity


@app.command()
def sensitivity(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished sweep.")],
    outcome: Annotated[
        list[str] | None, typer.Option(help="What to explain: a column of outcomes. Repeatable. Default the first.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="auto, sobol, morris (by the sweep's design), or pawn (any sample).")
    ] = "auto",
    options: Annotated[
        str | None, typer.Option(metavar="LEVER", help="The lever whose levels are ranked; default the scenarios.")
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option(metavar="LEVER=LEVEL", help="A level of another lever to look at. Repeatable.")
    ] = None,
    best: Annotated[str, typer.Option(help="Which outcome is the best: lowest or highest.")] = "lowest",
    resamples: Annotated[int, typer.Option(min=20, max=10_000, help="Of the bootstrap.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of the bootstrap.")] = 7,
    show: Annotated[int, typer.Option(min=1, max=1000, help="Inputs to print for each question.")] = 8,
    as_json: Json = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Say which uncertainty drives the risk, and which drives the ranking of options, from a finished sweep."""
    from transition_sim.study.sensitivity.analysis import sensitivity as analyse
    from transition_sim.study.sensitivity.words import sensitivity_lines

    target = output_folder(out, force, "indices.csv")
    found = analyse(
        folder, outcome, method=method, options=options, at=_levels(at or []), best=best, resamples=resamples, seed=seed
    )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1, allow_nan=False))
    else:
        for line in sensitivity_lines(found, show):
            print(line)
    if target is not None:
        _save(found, target, sys.stderr if as_json else sys.stdout)


def _levels(given: list[str]) -> dict[str, str]:
    """Return the levels that `--at` names."""
    parts = [text.rpartition("=") for text in given]
    wrong = next((text for text, (name, _, level) in zip(given, parts, strict=True) if not name or not level), None)
    if wrong is not None:
        raise typer.BadParameter(f"'{wrong}': expected LEVER=LEVEL, such as 'draw down rule=1'", param_hint="--at")
    return {name.strip(): level.strip() for name, _, level in parts}


def _of_sample(found: Sensitivity) -> dict[str, Any]:
    """Return what every row of a saved table says of the sample that it rests on."""
    names = ("sweep", "sweep_id", "design", "runs", "seed", "confidence")
    return {"method": found.method} | {name: found.sample[name] for name in names}


def _save(found: Sensitivity, folder: Path, stream: Any) -> None:
    from transition_sim import figures
    from transition_sim.data import write_text

    provenance = {key: value for key, value in found.to_dict().items() if key not in ("indices", "options")}
    written = [
        write_text(folder / "indices.csv", found.table.assign(**_of_sample(found)).to_csv(index=False)),
        write_text(folder / "options.csv", found.options.to_csv(index=False)),
        write_text(folder / "provenance.json", json.dumps(provenance, indent=1, allow_nan=False)),
        *figures.save_sensitivity(found, folder),
    ]
    print_saved(written, stream)
