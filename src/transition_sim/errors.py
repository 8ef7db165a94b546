"""The errors of transition_sim, and the faults that they carry.

A user's mistake is never a traceback: whoever finds one collects every fault of the input and raises
one error whose text has a line for each, in the form `file:line: what; what is allowed; nearest match`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input: where it stands and what is the matter. Sorts by file, line, message."""

    file: str
    line: int | None
    message: str

    def __lt__(self, other: Fault) -> bool:
        return (self.file, self.line or 0, self.message) < (other.file, other.line or 0, other.message)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}" if place else self.message


class TransitionSimError(Exception):
    """Base of every error that transition_sim raises on purpose; `faults` lists all that was found."""

    def __init__(self, message: str | Fault | Iterable[Fault]) -> None:
        if isinstance(message, str):
            self.faults: tuple[Fault, ...] = (Fault("", None, message),)
        elif isinstance(message, Fault):
            self.faults = (message,)
        else:
            self.faults = tuple(message)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ModelError(TransitionSimError):
    """A model file cannot be used as it stands."""


class ScenarioError(TransitionSimError):
    """A scenario, sweep, ensemble or setting does not fit its schema or its model."""


class SimulationError(TransitionSimError):
    """A run could not be computed, or its numbers cannot be trusted."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return `; did you mean 'X'?` for the closest allowed name, or an empty text."""
    by_lower = {candidate.lower(): candidate for candidate in allowed}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean '{by_lower[found[0]]}'?" if found else ""


def word_faults(name: str, word: str, allowed: Sequence[str]) -> list[str]:
    """Return what is wrong with a word that must be one of those allowed: nothing, or one message."""
    if word in allowed:
        return []
    return [f"{name} '{word}' does not exist; allowed: {', '.join(allowed)}{nearest(word, allowed)}"]


def shown(path: str | Path) -> str:
    """Return a path as messages show it: relative to the working folder where that is shorter."""
    try:
        relative = Path(path).resolve().relative_to(Path.cwd().resolve())
    except (ValueError, OSError, RuntimeError):  # RuntimeError: a link that leads to itself, before Python 3.13
        return str(path)
    return relative.as_posix()
