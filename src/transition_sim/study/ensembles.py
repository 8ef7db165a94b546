"""Ensembles: worlds that meet published targets, kept as plain CSV with a sheet of how they came about beside it.

Shapes: a column `(run,)` for each uncertain constant, one run a world.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.data import scenarios_folder, write_text
from transition_sim.engine.resolve import outside
from transition_sim.errors import Fault, ScenarioError, nearest, shown
from transition_sim.model.equations import Kind, Model, canonical
from transition_sim.model.printing import content_hash
from transition_sim.study.evidence import load_evidence
from transition_sim.study.scenario import load_scenario
from transition_sim.study.worlds import Worlds, load_uncertainties, ranges_hash, sample_worlds, sampled

Floats = NDArray[np.float64]
ENSEMBLES = ("c5", "c6")
SAYS = {
    "c5": "mission effect by the dose curve of Collier, Chauvet and Hegre 2008",
    "c6": "mission effect centred on a hazard ratio of .40, between strong and weak reported effects",
    "prior": "sampled from plausible ranges, not calibrated",
}
RENEW = "transition-sim calibrate --out scenarios/ensembles --force"
PRIOR_RUNS = 1000
MAX_BYTES = 64_000_000
MAX_NUMBERS = 20_000_000
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Kept worlds and the sheet of how they came about: hashes, seed, tried, kept, what binds, what moved."""

    name: str
    columns: Mapping[str, Floats]
    sheet: Mapping[str, Any]
    file: str

    @property
    def runs(self) -> int:
        """The number of worlds."""
        return len(next(iter(self.columns.values())))


def draw_worlds(model: Model, ensemble: str | Path, runs: int | None, seed: int) -> Worlds:
    """Return worlds of an ensemble: `prior` (sampled anew), `c5`, `c6`, or a CSV file that calibration wrote.

    Worlds of a calibrated ensemble are drawn without replacement, by the seed; without `runs` it is all of them, or
    1,000 of the prior. Raises ScenarioError where there are fewer of them than runs, where the ensemble does not exist
    or cannot be read, or where it is stale: made for other equations, ranges or targets.
    """
    if str(ensemble) == "prior":
        return sample_worlds(model, PRIOR_RUNS if runs is None else runs, seed)
    found = load_ensemble(model, ensemble)
    stale = stale_parts(model, found)
    if stale:
        told = (
            f"is stale: {', '.join(stale)} changed since it was made; renew it with: {RENEW} (--model FILE for a copy)"
        )
        raise ScenarioError(Fault(found.file, None, told))
    runs = found.runs if runs is None else runs
    if runs > found.runs:
        raise ScenarioError(
            f"{runs:,} worlds; ensemble '{found.name}' holds {found.runs:,}, allowed: 1 to {found.runs:,}"
        )
    if runs < 1:
        raise ScenarioError(f"{runs} worlds; allowed: 1 or more")
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0xE75]))
    chosen = np.sort(generator.choice(found.runs, size=runs, replace=False))
    columns = {name: column[chosen] for name, column in found.columns.items()}
    ranges, _ = load_uncertainties(model)
    bounds = {name: ranges[name].range for name in columns}
    return Worlds(columns, bounds, seed, found.file, str(found.sheet["worlds"]), found.name)


def chosen_ensembles(name: str) -> tuple[str, ...]:
    """Return the ensembles that a choice means: one, or `both`."""
    if name == "both":
        return ENSEMBLES
    if name != "prior":
        ensemble_path(name)
    return (name,)


def ensemble_path(name: str | Path) -> Path:
    """Return the file of an ensemble, shipped or one's own; ScenarioError with the nearest name where there is none."""
    text = str(name)
    if text in ENSEMBLES:
        return scenarios_folder() / "ensembles" / f"{text}.csv"
    if text.endswith(".csv"):
        return Path(text)
    if text == "prior":
        raise ScenarioError("'prior' is sampled anew each time and keeps no worlds; allowed here: c5, c6, both")
    known = ("prior", *ENSEMBLES)
    raise ScenarioError(
        f"ensemble '{text}' does not exist; allowed: {', '.join(known)}, or a CSV file that "
        f"`transition-sim calibrate` wrote{nearest(text, known)}"
    )


def load_ensemble(model: Model, name: str | Path) -> Ensemble:
    """Return an ensemble, checked against the model's constants and its own sheet, whether stale or not."""
    path = ensemble_path(name)
    file = shown(path)
    sheet = _sheet(path.with_suffix(".json"), file)
    names, table = _table(path, file)
    faults = _column_faults(model, names, table, file)
    if table.shape[0] != sheet["kept"] or worlds_hash(names, table) != sheet["worlds"]:
        faults.append(Fault(file, None, f"is not what its sheet {path.stem}.json describes; renew it with: {RENEW}"))
    if faults:
        raise ScenarioError(faults)
    columns = {model.find(column).name: table[:, i].copy() for i, column in enumerate(names)}
    return Ensemble(str(sheet["ensemble"]), columns, sheet, file)


