"""What is printed or saved: guide, role cards, decision sheets, the sheet for native speakers, the debrief's pages.

Every page is one file that asks for nothing else. All text is escaped by the template; data stands in the page as JSON.
"""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from transition_sim.web.bundle import data_text, shared
from transition_sim.workshop.debrief import debrief
from transition_sim.workshop.form import Round, Words, Workshop, decimals_for, fixed_text, number_text
from transition_sim.workshop.language import DIRECTION, say, words
from transition_sim.workshop.pages import one_script, setup_of, static_file, talk_minutes
from transition_sim.workshop.plans import holds_assumed, news_until
from transition_sim.workshop.runs import Runner
from transition_sim.workshop.session import Session, Team, all_choices, choices_of, committed_points

PARTS = ("guide", "cards", "sheets", "review")
CATALOGUES = ("words.yaml", "guide.yaml", "drivers.yaml")
QUESTIONS = tuple(f"question_{i}" for i in range(1, 7))
ENDS = ("p10", "median", "p90")
LETTERS = "ABCDEFGHIJKL"
PORT, LOG = "8642", "session.jsonl"
WHOLE = re.compile(r"(?<![\w-])(?:--\w+(?: \w+\.jsonl)?|\.venv[/\\][\w/\\]*|\w+\.(?:jsonl|html))")
"""Options, paths and names of files in a text: they are read from left to right, and no line breaks inside them."""
WELCOME, ROLES, LENGTH = 8, 7, 90
_TOGETHER = re.compile(r"--\w+ [^\s-]\S*|\S+")
_WORD = Markup('<bdi class="word" dir="ltr">{}</bdi>')


def print_pages(session: Session, language: str, port: str = PORT, log: str = LOG) -> str:
    """Return guide, role cards and decision sheets of a session at a port, with a log, as one page to print."""
    return print_page(session.workshop, session.setup.teams, language, PARTS[:3], session.setup.worlds, port, log)


def print_page(
    workshop: Workshop, teams: int, language: str, parts: Sequence[str], worlds: int = 1000,
    port: str = PORT, log: str = LOG,
) -> str:  # fmt: skip
    """Return some parts of what is printed for a workshop, as one HTML page."""
    told, word = _voices(language)

    def numbered(stem: str, **values: Any) -> list[Markup]:
        return [kept_whole(told(key, **values)) for key in words("guide.yaml") if re.fullmatch(rf"{stem}_\d+", key)]

    def round_titles(names: Sequence[str]) -> str:
        return ", ".join(workshop.rounds[name].title.in_(language) for name in names)

    return _template("print.html.j2").render(
        title=", ".join(told(part) for part in parts), numbered=numbered,
        w=workshop, teams=teams, language=language, direction=DIRECTION[language], parts=parts, worlds=worlds,
        port=port, say=told, word=word, whole=kept_whole, commands=_commands(workshop, teams, language, port, log),
        letters=LETTERS, run_sheet=_run_sheet(workshop, language), grid=_grid(workshop),
        month=lambda each: _month(each, language), later=lambda name, role: _later(workshop, name, role),
        talk=talk_minutes(workshop), steps=_steps(workshop),
        years=", ".join(map(str, workshop.sketch.years)), round_titles=round_titles,
        texts=list(all_texts(workshop)), style=Markup(_style()),  # noqa: S704 - files of our own
    )  # fmt: skip


def kept_whole(text: str) -> Markup:
    """Return a text as markup in which options, paths and names of files are never broken or turned round."""
    marked, at = Markup(""), 0
    for found in WHOLE.finditer(text):
        marked += escape(text[at : found.start()]) + _WORD.format(found.group())
        at = found.end()
    return marked + escape(text[at:])


def _commands(workshop: Workshop, teams: int, language: str, port: str, log: str) -> list[Markup]:
    """Return the guide's numbered command lines: a line may break between its words, and nowhere else."""
    program, kept = ".venv/bin/transition-sim workshop", shlex.quote(log)
    given = f"{shlex.quote(workshop.name)} --teams {teams} --language {language}"
    lines = [
        'python3 -m venv .venv\n.venv/bin/python -m pip install ".[workshop]"',
        f"{program} start --scenario {given} --lan",
        f"{program} start --log {kept} --port {port} --lan",
        f"{program} debrief {kept} --out debrief",
        f"{program} replay {kept}",
        f"{program} print {given} --out printed",
    ]
    return [
        Markup("<br>").join(
            Markup(" ").join(_WORD.format(word) for word in _TOGETHER.findall(part)) for part in line.split("\n")
        )
        for line in lines
    ]


