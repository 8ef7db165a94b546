"""A sweep's design: which constants each of its runs has, computed for any runs alone and always the same.

Shapes: run numbers and all columns are `(run,)`; a block of sampled shares is `(run, dimension)`. A grid crosses the
levels of its levers with worlds, the last lever and then the world changing fastest, so that all points of the grid
share their worlds. Latin hypercubes and Sobol sequences sample levers and uncertainties together.
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

    `kind` is `grid`, `latin_hypercube` or `sobol`; `samples` the worlds at each point of a grid, else the runs.
    `worlds` are columns `(world,)`; `defaults` the model's own value of what some levels set and others do not.
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
    def grid(self) -> bool:
        """Whether levers are crossed with worlds."""
        return self.kind == "grid"

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of the sweep: the levers and the worlds of a grid, else the runs."""
        return (*(len(lever.labels) for lever in self.levers), self.samples) if self.grid else (self.samples,)

    @property
    def runs(self) -> int:
        """The number of runs."""
        return prod(self.shape)

    @property
    def sampled(self) -> tuple[str, ...]:
        """The uncertain constants that differ between runs."""
        return (*self.ranges, *self.worlds)

    def table(self, runs: Ints) -> dict[str, NDArray[Any]]:
        """Return the inputs of some runs by name: run number, levers, in a grid the world, uncertain constants."""
        levels, shares, world = self._places(runs)
        found: dict[str, NDArray[Any]] = {RUN: runs}
        for i, lever in enumerate(self.levers):
            found[lever.name] = _between(lever.bounds, shares[:, i]) if lever.bounds else lever.label(levels[i])
        if self.grid:
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
        if self.grid:
            *levels, world = np.unravel_index(runs, self.shape)
            shares = self._shares(world) if self.ranges else np.empty((len(runs), 0))
            return [np.asarray(level) for level in levels], shares, np.asarray(world)
        shares = self._shares(runs)
        counts = [max(len(lever.labels), 1) for lever in self.levers]
        return [np.minimum((shares[:, i] * n).astype(int), n - 1) for i, n in enumerate(counts)], shares, runs

    def _shares(self, at: Ints) -> Floats:
        """Return the sampled shares `(run, dimension)`; zeros for the levers of a grid, which are not sampled."""
        size = ceil(self.samples / ceil(self.samples / BLOCK)) if self.kind != "sobol" else min(self.samples, BLOCK)
        gap = len(self.levers) if self.grid else 0
        dimensions = len(self.ranges) + len(self.levers) - gap
        found = np.zeros((len(at), gap + dimensions))
        for block in np.unique(at // size).tolist():
            here = at // size == block
            count = min(size, self.samples - block * size)
            found[here, gap:] = _block(self.kind, dimensions, count, self.seed, block, size)[at[here] - block * size]
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


@lru_cache(maxsize=4)
def _block(kind: str, dimensions: int, count: int, seed: int, block: int, size: int) -> Floats:
    """Return a block of shares `(run, dimension)`.

    Latin hypercubes: McKay, Beckman and Conover 1979, https://doi.org/10.2307/1268522. Sobol sequences, scrambled:
    Owen 1998, https://doi.org/10.1006/jcom.1998.0487 (both unchecked).
    """
    from scipy.stats import qmc

    if kind == "sobol":
        sequence = qmc.Sobol(d=dimensions, scramble=True, rng=np.random.default_rng([seed, 0x50B01]))
        ahead = sequence.fast_forward(block * size) if block else sequence
        return np.asarray(ahead.random(count))
    generator = np.random.default_rng([seed, 0x1A71, block])
    return np.asarray(qmc.LatinHypercube(d=dimensions, rng=generator).random(count))
