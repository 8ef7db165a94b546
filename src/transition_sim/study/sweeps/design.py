"""A sweep's design: which constants each of its runs has, computed for any runs alone and always the same.

Shapes: run numbers and all columns are `(run,)`; a block of sampled shares is `(run, dimension)`. A grid crosses the
levels of its levers with worlds, the last lever and then the world changing fastest, so that all points of the grid
share their worlds. Latin hypercubes and Sobol sequences sample levers and uncertainties together. The designs for
sensitivity indices, `saltelli` and `morris`, cross the levels of levers with their samples, as a grid does with worlds,
and sample uncertainties and levers without levels; their worlds come in groups, one after another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.study.worlds import Uncertainty

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK = 16_384
"""Samples drawn at once: a larger Latin hypercube is several of equal size, so that memory does not grow with it."""
RUN, WORLD = "run", "world"
GRID, SALTELLI, MORRIS = "grid", "saltelli", "morris"
CROSSED = (GRID, SALTELLI, MORRIS)
"""Designs in which every level of the levers meets the same worlds."""
MORRIS_LEVELS = 4
MORRIS_STEP = MORRIS_LEVELS / 2 / (MORRIS_LEVELS - 1)
"""Levels of each factor in a trajectory of Morris, and the share of its range, two thirds, that a step crosses."""


@dataclass(frozen=True)
class Lever:
    """What a researcher varies on purpose: labels and, for each, the constants it sets; or bounds and no labels."""

    name: str
    unit: str
    labels: tuple[float | str, ...] = ()
    settings: tuple[Mapping[str, float], ...] = ()
    bounds: tuple[float, float] | None = None

    @property
    def words(self) -> bool:
        """Whether the labels are names of scenarios."""
        return any(isinstance(label, str) for label in self.labels)

    @property
    def sets(self) -> tuple[str, ...]:
        """The constants that some level sets."""
        named = tuple(dict.fromkeys(name for setting in self.settings for name in setting))
        return (self.name,) if self.bounds else named

    def label(self, level: Ints) -> NDArray[Any]:
        """Return the labels `(run,)` of levels."""
        return np.array(self.labels, dtype=object if self.words else float)[level]

    def values(self, name: str, level: Ints, otherwise: Floats) -> Floats:
        """Return what the levels `(run,)` give a constant, `otherwise` where they do not set it."""
        given = np.array([setting.get(name, np.nan) for setting in self.settings])[level]
        return np.where(np.isnan(given), otherwise, given)


@dataclass(frozen=True, eq=False)
class Design:
    """All runs of a sweep: levers, ranges sampled with them, worlds, what every run shares, and the seed.

    `kind` is `grid`, `latin_hypercube`, `sobol`, `saltelli` or `morris`; `samples` the worlds at each point where
    levers are crossed with worlds, else the runs. `worlds` are columns `(world,)`; `defaults` the model's own value of
    what some levels set and others do not.
    """

    kind: str
    levers: tuple[Lever, ...]
    ranges: Mapping[str, Uncertainty]
    worlds: Mapping[str, Floats]
    base: Mapping[str, float]
    defaults: Mapping[str, float]
    samples: int
    seed: int
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def crossed(self) -> bool:
        """Whether levers are crossed with worlds."""
        return self.kind in CROSSED

    @property
    def axes(self) -> tuple[Lever, ...]:
        """The levers that are crossed with worlds."""
        return tuple(lever for lever in self.levers if self.crossed and lever.bounds is None)

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of the sweep: crossed levers and worlds, else the runs."""
        return (*(len(lever.labels) for lever in self.axes), self.samples)

    @property
    def dimensions(self) -> list[int]:
        """The columns of shares that are sampled: levers stand first, then ranges."""
        levers = [i for i, lever in enumerate(self.levers) if not self.crossed or lever.bounds]
        return [*levers, *range(len(self.levers), len(self.levers) + len(self.ranges))]

    @property
    def runs(self) -> int:
        """The number of runs."""
        return prod(self.shape)

    @property
    def sampled(self) -> tuple[str, ...]:
        """The uncertain constants that differ between runs."""
        return (*self.ranges, *self.worlds)

    def table(self, runs: Ints) -> dict[str, NDArray[Any]]:
        """Return the inputs of some runs by name: run number, levers, the world where crossed, uncertain constants."""
        levels, shares, world = self._places(runs)
        found: dict[str, NDArray[Any]] = {RUN: runs}
        for i, lever in enumerate(self.levers):
            found[lever.name] = _between(lever.bounds, shares[:, i]) if lever.bounds else lever.label(levels[i])
        if self.crossed:
            found[WORLD] = world
        constants = self._constants(runs, levels, shares, world)
        return found | {name: constants[name] for name in self.sampled}

    def constants(self, runs: Ints) -> dict[str, Floats]:
        """Return the constants of some runs, `(run,)`, and what all share, `(1,)`; levers win over what is shared."""
        return self._constants(runs, *self._places(runs))

    def _constants(self, runs: Ints, levels: Sequence[Ints], shares: Floats, world: Ints) -> dict[str, Floats]:
        columns: dict[str, Floats] = {name: np.array([value]) for name, value in self.base.items()}
        columns |= {name: values[world] for name, values in self.worlds.items()}
        first = len(self.levers)
        columns |= {name: each.at(shares[:, first + i]) for i, (name, each) in enumerate(self.ranges.items())}
        for i, lever in enumerate(self.levers):
            if lever.bounds:
                columns[lever.name] = _between(lever.bounds, shares[:, i])
                continue
            for name in lever.sets:
                own = columns.get(name, np.array([self.defaults[name]]))
                columns[name] = lever.values(name, levels[i], np.broadcast_to(own, runs.shape))
        return columns

    def _places(self, runs: Ints) -> tuple[list[Ints], Floats, Ints]:
        """Return the level of each lever, the shares sampled, and the world of some runs."""
        if self.crossed:
            *places, world = (np.asarray(place) for place in np.unravel_index(runs, self.shape))
            crossed = iter(places)
            levels = [next(crossed) if lever.bounds is None else np.zeros_like(runs) for lever in self.levers]
            return levels, self._shares(world), world
        shares = self._shares(runs)
        counts = [max(len(lever.labels), 1) for lever in self.levers]
        return [np.minimum((shares[:, i] * n).astype(int), n - 1) for i, n in enumerate(counts)], shares, runs

    def _shares(self, at: Ints) -> Floats:
        """Return the shares `(run, lever and range)` of some worlds or runs; zeros for what is not sampled."""
        found = np.zeros((len(at), len(self.levers) + len(self.ranges)))
        if self.dimensions:
            found[:, self.dimensions] = sampled_shares(self.kind, len(self.dimensions), self.samples, self.seed, at)
        return found

    @cached_property
    def worlds_hash(self) -> str:
        """The SHA-256 of the worlds' names and numbers."""
        digest = hashlib.sha256(json.dumps(list(self.worlds)).encode())
        for column in self.worlds.values():
            digest.update(np.ascontiguousarray(column, dtype="<f8").tobytes())
        return digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the worlds themselves as plain data."""
        return {
            "design": self.kind,
            "levers": [_plain(lever) for lever in self.levers],
            "ranges": {name: _range(each) for name, each in self.ranges.items()},
            "worlds": {"sampled": list(self.worlds), "sha256": self.worlds_hash},
            "base": dict(self.base),
            "defaults": dict(self.defaults),
            "samples": self.samples,
            "seed": self.seed,
            "runs": self.runs,
        }  # fmt: skip


def crossed_levers(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the levers that are crossed with worlds, from the plain data of a design."""
    return [lever for lever in plan["levers"] if lever["bounds"] is None] if plan["design"] in CROSSED else []


