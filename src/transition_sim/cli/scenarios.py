"""`transition-sim scenario ...`: the shipped scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transition_sim.cli.common import Force, scenario_app


@scenario_app.command("list")
def scenario_list() -> None:
    """List the shipped scenarios."""
    from transition_sim.data import list_scenarios
    from transition_sim.study.scenario import load_scenario

    names = list_scenarios()
    width = max(map(len, names))
    for name in names:
        print(f"{name:<{width}}  {load_scenario(name).title}")


@scenario_app.command("show")
def scenario_show(name: Annotated[str, typer.Argument(help="A shipped scenario or a scenario file.")]) -> None:
    """Show what a scenario sets, and why."""
    from transition_sim.model.reader import load_model
    from transition_sim.study.scenario import load_scenario

    scenario = load_scenario(name)
    model = load_model(scenario.model)
    print(f"{scenario.name}: {scenario.title}")
    print(f"  model: {scenario.model.stem}; files: {', '.join(path.name for path in scenario.files)}")
    for key, setting in scenario.settings.items():
        unit = setting.unit or (model.find(key).unit if key in model else "")
        print(f"  {key} = {setting.value:g} {unit}")
        if key in scenario.why:
            print(f"      {scenario.why[key]}")
    for key, series in scenario.series.items():
        points = ", ".join(f"{t:g}: {v:g}" for t, v in zip(series.times, series.values, strict=True))
        print(f"  {key} over time: {points}")


@scenario_app.command("copy")
def scenario_copy(
    name: Annotated[str, typer.Argument(help="A shipped scenario, such as contexts/_template.")],
    to: Annotated[Path, typer.Argument(help="The file or folder to copy it to.")],
    force: Force = False,
) -> None:
    """Copy a shipped scenario, to change it."""
    from transition_sim.study.scenario import copy_scenario

    print(copy_scenario(name, to, force))
