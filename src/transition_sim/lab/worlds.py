"""The plausible worlds that the page carries: few enough for a phone, packed small, the same numbers in Python.

The rule: the 200 worlds that `draw_worlds(model, ensemble, 200, seed=7)` gives, each constant rounded to one of 65,536
even steps between its smallest and largest value among them. The small model has no calibrated worlds of its own; it
borrows these: a constant that both models have is varied in the same proportion to the model's own value. That is an
assumption, and the page says so.

Shapes: a column `(run,)` for each constant; packed steps `(constant, run)`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind, Model, Variable
from transition_sim.study.ensembles import draw_worlds

Floats = NDArray[np.float64]
RUNS = 200
SEED = 7
STEPS = 65_535


@dataclass(frozen=True, eq=False)
class PackedWorlds:
    """Worlds of an ensemble as steps `(constant, run)` between the smallest and largest value of each constant."""

    ensemble: str
    names: tuple[str, ...]
    low: Floats  # (constant,)
    high: Floats  # (constant,)
    steps: NDArray[np.uint16]  # (constant, run)

    def columns(self) -> dict[str, Floats]:
        """Return the values that the steps stand for: name -> `(run,)`."""
        shares = self.steps.astype(float) / STEPS
        return {name: self.low[i] + (self.high[i] - self.low[i]) * shares[i] for i, name in enumerate(self.names)}

    def data(self) -> dict[str, Any]:
        """Return plain data for the page: names, bounds, and the steps as base64 of little-endian 16-bit numbers."""
        packed = base64.b64encode(self.steps.astype("<u2").tobytes()).decode("ascii")
        return {
            "names": list(self.names), "low": self.low.tolist(), "high": self.high.tolist(),
            "runs": self.steps.shape[1], "steps": packed,
        }  # fmt: skip


def pack_worlds(model: Model, ensemble: str) -> PackedWorlds:
    """Return the worlds of a calibrated ensemble that the page carries; raises what `draw_worlds` raises."""
    worlds = draw_worlds(model, ensemble, RUNS, SEED)
    table = np.array([worlds.columns[name] for name in worlds.columns])
    low, high = table.min(axis=1), table.max(axis=1)
    width = np.where(high > low, high - low, 1.0)
    steps = np.rint((table - low[:, None]) / width[:, None] * STEPS).astype(np.uint16)
    return PackedWorlds(worlds.ensemble, tuple(worlds.columns), low, high, steps)


def lab_worlds(model: Model, owner: Model, packed: PackedWorlds) -> dict[str, Floats]:
    """Return the worlds of a model on the page: its own where it is the ensemble's `owner`, else borrowed ones.

    A borrowed column is the model's own value times the proportion of the world's value to the owner's, kept inside the
    model's limits. Raises ScenarioError where the two models share no constant.
    """
    columns = packed.columns()
    if model.name == owner.name:
        return columns
    shared = [name for name in columns if name in model and model.find(name).kind is Kind.CONSTANT]
    if not shared:
        raise ScenarioError(f"{model.name}.mdl shares no sampled constant with {owner.name}.mdl")
    return {name: _borrowed(model.find(name), columns[name] / owner.find(name).value) for name in shared}


def _borrowed(variable: Variable, proportion: Floats) -> Floats:
    low, high = variable.limits
    value = variable.value * proportion
    value = value if low is None else np.maximum(value, low)
    return value if high is None else np.minimum(value, high)
