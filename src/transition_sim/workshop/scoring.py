"""Teams set against each other, outcome by outcome: who is best in what, and who is as good in everything as another.

Outcomes are never added up. All teams are run over the same worlds, so two teams are compared world by world. One is
truly better in an outcome where both hold:

- it is better in at least nine of ten worlds (`SURE`), and
- the middle of the differences is more than a fiftieth (`ALIKE`) of the range from the 10th to the 90th percentile, of
  the team whose range is wider.

All else counts as equally good. "Best" is who is truly better than each other team; who is beaten by none, yet does
not beat all, is as good as those that it does not beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.workshop.form import Workshop

Floats = NDArray[np.float64]
ALIKE = 0.02
SURE = 0.9


def truly_better(one: Floats, other: Floats, better: str) -> bool:
    """Return whether values `(world,)` are truly better than others over the same worlds; `better`: 'low' or 'high'."""
    gain = (one - other) * (1 if better == "high" else -1)
    spread = max(float(np.subtract(*np.quantile(each, (0.9, 0.1)))) for each in (one, other))
    return bool(np.mean(gain > 0) >= SURE and np.median(gain) > ALIKE * spread)


def standing(workshop: Workshop, values: Mapping[str, Mapping[str, Floats]]) -> dict[str, Any]:
    """Return who stands where, as plain data; `values` by team and outcome are `(world,)`, over the same worlds.

    `best`: by outcome the team that is truly better than each other; `level`: by outcome, for each team that none
    beats, the others like it that it does not beat, where somebody is beaten at all; `dominates`: pairs of which the
    first is truly better in something and worse in nothing; `trade`: of the teams that none dominates, those of which
    each is better than another in something and worse in something; `same`: groups without a true difference in
    anything; `ahead`: the team that dominates all others.
    """
    teams = list(values)
    beats = {
        name: {
            (one, other)
            for one in teams
            for other in teams
            if one != other and truly_better(values[one][name], values[other][name], outcome.better)
        }
        for name, outcome in workshop.outcomes.items()
    }
    better = set().union(*beats.values())
    dominates = [(a, b) for a in teams for b in teams if (a, b) in better and (b, a) not in better]
    free = {team for team in teams if not any(other == team for _, other in dominates)}
    trade = {team for a, b in better if (b, a) in better and {a, b} <= free for team in (a, b)}
    level = {name: _level(teams, pairs) for name, pairs in beats.items()}
    return {
        "best": {name: [team for team, others in found.items() if not others] for name, found in level.items()},
        "level": {name: {team: others for team, others in found.items() if others} for name, found in level.items()},
        "dominates": dominates,
        "trade": [team for team in teams if team in trade],
        "same": _groups(teams, better),
        "ahead": next((a for a in teams if all((a, b) in dominates for b in teams if b != a)), None),
    }


def _level(teams: Sequence[str], pairs: set[tuple[str, str]]) -> dict[str, list[str]]:
    """Return, for each team that none beats, the others like it that it does not beat; none where nobody is beaten."""
    if not pairs:
        return {}
    free = [team for team in teams if not any((other, team) in pairs for other in teams)]
    found = {}
    for team in free:
        others = [other for other in teams if other != team and (team, other) not in pairs]
        found[team] = [other for other in others if other in free] or others
    return found


def _groups(teams: Sequence[str], better: set[tuple[str, str]]) -> list[list[str]]:
    """Return groups of two or more between which there is no true difference in anything, each team in one at most."""
    apart = {frozenset(pair) for pair in better}
    found: list[list[str]] = []
    for team in teams:
        home = next((g for g in found if not any(frozenset((team, other)) in apart for other in g)), None)
        if home is None:
            found.append([team])
        else:
            home.append(team)
    return [group for group in found if len(group) > 1]
