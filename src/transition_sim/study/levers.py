"""Levers: the few constants of a model that the offline page moves and a run's code can say, on even steps.

`models/levers.yaml` names them. A state of the levers is one index a lever, a whole number from 0 on. What an index
stands for is computed from whole numbers, `(first + step * index) / scale`, so that Python and JavaScript have the same
double, and it is the one that the decimal itself reads as.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from transition_sim.data import list_scenarios, models_folder, shipped_model
from transition_sim.engine.resolve import resolve
from transition_sim.errors import Fault, ScenarioError, TransitionSimError, nearest, shown
from transition_sim.model.equations import Kind, Model
from transition_sim.model.printing import content_hash
from transition_sim.model.reader import load_model
from transition_sim.study.scenario import load_scenario
from transition_sim.study.yaml_file import Item, line_of, plain, read_yaml

MAX_STEPS = 10_000
EDITIONS = 1024
"""How many editions of the table a code can tell apart."""


class LeverForm(BaseModel):
    """One lever as the file has it: a constant on even steps, or a choice of settings or of scenarios."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"[a-z][a-z0-9_]{0,39}")
    constant: str | None = None
    first: float | str | None = Field(None, alias="from")
    last: float | str | None = Field(None, alias="to")
    step: float | str | None = None
    budget: str | None = None
    choices: dict[str, dict[str, float]] | None = Field(None, min_length=2)
    scenarios: list[str] | None = Field(None, min_length=2)

    @model_validator(mode="after")
    def _one_form(self) -> LeverForm:
        stepped = [self.constant, self.first, self.last, self.step]
        forms = [all(part is not None for part in stepped), self.choices is not None, self.scenarios is not None]
        if forms.count(True) != 1 or (not forms[0] and any(part is not None for part in (*stepped, self.budget))):
            raise ValueError("give either constant, from, to and step, or choices, or scenarios")
        return self


class SwitchForm(BaseModel):
    """A switch as the file has it: for each choice, where it puts levers; a list of levers stands for their sum."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"[a-z][a-z0-9_]{0,39}")
    choices: dict[str, dict[str, float | list[str]]] = Field(min_length=2)


class ModelForm(BaseModel):
    """The levers of one model, the letter that its codes begin with, and switches that put several at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    letter: str = Field(pattern=r"[A-HJKMNP-TV-Z]")
    levers: list[LeverForm] = Field(min_length=1, max_length=60)
    switches: list[SwitchForm] = Field(default_factory=list, max_length=10)


@dataclass(frozen=True)
class Option:
    """One setting of a choice: the constants that it sets."""

    id: str
    sets: Mapping[str, float]


@dataclass(frozen=True)
class Lever:
    """A constant on even steps, or a choice between options.

    `usual` is the index at which it stands by itself, one for each option of the first lever where that is a choice of
    scenarios (a `profile`), else one. Shares of one `budget` are 1 together at most.
    """

    id: str
    count: int
    usual: tuple[int, ...]
    constant: str | None = None
    first: int = 0
    step: int = 0
    scale: int = 1
    budget: str | None = None
    options: tuple[Option, ...] = ()
    profile: bool = False

    def value(self, index: int) -> float:
        """Return the value of the constant at an index."""
        return (self.first + self.step * index) / self.scale

    def sets(self, index: int) -> dict[str, float]:
        """Return the constants that the lever sets at an index."""
        return {self.constant: self.value(index)} if self.constant else dict(self.options[index].sets)

    def at(self, first: int) -> int:
        """Return the index at which it stands by itself, given the index of the first lever."""
        return self.usual[first] if len(self.usual) > 1 else self.usual[0]


@dataclass(frozen=True)
class Switch:
    """An assumption with a name: each choice puts levers to a step, or to where the sum of other levers is.

    `choices` is choice -> lever -> step or ids of levers. A switch says nothing that levers do not say, so that no code
    needs it: which choice holds is read off where the levers stand.
    """

    id: str
    choices: Mapping[str, Mapping[str, int | tuple[str, ...]]]


