"""Run the notebooks from their text and write them with outputs: `python notebooks/refresh.py [NAME ...]`.

The text (`.md`) is what people edit and review; the `.ipynb` beside it is made from it. What changes from one run to
the next without meaning - times, versions, random names of cells - is not kept, and a hash says which text the outputs
belong to.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
SECONDS = 170
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def texts() -> list[Path]:
    """Return the notebooks as text, in order."""
    return sorted(FOLDER.glob("[0-9]*.md"))


def hash_of(notebook: NotebookNode) -> str:
    """Return a hash of all cells' sources."""
    return hashlib.sha256("\x00".join(f"{c.cell_type}\x01{c.source}" for c in notebook.cells).encode()).hexdigest()


def read_text(path: Path) -> NotebookNode:
    """Return a notebook without outputs from its text, cells named by their place."""
    notebook = jupytext.read(path)
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i + 1:02d}"
        cell.metadata = {}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.metadata["jupytext"] = {"formats": "md,ipynb"}
    notebook.metadata["transition_sim"] = {"made_of": hash_of(notebook)}
    return notebook


def executed(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with the outputs that its code gives in an empty folder; an error in a cell is raised."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", record_timing=False,
                                resources={"metadata": {"path": folder}})  # fmt: skip
        client.execute()
    for cell in notebook.cells:
        cell.metadata = {}
    notebook.metadata = {**notebook.metadata, "language_info": {"name": "python"}}
    return notebook


def outputs_of(notebook: NotebookNode) -> list[list[dict[str, str]]]:
    """Return, for each code cell, its outputs as text and HTML; pictures by their words alone."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = [output.get("data", {"text/plain": output.get("text", "")}) for output in cell.outputs]
            found.append([{k: v for k, v in each.items() if k != "image/png"} for each in shown])
    return found


def refresh(path: Path) -> Path:
    """Execute a notebook from its text and write it beside."""
    notebook = executed(read_text(path))
    target = path.with_suffix(".ipynb")
    text = nbformat.writes(notebook)
    target.write_text(re.sub(r"\n*\Z", "\n", text), encoding="utf-8")
    return target


def main(names: list[str]) -> None:
    """Refresh the notebooks whose names begin so, or all."""
    for path in texts():
        if not names or any(path.name.startswith(name) for name in names):
            print(refresh(path).name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
