"""`transition-sim workshop ...`: the session in a room, its log played again, its debrief, what is printed for it."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transition_sim.cli.common import Force, Json, app, command_line, output_folder, print_saved, say_at_interrupt

if TYPE_CHECKING:
    from transition_sim.workshop.form import Workshop
    from transition_sim.workshop.log import Log
    from transition_sim.workshop.run import Replay

workshop_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Run a workshop in a room; look back at it."
)
app.add_typer(workshop_app, name="workshop")


class Language(StrEnum):
    """The languages of a workshop."""

    en = "en"
    fr = "fr"
    ar = "ar"


class Ensemble(StrEnum):
    """The calibrated ensembles."""

    c5 = "c5"
    c6 = "c6"


Teams = Annotated[int, typer.Option(min=2, max=8, help="Teams, each with a country of its own.")]
Tongue = Annotated[Language, typer.Option(help="Language of pages and prints; each reader can change it.")]
LogFile = Annotated[Path, typer.Argument(help="The log of a session.")]


@workshop_app.command("start")
def workshop_start(
    scenario: Annotated[
        str | None, typer.Option(help="A shipped workshop (aid_gap, early_exit, election_year) or a file.")
    ] = None,
    teams: Teams = 4,
    lan: Annotated[
        bool, typer.Option("--lan", help="Let phones of the room join; without it this machine alone.")
    ] = False,
    language: Tongue = Language.en,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8642,
    log: Annotated[Path, typer.Option(help="The session's log; one that exists is taken up where it stands.")] = Path(
        "session.jsonl"
    ),
    worlds: Annotated[int, typer.Option(min=10, max=1000, help="Plausible worlds behind every range.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the choice of worlds.")] = 7,
    ensemble: Annotated[Ensemble, typer.Option(help="How strongly missions work: c5, or the weaker c6.")] = Ensemble.c5,
) -> None:
    """Start a session, or go on with one whose log exists."""
    from transition_sim.errors import ScenarioError
    from transition_sim.model.reader import load_model
    from transition_sim.workshop.log import Log
    from transition_sim.workshop.run import new_setup, serve
    from transition_sim.workshop.scenarios import load_workshop

    model = load_model()
    workshop = load_workshop(scenario, model) if scenario is not None else None
    kept = Log(log)
    try:
        setup = None
        if kept.events:
            _check_begun(kept, workshop)
        elif workshop is None:
            raise ScenarioError("no session to go on with; name a workshop to begin one, such as --scenario aid_gap")
        else:
            setup = new_setup(workshop, model, teams, language.value, worlds, seed, ensemble.value)

        def again(taken: int) -> str:
            command = resuming_command(log, taken, lan)
            say_at_interrupt(f"the session is kept; go on with: {command}")
            return command

        serve(kept, model, setup, port, lan, lambda line: print(line, flush=True), again)
    finally:
        kept.close()


def _check_begun(log: Log, workshop: Workshop | None) -> None:
    """Say that a log's session is gone on with; ScenarioError where it is one of another workshop."""
    from transition_sim.errors import Fault, ScenarioError, shown

    begun = getattr(log.events[0], "workshop", None)
    if begun is not None and workshop is not None and begun.name != workshop.name:
        told = f"holds a session of '{begun.name}', not '{workshop.name}'; name another file with --log"
        raise ScenarioError(Fault(shown(log.path), None, told))
    print(f"Going on with the session in {log.path}. For a new one name another file with --log.", file=sys.stderr)


def resuming_command(log: Path, port: int, lan: bool) -> str:
    """Return the command that takes a session up again where its phones look for it."""
    options = ["--log", str(log), "--port", str(port), *(["--lan"] if lan else [])]
    return command_line(["workshop", "start", *options])


@workshop_app.command("replay")
def workshop_replay(log: LogFile, as_json: Json = False) -> None:
    """Play a log again and say whether it gives the same results; exit 1 where it does not."""
    from transition_sim.model.reader import load_model
    from transition_sim.workshop.run import replay, replay_data

    found = replay(log, load_model())
    if as_json:
        print(json.dumps(replay_data(found), indent=1))
    else:
        for line in _replay_lines(log, found):
            print(line)
    if not all(found.rounds.values()):
        raise typer.Exit(1)


def _replay_lines(log: Path, found: Replay) -> list[str]:
    session = found.session
    lines = [f"{log}: {session.workshop.title.en}, {len(session.teams)} teams, {found.events} events; {session.phase}"]
    if found.torn:
        lines.append(f"  the last line was cut: {found.torn} bytes are left out, every whole event is there")
    if not found.same_model:
        lines.append("  it was played with other equations than these")
    for name, same in found.rounds.items():
        lines.append(f"  {name}: {'the same results, to the bit' if same else 'OTHER results than were shown then'}")
    return [*lines, "A stylised teaching and exploration model, not a forecast."]


@workshop_app.command("debrief")
def workshop_debrief(
    log: LogFile,
    out: Annotated[Path, typer.Option(help="Folder for the pages.")],
    language: Annotated[Language | None, typer.Option(help="Language; default the session's.")] = None,
    force: Force = False,
) -> None:
    """Write the debrief: a page with all teams, and one for each team to print."""
    from transition_sim.data import write_text
    from transition_sim.errors import Fault, ScenarioError, shown
    from transition_sim.model.reader import load_model
    from transition_sim.workshop.printed import debrief_files
    from transition_sim.workshop.run import replay

    found = replay(log, load_model())
    if not found.rounds:
        raise ScenarioError(Fault(shown(log), None, "no round was closed; there is nothing to look back at"))
    folder = output_folder(out, force, "index.html") or out
    spoken = language.value if language is not None else str(found.session.setup.language)
    files = debrief_files(found.runner, found.session, spoken)
    print_saved([write_text(folder / name, text) for name, text in files.items()], sys.stdout)
    for name, same in found.rounds.items():
        if not same:
            print(f"warning: round '{name}' gives other results than were shown then", file=sys.stderr)


@workshop_app.command("print")
def workshop_print(
    scenario: Annotated[str, typer.Argument(help="A shipped workshop or a file.")],
    out: Annotated[Path, typer.Option(help="Folder for the pages.")],
    teams: Teams = 4,
    language: Tongue = Language.en,
    force: Force = False,
) -> None:
    """Write what is printed: guide, role cards, decision sheets, and a sheet for native speakers to review."""
    from transition_sim.data import write_text
    from transition_sim.model.reader import load_model
    from transition_sim.workshop.printed import PARTS, print_page
    from transition_sim.workshop.scenarios import load_workshop

    workshop = load_workshop(scenario, load_model())
    folder = output_folder(out, force, "guide.html") or out
    written = [
        write_text(folder / f"{part}.html", print_page(workshop, teams, language.value, (part,))) for part in PARTS
    ]
    print_saved(written, sys.stdout)