def print_results(
    session: Session, name: str, results: Mapping[str, Any], found: Mapping[str, Any], language: str
) -> str:
    """Return what a round gave as one page to print or to read out: a slip for each team, then all side by side.

    `found` is how the teams stand, of `scoring.standing`.
    """
    workshop = session.workshop
    told, word = _voices(language)
    slips = [_slip(session, team, name, results[str(team.number)], language) for team in session.teams]

    def spread(
        each: Mapping[str, float], beside: Sequence[Mapping[str, float]], signed: bool = False
    ) -> dict[str, str]:
        digits = decimals_for(other[key] for other in beside for key in ENDS)
        return {key: fixed_text(each[key], digits, language, signed) for key in ENDS}

    def mark(outcome: str, team: int) -> str:
        if str(team) in found["best"][outcome]:
            return word("best_here")
        others = found["level"][outcome].get(str(team), [])
        teams = ", ".join(word("team_number", team=other) for other in others)
        return word("as_good_as", teams=teams) if others else ""

    return _template("results.html.j2").render(
        w=workshop, language=language, direction=DIRECTION[language], say=told, word=word, slips=slips,
        spread=spread, mark=mark,
        sides=lambda outcome: [slip["result"]["outcomes"][outcome] for slip in slips],
        title=word("round_number", round=workshop.order.index(name) + 1, rounds=len(workshop.rounds),
                   title=workshop.rounds[name].title.in_(language)),
        worlds=number_text(session.setup.worlds, language),
        news=[workshop.news[each] for _, each in news_until(session, workshop.order.index(name))],
        style=Markup(_style()),  # noqa: S704 - files of our own
    )  # fmt: skip


