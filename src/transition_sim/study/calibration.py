"""Calibration by history matching: worlds are sampled from plausible ranges and kept where they meet published targets.

History matching in a plain form, without emulators (Vernon, Goldstein and Bower 2010,
https://doi.org/10.1214/10-BA524): what lies outside a band is ruled out. It goes by block: the slow block of state, aid
and politics is matched first, then the hazard's own constants are drawn for each world that is left, up to ROUNDS
times, and the baseline hazard is solved. A world of the slow block is kept once, however many draws of the second fit
it: the ensemble says what is not ruled out, and its densities are no posterior probabilities.

Shapes: a column `(run,)` for each uncertain constant, one run a world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.simulate import provenance_of_versions
from transition_sim.errors import SimulationError
from transition_sim.model.equations import Model
from transition_sim.study.ensembles import ENSEMBLES, SAYS, as_written, made_for
from transition_sim.study.evidence import STEP, Evidence, Target, Verdict, judge, load_evidence
from transition_sim.study.measures import RISK, cases_of, measure
from transition_sim.study.scenario import load_scenario
from transition_sim.study.worlds import Uncertainty, load_uncertainties, sampled

Floats = NDArray[np.float64]
Columns = dict[str, Floats]
Told = Callable[[str], None]
HAZARD = "Hazard"
"""The sector whose constants make the second block."""
TRIED = 2**16
"""Draws of the first block."""
ROUNDS = 24
"""Draws of the second block, at the most, for each world that the first block leaves."""
PRIOR = 4096
"""Worlds over which the share of the prior that meets each target is counted."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Kept worlds and the sheet of how they came about."""

    name: str
    columns: Mapping[str, Floats]
    sheet: Mapping[str, Any]


def calibrate(
    model: Model, runs: int = 1000, seed: int = 7, names: tuple[str, ...] = ENSEMBLES, tried: int = TRIED,
    told: Told | None = None,
) -> list[Calibrated]:  # fmt: skip
    """Return for each ensemble `runs` worlds that meet every target it is fitted to, and how they were found.

    The same model, ranges, targets, seed and numbers give the same worlds. `told` hears of progress. Raises
    SimulationError where fewer than `runs` worlds are found, with the target that rejects most.
    """
    match = _Match(model, load_evidence(model), seed, told or (lambda words: None))
    match.first_block(tried)
    return [match.ensemble(name, runs) for name in names]


