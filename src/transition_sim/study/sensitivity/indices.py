"""Indices of sensitivity with their confidence: Sobol, Morris, and PAWN, which needs no moments. The only importer of
SALib.

Shapes: inputs are `(world, input)`, a quantity's parts `(part, world)`, indices `(input,)`. Worlds of the designs
`saltelli` and `morris` come in groups, one after another (see `design.py`). Confidence is a bootstrap over groups, or
over worlds, from an explicit seed. A quantity of several parts, such as the ranks of all options, has one index: that
of the parts together.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.errors import ScenarioError
from transition_sim.study.sweeps.design import MORRIS_LEVELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SOBOL, MORRIS, PAWN = "sobol", "morris", "pawn"
SLICES = 10
SMALLEST_SLICE = 20
LEVELS, BOOTSTRAP_LEVELS = 512, 64
"""Levels of an outcome at which distributions are compared; with as many worlds or fewer the comparison is exact."""
AT_ONCE = 2_000_000
"""Worlds times inputs that are counted at once."""
DUMMIES = 200
"""Inputs without any effect that are made up to see what the PAWN index of such an input is."""
BOOTSTRAP = 0xB007


@dataclass(frozen=True, eq=False)
class Index:
    """The index of each input `(input,)`, the ends of its confidence interval, and what the method gives beside it."""

    value: Floats
    low: Floats
    high: Floats
    more: Mapping[str, Floats] = field(default_factory=dict)


def need_salib() -> None:
    """Raise ScenarioError, with the command that helps, where SALib is not installed."""
    _salib()


def _salib() -> Any:
    try:
        from SALib.analyze import morris, sobol
    except ImportError as error:
        message = 'indices of Sobol and Morris need SALib: pip install "transition_sim[analysis]"'
        raise ScenarioError(message) from error
    return sobol, morris


def sobol_index(parts: Floats, group: int, weights: Floats, resamples: int, confidence: float, seed: int) -> Index:
    """Return total-order indices, with those of first order beside, from worlds of the design `saltelli`.

    Estimators of Saltelli et al. 2010 and Jansen 1999 as in SALib, https://doi.org/10.1016/j.cpc.2009.09.018. Several
    parts have the index of their summed variances (Gamboa et al. 2014, https://doi.org/10.1214/14-EJS895); their
    weights cancel where they are equal. Both unchecked.
    """
    sobol, _ = _salib()
    grouped = parts.reshape(len(parts), -1, group)
    centred = grouped - grouped.mean(axis=(1, 2), keepdims=True)
    a, mixed, b = centred[..., 0], centred[..., 1:-1], centred[..., -1]
    variance = np.concatenate([a, b], axis=1).var(axis=1) * weights
    shares = variance / variance.sum()
    problem, nothing = _problem(group - 2), {"S1": 0.0, "ST": 0.0}
    with warnings.catch_warnings():  # SALib's own bootstrap, which is not used, warns where two groups are alike
        warnings.simplefilter("ignore")
        found = [
            sobol.analyze(problem, part.ravel(), calc_second_order=False, num_resamples=2, seed=1) if share else nothing
            for part, share in zip(grouped, shares, strict=True)
        ]
    first, total = (sum(s * each[key] for s, each in zip(shares, found, strict=True)) for key in ("S1", "ST"))
    weighed = weights[:, None, None]
    products = (weighed * b[..., None] * (mixed - a[..., None])).sum(axis=0)
    squares = (weighed * 0.5 * (a[..., None] - mixed) ** 2).sum(axis=0)
    again = _resampled(a.shape[1], resamples, seed)
    spread = _variances(a, b, again, weights)[:, None]
    spread[spread <= 0] = np.nan  # a resample in which nothing differs tells nothing
    low, high = _percentiles(again @ squares / spread, confidence)
    first_low, first_high = _percentiles(again @ products / spread, confidence)
    more = {"first": np.asarray(first), "first_low": first_low, "first_high": first_high}
    return Index(np.asarray(total), low, high, more)


def morris_index(inputs: Floats, parts: Floats, weights: Floats, resamples: int, confidence: float, seed: int) -> Index:
    """Return mean absolute elementary effects, in the quantity's unit for a whole range of each input.

    `inputs` are shares of the ranges `(world, input)`. Beside them the mean effect, which has a sign, and the spread of
    effects, both for quantities of one part. Morris 1991, https://doi.org/10.1080/00401706.1991.10484804, Campolongo
    et al. 2007, https://doi.org/10.1016/j.envsoft.2006.10.004 (both unchecked).
    """
    _, morris = _salib()
    dimensions = inputs.shape[1]
    found = [
        morris.analyze(
            _problem(dimensions), inputs, np.ascontiguousarray(part), num_resamples=2, num_levels=MORRIS_LEVELS, seed=1
        )
        for part in parts
    ]  # fmt: skip
    value = sum(w * np.asarray(each["mu_star"], float) for w, each in zip(weights, found, strict=True))
    sizes = sum(w * np.abs(elementary_effects(inputs, part)) for w, part in zip(weights, parts, strict=True))
    again = _resampled(len(sizes), resamples, seed)
    low, high = _percentiles(again @ sizes, confidence)
    one = len(parts) == 1
    more = {
        name: np.asarray(found[0][key], float) if one else np.full(dimensions, np.nan)
        for name, key in (("mean_effect", "mu"), ("spread_of_effects", "sigma"))
    }
    return Index(np.asarray(value), low, high, more)


def elementary_effects(inputs: Floats, values: Floats) -> Floats:
    """Return the effect of each step `(trajectory, input)`, over a whole range of the input that it moves."""
    dimensions = inputs.shape[1]
    points = inputs.reshape(-1, dimensions + 1, dimensions)
    steps = np.diff(points, axis=1)
    moved = np.abs(steps).argmax(axis=2)
    size = np.take_along_axis(steps, moved[..., None], axis=2)[..., 0]
    effects = np.diff(values.reshape(-1, dimensions + 1), axis=1) / size
    found = np.empty_like(effects)
    np.put_along_axis(found, moved, effects, axis=1)
    return found


def pawn_index(inputs: Floats, parts: Floats, weights: Floats, resamples: int, confidence: float, seed: int) -> Index:
    """Return PAWN indices above that of an input without effect, for worlds from whatever sample.

    PAWN compares the distribution of the quantity within slices of an input with that over all worlds, by the largest
    distance of the two cumulative distributions, and takes the median over slices (Pianosi and Wagener 2018,
    https://doi.org/10.1016/j.envsoft.2018.07.019; unchecked). It is above zero for an input without any effect too,
    by what slices of that size differ by chance: the mean index of made-up inputs is taken off, down to zero at the
    least. Beside it `raw`, as it is; `dummy`, the value that 95 per cent of made-up inputs stay below; and `clear`,
    1 where the index is larger than that of the strongest of as many made-up inputs in 95 of 100 samples, else 0.
    """
    generator = np.random.default_rng([seed, BOOTSTRAP])
    slices = np.stack([slice_of(column) for column in inputs.T], axis=1)
    raw = _pawn(slices, parts, weights, LEVELS)
    null, limit, noise = _dummies(slices, parts, weights, generator)
    drawn = [
        _pawn(slices[at], parts[:, at], weights, BOOTSTRAP_LEVELS)
        for at in generator.integers(0, len(inputs), (resamples, len(inputs)))
    ]
    half = NormalDist().inv_cdf((1 + confidence) / 2) * np.maximum(np.std(drawn, axis=0, ddof=1), noise)
    above = raw - null
    clear = above > NormalDist().inv_cdf(1 - 0.05 / inputs.shape[1]) * noise
    value, low, high = (np.maximum(each, 0.0) for each in (above, above - half, above + half))
    return Index(value, low, high, {"raw": raw, "dummy": limit, "clear": clear.astype(float)})


def slice_of(values: Floats) -> Ints:
    """Return the slice `(world,)` that each value lies in: equally many worlds a slice, or one for each few values."""
    count = min(SLICES, max(len(values) // SMALLEST_SLICE, 2))
    own, at = np.unique(values, return_inverse=True)
    if len(own) <= SLICES:
        return np.asarray(at)
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return rank * count // len(values)


def _pawn(slices: Ints, parts: Floats, weights: Floats, levels: int) -> Floats:
    """Return the PAWN index of each input, `(input,)`, the parts' indices weighed and added up."""
    return np.asarray(sum(w * _distances(slices, part, levels) for w, part in zip(weights, parts, strict=True)))


def _distances(slices: Ints, values: Floats, levels: int) -> Floats:
    """Return, for each input, the median over its slices of the Kolmogorov-Smirnov distance to all worlds."""
    own, place = np.unique(values, return_inverse=True)
    level = place * levels // len(own) if len(own) > levels else place
    count, many = int(slices.max()) + 1, int(level.max()) + 1
    whole = np.cumsum(np.bincount(level, minlength=many)) / len(values)
    each = max(AT_ONCE // len(values), 1)
    parts = (slices[:, first : first + each] for first in range(0, slices.shape[1], each))
    return np.concatenate([_median_distance(part, level, whole, count) for part in parts])


def _median_distance(slices: Ints, level: Ints, whole: Floats, count: int) -> Floats:
    """Return, for each input, the median distance `(input,)` of its slices' distributions to that of all worlds."""
    inputs, many = slices.shape[1], len(whole)
    cell = (np.arange(inputs) * count + slices) * many + level[:, None]
    table = np.bincount(cell.ravel(), minlength=inputs * count * many).reshape(inputs, count, many)
    sizes = table.sum(axis=2)
    apart = np.abs(np.cumsum(table, axis=2) / np.maximum(sizes, 1)[..., None] - whole).max(axis=2)
    apart[sizes == 0] = np.nan
    return np.asarray(np.nanmedian(apart, axis=1))


def _dummies(
    slices: Ints, parts: Floats, weights: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return mean, 95th percentile and spread of the index of inputs without effect, with the slices of each input."""
    known: dict[tuple[int, ...], tuple[float, float, float]] = {}
    for column in slices.T:
        sizes = tuple(sorted(np.bincount(column).tolist()))
        if sizes not in known:
            shuffled = generator.permuted(np.tile(column, (DUMMIES, 1)), axis=1).T
            drawn = _pawn(shuffled, parts, weights, LEVELS)
            known[sizes] = float(drawn.mean()), float(np.quantile(drawn, 0.95)), float(drawn.std(ddof=1))
    told = np.array([known[tuple(sorted(np.bincount(column).tolist()))] for column in slices.T])
    return told[:, 0], told[:, 1], told[:, 2]


def _resampled(groups: int, resamples: int, seed: int) -> Floats:
    """Return bootstrap weights `(resample, group)` that sum to one each."""
    generator = np.random.default_rng([seed, BOOTSTRAP])
    return np.asarray(generator.multinomial(groups, np.full(groups, 1 / groups), resamples) / groups)


def _variances(a: Floats, b: Floats, again: Floats, weights: Floats) -> Floats:
    """Return the variance of A and B together, the parts' weighed and added up, in each resample `(resample,)`."""
    means = again @ ((a + b) / 2).T
    squares = again @ ((a**2 + b**2) / 2).T
    return np.asarray((squares - means**2) @ weights)


def _percentiles(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    low, high = np.nanquantile(values, ((1 - confidence) / 2, (1 + confidence) / 2), axis=0)
    return low, high


def _problem(dimensions: int) -> dict[str, Any]:
    """Return what SALib calls a problem: inputs by number, each from 0 to 1."""
    names = [str(i) for i in range(dimensions)]
    return {"num_vars": dimensions, "names": names, "bounds": [[0.0, 1.0]] * dimensions}


def ends_of(inputs: Floats, values: Floats) -> Iterator[tuple[float, float, float]]:
    """Yield, for each input, the mean of values `(world,)` in its lowest and highest fifth of worlds, and a margin.

    The margin is the half-width of the 95 per cent interval of the difference of the two means.
    """
    fifth = max(len(values) // 5, 1)
    for column in inputs.T:
        order = np.argsort(column, kind="stable")
        low, high = values[order[:fifth]], values[order[-fifth:]]
        error = np.sqrt((low.var() + high.var()) / max(fifth - 1, 1))
        yield float(low.mean()), float(high.mean()), float(NormalDist().inv_cdf(0.975) * error)
