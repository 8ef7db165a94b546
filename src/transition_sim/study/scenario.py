"""Scenario files: a title, a model, an optional parent, and the constants that they set, with reasons.

A file is untrusted: it is read as plain data, its references stay inside its own folder, and every fault is reported
with file, line, what is allowed and the nearest name. Values are parsed here and checked in `engine.resolve`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transition_sim.data import (
    list_models,
    list_scenarios,
    shipped_model,
    shipped_scenario,
    shipped_sweep,
    shipped_workshop,
    write_bytes,
)
from transition_sim.engine.resolve import Series, Setting, resolve
from transition_sim.errors import Fault, ModelError, ScenarioError, TransitionSimError, nearest, shown
from transition_sim.model.equations import Model
from transition_sim.study.yaml_file import Item, line_of, plain, read_yaml
from transition_sim.units import split_number

DEFINITIONS = {"war": 0.0, "armed_conflict": 1.0, "major_war": 2.0}
MAX_PARENTS = 10
Value = Annotated[float | str, Field(description="a number in the model's unit, or text such as '4 years'")]


class ScenarioFile(BaseModel):
    """A transition_sim scenario: what it sets and why."""

    model_config = ConfigDict(extra="forbid", title="transition_sim scenario")

    title: str = Field(min_length=1, max_length=200, description="what the scenario is, in a few words")
    model: str | None = Field(
        None, description="a shipped model's name, or an .mdl file below this file's folder; default transition"
    )
    based_on: str | None = Field(
        None, description="a shipped scenario's name, or a .yaml file below this file's folder; its values come first"
    )
    set: dict[str, Value] = Field(default_factory=dict, description="constants by their name in the model")
    series: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="constants that change over time: {time: value}, linear between the points"
    )
    why: dict[str, str] = Field(
        default_factory=dict, description="a source or an assumption for each value that is set"
    )


@dataclass(frozen=True)
class Scenario:
    """A scenario as read: what it sets, by model name as written, parents first; not yet checked against its model."""

    name: str
    title: str
    model: Path
    settings: Mapping[str, Setting] = field(default_factory=dict)
    series: Mapping[str, Series] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    hash: str = ""

    def __repr__(self) -> str:
        return f"<Scenario '{self.name}': {self.title}>"

    def _repr_html_(self) -> str:
        from transition_sim.study.forms import scenario_html

        return scenario_html(self)

    def combined(self, *others: Scenario) -> Scenario:
        """Return this scenario with others laid over it, later ones winning; all must be of one model."""
        result = self
        for other in others:
            if other.model != result.model:
                raise ScenarioError(
                    f"'{other.name}' is for model '{other.model.stem}', '{result.name}' for '{result.model.stem}'"
                )
            result = Scenario(
                f"{result.name} + {other.name}",
                f"{result.title}; {other.title}",
                result.model,
                {**result.settings, **other.settings},
                {**result.series, **other.series},
                {**result.why, **other.why},
                (*result.files, *other.files),
                hashlib.sha256(f"{result.hash}{other.hash}".encode()).hexdigest(),
            )
        return result

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write the scenario as a YAML file that sets all it sets, parents' values included; return its path.

        It names its model where that is shipped or lies below the file's folder. Raises ScenarioError where the file
        exists already without `force`, cannot be written, or could not name the model.
        """
        target = Path(path)
        if target.exists() and not force:
            raise ScenarioError(Fault(shown(target), None, "exists already; force=True replaces it"))
        try:
            return write_bytes(target, _as_yaml(self, target).encode("utf-8"))
        except OSError as error:
            raise ScenarioError(Fault(shown(target), None, f"cannot be written: {error.strerror}")) from error


def load_scenario(reference: str | Path) -> Scenario:
    """Return the scenario of a shipped name (`entry_points/none`) or a file, its parents merged below it.

    Raises ScenarioError with every fault of the file's form; names, units and limits are checked when it is run.
    """
    path = Path(reference)
    if not path.exists():
        name = Path(reference).as_posix()
        if "/" not in name and not path.suffix:
            ends = [known for known in list_scenarios(templates=True) if known.rsplit("/", 1)[-1] == name]
            name = ends[0] if len(ends) == 1 else name
        if path.suffix and name.removesuffix(".yaml") not in list_scenarios(templates=True):
            raise ScenarioError(Fault(shown(path), None, f"no such file{nearest(name, list_scenarios())}"))
        path = shipped_scenario(name)
    return _load(path, ())


def check_scenario(path: str | Path, model: Model | None = None) -> list[Fault]:
    """Return every fault of a scenario file, its names, units and limits against its model included."""
    from transition_sim.model.reader import load_model

    try:
        scenario = load_scenario(path)
        resolve(model or load_model(scenario.model), scenario.settings, None, scenario.series)
    except TransitionSimError as error:
        return list(error.faults)
    return []


