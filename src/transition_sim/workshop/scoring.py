"""Teams set against each other, outcome by outcome: who is best in what, and who is as good in everything as another.

Outcomes are never added up. Medians over worlds are compared; what differs by less than a fiftieth of the range from
the 10th to the 90th percentile counts as equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transition_sim.workshop.form import Workshop

ALIKE = 0.02


@dataclass(frozen=True)
class Score:
    """A median turned so that more is better, and how far another may be off to count as equal."""

    value: float
    slack: float

    def beats(self, other: Score) -> bool:
        """Return whether this is better by more than counts as equal."""
        return self.value - other.value > max(self.slack, other.slack)


def standing(workshop: Workshop, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the best teams by outcome, which team is at least as good as another in all, and who is not beaten so."""
    scores = {team: _scores(workshop, result) for team, result in results.items()}
    best = {name: _best(scores, name) for name in workshop.outcomes}
    beats = [(one, other) for one in scores for other in scores if _dominates(scores[one], scores[other])]
    beaten = {other for _, other in beats}
    return {"best": best, "dominates": beats, "free": [team for team in scores if team not in beaten]}


def _scores(workshop: Workshop, result: Mapping[str, Any]) -> dict[str, Score]:
    found = {}
    for name, outcome in workshop.outcomes.items():
        each = result["outcomes"][name]
        turned = each["median"] * (1 if outcome.better == "high" else -1)
        found[name] = Score(turned, ALIKE * (each["p90"] - each["p10"]))
    return found


def _best(scores: Mapping[str, Mapping[str, Score]], name: str) -> list[str]:
    """Return the teams that none beats, where there is one that they beat."""
    found = [team for team in scores if not any(other[name].beats(scores[team][name]) for other in scores.values())]
    return found if len(found) < len(scores) else []


def _dominates(one: Mapping[str, Score], other: Mapping[str, Score]) -> bool:
    return not any(other[name].beats(one[name]) for name in one) and any(one[name].beats(other[name]) for name in one)