@dataclass(frozen=True, eq=False)
class LeverTable:
    """The levers of a model in order, the letter of its codes, and the edition (0 to 1023) of table and equations."""

    model: Model
    letter: str
    levers: tuple[Lever, ...]
    edition: int
    switches: tuple[Switch, ...] = ()

    def usual(self, profile: int = 0) -> list[int]:
        """Return the state in which every lever stands where it stands by itself, in a profile where there are any."""
        return [profile if lever.profile else lever.at(profile) for lever in self.levers]

    def profile(self, state: Sequence[int]) -> int:
        """Return the index of the profile that a state is in, 0 where there are none."""
        return state[0] if self.levers[0].profile else 0

    def settings(self, state: Sequence[int]) -> dict[str, float]:
        """Return the constants that a state sets, in order of the levers; later levers win."""
        found: dict[str, float] = {}
        for lever, index in zip(self.levers, state, strict=True):
            found.update(lever.sets(index))
        return found

    def faults(self, state: Sequence[int]) -> list[str]:
        """Say which levers a state moves where they cannot go, and which budgets it overspends."""
        told = [
            f"{lever.id} is at step {index} of {lever.count}"
            for lever, index in zip(self.levers, state, strict=True)
            if not 0 <= index < lever.count
        ]
        spent: dict[str, float] = {}
        for lever, index in zip(self.levers, state, strict=True):
            if lever.budget:
                spent[lever.budget] = spent.get(lever.budget, 0.0) + lever.value(index)
        return told + [f"the shares of {name} sum to {total:.4g}, more than 1" for name, total in spent.items()
                       if total > 1 + 1e-9]  # fmt: skip

    def state_of(self, constants: Mapping[str, float]) -> list[int] | None:
        """Return the state in which the model has all these constants, `name -> value`; None where there is none."""
        for profile in range(self.levers[0].count if self.levers[0].profile else 1):
            own = {**self.model.constants, **self.settings(self.usual(profile))}
            state = [profile if lever.profile else _index(lever, constants, own, lever.at(profile))
                     for lever in self.levers]  # fmt: skip
            told = [index for index in state if index is not None]
            if len(told) == len(state) and not self.faults(told):
                full = {**self.model.constants, **self.settings(told)}
                if all(_same(full[name], value) for name, value in constants.items()):
                    return told
        return None

    def data(self) -> dict[str, Any]:
        """Return plain data for the page; `codec.js` reads it."""
        return {"model": self.model.name, "letter": self.letter, "edition": self.edition,
                "levers": [_data(lever) for lever in self.levers],
                "switches": [{"id": switch.id, "choices": [{"id": name, "puts": dict(puts)}
                                                           for name, puts in switch.choices.items()]}
                             for switch in self.switches]}  # fmt: skip


def _index(lever: Lever, constants: Mapping[str, float], own: Mapping[str, float], usual: int) -> int | None:
    """Return the index at which a lever gives these constants, the usual one first; None where there is none."""
    if lever.constant:
        index = _nearest_index(lever, constants[lever.constant])
        return index if _same(constants[lever.constant], lever.value(index)) else None
    touched = {name for option in lever.options for name in option.sets}
    order: list[int] = [usual, *range(lever.count)]
    for index in order:
        given = {**own, **lever.sets(index)}
        if all(_same(constants[name], given[name]) for name in touched):
            return index
    return None


def _same(one: float, other: float) -> bool:
    """Tell whether two numbers are the same but for what a conversion of units leaves in the last digits."""
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-15)


def _data(lever: Lever) -> dict[str, Any]:
    common: dict[str, Any] = {"id": lever.id, "count": lever.count, "usual": list(lever.usual)}
    if lever.constant:
        common |= {"constant": lever.constant, "first": lever.first, "step": lever.step, "scale": lever.scale}
        return common | ({"budget": lever.budget} if lever.budget else {})
    common |= {"profile": True} if lever.profile else {}
    return common | {"options": [{"id": option.id, "sets": dict(option.sets)} for option in lever.options]}


@lru_cache(maxsize=8)
def lever_table(name: str) -> LeverTable:
    """Return the shipped table of a shipped model; ScenarioError where it has none."""
    path = models_folder() / "levers.yaml"
    tables = load_levers(path, name)
    if name not in tables:
        raise ScenarioError(f"'{name}' has no levers; models with levers: {', '.join(letters().values())}")
    return tables[name]


@lru_cache(maxsize=1)
def letters() -> dict[str, str]:
    """Return the name of the model that each letter of a code means."""
    forms = _forms(models_folder() / "levers.yaml", [])
    return {form.letter: name for name, (form, _) in forms.items()}


