"""Every golden model printed as JavaScript: its expected table, and both Python engines' numbers, in V8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from printed import by_python, engine, in_order, largest_difference, runs

from transition_sim.engine.javascript import moving, print_script
from transition_sim.errors import ModelError
from transition_sim.model.equations import Kind, Model, canonical
from transition_sim.model.reader import load_model

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.mdl"))
CONTROLS = ("INITIAL TIME", "FINAL TIME", "TIME STEP", "SAVEPER")
MODES = [("euler", "compatible"), ("rk4", "exact")]


def is_random(model: Model) -> bool:
    return "random" in model.name


def needs_even_steps(model: Model) -> bool:
    return any(variable.even_step for variable in model.variables.values())


@pytest.mark.parametrize("name", NAMES)
def test_golden_model_in_javascript(name: str) -> None:
    """The expected table under Euler with compatible events; NumPy's numbers in each mode, constants moved too."""
    model = load_model(HERE / f"{name}.mdl")
    for method, events in MODES:
        if is_random(model) or (needs_even_steps(model) and events == "exact"):
            with pytest.raises(ModelError, match=f"{name}.mdl:\\d+: .*(RANDOM|even grid)"):
                print_script(model, "M", method=method, events=events)
            continue
        constants = {v.name: v.value * np.array([1.0, 1.01, 0.97]) for v in model.of_kind(Kind.CONSTANT)
                     if v.name.upper() not in CONTROLS and v.name not in model.clock_inputs}  # fmt: skip
        with engine(print_script(model, "M", method=method, events=events)) as racer:
            time, ours = runs(racer, model, in_order(model, constants), 3)
        theirs = by_python(model, constants, method=method, events=events)
        assert np.array_equal(time, theirs.time)
        values = np.broadcast_to(theirs.values, ours.shape)
        assert largest_difference(ours, values) <= 1e-12, (method, events)
        if events == "compatible":
            assert_table(name, moving(model), ours[:, :, 0])


def assert_table(name: str, names: list[str], ours: np.ndarray) -> None:
    table = pd.read_csv(HERE / f"{name}.csv", comment="#", index_col=0)
    columns = {canonical(str(column)): np.asarray(table[column], dtype=float) for column in table.columns}
    checked = [i for i, n in enumerate(names) if n not in CONTROLS]
    theirs = np.stack([columns[canonical(names[i])] for i in checked], axis=1)
    assert largest_difference(ours[:, checked, None], theirs[:, :, None]) <= 1e-12