class _Match:
    """One calibration under way: its designs, and the worlds that the first block leaves."""

    def __init__(self, model: Model, evidence: Evidence, seed: int, told: Told) -> None:
        self.model, self.evidence, self.seed, self.told = model, evidence, seed, told
        self.ranges = sampled(load_uncertainties(model)[0])
        self.target, self.solves, self.solved = evidence.solved
        self.scenario = load_scenario(f"contexts/{evidence.context}")
        hazard = {name for name in self.ranges if model.variables[name].group == HAZARD}
        self.blocks = [[n for n in self.ranges if n not in hazard], [n for n in self.ranges if n in hazard]]
        self.left: Columns = {}
        self.counts: dict[str, int] = {}
        self.prior: list[Verdict] = []
        self.binds: dict[str, float] = {}

    def first_block(self, tried: int) -> None:
        """Draw the first block, and leave what meets the targets that do not hang on the hazard."""
        names = [name for name, t in self.evidence.targets.items() if t.kind == "fitted" and not self.on_hazard(t)]
        drawn = self.drawn(list(self.ranges), _sobol(len(self.ranges), tried, self.seed, 1))
        inside: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in names}
        for block in _slices(tried):
            worlds = {name: column[block] for name, column in drawn.items()}
            for verdict in judge(self.model, self.evidence, worlds, "", names):
                inside[verdict.name].append(verdict.target.holds(verdict.values))
            self.told(f"first block: {block.stop:,} of {tried:,} worlds tried")
        met = {name: np.concatenate(parts) for name, parts in inside.items()}
        kept = np.logical_and.reduce(list(met.values()))
        self.counts = {"worlds tried in the first block": tried, "left by it": int(kept.sum())}
        self.binds = _binding(met)
        if not kept.any():
            raise SimulationError(f"none of {tried:,} worlds meets {', '.join(names)}; try more")
        self.left = {name: drawn[name][kept] for name in self.blocks[0]}
        first = {name: column[:PRIOR] for name, column in drawn.items()}
        self.prior = judge(self.model, self.evidence, first, "prior")

    def on_hazard(self, target: Target) -> bool:
        """Tell whether a target hangs on the hazard's own constants."""
        outcomes = {case.outcome for case in cases_of(target.measure)}
        return any(o == RISK or self.model.find(o).group == HAZARD for o in outcomes)

    def drawn(self, names: list[str], shares: Floats) -> Columns:
        """Return constants `(run,)` from the shares `(run, constant)` of their ranges that lie below."""
        return {name: self.ranges[name].at(shares[:, i]) for i, name in enumerate(names)}

    def ensemble(self, name: str, runs: int) -> Calibrated:
        """Return one ensemble: the second block drawn for each world until it meets the hazard's targets."""
        found, tries, met = self.second_block(name)
        worlds = {key: column[found.order] for key, column in found.columns.items()}
        verdicts = judge(self.model, self.evidence, worlds, name)
        good = np.logical_and.reduce([v.target.holds(v.values) for v in verdicts if v.fitted])
        chosen = _chosen(np.flatnonzero(good), found.side[found.order], runs)
        counts = {**self.counts, "draws of the second block": tries, "found": int(good.sum())}
        binds = {**self.binds, **_binding(met)}
        if len(chosen) < runs:
            worst = max(binds, key=lambda target: binds[target])
            raise SimulationError(
                f"ensemble '{name}': {len(chosen):,} worlds of {next(iter(self.counts.values())):,} meet every target; "
                f"{runs:,} are asked for. Most are lost to '{worst}'; try more, or widen what is not known so well"
            )
        kept = {key: as_written(column[chosen]) for key, column in worlds.items()}
        columns = {key: kept[key] for key in self.ranges}
        sheet = self.sheet(name, columns, counts, binds, [_at(v, chosen) for v in verdicts])
        return Calibrated(name, columns, sheet)

    def second_block(self, name: str) -> tuple[_Found, int, dict[str, NDArray[np.bool_]]]:
        """Return worlds that meet the hazard's targets, how many draws that took, and what the first draws met."""
        targets = {n: t for n, t in self.evidence.fitted(name).items() if self.on_hazard(t)}
        count = len(next(iter(self.left.values())))
        centred = next((n for n, target in targets.items() if target.centred), None)
        found = _Found(self.ranges, count, two_sided=centred is not None)
        shares = _hypercube(len(self.blocks[1]) + 1, ROUNDS * count, self.seed, 3 + ENSEMBLES.index(name))
        draws, levels = self.drawn(self.blocks[1], shares), self.levels(shares[:, -1])
        tries = 0
        first: dict[str, NDArray[np.bool_]] = {}
        for number in range(ROUNDS):
            pending = found.pending()
            if not len(pending):
                break
            rows = number * count + pending
            worlds = {key: column[pending] for key, column in self.left.items()}
            worlds |= {key: column[rows] for key, column in draws.items()}
            worlds[self.solves] = self.solve(worlds, levels[rows])
            verdicts = judge(self.model, self.evidence, worlds, name, list(targets))
            met = {verdict.name: verdict.target.holds(verdict.values) for verdict in verdicts}
            values = next((v.values for v in verdicts if v.name == centred), None)
            middle = targets[centred].value if centred else 0.0
            good = np.logical_and.reduce(list(met.values()))
            found.take(pending, worlds, good, None if values is None else values >= middle)
            first = first or met
            tries += len(pending)
            self.told(f"ensemble {name}: {len(found.order):,} of {count:,} worlds matched after {number + 1} draws")
        return found, tries, first

    def levels(self, share: Floats) -> Floats:
        """Return the levels that the solved target is drawn at: triangular over its band, its value the mode."""
        low, high = self.target.band
        shape = Uncertainty(
            low=low, high=high, mode=self.target.value, distribution="triangular", source=None, assumption="its band"
        )
        return shape.at(share)

    def solve(self, worlds: Columns, level: Floats) -> Floats:
        """Return the baseline hazard `(run,)` at which each world's risk is a level.

        Trajectories do not hang on the baseline, so the cumulative hazard is in proportion to it.
        """
        total, spread = (self.solved.model_copy(update={"outcome": each}) for each in (risk.CUMULATIVE, risk.SPREAD))
        hazard, frailty = measure(self.model, self.scenario, worlds, [total, spread], STEP)
        unit = hazard / worlds[self.solves]
        low, high = np.log(1e-7 / unit), np.log(1e3 / unit)
        for _ in range(64):
            middle = (low + high) / 2
            above = risk.frailty_average((np.exp(middle) * unit)[None], frailty)[0] > level
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        limits = self.model.find(self.solves).limits
        return np.clip(np.exp((low + high) / 2), limits[0], limits[1])

    def sheet(
        self, name: str, columns: Columns, counts: Mapping[str, int], binds: Mapping[str, float], after: list[Verdict]
    ) -> dict[str, Any]:
        """Return what is to be known of an ensemble, as plain data."""
        fitted = set(self.evidence.fitted(name))
        prior = {verdict.name: verdict for verdict in self.prior}
        targets = {
            v.name: {
                "kind": "fitted" if v.name in fitted else "checked" if v.target.kind == "fitted" else v.target.kind,
                "share of prior worlds inside": round(prior[v.name].share, 4),
                "rejects of worlds that meet all others of its block": round(binds[v.name], 4)
                if v.name in fitted
                else None,
                "share of kept worlds inside": round(v.share, 4),
            }
            for v in after
        }
        return {
            "ensemble": name,
            "says": SAYS[name],
            "made_for": made_for(self.model),
            "seed": self.seed,
            "counts": dict(counts),
            "targets": targets,
            "moved": moved(columns, self.drawn(list(self.ranges), _sobol(len(self.ranges), PRIOR, self.seed, 0))),
            "versions": provenance_of_versions(),
        }


