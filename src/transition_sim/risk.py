"""From trajectories to risk: relapse probability over frailty, hazard by driver, and measures of the aid gap.

Frailty is what countries differ in beyond what the model sees: lognormal with median 1, so that the hazard of a country
is z times the model's and the model's own is that of the middle country. Averaged over it, P(relapse by t) =
E[1 - exp(-z H(t))] (Vaupel, Manton and Stallard 1979, Demography 16(3), https://doi.org/10.2307/2061224).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from transition_sim.engine.result import Result
from transition_sim.errors import ModelError, SimulationError, nearest

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
CUMULATIVE = "cumulative relapse hazard"
SPREAD = "frailty log standard deviation"
OPEN_SHARE = 0.10
"""A gap counts as open above this share of need."""
_NODES = np.linspace(-6.3, 6.3, 43)
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()


def frailty_rule() -> tuple[Floats, Floats]:
    """Return the points and weights `(point,)` over which frailty is averaged: ln(frailty) / its deviation."""
    return _NODES.copy(), _WEIGHTS.copy()


def frailty_average(cumulative_hazard: Floats, log_deviation: Floats) -> Floats:
    """Return the probability of relapse `(..., run)` over lognormal frailty of median 1.

    `log_deviation` has shape `(run,)`. Trapezoidal rule over 43 points of the normal density, whose error falls
    exponentially for smooth integrands (Trefethen and Weideman 2014, https://doi.org/10.1137/130932132; unchecked);
    for deviations up to 2.5 and cumulative hazards up to 10 it is within 1e-6 of direct integration, up to 3.5 within
    1e-4.
    """
    total = np.zeros_like(cumulative_hazard, dtype=float)
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        frailty = np.exp(log_deviation * node)
        total += weight * -np.expm1(-cumulative_hazard * frailty)
    return total


def probability(result: Result, at: NDArray[np.int64] | slice = slice(None)) -> Floats:
    """Return the probability of relapse `(time, run)` at some indices of time.

    It is averaged over frailty, `1 - exp(-cumulative hazard)` where the model has none.
    """
    return frailty_average(_kept(result, CUMULATIVE)[at], _spread(result))


def relapse_risk(result: Result, years: Iterable[float] = (5, 10, 15, 20)) -> pd.DataFrame:
    """Return the probability of relapse within so many years of the mandate: a row a year, a column a run.

    Years are counted from month 0; SimulationError where a year lies outside the run or was not saved.
    """
    import pandas as pd

    wanted = list(years)
    at = np.array([time_index(result, 12 * year) for year in wanted], dtype=np.int64)
    index = pd.Index(wanted, name="years from mandate")
    return pd.DataFrame(probability(result, at), index=index, columns=pd.RangeIndex(result.runs, name="run"))


def hazard_decomposition(result: Result) -> dict[str, Floats]:
    """Return the contributions `(time, run)` to ln(hazard / baseline hazard) by driver; they sum to it.

    The split is the model's accounting at each moment, not causal attribution: drivers move together.
    Raises SimulationError where the parts do not sum to the whole within 1e-9.
    """
    names = [name for name in result.names if name.startswith("hazard from ")]
    if not names:
        raise ModelError("no variable 'hazard from ...' was kept; this needs the transition model, with outputs='all'")
    parts = {name.removeprefix("hazard from "): result[name] for name in names}
    whole = np.log(_kept(result, "relapse hazard") / _kept(result, "baseline hazard"))
    error = float(np.abs(sum(parts.values()) - whole).max())
    if not error < 1e-9:
        raise SimulationError(f"the drivers miss the log hazard by {error:.2g}; was one of them left out of outputs?")
    return parts


def aid_gap(result: Result) -> pd.DataFrame:
    """Return measures of the aid gap, a row a run.

    `max_share` is the deepest gap as a share of need and `months_open` the months in which the gap is above 10 % of
    need, both from the mandate on; `cumulative_musd` its sum over the whole run, MUSD; `opens_after_draw_down` the
    months between the planned start of the draw-down and the first moment after it with an open gap (NaN where none
    opens).
    """
    import pandas as pd

    need, gap, time = _kept(result, "aid need"), _kept(result, "aid gap"), result.time
    since = time >= 0
    share = np.where(since[:, None], gap / np.maximum(need, 1e-12), 0.0)
    is_open = share > OPEN_SHARE
    draw_down = _kept(result, "draw down start")[0]
    late = is_open & (time[:, None] >= draw_down)
    first = np.where(late.any(axis=0), time[late.argmax(axis=0)] - draw_down, np.nan)
    return pd.DataFrame(
        {
            "max_share": share.max(axis=0),
            "months_open": np.trapezoid(is_open[since].astype(float), time[since], axis=0),
            "cumulative_musd": _kept(result, "cumulative aid gap")[-1],
            "opens_after_draw_down": first,
        }
    )


def time_index(result: Result, time: float) -> int:
    """Return the index of a saved time; SimulationError where it was not saved."""
    index = int(np.searchsorted(result.time, time - 1e-9))
    if index >= len(result.time) or abs(result.time[index] - time) > 1e-6:
        raise SimulationError(f"time {time:g} was not saved; saved are {result.time[0]:g} to {result.time[-1]:g}")
    return index


def _spread(result: Result) -> Floats:
    if result.model is not None and SPREAD not in result.model:
        return np.zeros(result.runs)
    return np.asarray(_kept(result, SPREAD)[0])


def _kept(result: Result, name: str) -> Floats:
    if name not in result:
        raise ModelError(f"this needs '{name}', which is not in the result{nearest(name, result.names)}")
    return result[name]
