"""A sweep's runs in the form that the EMA workbench takes: a frame of numbers and a dict of outcomes.

Its PRIM, CART and feature scoring read these; the workbench is no part of what a sweep needs. Numbers alone, for in its
versions 2.5 and 3.0 text columns fail with pandas 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.study.sweeps.design import RUN, WORLD
from transition_sim.study.sweeps.plan import FAILED

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def workbench_results(
    plan: Mapping[str, Any], experiments: pd.DataFrame, outcomes: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """Return inputs and outcomes of runs that did not fail; a lever that lists scenarios has a 0/1 column a level."""
    import pandas as pd

    good = ~outcomes[FAILED].to_numpy(bool)
    kept = experiments[good]
    listed = {lever["name"]: lever["labels"] for lever in plan["levers"] if lever["settings"] is not None}
    columns: dict[str, Any] = {}
    for name in map(str, kept.columns):
        if name in listed:
            columns |= {f"{name}: {label}": (kept[name] == label).to_numpy(float) for label in listed[name]}
        elif name not in (RUN, WORLD):
            columns[name] = kept[name].to_numpy(float)
    found = {str(name): outcomes[name].to_numpy(float)[good] for name in outcomes if name not in (RUN, FAILED)}
    return pd.DataFrame(columns), found
