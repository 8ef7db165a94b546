"""A report as PDF, set by Typst: no browser, no TeX, no request to anywhere.

The only importer of typst. The tree goes in as JSON that the template reads as data; no text of a report is ever
part of the program, so none can become markup. Figures are embedded as vectors, the file is tagged for screen
readers, carries no date, and is the same bytes for the same tree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from transition_sim.figures import font_folder, letters_of
from transition_sim.report.document import (
    Block,
    Bullets,
    Code,
    Column,
    Document,
    Figure,
    Paragraph,
    References,
    Section,
    Table,
    shown,
)
from transition_sim.report.page import doi_link, printable

MISSING = "\N{WHITE SQUARE}"
_TEMPLATE = Path(__file__).parent / "paper.typ"


def paper(document: Document) -> bytes:
    """Return a report as the bytes of a PDF file."""
    data = json.dumps(_document(document))
    compiled: Any = typst.compile(
        _TEMPLATE, format="pdf", font_paths=[font_folder()], ignore_system_fonts=True,
        sys_inputs={"report": data}, timestamp=0, pdf_standards="ua-1",
    )  # fmt: skip
    return bytes(compiled)


@lru_cache(maxsize=2)
def _letters(code: bool) -> frozenset[int]:
    return letters_of("DejaVuSansMono") if code else letters_of("DejaVuSans", "DejaVuSans-Bold")


def drawable(text: str, code: bool = False) -> str:
    """Return text with a square for every letter that the typeface lacks, so that none vanishes."""
    known = _letters(code)
    told = printable(text).replace("\t", " ")
    return "".join(letter if letter == "\n" or ord(letter) in known else MISSING for letter in told)


def _document(document: Document) -> dict[str, Any]:
    behind = [block.table for block in document.walk() if isinstance(block, Figure) and not block.open]
    return {
        "title": drawable(document.title),
        "subtitle": drawable(document.subtitle),
        "caution": drawable(document.caution),
        "stamp": drawable(document.stamp),
        "language": document.language,
        "sections": [_block(section) for section in document.sections],
        "behind": [_table(table) for table in behind],
    }


def _block(block: Block) -> dict[str, Any]:
    """Return a block as data for the template."""
    if isinstance(block, Section):
        return {"kind": "section", "title": drawable(block.title), "blocks": [_block(inner) for inner in block.blocks]}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": drawable(block.text), "tone": block.tone}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "items": [drawable(item) for item in block.items]}
    if isinstance(block, Code):
        return {"kind": "code", "text": drawable(block.text, code=True)}
    if isinstance(block, References):
        return {"kind": "references", "items": [_reference(vars(item)) for item in block.items]}
    if isinstance(block, Table):
        return _table(block)
    return {
        "kind": "figure", "title": drawable(block.title), "alt": drawable(f"{block.title}. {block.alt}"),
        "svg": block.picture.page, "table": _table(block.table) if block.open else None,
    }  # fmt: skip


def _reference(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cite": drawable(item["cite"]), "link": doi_link(item["doi"]), "doi": drawable(item["doi"] or ""),
        "status": drawable(item["status"]), "says": drawable(item["says"]),
    }  # fmt: skip


def _table(table: Table) -> dict[str, Any]:
    """Return a table as data: heads, units, which columns are numbers, cells as people read them, shares of width."""
    cells = [
        [drawable(shown(cell, column)) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    return {
        "kind": "table",
        "caption": drawable(table.caption),
        "heads": [drawable(column.head) for column in table.columns],
        "units": [drawable(column.unit) for column in table.columns],
        "numbers": [bool(column.form) for column in table.columns],
        "rows": cells,
        "note": drawable(table.note),
        "shares": _shares(table.columns, cells),
    }


def _shares(columns: tuple[Column, ...], cells: list[list[str]]) -> list[float]:
    """Return how wide each column is to be, by its longest word and its usual text."""
    shares = []
    for i, column in enumerate(columns):
        texts = [column.head, column.unit, *(row[i] for row in cells)]
        longest = max(len(word) for text in texts for word in (text.split() or [""]))
        usual = max((len(row[i]) for row in cells), default=0)
        shares.append(float(min(max(longest, usual, 4), 46) + 3))
    return shares