def _slip(session: Session, team: Team, name: str, result: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return what the slip of a team says: decisions that are not as planned, risk by year, a sentence to read out."""
    workshop, points = session.workshop, committed_points(team, name)
    told, _ = _voices(language)
    years = workshop.sketch.years
    base = [result["base_risk"][result["time"].index(12.0 * year)] * 100 for year in years]

    def short(value: float) -> str:
        return fixed_text(value, 1, language)

    last = result["risk"][-1]
    ends = {"low": short(last["p10"]), "high": short(last["p90"]), "middle": short(last["median"])}
    aloud = told("read_out", year=years[-1], base=short(base[-1]), **ends)
    drawn = told("read_out_drawn", drawn=points[-1]) if points else told("read_out_none")
    choices = all_choices(workshop, team, workshop.order.index(name))
    decided = [
        f"{workshop.levers[key].title.in_(language)}: {workshop.levers[key].label_of(choice, language)}"
        for key, choice in workshop.moved(choices_of(workshop, team, name)).items()
    ]
    return {
        "team": team.number, "aloud": f"{aloud} {drawn}", "decided": decided, "points": points, "result": result,
        "assumed": holds_assumed(workshop, choices), "base": [short(value) for value in base],
        "risk": [{key: short(value) for key, value in each.items()} for each in result["risk"]],
    }  # fmt: skip


def _voices(language: str) -> tuple[Callable[..., str], Callable[..., str]]:
    """Return what says texts of the guide, and what says those of the pages, in one language.

    What a template fills in is markup already; it is filled in plain, and escaped once with the whole text.
    """

    def plain(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value.unescape() if isinstance(value, Markup) else value for name, value in values.items()}

    def told(key: str, **values: Any) -> str:
        return say(key, language, file="guide.yaml", **plain(values))

    def word(key: str, **values: Any) -> str:
        return say(key, language, **plain(values))

    return told, word


def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("transition_sim.workshop", "page"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(name)


def debrief_files(runner: Runner, session: Session, language: str) -> dict[str, str]:
    """Return the debrief as pages by file name: `index.html` with all teams, `team-N.html` for each."""
    found = debrief(runner, session)
    names = {"index.html": 0} | {f"team-{number}.html": int(number) for number in found["teams"]}
    links = {name: name for name in names}
    return {name: debrief_page(session, found, language, team, links) for name, team in names.items()}


def debrief_page(session: Session, found: Mapping[str, Any], language: str, team: int, links: Mapping[str, str]) -> str:
    """Return a page of a debrief: of one team, or of all with 0; `links` says where the others are, by file name."""
    own = {**found, "teams": {str(team): found["teams"][str(team)]}} if team else found
    setup = setup_of(session.workshop, language) | {
        "drivers": words("drivers.yaml"),
        "questions": [words("guide.yaml")[key] for key in ("questions", *QUESTIONS)],
        "news": {name: session.workshop.news[name].model_dump(include={"title", "text"}) for _, name in session.news},
        "links": dict(links),
        "debrief": own,
        "team": str(team) if team else None,
    }
    title = html.escape(f"{say('debrief', language)}: {session.workshop.title.in_(language)}")
    return (
        f'<!doctype html><html lang="{language}" dir="{DIRECTION[language]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{_style()}</style></head>"
        '<body class="ts debrief"><main id="main"></main>'
        f'<script type="application/json" id="setup">{data_text(setup)}</script>'
        f"<script>{one_script('debrief.js')}</script></body></html>"
    )


def _style() -> str:
    return "\n".join((shared("style.css"), static_file("workshop.css"), static_file("print.css")))


def _run_sheet(workshop: Workshop, language: str) -> list[dict[str, Any]]:
    """Return what happens minute by minute; the debrief has what the rounds leave of ninety minutes."""
    lengths = [WELCOME, ROLES, *(each.minutes for each in workshop.rounds.values())]
    keys = ["run_welcome", "run_roles"]
    rows = [(say(key, language, file="guide.yaml"), say(f"{key}_do", language, file="guide.yaml")) for key in keys]
    for number, each in enumerate(workshop.rounds.values(), 1):
        title = say("round_number", language, round=number, rounds=len(workshop.rounds), title=each.title.in_(language))
        rows.append((title, say("run_round_do", language, file="guide.yaml")))
    rows.append((say("run_debrief", language, file="guide.yaml"), say("run_debrief_do", language, file="guide.yaml")))
    lengths.append(max(LENGTH - sum(lengths), 10))
    found, start = [], 0
    for (what, do), length in zip(rows, lengths, strict=True):
        found.append({"start": start, "end": start + length, "what": what, "do": do})
        start += length
    return found


def _month(each: Round, language: str) -> str:
    if each.month < 0:
        return say("now_before", language, month=f"{-each.month:g}")
    return say("now_month", language, month=f"{each.month:g}")


def _later(workshop: Workshop, round_name: str, role: str) -> int:
    """Return what the defaults of later rounds cost a role."""
    later = workshop.order[workshop.order.index(round_name) + 1 :]
    levers = [lever for name in later for lever in workshop.levers_of(name, role).values()]
    return sum(lever.choices[lever.default].price for lever in levers)


def _steps(workshop: Workshop) -> str:
    """Return the numbers that a point of a sketch can have, such as 0, 2, 4 … 60."""
    step, most = workshop.sketch.step, workshop.sketch.most
    return f"{0}, {step}, {2 * step} … {most}"


def _grid(workshop: Workshop) -> Markup:
    """Return an empty grid to draw a sketch on: years across, per cent up, as an SVG of plain numbers."""
    left, bottom, width, height = 34, 190, 420, 176
    last, most = workshop.sketch.years[-1], workshop.sketch.most
    lines, texts = [], []
    for value in range(0, most + 1, 10):
        y = bottom - height * value / most
        lines.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        texts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" direction="ltr">{value}</text>')
    for year in (0, *workshop.sketch.years):
        x = left + width * year / last
        lines.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom - height}" y2="{bottom}"/>')
        texts.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{year}</text>')
    return Markup(  # noqa: S704 - numbers alone
        f'<svg class="grid-lines" viewBox="0 0 470 212" role="img" aria-label="0-{last}, 0-{most}">'
        f"{''.join(lines)}{''.join(texts)}</svg>"
    )


def all_texts(workshop: Workshop) -> Iterator[tuple[str, str, str, str]]:
    """Yield every text in three languages with where it stands: the workshop's own, then the catalogues'."""
    yield from _texts_in(workshop, workshop.name)
    for file in CATALOGUES:
        for key, texts in words(file).items():
            yield f"{file.removesuffix('.yaml')}: {key}", texts["en"], texts["fr"], texts["ar"]


def _texts_in(value: Any, place: str) -> Iterator[tuple[str, str, str, str]]:
    if isinstance(value, Words):
        yield place, value.en, value.fr, value.ar
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts_in(each, f"{place}: {key}")
    elif isinstance(value, tuple):
        for number, each in enumerate(value, 1):
            yield from _texts_in(each, f"{place} {number}")
    elif hasattr(type(value), "model_fields"):
        for key in type(value).model_fields:
            yield from _texts_in(getattr(value, key), f"{place}: {key}" if place else key)
