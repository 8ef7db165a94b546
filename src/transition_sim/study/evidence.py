"""Evidence: what published work says that a model can be held against, computed anew from the model.

`models/evidence.yaml` holds targets, bands and sources; a target's measure is computed in every world of an ensemble
and judged against its band. Shapes: a measure is `(run,)`, one run a world.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transition_sim.data import models_folder
from transition_sim.errors import Fault, ScenarioError, nearest, shown
from transition_sim.model.equations import Kind, Model
from transition_sim.study.measures import Case, Formula, Setting, cases_of, faults_of, measure
from transition_sim.study.scenario import load_scenario
from transition_sim.study.yaml_file import Item, line_of, plain, read_yaml

Floats = NDArray[np.float64]
STEP = 0.5
"""Months; the step at which targets are computed."""


class NamedCase(Setting):
    """A case that targets refer to by name."""

    says: str = Field(min_length=10)


class Source(BaseModel):
    """A citation, whether somebody has read it in a stored text, what it was read to say, and what else it is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cite: str = Field(min_length=20)
    doi: str | None = Field(None, pattern=r"^10\.\d{4,9}/\S+$")
    status: Literal["read", "secondary", "unchecked"]
    says: str = Field(min_length=20)
    used_for: str | None = Field(None, alias="used for", min_length=10)


class Target(BaseModel):
    """One published quantity: value, band, kind, what is computed from the model, and where it comes from.

    `ensembles` restricts a fitted target to some ensembles; `solves` names the constant that is solved for it;
    `centred` asks for as many worlds on each side of the value; `basis` says whether the value stands in the source, is
    derived from it by us, or assumed. All targets are for relapse into war.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantity: str = Field(min_length=10)
    value: float
    basis: Literal["published", "derived", "assumed"]
    band: tuple[float, float]
    kind: Literal["fitted", "input", "checked"]
    computed: str = Field(min_length=10)
    measure: Formula
    sources: list[str] = Field(min_length=1)
    ensembles: list[Literal["c5", "c6"]] | None = None
    definition: Literal["war"] = "war"
    solves: str | None = None
    centred: bool = False
    note: str | None = None

    def fitted_in(self, ensemble: str) -> bool:
        """Tell whether the worlds of an ensemble are kept by this target."""
        return self.kind == "fitted" and (self.ensembles is None or ensemble in self.ensembles)

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which values `(run,)` lie in the band."""
        return (values >= self.band[0]) & (values <= self.band[1])


class EvidenceFile(BaseModel):
    """`models/evidence.yaml`."""

    model_config = ConfigDict(extra="forbid")

    model: str
    context: str
    cases: dict[str, NamedCase]
    targets: dict[str, Target]
    sources: dict[str, Source]


@dataclass(frozen=True)
class Evidence:
    """The targets of a file with their cases filled in, their sources, and the hash of what they compute."""

    context: str
    targets: Mapping[str, Target]
    sources: Mapping[str, Source]
    cases: Mapping[str, NamedCase]
    hash: str

    def fitted(self, ensemble: str) -> dict[str, Target]:
        """Return the targets that keep the worlds of an ensemble."""
        return {name: target for name, target in self.targets.items() if target.fitted_in(ensemble)}

    @property
    def solved(self) -> tuple[Target, str, Case]:
        """The target that a constant is solved for, that constant, and what is measured."""
        target = next(target for target in self.targets.values() if target.solves)
        if target.solves is None or not isinstance(target.measure, Case):
            raise ScenarioError("only a plain measure can be solved for")
        return target, target.solves, target.measure

    def unchecked(self) -> list[str]:
        """Return the sources that nobody has read in a stored text."""
        return [name for name, source in self.sources.items() if source.status == "unchecked"]


@dataclass(frozen=True, eq=False)
class Verdict:
    """A target as it comes out over worlds `(run,)`, and what that says."""

    name: str
    target: Target
    values: Floats
    fitted: bool

    @property
    def share(self) -> float:
        """The share of worlds inside the band."""
        return float(self.target.holds(self.values).mean())

    @property
    def word(self) -> str:
        """`inside` where every world is, `mostly inside` or `mostly outside` by the median's side, or `outside`."""
        if self.share == 1:
            return "inside"
        if self.share == 0:
            return "outside"
        return "mostly inside" if self.share >= 0.5 else "mostly outside"


def load_evidence(model: Model, path: Path | None = None) -> Evidence:
    """Return the targets of a file; ScenarioError with a line for every fault of form, name, band or source."""
    found = path or models_folder() / "evidence.yaml"
    tree, _ = read_yaml(found)
    file = shown(found)
    try:
        form = EvidenceFile.model_validate(plain(tree))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ScenarioError(sorted({_spoken(tree, p["loc"], p["msg"], file) for p in problems})) from None
    faults = list(_faults(model, form, tree, file))
    if faults:
        raise ScenarioError(sorted(faults))
    filled = _filled(plain(tree))
    full = EvidenceFile.model_validate(filled)
    return Evidence(full.context, full.targets, full.sources, full.cases, _hash(filled))


