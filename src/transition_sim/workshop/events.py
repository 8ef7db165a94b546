"""What can happen in a session, as data that is checked where it comes in: each line of a log is one of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from transition_sim.errors import ScenarioError
from transition_sim.workshop.form import Data, Key, Number, Workshop

FACILITATOR = 0
MOST_TEAMS = 8
Language = Literal["en", "fr", "ar"]
Ensemble = Literal["c5", "c6"]
TeamNumber = Annotated[int, Field(ge=1, le=MOST_TEAMS)]
Identity = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-]{8,40}$")]
Choices = Annotated[dict[Key, Annotated[int, Field(ge=0, le=11)]], Field(max_length=60)]
Points = Annotated[tuple[Annotated[int, Field(ge=0, le=100)], ...], Field(min_length=2, max_length=6)]


class Happening(Data):
    """What all events share: when, by whom (0 the facilitator, else the team), a mark against repeats."""

    at: Number = 0.0
    by: Annotated[int, Field(ge=0, le=MOST_TEAMS)] = FACILITATOR
    id: Identity | None = None


class Started(Happening):
    """A session begins: the whole workshop, how many teams, in which language, over which worlds."""

    type: Literal["started"] = "started"
    version: Literal[1] = 1
    workshop: Workshop
    teams: Annotated[int, Field(ge=2, le=MOST_TEAMS)]
    language: Language
    ensemble: Ensemble = "c5"
    worlds: Annotated[int, Field(ge=10, le=1000)] = 1000
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 7
    model: Annotated[str, Field(max_length=80)]
    secret: Annotated[str, Field(pattern=r"^[0-9a-f]{32,64}$")]


class Opened(Happening):
    """The facilitator opens the next round."""

    type: Literal["opened"] = "opened"
    round: Key


class Decided(Happening):
    """A team changes some choices of the open round."""

    type: Literal["decided"] = "decided"
    team: TeamNumber
    round: Key
    choices: Choices


class Sketched(Happening):
    """A team draws the risk it expects, in per cent at the years of the sketch."""

    type: Literal["sketched"] = "sketched"
    team: TeamNumber
    round: Key
    points: Points


class Committed(Happening):
    """A team commits the round."""

    type: Literal["committed"] = "committed"
    team: TeamNumber
    round: Key


class Withdrawn(Happening):
    """A team takes its commitment back while the round is open."""

    type: Literal["withdrawn"] = "withdrawn"
    team: TeamNumber
    round: Key


class Coded(Happening):
    """The facilitator enters a team's whole round, from a code or a sheet of paper."""

    type: Literal["coded"] = "coded"
    team: TeamNumber
    round: Key
    choices: Choices
    points: Points


class Happened(Happening):
    """The facilitator has news happen, to all teams."""

    type: Literal["happened"] = "happened"
    round: Key
    news: Key


class Timed(Happening):
    """The facilitator sets the clock to end at a moment (seconds since 1970), or stops it."""

    type: Literal["timed"] = "timed"
    ends: Number | None = None


class Closed(Happening):
    """The facilitator closes the round: results are shown; their checksum is kept, so that a replay can compare."""

    type: Literal["closed"] = "closed"
    round: Key
    results: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Undone(Happening):
    """The facilitator takes the last opening or closing of a round back."""

    type: Literal["undone"] = "undone"


class Replaced(Happening):
    """The facilitator gives a team a new join code: who held the old one is out; decisions stay."""

    type: Literal["replaced"] = "replaced"
    team: TeamNumber


class Ended(Happening):
    """The session is over; the debrief begins."""

    type: Literal["ended"] = "ended"


Event = (
    Started
    | Opened
    | Decided
    | Sketched
    | Committed
    | Withdrawn
    | Coded
    | Happened
    | Timed
    | Closed
    | Undone
    | Replaced
    | Ended
)
_READER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def event_of(data: Any) -> Event:
    """Return plain data as an event; ScenarioError, naming what does not fit, where it is none."""
    try:
        return _READER.validate_python(data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = " / ".join(str(part) for part in problem["loc"][:6])
        raise ScenarioError(f"is no event of a session: {place}: {problem['msg']}"[:300]) from None
