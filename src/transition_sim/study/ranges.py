"""One scenario over many plausible worlds: the range that belongs beside a single run.

Shapes: bands `(3, time)`: 10th percentile, median and 90th over worlds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.simulate import simulate
from transition_sim.model.equations import Kind, Model
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.outcomes import quantiles
from transition_sim.study.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, eq=False)
class Ranges:
    """What a scenario gives over the worlds of one ensemble: risk by year, and bands of stocks and hazard over time."""

    ensemble: str
    runs: int
    years: tuple[int, ...]
    risk: Floats  # (year, run)
    time: Floats  # (time,)
    bands: Mapping[str, Floats]  # variable -> (3, time)

    def to_dict(self) -> dict[str, Any]:
        """Return runs and risk by year as plain data."""
        risks = {str(year): quantiles(self.risk[i]) for i, year in enumerate(self.years)}
        return {"runs": self.runs, "relapse_probability": risks}


def scenario_ranges(
    model: Model, scenario: Scenario | None, ensemble: str | Path, years: Sequence[int], runs: int | None, seed: int
) -> Ranges:
    """Return a scenario's outcomes over worlds of an ensemble; all of its worlds where `runs` is None.

    What the scenario sets is not taken from the worlds. Raises ScenarioError as `draw_worlds` does, stale ensembles
    among it.
    """
    worlds = draw_worlds(model, ensemble, runs, seed)
    given = set(scenario.settings) | set(scenario.series) if scenario is not None else set()
    watched = [v.name for v in model.of_kind(Kind.STOCK) if not v.hidden] + ["relapse hazard"]
    result = simulate(
        model, scenario, constants=worlds.besides(given), outputs=watched, method="rk4", time_step=0.5, save_every=1
    )
    at = np.array([risk.time_index(result, 12.0 * year) for year in years])
    bands = {name: np.quantile(result[name], LEVELS, axis=1) for name in watched}
    return Ranges(worlds.ensemble, worlds.runs, tuple(years), risk.probability(result, at), result.time, bands)


def bands_frame(found: Sequence[Ranges], units: Mapping[str, str]) -> pd.DataFrame:
    """Return the bands of some ensembles as a tidy data frame, a row for each ensemble, variable and time."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {"ensemble": each.ensemble, "variable": name, "unit": units.get(name, ""), "time": each.time,
             "p10": band[0], "median": band[1], "p90": band[2]}
        )
        for each in found
        for name, band in each.bands.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)
