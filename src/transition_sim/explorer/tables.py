"""The explorer's numbers as data frames and plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transition_sim.explorer.outcome import Outcome, Study, change
from transition_sim.study.ensembles import SAYS
from transition_sim.study.outcomes import ASSUMPTION, HORIZONS, NOTE, quantiles

if TYPE_CHECKING:
    import pandas as pd


def risk_table(now: Outcome, pinned: Outcome | None) -> pd.DataFrame:
    """Return the risk of relapse by year: 10th percentile, median and 90th over worlds, a row a year.

    Effort is in effort-months spent by then; the change against the pinned setting is taken inside each world.
    """
    import pandas as pd

    columns: dict[str, list[float]] = {"effort_spent": now.effort.tolist()}
    for name, rows in _parts(now, pinned).items():
        for part in ("p10", "median", "p90"):
            columns[f"{name}_{part}"] = [row[part] for row in rows]
    return pd.DataFrame(columns, index=pd.Index(HORIZONS, name="years from mandate"))


def _parts(now: Outcome, pinned: Outcome | None) -> dict[str, list[dict[str, float]]]:
    parts = {"relapse_probability": [quantiles(row) for row in now.probability]}
    if pinned is not None:
        parts["pinned"] = [quantiles(row) for row in pinned.probability]
        parts["change"] = change(now, pinned)
    return parts


def bands_table(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Return bands over time of some settings, a row for each setting, variable and time."""
    import pandas as pd

    parts = [
        pd.DataFrame({"setting": setting, "variable": name, "unit": outcome.unit(name), "time": outcome.result.time,
                      "p10": band[0], "median": band[1], "p90": band[2]})
        for setting, outcome in outcomes.items()
        for name, band in outcome.bands.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def provenance(study: Study, values: Mapping[str, float], outcome: Outcome) -> dict[str, Any]:
    """Return what a setting's numbers hang on."""
    worlds = study.worlds
    return {
        **outcome.result.provenance,
        "context": study.context.name,
        "context_hash": study.context.hash,
        "set": dict(values),
        "ensemble": worlds.ensemble,
        "worlds": SAYS.get(worlds.ensemble, "an ensemble of one's own"),
        "worlds_from": worlds.file,
        "worlds_hash": worlds.file_hash,
        "worlds_seed": worlds.seed,
        "note": f"{NOTE}. {ASSUMPTION}",
    }
