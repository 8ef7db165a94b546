"""What was asked: the profile, the options and their windows, the words that the report uses."""

from __future__ import annotations

from collections.abc import Mapping

from transition_sim.figures import Drawing
from transition_sim.report.document import Block, Bullets, Cell, Column, Figure, Paragraph, Section, Table
from transition_sim.study.basis import Setup
from transition_sim.study.outcomes import HORIZONS, Comparison
from transition_sim.study.wording import label, meaning, worlds_words

MONTH = Column("month", "months from the mandate", "g")


def asked(done: Comparison, pictures: Mapping[str, Drawing]) -> Section:
    """Return what was asked: question, options, words, profile, timeline."""
    blocks: list[Block] = [
        Paragraph(
            f"Every option spends the same budget, {done.effort_months:g} effort-months, in windows of its own that "
            "planned dates set. Everything else is the same: the profile, and the worlds, one by one. So options are "
            "compared within a world, and ranges are taken across worlds."
        ),
        effort_table(done),
        Bullets(tuple(_words(done))),
        Paragraph(
            "The figure shows when things are planned to happen. Months count from the mandate of the mission; the "
            "sources behind the model count from the end of the war."
        ),
        timeline(done, pictures),
    ]
    if done.basis is not None:
        blocks += [
            Paragraph(
                "The profile is country-like, not a country: what it sets, and why, stands in the next table. What it "
                "does not set is the model's own value or differs from world to world."
            ),
            given_table("profile", f"What the profile '{done.basis.context.title}' sets", (done.basis.context,)),
            given_table("option-files", "What the options set", done.basis.options, owner=True),
        ]
    return Section("asked", "What was asked", tuple(blocks))


def _words(done: Comparison) -> list[str]:
    """Explain the words of the report."""
    bundles = {outcome.bundle for outcome in done.outcomes}
    lines = [
        "A world is one plausible set of the model's uncertain numbers. "
        + " ".join(f"Ensemble {name}: {worlds_words(name)}." for name in done.ensembles),
        "Relapse is " + "; or ".join(meaning(definition) for definition in done.definitions) + ". Risks count from the "
        "mandate and are averaged over what countries differ in beyond what the model sees.",
    ]
    if "role" in bundles:
        lines.append(
            "By role: each entry point acts through its own channels. That shows what an entry point can do, and mixes "
            "what is done with when it is done."
        )
    if "same" in bundles:
        lines.append(
            "The same bundle: the same actions at every entry point, at different times. That isolates timing."
        )
    return lines


def effort_table(done: Comparison) -> Table:
    """Return windows of each option and the effort spent by each horizon, over the first outcome's worlds."""
    outcome = done.outcomes[0]
    titles = {setup.name: setup.title for setup in done.basis.options} if done.basis is not None else {}
    rows: list[tuple[Cell, ...]] = []
    for i, option in enumerate(outcome.options):
        spans = [span for span in done.calendar if span.kind == "effort" and span.name == option]
        windows = ", ".join(f"{span.start:g} to {span.end:g}" for span in spans) or "none"
        spent = [float(outcome.effort[h, i].mean()) for h in range(len(HORIZONS))]
        full = "yes" if outcome.full_budget[i] or option == "none" else "no"
        rows.append((label(option), titles.get(option, ""), windows, *spent, full))
    return Table(
        "effort",
        "The options, and the effort they have spent",
        (
            Column("option", says="entry point, or file of one's own"),
            Column("title", says="title of the option's file"),
            Column("windows", "months from the mandate", says="from and to, one for each role"),
            *(
                Column(f"by year {year}", "effort-months", ".1f", f"mean effort spent by year {year}")
                for year in HORIZONS
            ),
            Column("whole budget", says="whether the option spends all of the budget"),
        ),
        tuple(rows),
        "Only at year 20 have all options that spend the whole budget spent the same.",
    )


def given_table(name: str, caption: str, setups: tuple[Setup, ...], owner: bool = False) -> Table:
    """Return what contexts or options set, with the reasons their files give; efforts of zero are left out."""
    head = (Column("option", says="the option that sets it"),) if owner else ()
    rows = []
    for setup in setups:
        for given in setup.given:
            if owner and given.value == "0":
                continue
            own = (label(setup.name),) if owner else ()
            rows.append((*own, given.constant, given.value, given.unit, given.why or "no reason given"))
    return Table(
        name,
        caption,
        (
            *head,
            Column("constant", says="name in the model"),
            Column("value", says="value as the file gives it"),
            Column("unit", says="unit as the file gives it, or the model's"),
            Column("why", says="a source, an assumption or a definition, as the file says"),
        ),
        tuple(rows),
        "Values of zero are left out." if owner else "",
        keys=2 if owner else 1,
    )


def timeline(done: Comparison, pictures: Mapping[str, Drawing]) -> Figure:
    """Return the timeline with its spans as a table."""
    rows: list[tuple[str, str, float, float, float]] = []
    for span in done.calendar:
        name = label(span.name) if span.kind == "effort" else span.name
        rows.append((span.kind, f"{name}: {span.role}" if span.role else name, span.start, span.end, span.level))
    outcome = done.outcomes[0]
    deployed = outcome.bands["peacekeepers deployed"][1, :, outcome.options.index("none")]
    table = Table(
        "numbers-timeline",
        "The numbers behind the timeline",
        (
            Column("kind"),
            Column("what"),
            Column("from", MONTH.unit, "g", "start; an election starts and ends in its month"),
            Column("to", MONTH.unit, "g", "end"),
            Column("level", "", ".3f", "strength of an instrument, or effort-months a month"),
        ),
        tuple(rows),
        f"The mission has at most {deployed.max():,.0f} peacekeepers deployed (median of worlds without effort).",
        keys=2,
    )
    picture = pictures[next(name for name in pictures if name.startswith("timeline"))]
    return Figure("timeline", "Mission, elections, instruments and effort over time", picture.text, picture, table)
