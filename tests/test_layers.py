"""The house keeps its layers: imports run downward, heavy or dangerous libraries have one door each."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import transition_sim

SOURCE = Path(transition_sim.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
LAYERS = (
    ("errors",),
    ("cache", "data", "html", "units", "web"),
    ("model",),
    ("engine",),
    ("risk",),
    ("study",),
    ("figures",),
    ("report", "lab", "explorer"),
    ("workshop",),
    ("cli", "__init__"),
)
DOORS = {
    "pysd": {"model/reader.py"},
    "simlin": {"model/insight.py"},
    "matplotlib": {
        f"figures/{name}.py"
        for name in (
            "comparison",
            "courses",
            "draw",
            "evidence",
            "hazard",
            "ranks",
            "runs",
            "sensitivity",
            "timeline",
            "timing",
        )
    },
    "jinja2": {"lab/page.py", "report/page.py", "report/reference/page.py", "workshop/printed.py"},
    "typst": {"report/paper.py"},
    "openpyxl": {"report/workbook.py"},
    "pint": {"units.py"},
    "yaml": {"study/yaml_file.py"},
    "typer": {
        f"cli/{name}.py"
        for name in (
            "common",
            "compare",
            "entry",
            "evidence",
            "lab",
            "models",
            "reference",
            "report",
            "scenarios",
            "sensitivity",
            "sweeps",
            "timing",
            "workshop",
        )
    },
    "pydantic": {
        f"study/{name}.py"
        for name in ("evidence", "findings", "folder", "levers", "measures", "scenario", "sweeps/file", "worlds")
    }
    | {f"workshop/{name}.py" for name in ("commands", "events", "form", "scenarios")},
    "SALib": {"study/sensitivity/indices.py"},
    "starlette": {"workshop/guard.py", "workshop/server.py"},
    "uvicorn": {"workshop/run.py"},
    "socket": {"workshop/address.py"},
    "pyarrow": {"study/sweeps/tables.py"},
    "filelock": {"study/sweeps/store.py", "workshop/log.py"},
    "distributed": {"study/sweeps/cluster.py"},
    "platformdirs": {"cache.py"},
    "anywidget": {"explorer/widget.py"},
    "traitlets": {"explorer/widget.py"},
    "subprocess": {"model/insight.py"},
}
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "joblib", "requests", "urllib", "http"}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def room(module: str) -> int:
    """Return how high a module of the package stands."""
    first = module.removeprefix("transition_sim").removeprefix(".").split(".")[0] or "__init__"
    return next(i for i, rooms in enumerate(LAYERS) if first in rooms)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import"
            if node.module == "transition_sim":
                yield from (f"transition_sim.{alias.name}" for alias in node.names if alias.name != "__version__")
            else:
                yield node.module or ""


def own(path: Path) -> str:
    return "transition_sim." + name_of(path).removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_downward(path: Path) -> None:
    height = room(own(path))
    upward = [module for module in imports(path) if module.startswith("transition_sim") and room(module) > height]
    assert upward == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_libraries_come_in_by_their_doors(path: Path) -> None:
    tops = {module.split(".")[0] for module in imports(path)}
    assert tops & FORBIDDEN == set()
    wrong = [top for top in tops if top in DOORS and name_of(path) not in DOORS[top]]
    assert wrong == []


def test_every_door_is_used() -> None:
    used = {(m.split(".")[0], name_of(p)) for p in FILES for m in imports(p)}
    used |= {("simlin", "model/insight.py")}  # imported in a process of its own
    assert {(top, file) for top, files in DOORS.items() for file in files} <= used


def test_code_is_executed_in_one_marked_place_alone() -> None:
    found = [
        name_of(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval")
    ]
    assert found == ["engine/numpy_backend.py"] * 2


def test_solvers_know_no_word_of_the_domain() -> None:
    words = r"peace|relapse|aid\b|mission|hazard|spoiler|donor"
    for name in (
        "solvers",
        "numpy_backend",
        "resolve",
        "result",
        "llvm_emit",
        "llvm_loop",
        "llvm_backend",
        "llvm_math",
        "phases",
        "javascript",
    ):
        text = (SOURCE / "engine" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(words, text, re.IGNORECASE), name
    assert not re.search(words, (SOURCE / "engine/solver.js").read_text(encoding="utf-8"), re.IGNORECASE)


def test_figures_never_simulate() -> None:
    for path in (SOURCE / "figures").glob("*.py"):
        assert not {"transition_sim.engine.simulate", "transition_sim.engine.solvers"} & set(imports(path))


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; import transition_sim.cli; print(*sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {
        "numpy",
        "scipy",
        "pandas",
        "matplotlib",
        "pysd",
        "pydantic",
        "pint",
        "yaml",
        "xarray",
        "simlin",
        "pyarrow",
        "dask",
        "jinja2",
        "typst",
        "openpyxl",
    }
    assert heavy & set(done.stdout.split()) == set()


def test_public_names_are_those_that_exist() -> None:
    for name in transition_sim.__all__:
        assert getattr(transition_sim, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'simulat'"):
        _ = transition_sim.simulat


def test_public_things_have_docstrings() -> None:
    lacking = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            public = isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
            if public and path.parent.name != "" and node in tree.body and not ast.get_docstring(node):
                lacking.append(f"{name_of(path)}:{node.lineno} {node.name}")
    assert lacking == []