class _Found:
    """Worlds found so far, in the order of the first block's draws; `two_sided` asks for a side of each."""

    def __init__(self, names: Mapping[str, Any], count: int, two_sided: bool) -> None:
        self.columns = {name: np.full(count, np.nan) for name in names}
        self.done = np.zeros(count, dtype=bool)
        self.side = np.arange(count) % 2 == 1 if two_sided else np.zeros(count, dtype=bool)

    def pending(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self.done)

    def take(
        self, rows: NDArray[np.int64], worlds: Columns, good: NDArray[np.bool_], above: NDArray[np.bool_] | None
    ) -> None:
        wanted = good if above is None else good & (above == self.side[rows])
        for name, column in self.columns.items():
            column[rows[wanted]] = worlds[name][wanted]
        self.done[rows[wanted]] = True

    @property
    def order(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.done)


def moved(columns: Mapping[str, Floats], prior: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """Return the constants whose kept values are distributed otherwise than their range, strongest first.

    By the two-sample test of Kolmogorov and Smirnov, at one in a thousand over all of them (Bonferroni).
    """
    from scipy.stats import ks_2samp

    rows = []
    for name, kept in columns.items():
        test = ks_2samp(kept, prior[name])
        if test.pvalue < 1e-3 / len(columns):
            parts = {"prior": prior[name], "posterior": kept}
            told = {key: [float(f"{q:.4g}") for q in np.quantile(v, (0.1, 0.5, 0.9))] for key, v in parts.items()}
            rows.append({"constant": name, "distance": round(float(test.statistic), 3), **told})
    return sorted(rows, key=lambda row: -row["distance"])


def _sobol(dimensions: int, count: int, seed: int, stream: int) -> Floats:
    """Return the first points `(count, dimension)` of a scrambled Sobol sequence (Owen 1998; unchecked)."""
    from scipy.stats import qmc

    generator = np.random.default_rng(np.random.SeedSequence([seed, stream]))
    power = max(int(np.ceil(np.log2(max(count, 1)))), 0)
    return np.asarray(qmc.Sobol(d=dimensions, scramble=True, rng=generator).random_base2(power)[:count])


def _hypercube(dimensions: int, count: int, seed: int, stream: int) -> Floats:
    """Return a Latin hypercube `(count, dimension)`, whose columns hang neither on each other nor on another design.

    Two scrambled Sobol sequences with the same index do hang on each other, so the second block takes none.
    """
    from scipy.stats import qmc

    generator = np.random.default_rng(np.random.SeedSequence([seed, stream]))
    return np.asarray(qmc.LatinHypercube(d=dimensions, rng=generator).random(count))


def _slices(count: int, size: int = 8192) -> Iterator[slice]:
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def _binding(met: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """Return for each target the share of worlds that it rejects among those that meet all others of its block."""
    found = {}
    for name, own in met.items():
        others = [good for other, good in met.items() if other != name]
        rest = np.logical_and.reduce(others) if others else np.ones(len(own), dtype=bool)
        found[name] = float(1 - own[rest].mean()) if rest.any() else 0.0
    return found


def _chosen(good: NDArray[np.int64], side: NDArray[np.bool_], runs: int) -> NDArray[np.int64]:
    """Return the first worlds, half from each side where there are two, in order; fewer where there are not enough."""
    if not side.any():
        return good[:runs]
    below, above = good[~side[good]], good[side[good]]
    half = min(runs // 2, len(below), len(above))
    return np.sort(np.concatenate([below[: half + (runs % 2 if half == runs // 2 else 0)], above[:half]]))


def _at(verdict: Verdict, chosen: NDArray[np.int64]) -> Verdict:
    return Verdict(verdict.name, verdict.target, verdict.values[chosen], verdict.fitted)
