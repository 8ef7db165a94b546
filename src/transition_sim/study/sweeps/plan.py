"""A sweep file becomes a job: every name, unit, limit and size checked against its model, all faults together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from transition_sim.data import list_models, list_scenarios, shipped_model, shipped_scenario
from transition_sim.engine.resolve import Setting, resolve
from transition_sim.errors import Fault, ModelError, ScenarioError, TransitionSimError, nearest
from transition_sim.model.equations import Kind, Model, canonical
from transition_sim.model.reader import load_model
from transition_sim.risk import CUMULATIVE
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.scenario import DEFINITIONS, Scenario, load_scenario, within
from transition_sim.study.sweeps.design import BLOCK, CROSSED, GRID, RUN, SALTELLI, WORLD, Design, Lever, group_size
from transition_sim.study.sweeps.file import LeverRange, SampledRange, Written, as_uncertainty, read_sweep
from transition_sim.study.sweeps.outcomes import Outcome, outcome_of, usual_outcomes
from transition_sim.study.worlds import Uncertainty, load_uncertainties, range_faults, sampled
from transition_sim.units import convert, split_number

MAX_RUNS = 10_000_000
CHUNK = 2048
FAILED = "failed"
RESERVED = (RUN, WORLD, FAILED, "reason")
THRESHOLD, NEVER = "relapse threshold", 1e9


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a run's constants become outcomes: the model with its series, what is kept, when runs end."""

    model: Model
    outcomes: tuple[Outcome, ...]
    stop: float

    @property
    def units(self) -> dict[str, str]:
        """The unit of each outcome."""
        return {outcome.name: outcome.unit for outcome in self.outcomes}