def copy_scenario(reference: str, to: str | Path, force: bool = False) -> Path:
    """Copy a shipped scenario, sweep or workshop to a file of one's own; ScenarioError where one exists."""
    finders = {"sweeps": shipped_sweep, "teaching": shipped_workshop}
    find = finders.get(reference.split("/", 1)[0], shipped_scenario)
    source, target = find(reference), Path(to)
    if target.is_dir():
        target = target / source.name
    if target.exists() and not force:
        raise ScenarioError(Fault(shown(target), None, "exists already; --force replaces it"))
    if not target.parent.is_dir():
        raise ScenarioError(Fault(shown(target), None, f"there is no folder '{shown(target.parent)}'"))
    try:
        write_bytes(target, source.read_bytes())
    except OSError as error:
        raise ScenarioError(Fault(shown(target), None, f"cannot be written: {error.strerror}")) from error
    return target


def _as_yaml(scenario: Scenario, target: Path) -> str:
    """Return a scenario as the text of a file: words in quotes where they need them, every number to the last bit."""
    lines = [f"title: {_quoted(scenario.title[:200])}", f"model: {_quoted(_model_reference(scenario.model, target))}"]
    lines += ["set:"] if scenario.settings else []
    for name, setting in scenario.settings.items():
        number = _digits(setting.value)
        lines.append(f"  {_quoted(name)}: {_quoted(f'{number} {setting.unit}') if setting.unit else number}")
    lines += ["series:"] if scenario.series else []
    for name, series in scenario.series.items():
        points = [f"{_digits(time)}: {_digits(value)}" for time, value in zip(series.times, series.values, strict=True)]
        lines.append(f"  {_quoted(name)}: {{{', '.join(points)}}}")
    why = {name: text for name, text in scenario.why.items() if name in (*scenario.settings, *scenario.series)}
    lines += ["why:"] if why else []
    lines += [f"  {_quoted(name)}: {_quoted(text)}" for name, text in why.items()]
    return "\n".join(lines) + "\n"


def _digits(value: float) -> str:
    """Return a number with all of its digits."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else repr(float(value))


def _quoted(text: str) -> str:
    """Return text as YAML takes it: plain words as they are, others in quotes, what cannot be printed by number."""
    if re.fullmatch(r"[A-Za-z]+( [A-Za-z]+)+", text):
        return text
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)
    )


def _model_reference(model: Path, target: Path) -> str:
    if model.stem in list_models() and shipped_model(model.stem).resolve() == model.resolve():
        return model.stem
    folder = target.resolve().parent
    if not model.resolve().is_relative_to(folder):
        told = f"would not find its model: {shown(model)} is not below the folder of this file"
        raise ScenarioError(Fault(shown(target), None, told))
    return model.resolve().relative_to(folder).as_posix()


def schema() -> str:
    """Return the JSON Schema of scenario files, as text, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | ScenarioFile.model_json_schema(), indent=2) + "\n"


def _load(path: Path, children: tuple[Path, ...]) -> Scenario:
    real = path.resolve()
    tree, data = read_yaml(path)
    faults: list[Fault] = []
    form = _form(tree, shown(path), faults)
    if form is None:
        raise ScenarioError(sorted(set(faults)))
    settings, series = _settings(form, tree, shown(path), faults), _series(form, tree, shown(path), faults)
    parent = _parent(form, tree, path, (*children, real), faults)
    model = _model(form, tree, path, parent, faults)
    _reasons(form, tree, shown(path), faults)
    if faults or model is None:
        raise ScenarioError(sorted(set(faults)))
    own = Scenario(
        _name(path), form.title, model, settings, series, form.why, (path,), hashlib.sha256(data).hexdigest()
    )
    if parent is None:
        return own
    merged = parent.combined(own)
    return Scenario(
        own.name, own.title, model, merged.settings, merged.series, merged.why, merged.files, merged.hash
    )  # fmt: skip


def _name(path: Path) -> str:
    shipped = _shipped_by_path().get(path.resolve())
    return shipped or shown(path)


@lru_cache(maxsize=1)
def _shipped_by_path() -> dict[Path, str]:
    return {shipped_scenario(name).resolve(): name for name in list_scenarios(templates=True)}


