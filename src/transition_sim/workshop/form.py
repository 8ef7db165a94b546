"""What a workshop consists of: rounds, roles, decisions with their prices, news, scored outcomes. Plain data.

A decision sets constants of the model; everything that people read stands in three languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

LANGUAGES = ("en", "fr", "ar")
LONGEST = 900
ASSUMED = "PBC "
"""How the constants of the model begin that decide the effort of the Peacebuilding Commission."""
Key = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,30}$")]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Data(BaseModel):
    """Plain data that does not change and takes no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Data):
    """A text in the three languages."""

    en: str = Field(min_length=1, max_length=LONGEST)
    fr: str = Field(min_length=1, max_length=LONGEST)
    ar: str = Field(min_length=1, max_length=LONGEST)

    def in_(self, language: str) -> str:
        """Return the text in one language."""
        return str(getattr(self, language))


class Sketch(Data):
    """What teams draw before they see the result: a risk in per cent at some years, in steps, up to the most."""

    years: tuple[int, ...] = Field(min_length=2, max_length=6)
    step: int = Field(ge=1, le=10)
    most: int = Field(ge=20, le=100)

    @property
    def levels(self) -> int:
        """How many values a point can take."""
        return self.most // self.step + 1


class Round(Data):
    """One round: the month at which its decisions begin to act, its length in minutes, who draws the sketch."""

    month: Number
    minutes: int = Field(ge=1, le=120)
    drawn_by: Key
    title: Words
    situation: Words


class Purse(Data):
    """What a role can spend over all rounds."""

    title: Words
    unit: Words
    size: int = Field(ge=0, le=10_000)


class Role(Data):
    """A role inside each team: what all know of it, what only it knows, what it can spend."""

    title: Words
    brief: Words
    private: Words
    purse: Purse


class Choice(Data):
    """One choice of a decision: a value of the decision's constant or constants of its own, a price, a label."""

    value: Number | None = None
    set: dict[Name, Number] = Field(default_factory=dict)
    price: int = Field(ge=0, le=10_000)
    label: Words | None = None


class Lever(Data):
    """One decision of one role in one round."""

    round: Key
    role: Key
    title: Words
    help: Words
    choices: tuple[Choice, ...] = Field(min_length=2, max_length=12)
    default: int = Field(ge=0)
    constant: Name | None = None
    also: dict[Name, Number] = Field(default_factory=dict)
    per: float = Field(1, gt=0, description="shown values are divided by this for the model")
    label: Words | None = None
    once: Key | None = Field(None, description="of all decisions with this word one at most may leave its default")

    def constants(self, choice: int) -> dict[str, float]:
        """Return what a choice sets in the model."""
        chosen = self.choices[choice]
        own = {} if self.constant is None or chosen.value is None else {self.constant: chosen.value / self.per}
        return {**own, **chosen.set, **self.also}

    @property
    def assumed(self) -> bool:
        """Whether this decides effort of the Commission, the size of whose effects is assumed, not estimated."""
        set_by = (name for choice in range(len(self.choices)) for name in self.constants(choice))
        return any(name.startswith(ASSUMED) for name in set_by)

    def label_of(self, choice: int, language: str) -> str:
        """Return what a choice is called."""
        chosen = self.choices[choice]
        words = chosen.label or self.label
        if words is None:
            return f"{chosen.value:g}"
        return words.in_(language).replace("{value}", number_text(chosen.value or 0, language))


class News(Data):
    """Something that the facilitator may have happen, to all teams: it sets, adds or raises for a time."""

    rounds: tuple[Key, ...] = Field(min_length=1)
    title: Words
    text: Words
    set: dict[Name, Number] = Field(default_factory=dict)
    add: dict[Name, Number] = Field(default_factory=dict)
    rise: dict[Name, dict[str, Number]] = Field(
        default_factory=dict, description="added to a constant over time: {months after the round begins: rise}"
    )


class Outcome(Data):
    """One of the outcomes that are compared, none of which is added to another."""

    kind: Literal["risk", "sum"]
    of: tuple[Name, ...] = ()
    better: Literal["low", "high"]
    scale: float = 1
    unit: Words
    title: Words


