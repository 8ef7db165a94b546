"""Evidence in words and tables: targets with their verdicts, what binds, what calibration moved."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.data import list_scenarios
from transition_sim.model.equations import Model
from transition_sim.study.calibration import Calibrated
from transition_sim.study.ensembles import SAYS, Ensemble
from transition_sim.study.evidence import Evidence, Verdict
from transition_sim.study.outcomes import finite_quantiles
from transition_sim.study.scenario import load_scenario
from transition_sim.study.worlds import Uncertainty, load_uncertainties, sampled

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
WIDTH = 80
Verdicts = Mapping[str, Sequence[Verdict]]


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:.3g}"


def _band(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


def evidence_lines(
    model: Model,
    evidence: Evidence,
    verdicts: Verdicts,
    worlds: Sequence[Ensemble],
    stale: Mapping[str, Sequence[str]],
) -> list[str]:
    """Return all targets with their verdicts, sources and notes, as lines of at most 80 columns."""
    lines = [f"Evidence: {len(evidence.targets)} targets, computed anew from the model. Relapse means war."]
    for each in worlds:
        lines += _wrapped(f"{each.name}: {each.runs:,} worlds, {SAYS.get(each.name, each.file)}.", "  ")
        if each.name in stale:
            lines += _wrapped(
                f"these worlds were kept for other {' and '.join(stale[each.name])}: the verdicts show what they "
                "give here, and not that this model was calibrated.", "     ",
            )  # fmt: skip
    for name in evidence.targets:
        lines += ["", *_target_lines(evidence, name, verdicts)]
    used = {key for target in evidence.targets.values() for key in target.sources}
    for key, source in evidence.sources.items():
        if key not in used:
            lines += ["", *_wrapped(f"For {source.used_for}: [{source.status}] {source.cite} - {source.says}", "")]
    return [*lines, "", *_counts(model, evidence, verdicts)]


def _target_lines(evidence: Evidence, name: str, verdicts: Verdicts) -> list[str]:
    """Return one target: value, band, verdicts, how it is computed, sources, note."""
    target = evidence.targets[name]
    lines: list[str] = []
    lines += [*_wrapped(f"{name}  {target.quantity}", ""), f"  {target.basis} {target.value:g}, band "
              f"{_band(*target.band)} ({target.kind})"]  # fmt: skip
    for ensemble, found in verdicts.items():
        verdict = next(v for v in found if v.name == name)
        low, middle, high = map(_number, finite_quantiles(verdict.values).values())
        role = "fitted" if verdict.fitted else "not fitted"
        told = f"{ensemble}: {low} to {high} (median {middle}); {verdict.word}, {100 * verdict.share:.0f} % of worlds"
        lines += _wrapped(f"{told} ({role})", "  ")
    lines += _wrapped(f"Computed: {target.computed}.", "  ")
    for key in target.sources:
        source = evidence.sources[key]
        doi = f" https://doi.org/{source.doi}" if source.doi else ""
        lines += _wrapped(f"[{source.status}] {source.cite}{doi} - {source.says}", "  ")
    lines += _wrapped(f"Note: {target.note}", "  ") if target.note else []
    return lines


def _counts(model: Model, evidence: Evidence, verdicts: Verdicts) -> list[str]:
    unchecked = evidence.unchecked()
    by = {status: sum(s.status == status for s in evidence.sources.values()) for status in ("read", "secondary")}
    lines = []
    for ensemble, found in verdicts.items():
        fitted = [v for v in found if v.fitted]
        out = [v.name for v in fitted if v.word != "inside"]
        lines += _wrapped(
            f"{ensemble}: {len(fitted) - len(out)} of {len(fitted)} fitted targets hold in every world"
            + (f"; not: {', '.join(out)}" if out else "")
            + " (by selection). Of those that are not fitted, outside in most worlds: "
            + (", ".join(v.name for v in found if not v.fitted and v.share < 0.5) or "none")
            + ".", "",
        )  # fmt: skip
    lines += _wrapped(
        f"Sources: {by['read']} read in a stored text, {by['secondary']} seen in another text's report, "
        f"{len(unchecked)} unchecked ({', '.join(unchecked) or 'none'}). In {model.name}.mdl "
        f"{unchecked_in(model)} variables name a source that is marked unchecked, and in the shipped contexts "
        f"{unchecked_in_contexts()} reasons do.", "",
    )  # fmt: skip
    lines += _wrapped(_roles(load_uncertainties(model)[0]), "")
    return [*lines, "A stylised teaching and exploration model, not a forecast."]


def uncertainty_lines(model: Model, ranges: Mapping[str, Uncertainty], worlds: Sequence[Ensemble]) -> list[str]:
    """Return what is sampled, over which range, what calibration left of it, and why; then what is not sampled."""
    lines = ["", "Sampled: plausible range, then 10th to 90th percentile in each ensemble."]
    for name, each in sampled(ranges).items():
        low, high = each.range
        unit = model.find(name).unit.replace("Dmnl", "")
        kept = [f"{e.name} {_kept(e.columns[name])}" for e in worlds]
        told = f"{name}: {low:g} to {high:g} {unit}".rstrip()
        lines += _wrapped(f"{told} ({each.distribution}); {', '.join(kept)} - {_reason(each)}", "  ")
    for role, words in (("lever", "Set by contexts, options and scenarios:"), ("fixed", "Held fixed:")):
        lines += ["", words]
        for name, each in ranges.items():
            if each.role == role:
                lines += _wrapped(f"{name} - {_reason(each)}", "  ")
    return lines


def _kept(column: Floats) -> str:
    low, high = np.quantile(column, (0.1, 0.9))
    return f"{low:.3g} to {high:.3g}"


def _reason(each: Uncertainty) -> str:
    return f"source: {each.source}" if each.source else f"assumption: {each.assumption}"


def _roles(ranges: Mapping[str, Uncertainty]) -> str:
    """Say how many constants are sampled, set and held fixed."""
    count = {role: sum(each.role == role for each in ranges.values()) for role in ("uncertainty", "lever", "fixed")}
    sourced = sum(each.source is not None for each in sampled(ranges).values())
    return (
        f"Of {len(ranges)} constants {count['uncertainty']} are sampled ({sourced} of these ranges have a source, the "
        f"others are assumptions), {count['lever']} are set by scenarios, {count['fixed']} are held fixed; "
        "--uncertainties lists them."
    )


def unchecked_in_contexts() -> int:
    """Return how many reasons of the shipped contexts name a source that is marked unchecked."""
    names = [name for name in list_scenarios() if name.startswith("contexts/")]
    return sum("unchecked" in why for name in names for why in load_scenario(name).why.values())


def unchecked_in(model: Model) -> int:
    """Return how many variables of a model name a source that nobody has read in a stored text."""
    return sum("unchecked)" in v.documentation for v in model.variables.values() if not v.hidden)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False)


def evidence_frame(verdicts: Verdicts) -> pd.DataFrame:
    """Return targets and verdicts as a data frame, a row for each target and ensemble."""
    import pandas as pd

    return pd.DataFrame(
        [row for ensemble, found in verdicts.items() for row in map(_row, [ensemble] * len(found), found)]
    )


def _row(ensemble: str, verdict: Verdict) -> dict[str, Any]:
    target = verdict.target
    return {
        "target": verdict.name, "quantity": target.quantity, "kind": target.kind, "value": target.value,
        "basis": target.basis, "definition": target.definition,
        "band_low": target.band[0], "band_high": target.band[1], "ensemble": ensemble, "fitted": verdict.fitted,
        **finite_quantiles(verdict.values), "share_inside": verdict.share, "verdict": verdict.word,
        "computed": target.computed, "sources": "; ".join(target.sources),
    }  # fmt: skip


def evidence_data(
    model: Model, evidence: Evidence, verdicts: Verdicts, worlds: Sequence[Ensemble], stale: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return targets, verdicts and sources as plain data."""
    return {
        "ensembles": {
            each.name: {**each.sheet, "worlds": each.runs, "stale": list(stale.get(each.name, []))} for each in worlds
        },
        "targets": [_row(ensemble, verdict) for ensemble, found in verdicts.items() for verdict in found],
        "sources": {name: source.model_dump(by_alias=True) for name, source in evidence.sources.items()},
        "uncertainties": {n: u.model_dump(exclude_none=True) for n, u in load_uncertainties(model)[0].items()},
        "unchecked": len(evidence.unchecked()),
        "unchecked_in_model": unchecked_in(model),
        "unchecked_in_contexts": unchecked_in_contexts(),
    }


