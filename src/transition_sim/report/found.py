"""What was found, and what the ranking of the options hangs on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from transition_sim.figures import Drawing
from transition_sim.report.document import Block, Bullets, Cell, Column, Figure, Paragraph, Range, Section, Table
from transition_sim.study.outcomes import HORIZONS, Comparison, Floats, Outcome, quantiles
from transition_sim.study.wording import agreement, cases_line, finding, flips, label, meaning, regret_line

BUNDLE = Column("bundle", says="role: own channels of each entry point; same: the same actions at different times")
OPTION = Column("option", says="entry point, or file of one's own")
ASSUMPTIONS = {
    "as sampled": "every world with its own values",
    "saturates early": "half of an effect is reached with the least effort of its plausible range",
    "saturates late": "half of an effect is reached with the most effort of its plausible range",
    "no compact": "the compact of mutual commitments has no effect",
    "no force building": "effort does not help to build the state's own security forces",
}


def found(done: Comparison, pictures: Mapping[str, Drawing], mark: str) -> Section:
    """Return what was found under one definition of relapse, ensemble by ensemble."""
    blocks: list[Block] = [
        Paragraph(
            f"Relapse is {meaning(done.definition)}. The figures show the risk within twenty years and what each "
            "option takes off it in the same world; a change whose range crosses zero may be none."
        )
    ]
    for ensemble in done.ensembles:
        part = done.within(ensemble)
        only = len(done.ensembles) == 1
        name = f"options{mark}" if only else f"options-{ensemble}{mark}"
        told = [*map(finding, part.outcomes), *([agreement(*part.outcomes)] if len(part.outcomes) == 2 else [])]
        lines = [*told, *map(regret_line, part.outcomes), cases_line(part.outcomes)]
        key = f"{ensemble}{mark}"
        title = f"Risk and change by option, worlds {ensemble}"
        blocks.append(
            Section(
                f"found-{slug(key)}",
                f"Worlds {ensemble}",
                (
                    Bullets(tuple(line for line in lines if line)),
                    Figure(
                        f"options-{slug(key)}", title, pictures[name].text, pictures[name], risk_table(part, key), True
                    ),
                    horizon_table(part, key),
                ),
            )
        )
    ranks = pictures[f"ranks{mark}"]
    blocks += [
        Paragraph(
            "How sure is a ranking? The figure of ranks counts in how many worlds each option comes first, second and "
            "so on. A rank counts a difference however small; how large the differences are stands above."
        ),
        Figure(f"ranks{mark}", "Ranks of the options over worlds", ranks.text, ranks, rank_table(done, mark)),
    ]
    title = "What was found" if not mark else f"What was found: relapse as {meaning(done.definition)}"
    return Section(f"found{mark}", title, tuple(blocks))


def hangs_on(done: Comparison, mark: str) -> Section:
    """Return how the ranking changes with assumptions, under one definition of relapse."""
    outcomes = [outcome for outcome in done.outcomes if outcome.varied]
    blocks: list[Block] = [
        Paragraph(
            "Nobody has measured how much any of these actions achieves, so the ranking follows from assumptions. The "
            "table sets some of them to one value in every world, and shows the median change of the twenty-year risk."
        ),
        Bullets(tuple(f"{name}: {says}." for name, says in ASSUMPTIONS.items())),
        Bullets(tuple(f"{o.ensemble}: {line}" for o in outcomes for line in [flips(o)] if line)),
        assumption_table(done, mark),
    ]
    title = "What the ranking hangs on"
    title = title if not mark else f"{title}: relapse as {meaning(done.definition)}"
    return Section(f"hangs{mark}", title, tuple(blocks))


def slug(text: str) -> str:
    """Return text as part of an identifier: letters and digits, the rest as hyphens."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)


