"""What drives the hazard of a model, and which drivers carry the difference between two of its runs.

The split is the model's accounting, not causal attribution. Shapes: series `(time,)` of single runs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from transition_sim import risk
from transition_sim.engine.result import Result
from transition_sim.errors import ModelError, SimulationError
from transition_sim.model.equations import Call, Expression, Kind, Model, Reference, Variable, references

Floats = NDArray[np.float64]
HAZARD = "relapse hazard"
PREFIX = "hazard from "
_WEIGHT = "weight of "


def with_drivers(model: Model) -> Model:
    """Return a model that computes `hazard from X` for each driver of its hazard, summing to its log over the baseline.

    Models that have these variables are given back as they are. In others the hazard must read `baseline hazard *
    EXP(weight of X * (...) + ...)`, as in `aid_gap.mdl`; each term becomes a variable of its own, which changes nothing
    else. Raises ModelError for a hazard of another form.
    """
    if any(name.startswith(PREFIX) for name in model.variables):
        return model
    hazard = model.find(HAZARD)
    added = {}
    for sign, term in _terms(_exponent(hazard), 1):
        name = PREFIX + _named(term)
        expression = term if sign > 0 else Call("negative", (term,))
        told = "Log contribution to the hazard. Definition: a term of its exponent."
        added[name] = Variable(name, Kind.AUXILIARY, expression, unit="Dmnl", documentation=told, group=hazard.group)
    return replace(model, variables={**model.variables, **added})


def _exponent(hazard: Variable) -> Expression:
    node = hazard.expression
    if isinstance(node, Call) and node.function == "*":
        left, right = node.arguments
        if left == Reference("baseline hazard") and isinstance(right, Call) and right.function == "EXP":
            return right.arguments[0]
    raise ModelError(f"'{hazard.name}' is no baseline hazard times an exponential, so it cannot be split by driver")


def _terms(node: Expression, sign: int) -> list[tuple[int, Expression]]:
    """Return the terms of a sum with their signs."""
    if isinstance(node, Call) and node.function in ("+", "-") and len(node.arguments) == 2:
        second = sign if node.function == "+" else -sign
        return _terms(node.arguments[0], sign) + _terms(node.arguments[1], second)
    return [(sign, node)]


def _named(term: Expression) -> str:
    """Return what a term stands for, after the weight in it."""
    weights = [name for name in references(term) if name.startswith(_WEIGHT)]
    if len(weights) != 1:
        raise ModelError(f"a term of the hazard holds {len(weights)} weights ('{_WEIGHT}...'), so it has no name")
    return weights[0].removeprefix(_WEIGHT)


def change_by_driver(before: Result, after: Result, year: float) -> dict[str, float]:
    """Return by driver the change of the probability of relapse within some years, from one run to another.

    Both must be single runs of one model with the same baseline hazard and frailty, saved at the same times. At each
    moment the change of the hazard is split by the logarithmic mean (the additive index of Ang, Zhang and Choi 1998,
    Energy 23(6), 489-495; unchecked), which leaves no rest; then over time, and
    over frailty by the same mean of the survival. The parts sum to the change of `risk.probability`, up to the
    trapezoidal rule over saved times. Raises SimulationError where the runs cannot be set against each other.
    """
    for name in ("baseline hazard", risk.SPREAD):
        if name in before and name in after and before[name][0, 0] != after[name][0, 0]:
            raise SimulationError(f"the runs differ in '{name}': their risks have another meaning")
    if not np.array_equal(before.time, after.time):
        raise SimulationError("the runs are saved at other times")
    counted = slice(risk.time_index(before, 0.0), risk.time_index(before, 12.0 * year) + 1)
    time = before.time[counted]
    mean = logarithmic_mean(before[HAZARD][counted, 0], after[HAZARD][counted, 0])
    old, new = (_parts(result) for result in (before, after))
    weight = _survival_weight(before, after, counted.stop - 1)
    return {name: weight * float(np.trapezoid(mean * (new[name][counted] - old[name][counted]), time)) for name in old}


def logarithmic_mean(one: Floats, other: Floats) -> Floats:
    """Return (a - b) / (ln a - ln b) of positive numbers, and their value where they are equal."""
    ratio = np.log(other / one)
    small = np.abs(ratio) < 1e-6
    return np.asarray(one * np.where(small, 1 + ratio / 2, np.expm1(ratio) / np.where(small, 1.0, ratio)))


def _survival_weight(before: Result, after: Result, at: int) -> float:
    """Return the change of the probability of relapse for a small unit of cumulative hazard, exact for this change."""
    spread = float(before[risk.SPREAD][0, 0]) if risk.SPREAD in before else 0.0
    nodes, weights = risk.frailty_rule()
    frailty = np.exp(spread * nodes)
    one, other = (float(result[risk.CUMULATIVE][at, 0]) for result in (before, after))
    change = frailty * abs(other - one)
    share = np.where(change > 0, -np.expm1(-change) / np.where(change > 0, change, 1.0), 1.0)
    return float((weights * frailty * np.exp(-min(one, other) * frailty) * share).sum())


def _parts(result: Result) -> dict[str, Floats]:
    parts = {name.removeprefix(PREFIX): result[name][:, 0] for name in result.names if name.startswith(PREFIX)}
    if not parts:
        raise ModelError(f"no variable '{PREFIX}...' was kept; see with_drivers")
    return parts
