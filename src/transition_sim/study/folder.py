"""The folder of a comparison: written whole, and read back so that figures and report can be made again from it.

`worlds.csv` holds every outcome of every world, `assumptions.csv` the 20-year risk of the first worlds under other
assumptions, `bands.csv` the bands over time; all in long form, exact to the bit but for bands (nine digits).
`basis.json` holds the rest, and the checksums of the three: a folder is plain text, nothing in it is executed, and a
file that is cut off or changed is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from transition_sim.data import write_text
from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.study.basis import Basis
from transition_sim.study.calendar import Span
from transition_sim.study.comparison import TRACKED
from transition_sim.study.outcomes import HORIZONS, Comparison, Outcome
from transition_sim.study.scenario import DEFINITIONS

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
FORMAT = 1
BASIS = "basis.json"
TABLES = ("worlds.csv", "assumptions.csv", "bands.csv")
MAX_BYTES = 2_000_000_000
MAX_BASIS_BYTES = 4_000_000
MAX_DEPTH = 6
CASE = ["ensemble", "definition", "bundle", "option"]
LEVELS = ("p10", "median", "p90")
GAPS = ("cumulative_musd", "months_open", "max_share", "opens_after_draw_down")


class Case(BaseModel):
    """Which outcomes a folder holds, in order: ensemble, definition, bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ensemble: str = Field(min_length=1, max_length=400)
    definition: str = Field(min_length=1, max_length=40)
    bundle: str = Field(pattern="^(role|same)$")
    full_budget: list[bool]


