"""The report of a comparison: the tree of content that its figures and tables are put into."""

from __future__ import annotations

from collections.abc import Mapping

from transition_sim.figures import Drawing
from transition_sim.report.asked import asked
from transition_sim.report.basis import rests_on
from transition_sim.report.document import Block, Bullets, Document, Paragraph, Section
from transition_sim.report.found import found, hangs_on
from transition_sim.report.limits import cannot_tell
from transition_sim.report.over_time import money, over_time
from transition_sim.report.repeat import repeat, sources
from transition_sim.study.outcomes import ASSUMPTION, Comparison, quantiles
from transition_sim.study.wording import cases_line, finding, label, meaning, spread_of_worlds, worlds_words

CAUTION = f"A stylised teaching and exploration model, not a forecast. {ASSUMPTION}"


def comparison_document(done: Comparison, pictures: Mapping[str, Drawing]) -> Document:
    """Return the report of a comparison as a tree; `pictures` are its figures by file name."""
    return Document(
        title="Where the same peacebuilding effort goes, and the risk of relapse into war",
        subtitle=f"Options at equal effort in the profile '{done.title}'",
        caution=CAUTION,
        stamp=stamp_of(done),
        sections=(
            _in_short(done),
            asked(done, pictures),
            *(found(done.under(definition), pictures, _mark(done, definition)) for definition in done.definitions),
            *(hangs_on(done.under(definition), _mark(done, definition)) for definition in done.definitions),
            over_time(done, pictures),
            money(done, pictures),
            rests_on(done),
            cannot_tell(done),
            sources(done),
            repeat(done),
        ),
    )


def stamp_of(done: Comparison) -> str:
    """Return in a line what a report was computed from."""
    versions = done.provenance.get("versions", {})
    return (
        f"Context '{done.context}', {done.runs:,} worlds of {' and '.join(done.ensembles)}, seed {done.seed}, "
        f"{done.effort_months:g} effort-months, model {str(done.provenance.get('model_hash', ''))[:12]}, "
        f"transition_sim {versions.get('transition_sim', '?') if isinstance(versions, Mapping) else '?'}"
    )


def _mark(done: Comparison, definition: str) -> str:
    """Return what sets the figures and tables of one definition of relapse apart."""
    return f"-{definition.replace('_', '-')}" if len(done.definitions) > 1 else ""


def _in_short(done: Comparison) -> Section:
    """Say the question and the answer, ranges first."""
    options = [label(option) for option in done.outcomes[0].options if option != "none"]
    blocks: list[Block] = [
        Paragraph(
            "The United Nations Peacebuilding Commission has a limited amount of effort to give to a country that "
            "leaves a war. Does it matter when it gives it? This report places the same effort at different times - "
            f"{', '.join(options)} - and compares the risk of relapse within twenty years of the mission's mandate, "
            f"over many plausible worlds: sets of uncertain numbers {_which(done)}.",
            "lead",
        ),
        Paragraph(CAUTION, "caution"),
        Bullets(tuple(line for definition in done.definitions for line in _answers(done.under(definition)))),
        Paragraph(
            "Ranges run from the 10th to the 90th percentile of the worlds, with the median in brackets. Only year 20 "
            "ranks the options at equal effort: at earlier years late options have not yet spent theirs. Which option "
            "leads changes with what is assumed; a section of its own shows how."
        ),
    ]
    return Section("short", "In short", tuple(blocks))


def _which(done: Comparison) -> str:
    """Say which numbers make a plausible world."""
    if "prior" in done.ensembles:
        return "out of plausible ranges, not held against published figures"
    return "that published figures do not rule out"


def _answers(done: Comparison) -> list[str]:
    """Return the findings under one definition of relapse, ensemble by ensemble."""
    lines = []
    for ensemble in done.ensembles:
        outcomes = done.within(ensemble).outcomes
        first = outcomes[0]
        none = quantiles(100 * first.probability[-1, first.options.index("none")])
        lines.append(
            f"Worlds {ensemble} ({worlds_words(ensemble)}): without any effort, the risk of {meaning(done.definition)} "
            f"within twenty years is {none['p10']:.0f} to {none['p90']:.0f} per cent (median {none['median']:.0f}). "
            f"{spread_of_worlds(first)}"
        )
        lines.append(f"{ensemble}: {' '.join(map(finding, outcomes))}")
        lines += [f"{ensemble}: {line}" for line in [cases_line(outcomes)] if line]
    return lines
