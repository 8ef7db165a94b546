"""What the model finds about itself: which stocks carry the risk, which claims hold in which share of worlds.

Findings are computed on the calibrated ensembles and written as Markdown tables into the model's documentation. None is
a test and none is forced. Shapes: a measure is `(run,)`, one run a world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transition_sim import risk
from transition_sim.data import list_scenarios, models_folder
from transition_sim.engine.result import Result
from transition_sim.engine.simulate import simulate
from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.model.equations import Model
from transition_sim.model.printing import content_hash
from transition_sim.study.ensembles import ENSEMBLES, draw_worlds
from transition_sim.study.frontier import best_rules, frontier
from transition_sim.study.measures import Case, cases_of, faults_of, measure
from transition_sim.study.scenario import Scenario, load_scenario
from transition_sim.study.worlds import Worlds
from transition_sim.study.yaml_file import line_of, plain, read_yaml

Floats = NDArray[np.float64]
PHASES = ("before", "during", "after")
LEDGER = "Ledger"


class Claim(BaseModel):
    """A claim in words, the two cases it compares, and which of them is to be above the other, by what factor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str = Field(min_length=10)
    left: Case
    right: Case
    holds: Literal["above", "below"]
    by: float = Field(1.0, gt=0)


class ClaimFile(BaseModel):
    """`models/claims.yaml`."""

    model_config = ConfigDict(extra="forbid")

    model: str
    claims: dict[str, Claim]


@dataclass(frozen=True, eq=False)
class Finding:
    """In which share of an ensemble's worlds a claim holds in a context, and the uncertainties that tell where.

    `conditions` pairs an uncertainty with the share of worlds in which the claim holds in its lowest and in its
    highest third, for those that separate the worlds most.
    """

    claim: str
    context: str
    ensemble: str
    holds: NDArray[np.bool_]
    conditions: tuple[tuple[str, float, float], ...]


def load_claims(model: Model, path: Path | None = None) -> dict[str, Claim]:
    """Return the claims of a file; ScenarioError with a line for every fault of form or name."""
    found = path or models_folder() / "claims.yaml"
    tree, _ = read_yaml(found)
    try:
        form = ClaimFile.model_validate(plain(tree))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        told = {
            Fault(
                shown(found),
                line_of(tree, problem["loc"]),
                f"'{' / '.join(map(str, problem['loc']))}': {problem['msg']}",
            )
            for problem in problems
        }
        raise ScenarioError(sorted(told)) from None
    faults: list[Fault] = []
    for name, claim in form.claims.items():
        line = tree.value["claims"].value[name].line
        for case in (*cases_of(claim.left), *cases_of(claim.right)):
            faults += [Fault(shown(found), line, f"claim '{name}': {message}") for message in faults_of(model, case)]
    if faults:
        raise ScenarioError(faults)
    return form.claims


def check_claims(path: Path, model: Model) -> list[Fault]:
    """Return every fault of a claims file."""
    try:
        load_claims(model, path)
    except ScenarioError as error:
        return list(error.faults)
    return []


def contexts() -> list[str]:
    """Return the shipped contexts, `reference` first."""
    names = [name.removeprefix("contexts/") for name in list_scenarios() if name.startswith("contexts/")]
    return sorted(names, key=lambda name: (name != "reference", name))


def judge_claims(
    model: Model, worlds: Worlds, names: Sequence[str], progress: Callable[[str], None] | None = None
) -> list[Finding]:
    """Return a finding for each claim and context, over worlds common to all."""
    claims = load_claims(model)
    found = []
    for context in names:
        if progress is not None:
            progress(f"{worlds.ensemble}: {context}")
        sides = [side for claim in claims.values() for side in (claim.left, claim.right)]
        values = iter(measure(model, load_scenario(f"contexts/{context}"), worlds.columns, sides))
        for name, claim in claims.items():
            left, right = next(values), next(values)
            holds = left > claim.by * right if claim.holds == "above" else left < claim.by * right
            found.append(Finding(name, context, worlds.ensemble, holds, _conditions(worlds, holds)))
    return found


def _conditions(worlds: Worlds, holds: NDArray[np.bool_], most: int = 2) -> tuple[tuple[str, float, float], ...]:
    """Return the uncertainties whose lowest and highest thirds of worlds differ most in how often a claim holds."""
    if not 0.02 < holds.mean() < 0.98:
        return ()
    found = []
    for name, values in worlds.columns.items():
        low, high = np.quantile(values, (1 / 3, 2 / 3))
        found.append((name, float(holds[values <= low].mean()), float(holds[values >= high].mean())))
    noise = 4 * np.sqrt(holds.mean() * (1 - holds.mean()) * 6 / len(holds))
    clear = [each for each in found if abs(each[2] - each[1]) > noise]
    return tuple(sorted(clear, key=lambda each: -abs(each[2] - each[1]))[:most])


def freeze_table(model: Model, names: Sequence[str]) -> dict[str, list[float]]:
    """Return, for each stock, the change of ln H after twenty years in each context when it keeps its first value."""
    settings = [load_scenario(f"contexts/{name}") for name in names]
    base = [_total(model, scenario) for scenario in settings]
    return {
        stock: [
            float(np.log(_total(model.with_frozen({stock: None}), s) / b)) for s, b in zip(settings, base, strict=True)
        ]
        for stock in moving_stocks(model)
    }


def moving_stocks(model: Model) -> list[str]:
    """Return the stocks that can carry risk: all but the ledger and the hazard's own sum."""
    return [s for s in model.stocks if model.variables[s].group != LEDGER and s != risk.CUMULATIVE]


def _total(model: Model, scenario: Scenario) -> float:
    span = model.time.final - model.time.initial
    return float(simulate(model, scenario, outputs=[risk.CUMULATIVE], save_every=span)[risk.CUMULATIVE][-1, 0])