def load_levers(path: Path, only: str | None = None) -> dict[str, LeverTable]:
    """Return the tables of a file by model name, or of one model; ScenarioError with a line for every fault."""
    faults: list[Fault] = []
    tables: dict[str, LeverTable] = {}
    for name, (form, item) in _forms(path, faults).items():
        if only not in (None, name):
            continue
        try:
            tables[name] = _table(load_model(shipped_model(name)), form, item, shown(path), faults)
        except TransitionSimError as error:
            faults += [Fault(shown(path), item.line, fault.message) for fault in error.faults]
    if faults:
        raise ScenarioError(sorted(set(faults)))
    return tables


def check_levers(path: Path) -> list[Fault]:
    """Return every fault of a file of levers."""
    try:
        load_levers(path)
    except ScenarioError as error:
        return list(error.faults)
    return []


def _forms(path: Path, faults: list[Fault]) -> dict[str, tuple[ModelForm, Item]]:
    """Return what a file says of each model, or note what is wrong with its form."""
    tree, _ = read_yaml(path)
    forms: dict[str, tuple[ModelForm, Item]] = {}
    for name, item in tree.value.items():
        try:
            forms[name] = ModelForm.model_validate(plain(item)), item
        except ValidationError as error:
            faults += [Fault(shown(path), line_of(item, e["loc"]), _spoken(e)) for e in error.errors(include_url=False)]
    used = [form.letter for form, _ in forms.values()]
    faults += [Fault(shown(path), item.line, f"{name}: the letter {form.letter} is another model's too")
               for name, (form, item) in forms.items() if used.count(form.letter) > 1]  # fmt: skip
    return forms


def _spoken(problem: Mapping[str, Any]) -> str:
    words = " / ".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        form = SwitchForm if "switches" in problem["loc"] else LeverForm
        allowed = [f.alias or name for name, f in form.model_fields.items()]
        return f"'{words}': unknown key; allowed: {', '.join(allowed)}{nearest(str(problem['loc'][-1]), allowed)}"
    return f"'{words}': {problem['msg'].removeprefix('Value error, ')}"


def _table(model: Model, form: ModelForm, item: Item, file: str, faults: list[Fault]) -> LeverTable:
    """Return the table of one model, its options checked against the model."""
    first = form.levers[0]
    options = _scenarios(model, first) if first.scenarios else []
    owns = [{**model.constants, **option.sets} for option in options] or [dict(model.constants)]
    levers: list[Lever] = []
    for i, each in enumerate(form.levers):
        line = line_of(item, ("levers", i))
        told: list[str] = []
        if each.scenarios and i > 0:
            told.append("only the first lever can be a choice of scenarios")
        elif each.scenarios:
            levers.append(Lever(each.id, len(options), (0,), options=tuple(options), profile=True))
        elif each.choices:
            levers.append(_choice(model, each, told))
        else:
            levers.append(_stepped(model, each, owns, told))
        faults += [Fault(file, line, f"{each.id}: {message}") for message in told]
    _overlaps(levers, file, item, faults)
    told_all = json.dumps([_data(lever) for lever in levers]) + content_hash(model)
    edition = int(hashlib.sha256(told_all.encode()).hexdigest(), 16) % EDITIONS
    return LeverTable(model, form.letter, tuple(levers), edition, _switches(form, levers, item, file, faults))


def _switches(
    form: ModelForm, levers: Sequence[Lever], item: Item, file: str, faults: list[Fault]
) -> tuple[Switch, ...]:
    """Return the switches of a model; what they name must be levers on even steps, what they put on a step of them."""
    stepped = {lever.id: lever for lever in levers if lever.constant}
    switches = []
    for i, each in enumerate(form.switches):
        told = [f"the name {each.id} is a lever's too"] if any(lever.id == each.id for lever in levers) else []
        choices = {name: {lever: _position(stepped, lever, where, told) for lever, where in puts.items()}
                   for name, puts in each.choices.items()}  # fmt: skip
        faults += [Fault(file, line_of(item, ("switches", i)), f"{each.id}: {message}") for message in told]
        switches.append(Switch(each.id, choices))
    return tuple(switches)


