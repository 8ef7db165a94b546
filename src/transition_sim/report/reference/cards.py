"""The variables of a model as the reference page shows them: one card for each name, in sectors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transition_sim.model.equations import Kind, Model, Table, Variable
from transition_sim.model.mathml import Notation, equations_mathml, spoken_name, tables_of
from transition_sim.model.printing import equation_text
from transition_sim.model.relations import common_form, elements, helpers, users, uses
from transition_sim.report.reference.gather import Courses, Judged, Missing, Reference
from transition_sim.report.reference.plots import course, range_bar, table_plot
from transition_sim.study.outcomes import quantiles
from transition_sim.study.worlds import Uncertainty

Floats = NDArray[np.float64]
MOST_HELPERS = 6
MOST_POINTS = 40
LONG = 28
"""Letters above which an equation may be wider than a telephone."""
_MARK = re.compile(r"\b(Source|Assumption|Definition)s?:")
_KINDS = {Kind.STOCK: "stock", Kind.AUXILIARY: "computed", Kind.CONSTANT: "constant", Kind.INITIAL: "held from start"}
_ROLES = {"uncertainty": "sampled", "lever": "set by scenarios", "fixed": "held fixed"}


@dataclass(frozen=True)
class Link:
    """A name and the address on the page of what it means."""

    text: str
    href: str


@dataclass(frozen=True)
class Shown:
    """One equation as MathML, and whether it may need to be scrolled."""

    mathml: str
    long: bool


@dataclass(frozen=True)
class Points:
    """A table of a lookup: its name, how it is read, its plot, its points as text, how many are left out."""

    name: str
    mode: str
    svg: str
    points: Sequence[tuple[str, str]]
    left_out: int


@dataclass(frozen=True)
class Range:
    """What is uncertain about a constant in words, and as a bar where it has a range."""

    role: str
    words: str
    reason: str
    kept: str
    svg: str


@dataclass(frozen=True)
class Course:
    """A variable's course: a small picture, and in words where it begins and ends."""

    name: str
    svg: str
    words: str


@dataclass(frozen=True)
class Card:
    """Everything the page says about one name; `helpers` are the stocks that SMOOTH and the like stand for."""

    name: str
    ident: str
    kind: str
    unit: str
    marks: Sequence[str]
    documentation: str
    limits: str
    line: int
    equations: Sequence[Shown]
    over: str
    tables: Sequence[Points]
    helpers: Sequence[Shown]
    helpers_left_out: int
    ranges: Sequence[Range]
    courses: Sequence[Course]
    uses: Sequence[Link]
    users: Sequence[Link]


@dataclass(frozen=True)
class Sector:
    """One group of the file with its cards, those that move first, constants after."""

    name: str
    ident: str
    says: str
    moving: Sequence[Card]
    constants: Sequence[Card]
    picture: bytes | None = None
    missing: str = ""

    @property
    def count(self) -> int:
        """The number of names in it."""
        return len(self.moving) + len(self.constants)


@dataclass
class Addresses:
    """Gives every name an address of letters, digits and dashes; no two are the same."""

    taken: set[str] = field(default_factory=set)

    def new(self, kind: str, name: str) -> str:
        """Return an address for a name, and note that it is taken."""
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        wanted = f"{kind}-{re.sub(r'[^a-z0-9]+', '-', plain.lower()).strip('-') or 'name'}"
        found, number = wanted, 1
        while found in self.taken:
            number += 1
            found = f"{wanted}-{number}"
        self.taken.add(found)
        return found


def sectors_of(told: Reference) -> list[Sector]:
    """Return the sectors of a model in file order, those in which nothing moves last."""
    addresses = Addresses()
    own = elements(told.model)
    idents = {base: addresses.new("v", base) for base in own}
    used = uses(told.model)
    used_by = users(used)
    groups: dict[str, list[Card]] = {}
    for base, variables in own.items():
        card = _card(told, variables, idents, used[base], used_by[base])
        groups.setdefault(variables[0].group, []).append(card)
    made = [_sector(told, name, cards, addresses) for name, cards in groups.items()]
    return sorted(made, key=lambda sector: not sector.moving)


def _sector(told: Reference, name: str, cards: Sequence[Card], addresses: Addresses) -> Sector:
    constants = [card for card in cards if card.kind == _KINDS[Kind.CONSTANT]]
    moving = [card for card in cards if card.kind != _KINDS[Kind.CONSTANT]]
    moving.sort(key=lambda card: card.kind != _KINDS[Kind.STOCK])
    picture, missing = None, ""
    if isinstance(told.drawn, Missing):
        missing = told.drawn.why
    elif moving:
        picture = told.drawn.get(name)
        missing = "" if picture else "this sector could not be drawn"
    says = told.model.groups.get(name, "")
    return Sector(name or "Model", addresses.new("s", name or "model"), says, moving, constants, picture, missing)


