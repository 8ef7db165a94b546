"""A report as one self-contained HTML page: no script, no request to anywhere, every text escaped.

The only importer of jinja2. Figures stand in the page as SVG, each with identifiers of its own and a name and a
description for screen readers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from transition_sim.report.document import Cell, Document, Figure, shown

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_DOI = re.compile(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_HERE = Path(__file__).parent


def page(document: Document) -> str:
    """Return a report as the text of an HTML file; the same tree gives the same bytes."""
    tables, figures = _numbers(document)
    css = Markup((_HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    template = _environment().get_template("page.html.j2")
    return template.render(document=document, numbers={**tables, **figures}, css=css)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {"shown": shown, "doi": doi_link, "inline": inline, "printable": printable}
    found.tests |= {"text": _is_text}
    found.globals |= {"kind": lambda block: type(block).__name__}
    return found


def _is_text(cell: Cell) -> bool:
    return isinstance(cell, str)


def _numbers(document: Document) -> tuple[dict[str, int], dict[str, int]]:
    """Number the tables that stand in the text, and the figures, in reading order."""
    figures = [block for block in document.walk() if isinstance(block, Figure)]
    folded = {figure.table.id for figure in figures if not figure.open}
    tables = [table for table in document.tables if table.id not in folded]
    return {table.id: i for i, table in enumerate(tables, 1)}, {figure.id: i for i, figure in enumerate(figures, 1)}


def printable(text: str) -> str:
    """Return text without what a page cannot carry: control characters, and halves of surrogate pairs."""
    return "".join(letter if letter in "\n\t" or _allowed(ord(letter)) else "\ufffd" for letter in text)


def _allowed(point: int) -> bool:
    bidi = 0x202A <= point <= 0x202E or 0x2066 <= point <= 0x2069
    control = point < 0x20 or 0x7F <= point < 0xA0
    return not (control or bidi or 0xD800 <= point <= 0xDFFF or point & 0xFFFE == 0xFFFE)


def doi_link(doi: str | None) -> str | None:
    """Return the address of a DOI, or None where there is none or it holds what addresses cannot."""
    return f"https://doi.org/{doi}" if doi is not None and _DOI.fullmatch(doi) else None


def inline(svg: str, name: str, title: str, text: str) -> Markup:
    """Return a figure's SVG for a page: identifiers begin with `name`, title and description are in, metadata out."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(svg)  # noqa: S314 - drawn by our own figures
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}metadata":
                parent.remove(child)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            element.set(key, _renamed(key, value, name))
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-desc"}
    for i, (tag, words) in enumerate((("title", title), ("desc", text))):
        told = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{tag}"})
        told.text = printable(words)
        root.insert(i, told)
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - serialised XML, its text escaped


def _renamed(key: str, value: str, name: str) -> str:
    """Return an attribute with its identifiers made the figure's own, and its coordinates rounded to a hundredth."""
    if key == "id":
        return f"{name}-{value}"
    if key in ("href", f"{{{XLINK}}}href") and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    if key == "d":
        return _NUMBER.sub(lambda found: f"{float(found.group()):.2f}", value)
    return _REFERENCE.sub(lambda found: f"url(#{name}-{found.group(1)})", value)
