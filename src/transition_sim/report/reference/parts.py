"""Loops, evidence, claims and limits as the reference page shows them: words and links, no markup."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transition_sim.model.equations import Model
from transition_sim.model.insight import Loops
from transition_sim.report.reference.cards import Link, address, number, short
from transition_sim.report.reference.gather import Judged
from transition_sim.study.ensembles import SAYS
from transition_sim.study.evidence import Source, Target, Verdict
from transition_sim.study.outcomes import finite_quantiles
from transition_sim.study.wording import phases

TOP = 6
POLARITY = {"R": "reinforcing", "B": "balancing", "U": "changes its polarity"}
READ = {
    "read": "read in a stored text",
    "secondary": "seen in another text's report",
    "unchecked": "unchecked: nobody has read it",
}
GENERAL_LIMITS = (
    "**It is a stylised teaching and exploration model, not a forecast.** A number here follows from equations and "
    "ranges, most of which are assumptions; each says so.",
    "A page that is generated shows what is in the files. It cannot show what was left out of them.",
    "That units agree and links resolve says that the model hangs together, not that it is right.",
)


@dataclass(frozen=True)
class Phase:
    """A phase of the run with its strongest loops: polarity, share in per cent, the stocks each passes."""

    words: str
    loops: Sequence[tuple[str, str, Sequence[Link]]]


@dataclass(frozen=True)
class Held:
    """What the worlds of one ensemble give for a target."""

    ensemble: str
    words: str
    verdict: str
    share: str
    role: str
    inside: bool


@dataclass(frozen=True)
class Shown:
    """One target of the evidence with what was obtained and where it comes from."""

    name: str
    ident: str
    target: Target
    value: str
    band: str
    held: Sequence[Held]
    sources: Sequence[Link]


@dataclass(frozen=True)
class Cited:
    """A source with its address on the page, who read it, and the targets it stands behind."""

    ident: str
    source: Source
    read: str
    href: str
    targets: Sequence[Link]


def phases_of(found: Loops, model: Model, idents: Mapping[str, str]) -> list[Phase]:
    """Return the strongest loops of two stocks or more in each phase of a run."""
    told = []
    for words, start, end in phases(model):
        rows = [
            (
                POLARITY.get(loop.polarity, loop.polarity),
                f"{100 * share:.1f}",
                [Link(name, address(name, idents)) for name in loop.stocks],
            )
            for loop, share in found.strongest(start, end, TOP)
        ]
        unit = f" {model.time.unit}" if model.time.unit else ""
        told.append(Phase(f"{words[:1].upper()}{words[1:]} ({number(start)} to {number(end)}{unit})", rows))
    return told


def searched(found: Loops) -> str:
    """Say how far the search for loops went."""
    if found.complete:
        return "The search looked at every loop."
    return (
        f"The model has too many loops to look at all. These are the strongest of a sample ({found.retained:,} kept); "
        "a loop that is missing here may still exist."
    )


def targets_of(judged: Judged) -> list[Shown]:
    """Return the targets with what each ensemble gives."""
    sources = source_idents(judged)
    return [
        Shown(
            name,
            _ident("t", name),
            target,
            short(target.value),
            f"{short(target.band[0])} to {short(target.band[1])}",
            [_held(e, next(v for v in found if v.name == name)) for e, found in judged.verdicts.items()],
            [Link(key, f"#{sources[key]}") for key in target.sources],
        )
        for name, target in judged.evidence.targets.items()
    ]


def _held(ensemble: str, verdict: Verdict) -> Held:
    q = finite_quantiles(verdict.values)
    low, middle, high = ("never" if value is None else short(value) for value in q.values())
    return Held(
        ensemble,
        f"{middle} ({low} to {high})",
        verdict.word,
        _share(verdict.share),
        "fitted" if verdict.fitted else "not fitted",
        verdict.share >= 0.5,
    )


def _share(share: float) -> str:
    """Return a share in per cent that says 0 or 100 only where it is."""
    return f"{100 * share:.{0 if share in (0, 1) or 0.005 <= share <= 0.995 else 1}f} %"


def source_idents(judged: Judged) -> dict[str, str]:
    """Return the address of each source on the page."""
    return {key: _ident("source", key) for key in judged.evidence.sources}


def sources_of(judged: Judged) -> list[Cited]:
    """Return the sources with who read them and the targets they stand behind."""
    idents = source_idents(judged)
    targets = judged.evidence.targets
    return [
        Cited(
            idents[key],
            source,
            READ[source.status],
            f"https://doi.org/{source.doi}" if source.doi else "",
            [Link(name, f"#{_ident('t', name)}") for name, target in targets.items() if key in target.sources],
        )
        for key, source in judged.evidence.sources.items()
    ]


def worlds_told(judged: Judged) -> list[str]:
    """Return what each ensemble is, and what has changed since it was made."""
    told = []
    for each in judged.worlds:
        words = f"{each.name}: {each.runs:,} worlds, {SAYS.get(each.name, each.file)}."
        if each.name in judged.stale:
            changed = " and ".join(judged.stale[each.name])
            words += f" They were kept for other {changed}: this model was not calibrated."
        told.append(words)
    return told


def marked_up(text: str) -> list[tuple[str, str]]:
    """Return a line of Markdown as runs of plain text, `code` and **strong**: pairs of kind and text."""
    found = []
    for part in re.split(r"(\*\*[^*]+\*\*|`[^`]+`)", text):
        kind = "strong" if part.startswith("**") else "code" if part.startswith("`") else "plain"
        if part:
            found.append((kind, part.strip("*`") if kind != "plain" else part))
    return found


def _ident(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"