def calibration_lines(done: Calibrated) -> list[str]:
    """Return how an ensemble came about, as lines of at most 80 columns."""
    sheet = done.sheet
    kept = len(next(iter(done.columns.values())))
    lines = ["", f"Ensemble {done.name}: {sheet['says']}", f"  {kept:,} worlds kept; seed {sheet['seed']}"]
    lines += [f"  {words}: {count:,}" for words, count in sheet["counts"].items()]
    lines += ["", f"  {'target':<12}{'kind':<9}{'prior inside':>13}{'rejects':>9}{'kept inside':>13}"]
    for name, told in sheet["targets"].items():
        rejects = told["rejects of worlds that meet all others of its block"]
        lines.append(
            f"  {name:<12}{told['kind']:<9}{100 * told['share of prior worlds inside']:>11.0f} %"
            f"{'-' if rejects is None else f'{100 * rejects:.0f} %':>9}"
            f"{100 * told['share of kept worlds inside']:>11.0f} %"
        )
    moved = ", ".join(f"{row['constant']} ({row['distance']:.2f})" for row in sheet["moved"])
    still = len(done.columns) - len(sheet["moved"])
    lines += ["", *_wrapped(f"Moved from prior to posterior (distance of Kolmogorov and Smirnov): {moved}.", "  ")]
    return [
        *lines,
        f"  For the other {still} constants the test sees no shift; how they hang together may differ.",
    ]