def constants_of_row(row: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, float]:
    """Return the constants of a run from its row of inputs and the plain data of its design."""
    columns = {name: float(value) for name, value in plan["base"].items()}
    sampled = (*plan["ranges"], *plan["worlds"]["sampled"])
    columns |= {name: float(row[name]) for name in sampled}
    for lever in plan["levers"]:
        label = row[lever["name"]]
        if lever["settings"] is None:
            columns[lever["name"]] = float(label)
        else:
            columns |= {name: plan["defaults"][name] for name in lever["sets"] if name not in columns}
            columns |= lever["settings"][lever["labels"].index(label)]
    return columns


def _range(each: Uncertainty) -> dict[str, Any]:
    return each.model_dump(exclude_none=True, exclude={"role"})


def _plain(lever: Lever) -> dict[str, Any]:
    return {
        "name": lever.name, "unit": lever.unit, "labels": list(lever.labels), "sets": list(lever.sets),
        "settings": [dict(setting) for setting in lever.settings] if lever.words else None,
        "bounds": None if lever.bounds is None else list(lever.bounds),
    }  # fmt: skip


def _between(bounds: tuple[float, float], share: Floats) -> Floats:
    return np.asarray(bounds[0] + (bounds[1] - bounds[0]) * share)


def group_size(kind: str, dimensions: int) -> int:
    """Return how many worlds of a design belong together: the points of one row of matrices, or of one trajectory."""
    return {SALTELLI: dimensions + 2, MORRIS: dimensions + 1}.get(kind, 1)


