"""A team's round as a short code: to read out, to write on paper, to type in where there is no network.

A code holds the workshop, the round, the team, every choice and the sketch, so that nothing of another workshop or
round is taken by mistake. How it is written, and which slips it finds, is told in `study/codec.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transition_sim.study.codec import CodeError, Field, Kind, read_code, write_code
from transition_sim.workshop.events import MOST_TEAMS
from transition_sim.workshop.form import Workshop
from transition_sim.workshop.session import RefusedError

LETTERS = "QRST"
"""The kinds of codes, one a round; runs of the models have other letters."""
EDITIONS = 1024


@dataclass(frozen=True)
class RoundCode:
    """What a decision code says."""

    team: int
    round: str
    choices: Mapping[str, int]
    points: tuple[int, ...]


def code_of(workshop: Workshop, team: int, name: str, choices: Mapping[str, int], points: Sequence[int]) -> str:
    """Return the code of a team's round, in groups of four signs."""
    levers = workshop.levers_of(name)
    own = [choices.get(key, lever.default) for key, lever in levers.items()]
    state = [team - 1, *own, *(point // workshop.sketch.step for point in points)]
    return write_code(letter_of(workshop, name), edition_of(workshop), fields_of(workshop, name), state)


def read_round(workshop: Workshop, text: str) -> RoundCode:
    """Return what a code says; RefusedError, saying why, where it is wrong, or of another workshop."""

    def kind_of(letter: str) -> Kind | None:
        place = LETTERS.find(letter)
        if not 0 <= place < len(workshop.order):
            return None
        return Kind(edition_of(workshop), fields_of(workshop, workshop.order[place]))

    try:
        letter, state = read_code(text, kind_of)
    except CodeError as error:
        raise RefusedError("wrong_code", told=error.faults[0].message, reason=error.reason, meant=error.meant) from None
    name = workshop.order[LETTERS.index(letter)]
    levers = workshop.levers_of(name)
    points = tuple(level * workshop.sketch.step for level in state[1 + len(levers) :])
    return RoundCode(state[0] + 1, name, dict(zip(levers, state[1:], strict=False)), points)


def letter_of(workshop: Workshop, name: str) -> str:
    """Return the letter of a round's codes."""
    return LETTERS[workshop.order.index(name)]


def fields_of(workshop: Workshop, name: str) -> tuple[Field, ...]:
    """Return what a round's code says: the team, each choice, each point of the sketch."""
    choices = [Field(len(lever.choices), (lever.default,)) for lever in workshop.levers_of(name).values()]
    sketch = [Field(workshop.sketch.levels)] * len(workshop.sketch.years)
    return (Field(MOST_TEAMS), *choices, *sketch)


def edition_of(workshop: Workshop) -> int:
    """Return a number by which codes of another workshop are told."""
    told = f"{workshop.name}|{[(name, len(lever.choices)) for name, lever in workshop.levers.items()]}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:4], "big") % EDITIONS


def tables_of(workshop: Workshop) -> dict[str, Any]:
    """Return what a page needs to write the same codes, by round."""
    return {
        name: {
            "letter": letter_of(workshop, name),
            "edition": edition_of(workshop),
            "levers": [{"count": f.count, "usual": list(f.usual)} for f in fields_of(workshop, name)],
        }
        for name in workshop.order
    }
