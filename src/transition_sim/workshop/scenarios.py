"""Workshop files: a shipped workshop or one's own, its parent below it, checked against the model.

A file is untrusted: it is read as plain data, its references stay inside its own folder, and every fault is reported
with file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from transition_sim.data import list_workshops, shipped_workshop
from transition_sim.engine.resolve import Series, Setting, resolve
from transition_sim.errors import Fault, ScenarioError, TransitionSimError, nearest, shown
from transition_sim.model.equations import Model
from transition_sim.study.scenario import Scenario, load_scenario, within
from transition_sim.study.worlds import load_uncertainties, sampled
from transition_sim.study.yaml_file import Item, line_of, plain, read_yaml
from transition_sim.units import split_number
from transition_sim.workshop.form import Workshop

FILE_KEYS = ("extends", "based_on", "set", "series")
MAX_PARENTS = 4


def load_workshop(reference: str | Path, model: Model) -> Workshop:
    """Return a shipped workshop (`aid_gap`) or that of a file.

    Raises ScenarioError with file and line for every fault: form, names, units, limits, and decisions that would set
    what calibrated worlds sample.
    """
    path = Path(reference)
    if not path.is_file():
        if path.suffix:
            raise ScenarioError(Fault(shown(path), None, f"no such file{nearest(str(reference), list_workshops())}"))
        path = shipped_workshop(str(reference))
    trees = _with_parents(path)
    merged: dict[str, Any] = {}
    for _, tree in reversed(trees):
        merged = _merged(merged, plain(tree))
    shipped = {shipped_workshop(name).resolve(): name for name in list_workshops()}
    name = shipped.get(path.resolve(), path.stem)
    constants, series = _country(merged, trees, model)
    data = {key: value for key, value in merged.items() if key not in FILE_KEYS}
    workshop = _workshop_of(data | {"name": name, "constants": constants, "series": series}, trees)
    faults = _model_faults(workshop, trees, model)
    if faults:
        raise ScenarioError(faults)
    return workshop


def _workshop_of(data: Mapping[str, Any], trees: list[tuple[Path, Item]]) -> Workshop:
    """Return a workshop from plain data; ScenarioError, with file and line, where it is none."""
    try:
        workshop = Workshop.model_validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ScenarioError([_fault(trees, problem["loc"], _spoken(problem)) for problem in problems]) from None
    faults = [_fault(trees, place, message) for place, message in workshop.mistakes()]
    if faults:
        raise ScenarioError(faults)
    return workshop


def is_workshop(tree: Mapping[str, Any]) -> bool:
    """Return whether the top of a file is that of a workshop."""
    return "extends" in tree or {"rounds", "roles"} <= set(tree)


def workshop_lines(workshop: Workshop) -> list[str]:
    """Return a workshop in a few lines: question, rounds, decisions with prices."""
    lines = [f"{workshop.name}: {workshop.title.en}", f"  {workshop.question.en}"]
    for name, each in workshop.rounds.items():
        lines.append(f"  {each.title.en} (month {each.month:g})")
        for lever in workshop.levers_of(name).values():
            told = [f"{lever.label_of(i, 'en')} [{choice.price}]" for i, choice in enumerate(lever.choices)]
            lines.append(f"    {lever.role}: {lever.title.en}: {', '.join(told)}")
    return lines


def check_workshop(path: Path, model: Model) -> list[Fault]:
    """Return every fault of a workshop file."""
    try:
        if path.name.startswith("_"):
            read_yaml(path)
        else:
            load_workshop(path, model)
    except TransitionSimError as error:
        return list(error.faults)
    return []


def _with_parents(path: Path) -> list[tuple[Path, Item]]:
    """Return the trees of a file and of what it extends, the file first."""
    found: list[tuple[Path, Item]] = []
    while len(found) <= MAX_PARENTS:
        tree, _ = read_yaml(path)
        found.append((path, tree))
        if "extends" not in tree.value:
            return found
        item = tree.value["extends"]
        names = list_workshops(templates=True)
        try:
            target = within(str(item.value), path, [f"teaching/{name}" for name in names], (".yaml", ".yml"))
            path = target or shipped_workshop(str(item.value))
        except ScenarioError as error:
            raise ScenarioError(Fault(shown(path), item.line, f"extends: {error.faults[0].message}")) from None
    raise ScenarioError(Fault(shown(path), None, "'extends' leads on without end"))


def _merged(below: Any, above: Any) -> Any:
    """Return two trees as one: lines of the upper one win, anything else replaces what is below."""
    if isinstance(below, dict) and isinstance(above, dict):
        replaced = {key: _merged(below[key], value) if key in below else value for key, value in above.items()}
        return {**below, **replaced}
    return above


def _country(
    merged: Mapping[str, Any], trees: list[tuple[Path, Item]], model: Model
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return constants in the model's units and series of the country, checked."""
    based_on = merged.get("based_on")
    base = load_scenario(str(based_on)) if based_on is not None else Scenario("none", "none", Path())
    settings, faults = dict(base.settings), []
    for name, value in _lines(merged, "set").items():
        parts = (value, "") if isinstance(value, float) else split_number(str(value))
        fault = _fault(trees, ("set", name), f"'{name}' is '{str(value)[:40]}'; allowed: a number, or number and unit")
        if parts is None:
            faults.append(fault)
        else:
            settings[name] = Setting(parts[0], parts[1] or None, fault.file, fault.line)
    series = dict(base.series)
    for name, points in _lines(merged, "series").items():
        fault = _fault(trees, ("series", name), f"series '{name}': lines of 'time: value' are expected")
        try:
            times, values = tuple(float(key) for key in points), tuple(float(value) for value in points.values())
        except (TypeError, ValueError, AttributeError):
            faults.append(fault)
            continue
        series[name] = Series(times, values, fault.file, fault.line)
    if faults:
        raise ScenarioError(faults)
    resolved = resolve(model, settings, None, series)
    told = {
        model.find(name).name: {f"{t:g}": v for t, v in zip(s.times, s.values, strict=True)}
        for name, s in series.items()
    }
    return resolved.values, told


