"""Options side by side: the same effort placed at different times, over the same plausible worlds.

Shapes: probabilities and effort at the horizons are `(horizon, option, world)`; other outcomes `(option, world)`;
trajectories `(time, option, world)`. Differences and regret are taken inside a world, ranges across worlds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.plan import default_backend
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import referee, simulate
from transition_sim.errors import ScenarioError, SimulationError, nearest
from transition_sim.model.equations import Model
from transition_sim.model.reader import load_model
from transition_sim.study.scenario import DEFINITIONS, Scenario, load_scenario
from transition_sim.study.worlds import Worlds, sample_worlds

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
OPTIONS = ("none", "mission_start", "during_mission", "draw_down", "late_transition", "throughout", "spread")
ROLES = ("mission start", "during mission", "draw down", "late transition", "throughout")
HORIZONS = (5, 10, 15, 20)
BUNDLES = {"role": 0.0, "same": 1.0}
TRACKED = (
    "peacekeepers deployed", "security", "active spoilers", "state capacity", "legitimacy", "national ownership",
    "agreement implementation", "donor attention", "aid disbursement", "aid gap", "relapse hazard",
)  # fmt: skip
NEEDED = (
    risk.CUMULATIVE, "relapse probability", "relapse hazard", "baseline hazard", "cumulative PBC effort", "aid need",
    "aid gap", "cumulative aid gap", "cumulative mission cost", "cumulative aid disbursed",
)  # fmt: skip
BLOCK = 1024
"""Runs whose trajectories are held at once; what is kept of them is reduced block by block."""
VARIED_WORLDS = 60
"""Worlds over which rankings under other assumptions are computed: the first of the sample."""
TRACK_EVERY = 3
REFEREED = 3
ASSUMPTION = (
    "The size of any effect of the Peacebuilding Commission is an assumption with a wide range; no published "
    "estimate exists."
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one bundle gave under one definition of relapse: outcomes of all options in all worlds.

    `varied` gives the 20-year probabilities `(option, world)` of the first worlds under each other assumption.
    """

    definition: str
    bundle: str
    options: tuple[str, ...]
    probability: Floats  # (horizon, option, world)
    effort: Floats  # (horizon, option, world)
    gap: Mapping[str, Floats]  # measure -> (option, world)
    cost: Floats  # (option, world), MUSD
    time: Floats  # (time,)
    paths: Mapping[str, Floats]  # variable -> (time, option, world)
    full_budget: tuple[bool, ...]
    varied: Mapping[str, Floats] = field(default_factory=dict)

    def change_under(self, assumption: str) -> Floats:
        """Median change from `none` of the 20-year probability under another assumption, `(option,)`."""
        risks = self.varied[assumption]
        return np.asarray(np.median(risks - risks[self.options.index("none")], axis=1))

    @cached_property
    def difference(self) -> Floats:
        """Probability less that of `none` in the same world, `(horizon, option, world)`."""
        none = self.options.index("none")
        return np.asarray(self.probability - self.probability[:, none : none + 1])

    @cached_property
    def regret(self) -> Floats:
        """Probability above the best option in the same world, `(horizon, option, world)`."""
        return np.asarray(self.probability - self.probability.min(axis=1, keepdims=True))

    @cached_property
    def share_best(self) -> Floats:
        """Share of worlds in which an option has the lowest probability, `(horizon, option)`; ties are shared."""
        best = self.regret == 0
        return np.asarray((best / best.sum(axis=1, keepdims=True)).mean(axis=2))


