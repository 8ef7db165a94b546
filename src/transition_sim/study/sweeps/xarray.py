"""A sweep's outcomes as a dataset with named axes and units, and as netCDF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transition_sim.study.sweeps.design import CROSSED, RUN, WORLD, crossed_levers
from transition_sim.study.sweeps.plan import FAILED

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_TAKEN = (
    "byte", "char", "short", "ushort", "int", "uint", "int64", "uint64", "float", "real", "double", "bool", "string",
)  # fmt: skip
NETCDF_VALUES = 4_000_000
"""Outcomes above which no netCDF is written by itself: unlike the other tables it must fit into memory whole."""


def dataset(manifest: Mapping[str, Any], experiments: pd.DataFrame, outcomes: pd.DataFrame) -> xr.Dataset:
    """Return outcomes over levers and worlds where these are crossed, else over runs, inputs as coordinates."""
    import xarray as xr

    plan = manifest["plan"]
    grid = plan["design"] in CROSSED
    axes = _grid_axes(plan) if grid else {RUN: outcomes[RUN].to_numpy()}
    shape = [len(values) for values in axes.values()]
    units = {**manifest["units"]["experiments"], **manifest["units"]["outcomes"]}
    columns = [name for name in outcomes.columns if name != RUN]
    data = {}
    for name in columns:
        values = outcomes[name].to_numpy().reshape(shape)
        data[name] = (tuple(axes), values.astype("i1" if name == FAILED else float), _unit(units, name))
    sampled = {name: experiments[name].to_numpy() for name in map(str, experiments.columns) if name != RUN}
    inputs = _world_inputs(plan, experiments) if grid else sampled
    along = WORLD if grid else RUN
    coordinates = {name: (name, values, _unit(units, name)) for name, values in axes.items()}
    coordinates |= {name: (along, values, _unit(units, name)) for name, values in inputs.items()}
    told = {"title": manifest["title"], "note": manifest["note"], "plan_hash": manifest["plan_hash"]}
    return xr.Dataset(data, coords=coordinates, attrs=told)


def netcdf_bytes(data: xr.Dataset) -> bytes:
    """Return a dataset as netCDF-3, which needs no library of its own; inputs are variables there, not coordinates."""
    plain = data.reset_coords([name for name in data.coords if name not in data.dims])
    plain = plain.rename({name: _allowed(str(name)) for name in plain.variables if name != _allowed(str(name))})
    return bytes(plain.to_netcdf(engine="scipy", format="NETCDF3_64BIT"))


def _allowed(name: str) -> str:
    """Return a name as netCDF-3 allows it: no slash, a letter or digit first, no word of its own."""
    plain = name.replace("/", " per ").strip()
    return f"_{plain}" if not re.match(r"\w", plain) or plain in _TAKEN else plain


def _grid_axes(plan: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    axes: dict[str, Any] = {lever["name"]: np.array(lever["labels"]) for lever in crossed_levers(plan)}
    return axes | {WORLD: np.arange(plan["samples"])}


def _world_inputs(plan: Mapping[str, Any], experiments: pd.DataFrame) -> dict[str, Any]:
    """Return what is sampled by world, those left out that some lever sets at some of its levels."""
    crossed = crossed_levers(plan)
    moved = {name for lever in crossed for name in lever["sets"]}
    free = [lever["name"] for lever in plan["levers"] if lever not in crossed]
    names = [name for name in (*free, *plan["ranges"], *plan["worlds"]["sampled"]) if name not in moved]
    first = experiments.iloc[: plan["samples"]]
    return {name: first[name].to_numpy() for name in names}


def _unit(units: Mapping[str, str], name: str) -> dict[str, str]:
    return {"units": units.get(name) or "1"}
