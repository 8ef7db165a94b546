"""The models inside the offline page against those in Python: random settings of the levers over the same worlds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import transition_sim as ts
from transition_sim.lab.worlds import lab_worlds, pack_worlds
from transition_sim.model.equations import Kind
from transition_sim.study.drivers import with_drivers
from transition_sim.study.levers import lever_table

AGREED = 1e-9
"""Of the largest value of each variable."""
RUN = """([name, columns, count]) => { const { model, runMany } = module_models.models[name];
const done = runMany(columns, count, { saveEvery: 12 });
const names = model.outputs.map((output) => output.name);
return { names, time: [...done.time], series: done.series.map((values) => [...values]) }; }"""


def random_states(name: str, count: int) -> list[list[int]]:
    generator = np.random.default_rng(20)
    table = lever_table(name)
    states: list[list[int]] = []
    while len(states) < count:
        state = [int(generator.integers(lever.count)) for lever in table.levers]
        for i, lever in enumerate(table.levers):
            state[i] = lever.at(state[0]) if lever.budget and generator.random() < 0.7 else state[i]
        if not table.faults(state):
            states.append(state)
    return states


def largest_differences(name: str, count: int, evaluate: Callable[[str, Any], Any]) -> dict[str, float]:
    """Return the variables that differ by more than is agreed, with how much, as a share of their largest value.

    `evaluate(function, argument)` runs a function of JavaScript in the page. Up to 200 settings, a world each.
    """
    model, table = with_drivers(ts.load_model(name)), lever_table(name)
    owner = ts.load_model("transition")
    worlds = {key: column[:count] for key, column in lab_worlds(model, owner, pack_worlds(owner, "c6")).items()}
    settings = [table.settings(state) for state in random_states(name, count)]
    every = {key for each in settings for key in each}
    columns = dict(worlds) | {
        key: np.array([each.get(key, worlds[key][i] if key in worlds else model.constants[key])
                       for i, each in enumerate(settings)]) for key in every
    }  # fmt: skip
    order = [variable.name for variable in model.of_kind(Kind.CONSTANT)]
    given = [columns[key].tolist() if key in columns else model.constants[key] for key in order]
    theirs = evaluate(RUN, [name, given, count])
    ours = ts.simulate(model, constants=columns, outputs=theirs["names"], method="rk4", save_every=12, backend="numpy")
    assert theirs["time"] == ours.time.tolist()
    found = {}
    for output, series in zip(theirs["names"], theirs["series"], strict=True):
        off = np.abs(np.array(series, dtype=float).reshape(len(ours.time), count) - ours[output]).max()
        share = off / max(float(np.abs(ours[output]).max()), 1e-12)
        if not share <= AGREED:
            found[output] = float(share)
    return found