class Sheet(BaseModel):
    """`basis.json`: what a comparison is besides its tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    context: str
    title: str
    runs: int = Field(ge=1, le=10_000_000)
    seed: int
    effort_months: float = Field(allow_inf_nan=False)
    definition: str
    ensemble: str
    options: list[str] = Field(min_length=1)
    cases: list[Case] = Field(min_length=1)
    assumptions: list[str]
    worlds_under: int = Field(ge=0)
    months: list[float]
    units: dict[str, str]
    referee_runs: int
    max_deviation: float = Field(allow_inf_nan=False)
    tolerance: float = Field(allow_inf_nan=False)
    dates: dict[str, float]
    calendar: list[Span]
    basis: Basis | None
    provenance: dict[str, Any]
    tables: dict[str, str]
    checksum: str = ""


class Known(BaseModel):
    """What the provenance of a comparison must say; it may say more."""

    model_config = ConfigDict(extra="allow", strict=True)

    model_hash: str
    context: str
    options: dict[str, str]
    versions: dict[str, str]


def save_comparison(done: Comparison, folder: Path) -> list[Path]:
    """Write a comparison into a folder: tables for people, and what `load_comparison` needs; return the paths."""
    texts = {
        "worlds.csv": _csv(_worlds(done)),
        "assumptions.csv": _csv(_assumptions(done)),
        "bands.csv": _bands_csv(done),
    }
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    first = done.outcomes[0]
    sheet = Sheet(
        format=FORMAT, context=done.context, title=done.title, runs=done.runs, seed=done.seed,
        effort_months=done.effort_months, definition=done.definition, ensemble=done.ensemble,
        options=list(first.options),
        cases=[Case(ensemble=o.ensemble, definition=o.definition, bundle=o.bundle, full_budget=list(o.full_budget))
               for o in done.outcomes],
        assumptions=_others(first), worlds_under=_worlds_under(first), months=first.time.tolist(),
        units=dict(done.units), referee_runs=done.referee_runs, max_deviation=done.max_deviation,
        tolerance=done.tolerance, dates=dict(done.dates), calendar=list(done.calendar), basis=done.basis,
        provenance=dict(done.provenance), tables=sums,
    )  # fmt: skip
    body = sheet.model_dump(mode="json", exclude={"checksum"})
    told = json.dumps({**body, "checksum": _checksum(body)}, indent=1, allow_nan=False) + "\n"
    return [
        write_text(folder / "table.csv", _csv(done.table)),
        write_text(folder / "comparison.json", done.to_json()),
        write_text(folder / "provenance.json", json.dumps(dict(done.provenance), indent=1)),
        *(write_text(folder / name, text) for name, text in texts.items()),
        write_text(folder / BASIS, told),
    ]


def load_comparison(folder: str | Path) -> Comparison:
    """Return the comparison that a folder holds.

    Raises ScenarioError where a file is missing, cut off, changed, too large or not what `compare --out` writes.
    """
    place = Path(folder)
    sheet = _sheet(place)
    data = {name: _checked(place / name, sheet.tables.get(name, "")) for name in TABLES}
    try:
        outcomes = tuple(_outcomes(sheet, {name: _frame(raw) for name, raw in data.items()}))
    except (ValueError, KeyError) as error:
        raise ScenarioError(Fault(shown(place), None, f"holds tables that do not fit {BASIS}: {error}")) from None
    return Comparison(
        sheet.context, sheet.title, sheet.runs, sheet.seed, sheet.effort_months, sheet.definition, sheet.ensemble,
        outcomes, sheet.provenance, sheet.referee_runs, sheet.max_deviation, sheet.tolerance, sheet.dates,
        tuple(sheet.calendar), sheet.units, sheet.basis,
    )  # fmt: skip


def _others(outcome: Outcome) -> list[str]:
    return [name for name in outcome.varied if name != "as sampled"]


def _worlds_under(outcome: Outcome) -> int:
    return next(iter(outcome.varied.values())).shape[1] if outcome.varied else 0


def _keys(done: Comparison, worlds: int) -> dict[str, list[Any] | Floats]:
    """Return the key columns of a table with a row for each outcome, option and world, in this order."""
    rows = [
        (o.ensemble, o.definition, o.bundle, option)
        for o in done.outcomes for option in o.options for _ in range(worlds)
    ]  # fmt: skip
    keys: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(CASE)}
    keys["world"] = np.tile(np.arange(worlds), len(rows) // max(worlds, 1))
    return keys


def _worlds(done: Comparison) -> pd.DataFrame:
    """Return every outcome of every world, a row for each outcome, option and world."""
    import pandas as pd

    columns = _keys(done, done.outcomes[0].cost.shape[1])
    for h, year in enumerate(HORIZONS):
        columns[f"relapse_probability_{year}y"] = _column([o.probability[h] for o in done.outcomes])
        columns[f"effort_spent_{year}y"] = _column([o.effort[h] for o in done.outcomes])
    for name in GAPS:
        columns[f"aid_gap_{name}"] = _column([o.gap[name] for o in done.outcomes])
    columns["cost_musd"] = _column([o.cost for o in done.outcomes])
    return pd.DataFrame(columns)


def _assumptions(done: Comparison) -> pd.DataFrame:
    """Return the 20-year risk of the first worlds, a column for each assumption that differs from what is sampled."""
    import pandas as pd

    columns = _keys(done, _worlds_under(done.outcomes[0]))
    for name in _others(done.outcomes[0]):
        columns[name] = _column([o.varied[name] for o in done.outcomes])
    return pd.DataFrame(columns)


def _bands_csv(done: Comparison) -> str:
    """Return the bands over time as CSV, a row for each outcome, option, variable and month; nine digits."""
    import pandas as pd

    parts = [
        pd.DataFrame({
            "ensemble": o.ensemble, "definition": o.definition, "bundle": o.bundle, "option": option, "variable": name,
            "unit": done.units.get(name, ""), "month": o.time,
            **{level: band[i, :, at] for i, level in enumerate(LEVELS)},
        })
        for o in done.outcomes for at, option in enumerate(o.options) for name, band in o.bands.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).to_csv(index=False, float_format="%.9g", lineterminator="\n")


def _column(values: list[Floats]) -> Floats:
    return np.concatenate([each.ravel() for each in values])


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")


def _sheet(folder: Path) -> Sheet:
    """Return what `basis.json` says; ScenarioError where it is missing or no such file."""
    path = folder / BASIS
    if not folder.is_dir():
        raise ScenarioError(Fault(shown(folder), None, "no such folder"))
    if not path.is_file():
        told = f"holds no {BASIS}: it is no folder that `transition-sim compare --out` left, or one of an older version"
        raise ScenarioError(Fault(shown(folder), None, told))
    raw = _bytes(path, MAX_BASIS_BYTES)
    try:
        tree = json.loads(raw, parse_constant=_no_number, parse_float=_number)
        if isinstance(tree, dict) and tree.get("format") != FORMAT:
            told = f"has format {tree.get('format')!r}; this version reads {FORMAT}"
            raise ScenarioError(Fault(shown(path), None, told))
        sheet = TypeAdapter(Sheet).validate_python(tree)
        if sheet.checksum != _checksum({key: value for key, value in tree.items() if key != "checksum"}):
            raise ValueError("its checksum differs")
        _check_contents(sheet)
    except (ValueError, OverflowError, RecursionError) as error:
        told = _first(error) if isinstance(error, ValidationError) else str(error)
        raise ScenarioError(Fault(shown(path), None, f"is cut off or was changed: {told}")) from None
    return sheet


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _check_contents(sheet: Sheet) -> None:
    """Raise ValueError where a sheet lacks what figures and reports are made of."""
    Known.model_validate(sheet.provenance)
    lacking = {*TRACKED, "relapse probability", "hazard from mission"} - set(sheet.units)
    lacking |= {"draw down start", "draw down duration"} - set(sheet.dates)
    lacking |= {"basis"} if sheet.basis is None else set()
    if lacking:
        raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
    if set(sheet.definition.split()) - {*DEFINITIONS, "all"} or {c.definition for c in sheet.cases} - set(DEFINITIONS):
        raise ValueError("it names a definition of relapse that does not exist")
    if _depth(sheet.provenance) > MAX_DEPTH:
        raise ValueError("its provenance is nested too deep")


def _depth(tree: Any) -> int:
    if not isinstance(tree, dict | list):
        return 0
    return 1 + max(map(_depth, tree.values() if isinstance(tree, dict) else tree), default=0)


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    return f"'{' / '.join(map(str, problem['loc']))}': {problem['msg']}"


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _number(text: str) -> float:
    value = float(text)
    return value if np.isfinite(value) else _no_number(text)


def _bytes(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise ScenarioError(Fault(shown(path), None, f"is larger than {most:,} bytes, the most that is read"))
        return path.read_bytes()
    except OSError as error:
        raise ScenarioError(Fault(shown(path), None, f"cannot be read: {error.strerror}")) from None


def _checked(path: Path, known: str) -> bytes:
    """Return a table's bytes; ScenarioError where they are not those that its checksum was taken of."""
    if not path.is_file():
        raise ScenarioError(Fault(shown(path), None, "is missing; run the comparison again"))
    raw = _bytes(path, MAX_BYTES)
    if hashlib.sha256(raw).hexdigest() != known:
        told = "is not the table that the comparison wrote (its checksum differs): cut off or changed; run it again"
        raise ScenarioError(Fault(shown(path), None, told))
    return raw