@dataclass(frozen=True, eq=False)
class Job:
    """A sweep ready to run: how runs become outcomes, the design that gives their constants, and runs a chunk.

    `series` and `sources` (a hash for each file the sweep rests on) are plain data; `notes` are for people.
    """

    name: str
    title: str
    text: str
    recipe: Recipe
    design: Design
    ensemble: str | None
    series: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)
    chunk: int = CHUNK

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return -(-self.design.runs // self.chunk)

    def runs_of(self, index: int) -> range:
        """Return the runs of one chunk."""
        return range(index * self.chunk, min((index + 1) * self.chunk, self.design.runs))

    def plan(self) -> dict[str, Any]:
        """Return, as plain data, all that the numbers of this sweep follow from, the code apart."""
        return {
            "model": self.recipe.model.name, "model_hash": self.recipe.model.file_hash, "ensemble": self.ensemble,
            **self.design.to_dict(), "series": dict(self.series), "stop": self.recipe.stop,
            "outcomes": [outcome.name for outcome in self.recipe.outcomes], "chunk": self.chunk,
        }  # fmt: skip

    @property
    def hash(self) -> str:
        """The SHA-256 of the plan: equal for equal numbers, whatever the file's wording."""
        return hash_of(self.plan())


def hash_of(plan: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def load_job(sweep: str | Path, runs: int | None = None, seed: int | None = None, chunk: int | None = None) -> Job:
    """Return the job of a shipped sweep's name or a file; `runs` and `seed` win over the file's.

    Raises ScenarioError with every fault that was found, ModelError where the model cannot be read.
    """
    written = read_sweep(sweep)
    changed = {name: value for name, value in (("runs", runs), ("seed", seed)) if value is not None}
    written = replace(written, form=written.form.model_copy(update=changed))
    return _Reader(written, runs is not None).job(chunk or CHUNK)


def check_sweep(path: str | Path) -> list[Fault]:
    """Return every fault of a sweep file, its names, units, limits and size included."""
    try:
        load_job(path)
    except TransitionSimError as error:
        return list(error.faults)
    return []


class _Reader:
    """Checks one sweep file against its model; `faults` collects what is wrong."""

    def __init__(self, written: Written, runs_asked: bool) -> None:
        self.written, self.form = written, written.form
        self.runs_asked = runs_asked
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.sources = {written.name: written.hash}

    def fault(self, message: str, *place: str | int) -> None:
        self.faults.append(self.written.fault(message, *place))

    def job(self, chunk: int) -> Job:
        parent = self.parent()
        path = self.model_path(parent)
        self.stop_at_faults()
        self.plain_model = load_model(path)
        checked = resolve(self.plain_model, parent.settings if parent else {}, None, parent.series if parent else {})
        self.model = checked.model
        self.base = checked.values
        levers = [lever for name in self.form.levers if (lever := self.lever(name)) is not None]
        stop = self.stop()
        outcomes = self.outcomes(stop)
        self.overlaps(levers)
        count = self.count()
        if not self.fits(levers, count):
            self.stop_at_faults()
        ranges, worlds, given = self.uncertainties(levers, count)
        free = [lever for lever in levers if lever.bounds]
        samples = count * group_size(self.form.design, len(ranges) + len(free))
        self.fits(levers, samples)
        self.threshold(levers, [*ranges, *worlds], outcomes)
        self.reserved(levers, outcomes)
        self.stop_at_faults()
        sets = {name for lever in levers for name in lever.sets}
        design = Design(
            self.form.design, tuple(levers), ranges, worlds, {n: v for n, v in self.base.items() if n not in ranges},
            {name: self.model.find(name).value for name in sorted(sets)}, samples, self.form.seed,
            self.units(levers, [*ranges, *worlds]),
        )  # fmt: skip
        series = {name: [list(s.times), list(s.values)] for name, s in (parent.series if parent else {}).items()}
        return Job(
            self.written.name, self.form.title, self.written.data.decode("utf-8", "replace"),
            Recipe(self.model, tuple(outcomes), stop), design, given, series, self.sources, tuple(self.notes),
            self.form.why, chunk,
        )  # fmt: skip

    def stop_at_faults(self) -> None:
        if self.faults:
            raise ScenarioError(sorted(set(self.faults)))

    def parent(self) -> Scenario | None:
        if self.form.based_on is None:
            return None
        return self.scenario(self.form.based_on, "based_on")

    def scenario(self, reference: str, *place: str | int) -> Scenario | None:
        """Return a scenario that the file names, or note a fault at its place."""
        try:
            target = within(reference, self.written.path, list_scenarios(templates=True), (".yaml", ".yml"))
            found = load_scenario(target or shipped_scenario(reference))
            self.sources[found.name] = found.hash
            return found
        except ScenarioError as error:
            for fault in error.faults:
                self.faults.append(fault if fault.file else self.written.fault(fault.message, *place))
            return None

    def model_path(self, parent: Scenario | None) -> Path:
        if self.form.model is None:
            return parent.model if parent else shipped_model("transition").resolve()
        try:
            target = within(self.form.model, self.written.path, list_models(), (".mdl",))
            path = (target or shipped_model(self.form.model)).resolve()
        except (ScenarioError, ModelError) as error:
            self.fault(f"model: {error.faults[0].message}", "model")
            return Path()
        if parent and parent.model != path:
            self.fault(f"model '{self.form.model}' is not that of based_on, '{parent.model.stem}'", "model")
        return path

    def lever(self, name: str) -> Lever | None:
        """Return one lever, or None where a fault was noted."""
        given = self.form.levers[name]
        known = name in self.model and self.model.find(name).kind is Kind.CONSTANT
        if isinstance(given, list) and not known and all(isinstance(value, str) for value in given):
            return self.scenario_lever(name, [str(value) for value in given])
        if isinstance(given, LeverRange):
            return self.range_lever(name, given)
        values = [self.number(name, value, "levers", name, i) for i, value in enumerate(given)]
        found = [value for value in values if value is not None]
        if len(found) < len(values):
            return None
        return self.value_lever(name, found)

    def value_lever(self, name: str, values: list[float]) -> Lever | None:
        variable = self.model.find(name)
        doubled = sorted({value for value in values if values.count(value) > 1}) if len(values) < 1000 else []
        if doubled:
            self.fault(f"lever '{name}' has {doubled[0]:g} twice", "levers", name)
            return None
        return Lever(variable.name, variable.unit, tuple(values), tuple({variable.name: value} for value in values))

    def range_lever(self, name: str, given: LeverRange) -> Lever | None:
        low = self.number(name, given.low, "levers", name, "from")
        high = self.number(name, given.to, "levers", name, "to")
        if low is None or high is None:
            return None
        if low >= high:
            self.fault(f"lever '{name}': from {low:g} must be below to {high:g}", "levers", name)
            return None
        if given.steps is not None:
            return self.value_lever(name, np.linspace(low, high, given.steps).tolist())
        variable = self.model.find(name)
        return Lever(variable.name, variable.unit, bounds=(low, high))

    def scenario_lever(self, name: str, references: list[str]) -> Lever | None:
        if not _looks_like_names(references):
            self.number(name, references[0], "levers", name, 0)
            return None
        settings: list[Mapping[str, float]] = []
        for i, reference in enumerate(references):
            scenario = self.scenario(reference, "levers", name, i)
            if scenario is None:
                continue
            if scenario.model.resolve() != (self.plain_model.path or Path()).resolve():
                self.fault(f"'{reference}' is for model '{scenario.model.stem}'", "levers", name, i)
            elif scenario.series:
                self.fault(f"'{reference}' sets a series; only based_on may", "levers", name, i)
            else:
                settings.append(self.settings(scenario))
        if references != list(dict.fromkeys(references)):
            self.fault(f"lever '{name}' names a scenario twice", "levers", name)
        return Lever(name, "", tuple(references), tuple(settings)) if len(settings) == len(references) else None

    def settings(self, scenario: Scenario) -> dict[str, float]:
        try:
            return resolve(self.model, scenario.settings).values
        except ScenarioError as error:
            self.faults += error.faults
            return {}

    def number(self, name: str, value: float | str, *place: str | int) -> float | None:
        """Return a value of a constant in the model's unit, or note what is wrong with its name, unit or size."""
        line = self.written.fault("", *place)
        parts: tuple[float, str] | None = (value, "") if isinstance(value, float) else split_number(str(value))
        if canonical(name) == "relapse definition" and value in DEFINITIONS:
            parts = (DEFINITIONS[str(value)], "")
        if parts is None:
            self.fault(f"'{name}' is '{str(value)[:40]}'; allowed: a number, or with a unit such as '4 years'", *place)
            return None
        try:
            setting = Setting(parts[0], parts[1] or None, line.file, line.line)
            return float(next(iter(resolve(self.model, {name: setting}).columns.values()))[0])
        except ScenarioError as error:
            self.faults += error.faults
            return None

    def stop(self) -> float:
        time = self.model.time
        if self.form.stop is None:
            return time.final
        parts = (self.form.stop, "") if isinstance(self.form.stop, float) else split_number(self.form.stop)
        try:
            stop = convert(*parts, time.unit) if parts else math.nan
        except ScenarioError as error:
            self.fault(f"stop: {error.faults[0].message}", "stop")
            return time.final
        steps = (stop - time.initial) / time.save_every
        if not (time.initial < stop <= time.final and abs(steps - round(steps)) < 1e-6):
            allowed = f"above {time.initial:g} to {time.final:g} {time.unit}, in steps of {time.save_every:g}"
            self.fault(f"stop is {self.form.stop}; allowed: {allowed}", "stop")
            return time.final
        return stop

    def outcomes(self, stop: float) -> list[Outcome]:
        texts = self.form.outcomes
        found: list[Outcome] = []
        for i, text in enumerate(self.usual(stop) if texts is None else texts):
            try:
                outcome = outcome_of(text, self.model, stop)
            except ScenarioError as error:
                self.fault(error.faults[0].message, "outcomes", i)
                continue
            if outcome.name in [other.name for other in found]:
                self.fault(f"outcome '{text}' is named twice", "outcomes", i)
            found.append(outcome)
        return found

    def usual(self, stop: float) -> list[str]:
        """Return the outcomes of a file that names none, those left out whose time comes after the end."""
        texts = usual_outcomes(self.model)
        return [text for text in texts if " at " not in text or 12 * float(text.split()[-2]) <= stop]

    def overlaps(self, levers: list[Lever]) -> None:
        for i, lever in enumerate(levers):
            for later in levers[i + 1 :]:
                both = [name for name in lever.sets if name in later.sets]
                if both and not lever.words:
                    message = (
                        f"lever '{lever.name}' is overruled by '{later.name}', which sets it too; put it after that"
                    )
                    self.fault(message, "levers", lever.name)
                elif both and not later.words and set(lever.sets) == set(both):
                    self.fault(f"levers '{lever.name}' and '{later.name}' set the same constant", "levers", later.name)

    def threshold(self, levers: list[Lever], sampled: list[str], outcomes: list[Outcome]) -> None:
        """Refuse a probability from runs in which relapse is an event: their hazard freezes there."""
        varied = THRESHOLD in sampled or any(THRESHOLD in lever.sets for lever in levers)
        if (varied or self.base.get(THRESHOLD, NEVER) < NEVER) and any(CUMULATIVE in o.needs for o in outcomes):
            message = f"'{THRESHOLD}' is set, which makes relapse an event; probabilities need runs without"
            self.fault(f"{message}; allowed: {NEVER:g}, or other outcomes", "outcomes")

    def count(self) -> int:
        """Return how many worlds, runs, rows of matrices or trajectories are asked for, rounded where need be."""
        count = self.form.runs or 1
        if self.form.design in ("sobol", SALTELLI) and count & (count - 1):
            rounded = 1 << count.bit_length()
            self.notes.append(f"runs {count:,} -> {rounded:,}: a Sobol sequence is balanced at powers of two only")
            count = rounded
        if self.form.design == "latin_hypercube" and count > BLOCK:
            parts = -(-count // BLOCK)
            self.notes.append(f"{count:,} runs are {parts} Latin hypercubes of at most {BLOCK:,}, one after another")
        return count

    def fits(self, levers: list[Lever], samples: int) -> bool:
        """Return whether the runs are no more than a sweep may have; note a fault where they are."""
        points = prod(max(len(lever.labels), 1) for lever in levers) if self.form.design in CROSSED else 1
        if points * samples > MAX_RUNS:
            told = f"{points:,} points of the grid x {samples:,} worlds" if points > 1 else f"{samples:,} runs"
            place = "runs" if self.form.runs and not self.runs_asked else "levers"
            self.fault(f"{told} are {points * samples:,} runs; allowed: at most {MAX_RUNS:,}", place)
        return points * samples <= MAX_RUNS

    def uncertainties(
        self, levers: list[Lever], samples: int
    ) -> tuple[dict[str, Uncertainty], dict[str, Any], str | None]:
        """Return ranges that the design samples, worlds `(world,)` drawn from an ensemble, and its name."""
        given = self.form.uncertainties
        if given is None:
            return {}, {}, None
        if isinstance(given, str):
            return self.ensemble(given, levers, samples)
        ranges = self.named(given) if isinstance(given, list) else self.own(given)
        for name in ranges:
            lever = next((lever.name for lever in levers if name in lever.sets), None)
            if lever is not None:
                self.fault(
                    f"'{name}' is uncertain here and set by lever '{lever}'; allowed: one of the two", "uncertainties"
                )
        return ranges, {}, None

    def ensemble(
        self, name: str, levers: list[Lever], samples: int
    ) -> tuple[dict[str, Uncertainty], dict[str, Any], str | None]:
        always = {n for lever in levers for n in lever.sets if all(n in s for s in lever.settings)} | set(self.base)
        try:
            if name == "prior" and self.form.design != GRID:
                ranges = sampled(load_uncertainties(self.plain_model)[0])
                self.not_sampled(ranges, always)
                return {n: u for n, u in ranges.items() if n not in always}, {}, name
            reference = str(self.ensemble_file(name)) if name.endswith(".csv") else name
            worlds = draw_worlds(self.plain_model, reference, samples, self.form.seed)
            self.sources[Path(worlds.file).name] = worlds.file_hash
        except ScenarioError as error:
            self.unfit(name, error)
            return {}, {}, None
        self.not_sampled(worlds.columns, always)
        return {}, worlds.besides(always), name

    def ensemble_file(self, name: str) -> Path:
        return within(name, self.written.path, [], (".csv",)) or Path(name)

    def unfit(self, name: str, error: ScenarioError) -> None:
        """Note why an ensemble or the file of ranges cannot be used; of many faults of another file the first."""
        first, more = error.faults[0], len(error.faults) - 1
        if first.file:
            told = f"{first}" + (f" (and {more} more)" if more else "")
            self.fault(f"'{name}' does not fit {self.model.name}.mdl: {told}", "uncertainties")
        else:
            self.faults += [self.written.fault(fault.message, "uncertainties") for fault in error.faults]

    def not_sampled(self, sampled: Mapping[str, Any], always: set[str]) -> None:
        both = sorted(name for name in sampled if name in always)
        if both:
            self.notes.append(f"set by the sweep, so not sampled: {', '.join(both)}")

    def named(self, names: list[str]) -> dict[str, Uncertainty]:
        found: dict[str, Uncertainty] = {}
        try:
            ranges = load_uncertainties(self.plain_model)[0]
        except ScenarioError as error:
            self.unfit("uncertainties.yaml", error)
            return found
        known = {name: each for name, each in ranges.items() if each.low is not None}
        for i, name in enumerate(names):
            own = self.model.find(name).name if name in self.model else name
            if own not in known:
                message = f"'{name}' has no range in uncertainties.yaml{nearest(name, known)}"
                self.fault(f"{message}; give it one: {{low: ..., high: ...}}", "uncertainties", i)
            elif own in found:
                self.fault(f"'{name}' is named twice", "uncertainties", i)
            else:
                found[own] = known[own]
        return found

    def own(self, given: Mapping[str, SampledRange]) -> dict[str, Uncertainty]:
        found: dict[str, Uncertainty] = {}
        for name, written in given.items():
            ends = [self.number(name, getattr(written, key), "uncertainties", name, key) for key in ("low", "high")]
            mode = None if written.mode is None else self.number(name, written.mode, "uncertainties", name, "mode")
            if ends[0] is None or ends[1] is None or (mode is None) != (written.mode is None):
                continue
            uncertainty = as_uncertainty(ends[0], ends[1], written, mode)
            for message in range_faults(self.model, name, uncertainty):
                self.fault(message, "uncertainties", name)
            found[self.model.find(name).name] = uncertainty
        return found

    def reserved(self, levers: list[Lever], outcomes: list[Outcome]) -> None:
        taken = {*RESERVED, *(outcome.name for outcome in outcomes)}
        for lever in levers:
            if canonical(lever.name) in taken:
                self.fault(f"lever '{lever.name}' has the name of a column; choose another", "levers", lever.name)
            if lever.words and (lever.name in self.model or not lever.name.strip() or len(lever.name) > 80):
                self.fault(
                    f"lever '{lever.name[:80]}' lists scenarios; its name must be one of your own", "levers", lever.name
                )

    def units(self, levers: list[Lever], sampled: list[str]) -> dict[str, str]:
        units = {RUN: "", WORLD: ""} | {lever.name: lever.unit for lever in levers}
        return units | {name: self.model.find(name).unit for name in sampled}


def _looks_like_names(references: list[str]) -> bool:
    return all(split_number(reference) is None for reference in references)


def described(job: Job) -> str:
    """Return in one line what a job runs."""
    design = job.design
    if not design.crossed:
        over = f"{_count(len(design.levers), 'lever')} and {_count(len(design.sampled), 'uncertain constant')}"
        return f"{_count(design.runs, 'run')}: {design.kind.replace('_', ' ')} over {over}"
    worlds = _count(design.samples, "world")
    if design.kind != GRID:
        factors = len(design.dimensions)
        group = group_size(design.kind, factors)
        noun = "row of matrices" if design.kind == SALTELLI else "trajectory"
        groups = _count(design.samples // group, noun)
        worlds += f" ({groups} of {group} for {_count(factors, 'input')})"
    points = [f"{len(lever.labels)} {lever.name}" for lever in design.axes]
    return f"{_count(design.runs, 'run')}: {' x '.join([*points, worlds])}"


def _count(number: int, noun: str) -> str:
    several = {"row of matrices": "rows of matrices", "trajectory": "trajectories"}.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else several}"
