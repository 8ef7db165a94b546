"""Sweep files: what is varied, by which design, and what is kept, as a researcher writes them.

A file is untrusted: it is read as plain data, its references stay inside its own folder, its size is counted before
anything is made, and every fault is reported with file, line, what is allowed and the nearest name.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError

from transition_sim.data import list_sweeps, shipped_sweep
from transition_sim.errors import Fault, ScenarioError, nearest, shown
from transition_sim.study.scenario import Value
from transition_sim.study.worlds import Uncertainty
from transition_sim.study.yaml_file import Item, line_of, plain, read_yaml

DESIGNS = ("grid", "latin_hypercube", "sobol", "saltelli", "morris")
RUNS_ARE = {
    "latin_hypercube": "the number of runs",
    "sobol": "the number of runs",
    "saltelli": "the number of rows of matrices",
    "morris": "the number of trajectories",
}
SEED = 7
MAX_STEPS = 100_000
MAX_SEED = 2**63 - 1


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _form_of(value: Any) -> str:
    return "name" if isinstance(value, str) else "list" if isinstance(value, list) else "lines"


Whole = Annotated[int, BeforeValidator(_whole)]


class LeverRange(BaseModel):
    """A lever between two values: at so many steps, or anywhere where the design samples it."""

    model_config = ConfigDict(extra="forbid")

    low: Value = Field(alias="from", description="the first value, in the model's unit or with one: 2 years")
    to: Value = Field(description="the last value")
    steps: Whole | None = Field(None, ge=2, le=MAX_STEPS, description="how many values, evenly spaced; a grid needs it")


class SampledRange(BaseModel):
    """The range of an uncertain constant, for this sweep."""

    model_config = ConfigDict(extra="forbid")

    low: Value
    high: Value
    distribution: Literal["uniform", "loguniform", "triangular"] = "uniform"
    mode: Value | None = Field(None, description="the likeliest value, for a triangular distribution")


Lever = Annotated[
    Annotated[LeverRange, Tag("lines")] | Annotated[list[Value], Tag("list"), Field(min_length=1)],
    Discriminator(_form_of),
]
Uncertain = Annotated[
    Annotated[str, Tag("name")]
    | Annotated[list[str], Tag("list"), Field(min_length=1)]
    | Annotated[dict[str, SampledRange], Tag("lines"), Field(min_length=1)],
    Discriminator(_form_of),
]


class SweepFile(BaseModel):
    """A transition_sim sweep: what is varied, by which design, and what is kept of each run."""

    model_config = ConfigDict(extra="forbid", title="transition_sim sweep")

    title: str = Field(min_length=1, max_length=200, description="what the sweep asks, in a few words")
    model: str | None = Field(
        None, description="a shipped model's name, or an .mdl file below this file's folder; default transition"
    )
    based_on: str | None = Field(
        None, description="a shipped scenario's name, or a .yaml file below this file's folder, that all runs share"
    )
    levers: dict[str, Lever] = Field(
        default_factory=dict,
        description="what is varied on purpose: a constant with from/to/steps or a list of values; or a name of your "
        "own with a list of scenarios",
    )
    uncertainties: Uncertain | None = Field(
        None,
        description="an ensemble's name or CSV file; or names out of the model's uncertainties; or ranges of your own",
    )
    design: Literal["grid", "latin_hypercube", "sobol", "saltelli", "morris"] = Field(
        "grid",
        description="grid crosses all levels with all worlds; latin_hypercube and sobol sample levers and "
        "uncertainties together; saltelli and morris cross levels with the samples that sensitivity indices need",
    )
    runs: Whole | None = Field(
        None,
        ge=1,
        description="worlds at each point of a grid; runs in all for latin_hypercube and sobol; rows of matrices for "
        "saltelli, trajectories for morris",
    )
    seed: Whole = Field(SEED, ge=0, le=MAX_SEED, description="the same seed gives the same runs")
    outcomes: list[str] | None = Field(
        None, min_length=1, description="what is kept: 'relapse probability at 20 years', 'largest aid gap', 'cost'"
    )
    stop: Value | None = Field(None, description="when runs end, in the model's time or with a unit; default its own")
    why: dict[str, str] = Field(default_factory=dict, description="a reason for each lever, uncertainty or choice")


@dataclass(frozen=True)
class Written:
    """A sweep file as read: its form, where its lines are, and its bytes."""

    name: str
    path: Path
    form: SweepFile
    tree: Item
    data: bytes

    def fault(self, message: str, *place: str | int) -> Fault:
        """Return a fault at the line of what stands at a path of keys."""
        return Fault(shown(self.path), line_of(self.tree, place), message)

    @property
    def hash(self) -> str:
        """The SHA-256 of the file's bytes."""
        return hashlib.sha256(self.data).hexdigest()