def _form(tree: Item, file: str, faults: list[Fault]) -> ScenarioFile | None:
    """Return the validated form, or note a fault with its line for each thing that pydantic found."""
    try:
        return ScenarioFile.model_validate(plain(tree), strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        faults.extend(Fault(file, line_of(tree, problem["loc"]), _spoken(problem, tree)) for problem in problems)
        return None


def _spoken(problem: Mapping[str, Any], tree: Item) -> str:
    """Return what pydantic found, in the words of the file."""
    location = [str(part) for part in problem["loc"] if str(part) not in ("float", "str")]
    name = location[-1] if location else "the file"
    if problem["type"] == "extra_forbidden":
        allowed = list(ScenarioFile.model_fields)
        return f"unknown key '{name}'; allowed: {', '.join(allowed)}{nearest(name, allowed)}"
    if problem["type"] == "missing":
        return f"'{name}' is missing"
    given = problem.get("input")
    what = "true or false" if isinstance(given, bool) else "nothing" if given is None else repr(given)[:40]
    wanted = {
        "set": "a number in the model's unit or text such as '4 years'",
        "series": "numbers {time: value}",
        "why": "text",
    }.get(location[0] if location else "", "text")
    wanted = "lines of 'name: value'" if len(location) == 1 and name in ("set", "series", "why") else wanted
    return f"'{name}' is {what}; allowed: {wanted}"


def _settings(form: ScenarioFile, tree: Item, file: str, faults: list[Fault]) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for name, value in form.set.items():
        line = tree.value["set"].value[name].line
        parts = (value, "") if isinstance(value, float) else _number(name, value)
        if parts is None:
            words = f" or {', '.join(DEFINITIONS)}" if name == "relapse definition" else ""
            message = (
                f"'{name}' is '{str(value)[:40]}'; allowed: a number, or a number and a unit such as '4 years'{words}"
            )
            faults.append(Fault(file, line, message))
        elif not math.isfinite(parts[0]):
            faults.append(Fault(file, line, f"'{name}' is {parts[0]}; allowed: finite numbers"))
        else:
            found[name] = Setting(parts[0], parts[1] or None, file, line)
    return found


def _number(name: str, text: str) -> tuple[float, str] | None:
    if name.strip().lower() == "relapse definition" and text in DEFINITIONS:
        return DEFINITIONS[text], ""
    return split_number(text)


def _series(form: ScenarioFile, tree: Item, file: str, faults: list[Fault]) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for name, points in form.series.items():
        item = tree.value["series"].value[name]
        times: list[float] = []
        for key, value in points.items():
            line = item.value[key].line
            parts = split_number(key)
            if parts is None or parts[1]:
                faults.append(Fault(file, line, f"series '{name}': time '{key[:40]}' is no number"))
            elif not math.isfinite(value):
                faults.append(Fault(file, line, f"series '{name}': {value} is no finite number"))
            else:
                times.append(parts[0])
        if len(times) == len(points):
            found[name] = Series(tuple(times), tuple(points.values()), file, item.line)
    return found


def _reasons(form: ScenarioFile, tree: Item, file: str, faults: list[Fault]) -> None:
    named = [*form.set, *form.series]
    for name in form.why:
        if name not in named:
            line = tree.value["why"].value[name].line
            faults.append(Fault(file, line, f"'why' for '{name}', which this file does not set{nearest(name, named)}"))


def _parent(form: ScenarioFile, tree: Item, path: Path, seen: tuple[Path, ...], faults: list[Fault]) -> Scenario | None:
    if form.based_on is None:
        return None
    file, line = shown(path), tree.value["based_on"].line
    try:
        target = within(form.based_on, path, list_scenarios(templates=True), (".yaml", ".yml"))
    except ScenarioError as error:
        faults.append(Fault(file, line, f"based_on: {error.faults[0].message}"))
        return None
    found = target or shipped_scenario(form.based_on)
    if found.resolve() in seen or len(seen) > MAX_PARENTS:
        faults.append(Fault(file, line, f"based_on '{form.based_on}' comes back to a file that is based on it"))
        return None
    try:
        return _load(found, seen)
    except ScenarioError as error:
        faults.extend(error.faults)
        return None


def _model(form: ScenarioFile, tree: Item, path: Path, parent: Scenario | None, faults: list[Fault]) -> Path | None:
    if form.model is None:
        return parent.model if parent else shipped_model("transition").resolve()
    file, line = shown(path), tree.value["model"].line
    try:
        target = within(form.model, path, list_models(), (".mdl",)) or shipped_model(form.model)
    except (ScenarioError, ModelError) as error:
        faults.append(Fault(file, line, f"model: {error.faults[0].message}"))
        return None
    if parent and parent.model != target.resolve():
        faults.append(Fault(file, line, f"model '{form.model}' is not the parent's, '{parent.model.stem}'"))
    return target.resolve()


def within(reference: str, path: Path, names: list[str], suffixes: tuple[str, ...]) -> Path | None:
    """Return the file that a reference in another file means, None for a shipped name.

    ScenarioError where it is neither, or leaves the folder of the file that names it.
    """
    if reference.removesuffix(".yaml") in names:
        return None
    folder = path.resolve().parent
    written = Path(reference)
    if written.is_absolute() or ".." in written.parts or "\\" in reference or ":" in reference:
        raise ScenarioError(
            f"'{reference[:80]}' leaves the folder of this file; allowed: shipped names, files below it"
        )
    target = folder / written
    if target.suffix not in suffixes or not target.is_file():
        hint = nearest(reference, names)
        raise ScenarioError(f"'{reference[:80]}' is no shipped name and no {suffixes[0]} file below this folder{hint}")
    if not target.resolve().is_relative_to(folder):
        raise ScenarioError(f"'{reference[:80]}' leaves the folder of this file through a link")
    return target