def phase_table(model: Model, context: str = "reference") -> dict[str, list[float]]:
    """Return, for each stock, what its movement in each phase does to the risk of that phase and after.

    A stock is frozen at the value it has when a phase begins: at the mandate, at the planned start of the draw-down, at
    its planned end. Its weight is the change of ln of the hazard accumulated over the five years from there.
    """
    scenario = load_scenario(f"contexts/{context}")
    result = simulate(model, scenario, outputs=[risk.CUMULATIVE], save_every=1)
    starts = [0.0, float(result["draw down start"][0, 0]), float(result["planned exit"][0, 0])]
    base = [_within(result, start) for start in starts]
    table = {}
    for stock in moving_stocks(model):
        held = [model.with_frozen({stock: None}, since=start) for start in starts]
        runs = [simulate(other, scenario, outputs=[risk.CUMULATIVE], save_every=1) for other in held]
        pairs = zip(runs, starts, base, strict=True)
        table[stock] = [float(np.log(_within(run, start) / whole)) for run, start, whole in pairs]
    return table


def _within(result: Result, start: float, months: float = 60.0) -> float:
    """Return the hazard accumulated in so many months from a moment on."""
    at = [int(np.abs(result.time - moment).argmin()) for moment in (start, start + months)]
    return float(np.diff(result[risk.CUMULATIVE][at, 0])[0])


def findings_text(model: Model, runs: int, seed: int, progress: Callable[[str], None] | None = None) -> str:
    """Return all findings as Markdown, with the sample they were computed on."""
    names = contexts()
    drawn = [draw_worlds(model, ensemble, runs, seed) for ensemble in ENSEMBLES]
    findings = [finding for worlds in drawn for finding in judge_claims(model, worlds, names, progress)]
    rules = frontier(model, drawn[0])
    parts = [
        f"Computed on equations `{content_hash(model)[:12]}`; claims over {runs} worlds of each calibrated ensemble, "
        f"cost against risk over those of {ENSEMBLES[0]} (seed {seed}). `make findings` writes this part anew.",
        "### Which stocks carry the risk",
        "Change of ln H after twenty years when a stock keeps its first value; positive: its movement lowers the risk. "
        "Hand-set values, no effort of the Commission.",
        _markdown(["stock", *(name.removesuffix("_like") for name in names)], _rows(freeze_table(model, names))),
        "By phase, reference profile: a stock frozen at the value it has at the mandate, at the planned start and at "
        "the planned end of the draw-down; change of ln of the hazard accumulated over the five years from there.",
        _markdown(["stock", *(f"{phase} the draw-down" for phase in PHASES)], _rows(_strongest(phase_table(model)))),
        "### Claims",
        "Share of worlds in which a claim holds, in per cent: in the reference profile, in the worlds of either "
        "ensemble; from the lowest to the highest of all profiles and both ensembles; then what it hangs on in the "
        "reference profile, in the ensemble that it divides more: the share in the lowest and highest third of an "
        "uncertainty.",
        _claims_markdown(load_claims(model), findings),
        "### Good is good enough: cost against risk",
        "Reference profile; cost is mission and disbursed aid over twenty years; medians over worlds.",
        _markdown(
            ["rule", "cost, MUSD", "20-year risk, %"],
            [[rule.words, f"{np.median(rule.cost):,.0f}", f"{100 * np.median(rule.risk):.1f}"] for rule in rules],
        ),
        "Best rule (least mean cost plus mean risk) by what avoiding one relapse is worth:",
        _markdown(["worth, MUSD", "best rule"], [[f"{v:,.0f}", words] for v, words in best_rules(rules).items()]),
    ]
    return "\n\n".join(parts)


def _rows(table: Mapping[str, Sequence[float]]) -> list[list[str]]:
    return [[name, *(f"{value + 0.0:+.3f}" for value in values)] for name, values in table.items()]


def _strongest(table: Mapping[str, list[float]], count: int = 12) -> dict[str, list[float]]:
    """Return the rows with the largest entries, strongest first."""
    names = sorted(table, key=lambda name: -max(map(abs, table[name])))[:count]
    return {name: table[name] for name in names}


def _claims_markdown(claims: Mapping[str, Claim], findings: Sequence[Finding]) -> str:
    rows = []
    for name, claim in claims.items():
        mine = [finding for finding in findings if finding.claim == name]
        shares = [100 * finding.holds.mean() for finding in mine]
        reference = [finding for finding in mine if finding.context == "reference"]
        split = min(reference, key=lambda finding: abs(finding.holds.mean() - 0.5))
        told = "; ".join(f"{n} ({100 * low:.0f} to {100 * high:.0f})" for n, low, high in split.conditions)
        told = f"{split.ensemble}: {told}" if told else "-"
        own = [f"{100 * finding.holds.mean():.0f}" for finding in reference]
        rows.append([claim.says, *own, f"{min(shares):.0f} to {max(shares):.0f}", told])
    return _markdown(["claim", *ENSEMBLES, "profiles", "hangs on"], rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


MARKS = ("<!-- findings: written by `make findings` -->", "<!-- end of findings -->")


def write_findings(path: Path, text: str) -> Path:
    """Put findings between their marks in a Markdown file, by a temporary name; ScenarioError where there are none."""
    from transition_sim.data import write_text

    old = path.read_text(encoding="utf-8")
    if any(mark not in old for mark in MARKS):
        raise ScenarioError(Fault(shown(path), None, f"lacks the marks {MARKS[0]} and {MARKS[1]}"))
    before, rest = old.split(MARKS[0], 1)
    after = rest.split(MARKS[1], 1)[1]
    return write_text(path, f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}")