def _lines(merged: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = merged.get(key) or {}
    if not isinstance(found, dict):
        raise ScenarioError(f"'{key}' must hold lines of 'name: value'")
    return found


def _model_faults(workshop: Workshop, trees: list[tuple[Path, Item]], model: Model) -> list[Fault]:
    """Say which decisions, news and outcomes do not fit the model, or set what calibrated worlds sample."""
    uncertain = set(sampled(load_uncertainties(model)[0]))
    faults: list[Fault] = []
    places: list[tuple[tuple[str, ...], dict[str, float]]] = [
        (("levers", name, "choices"), lever.constants(i))
        for name, lever in workshop.levers.items()
        for i in range(len(lever.choices))
    ]
    places += [(("news", name), {**news.set, **dict.fromkeys(news.rise, 0.0)}) for name, news in workshop.news.items()]
    for place, constants in places:
        try:
            resolve(model, {}, constants)
        except ScenarioError as error:
            faults += [_fault(trees, place, f"'{place[1]}': {fault.message}") for fault in error.faults]
            continue
        for name in constants:
            if model.find(name).name in uncertain:
                told = f"'{place[1]}' sets '{name}', which calibrated worlds sample; decide on something else"
                faults.append(_fault(trees, place, told))
    named: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        *((("outcomes", name), outcome.of) for name, outcome in workshop.outcomes.items()),
        *((("news", name), tuple(news.add)) for name, news in workshop.news.items()),
        (("watch",), tuple(workshop.watch)),
    ]
    for place, names in named:
        for name in names:
            if name not in model:
                faults.append(_fault(trees, place, f"'{name}' is not in the model{nearest(name, model.names())}"))
    return list(dict.fromkeys(faults))


def _fault(trees: list[tuple[Path, Item]], place: tuple[int | str, ...], message: str) -> Fault:
    """Return a fault at the first file that has the place, as far down as it goes."""
    for path, tree in trees:
        if place and isinstance(tree.value, dict) and str(place[0]) in tree.value:
            return Fault(shown(path), line_of(tree, place), message)
    return Fault(shown(trees[0][0]), None, message)


def _spoken(problem: Mapping[str, Any]) -> str:
    place = " / ".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{place}'"
    return f"'{place}': {problem['msg']}"
