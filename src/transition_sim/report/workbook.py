"""The tables of a report as an Excel workbook, with a sheet that says what each sheet and column is.

The only importer of openpyxl. Numbers are numbers at full precision, a range takes three columns, and text is text:
what begins like a formula is never one.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

from transition_sim.report.document import Cell, Code, Column, Document, Range, Table
from transition_sim.report.page import printable

PARTS = (("10th percentile", "low"), ("median", "middle"), ("90th percentile", "high"))
LONGEST = 32_000
"""Letters that a cell takes; Excel's own limit is 32,767."""
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


def workbook(document: Document) -> bytes:
    """Return the tables of a report as the bytes of an XLSX file; the same tree gives the same bytes."""
    book = Workbook()
    front = book.active
    front.title = "README"
    names = dict(_sheet_names(document.tables))
    for table in document.tables:
        _fill(book.create_sheet(names[table.id]), table)
    _fill_front(front, document, names)
    book.properties.title, book.properties.creator = _text(document.title), "transition_sim"
    book.properties.created = _EPOCH
    buffer = io.BytesIO()
    book.save(buffer)
    return _dateless(buffer.getvalue())


def _sheet_names(tables: tuple[Table, ...]) -> Iterator[tuple[str, str]]:
    """Yield a name of at most 31 letters for each table, no two alike."""
    taken = {"readme"}
    for table in tables:
        plain = re.sub(r"[\[\]:*?/\\']", "-", _text(table.id))[:28] or "table"
        name, number = plain, 1
        while name.lower() in taken:
            number += 1
            name = f"{plain}-{number}"[-31:]
        taken.add(name.lower())
        yield table.id, name


def _fill(sheet: Any, table: Table) -> None:
    """Write a table: a row of heads, then its rows; a column that holds ranges becomes three."""
    ranged = [any(isinstance(row[i], Range) for row in table.rows) for i in range(len(table.columns))]
    heads = [head for column, wide in zip(table.columns, ranged, strict=True) for head, _ in _heads(column, wide)]
    _append(sheet, heads)
    for cell in sheet[1]:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    for row in table.rows:
        _append(sheet, [value for cell, wide in zip(row, ranged, strict=True) for value in _values(cell, wide)])
    for i, head in enumerate(heads, 1):
        texts = [str(row[0].value or "") for row in sheet.iter_rows(min_row=2, min_col=i, max_col=i)]
        words = max((len(text) for text in texts if not _is_number(text)), default=0)
        sheet.column_dimensions[get_column_letter(i)].width = min(max(len(head) * 0.6, words, 10) + 2, 60)
    sheet.freeze_panes = "A2"


def _heads(column: Column, wide: bool) -> list[tuple[str, str]]:
    """Return heads and explanations of the one or three columns of the workbook that a column becomes."""
    unit = f" ({column.unit})" if column.unit else ""
    if not wide:
        return [(f"{column.head}{unit}", column.says)]
    return [(f"{column.head}, {part}{unit}", f"{part} over worlds: {column.says}".rstrip(": ")) for part, _ in PARTS]


def _values(cell: Cell, wide: bool) -> list[str | float | None]:
    if not wide:
        return [None if isinstance(cell, Range) else cell]
    return [getattr(cell, part) if isinstance(cell, Range) else None for _, part in PARTS]


def _fill_front(sheet: Any, document: Document, names: dict[str, str]) -> None:
    """Write the sheet that says what the workbook is: title, caution, stamp, command, every sheet and column."""
    for text in (document.title, document.subtitle, document.caution, document.stamp):
        _append(sheet, [text])
    for code in (block for block in document.walk() if isinstance(block, Code)):
        _append(sheet, [f"Command: {code.text}"])
    _append(sheet, ["Numbers are at full precision; report.html and report.pdf round them."])
    _append(sheet, [])
    _append(sheet, ["sheet", "column", "what it is"])
    for cell in sheet[sheet.max_row]:
        cell.font = Font(bold=True)
    for table in document.tables:
        _append(sheet, [names[table.id], "", f"{table.caption}. {table.note}".strip()])
        for i, column in enumerate(table.columns):
            for head, says in _heads(column, any(isinstance(row[i], Range) for row in table.rows)):
                _append(sheet, [names[table.id], head, says])
    sheet["A1"].font = Font(bold=True, size=14)
    for letter, width in (("A", 30), ("B", 44), ("C", 90)):
        sheet.column_dimensions[letter].width = width


def _append(sheet: Any, values: list[Any]) -> None:
    """Append a row; every text is written as text, so that nothing is taken for a formula."""
    row = sheet.max_row + 1 if sheet.max_row > 1 or sheet["A1"].value is not None else 1
    if not values:
        sheet.cell(row=row, column=1, value=" ")
    for i, value in enumerate(values, 1):
        if value is None:
            continue
        cell = sheet.cell(row=row, column=i)
        if isinstance(value, str):
            cell.value = _text(value)
            cell.data_type = "s"
            cell.quotePrefix = value[:1] in "=+-@"
        else:
            cell.value = float(value)


def _text(text: str) -> str:
    """Return text as a cell can hold it: no control characters, not too long."""
    return printable(text)[:LONGEST]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dateless(raw: bytes) -> bytes:
    """Return a workbook's bytes without the moments at which it was saved."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as given, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name in given.namelist():
            data = given.read(name)
            if name == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", data)
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, data)
    return buffer.getvalue()
