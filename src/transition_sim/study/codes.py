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
from transition_sim.study.codec import CodeError, Field, Kind, read_code, write_code
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
    if model.name not in letters().values():
        return None
    table = lever_table(model.name)
    if content_hash(model) != content_hash(table.model):
        return None
    given = {model.find(name).name: float(value) for name, value in constants.items()}
    state = table.state_of({**model.constants, **given})
    return code_of_state(table, state) if state is not None else None


def code_of_state(table: LeverTable, state: Sequence[int]) -> str:
    """Return the code of a state of a table's levers."""
    return write_code(table.letter, table.edition, kind_of_table(table).fields, state)


def table_and_state(code: str) -> tuple[LeverTable, list[int]]:
    """Return the table and the state that a code stands for; CodeError with what is wrong with the code."""
    letter, state = read_code(code, _kind)
    table = lever_table(letters()[letter])
    told = table.faults(state)
    if told:
        raise CodeError("content", f"'{code_of_state(table, state)}' says what cannot be set: {'; '.join(told)}")
    return table, state


def kind_of_table(table: LeverTable) -> Kind:
    """Return the kind of code that a table of levers makes."""
    return Kind(table.edition, tuple(Field(lever.count, lever.usual) for lever in table.levers))


def moved_lines(table: LeverTable, state: Sequence[int]) -> list[str]:
    """Say in a line each which levers do not stand where they stand by themselves, and the profile where there is one."""
    usual = table.usual(state[0])
    lines = []
    for i, (lever, index) in enumerate(zip(table.levers, state, strict=True)):
        if lever.options and (index != usual[i] or (i == 0 and len(lever.options[0].sets) > 1)):
            lines.append(f"{lever.id.replace('_', ' ')}: {lever.options[index].id.replace('_', ' ')}")
        elif index != usual[i] and lever.constant:
            unit = table.model.find(lever.constant).unit
            own = f"{lever.value(usual[i]):g}"
            lines.append(f"{lever.constant} = {lever.value(index):.6g} {unit} (by itself {own})")
    return lines


def _kind(letter: str) -> Kind | None:
    name = letters().get(letter)
    return kind_of_table(lever_table(name)) if name is not None else None
