"""Who may do what: join codes of teams and secret tokens, all derived from the session's secret.

Nothing else is stored: a server that restarts with the same log knows the same people. A team that is replaced gets a
new generation, and what was derived for the old one is worth nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from transition_sim.workshop.session import Session

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 6
SHARED = "shared"
Kind = Literal["team", "facilitator", "projector", "debrief", "print"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Person:
    """Who holds a token: a device of a team with its role, the facilitator, the big screen, or somebody with a key.

    A key stands in the address of a page that others may see, and opens that page alone: the debrief of a team (or of
    all, with team 0), or what is printed.
    """

    kind: Kind
    team: int = 0
    role: str = ""


def new_secret() -> str:
    """Return a secret for a session."""
    return secrets.token_hex(24)


def join_code(session: Session, number: int) -> str:
    """Return the join code of a team: six signs that are not mistaken for each other."""
    digest = _mac(session, f"join:{number}:{session.team(number).generation}")
    value = int.from_bytes(digest, "big")
    signs = []
    for _ in range(CODE_LENGTH):
        value, rest = divmod(value, len(ALPHABET))
        signs.append(ALPHABET[rest])
    return "".join(signs)


def team_of_code(session: Session, code: str) -> int | None:
    """Return the team that a join code belongs to; None where it is no team's."""
    plain = "".join(code.upper().split()).replace("-", "")
    for team in session.teams:
        if hmac.compare_digest(plain.encode(), join_code(session, team.number).encode()):
            return team.number
    return None


def token_of(session: Session, person: Person) -> str:
    """Return the token that says who somebody is."""
    generation = session.team(person.team).generation if person.team else 0
    name = f"{person.kind}.{person.team}.{generation}.{person.role}"
    return f"{name}.{_mac(session, name).hex()[:32]}"


def person_of(session: Session, token: str) -> Person | None:
    """Return who holds a token; None where it is no token of this session, or of seats that were given away."""
    parts = token.split(".")
    if len(parts) != 5 or not token.isascii() or len(token) > 120 or not parts[1].isdigit():
        return None
    kind, number, _, role, _ = parts
    if kind not in KINDS or len(number) > 2 or int(number) > len(session.teams):
        return None
    if kind == "team" and (int(number) < 1 or role not in (*session.workshop.roles, SHARED)):
        return None
    person = Person(kind, int(number), role)
    return person if hmac.compare_digest(token_of(session, person).encode(), token.encode()) else None


def _mac(session: Session, text: str) -> bytes:
    return hmac.new(session.setup.secret.encode(), text.encode(), hashlib.sha256).digest()
