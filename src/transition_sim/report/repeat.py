"""Sources, the command that makes the result again, and what it was computed with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from transition_sim.report.document import Block, Code, Column, Paragraph, Reference, References, Section, Table
from transition_sim.study.comparison import OPTIONS
from transition_sim.study.outcomes import Comparison

FILES = (
    ("table.csv", "every option at every horizon, with ranges"),
    ("worlds.csv", "every outcome of every option in every world"),
    ("assumptions.csv", "20-year risk of the first worlds under each other assumption"),
    ("bands.csv", "variables over time: 10th percentile, median, 90th"),
    ("report.xlsx", "the tables of this report, and what their columns mean"),
    ("comparison.json", "the same as table.csv and more, for programs"),
    ("provenance.json", "what it was computed from and with"),
    ("basis.json", "settings, targets and sources; needed to make this report again"),
    ("*.svg, *.png", "the figures, at the width of a page and of a column"),
)


def command_of(done: Comparison) -> str:
    """Return the command that makes a comparison again: for the shell, or in Python where the shell cannot say it."""
    context = str(done.provenance.get("context", done.context)).removeprefix("contexts/")
    bundles = list(dict.fromkeys(outcome.bundle for outcome in done.outcomes))
    bundle = bundles[0] if len(bundles) == 1 else "both"
    options = done.provenance.get("options", {})
    names = [str(name).removeprefix("entry_points/") for name in (options if isinstance(options, Mapping) else {})]
    if set(OPTIONS) <= set(names):
        words = ["transition-sim", "compare", "--context", context]
        for name in names:
            words += ["--option", name] if name not in OPTIONS else []
        words += [
            "--runs", str(done.runs), "--seed", str(done.seed), "--effort", repr(done.effort_months).removesuffix(".0"),
            "--definition", done.definition, "--bundle", bundle, "--ensemble", done.ensemble, "--out", "DIR",
        ]  # fmt: skip
        return shlex.join(words)
    return (
        "import transition_sim as ts\n"
        f"ts.compare(context={context!r}, options={names!r}, runs={done.runs}, seed={done.seed},\n"
        f"           effort={done.effort_months!r}, definition={done.definition!r}, bundle={bundle!r}, "
        f"ensemble={done.ensemble!r})"
    )


def sources(done: Comparison) -> Section:
    """Return the sources behind the published figures, each with who has read it."""
    cited = done.basis.sources if done.basis is not None else ()
    count = {status: sum(source.status == status for source in cited) for status in ("read", "secondary", "unchecked")}
    aims = done.basis.aims if done.basis is not None else ()
    items = []
    for source in cited:
        used = [aim.name for aim in aims if source.name in aim.sources]
        role = f"For {', '.join(used)}. " if used else f"For {source.used_for}. " if source.used_for else ""
        items.append(Reference(source.cite, source.doi, source.status, f"{role}{source.says}"))
    return Section(
        "sources",
        "Sources",
        (
            Paragraph(
                f"Of {len(cited)} sources, {count['read']} were read (most as abstracts or their authors' summaries), "
                f"{count['secondary']} were seen in another text's report, and {count['unchecked']} nobody has read: "
                "they are marked unchecked."
            ),
            References(tuple(items)),
        ),
    )


def repeat(done: Comparison) -> Section:
    """Return how to make the result again, the files beside the report, and the provenance."""
    blocks: list[Block] = [
        Paragraph("This command computes the same numbers again, with the same version and model:"),
        Code(command_of(done)),
        Paragraph("This one makes the report anew from the folder, without computing anything:"),
        Code("transition-sim report DIR"),
        Paragraph(
            f"SciPy integrated {done.referee_runs:,} of the runs again, with tight tolerances: the largest difference "
            f"in a probability is {done.max_deviation:.1e} (allowed {done.tolerance:g})."
        ),
        Table(
            "files",
            "Files of the folder",
            (Column("file"), Column("what it holds")),
            FILES,
        ),
        Table(
            "provenance",
            "Provenance",
            (Column("what"), Column("value")),
            tuple(_flat(done.provenance)),
        ),
    ]
    return Section("repeat", "How it was computed, and how to do it again", tuple(blocks))


def _flat(tree: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return nested provenance as rows of name and value."""
    rows: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{before}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}: ")
        elif isinstance(value, list):
            rows.append((name, ", ".join(map(str, value)) or "-"))
        else:
            rows.append((name, str(value)))
    return rows
