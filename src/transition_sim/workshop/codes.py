"""A team's round as a short code: to read out, to write on paper, to type in where there is no network.

A code holds the workshop, the team, the round, every choice and the sketch, so that nothing of another workshop or
round is taken by mistake; its check sign finds every single wrong sign and every two neighbours that were swapped.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transition_sim.workshop.events import MOST_TEAMS
from transition_sim.workshop.form import Workshop
from transition_sim.workshop.session import RefusedError
from transition_sim.workshop.signs import decode, encode

MARKS = 31


@dataclass(frozen=True)
class RoundCode:
    """What a decision code says."""

    team: int
    round: str
    choices: Mapping[str, int]
    points: tuple[int, ...]


def radices_of(workshop: Workshop, round_name: str) -> list[int]:
    """Return how many values each choice of a round and each point of its sketch can take."""
    levers = workshop.levers_of(round_name).values()
    return [*(len(lever.choices) for lever in levers), *[workshop.sketch.levels] * len(workshop.sketch.years)]


def mark_of(workshop: Workshop) -> int:
    """Return a small number by which codes of another workshop are told."""
    told = f"{workshop.name}|{[(name, len(lever.choices)) for name, lever in workshop.levers.items()]}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:4], "big") % MARKS


def code_of(workshop: Workshop, team: int, round_name: str, choices: Mapping[str, int], points: Sequence[int]) -> str:
    """Return the code of a team's round, in groups of four signs."""
    levers = workshop.levers_of(round_name)
    own = [choices.get(name, lever.default) for name, lever in levers.items()]
    own += [point // workshop.sketch.step for point in points]
    tail = 0
    for digit, radix in zip(own, radices_of(workshop, round_name), strict=True):
        tail = tail * radix + digit
    return grouped(encode([mark_of(workshop), workshop.order.index(round_name), team - 1, tail], _radices(workshop)))


def read_code(workshop: Workshop, text: str) -> RoundCode:
    """Return what a code says; RefusedError, saying why, where it is wrong, or of another workshop."""
    try:
        mark, place, team, tail = decode(text, _radices(workshop))
    except ValueError as error:
        raise RefusedError("wrong_code", told=str(error)) from None
    if mark != mark_of(workshop):
        raise RefusedError("wrong_code", told="it is of another workshop")
    name = workshop.order[place]
    digits = []
    for radix in reversed(radices_of(workshop, name)):
        tail, digit = divmod(tail, radix)
        digits.append(digit)
    if tail:
        raise RefusedError("wrong_code", told="it says what cannot be chosen")
    levers = workshop.levers_of(name)
    own = digits[::-1]
    points = tuple(level * workshop.sketch.step for level in own[len(levers) :])
    return RoundCode(team + 1, name, dict(zip(levers, own, strict=False)), points)


def _radices(workshop: Workshop) -> list[int]:
    """Return the radices of all codes of a workshop: its mark, the round, the team, and room for the largest round."""
    return [MARKS, len(workshop.order), MOST_TEAMS, max(math.prod(radices_of(workshop, n)) for n in workshop.order)]


def grouped(signs: str) -> str:
    """Return signs in groups of four."""
    return "-".join(signs[i : i + 4] for i in range(0, len(signs), 4))
