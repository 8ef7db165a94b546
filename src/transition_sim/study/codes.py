"""Codes of runs: what the offline page, the command line and a notebook call the same run by.

A code says a state of the levers of a shipped model (`levers.py`) in a few letters (`codec.py`). It is computed as the
page computes it, by RK4 at the file's own step, so that the numbers are the page's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from transition_sim.data import shipped_model
from transition_sim.engine.resolve import Setting
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import simulate
from transition_sim.model.equations import Model
from transition_sim.model.printing import content_hash
from transition_sim.model.reader import load_model
from transition_sim.study.codec import Field, Kind, read_code, write_code
from transition_sim.study.levers import LeverTable, letters, lever_table
from transition_sim.study.scenario import Scenario


def load_code(code: str) -> Scenario:
    """Return the scenario that a run's code stands for; CodeError, a ScenarioError, with what is wrong with the code.

    It sets every constant that a lever can move. Its name is the code as it is written.
    """
    table, state = table_and_state(code)
    written = code_of_state(table, state)
    settings = {name: Setting(value, None, f"code {written}") for name, value in table.settings(state).items()}
    path = shipped_model(table.model.name).resolve()
    return Scenario(
        f"code {written}", f"Run {written}", path, settings, hash=hashlib.sha256(written.encode()).hexdigest()
    )


def run_code(code: str, **how: Any) -> Result:
    """Return the run that a code stands for, as the page computes it; `how` is as for `simulate`, with method `rk4`."""
    scenario = load_code(code)
    return simulate(load_model(scenario.model), scenario, **{"method": "rk4", **how})


def code_of(model: Model, constants: Mapping[str, float]) -> str | None:
    """Return the code of a run with these constants, `name -> value`; the model's own where one is not given.

    None where the model is no shipped one with levers (or its equations were changed), or no state of them is this run.
    """
    found = _state_of(model, constants)
    return code_of_state(*found) if found is not None else None


def _state_of(model: Model, constants: Mapping[str, float]) -> tuple[LeverTable, list[int]] | None:
    if model.name not in letters().values() or content_hash(model) != content_hash(lever_table(model.name).model):
        return None
    table = lever_table(model.name)
    given = {model.find(name).name: float(value) for name, value in constants.items()}
    given.pop("SAVEPER", None)  # how often a run is saved does not change it
    state = table.state_of({**model.constants, **given})
    return (table, state) if state is not None else None


def code_of_run(result: Result) -> str | None:
    """Return the code of a single run, None where no state of the levers is this run: another model, series, worlds."""
    table_state = _state_of_run(result)
    return code_of_state(*table_state) if table_state is not None else None


def code_lines(result: Result) -> list[str]:
    """Say the code of a run and what it stands for; nothing where it has none."""
    table_state = _state_of_run(result)
    if table_state is None:
        return []
    moved = moved_lines(*table_state)
    told = [f"Code of this run: {code_of_state(*table_state)} (the offline page and run --code open it)"]
    return ["", *told, *(f"  {line}" for line in moved or ["everything stands where it stands by itself"])]


def _state_of_run(result: Result) -> tuple[LeverTable, list[int]] | None:
    own = {name: float(column[0]) for name, column in result.constants.items()}
    settings = {"time_step": "TIME STEP", "start": "INITIAL TIME", "stop": "FINAL TIME"}
    own |= {name: float(result.provenance[key]) for key, name in settings.items()}
    usable = result.model is not None and result.runs == 1 and result.provenance["events"] == "exact"
    return _state_of(result.model, own) if usable and result.model is not None else None


def code_of_state(table: LeverTable, state: Sequence[int]) -> str:
    """Return the code of a state of a table's levers."""
    return write_code(table.letter, table.edition, kind_of_table(table).fields, state)


def table_and_state(code: str) -> tuple[LeverTable, list[int]]:
    """Return the table and the state that a code stands for; CodeError with what is wrong with the code."""
    letter, state = read_code(code, _kind)
    return lever_table(letters()[letter]), state


def kind_of_table(table: LeverTable) -> Kind:
    """Return the kind of code that a table of levers makes."""
    return Kind(table.edition, tuple(Field(lever.count, lever.usual) for lever in table.levers), table.faults)


def moved_lines(table: LeverTable, state: Sequence[int]) -> list[str]:
    """Say in a line each what a state moves from where it stands by itself, and its profile where there is one."""
    usual = table.usual(table.profile(state))
    lines = []
    for lever, index, own in zip(table.levers, state, usual, strict=True):
        if lever.options and (lever.profile or index != own):
            lines.append(f"{lever.id.replace('_', ' ')}: {lever.options[index].id.replace('_', ' ')}")
        elif lever.constant and index != own:
            unit = table.model.find(lever.constant).unit
            lines.append(f"{lever.constant} = {lever.value(index):.6g} {unit} (by itself {lever.value(own):g})")
    return lines


def _kind(letter: str) -> Kind | None:
    name = letters().get(letter)
    return kind_of_table(lever_table(name)) if name is not None else None