@dataclass(frozen=True, eq=False)
class Comparison:
    """The options at equal effort: outcomes by bundle, how they were computed, and how well SciPy agrees."""

    context: str
    title: str
    runs: int
    seed: int
    effort_months: float
    definition: str
    ensemble: str
    outcomes: tuple[Outcome, ...]
    provenance: Mapping[str, Any]
    referee_runs: int
    max_deviation: float
    tolerance: float
    dates: Mapping[str, float] = field(default_factory=dict)

    @property
    def definitions(self) -> tuple[str, ...]:
        """The definitions of relapse compared, in order."""
        return tuple(dict.fromkeys(outcome.definition for outcome in self.outcomes))

    def under(self, definition: str) -> Comparison:
        """Return the part of the comparison under one definition of relapse."""
        outcomes = tuple(outcome for outcome in self.outcomes if outcome.definition == definition)
        return replace(self, definition=definition, outcomes=outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as the plain data of `compare --json`."""
        return {
            "context": self.context,
            "runs": self.runs,
            "seed": self.seed,
            "effort_months": self.effort_months,
            "horizon_years": list(HORIZONS),
            "provenance": dict(self.provenance),
            "referee": {"runs": self.referee_runs, "max_deviation": self.max_deviation, "tolerance": self.tolerance},
            "results": [_results(self, outcome) for outcome in self.outcomes],
        }

    def to_json(self) -> str:
        """Return the comparison as JSON text, plain numbers throughout."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    @property
    def table(self) -> pd.DataFrame:
        """The comparison as a data frame, a row for each bundle, option and horizon."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for result in self.to_dict()["results"]:
            for option in result["options"]:
                rows.extend(_row(self, result, option, year) for year in map(str, HORIZONS))
        return pd.DataFrame(rows)


def compare(
    context: str | Path = "reference",
    options: Sequence[str | Path] | None = None,
    runs: int = 1000,
    seed: int = 7,
    effort: float = 18,
    definition: str = "war",
    bundle: str = "both",
    ensemble: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Return the options compared at equal effort in one context, over sampled plausible worlds.

    `context` and `options` are shipped names or scenario files; `none` is always among the options. `effort` is in
    effort-months. `definition`: what counts as relapse, or `all`. `bundle`: `role` (each entry point with its own
    channels), `same` (the same actions at different times) or `both`. Worlds are common to all options. Raises
    ScenarioError for what cannot be compared (a share that does not fit its window, say), SimulationError where
    effort differs or SciPy disagrees.
    """
    _check_words(definition, bundle, ensemble)
    model = load_model()
    setting = load_scenario(_in_folder(context, "contexts"))
    chosen = [load_scenario(_in_folder(option, "entry_points")) for option in _with_none(options)]
    _check_options(model, setting, chosen)
    worlds = sample_worlds(model, runs, seed)
    study = _Study(model, setting, chosen, worlds, float(effort))
    study.check_windows()
    bundles = list(BUNDLES) if bundle == "both" else [bundle]
    definitions = list(DEFINITIONS) if definition == "all" else [definition]
    outcomes, deviation, redone = study.run(definitions, bundles, seed, progress)
    tolerance = 1e-3 if study.by_benchmark else 1e-4
    if not deviation <= tolerance:
        raise SimulationError(f"SciPy's integration differs by {deviation:.2g} in probability; allowed: {tolerance:g}")
    for outcome in outcomes:
        _check_effort(outcome)
    return Comparison(
        _short(setting.name, "contexts"), setting.title, runs, seed, float(effort), definition, "prior",
        outcomes, study.provenance(seed), redone, deviation, tolerance, study.dates(),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Study:
    """The inputs of one comparison, checked, and the runs made of them."""

    model: Model
    context: Scenario
    options: Sequence[Scenario]
    worlds: Worlds
    effort: float

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(_short(option.name, "entry_points") for option in self.options)

    @cached_property
    def base(self) -> dict[str, float]:
        """What every run of this context shares: the context's constants, checked and in the model's units."""
        return self.constants_of(self.context)

    def constants_of(self, scenario: Scenario) -> dict[str, float]:
        from transition_sim.engine.resolve import resolve

        columns = resolve(self.model, scenario.settings).columns
        return {name: float(column[0]) for name, column in columns.items()}

    @cached_property
    def by_benchmark(self) -> bool:
        return bool(self.value("draw down rule") > 0.5 or any(c.get("draw down rule", 0) > 0.5 for c in self.changes))

    @cached_property
    def changes(self) -> list[dict[str, float]]:
        """What each option sets, in the model's units."""
        return [self.constants_of(option) for option in self.options]

    def value(self, name: str) -> float:
        found = self.model.find(name)
        return self.base.get(found.name, found.value)

    def dates(self) -> dict[str, float]:
        names = ("deployment start", "draw down start", "draw down duration", "election date")
        return {name: self.value(name) for name in names if name in self.model}

    def columns(self, worlds: slice, definition: str, bundle: str) -> dict[str, Floats]:
        """Return the constants `(run,)` of every option in some worlds; run = option x worlds + world.

        What the context or an option sets is not sampled.
        """
        count = len(range(*worlds.indices(self.worlds.runs)))
        varied = {name for change in self.changes for name in change}
        columns: dict[str, Floats] = {}
        for name in varied:
            own = self.base.get(name, self.model.find(name).value)
            columns[name] = np.repeat([change.get(name, own) for change in self.changes], count)
        for name, values in self.worlds.besides({*self.base, *varied}).items():
            columns[name] = np.tile(values[worlds], len(self.options))
        columns["PBC effort budget"] = np.array([self.effort])
        columns["PBC same bundle"] = np.array([BUNDLES[bundle]])
        columns["relapse definition"] = np.array([DEFINITIONS[definition]])
        return columns

    def simulate(self, columns: Mapping[str, Floats], outputs: Sequence[str], save_every: float) -> Result:
        return simulate(
            self.model, self.context, constants=columns, outputs=list(outputs), method="rk4", events="exact",
            time_step=0.5, save_every=save_every,
        )  # fmt: skip

    def check_windows(self) -> None:
        """Refuse shares above the budget, or that do not fit their windows, as the model itself computes these."""
        outputs = [f"PBC {role} window {end}" for role in ROLES for end in ("start", "end")]
        horizon = self.model.time.final - self.model.time.initial
        result = self.simulate(self.columns(slice(None), "war", "role"), outputs, save_every=horizon)
        faults: list[str] = []
        shares = np.array([result.constants[f"PBC {role} effort"] for role in ROLES]).sum(axis=0)
        for name, total in zip(self.names, shares[:: self.worlds.runs], strict=True):
            if total > 1 + 1e-9:
                faults.append(f"option '{name}': shares of the effort budget sum to {total:g}; allowed: at most 1")
        for role in ROLES:
            length = (result[f"PBC {role} window end"] - result[f"PBC {role} window start"])[0]
            needs = result.constants[f"PBC {role} effort"] * self.effort
            for i, name in enumerate(self.names):
                runs = slice(i * self.worlds.runs, (i + 1) * self.worlds.runs)
                if (needs[runs] > np.maximum(length[runs], 0) + 1e-9).any():
                    shortest = max(float(length[runs].min()), 0.0)
                    faults.append(
                        f"option '{name}': {needs[runs].max():g} effort-months do not fit the {role} window of "
                        f"{shortest:g} months (budget {self.effort:g}); allowed: an effort of at most "
                        f"{self.effort * shortest / needs[runs].max():g}"
                    )
        if faults:
            raise ScenarioError("\n".join(faults))

    def run(
        self, definitions: list[str], bundles: list[str], seed: int, progress: Callable[[int, int], None] | None
    ) -> tuple[tuple[Outcome, ...], float, int]:
        """Return the outcomes, the referee's largest deviation and the number of runs it redid."""
        drivers = [name for name in self.model.names() if name.startswith("hazard from ")]
        outputs = list(dict.fromkeys([*NEEDED, *TRACKED, *drivers]))
        cases = [(definition, bundle) for definition in definitions for bundle in bundles]
        outcomes: list[Outcome] = []
        deviation, redone, done = 0.0, 0, 0
        total = len(cases) * self.worlds.runs * len(self.options)
        for case in cases:
            parts: list[Outcome] = []
            for block in self.blocks():
                result = self.simulate(self.columns(block, *case), outputs, save_every=1)
                if result.failed:
                    raise SimulationError(self.failure(result, block))
                if not parts:
                    found = referee(result, ["relapse probability"], sample=REFEREED, seed=seed)
                    deviation = max(deviation, found.deviation["relapse probability"])
                    redone += len(found.runs)
                parts.append(self.reduce(case, result, drivers))
                done += result.runs
                if progress is not None:
                    progress(done, total)
            outcomes.append(_joined(parts))
        varied = self.under_other_assumptions(cases)
        return tuple(replace(o, varied=varied[o.definition, o.bundle]) for o in outcomes), deviation, redone

    def under_other_assumptions(self, cases: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Floats]]:
        """Return the 20-year risk `(option, world)` of the first worlds under each other assumption, in one batch."""
        block = slice(0, min(VARIED_WORLDS, self.worlds.runs))
        count = (block.stop - block.start) * len(self.options)
        assumptions = self.assumptions()
        labels = [(case, name) for case in cases for name in assumptions]
        columns = [{**self.columns(block, *case), **assumptions[name]} for case, name in labels]
        joined = {
            name: np.concatenate([np.broadcast_to(self.column(part, name), (count,)) for part in columns])
            for name in dict.fromkeys(name for part in columns for name in part)
        }
        years = 12 * HORIZONS[-1] - self.model.time.initial
        result = self.simulate(joined, [risk.CUMULATIVE], save_every=years)
        risks = risk.probability(result, slice(-1, None)).reshape(len(labels), len(self.options), -1)
        found: dict[tuple[str, str], dict[str, Floats]] = {case: {} for case in cases}
        for (case, name), values in zip(labels, risks, strict=True):
            found[case][name] = values
        return found

    def column(self, part: Mapping[str, Floats], name: str) -> Floats:
        return part.get(name, np.array([self.value(name)]))

    def assumptions(self) -> dict[str, dict[str, Floats]]:
        """Return the assumptions that a ranking may hang on, each as constants that replace the worlds' own."""
        low, high = self.worlds.bounds.get("half effect effort", (self.value("half effect effort"),) * 2)
        off = np.array([0.0])
        return {
            "as sampled": {},
            "saturates early": {"half effect effort": np.array([low])},
            "saturates late": {"half effect effort": np.array([high])},
            "no compact": {"PBC compact channel weight": off},
            "no force building": {"PBC force channel weight": off},
        }

    def blocks(self) -> Iterator[slice]:
        size = max(BLOCK // len(self.options), 1)
        for first in range(0, self.worlds.runs, size):
            yield slice(first, min(first + size, self.worlds.runs))

    def failure(self, result: Result, block: slice) -> str:
        """Name the first run that broke down, so that it can be looked at."""
        option, world = divmod(result.failed[0], result.runs // len(self.options))
        return (
            f"{len(result.failed)} of {result.runs} runs broke down; the first is option '{self.names[option]}' in "
            f"world {block.start + world} of seed {self.worlds.seed}"
        )

    def reduce(self, case: tuple[str, str], result: Result, drivers: Sequence[str]) -> Outcome:
        """Return the outcomes of a batch of runs."""
        shape = (len(self.options), result.runs // len(self.options))
        at = [risk.time_index(result, 12.0 * year) for year in HORIZONS]
        kept = np.arange(0, len(result.time), TRACK_EVERY)
        followed = np.union1d(kept, at)
        probability = risk.probability(result, followed)
        effort = result["cumulative PBC effort"][at].reshape(len(at), *shape)
        gap = risk.aid_gap(result)
        measures = {name: gap[name].to_numpy().reshape(shape) for name in gap.columns}
        cost = (result["cumulative mission cost"] + result["cumulative aid disbursed"])[-1].reshape(shape)
        paths = {name: result[name][kept].reshape(len(kept), *shape).copy() for name in (*TRACKED, *drivers)}
        paths["relapse probability"] = probability[np.searchsorted(followed, kept)].reshape(len(kept), *shape)
        shares = np.array([[result.constants[f"PBC {role} effort"]] for role in ROLES]).sum(axis=(0, 1))
        full = tuple(bool(abs(share - 1) < 1e-9) for share in shares[:: shape[1]])
        risks = probability[np.searchsorted(followed, at)].reshape(len(at), *shape)
        return Outcome(*case, self.names, risks, effort, measures, cost, result.time[kept], paths, full)

    def provenance(self, seed: int) -> dict[str, Any]:
        from transition_sim.engine.simulate import provenance_of_versions

        return {
            "model": self.model.name,
            "model_hash": self.model.file_hash,
            "context": self.context.name,
            "context_hash": self.context.hash,
            "options": {option.name: option.hash for option in self.options},
            "worlds": f"prior, not calibrated: Latin hypercube over {self.worlds.file}",
            "uncertainties_hash": self.worlds.file_hash,
            "not_sampled": sorted(name for name in self.worlds.columns if name in self.base),
            "seed": seed,
            "runs_total": self.worlds.runs * len(self.options),
            "method": "rk4",
            "time_step": 0.5,
            "events": "exact",
            "backend": default_backend(),
            "note": f"stylised teaching and exploration model, not a forecast. {ASSUMPTION}",
            "versions": provenance_of_versions(),
        }


def _check_words(definition: str, bundle: str, ensemble: str | None) -> None:
    faults = []
    words = (*DEFINITIONS, "all")
    if definition not in words:
        faults.append(
            f"definition '{definition}' does not exist; allowed: {', '.join(words)}{nearest(definition, words)}"
        )
    if bundle not in (*BUNDLES, "both"):
        faults.append(
            f"bundle '{bundle}' does not exist; allowed: role, same, both{nearest(bundle, [*BUNDLES, 'both'])}"
        )
    if ensemble not in (None, "prior"):
        faults.append(
            f"ensemble '{ensemble}' does not exist yet: the model is not calibrated; worlds are sampled from "
            "models/uncertainties.yaml ('prior')"
        )
    if faults:
        raise ScenarioError("\n".join(faults))


def _in_folder(reference: str | Path, folder: str) -> str | Path:
    """Return a shipped name with its folder, so that `reference` means `contexts/reference`; paths as they are."""
    text = str(reference)
    return reference if "/" in text or Path(text).suffix or Path(text).exists() else f"{folder}/{text}"


def _with_none(options: Sequence[str | Path] | None) -> list[str | Path]:
    chosen: list[str | Path] = list(OPTIONS if options is None else options)
    names = {str(option).removeprefix("entry_points/").removesuffix(".yaml") for option in chosen}
    return chosen if "none" in names else ["none", *chosen]


def _check_options(model: Model, context: Scenario, options: Sequence[Scenario]) -> None:
    names = [_short(option.name, "entry_points") for option in options]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ScenarioError(f"options given twice: {', '.join(doubled)}")
    for scenario in (context, *options):
        if scenario.model != model.path:
            raise ScenarioError(f"'{scenario.name}' is for model '{scenario.model.stem}'; compare is for 'transition'")
    for option in options:
        if option.series:
            raise ScenarioError(f"option '{option.name}' sets a series; series belong into the context")


def _short(name: str, folder: str) -> str:
    return Path(name).stem if Path(name).suffix else name.removeprefix(f"{folder}/")


def _joined(parts: Sequence[Outcome]) -> Outcome:
    """Return the outcomes of blocks of worlds as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    join = [
        np.concatenate(blocks, axis=-1)
        for blocks in zip(*((p.probability, p.effort, p.cost) for p in parts), strict=True)
    ]
    gap = {name: np.concatenate([part.gap[name] for part in parts], axis=-1) for name in first.gap}
    paths = {name: np.concatenate([part.paths[name] for part in parts], axis=-1) for name in first.paths}
    return Outcome(
        first.definition, first.bundle, first.options, join[0], join[1], gap, join[2], first.time, paths,
        first.full_budget,
    )  # fmt: skip


def _check_effort(outcome: Outcome) -> None:
    """Fail where full-budget options differ by more than one per cent in effort at year 20."""
    spent = outcome.effort[-1][list(outcome.full_budget)]
    if spent.size and np.ptp(spent) > 0.01 * spent.max():
        told = ", ".join(f"{o} {e.mean():.2f}" for o, e in zip(outcome.options, outcome.effort[-1], strict=True))
        raise SimulationError(f"full-budget options spend unequal effort by year 20 ({outcome.bundle}): {told}")


def quantiles(values: Floats) -> dict[str, float]:
    """Return 10th percentile, median and 90th percentile over the last axis of one row of worlds."""
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return {"p10": float(low), "median": float(middle), "p90": float(high)}


def _results(comparison: Comparison, outcome: Outcome) -> dict[str, Any]:
    return {
        "ensemble": comparison.ensemble,
        "definition": outcome.definition,
        "bundle": outcome.bundle,
        "options": [_option(outcome, i) for i in range(len(outcome.options))],
        "median_change_under": {
            name: dict(zip(outcome.options, outcome.change_under(name).tolist(), strict=True))
            for name in outcome.varied
        },
        "worlds_under": min(VARIED_WORLDS, comparison.runs),
    }


def _option(outcome: Outcome, i: int) -> dict[str, Any]:
    def by_year(values: Floats) -> dict[str, dict[str, float]]:
        return {str(year): quantiles(values[h, i]) for h, year in enumerate(HORIZONS)}

    return {
        "name": outcome.options[i],
        "full_budget": outcome.full_budget[i],
        "effort_spent": {str(year): float(outcome.effort[h, i].mean()) for h, year in enumerate(HORIZONS)},
        "relapse_probability": by_year(outcome.probability),
        "difference_from_none": by_year(outcome.difference),
        "aid_gap": {name: quantiles(outcome.gap[name][i]) for name in ("cumulative_musd", "months_open", "max_share")},
        "cost_musd": quantiles(outcome.cost[i]),
        "share_best": {str(year): float(outcome.share_best[h, i]) for h, year in enumerate(HORIZONS)},
        "regret": by_year(outcome.regret),
    }


def _row(comparison: Comparison, result: Mapping[str, Any], option: Mapping[str, Any], year: str) -> dict[str, Any]:
    row = {
        "context": comparison.context, "ensemble": result["ensemble"], "definition": result["definition"],
        "bundle": result["bundle"], "option": option["name"], "years": int(year),
        "effort_spent": option["effort_spent"][year], "share_best": option["share_best"][year],
    }  # fmt: skip
    for name in ("relapse_probability", "difference_from_none", "regret"):
        row |= {f"{name}_{part}": value for part, value in option[name][year].items()}
    for name, values in {**option["aid_gap"], "cost_musd": option["cost_musd"]}.items():
        prefix = name if name == "cost_musd" else f"aid_gap_{name}"
        row |= {f"{prefix}_{part}": value for part, value in values.items()}
    return row