def _column_faults(model: Model, names: Sequence[str], table: Floats, file: str) -> list[Fault]:
    """Say which columns are no constants, are missing or not among those that are sampled, or leave the limits."""
    wanted = sampled(load_uncertainties(model)[0])
    faults = []
    for i, column in enumerate(names):
        if column not in model or model.find(column).kind is not Kind.CONSTANT:
            told = f"column '{column}' is no constant of {model.name}.mdl{nearest(column, model.constants)}"
            faults.append(Fault(file, 1, told))
        elif model.find(column).name not in wanted:
            faults.append(Fault(file, 1, f"column '{column}' is not among the constants that are sampled"))
        elif outside(model.find(column), table[:, i]):
            faults.append(Fault(file, None, outside(model.find(column), table[:, i])))
    known = {canonical(column) for column in names}
    missing = [name for name in wanted if canonical(name) not in known]
    if missing and not faults:
        faults.append(Fault(file, 1, f"lacks {len(missing)} of the constants that are sampled, such as '{missing[0]}'"))
    return faults


def stale_parts(model: Model, ensemble: Ensemble) -> list[str]:
    """Return what an ensemble was made for that is no longer so: the model, the ranges, the targets."""
    now = made_for(model)
    return [what for what, value in now.items() if ensemble.sheet["made_for"].get(what) != value]


def made_for(model: Model) -> dict[str, str]:
    """Return the hashes of what decides an ensemble: equations, values and units; ranges; fitted targets; context."""
    ranges, _ = load_uncertainties(model)
    evidence = load_evidence(model)
    context = load_scenario(f"contexts/{evidence.context}")
    settings = {name: [setting.value, setting.unit] for name, setting in sorted(context.settings.items())}
    return {
        "equations": content_hash(model),
        "ranges": ranges_hash(ranges),
        "targets": evidence.hash,
        "context": hashlib.sha256(json.dumps(settings).encode()).hexdigest(),
    }


def write_ensemble(path: Path, columns: Mapping[str, Floats], sheet: Mapping[str, Any]) -> list[Path]:
    """Write worlds as CSV, twelve digits each, and their sheet as JSON beside it; return both paths."""
    written = [[_written(value) for value in row] for row in np.column_stack(list(columns.values())).tolist()]
    rows = [",".join(_quoted(name) for name in columns), *(",".join(row) for row in written)]
    kept = np.array(written, dtype=float)
    full = {**sheet, "format": FORMAT, "kept": len(kept), "worlds": worlds_hash(list(columns), kept)}
    return [
        write_text(path, "\n".join(rows) + "\n"),
        write_text(path.with_suffix(".json"), json.dumps(full, indent=1) + "\n"),
    ]


def as_written(column: Floats) -> Floats:
    """Return values `(run,)` as the CSV file holds them."""
    return np.array([float(_written(value)) for value in column.tolist()])


def _written(value: float) -> str:
    return f"{value:.12g}"


def worlds_hash(names: list[str], table: Floats) -> str:
    """Return a hash of worlds, `(run, constant)`, by their names and values."""
    head = json.dumps(names).encode()
    return hashlib.sha256(head + np.ascontiguousarray(table, dtype="<f8").tobytes()).hexdigest()


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name


def _sheet(path: Path, file: str) -> dict[str, Any]:
    """Return the sheet of an ensemble; ScenarioError where it is missing or no sheet."""
    try:
        data = json.loads(_text(path, file), parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise ScenarioError(Fault(shown(path), None, f"is no sheet of an ensemble: {error}")) from error
    kinds = {"format": int, "ensemble": str, "kept": int, "worlds": str, "made_for": dict, "seed": int, "moved": list}
    if not isinstance(data, dict) or any(not isinstance(data.get(key), kind) for key, kind in kinds.items()):
        raise ScenarioError(Fault(shown(path), None, f"is no sheet of an ensemble; it needs {', '.join(kinds)}"))
    if data["format"] != FORMAT:
        raise ScenarioError(Fault(shown(path), None, f"has format {data['format']}; this version reads {FORMAT}"))
    return data


def no_number(text: str) -> float:
    """Refuse what JSON does not have: NaN and infinity; raises ValueError."""
    raise ValueError(f"{text} is no number of JSON")


def _table(path: Path, file: str) -> tuple[list[str], Floats]:
    """Return the names and values `(run, constant)` of a CSV file; ScenarioError with the line of what is no number."""
    try:
        rows = list(csv.reader(_text(path, file).splitlines()))
    except csv.Error as error:
        raise ScenarioError(Fault(file, None, f"is no table of worlds: {error}")) from error
    names = rows[0] if rows else []
    if len(rows) < 2 or len({canonical(name) for name in names}) != len(names):
        raise ScenarioError(Fault(file, 1, "needs a line of different names and a line of numbers for each world"))
    if len(rows) * len(names) > MAX_NUMBERS:
        raise ScenarioError(Fault(file, 1, f"asks for {len(rows) * len(names):,} numbers; allowed: {MAX_NUMBERS:,}"))
    table = np.empty((len(rows) - 1, len(names)))
    for i, row in enumerate(rows[1:]):
        try:
            table[i] = [float(value) for value in row]
        except ValueError:
            raise ScenarioError(Fault(file, i + 2, f"needs {len(names)} numbers, as the first line names")) from None
    if not np.isfinite(table).all():
        raise ScenarioError(
            Fault(file, int(np.argwhere(~np.isfinite(table))[0, 0]) + 2, "holds what is no finite number")
        )
    return names, table


def _text(path: Path, file: str) -> str:
    if not path.is_file():
        raise ScenarioError(Fault(file, None, f"'{path.name}' is missing; make it with: {RENEW}"))
    if path.stat().st_size > MAX_BYTES:
        raise ScenarioError(Fault(shown(path), None, f"is larger than {MAX_BYTES:,} bytes, the most that is read"))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(Fault(shown(path), None, f"cannot be read: {error}")) from error