def _card(
    told: Reference, own: Sequence[Variable], idents: Mapping[str, str], used: Sequence[str], used_by: Sequence[str]
) -> Card:
    first = next((variable for variable in own if variable.kind is not Kind.CONSTANT), own[0])
    hidden = helpers(told.model, own)
    tables = list(dict.fromkeys(pair for variable in (*own, *hidden) for pair in tables_of(variable)))
    names = _table_names(told.model, [table for table, _ in tables])
    notation = Notation(lambda name: address(name, idents)[1:], names)
    common = common_form(told.model, own)
    shown = [common[0]] if common else list(own)
    texts = dict.fromkeys(variable.documentation for variable in own if variable.documentation)
    return Card(
        first.base,
        idents[first.base],
        _KINDS[first.kind],
        first.unit,
        marks(" ".join(texts)),
        " ".join(texts),
        _limits(first),
        first.line,
        [Shown(text, _long(variable)) for variable in shown for text in equations_mathml(variable, notation)],
        f"{common[1]}: {', '.join(told.model.subscripts[common[1]])}" if common else "",
        [_points(table, mode, names[table]) for table, mode in tables],
        [Shown(t, _long(v)) for v in hidden[:MOST_HELPERS] for t in equations_mathml(v, notation)],
        max(len(hidden) - MOST_HELPERS, 0),
        _ranges(told, own),
        _courses(told.courses, own),
        [Link(name, f"#{idents[name]}") for name in used],
        [Link(name, f"#{idents[name]}") for name in used_by],
    )


def address(name: str, idents: Mapping[str, str]) -> str:
    """Return where a variable stands on the page; a hidden one stands with the variable it helps."""
    base = name.removeprefix("#").split(">")[0].split("[")[0]
    return f"#{idents[base]}" if base in idents else ""


def marks(documentation: str) -> list[str]:
    """Return what a documentation says it rests on: Source, Assumption, Definition, and whether it is unchecked."""
    found = list(dict.fromkeys(_MARK.findall(documentation)))
    return [*found, "unchecked"] if "unchecked)" in documentation else found


def _long(variable: Variable) -> bool:
    return len(equation_text(variable)) > LONG


def _limits(variable: Variable) -> str:
    low, high = variable.limits
    if low is None and high is None:
        return ""
    return f"{'any' if low is None else number(low)} to {'any' if high is None else number(high)}"


def number(value: float) -> str:
    """Return a number in at most four digits, thousands apart."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _table_names(model: Model, tables: Sequence[Table]) -> dict[Table, str]:
    """Return a name for each table: the file's own, or its number in the card."""
    own = {table: name for name, table in model.lookups.items()}
    inline = [table for table in dict.fromkeys(tables) if table not in own]
    return {table: own.get(table, f"table {inline.index(table) + 1}" if table in inline else "") for table in tables}


def _points(table: Table, mode: str, name: str) -> Points:
    told = {"extrapolate": "goes on beyond its ends", "forward": "takes the next point", "backward":
            "takes the last point", "interpolate": "linear between points, flat beyond its ends"}[mode]  # fmt: skip
    pairs = [(f"{x:g}", f"{y:g}") for x, y in zip(table.x, table.y, strict=True)]
    return Points(name, told, table_plot(table, mode), pairs[:MOST_POINTS], max(len(pairs) - MOST_POINTS, 0))


def _ranges(told: Reference, own: Sequence[Variable]) -> list[Range]:
    if isinstance(told.ranges, Missing):
        return []
    found = [(v, told.ranges[v.name]) for v in own if v.name in told.ranges]
    return [_range(variable, given, told.judged) for variable, given in found]


def _range(variable: Variable, given: Uncertainty, judged: Judged | Missing) -> Range:
    role = _ROLES[given.role]
    reason = f"Source: {given.source}." if given.source else f"Assumption: {given.assumption}."
    if given.low is None or given.high is None:
        return Range(role, "", reason, "", "")
    words = f"{number(given.low)} to {number(given.high)}"
    words += f" ({given.distribution})" if given.role == "uncertainty" else " would be plausible"
    kept = {}
    if given.role == "uncertainty" and not isinstance(judged, Missing):
        kept = {each.name: quantiles(each.columns[variable.name]) for each in judged.worlds}
    told = "; ".join(f"{name} {short(q['p10'])} to {short(q['p90'])}" for name, q in kept.items())
    first = next(iter(kept.values()), None)
    inner = (first["p10"], first["p90"]) if first else None
    svg = range_bar(given.low, given.high, variable.value, inner, given.distribution == "loguniform")
    return Range(role, words, reason, told, svg)


def _courses(courses: Courses | Missing, own: Sequence[Variable]) -> list[Course]:
    if isinstance(courses, Missing):
        return []
    found = []
    for variable in own:
        values = courses.values.get(variable.name)
        if values is not None:
            found.append(Course(spoken_name(variable.name), course(values), _course_words(values)))
    return found


def _course_words(values: Floats) -> str:
    """Say where a course begins and ends, and how high it stood between, with the range of its end."""
    middle = values[len(values) // 2]
    least = 1e-9 * float(np.abs(values).max())
    first, top, last = (float(v) if abs(v) > least else 0.0 for v in (middle[0], middle.max(), middle[-1]))
    if np.ptp(values) <= least:
        return f"{short(first)} throughout"
    words = f"{short(first)} at the start"
    words += f", {short(top)} at its highest" if top > max(first, last) else ""
    words += f", {short(last)} at the end"
    low, high = (float(v) if abs(v) > least else 0.0 for v in (values[0, -1], values[-1, -1]))
    return words + (f" ({short(low)} to {short(high)})" if short(low) != short(high) else "")


def short(value: float) -> str:
    """Return a number in three digits."""
    return number(value) if abs(value) >= 1000 else f"{value:.3g}"
