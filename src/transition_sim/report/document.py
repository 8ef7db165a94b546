"""The content of a report as a tree: sections, paragraphs, tables and figures, of which every form is made.

Nothing here knows what a report is about, nor how it is set. All text is plain: no form reads markup out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from transition_sim.figures import Drawing


@dataclass(frozen=True)
class Range:
    """10th percentile, median and 90th percentile over worlds."""

    low: float
    middle: float
    high: float


Cell = str | float | Range | None
SENTENCE = 28
"""Letters above which a text in a table counts as a sentence."""


@dataclass(frozen=True)
class Column:
    """A column: its head, its unit, how numbers are written (a format of Python), and what it is, in words."""

    head: str
    unit: str = ""
    form: str = ""
    says: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; its first `keys` columns head the rows. `id` names it in every form of the report."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    keys: int = 1

    def long(self, i: int) -> bool:
        """Tell whether a column holds sentences, and so needs room."""
        return any(isinstance(row[i], str) and len(str(row[i])) > SENTENCE for row in self.rows)


@dataclass(frozen=True)
class Figure:
    """A figure at two widths, what it shows in words, and the numbers behind it: folded away, or open below it."""

    id: str
    title: str
    alt: str
    picture: Drawing
    table: Table
    open: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `caution` is set off, `lead` opens the report."""

    text: str
    tone: Literal["plain", "lead", "caution"] = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """A command or a program, to be copied as it stands."""

    text: str


@dataclass(frozen=True)
class Reference:
    """A source: what it is, where it is found (a DOI, or None), who has read it, and what it was read to say."""

    cite: str
    doi: str | None
    status: str
    says: str


@dataclass(frozen=True)
class References:
    """A list of sources."""

    items: tuple[Reference, ...]


@dataclass(frozen=True)
class Section:
    """A headed part of a report, with parts of its own."""

    id: str
    title: str
    blocks: tuple[Block, ...]


Block = Paragraph | Bullets | Code | Table | Figure | References | Section


@dataclass(frozen=True)
class Document:
    """A report: title, what it is about in a line, the caution that goes with all of it, a stamp, its sections."""

    title: str
    subtitle: str
    caution: str
    stamp: str
    sections: tuple[Section, ...]
    language: str = "en"

    def walk(self) -> Iterator[Block]:
        """Yield every block of the tree in reading order, sections before what they hold."""
        for section in self.sections:
            yield from _walk(section)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table in reading order, those behind figures among them."""
        found: list[Table] = []
        for block in self.walk():
            found += [block] if isinstance(block, Table) else [block.table] if isinstance(block, Figure) else []
        return tuple(found)


def _walk(block: Block) -> Iterator[Block]:
    yield block
    if isinstance(block, Section):
        for inner in block.blocks:
            yield from _walk(inner)


def shown(cell: Cell, column: Column) -> str:
    """Return a cell as people read it: a range as `low to high (median)`, nothing as a dash."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return "-"
    if isinstance(cell, Range):
        return f"{_number(cell.low, column)} to {_number(cell.high, column)} ({_number(cell.middle, column)})"
    return _number(cell, column)


def _number(value: float, column: Column) -> str:
    text = f"{value:{column.form}}"
    return text.lstrip("-+") if float(text.replace(",", "")) == 0 else text
