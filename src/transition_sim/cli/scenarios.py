"""`transition-sim scenario ...`: the shipped scenarios and sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from transition_sim.cli.common import Force, scenario_app


@scenario_app.command("list")
def scenario_list() -> None:
    """List the shipped scenarios, sweeps and workshops."""
    from transition_sim.data import list_scenarios, list_sweeps, list_workshops
    from transition_sim.model.reader import load_model
    from transition_sim.study.scenario import load_scenario
    from transition_sim.study.sweeps.file import read_sweep
    from transition_sim.workshop.scenarios import load_workshop

    titles = {name: load_scenario(name).title for name in list_scenarios()}
    titles |= {name: read_sweep(name).form.title for name in list_sweeps()}
    titles |= {f"teaching/{name}": load_workshop(name, load_model()).title.en for name in list_workshops()}
    width = max(map(len, titles))
    for name, title in titles.items():
        print(f"{name:<{width}}  {title}")


@scenario_app.command("show")
def scenario_show(
    name: Annotated[str, typer.Argument(help="A shipped scenario, sweep or workshop, or a file of either.")],
) -> None:
    """Show what a scenario sets or a sweep varies, and why."""
    from transition_sim.study.sweeps.file import names_sweep
    from transition_sim.study.sweeps.plan import load_job
    from transition_sim.study.sweeps.words import job_lines

    if name.startswith("teaching/"):
        from transition_sim.model.reader import load_model
        from transition_sim.workshop.scenarios import load_workshop, workshop_lines

        print("\n".join(workshop_lines(load_workshop(name, load_model()))))
    elif names_sweep(name):
        for line in job_lines(load_job(name)):
            print(line)
    else:
        _show_scenario(name)


def _show_scenario(name: str) -> None:
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
    name: Annotated[str, typer.Argument(help="A shipped scenario, sweep or workshop: contexts/_template.")],
    to: Annotated[Path, typer.Argument(help="The file or folder to copy it to.")],
    force: Force = False,
) -> None:
    """Copy a shipped scenario, sweep or workshop, to change it."""
    from transition_sim.study.scenario import copy_scenario

    print(copy_scenario(name, to, force))
