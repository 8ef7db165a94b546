"""The three pages of a session and their files: built from the workshop and the catalogue, with no outside request."""

from __future__ import annotations

import html
from functools import lru_cache
from pathlib import Path
from typing import Any

from transition_sim import lab
from transition_sim.web.bundle import bundle, data_text, shared
from transition_sim.workshop.codes import tables_of
from transition_sim.workshop.form import LANGUAGES, Workshop
from transition_sim.workshop.language import DIRECTION, NAMES, say, words
from transition_sim.workshop.session import Session
from transition_sim.workshop.views import public_workshop

CODEC = "codec.js"
"""Codes are written on these pages as on the offline page."""
SHARED = ("charts.js", "elements.js", "panels.js", "voice.js", "style.css")
OWN = (
    "kit.js",
    "line.js",
    "code.js",
    "show.js",
    "sketch.js",
    "paper.js",
    "team.js",
    "facilitator.js",
    "projector.js",
    "debrief.js",
    "print.css",
    "workshop.css",
)
STATIC = {name: "text/css" if name.endswith(".css") else "text/javascript" for name in (*SHARED, CODEC, *OWN)}
AROUND_TALK = 2 + 6
"""Minutes of a round that are not the teams' own: reading out before, talk after."""
_FOLDER = Path(__file__).parent / "page"


@lru_cache(maxsize=32)
def static_file(name: str) -> str:
    """Return a file that the pages load."""
    if name == CODEC:
        return Path(lab.__file__).with_name(name).read_text(encoding="utf-8")
    return shared(name) if name in SHARED else (_FOLDER / name).read_text(encoding="utf-8")


def one_script(entry: str) -> str:
    """Return a page's script and all it imports as one, for pages that are opened as files."""
    return bundle({name: static_file(name) for name in STATIC if name.endswith(".js")}, entry)


def page(name: str, session: Session, language: str, address: str = "") -> str:
    """Return one of the three pages: `team`, `facilitator`, `projector`."""
    workshop = session.workshop
    first = language if language in LANGUAGES else session.setup.language
    setup = setup_of(workshop, first) | {"address": address}
    body = (
        '<main id="main"></main><noscript>JavaScript</noscript>'
        f'<script type="application/json" id="setup">{data_text(setup)}</script>'
        f'<script type="module" src="/static/{name}.js"></script>'
    )
    return _document(session, first, "ts screen" if name == "projector" else "ts", body)


def message_page(key: str, session: Session, language: str) -> str:
    """Return a page that says one thing, for who opened an address that has nothing to show."""
    title, told = html.escape(session.workshop.title.in_(language)), html.escape(say(key, language))
    return _document(session, language, "ts", f'<main id="main"><h1>{title}</h1><p class="card">{told}</p></main>')


def _document(session: Session, language: str, classes: str, body: str) -> str:
    """Return a page of the session: its title and styles around a body, which is markup already."""
    return (
        f'<!doctype html><html lang="{language}" dir="{DIRECTION[language]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(session.workshop.title.in_(language))}</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/style.css">'
        '<link rel="stylesheet" href="/static/workshop.css"></head>'
        f'<body class="{classes}">{body}</body></html>'
    )


def setup_of(workshop: Workshop, language: str) -> dict[str, Any]:
    """Return what a page must know before it hears from the server."""
    return {
        "language": language,
        "languages": NAMES,
        "words": words(),
        "workshop": public_workshop(workshop),
        "codes": tables_of(workshop),
        "talk": talk_minutes(workshop),
    }


def talk_minutes(workshop: Workshop) -> int:
    """Return the minutes of a round that are the teams' own."""
    return max(max(each.minutes for each in workshop.rounds.values()) - AROUND_TALK, 1)
