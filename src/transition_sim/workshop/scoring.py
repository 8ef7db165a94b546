"""Teams set against each other, outcome by outcome: who is best in what, and who is as good in everything as another.

Outcomes are never added up. Medians over worlds are compared, as people see them: rounded to three digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transition_sim.workshop.form import Workshop


def standing(workshop: Workshop, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the best teams by outcome, which team is at least as good as another in all, and who is not beaten so."""
    scores = {team: _scores(workshop, result) for team, result in results.items()}
    best = {name: _best(scores, name) for name in workshop.outcomes}
    beats = [(one, other) for one in scores for other in scores if _dominates(scores[one], scores[other])]
    beaten = {other for _, other in beats}
    return {"best": best, "dominates": beats, "free": [team for team in scores if team not in beaten]}


def _scores(workshop: Workshop, result: Mapping[str, Any]) -> dict[str, float]:
    """Return medians by outcome, turned so that more is better."""
    return {
        name: float(f"{result['outcomes'][name]['median']:.3g}") * (1 if outcome.better == "high" else -1)
        for name, outcome in workshop.outcomes.items()
    }


def _best(scores: Mapping[str, Mapping[str, float]], name: str) -> list[str]:
    top = max(score[name] for score in scores.values())
    found = [team for team, score in scores.items() if score[name] == top]
    return found if len(found) < len(scores) else []


def _dominates(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return all(one[name] >= other[name] for name in one) and any(one[name] > other[name] for name in one)
