"""Tables of a sweep as files: Parquet parts, the tables joined from them, CSV beside, units in the metadata.

The only importer of pyarrow. Every table is written some rows at a time, so memory does not grow with its length.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from transition_sim.data import written

if TYPE_CHECKING:
    import pandas as pd

_COMPRESSION = "zstd"
ROW_GROUP = 16_384
"""Rows written at once: few enough to hold, enough that a long table's directory stays small."""


def part_bytes(columns: Mapping[str, Any], units: Mapping[str, str]) -> bytes:
    """Return columns as the bytes of a Parquet file."""
    table = table_of(columns, units)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=_COMPRESSION)
    return buffer.getvalue()


def table_of(columns: Mapping[str, Any], units: Mapping[str, str]) -> pa.Table:
    """Return columns as an Arrow table: NaN is missing; units stand in the metadata, for each field and for pandas."""
    arrays, fields = [], []
    for name, values in columns.items():
        text = name == "reason" or getattr(getattr(values, "dtype", None), "kind", "") == "O"
        array = pa.array(values, type=pa.string() if text else None, from_pandas=True)
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata={"unit": units[name]} if units.get(name) else None))
    known = {name: units.get(name, "") for name in columns}
    attributes = json.dumps({"units": known})
    return pa.Table.from_arrays(
        arrays, schema=pa.schema(fields, metadata={"units": json.dumps(known), "PANDAS_ATTRS": attributes})
    )


def read_part(path: Path) -> pa.Table:
    """Return a part as an Arrow table."""
    return pq.read_table(path, partitioning=None)


class TableWriter:
    """Writes rows to a Parquet and a CSV file, many at once; the schema is that of the first rows."""

    def __init__(self, parquet: Path, text: Path | None) -> None:
        self.parquet, self.text = parquet, text
        self.sinks: list[Any] = []
        self.waiting: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Append rows; they are written once enough of them wait."""
        self.waiting.append(table)
        if sum(map(len, self.waiting)) >= ROW_GROUP:
            self.write()

    def write(self) -> None:
        """Write the rows that wait as one row group."""
        if not self.waiting:
            return
        table = pa.concat_tables(self.waiting)
        self.waiting = []
        if not self.sinks:
            self.sinks.append(pq.ParquetWriter(self.parquet, table.schema, compression=_COMPRESSION))
            if self.text is not None:
                self.sinks.append(pc.CSVWriter(self.text, table.schema))
        for sink in self.sinks:
            sink.write_table(table)

    def close(self) -> None:
        """Finish both files."""
        for sink in self.sinks:
            sink.close()


@contextmanager
def table_writer(folder: Path, name: str, csv: bool) -> Iterator[TableWriter]:
    """Give a writer of `NAME.parquet` and, if asked, `NAME.csv`, which appear only once both are whole."""
    with written(folder / f"{name}.parquet", durable=True) as parquet:
        if not csv:
            yield from _closing(TableWriter(parquet, None))
            return
        with written(folder / f"{name}.csv", durable=True) as text:
            yield from _closing(TableWriter(parquet, text))


def _closing(writer: TableWriter) -> Iterator[TableWriter]:
    try:
        yield writer
        writer.write()
    finally:
        writer.close()


def read_frame(path: Path, columns: list[str] | None = None, rows: int | None = None) -> pd.DataFrame:
    """Return a Parquet table, or its first rows, as a data frame with its units in `attrs["units"]`."""
    if rows is None:
        table = pq.read_table(path, columns=columns, partitioning=None)
    else:
        with pq.ParquetFile(path) as stream:
            groups = range(min(stream.num_row_groups, -(-rows // stream.metadata.row_group(0).num_rows)))
            table = stream.read_row_groups(list(groups), columns=columns).slice(0, rows)
    frame: pd.DataFrame = table.to_pandas()
    units = json.loads(table.schema.metadata[b"units"])
    frame.attrs["units"] = {name: units.get(name, "") for name in frame.columns}
    return frame


def read_row(path: Path, column: str, value: int) -> dict[str, Any]:
    """Return one row of a Parquet table as a dict, empty where there is none; reads the row groups that may hold it."""
    rows = pq.read_table(path, filters=[(column, "==", value)], partitioning=None).to_pylist()
    return rows[0] if rows else {}