def check_evidence(path: Path, model: Model) -> list[Fault]:
    """Return every fault of an evidence file."""
    try:
        load_evidence(model, path)
    except ScenarioError as error:
        return list(error.faults)
    return []


def judge(
    model: Model, evidence: Evidence, columns: Mapping[str, Floats], ensemble: str, names: Sequence[str] | None = None
) -> list[Verdict]:
    """Return a verdict for each target over worlds, given as columns `(run,)` of constants."""
    chosen = {name: evidence.targets[name] for name in names or evidence.targets}
    scenario = load_scenario(f"contexts/{evidence.context}")
    values = measure(model, scenario, columns, [target.measure for target in chosen.values()], STEP, together=True)
    return [
        Verdict(name, target, own, target.fitted_in(ensemble))
        for (name, target), own in zip(chosen.items(), values, strict=True)
    ]


def _filled(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a file's plain data with what the named cases set written into the measures that name them."""

    def fill(value: Any) -> Any:
        if isinstance(value, list):
            return [fill(part) for part in value]
        if not isinstance(value, dict):
            return value
        named = raw["cases"].get(value.get("case"), {})
        own = {key: fill(part) for key, part in value.items()}
        return own | {key: named[key] for key in ("set", "series") if key in named}

    targets = {name: {**target, "measure": fill(target["measure"])} for name, target in raw["targets"].items()}
    return {**raw, "targets": targets}


def _hash(filled: Mapping[str, Any]) -> str:
    """Return a hash of what decides which worlds are kept: bands and measures of fitted targets, not words."""
    keys = ("value", "band", "measure", "ensembles", "solves", "centred")
    fitted = {name: target for name, target in filled["targets"].items() if target["kind"] == "fitted"}
    told = {name: {key: target.get(key) for key in keys} for name, target in fitted.items()}
    return hashlib.sha256(json.dumps([filled["context"], told], sort_keys=True).encode()).hexdigest()


def _faults(model: Model, form: EvidenceFile, tree: Item, file: str) -> Iterator[Fault]:
    for name, case in form.cases.items():
        line = line_of(tree, ("cases", name))
        for constant in (*case.set, *case.series):
            if constant not in model or model.find(constant).kind is not Kind.CONSTANT:
                known = list(model.constants)
                yield Fault(file, line, f"case '{name}': '{constant}' is no constant{nearest(constant, known)}")
    for name, target in form.targets.items():
        line = line_of(tree, ("targets", name))
        for message in _wrong(model, form, target):
            yield Fault(file, line, f"target '{name}': {message}")
    solving = [name for name, target in form.targets.items() if target.solves]
    if len(solving) != 1:
        told = ", ".join(solving) or "none"
        yield Fault(file, line_of(tree, ("targets",)), f"one target must be solved for by a constant; here: {told}")
    used = {source for target in form.targets.values() for source in target.sources}
    for name in form.sources:
        if name not in used and form.sources[name].used_for is None:
            message = f"source '{name}' is not used by any target; say what it is for under 'used for'"
            yield Fault(file, line_of(tree, ("sources", name)), message)


def _wrong(model: Model, form: EvidenceFile, target: Target) -> Iterator[str]:
    low, high = target.band
    if not low < high:
        yield f"band {low:g} to {high:g}; allowed: the lower end first"
    elif not low <= target.value <= high:
        yield f"value {target.value:g} lies outside its band, {low:g} to {high:g}"
    for source in target.sources:
        if source not in form.sources:
            yield f"source '{source}' is not listed{nearest(source, form.sources)}"
    for case in cases_of(target.measure):
        if case.case is None or case.case not in form.cases:
            yield f"case '{case.case}' is not listed{nearest(str(case.case), form.cases)}"
        yield from faults_of(model, case)
    if target.solves is not None:
        if target.solves not in model.constants:
            yield f"solves '{target.solves}', which is no constant{nearest(target.solves, model.constants)}"
        if not isinstance(target.measure, Case):
            yield "only a plain measure can be solved for"


def _spoken(tree: Item, location: Sequence[int | str], message: str, file: str) -> Fault:
    parts = [part for part in location if not (isinstance(part, str) and part in _TAGS)]
    words = " / ".join(str(part) for part in parts)
    hint = nearest(str(parts[-1]), Target.model_fields) if parts and "Extra inputs" in message else ""
    return Fault(file, line_of(tree, parts), f"'{words}': {message}{hint}")


_TAGS = ("case", "number")
