"""What a comparison rests on, kept beside its numbers: settings with reasons, worlds, published targets, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from transition_sim.model.equations import Model, canonical
from transition_sim.study.ensembles import SAYS, load_ensemble
from transition_sim.study.evidence import Evidence, load_evidence
from transition_sim.study.scenario import Scenario


@dataclass(frozen=True)
class Given:
    """A value that a context or an option sets, with its unit and the reason that the file gives."""

    constant: str
    value: str
    unit: str
    why: str


@dataclass(frozen=True)
class Setup:
    """A context or an option as its file has it: name, title, what it sets."""

    name: str
    title: str
    given: tuple[Given, ...]


@dataclass(frozen=True)
class Aim:
    """A published quantity that worlds are held against, and the share of kept worlds inside its band by ensemble."""

    name: str
    quantity: str
    value: float
    low: float
    high: float
    basis: Literal["published", "derived", "assumed"]
    kind: Literal["fitted", "input", "checked"]
    note: str
    sources: tuple[str, ...]
    inside: Mapping[str, float]
    fitted_in: tuple[str, ...]


@dataclass(frozen=True)
class Cited:
    """A source: citation, DOI where there is one, who has read it, what it was read to say."""

    name: str
    cite: str
    doi: str | None
    status: Literal["read", "secondary", "unchecked"]
    says: str
    used_for: str


@dataclass(frozen=True)
class Drawn:
    """An ensemble that worlds were drawn from: what it is, how many were tried and kept, how many constants moved."""

    name: str
    says: str
    file: str
    kept: int
    counts: Mapping[str, int] = field(default_factory=dict)
    sampled: int = 0
    moved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Basis:
    """What a comparison rests on: its context and options, the worlds, targets and sources."""

    context: Setup
    options: tuple[Setup, ...]
    drawn: tuple[Drawn, ...]
    aims: tuple[Aim, ...]
    sources: tuple[Cited, ...]


def basis_of(
    model: Model, context: Scenario, options: Sequence[tuple[str, Scenario]], worlds: Mapping[str, str | Path]
) -> Basis:
    """Return what a comparison rests on; `worlds` gives for each ensemble the name or file it was drawn from."""
    evidence = load_evidence(model)
    drawn = {name: _drawn(model, name, given) for name, given in worlds.items()}
    shares = {name: inside for name, (_, inside) in drawn.items() if inside}
    return Basis(
        setup_of(model, context.name, context), tuple(setup_of(model, name, option) for name, option in options),
        tuple(each for each, _ in drawn.values()), tuple(_aims(evidence, shares)), tuple(_cited(evidence)),
    )  # fmt: skip


def setup_of(model: Model, name: str, scenario: Scenario) -> Setup:
    """Return a scenario as rows of what it sets, each with the reason its file gives."""
    why = {canonical(constant): reason for constant, reason in scenario.why.items()}
    given = []
    for constant, setting in scenario.settings.items():
        found = model.find(constant)
        told = f"{setting.value:,.0f}" if setting.value == round(setting.value) else f"{setting.value:.6g}"
        unit = setting.unit or _unit(found.unit)
        given.append(Given(found.name, told, unit, why.get(canonical(constant), "")))
    for constant, series in scenario.series.items():
        found = model.find(constant)
        told = ", ".join(f"{value:g} at {time:g}" for time, value in zip(series.times, series.values, strict=True))
        given.append(Given(found.name, told, _unit(found.unit), why.get(canonical(constant), "")))
    return Setup(name, scenario.title, tuple(given))


def _unit(unit: str) -> str:
    return "" if unit == "Dmnl" else unit


def _drawn(model: Model, name: str, given: str | Path) -> tuple[Drawn, dict[str, float]]:
    """Return an ensemble's sheet in short, and the share of its worlds inside the band of each target."""
    if name == "prior":
        return Drawn(name, SAYS[name], str(given), 0), {}
    found = load_ensemble(model, given)
    sheet = found.sheet
    told = sheet.get("targets", {})
    inside = {target: float(row["share of kept worlds inside"]) for target, row in told.items()}
    moved = tuple(str(row["constant"]) for row in sheet["moved"])
    counts = {str(words): int(count) for words, count in sheet.get("counts", {}).items()}
    says = SAYS.get(found.name, "an ensemble of one's own")
    return Drawn(name, says, found.file, found.runs, counts, len(found.columns), moved), inside


def _aims(evidence: Evidence, shares: Mapping[str, Mapping[str, float]]) -> Iterator[Aim]:
    for name, target in evidence.targets.items():
        inside = {ensemble: told[name] for ensemble, told in shares.items() if name in told}
        fitted = tuple(ensemble for ensemble in shares if target.fitted_in(ensemble))
        yield Aim(
            name, target.quantity, target.value, *target.band, target.basis, target.kind, target.note or "",
            tuple(target.sources), inside, fitted,
        )  # fmt: skip


def _cited(evidence: Evidence) -> Iterator[Cited]:
    for name, source in evidence.sources.items():
        yield Cited(name, source.cite, source.doi, source.status, source.says, source.used_for or "")
