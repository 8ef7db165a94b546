"""How it comes about: trajectories, hazard by driver, and money, over time and by option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from transition_sim.figures import Drawing
from transition_sim.figures.courses import FLOWS, MONEY, PANELS, SUMS
from transition_sim.figures.hazard import PREFIX
from transition_sim.report.document import Block, Cell, Column, Figure, Paragraph, Range, Section, Table
from transition_sim.report.found import BUNDLE, OPTION, outcomes_by_ensemble, slug, spread
from transition_sim.study.outcomes import Comparison, Outcome
from transition_sim.study.wording import label, meaning


def over_time(done: Comparison, pictures: Mapping[str, Drawing]) -> Section:
    """Return how risk comes about without any effort: main stocks, and the hazard by driver."""
    blocks: list[Block] = [
        Paragraph(
            "The figures show the profile without any effort of the Commission, over the worlds. A mission holds the "
            "risk down from outside; what the country has by the time it leaves decides what follows."
        )
    ]
    for definition in done.definitions:
        part, mark = done.under(definition), mark_of(done, definition)
        told = f" (relapse as {meaning(definition)})" if mark else ""
        courses, hazard = pictures[f"trajectories{mark}"], pictures[f"hazard-by-driver{mark}"]
        blocks += [
            Figure(f"trajectories{mark}", f"Main stocks and risk over time{told}", courses.text, courses,
                   course_table(part, f"numbers-trajectories{mark}")),
            Figure(f"hazard-by-driver{mark}", f"Hazard of relapse by driver{told}", hazard.text, hazard,
                   hazard_table(part, f"numbers-hazard{mark}")),
        ]  # fmt: skip
    return Section("time", "How the risk comes about", tuple(blocks))


def money(done: Comparison, pictures: Mapping[str, Drawing]) -> Section:
    """Return cost and gap by option, and the way of money over time."""
    definition = done.definitions[0]
    part, mark = done.under(definition), mark_of(done, definition)
    picture = pictures[f"money{mark}"]
    blocks: list[Block] = [
        Paragraph(
            "Money is in million constant-2005 dollars (MUSD). Pledges become commitments or lapse; commitments are "
            "paid late; what a weak state cannot absorb does no good. The gap is need that is not covered by aid "
            "that is paid and absorbed. What counts as relapse does not change any of it."
        ),
        Figure("money", "Need, pledges, disbursement and the gap", picture.text, picture, money_table(part)),
        *(cost_table(part.within(ensemble)) for ensemble in part.ensembles),
    ]
    return Section("money", "Money and the aid gap", tuple(blocks))


def mark_of(done: Comparison, definition: str) -> str:
    """Return what sets the figures of one definition of relapse apart."""
    return f"-{definition.replace('_', '-')}" if len(done.definitions) > 1 else ""


def course_table(done: Comparison, name: str) -> Table:
    """Return the bands of the main stocks at some months, without effort."""
    wanted = [(variable, variable, scale, unit) for variable, scale, unit in PANELS]
    return _bands(done, name, "The numbers behind the trajectories", wanted)


def money_table(done: Comparison) -> Table:
    """Return the bands of the money chain at some months, without effort."""
    shown = {variable: unit for variable, _, unit in MONEY}
    shown |= dict.fromkeys(FLOWS, "MUSD per month") | dict.fromkeys(SUMS, "MUSD")
    wanted = [(variable, variable, 1.0, unit) for variable, unit in shown.items()]
    return _bands(done, "numbers-money", "The numbers behind need, pledges, disbursement and gap", wanted)


def hazard_table(done: Comparison, name: str) -> Table:
    """Return what each driver multiplies the hazard by at some months, and the hazard itself, without effort."""
    drivers = [variable for variable in done.outcomes[0].bands if variable.startswith(PREFIX)]
    return _bands(done, name, "The numbers behind the hazard by driver", [
        ("relapse hazard", "hazard", 1200.0, "% a year"),
        *((variable, variable.removeprefix(PREFIX), 0.0, "times") for variable in drivers),
    ], first=0.0)  # fmt: skip


def moments(done: Comparison, time: Sequence[float], first: float) -> list[int]:
    """Return the indices of the months that tables show: mandate, draw-down, a year after it, and the horizons."""
    start = done.dates["draw down start"]
    end = start + done.dates["draw down duration"]
    wanted = [month for month in (first, 0.0, start, end, end + 12, 120.0, 180.0, 240.0) if month <= time[-1]]
    return sorted({int(np.abs(np.asarray(time) - month).argmin()) for month in wanted})


def _bands(
    done: Comparison, name: str, caption: str, wanted: Sequence[tuple[str, str, float, str]], first: float = -12.0
) -> Table:
    """Return bands at some months, a row for variable and month; a scale of 0 means: of logs, so their exponential."""
    outcomes = outcomes_by_ensemble(done)
    time = next(iter(outcomes.values())).time
    rows: list[tuple[Cell, ...]] = []
    for variable, told, scale, unit in wanted:
        for at in moments(done, time.tolist(), first):
            ranges = [_band(outcome, variable, at, scale) for outcome in outcomes.values()]
            rows.append((told, unit, float(time[at]), *ranges))
    return Table(
        name,
        caption,
        (
            Column("variable", says="name in the model"),
            Column("unit"),
            Column("month", "from the mandate", "g"),
            *(Column(f"worlds {ensemble}", "", ",.2f", "10th to 90th percentile (median)") for ensemble in outcomes),
        ),
        tuple(rows),
        "Every third month of every option is in bands.csv.",
        keys=3,
    )


def _band(outcome: Outcome, variable: str, at: int, scale: float) -> Range:
    low, middle, high = outcome.bands[variable][:, at, outcome.options.index("none")].tolist()
    if scale == 0:
        low, middle, high = np.exp([low, middle, high]).tolist()
        scale = 1.0
    return Range(low * scale, middle * scale, high * scale)


def cost_table(done: Comparison) -> Table:
    """Return cost and measures of the aid gap by bundle and option, over the worlds of one ensemble."""
    rows = []
    for outcome in done.outcomes:
        for i, option in enumerate(outcome.options):
            opens = np.isfinite(outcome.gap["opens_after_draw_down"][i])
            rows.append((
                outcome.bundle, label(option), spread(outcome.cost[i]), spread(outcome.gap["cumulative_musd"][i]),
                spread(outcome.gap["months_open"][i]), spread(outcome.gap["max_share"][i], 100),
                float(100 * opens.mean()),
            ))  # fmt: skip
    return Table(
        f"cost-{slug(done.ensembles[0])}",
        f"Cost and aid gap over the whole run by option, worlds {done.ensembles[0]}",
        (
            BUNDLE,
            OPTION,
            Column("cost", "MUSD", ",.0f", "mission and disbursed aid, not the effort of the Commission"),
            Column("gap, summed", "MUSD", ",.0f", "need not covered, added up over the run"),
            Column("gap open", "months", ".0f", "months from the mandate with a gap above 10 % of need"),
            Column("deepest gap", "% of need", ".0f", "largest gap after the mandate"),
            Column("open late", "% of worlds", ".0f", "worlds with an open gap after the draw-down has begun"),
        ),
        tuple(rows),
        f"10th to 90th percentile over {done.runs:,} worlds (median). The cost of the effort itself is not counted.",
        keys=2,
    )
