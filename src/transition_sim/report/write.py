"""Reports as files: of a folder that `compare --out` left, the page, the PDF and the workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from transition_sim.data import write_bytes
from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.figures import Drawing, pictures
from transition_sim.report.comparison import comparison_document
from transition_sim.report.document import Document
from transition_sim.report.page import page
from transition_sim.report.paper import paper
from transition_sim.report.workbook import workbook
from transition_sim.study.folder import BASIS, load_comparison
from transition_sim.study.outcomes import Comparison

FORMS = ("report.html", "report.pdf", "report.xlsx")


def write_report(folder: str | Path) -> list[Path]:
    """Make the report of a folder anew, and return the paths of page, PDF and workbook.

    Raises ScenarioError where the folder is none that a report can be made of; then nothing in it is touched.
    """
    place = Path(folder)
    return write_document(document_of(place), place)


def document_of(folder: str | Path) -> Document:
    """Return the report of a folder as a tree of content; ScenarioError where none can be made of it."""
    place = Path(folder)
    if (place / "manifest.json").is_file() and not (place / BASIS).is_file():
        told = "is the folder of a sweep; reports are made of folders that `transition-sim compare --out` left"
        raise ScenarioError(Fault(shown(place), None, told))
    done = load_comparison(place)
    return comparison_document(done, pictures(done))


def write_comparison_report(done: Comparison, drawn: Mapping[str, Drawing], folder: Path) -> list[Path]:
    """Write the report of a comparison whose figures are drawn already; return the paths."""
    return write_document(comparison_document(done, drawn), folder)


def write_document(document: Document, folder: Path) -> list[Path]:
    """Write a report as page, PDF and workbook, once all of them are made; return the paths."""
    made = {"report.html": page(document).encode(), "report.pdf": paper(document), "report.xlsx": workbook(document)}
    try:
        return [write_bytes(folder / name, made[name]) for name in FORMS]
    except OSError as error:
        raise ScenarioError(Fault(shown(folder), None, f"cannot be written: {error.strerror}")) from error
