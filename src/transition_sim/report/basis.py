"""What the result rests on: the worlds, and the published figures that they are held against."""

from __future__ import annotations

from transition_sim.report.document import Block, Cell, Column, Paragraph, Section, Table
from transition_sim.study.basis import Basis
from transition_sim.study.outcomes import Comparison


def rests_on(done: Comparison) -> Section:
    """Return the ensembles, the targets with the share of worlds inside their bands, and what stays an assumption."""
    basis = done.basis
    if basis is None:
        return Section("rests", "What it rests on", (Paragraph("The folder does not say what the worlds rest on."),))
    if any(each.name == "prior" for each in basis.drawn):
        told = "These worlds were sampled from plausible ranges and held against nothing: they are not calibrated."
        return Section("rests", "What it rests on", (Paragraph(told), drawn_table(basis)))
    blocks: list[Block] = [
        Paragraph(
            "Calibrated means: not ruled out. Sets of the model's uncertain numbers were tried, and those kept that "
            "lie inside bands around published figures. Most bands are assumptions. The figures speak of wars, "
            "missions, states and aid; none speaks of the Commission, so they say nothing about the size of its "
            "effects."
        ),
        drawn_table(basis),
        Paragraph(
            "The next table has every figure, and whether its value is published, derived from what is, or assumed. "
            "Figures that are fitted hold by selection; only those that are checked could have failed."
        ),
        aims_table(basis),
        *_misses(basis),
        Paragraph(
            "The command 'transition-sim model evidence' computes each of them anew, with its definition, its note and "
            "what its source was read to say."
        ),
    ]
    return Section("rests", "What it rests on", tuple(blocks))


def drawn_table(basis: Basis) -> Table:
    """Return the ensembles that worlds were drawn from."""
    rows: list[tuple[Cell, ...]] = [
        (each.name, each.says, float(each.kept) if each.kept else None, float(each.sampled) if each.sampled else None,
         float(len(each.moved)) if each.kept else None, each.file)
        for each in basis.drawn
    ]  # fmt: skip
    return Table(
        "ensembles",
        "The worlds",
        (
            Column("worlds", says="ensemble"),
            Column("what they are"),
            Column("kept", "worlds", ",.0f", "worlds that calibration kept, of which the seed draws some"),
            Column("sampled", "constants", ".0f", "constants that differ between worlds"),
            Column("moved", "constants", ".0f", "of these, those that the published figures move visibly"),
            Column("file"),
        ),
        tuple(rows),
    )


def aims_table(basis: Basis) -> Table:
    """Return every target: value, basis, band, kind, and the share of kept worlds inside by ensemble."""
    names = list(dict.fromkeys(name for aim in basis.aims for name in aim.inside))
    rows: list[tuple[Cell, ...]] = [
        (
            aim.name, aim.quantity, aim.value, aim.basis, f"{aim.low:g} to {aim.high:g}", aim.kind,
            *((100 * aim.inside[name] if name in aim.inside else None) for name in names),
            ", ".join(aim.fitted_in) or "-",
        )
        for aim in basis.aims
    ]  # fmt: skip
    return Table(
        "targets",
        "Published figures and the worlds",
        (
            Column("target"),
            Column("quantity"),
            Column("value", "", "g"),
            Column("basis", says="published, derived by us from what is published, or assumed"),
            Column("band"),
            Column("kind", says="fitted: worlds are kept by it; input: set from outside; checked: not fitted"),
            *(Column(f"inside, {name}", "% of kept worlds", ".0f") for name in names),
            Column("fitted in", says="ensembles that are kept by it"),
        ),
        tuple(rows),
    )


def _misses(basis: Basis) -> list[Paragraph]:
    """Name the targets that most kept worlds of an ensemble miss."""
    found = []
    for name in dict.fromkeys(name for aim in basis.aims for name in aim.inside):
        missed = [f"{aim.name} ({aim.quantity})" for aim in basis.aims if aim.inside.get(name, 1) < 0.5]
        if missed:
            found.append(Paragraph(f"Most worlds of {name} lie outside the bands of {'; '.join(missed)}."))
    return found
