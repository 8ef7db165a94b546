"""What the commands share: their groups and common options, output folders, progress, what was saved."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

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

_at_interrupt: list[str] = []


def say_at_interrupt(text: str) -> None:
    """Have an interrupt print a line, such as the command that goes on from there."""
    _at_interrupt[:] = [text]


def interrupt_text() -> str:
    """Return what an interrupt prints."""
    return "".join(f"{line}\n" for line in ("interrupted", *_at_interrupt))


def command_line(arguments: Sequence[str]) -> str:
    """Return a command of this program as it can be typed here: by the name under which it was called."""
    called = Path(sys.argv[0])
    if called.stem != "transition-sim":
        program = [sys.executable, "-m", "transition_sim.cli"]
    else:
        found = shutil.which("transition-sim")
        program = ["transition-sim" if found and Path(found).resolve() == called.resolve() else str(called)]
    return " ".join(map(_quoted, [*program, *arguments]))


def _quoted(text: str) -> str:
    return f'"{text}"' if os.name == "nt" and " " in text else text if os.name == "nt" else shlex.quote(text)


def output_folder(out: Path | None, force: bool, marker: str) -> Path | None:
    """Return the folder to save in, made if it is not there; ScenarioError where it cannot be used.

    It is tried before anything is computed, so that nothing is lost to a folder that takes no file.
    """
    if out is None:
        return None
    import tempfile

    from transition_sim.errors import Fault, ScenarioError

    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise ScenarioError(Fault(str(out), None, f"cannot be the folder of --out: {error.strerror}")) from error
    if (out / marker).exists() and not force:
        raise ScenarioError(Fault(str(out), None, f"holds results already ({marker}); --force replaces them"))
    return out


def progress(quiet: bool) -> Callable[[int, int], None] | None:
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


def print_saved(written: Sequence[Path], stream: Any) -> None:
    """Print the files that were written."""
    print("Saved:", *(path.as_posix() for path in written), sep="\n  ", file=stream)


def limit(value: float | None) -> str:
    """Return a limit as words show it."""
    return "any" if value is None else f"{value:g}"
