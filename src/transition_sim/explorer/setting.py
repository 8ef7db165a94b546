"""Settings over a profile: what an option sets, what a profile sets, and both together as a scenario."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from transition_sim.engine.resolve import Setting, resolve
from transition_sim.errors import ModelError, ScenarioError, nearest, shown
from transition_sim.explorer.controls import BRIDGING
from transition_sim.explorer.outcome import NEEDED, WATCHED
from transition_sim.model.equations import Model, canonical
from transition_sim.study.comparison import ROLES
from transition_sim.study.outcomes import BUDGET
from transition_sim.study.scenario import Scenario, in_folder, load_scenario

Values = Mapping[str, float]
SHARES = tuple(f"PBC {role} effort" for role in ROLES)
SET_HERE = "assumption - set in the explorer"


def check_model(model: Model) -> None:
    """Refuse a model without what the explorer shows and moves."""
    wanted = (*NEEDED, *WATCHED, *SHARES, BUDGET, BRIDGING, "draw down start", "draw down duration", "draw down rule")
    missing = [name for name in wanted if name not in model]
    if missing:
        where = shown(model.path) if model.path else model.name
        raise ModelError(f"{where}: the explorer needs '{missing[0]}', which this model lacks; 'transition' has it")


def choice(what: str, word: str, allowed: Mapping[str, float]) -> float:
    """Return the number that a word stands for; ScenarioError with the nearest word where it stands for none."""
    if word not in allowed:
        hint = nearest(word, allowed)
        raise ScenarioError(f"{what} '{word}' does not exist; allowed here: {', '.join(allowed)}{hint}")
    return allowed[word]


def base_values(model: Model, context: Scenario) -> dict[str, float]:
    """Return every constant of a profile: what it sets, checked, and what the file says of the others."""
    return {**model.constants, **resolve(model, context.settings, None, context.series).values}


def option_values(model: Model, option: str | Path) -> dict[str, float]:
    """Return what an option sets: a shipped name such as `draw_down`, or a scenario file."""
    found = load_scenario(in_folder(option, "entry_points"))
    if found.series:
        raise ScenarioError(f"option '{found.name}' sets a series; series belong into the profile")
    return resolve(model, found.settings).values


def laid_over(context: Scenario, values: Values) -> Scenario:
    """Return a profile with a setting laid over it, as one scenario."""
    known = {canonical(name) for name in values}
    told = json.dumps(dict(sorted(values.items())))
    return Scenario(
        f"{context.name}, explored",
        f"{context.title}, explored",
        context.model,
        {**{n: s for n, s in context.settings.items() if canonical(n) not in known},
         **{name: Setting(value) for name, value in values.items()}},
        {n: s for n, s in context.series.items() if canonical(n) not in known},
        {**{n: why for n, why in context.why.items() if canonical(n) not in known},
         **dict.fromkeys(values, SET_HERE)},
        context.files,
        hashlib.sha256(f"{context.hash}{told}".encode()).hexdigest(),
    )  # fmt: skip
