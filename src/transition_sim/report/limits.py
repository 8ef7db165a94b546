"""What the model cannot tell, in plain words."""

from __future__ import annotations

from transition_sim.report.document import Bullets, Paragraph, Section
from transition_sim.study.outcomes import Comparison


def cannot_tell(done: Comparison) -> Section:
    """Return what a reader must not take from the report."""
    spent = f"{done.effort_months:g}"
    return Section(
        "limits",
        "What the model cannot tell",
        (
            Bullets((
                "How large the effect of any effort of the Peacebuilding Commission is. Its size is an assumption with "
                "a range that begins at zero. What stands above follows from the assumptions; nobody has observed it.",
                "What will happen in any country. A profile carries dates, strengths and a few first values; most of "
                "what makes a country unlike others is left out, and no outcome of a country is fitted or tested.",
                "What missions achieve. The two ensembles take two readings of a disputed literature and do not "
                "bracket it: evidence of hardly any effect lies outside both. Missions go to hard cases, so that the "
                "evidence itself is contested.",
                "Which option is better before year 20: late options have then not yet spent their effort.",
                f"Whether {spent} effort-months are much or little. The budget is a unit of comparison, and its cost "
                "is not counted.",
                "Anything about a war economy, regional politics beyond one index, or relapse that is not to war in "
                "the sense defined above.",
                "Causes in a strict sense. The hazard by driver is the model's own accounting; drivers move together.",
            )),
            Paragraph(
                "Ranges show how far plausible worlds differ. They are no confidence intervals: worlds are not "
                "weighted by how likely they are."
            ),
        ),
    )  # fmt: skip
