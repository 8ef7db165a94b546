"""The notebooks run from their text, and what they show is what that text gives."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")

FOLDER = Path(__file__).parents[2] / "notebooks"
TEXTS = sorted(FOLDER.glob("[0-9]*.md"))
NAMES = [path.stem for path in TEXTS]


def _refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh", FOLDER / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["refresh"] = module
    spec.loader.exec_module(module)
    return module


refresh = _refresh()


def kept(path: Path) -> Any:
    """Return the notebook with outputs that stands beside a text."""
    return nbformat.read(path.with_suffix(".ipynb"), as_version=4)


def outputs(notebook: Any) -> str:
    """Return everything that a notebook shows, as one text, pictures left out."""
    return "\n".join(text for cell in refresh.outputs_of(notebook) for each in cell for text in each.values())


def test_the_four_notebooks_are_there() -> None:
    assert NAMES == ["01_first_comparison", "02_draw_down_timing", "03_aid_gaps", "04_uncertainty"]


@pytest.mark.parametrize("path", TEXTS, ids=NAMES)
def test_text_and_notebook_are_in_step(path: Path) -> None:
    text, notebook = refresh.read_text(path), kept(path)
    assert [(c.cell_type, c.source, c.id) for c in notebook.cells] == [
        (c.cell_type, c.source, c.id) for c in text.cells
    ]
    assert notebook.metadata["transition_sim"]["made_of"] == refresh.hash_of(text), "run notebooks/refresh.py"
    nbformat.validate(notebook)


@pytest.mark.parametrize("path", TEXTS, ids=NAMES)
def test_notebooks_hold_outputs_without_warnings_paths_or_what_changes_by_itself(path: Path) -> None:
    notebook = kept(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert not any(output.get("name") == "stderr" for cell in code for output in cell.outputs)
    assert sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs) >= 1
    shown = outputs(notebook)
    assert not re.search(r"Warning|Traceback|/home/|/tmp/|/Users/|[A-Z]:\\", shown)
    assert "not a forecast" in shown
    assert "assumption" in shown
    assert all(not cell.metadata for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "jupytext", "transition_sim"}
    assert set(notebook.metadata.language_info) == {"name"}


@pytest.mark.parametrize("path", TEXTS, ids=NAMES)
def test_pictures_are_described_in_words(path: Path) -> None:
    for cell in kept(path).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                assert len(output.metadata["image/png"]["alt"]) > 60
                assert output.metadata["image/png"]["alt"] == output.data["text/plain"]


@pytest.mark.parametrize("path", TEXTS, ids=NAMES)
def test_notebooks_say_what_they_are_and_repeat_no_withdrawn_figure(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "not for forecasts" in text
    assert "What cannot be concluded" in text
    for pattern in (r"half .{0,40}relapse", r"90 ?% of", r"85 ?% lower"):
        assert not re.search(pattern, text, re.IGNORECASE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", TEXTS, ids=NAMES)
def test_notebooks_run_from_their_text_and_give_the_outputs_that_are_kept(path: Path) -> None:
    """Text, tables and words under pictures are compared; the pixels of a picture hang on fonts and are not."""
    again = refresh.executed(refresh.read_text(path))
    assert refresh.outputs_of(again) == refresh.outputs_of(kept(path))


def test_refreshing_writes_the_same_file_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small notebook: nothing that changes by itself is kept."""
    (tmp_path / "00_small.md").write_text("# Title\n\nWords.\n\n```python\n1 + 1\n```\n", encoding="utf-8")
    monkeypatch.setattr(refresh, "executed", _with_output)
    first = refresh.refresh(tmp_path / "00_small.md").read_bytes()
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    assert refresh.refresh(tmp_path / "00_small.md").read_bytes() == first
    assert [cell.id for cell in nbformat.reads(first.decode(), as_version=4).cells] == ["cell-01", "cell-02"]


def _with_output(notebook: Any) -> Any:
    notebook.cells[1].execution_count = 1
    notebook.cells[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    return notebook