class Workshop(Data):
    """A whole workshop, with the constants and series of its country in the model's units."""

    name: Annotated[str, Field(pattern=r"^[\w\-./]{1,200}$")]
    title: Words
    question: Words
    story: Words
    constants: dict[Name, Number]
    series: dict[Name, dict[str, Number]] = Field(default_factory=dict)
    why: dict[Name, str] = Field(default_factory=dict)
    sketch: Sketch
    rounds: dict[Key, Round] = Field(min_length=1, max_length=4)
    roles: dict[Key, Role] = Field(min_length=1, max_length=6)
    levers: dict[Key, Lever] = Field(min_length=1, max_length=60)
    news: dict[Key, News] = Field(default_factory=dict, max_length=12)
    outcomes: dict[Key, Outcome] = Field(min_length=3, max_length=8)
    watch: dict[Name, Words] = Field(default_factory=dict, max_length=6)

    @field_validator("series")
    @classmethod
    def _times_are_numbers(cls, series: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for points in series.values():
            for time in points:
                float(time)
        return series

    @property
    def order(self) -> tuple[str, ...]:
        """The rounds, in order."""
        return tuple(self.rounds)

    def levers_of(self, round_name: str, role: str | None = None) -> dict[str, Lever]:
        """Return the decisions of a round, of one role or all."""
        return {
            name: lever
            for name, lever in self.levers.items()
            if lever.round == round_name and role in (None, lever.role)
        }

    def defaults(self, round_name: str) -> dict[str, int]:
        """Return the choices of a round where nothing is changed."""
        return {name: lever.default for name, lever in self.levers_of(round_name).items()}

    def moved(self, choices: Mapping[str, int]) -> dict[str, int]:
        """Return those of some choices that are not as planned."""
        return {name: choice for name, choice in choices.items() if choice != self.levers[name].default}

    def mistakes(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield where the parts do not fit each other, as place and what is wrong."""
        months = [each.month for each in self.rounds.values()]
        if months != sorted(set(months)):
            yield ("rounds",), f"months must rise from round to round; they are {months}"
        for name, each in self.rounds.items():
            if each.drawn_by not in self.roles:
                yield ("rounds", name, "drawn_by"), f"'{each.drawn_by}' is no role; allowed: {', '.join(self.roles)}"
        for name, lever in self.levers.items():
            yield from self._lever_mistakes(name, lever)
        for name, news in self.news.items():
            for place in news.rounds:
                if place not in self.rounds:
                    yield ("news", name, "rounds"), f"'{place}' is no round; allowed: {', '.join(self.rounds)}"
        for name, outcome in self.outcomes.items():
            if (outcome.kind == "sum") != bool(outcome.of):
                yield ("outcomes", name), "'of' names what is added up, and only for kind 'sum'"
        for role, size in self._default_prices().items():
            if size > self.roles[role].purse.size:
                yield (
                    ("roles", role, "purse"),
                    f"changing nothing costs {size}, more than {self.roles[role].purse.size}",
                )

    def _lever_mistakes(self, name: str, lever: Lever) -> Iterator[tuple[tuple[str, ...], str]]:
        if lever.round not in self.rounds:
            yield ("levers", name, "round"), f"'{lever.round}' is no round; allowed: {', '.join(self.rounds)}"
        if lever.role not in self.roles:
            yield ("levers", name, "role"), f"'{lever.role}' is no role; allowed: {', '.join(self.roles)}"
        if lever.default >= len(lever.choices):
            yield ("levers", name, "default"), f"{lever.default}; allowed: 0 to {len(lever.choices) - 1}"
        for number, choice in enumerate(lever.choices):
            if (choice.value is None) == (not choice.set):
                yield ("levers", name, "choices"), f"choice {number} needs a value or what it sets"
            if choice.value is not None and lever.constant is None:
                yield ("levers", name, "constant"), "is missing, though choices give values"
            if choice.label is None and lever.label is None:
                yield ("levers", name, "label"), f"choice {number} has no label"

    def _default_prices(self) -> dict[str, int]:
        total = dict.fromkeys(self.roles, 0)
        for lever in self.levers.values():
            if lever.role in total and lever.default < len(lever.choices):
                total[lever.role] += lever.choices[lever.default].price
        return total


def number_text(value: float, language: str) -> str:
    """Return a number as a language writes it, with the digits 0 to 9 in all of them, so that codes are read alike."""
    return _marked_as(f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}", language)


def _marked_as(text: str, language: str) -> str:
    """Return an English number with the marks of another language for thousands and decimals."""
    return text.replace(",", "\u202f").replace(".", ",") if language == "fr" else text


def decimals_for(values: Iterable[float]) -> int:
    """Return how many decimals numbers that stand together get: three figures of the largest, two decimals at most."""
    most = max((abs(value) for value in values), default=0.0)
    return 0 if most >= 99.95 else 1 if most >= 9.995 else 2


def fixed_text(value: float, decimals: int, language: str, signed: bool = False) -> str:
    """Return a number with so many decimals, a real minus and, if asked for, a plus; a zero has no sign."""
    rounded = Decimal(abs(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)  # as browsers round
    text = f"{rounded:,.{decimals}f}"
    sign = "" if not text.strip("0.,") else "\u2212" if value < 0 else "+" if signed else ""
    return sign + _marked_as(text, language)
