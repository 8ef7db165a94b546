"""The way in and out: interrupts, exit codes, a message for every mistake of a user."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from transition_sim.cli.common import app, interrupt_text
from transition_sim.errors import SimulationError, TransitionSimError

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
        os.write(2, interrupt_text().encode())
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
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
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
