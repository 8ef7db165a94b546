"""What `models/README.md` keeps: the findings that `make findings` wrote there, and the weaknesses that are named.

Claims are shares of a thousand worlds in seven profiles and take minutes to compute; they are computed once, written
down with the hash of the equations they hold for, and read here. Nothing is computed, and a stale table says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transition_sim.data import models_folder
from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.model.equations import Model
from transition_sim.model.printing import content_hash
from transition_sim.study.findings import MARKS, load_claims


@dataclass(frozen=True)
class Kept:
    """Findings as they were written: how they were computed, `fresh` where for these equations and claims.

    `claims` and `carriers` (stocks that carry the risk, by phase) are tables, their head first; `told` says what the
    columns of each are.
    """

    computed: str
    fresh: bool
    claims: tuple[tuple[str, ...], ...]
    claims_told: str
    carriers: tuple[tuple[str, ...], ...]
    carriers_told: str


def notes_path() -> Path:
    """Return the page about the shipped models."""
    return models_folder() / "README.md"


def kept_findings(model: Model, path: Path | None = None) -> Kept:
    """Return the findings that a page keeps; ScenarioError where it has none, or where claims do not fit the model."""
    found = path or notes_path()
    text = found.read_text(encoding="utf-8")
    inside = text.partition(MARKS[0])[2].partition(MARKS[1])[0]
    blocks = [block.strip() for block in inside.split("\n\n") if block.strip()]
    made = re.match(r"Computed on equations `(\w{12})`", blocks[0]) if blocks else None
    tables = [i for i, block in enumerate(blocks) if block.startswith("|")]
    claims = next((i for i in tables if blocks[i].startswith("| claim |")), None)
    carriers = next((i for i in tables if blocks[i].startswith("| stock | before")), None)
    if made is None or claims is None or carriers is None:
        raise ScenarioError(Fault(shown(found), None, "holds no findings; `make findings` writes them"))
    rows = _table(blocks[claims])
    told = [claim.says for claim in load_claims(model).values()]
    return Kept(
        blocks[0],
        content_hash(model).startswith(made[1]) and [row[0] for row in rows[1:]] == told,
        rows,
        blocks[claims - 1],
        _table(blocks[carriers]),
        blocks[carriers - 1],
    )


def weaknesses(path: Path | None = None) -> list[str]:
    """Return the weaknesses that the page about the shipped models names, each as a line of Markdown."""
    text = (path or notes_path()).read_text(encoding="utf-8")
    part = text.partition("\n## Weaknesses, named\n")[2].partition("\n## ")[0]
    return [" ".join(item.split()) for item in re.split(r"^- ", part, flags=re.MULTILINE) if item.strip()]


def _table(block: str) -> tuple[tuple[str, ...], ...]:
    """Return the cells of a Markdown table, without the line of dashes."""
    rows: Sequence[str] = [line for line in block.splitlines() if not re.fullmatch(r"[|\s-]+", line)]
    return tuple(tuple(cell.strip() for cell in row.strip().strip("|").split("|")) for row in rows)
