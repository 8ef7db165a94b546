"""RANDOM functions as they are read: which numbers a call draws, and which of its parameters cannot be.

A call's last argument in the file, the number of a stream, becomes a draw that also hangs on the call's own number, on
the file's NOISE SEED and on hidden constants which the engine fills in: seed, run, start and step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from transition_sim.errors import ModelError
from transition_sim.model.equations import Call, Expression, Kind, Number, Reference, TimeSettings, Variable, canonical
from transition_sim.model.functions import DRAW

SEED, RUN, START, STEP = "#noise>seed", "#noise>run", "#noise>start", "#noise>step"
CONTEXT = tuple(Reference(name) for name in (SEED, RUN, START, STEP))
NOISE_SEED = "noise seed"
USUAL_NOISE_SEED = 4487556.0
"""What Vensim takes where a file sets no NOISE SEED."""

_RISING: Mapping[str, tuple[tuple[int, int], ...]] = {
    "RANDOM UNIFORM": ((0, 1),),
    "RANDOM NORMAL": ((0, 1),),
    "RANDOM EXPONENTIAL": ((0, 1), (2, 1)),
    "RANDOM TRIANGULAR": ((0, 1), (2, 3), (3, 4), (2, 1), (0, 4)),
    "RANDOM WEIBULL": ((0, 1), (3, 1)),
}
_ORDER = {
    "RANDOM UNIFORM": ("least", "largest"),
    "RANDOM NORMAL": ("least", "largest", "mean", "standard deviation"),
    "RANDOM EXPONENTIAL": ("least", "largest", "shift", "stretch"),
    "RANDOM TRIANGULAR": ("least", "largest", "start", "peak", "stop"),
    "RANDOM WEIBULL": ("least", "largest", "shape", "shift", "stretch"),
}


def drawn(owner: str, function: str, arguments: Sequence[Expression], call: int, noise_seed: Expression) -> Call:
    """Return a RANDOM call whose stream has become a draw; ModelError where its numbers leave nothing to draw."""
    _check(owner, function, arguments)
    *parameters, stream = arguments
    return Call(function, (*parameters, Call(DRAW, (stream, Number(float(call)), noise_seed, *CONTEXT))))


def call_number(place: str, taken: set[int]) -> int:
    """Return a number of 32 bits for the place of a call, made of its name, and note that it is taken."""
    number, text = -1, canonical(place)
    while number < 0 or number in taken:
        number = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:4], "big")
        text += "'"
    taken.add(number)
    return number


def context(time: TimeSettings) -> list[Variable]:
    """Return the hidden constants that draws hang on, as they are where the engine sets none."""
    values = {SEED: 0.0, RUN: 0.0, START: time.initial, STEP: time.step}
    return [Variable(name, Kind.CONSTANT, Number(value), hidden=True) for name, value in values.items()]


def _check(owner: str, function: str, arguments: Sequence[Expression]) -> None:
    """Raise ModelError where parameters that are written as numbers cannot be."""
    names = _ORDER[function]
    values = [argument.value if isinstance(argument, Number) else None for argument in arguments]
    for low, high in _RISING[function]:
        one, other = values[low], values[high]
        if one is not None and other is not None and one > other:
            raise ModelError(
                f"'{owner}': {function}: {names[low]} is {one:g}; it must not be above {names[high]}, {other:g}"
            )
    for i, name in enumerate(names):
        value = values[i]
        if value is None or name not in ("standard deviation", "stretch", "shape"):
            continue
        if value < 0 or (value == 0 and name == "shape"):
            allowed = "above 0" if name == "shape" else "0 or more"
            raise ModelError(f"'{owner}': {function}: {name} is {value:g}; it must be {allowed}")