def _position(
    stepped: Mapping[str, Lever], lever: str, where: float | list[str], told: list[str]
) -> int | tuple[str, ...]:
    """Return the step that a value is of a lever, or the levers whose sum it follows; note what is wrong."""
    unknown = [name for name in (lever, *(where if isinstance(where, list) else ())) if name not in stepped]
    told += [f"'{name}' is no lever on even steps{nearest(name, list(stepped))}" for name in unknown]
    if unknown or isinstance(where, list):
        return tuple(where) if isinstance(where, list) else 0
    index = _nearest_index(stepped[lever], where)
    if not (0 <= index < stepped[lever].count and _same(stepped[lever].value(index), where)):
        told.append(f"{lever} has no step at {where:g}")
    return index


def _scenarios(model: Model, form: LeverForm) -> list[Option]:
    """Return the options of a choice of scenarios, with everything that each sets."""
    options, shipped = [], list_scenarios()
    for name in form.scenarios or ():
        if name not in shipped:
            raise ScenarioError(f"'{name}' is no shipped scenario{nearest(name, shipped)}")
        scenario = load_scenario(name)
        if scenario.series:
            raise ScenarioError(f"'{name}' has series over time, which no code can say")
        options.append(Option(name.rsplit("/", 1)[-1], resolve(model, scenario.settings).values))
    return options


def _choice(model: Model, form: LeverForm, told: list[str]) -> Lever:
    options = []
    for name, sets in (form.choices or {}).items():
        told += [message for constant, value in sets.items() for message in _wrong(model, constant, value)]
        options.append(Option(name, {model.find(key).name: value for key, value in sets.items() if key in model}))
    return Lever(form.id, len(options), (0,), options=tuple(options))


def _stepped(model: Model, form: LeverForm, owns: Sequence[Mapping[str, float]], told: list[str]) -> Lever:
    """Return a lever on even steps; what it stands at by itself, in each scenario, must be on a step."""
    first, last, step = (_fraction(part, told) for part in (form.first, form.last, form.step))
    scale = math.lcm(first.denominator, step.denominator)
    steps = (last - first) / step if step > 0 else Fraction(-1)
    if not 0 < steps <= MAX_STEPS or steps.denominator != 1:
        told.append(f"'from' to 'to' is {float(steps):g} steps; allowed: a whole number, 1 to {MAX_STEPS:,}")
        return Lever(form.id, 1, (0,), str(form.constant))
    for value in (first, last):
        told += _wrong(model, str(form.constant), float(value))
    if form.constant not in model:
        return Lever(form.id, 1, (0,), str(form.constant))
    name = model.find(str(form.constant)).name
    bare = Lever(form.id, int(steps) + 1, (0,), name, int(first * scale), int(step * scale), scale, form.budget)
    usual = [_nearest_index(bare, own[name]) for own in owns]
    told += [f"'{name}' is {own[name]:g} by itself, which is on no step" for own, index in zip(owns, usual, strict=True)
             if not (0 <= index < bare.count and bare.value(index) == own[name])]  # fmt: skip
    many = tuple(usual) if len(set(usual)) > 1 else (usual[0],)
    return Lever(form.id, bare.count, many, name, bare.first, bare.step, scale, form.budget)


def _fraction(part: float | str | None, told: list[str]) -> Fraction:
    try:
        return Fraction(str(part))
    except (ValueError, ZeroDivisionError):
        told.append(f"'{str(part)[:40]}' is no number and no fraction such as 1/12")
        return Fraction(1)


def _nearest_index(lever: Lever, value: float) -> int:
    return round((value * lever.scale - lever.first) / lever.step)


def _wrong(model: Model, name: str, value: float) -> list[str]:
    """Say what is wrong with setting a constant to a value."""
    if name not in model or model.find(name).kind is not Kind.CONSTANT:
        return [f"'{name}' is no constant of {model.name}.mdl{nearest(name, list(model.constants))}"]
    try:
        resolve(model, {}, {name: value})
    except ScenarioError as error:
        return [fault.message for fault in error.faults]
    return []


def _overlaps(levers: Sequence[Lever], file: str, item: Item, faults: list[Fault]) -> None:
    """Refuse two levers of one name, or that set the same constant; scenarios may, for other levers win over them."""
    seen: dict[str, str] = {}
    for i, lever in enumerate(levers):
        moved = [lever.constant] if lever.constant else [name for option in lever.options for name in option.sets]
        for name in [f"lever {lever.id}", *dict.fromkeys([] if lever.profile else moved)]:
            if name in seen:
                line = line_of(item, ("levers", i))
                faults.append(Fault(file, line, f"'{name}' is moved by {seen[name]} too"))
            seen[name] = lever.id