def find_sweep(reference: str | Path) -> Path:
    """Return the file of a shipped sweep's name or a path; ScenarioError with the nearest name where there is none."""
    path = Path(reference)
    if path.exists():
        return path
    name = path.as_posix()
    known = list_sweeps()
    ours = name.removesuffix(".yaml")
    if path.suffix and ours not in known and f"sweeps/{ours}" not in known:
        raise ScenarioError(Fault(shown(path), None, f"no such file{nearest(f'sweeps/{path.stem}', known)}"))
    return shipped_sweep(name)


def names_sweep(reference: str) -> bool:
    """Whether a text is a shipped sweep's name or a file with a sweep's keys."""
    path = Path(reference)
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        return is_sweep(read_yaml(path)[0].value)
    return not path.exists() and reference.removesuffix(".yaml") in list_sweeps()


def read_sweep(reference: str | Path) -> Written:
    """Return a sweep file's validated form; ScenarioError with a line for every fault of form."""
    path = find_sweep(reference)
    tree, data = read_yaml(path)
    file = shown(path)
    try:
        form = SweepFile.model_validate(plain(tree), strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ScenarioError(sorted({_spoken(problem, tree, file) for problem in problems})) from None
    shipped = {shipped_sweep(name).resolve(): name for name in list_sweeps()}
    written = Written(shipped.get(path.resolve(), file), path, form, tree, data)
    faults = [*_design_faults(written), *_reason_faults(written)]
    if faults:
        raise ScenarioError(sorted(faults))
    return written


def sweep_schema() -> str:
    """Return the JSON Schema of sweep files, as text, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | SweepFile.model_json_schema(), indent=2) + "\n"


def is_sweep(tree: Mapping[str, Any]) -> bool:
    """Whether a file's keys are those of a sweep rather than of a scenario or of a model's uncertainties."""
    return bool({"levers", "design", "outcomes"} & set(tree))


_FORMS: dict[str, tuple[type[BaseModel], str]] = {
    "levers": (LeverRange, "from, to and steps, or a list of values or scenarios"),
    "uncertainties": (SampledRange, "an ensemble, a list of names, or names with low and high"),
}
_WANTED = {
    "runs": "a whole number from 1", "seed": f"a whole number from 0 to {MAX_SEED}", "outcomes": "a list of outcomes",
    "stop": "a time such as 240 or '20 years'", "why": "lines of 'name: reason'",
    "steps": f"a whole number from 2 to {MAX_STEPS:,}", "from": "a number or text such as '2 years'",
    "to": "a number or text such as '2 years'", "low": "a number", "high": "a number", "mode": "a number",
    "distribution": "uniform, loguniform, triangular", "design": ", ".join(DESIGNS),
}  # fmt: skip


def _spoken(problem: Mapping[str, Any], tree: Item, file: str) -> Fault:
    """Return what pydantic found, in the words of the file and with its line."""
    place = [
        part for part in problem["loc"] if part not in ("name", "list", "lines", "float", "str", "function-before")
    ]
    line = line_of(tree, place)
    words = [str(part) for part in place]
    name = " / ".join(words) or "the file"
    inner = _FORMS.get(words[0]) if len(words) > 2 else None
    if problem["type"] == "extra_forbidden":
        form: type[BaseModel] = inner[0] if inner else SweepFile
        allowed = [field.alias or key for key, field in form.model_fields.items()]
        return Fault(
            file, line, f"unknown key '{words[-1]}'; allowed: {', '.join(allowed)}{nearest(words[-1], allowed)}"
        )
    if problem["type"] == "missing":
        return Fault(file, line, f"'{name}' is missing")
    given = problem.get("input")
    wanted = (
        _FORMS[words[0]][1] if words and words[0] in _FORMS and not inner else _WANTED.get(words[-1] if words else "")
    )
    if words[:1] == ["levers"] and inner and not wanted:
        wanted = "a value such as 24 or '2 years', or a scenario's name"
    hint = nearest(given, DESIGNS) if words == ["design"] and isinstance(given, str) else ""
    return Fault(file, line, f"'{name}' is {_given(given)}; allowed: {wanted or 'text'}{hint}")


def _given(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "lines of 'name: value'" if value else "empty"
    if value is None or value in ("", []):
        return "empty"
    return f"{value:g}" if isinstance(value, int | float) else repr(value)[:40]


def _design_faults(written: Written) -> list[Fault]:
    form = written.form
    faults = []
    if not form.levers and not form.uncertainties:
        told = "is empty" if "levers" in written.tree.value else "is missing"
        faults.append(written.fault(f"'levers' {told}, and 'uncertainties' too: nothing is varied", "levers"))
    if form.design != "grid" and form.runs is None:
        needs = RUNS_ARE[form.design]
        faults.append(written.fault(f"'runs' is missing; the design {form.design} needs {needs}", "design"))
    if form.design in ("saltelli", "morris"):
        faults += _factor_faults(written)
    if form.design == "grid" and form.uncertainties is not None and form.runs is None:
        faults.append(written.fault("'runs' is missing: how many worlds at each point of the grid", "uncertainties"))
    if form.design == "grid" and form.uncertainties is None and (form.runs or 1) > 1:
        faults.append(written.fault("without uncertainties all worlds are the same; leave 'runs' out", "runs"))
    for name, lever in form.levers.items():
        if form.design == "grid" and isinstance(lever, LeverRange) and lever.steps is None:
            faults.append(written.fault(f"lever '{name}': 'steps' is missing; a grid needs it", "levers", name))
    return faults


def _factor_faults(written: Written) -> list[Fault]:
    """Say what keeps a design for sensitivity indices from having inputs that are independent of each other."""
    form = written.form
    if isinstance(form.uncertainties, str) and form.uncertainties != "prior":
        message = (
            f"the worlds of '{form.uncertainties}' were chosen together, so their constants are not independent; "
            f"{form.design} needs inputs that are. Allowed: prior, or names, or ranges; a grid takes "
            f"'{form.uncertainties}', and transition-sim sensitivity measures it without moments"
        )
        return [written.fault(message, "uncertainties")]
    free = [name for name, lever in form.levers.items() if isinstance(lever, LeverRange) and lever.steps is None]
    if form.uncertainties is None and not free:
        message = "has nothing to sample; allowed: uncertainties, or a lever with from and to and no steps"
        return [written.fault(f"the design {form.design} {message}", "design")]
    return []


def _reason_faults(written: Written) -> list[Fault]:
    form = written.form
    names = [*form.levers, *SweepFile.model_fields]
    if isinstance(form.uncertainties, list | dict):
        names += form.uncertainties
    return [
        written.fault(f"'why' for '{name}', which this file does not vary{nearest(name, names)}", "why", name)
        for name in form.why
        if name not in names
    ]


def as_uncertainty(low: float, high: float, written: SampledRange, mode: float | None) -> Uncertainty:
    """Return a range of the file as the sampler's."""
    finite = all(math.isfinite(value) for value in (low, high, mode or 0.0))
    low, high = (low, high) if finite else (math.nan, math.nan)
    return Uncertainty(
        low=low, high=high, distribution=written.distribution, mode=mode, source=None, assumption="as this sweep says"
    )