def _frame(raw: bytes) -> pd.DataFrame:
    """Return a table as text, cell by cell: numbers are read by Python, exactly, where they are needed."""
    import pandas as pd

    return pd.read_csv(io.BytesIO(raw), dtype=str, keep_default_na=False)


def _outcomes(sheet: Sheet, frames: Mapping[str, pd.DataFrame]) -> Iterator[Outcome]:
    """Yield the outcomes of a folder; ValueError where a table has other rows than the sheet says."""
    options, count = tuple(sheet.options), len(sheet.options)
    if "none" not in options or len(set(options)) != count or any(len(c.full_budget) != count for c in sheet.cases):
        raise ValueError("its options do not fit together")
    if len(sheet.months) < 2 or not (np.diff(sheet.months) > 0).all() or sheet.months[-1] <= 0:
        raise ValueError("its months do not follow each other")
    shape = (len(sheet.cases), count, sheet.runs)
    table = {name: _cube(frames["worlds.csv"], name, shape) for name in frames["worlds.csv"].columns[5:]}
    under = (len(sheet.cases), count, sheet.worlds_under)
    varied = {name: _cube(frames["assumptions.csv"], name, under) for name in sheet.assumptions}
    variables = list(sheet.units)
    whole = (len(sheet.cases), count, len(variables), len(sheet.months))
    bands = np.stack([_cube(frames["bands.csv"], level, whole) for level in LEVELS])
    _same_keys(sheet, frames, variables)
    for i, case in enumerate(sheet.cases):
        risk = np.stack([table[f"relapse_probability_{year}y"][i] for year in HORIZONS])
        if not ((risk >= 0) & (risk <= 1)).all():
            raise ValueError("a probability lies outside 0 to 1")
        sampled = {"as sampled": risk[-1][:, : sheet.worlds_under]} if sheet.worlds_under else {}
        yield Outcome(
            case.definition, case.bundle, options, risk,
            np.stack([table[f"effort_spent_{year}y"][i] for year in HORIZONS]),
            {name: table[f"aid_gap_{name}"][i] for name in GAPS}, table["cost_musd"][i], np.array(sheet.months),
            {name: np.moveaxis(bands[:, i, :, v], 1, 2) for v, name in enumerate(variables)},
            tuple(case.full_budget), case.ensemble,
            {**sampled, **{name: values[i] for name, values in varied.items()}},
        )  # fmt: skip


def _cube(frame: pd.DataFrame, name: str, shape: tuple[int, ...]) -> Floats:
    """Return a column as an array; ValueError where it has another length or holds what is no number."""
    values = np.array([float(text or "nan") for text in frame[name].tolist()])
    if values.size != int(np.prod(shape)):
        raise ValueError(f"'{name}' has {values.size:,} rows, not {int(np.prod(shape)):,}")
    if not np.isfinite(values).all() and name != "aid_gap_opens_after_draw_down":
        raise ValueError(f"'{name}' holds what is no finite number")
    return values.reshape(shape)


def _same_keys(sheet: Sheet, frames: Mapping[str, pd.DataFrame], variables: list[str]) -> None:
    """Raise ValueError where the rows of a table stand in another order than the sheet says."""
    months = len(sheet.months)
    inner = {"worlds.csv": sheet.runs, "assumptions.csv": sheet.worlds_under, "bands.csv": len(variables) * months}
    rows = [(c.ensemble, c.definition, c.bundle, option) for c in sheet.cases for option in sheet.options]
    for name, count in inner.items():
        for i, column in enumerate(CASE):
            _same(frames[name], name, column, np.repeat(np.array([row[i] for row in rows], dtype=object), count))
    told = np.tile(np.repeat(np.array(variables, dtype=object), months), len(rows))
    _same(frames["bands.csv"], "bands.csv", "variable", told)


def _same(frame: pd.DataFrame, name: str, column: str, expected: NDArray[Any]) -> None:
    if not np.array_equal(frame[column].to_numpy(dtype=object), expected):
        raise ValueError(f"the column '{column}' of {name} has other rows")