def sampled_shares(kind: str, dimensions: int, samples: int, seed: int, at: Ints) -> Floats:
    """Return the shares `(run, dimension)` of some of so many samples, drawn block by block."""
    group = group_size(kind, dimensions)
    rows, columns = samples // group, 2 * dimensions if kind == SALTELLI else dimensions
    size = 1 if kind == MORRIS else min(rows, BLOCK) if kind in ("sobol", SALTELLI) else ceil(rows / ceil(rows / BLOCK))
    row, member = np.divmod(at, group)
    found = np.empty((len(at), columns))
    blocks = row // size
    order = np.argsort(blocks, kind="stable")
    for here in np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1) if len(at) else ():
        block = int(blocks[here[0]])
        drawn = _block(kind, columns, min(size, rows - block * size), seed, block, size)
        found[here] = drawn[member[here] if kind == MORRIS else row[here] - block * size]
    return _exchanged(found, member) if kind == SALTELLI else found


def _exchanged(pairs: Floats, member: Ints) -> Floats:
    """Return points `(run, dimension)` of Saltelli's design from rows of two matrices A and B side by side.

    Of a group, member 0 is A's row, the last B's, and member j A's with column j of B's: the radial design for first
    and total order, Saltelli et al. 2010, https://doi.org/10.1016/j.cpc.2009.09.018 (unchecked).
    """
    dimensions = pairs.shape[1] // 2
    points = pairs[:, :dimensions].copy()
    other = pairs[:, dimensions:]
    last = member == dimensions + 1
    points[last] = other[last]
    one = np.flatnonzero((member > 0) & ~last)
    points[one, member[one] - 1] = other[one, member[one] - 1]
    return points


def _trajectory(dimensions: int, generator: np.random.Generator) -> Floats:
    """Return the points `(dimension + 1, dimension)` of one trajectory: each step moves one factor, in random order.

    Morris 1991, https://doi.org/10.1080/00401706.1991.10484804 (unchecked), on an even number of levels; steps go up
    or down across `MORRIS_LEVELS / 2` of them.
    """
    step = MORRIS_LEVELS // 2
    low = generator.integers(0, step, dimensions)
    first = low + step * generator.integers(0, 2, dimensions)
    turn = generator.permutation(dimensions)
    moved = np.arange(dimensions + 1)[:, None] > turn[None, :]
    return np.where(moved, 2 * low + step - first, first) / (MORRIS_LEVELS - 1)


@lru_cache(maxsize=4)
def _block(kind: str, dimensions: int, count: int, seed: int, block: int, size: int) -> Floats:
    """Return a block of shares `(run, dimension)`.

    Latin hypercubes: McKay, Beckman and Conover 1979, https://doi.org/10.2307/1268522. Sobol sequences, scrambled:
    Owen 1998, https://doi.org/10.1006/jcom.1998.0487 (both unchecked).
    """
    from scipy.stats import qmc

    if kind == MORRIS:
        return _trajectory(dimensions, np.random.default_rng([seed, 0x3015, block]))
    if kind in ("sobol", SALTELLI):
        sequence = qmc.Sobol(d=dimensions, scramble=True, rng=np.random.default_rng([seed, 0x50B01]))
        ahead = sequence.fast_forward(block * size) if block else sequence
        return np.asarray(ahead.random(count))
    generator = np.random.default_rng([seed, 0x1A71, block])
    return np.asarray(qmc.LatinHypercube(d=dimensions, rng=generator).random(count))
