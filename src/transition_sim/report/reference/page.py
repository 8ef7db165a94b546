"""The reference as one HTML file: style, script and pictures inside, nothing fetched, no text of a model as markup.

The page's own policy forbids every request and every script and style but its own, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

from transition_sim import __version__, figures
from transition_sim.model.insight import Loops
from transition_sim.model.printing import content_hash
from transition_sim.report.reference import cards, parts
from transition_sim.report.reference.gather import Courses, Missing, Reference
from transition_sim.study.kept import weaknesses

HERE = Path(__file__).parent
NARROW, WIDE = 90.0, 170.0
"""Widths of figures in millimetres: for a telephone, and for a page."""


def reference_page(told: Reference) -> str:
    """Return the reference of a model as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    room = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True)  # fmt: skip
    room.filters["marked_up"] = parts.marked_up
    room.filters["number"] = cards.number
    style, script = ((HERE / f"reference.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    page = room.get_template("reference.html.j2")
    return page.render(**_content(told), style=style, script=script, policy=_policy(style, script))


def _policy(style: str, script: str) -> str:
    """Return the page's content security policy: its own style and script by their hashes, pictures inside, no more."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _content(told: Reference) -> dict[str, Any]:
    sectors = cards.sectors_of(told)
    every = [card for sector in sectors for card in (*sector.moving, *sector.constants)]
    idents = {card.name: card.ident for card in every}
    weak = [*parts.GENERAL_LIMITS, *(weaknesses() if not isinstance(told.ranges, Missing) else ())]
    counts: dict[str, int] = {}
    for card in every:
        counts[card.kind] = counts.get(card.kind, 0) + 1
    return {
        "model": told.model,
        "version": __version__,
        "equations_hash": content_hash(told.model)[:12],
        "sectors": sectors,
        "pictures": {sector.ident: _picture(sector.picture) for sector in sectors if sector.picture},
        "counts": counts,
        "total": len(every),
        "courses": told.courses if isinstance(told.courses, Courses) else None,
        "why_no_courses": told.courses.why if isinstance(told.courses, Missing) else "",
        "functions": _functions(every),
        "weaknesses": weak,
        "caution": weak[len(parts.GENERAL_LIMITS)] if len(weak) > len(parts.GENERAL_LIMITS) else "",
        **_loops(told, idents),
        **_evidence(told),
        **_findings(told),
    }


def _loops(told: Reference, idents: dict[str, str]) -> dict[str, Any]:
    if isinstance(told.loops, Missing):
        return {"loops": None, "why_no_loops": told.loops.why}
    found: Loops = told.loops
    phases = parts.phases_of(found, told.model, idents)
    if not any(phase.loops for phase in phases):
        return {"loops": None, "why_no_loops": "It has no loop that passes two stocks or more."}
    wide, narrow = (_figure(figures.loops_figure(found, told.model, width=width)) for width in (WIDE, NARROW))
    return {"loops": phases, "loops_wide": wide, "loops_narrow": narrow, "searched": parts.searched(found)}


def _evidence(told: Reference) -> dict[str, Any]:
    if isinstance(told.judged, Missing):
        return {"targets": None, "why_no_evidence": told.judged.why}
    return {
        "targets": parts.targets_of(told.judged),
        "sources": parts.sources_of(told.judged),
        "worlds": parts.worlds_told(told.judged),
    }


def _findings(told: Reference) -> dict[str, Any]:
    if isinstance(told.findings, Missing):
        return {"findings": None, "why_no_findings": told.findings.why}
    return {"findings": told.findings}


_MEANINGS = {
    "STEP": "STEP(height, moment): 0 before a moment, the height from then on",
    "RAMP": "RAMP(slope, start, end): 0 until the start, rises with the slope, stays level after the end",
    "PULSE": "PULSE(start, length): 1 from the start for so long, else 0",
    "PULSE TRAIN": "PULSE TRAIN(start, length, repeat, end): a PULSE that comes again until the end",
    "ZIDZ": "ZIDZ(a, b): a divided by b, and 0 where b is 0",
    "XIDZ": "XIDZ(a, b, x): a divided by b, and x where b is 0",
    "INTEGER": "INTEGER(x): x without what stands behind the point",
    "QUANTUM": "QUANTUM(a, b): the whole multiple of b below a",
    "MODULO": "MODULO(a, b): what is left of a when b is taken away as often as can be",
    "RANDOM": "RANDOM ...: drawn by chance; its least and largest value come first, the number of its stream last",
}


def _functions(every: list[cards.Card]) -> list[str]:
    """Return what the functions mean that a reader may not know, those alone that the model uses."""
    text = " ".join(shown.mathml for card in every for shown in (*card.equations, *card.helpers))
    called = set(re.findall(r'<mi class="f">([A-Z0-9 ]+)</mi>', text))
    return [words for name, words in _MEANINGS.items() if name in called or any(c.startswith(f"{name} ") for c in called
                                                                               if name == "RANDOM")]  # fmt: skip


def _figure(figure: Any) -> dict[str, Any]:
    """Return a figure as the address of an SVG picture inside the page, with its size in pixels."""
    buffer = io.BytesIO()
    with figures.style():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    wide, high = (round(96 * inches) for inches in figure.get_size_inches())
    return {"address": _inside(buffer.getvalue()), "wide": wide, "high": high}


def _picture(svg: bytes) -> dict[str, Any]:
    """Return a stock-and-flow picture with the size that its view box gives."""
    box = re.search(rb'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', svg)
    wide, high = (round(float(part)) for part in box.groups()) if box else (800, 600)
    return {"address": _inside(svg), "wide": wide, "high": high}


def _inside(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
