"""Options side by side: the same effort placed at different times, over the same plausible worlds.

Shapes: constants `(run,)` with run = option x worlds + world; outcomes as in `outcomes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.plan import default_backend
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import referee, simulate
from transition_sim.errors import ScenarioError, SimulationError, word_faults
from transition_sim.model.equations import Model
from transition_sim.model.reader import load_model
from transition_sim.study.basis import basis_of
from transition_sim.study.calendar import SAMPLED_EVERY, Span, calendar_of, calendar_outputs, elections
from transition_sim.study.ensembles import ENSEMBLES, SAYS, draw_worlds
from transition_sim.study.outcomes import ASSUMPTION, BUDGET, HORIZONS, NOTE, Comparison, Outcome
from transition_sim.study.scenario import DEFINITIONS, Scenario, in_folder, load_scenario
from transition_sim.study.worlds import Worlds

Floats = NDArray[np.float64]
OPTIONS = ("none", "mission_start", "during_mission", "draw_down", "late_transition", "throughout", "spread")
ROLES = ("mission start", "during mission", "draw down", "late transition", "throughout")
BUNDLES = {"role": 0.0, "same": 1.0}
TRACKED = (
    "peacekeepers deployed", "security", "active spoilers", "state capacity", "legitimacy", "national ownership",
    "agreement implementation", "donor attention", "aid need", "pledging", "outstanding pledges", "aid disbursement",
    "absorbed aid", "aid gap", "cumulative pledges", "cumulative aid disbursed", "cumulative pledges lapsed",
    "relapse hazard",
)  # fmt: skip
NEEDED = (
    risk.CUMULATIVE, "relapse probability", "relapse hazard", "baseline hazard", "cumulative PBC effort", "aid need",
    "aid gap", "cumulative aid gap", "cumulative mission cost", "cumulative aid disbursed",
)  # fmt: skip
BLOCK = 1024
"""Runs whose trajectories are held at once; what is kept of them is reduced block by block."""
VARIED_WORLDS = 200
"""Worlds over which rankings under other assumptions are computed: the first of the sample."""
TRACK_EVERY = 3
REFEREED = 3


def compare(
    context: str | Path = "reference",
    options: Sequence[str | Path] | None = None,
    runs: int = 1000,
    seed: int = 7,
    effort: float = 18,
    definition: str = "war",
    bundle: str = "both",
    ensemble: str | Path = "c5",
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Return the options compared at equal effort in one context, over plausible worlds.

    `context` and `options` are shipped names or scenario files; `none` is always among the options. `effort` is in
    effort-months. `definition`: what counts as relapse, or `all`. `bundle`: `role` (each entry point with its own
    channels), `same` (the same actions at different times) or `both`. `ensemble`: `c5` or `c6` (calibrated worlds, of
    which the seed draws so many), `both`, `prior` (sampled anew, not calibrated) or a CSV file that calibration wrote.
    Worlds are common to all options. Raises ScenarioError for what cannot be compared (a share that does not fit its
    window, more runs than worlds, a stale ensemble), SimulationError where effort differs or SciPy disagrees.
    """
    _check_words(definition, bundle)
    model = load_model()
    setting = load_scenario(in_folder(context, "contexts"))
    chosen = [load_scenario(in_folder(option, "entry_points")) for option in _with_none(options)]
    _check_options(model, setting, chosen)
    names = list(ENSEMBLES) if ensemble == "both" else [ensemble]
    studies = [
        _Study(model, setting, chosen, draw_worlds(model, name, runs, seed), float(effort), len(names), i)
        for i, name in enumerate(names)
    ]
    studies[0].check_windows()
    bundles = list(BUNDLES) if bundle == "both" else [bundle]
    definitions = list(DEFINITIONS) if definition == "all" else [definition]
    done = [study.run(definitions, bundles, seed, progress) for study in studies]
    refereed = _refereed(done, studies[0].by_benchmark)
    outcomes = tuple(outcome for each in done for outcome in each[0])
    given = {study.worlds.ensemble: name for study, name in zip(studies, names, strict=True)}
    for outcome in outcomes:
        _check_effort(outcome)
    return Comparison(
        _short(setting.name, "contexts"), setting.title, runs, seed, float(effort), definition, str(ensemble),
        outcomes, _provenance(studies, seed), *refereed, studies[0].dates(), studies[0].calendar(),
        {name: model.find(name).unit if name in model else "" for name in outcomes[0].bands},
        basis_of(model, setting, list(zip(studies[0].names, chosen, strict=True)), given),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Study:
    """The inputs of one comparison over one ensemble, checked, and the runs made of them.

    `part` of `parts` tells progress which of several ensembles this is.
    """

    model: Model
    context: Scenario
    options: Sequence[Scenario]
    worlds: Worlds
    effort: float
    parts: int = 1
    part: int = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(_short(option.name, "entry_points") for option in self.options)

    @cached_property
    def base(self) -> dict[str, float]:
        """What every run of this context shares: the context's constants, checked and in the model's units."""
        return self.constants_of(self.context)

    def constants_of(self, scenario: Scenario) -> dict[str, float]:
        from transition_sim.engine.resolve import resolve

        return resolve(self.model, scenario.settings).values

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
        found = {name: self.value(name) for name in names if name in self.model}
        second = self.value("election date") + self.value("election interval")
        return found | ({"second election date": second} if second <= self.model.time.final else {})

    def calendar(self) -> tuple[Span, ...]:
        """Return what is planned when, as the model places it in the first world of each option."""
        outputs = calendar_outputs(self.model, ROLES)
        result = self.simulate(self.columns(slice(0, 1), "war", "role"), outputs, save_every=SAMPLED_EVERY)
        held = elections(self.value("election date"), self.value("election interval"), self.model.time.final)
        return (*held, *calendar_of(result, self.names, ROLES))

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
        columns[BUDGET] = np.array([self.effort])
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
        before = self.part * total
        for case in cases:
            parts: list[_Block] = []
            for block in self.blocks():
                result = self.simulate(self.columns(block, *case), outputs, save_every=1)
                if result.failed:
                    raise SimulationError(self.failure(result, block))
                if not parts:
                    found = referee(result, ["relapse probability"], sample=REFEREED, seed=seed)
                    deviation = max(deviation, found.deviation["relapse probability"])
                    redone += len(found.runs)
                parts.append(self.reduce(result, drivers))
                done += result.runs
                if progress is not None:
                    progress(before + done, self.parts * total)
            outcomes.append(self.joined(case, parts))
        varied = self.under_other_assumptions(cases)
        return tuple(_with_varied(o, varied[o.definition, o.bundle]) for o in outcomes), deviation, redone

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

    def reduce(self, result: Result, drivers: Sequence[str]) -> _Block:
        """Return what is kept of a batch of runs."""
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
        risks = probability[np.searchsorted(followed, at)].reshape(len(at), *shape)
        return _Block(result.time[kept], {"risk": risks, "effort": effort, "cost": cost}, measures, paths)

    def joined(self, case: tuple[str, str], parts: Sequence[_Block]) -> Outcome:
        """Return the outcomes of blocks of worlds as one."""
        values = {name: _over_worlds([part.values[name] for part in parts]) for name in parts[0].values}
        gap = {name: _over_worlds([part.gap[name] for part in parts]) for name in parts[0].gap}
        bands = {
            name: np.quantile(_over_worlds([part.paths[name] for part in parts]), (0.1, 0.5, 0.9), axis=-1)
            for name in parts[0].paths
        }
        return Outcome(
            *case, self.names, values["risk"], values["effort"], gap, values["cost"], parts[0].time, bands,
            self.full_budget, self.worlds.ensemble,
        )  # fmt: skip

    @cached_property
    def full_budget(self) -> tuple[bool, ...]:
        """Whether each option's shares of the effort budget sum to all of it."""
        names = [self.model.find(f"PBC {role} effort").name for role in ROLES]
        return tuple(
            abs(sum(change.get(name, self.value(name)) for name in names) - 1) < 1e-9 for change in self.changes
        )


@dataclass(frozen=True, eq=False)
class _Block:
    """What is kept of some worlds: values at the horizons or the end, measures of the gap, trajectories.

    Shapes: values `(..., option, world)`, paths `(time, option, world)`.
    """

    time: Floats
    values: Mapping[str, Floats]
    gap: Mapping[str, Floats]
    paths: Mapping[str, Floats]


def _with_varied(outcome: Outcome, varied: Mapping[str, Floats]) -> Outcome:
    """Return an outcome with the 20-year risk of its first worlds under each other assumption beside its own."""
    worlds = next(iter(varied.values())).shape[1]
    return replace(outcome, varied={"as sampled": outcome.probability[-1][:, :worlds], **varied})


def _over_worlds(blocks: Sequence[Floats]) -> Floats:
    return np.concatenate(blocks, axis=-1) if len(blocks) > 1 else blocks[0]


def _provenance(studies: Sequence[_Study], seed: int) -> dict[str, Any]:
    """Return what a comparison hangs on."""
    from transition_sim.engine.simulate import provenance_of_versions

    first = studies[0]
    worlds = [study.worlds for study in studies]
    return {
        "model": first.model.name,
        "model_hash": first.model.file_hash,
        "context": first.context.name,
        "context_hash": first.context.hash,
        "options": {option.name: option.hash for option in first.options},
        "worlds": {each.ensemble: SAYS.get(each.ensemble, "an ensemble of one's own") for each in worlds},
        "worlds_from": {each.ensemble: each.file for each in worlds},
        "worlds_hash": {each.ensemble: each.file_hash for each in worlds},
        "not_sampled": sorted(name for name in worlds[0].columns if name in first.base),
        "seed": seed,
        "runs_total": sum(each.runs for each in worlds) * len(first.options),
        "method": "rk4",
        "time_step": 0.5,
        "events": "exact",
        "backend": default_backend(),
        "note": f"{NOTE}. {ASSUMPTION}",
        "versions": provenance_of_versions(),
    }


def _check_words(definition: str, bundle: str) -> None:
    faults = word_faults("definition", definition, (*DEFINITIONS, "all"))
    faults += word_faults("bundle", bundle, (*BUNDLES, "both"))
    if faults:
        raise ScenarioError("\n".join(faults))


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
        if Path(scenario.name).name[:1] in ("=", "+", "-", "@"):
            told = "spreadsheets would take it for a formula in the tables; give the file another name"
            raise ScenarioError(f"'{scenario.name}': the name begins with '{Path(scenario.name).name[0]}'; {told}")
        if scenario.model != model.path:
            raise ScenarioError(f"'{scenario.name}' is for model '{scenario.model.stem}'; compare is for 'transition'")
    for option in options:
        if option.series:
            raise ScenarioError(f"option '{option.name}' sets a series; series belong into the context")


def _short(name: str, folder: str) -> str:
    return Path(name).stem if Path(name).suffix else name.removeprefix(f"{folder}/")


def _refereed(done: Sequence[tuple[Any, float, int]], by_benchmark: bool) -> tuple[int, float, float]:
    """Return how many runs SciPy redid, its largest deviation and what is allowed; SimulationError above that."""
    deviation, redone = max(each[1] for each in done), sum(each[2] for each in done)
    tolerance = 1e-3 if by_benchmark else 1e-4
    if not deviation <= tolerance:
        raise SimulationError(f"SciPy's integration differs by {deviation:.2g} in probability; allowed: {tolerance:g}")
    return redone, deviation, tolerance


def _check_effort(outcome: Outcome) -> None:
    """Fail where full-budget options differ by more than one per cent in effort at year 20."""
    spent = outcome.effort[-1][list(outcome.full_budget)]
    if spent.size and np.ptp(spent) > 0.01 * spent.max():
        told = ", ".join(f"{o} {e.mean():.2f}" for o, e in zip(outcome.options, outcome.effort[-1], strict=True))
        raise SimulationError(f"full-budget options spend unequal effort by year 20 ({outcome.bundle}): {told}")
