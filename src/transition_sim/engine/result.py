"""What a run leaves behind: trajectories with their names, units, inputs and provenance.

Axes: `(time, output, run)`; run is last and never squeezed, so one run is n = 1.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.data import write_bytes
from transition_sim.errors import SimulationError, nearest
from transition_sim.html import card, line, number, table
from transition_sim.model.equations import Model, canonical

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Floats = NDArray[np.float64]
FORMAT = 2
SHOWN_VARIABLES = 14


@dataclass(frozen=True, eq=False)
class Result:
    """Trajectories of one or many runs.

    `time` has shape `(time,)` in the model's unit, `values` `(time, output, run)`; `constants` gives every constant as
    `(run,)`, `fixed` every variable that cannot change within a run, `(run,)`; `failed` lists the runs that broke down,
    whose values are NaN; `model` is None once loaded from a file.
    """

    time: Floats
    names: tuple[str, ...]
    values: Floats
    constants: Mapping[str, Floats]
    units: Mapping[str, str]
    provenance: Mapping[str, Any]
    failed: tuple[int, ...] = ()
    model: Model | None = field(default=None, repr=False)
    fixed: Mapping[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def runs(self) -> int:
        """The number of runs."""
        return int(self.values.shape[2])

    def __getitem__(self, name: str) -> Floats:
        """Return a variable as `(time, run)`; what is fixed is repeated over time. SimulationError if not kept."""
        wanted = canonical(name)
        for i, kept in enumerate(self.names):
            if canonical(kept) == wanted:
                return self.values[:, i, :]
        for still, value in (*self.constants.items(), *self.fixed.items()):
            if canonical(still) == wanted:
                return np.broadcast_to(value, (len(self.time), self.runs))
        hint = nearest(name, self.names)
        raise SimulationError(f"'{name}' was not kept{hint} Ask for it with outputs=[...].")

    def __contains__(self, name: object) -> bool:
        known = (*self.names, *self.constants, *self.fixed)
        return isinstance(name, str) and canonical(name) in {canonical(other) for other in known}

    def __repr__(self) -> str:
        told = f"{self.runs:,} {'run' if self.runs == 1 else 'runs'}, {len(self.names)} variables"
        return f"<Result of '{self.provenance.get('model')}': {told}, time {self.time[0]:g} to {self.time[-1]:g}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the variables with units, over time or over runs, and provenance."""
        told = self.provenance
        rows = [[name, *self._summary(i), self.units.get(name, "").replace("Dmnl", "")] for i, name in self._shown()]
        moments = [f"{told.get('time_unit', 'time')} {self.time[i]:g}" for i in self._moments()]
        columns = moments if self.runs == 1 else [f"{moments[-1]}, 10th to 90th percentile of runs", "median"]
        parts = [table(["variable", *columns, "unit"], rows)]
        if len(rows) < len(self.names):
            parts.append(line(f"and {len(self.names) - len(rows)} more variables: .names, .to_frame(), .to_xarray()"))
        runs = "One run, which carries no range" if self.runs == 1 else f"{self.runs:,} runs"
        notes = [
            f"{runs}{f', {len(self.failed)} broke down' if self.failed else ''}; method {told.get('method')}, events "
            f"{told.get('events')}; scenario {told.get('scenario') or 'none'}.",
            f"Model {told.get('model')} {str(told.get('model_hash'))[:12]}; transition_sim "
            f"{told.get('versions', {}).get('transition_sim', '')}.",
        ]
        return card(f"Result of model '{told.get('model')}'", parts, notes, self.constants)

    def _shown(self) -> list[tuple[int, str]]:
        """Return the variables that a notebook shows: stocks first where the model is known, at most some."""
        stocks = set(self.model.stocks) if self.model is not None else set()
        order = sorted(enumerate(self.names), key=lambda each: each[1] not in stocks)
        return sorted(order[:SHOWN_VARIABLES])

    def _moments(self) -> list[int]:
        return [0, len(self.time) // 2, len(self.time) - 1]

    def _summary(self, i: int) -> list[str]:
        least = 1e-9 * float(np.nanmax(np.abs(self.values[:, i]), initial=0.0))
        values = np.where(np.abs(self.values[:, i]) <= least, 0.0, self.values[:, i])
        if self.runs == 1:
            return [number(float(values[at, 0])) for at in self._moments()]
        good = values[-1][np.isfinite(values[-1])]
        low, middle, high = np.quantile(good, (0.1, 0.5, 0.9)) if good.size else (np.nan,) * 3
        return [f"{number(float(low))} to {number(float(high))}", number(float(middle))]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame, a column a variable; rows by time, or by run and time where there are many runs."""
        import pandas as pd

        label = f"time ({self.provenance.get('time_unit', '')})"
        if self.runs == 1:
            frame = pd.DataFrame(self.values[:, :, 0], columns=list(self.names))
            frame.index = pd.Index(self.time, name=label)
        else:
            index = pd.MultiIndex.from_product([range(self.runs), self.time], names=["run", label])
            tall = np.moveaxis(self.values, 2, 0).reshape(-1, len(self.names))
            frame = pd.DataFrame(tall, index=index, columns=list(self.names))
        frame.attrs["units"] = {name: self.units.get(name, "") for name in self.names}
        return frame

    def to_xarray(self) -> xr.Dataset:
        """Return a dataset with dimensions `time` and `run`, units in the attributes, set constants as coordinates."""
        import xarray as xr

        data = {
            name: (("time", "run"), self.values[:, i, :], {"units": self.units.get(name, "")})
            for i, name in enumerate(self.names)
        }
        varied = {name: ("run", np.asarray(v)) for name, v in self.constants.items() if np.ptp(v) > 0}
        coordinates = {"time": self.time, "run": np.arange(self.runs), **varied}
        return xr.Dataset(data, coords=coordinates, attrs={"provenance": json.dumps(dict(self.provenance))})

    def save(self, path: str | Path) -> Path:
        """Write everything but the model to one `.npz` file, by a temporary name; return the path written."""
        target = Path(path)
        if target.suffix != ".npz":
            target = target.with_name(target.name + ".npz")
        header = {
            "format": FORMAT, "names": list(self.names), "units": dict(self.units),
            "constants": list(self.constants), "fixed": list(self.fixed), "provenance": dict(self.provenance),
            "failed": list(self.failed),
        }  # fmt: skip
        still = [np.broadcast_to(v, (self.runs,)) for v in (*self.constants.values(), *self.fixed.values())]
        stacked = np.array(still).reshape(-1, self.runs)
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, time=self.time, values=self.values, still=stacked, header=np.array(json.dumps(header))
        )
        write_bytes(target, buffer.getvalue())
        return target


def load_result(path: str | Path) -> Result:
    """Return a result written by `Result.save`; SimulationError where the file is none. Nothing in it is executed."""
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            header = json.loads(str(data["header"]))
            time, values, still = data["time"], data["values"], data["still"]
        if header["format"] != FORMAT or values.shape[:2] != (len(time), len(header["names"])):
            raise ValueError(f"format {header['format']}")
        by_name = dict(zip([*header["constants"], *header["fixed"]], still, strict=True))
        constants = {name: by_name[name] for name in header["constants"]}
        fixed = {name: by_name[name] for name in header["fixed"]}
    except FileNotFoundError as error:
        raise SimulationError(f"{path}: no such file") from error
    except Exception as error:
        raise SimulationError(f"{path}: is no saved result of transition_sim ({error})") from error
    return Result(time, tuple(header["names"]), values, constants, header["units"], header["provenance"],
                  tuple(header["failed"]), None, fixed)  # fmt: skip
