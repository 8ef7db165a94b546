"""What is planned when: instruments, elections and the windows of effort, as the model itself places them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.result import Result
from transition_sim.model.equations import Model

Floats = NDArray[np.float64]
INSTRUMENTS: Mapping[str, tuple[str, bool]] = {
    "integrated mission planning": ("mission planning activity", False),
    "needs assessment": ("needs assessment activity", False),
    "results matrix": ("assessment priorities", False),
    "poverty reduction strategy": ("strategy strength", True),
    "country team framework": ("country team framework activity", False),
    "consultative group": ("consultative group activity", False),
    "multi-donor trust fund": ("pooled share", False),
}
"""Names of instruments, the variable that is above zero while one works, and whether its level is told apart."""
SAMPLED_EVERY = 0.5


@dataclass(frozen=True)
class Span:
    """Something that goes on from a month until another: an instrument, or an option's effort in one role.

    An election starts and ends in the same month. `level` is the strength of an instrument, or effort-months a month.
    """

    kind: Literal["instrument", "effort", "election"]
    name: str
    start: float
    end: float
    level: float = 1.0
    role: str = ""


def calendar_outputs(model: Model, roles: Sequence[str]) -> list[str]:
    """Return the variables that a calendar is read from, as far as the model has them."""
    wanted = [variable for variable, _ in INSTRUMENTS.values()] + [f"PBC {role} intensity" for role in roles]
    return [name for name in wanted if name in model]


def calendar_of(result: Result, options: Sequence[str], roles: Sequence[str]) -> tuple[Span, ...]:
    """Return the spans of a result with one run an option; instruments are those of the option `none`.

    Edges are those of the saved times. Elections are two, as in the model: the first and one interval later.
    """
    spans: list[Span] = []
    none = options.index("none")
    for name, (variable, levels) in INSTRUMENTS.items():
        if variable in result:
            values = result[variable][:, none]
            steps = values if levels else (values > 0).astype(float)
            spans += [Span("instrument", name, *span) for span in _steps(result.time, steps)]
    for i, option in enumerate(options):
        for role in roles:
            if f"PBC {role} intensity" in result:
                for span in _steps(result.time, result[f"PBC {role} intensity"][:, i]):
                    spans.append(Span("effort", option, *span, role=role))
    return tuple(spans)


def elections(first: float, interval: float, last: float) -> tuple[Span, ...]:
    """Return the two elections of the model as spans, as far as they fall before the end of the run."""
    names = ("first election", "second election")
    dates = (first, first + interval)
    return tuple(Span("election", name, d, d) for name, d in zip(names, dates, strict=True) if d <= last)


def _steps(time: Floats, values: Floats) -> Iterator[tuple[float, float, float]]:
    """Yield start, end and level of each stretch in which values keep one level above zero."""
    edges = np.flatnonzero(np.diff(values)) + 1
    for first, after in zip((0, *edges), (*edges, len(values)), strict=True):
        if values[first] > 0:
            yield float(time[first]), float(time[min(after, len(time) - 1)]), float(values[first])