def risk_table(done: Comparison, key: str) -> Table:
    """Return risk, change, share of worlds in which it is best and regret at year 20, a row for bundle and option."""
    rows: list[tuple[Cell, ...]] = []
    for outcome in done.outcomes:
        for i, option in enumerate(outcome.options):
            change = None if option == "none" else spread(outcome.difference[-1, i], 100)
            rows.append(
                (
                    outcome.bundle, label(option), spread(outcome.probability[-1, i], 100), change,
                    float(100 * outcome.share_best[-1, i]), spread(outcome.regret[-1, i], 100),
                )
            )  # fmt: skip
    return Table(
        f"risk-{slug(key)}",
        f"Risk at year 20 by option, worlds {done.ensembles[0]}",
        (
            BUNDLE,
            OPTION,
            Column("risk in 20 years", "%", ".1f", "probability of relapse within 20 years of the mandate"),
            Column("change from none", "points", "+.1f", "risk less that without effort in the same world"),
            Column("best in", "% of worlds", ".0f", "share of worlds in which the risk is the lowest; ties are shared"),
            Column("regret", "points", ".1f", "risk above that of the best option of the same world"),
        ),
        tuple(rows),
        f"10th to 90th percentile over {done.runs:,} worlds (median).",
        keys=2,
    )


def horizon_table(done: Comparison, key: str) -> Table:
    """Return the risk at every horizon and the effort spent by then, a row for bundle and option."""
    rows: list[tuple[Cell, ...]] = []
    for outcome in done.outcomes:
        for i, option in enumerate(outcome.options):
            risks = [spread(outcome.probability[h, i], 100) for h in range(len(HORIZONS))]
            spent = [float(outcome.effort[h, i].mean()) for h in range(len(HORIZONS))]
            rows.append((outcome.bundle, label(option), *risks, *spent))
    return Table(
        f"horizons-{slug(key)}",
        f"Risk and effort spent at every horizon, worlds {done.ensembles[0]}",
        (
            BUNDLE,
            OPTION,
            *(Column(f"risk in {year} years", "%", ".1f") for year in HORIZONS),
            *(Column(f"effort by {year}", "months", ".0f", f"mean effort spent by year {year}") for year in HORIZONS),
        ),
        tuple(rows),
        "Before year 20 the options have spent unequal effort: those columns rank nothing.",
        keys=2,
    )


def rank_table(done: Comparison, mark: str) -> Table:
    """Return the share of worlds in which each option has each rank at year 20."""
    count = len(done.outcomes[0].options)
    rows = [
        (outcome.ensemble, outcome.bundle, label(option), *(100 * outcome.rank_share[i]).tolist())
        for outcome in done.outcomes
        for i, option in enumerate(outcome.options)
    ]
    return Table(
        f"numbers-ranks{mark}",
        "The numbers behind the ranks",
        (
            Column("worlds", says="ensemble"),
            BUNDLE,
            OPTION,
            *(Column(f"rank {rank + 1}", "% of worlds", ".1f", "rank 1: lowest risk") for rank in range(count)),
        ),
        tuple(rows),
        keys=3,
    )


def assumption_table(done: Comparison, mark: str) -> Table:
    """Return the median change of the 20-year risk under each assumption, a row for ensemble, bundle and option."""
    first = done.outcomes[0]
    names = list(first.varied)
    rows: list[tuple[Cell, ...]] = []
    for outcome in done.outcomes:
        changes = [100 * outcome.change_under(name) for name in names]
        for i, option in enumerate(outcome.options):
            if option != "none":
                rows.append((outcome.ensemble, outcome.bundle, label(option), *(float(each[i]) for each in changes)))
    worlds = first.varied[names[0]].shape[1] if names else 0
    return Table(
        f"assumptions{mark}",
        "Median change of the 20-year risk under each assumption",
        (
            Column("worlds", says="ensemble"),
            BUNDLE,
            OPTION,
            *(Column(name, "points", "+.1f", ASSUMPTIONS.get(name, "")) for name in names),
        ),
        tuple(rows),
        f"Medians over the first {worlds:,} worlds; the lowest number of a column within a bundle leads.",
        keys=3,
    )


def spread(values: Floats, scale: float = 1.0) -> Range:
    """Return the range of one row of worlds, scaled."""
    q = quantiles(np.asarray(values) * scale)
    return Range(q["p10"], q["median"], q["p90"])


def outcomes_by_ensemble(done: Comparison) -> dict[str, Outcome]:
    """Return the first outcome of each ensemble."""
    return {ensemble: done.within(ensemble).outcomes[0] for ensemble in done.ensembles}
