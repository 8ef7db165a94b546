"""Whatever text a file holds, the readers give a model or a named fault: never another exception, never a hang."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transition_sim.data import models_folder, scenarios_folder
from transition_sim.engine.simulate import simulate
from transition_sim.errors import ModelError, ScenarioError, SimulationError
from transition_sim.model.reader import load_model
from transition_sim.study.scenario import check_scenario
from transition_sim.units import to_unit

SMALL = (models_folder() / "aid_gap.mdl").read_text(encoding="utf-8")
SCENARIO = (scenarios_folder() / "contexts" / "unamsil_like.yaml").read_text(encoding="utf-8")
MDL_PIECES = st.sampled_from([
    "x", "y", "=", "INTEG(", "SMOOTH(", "(", ")", ",", "~", "|", "1", "2.5e3", "-", "+", "*", "/", "^", "[", "]", ":",
    "A", "a1", "(a1-a9)", "SUM(", "IF THEN ELSE(", "Time", "{", "}", '"', "\\\n", "\n", " ", ":AND:", ">=", "->", "TAB",
    "((0,0),(1,1))", "[(0,0)-(1,1)]", "WITH LOOKUP(", "***", ".", "!", "INITIAL TIME = 0 ~ ~ |", "é", "\t", ":=",
    "FINAL TIME = 2 ~ ~ |", "TIME STEP = 1 ~ ~ |", "SAVEPER = 1 ~ ~ |", "GET XLS DATA(", "GAME(", "DELAY3(",
    "ACTIVE INITIAL(",
])  # fmt: skip
YAML_PIECES = st.sampled_from([
    "title", "set", "why", "series", "based_on", "model", ":", " ", "  ", "\n", "-", "{", "}", "[", "]", "&a", "*a",
    "!!", "!!python/name:os.system", "'", '"', "|", ">", "#", "?", "~", "true", ".nan", "1e999", "4 years",
    "population", "\t", "---", "...", "%YAML 9", "entry_points/none", "../x", "0x1F", "1_000", "12:30:45", "2001-01-01",
    "\u2028", "<<",
])  # fmt: skip
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, text: str) -> None:
    """Read and, where it is a model, run a text; only the project's own errors may come out, and soon."""
    path.write_text(text, encoding="utf-8", newline="")
    began = time.perf_counter()
    with contextlib.suppress(ModelError, ScenarioError, SimulationError), np.errstate(all="ignore"):
        model = load_model(path)
        simulate(model, stop=min(model.time.final, model.time.initial + 3 * model.time.step), method="rk4")
    assert time.perf_counter() - began < 5


@RELAXED
@given(st.lists(MDL_PIECES, max_size=40))
def test_reader_takes_any_heap_of_pieces(tmp_path: Path, pieces: list[str]) -> None:
    read(tmp_path / "heap.mdl", "".join(pieces))


@RELAXED
@given(st.data())
def test_reader_takes_any_mutation_of_a_model(tmp_path: Path, data: st.DataObject) -> None:
    text = SMALL
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 30))
        text = text[:at] + data.draw(st.one_of(MDL_PIECES, st.text(max_size=5))) + text[at + cut :]
    if "\0" not in text:
        read(tmp_path / "mutated.mdl", text.replace("\r", ""))


@RELAXED
@given(st.binary(max_size=300))
def test_reader_takes_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bytes.mdl"
    path.write_bytes(data)
    with pytest.raises(ModelError):
        load_model(path)


@RELAXED
@given(st.lists(YAML_PIECES, max_size=30))
def test_scenarios_take_any_heap_of_pieces(tmp_path: Path, pieces: list[str]) -> None:
    path = tmp_path / "heap.yaml"
    path.write_text("".join(pieces), encoding="utf-8", newline="")
    assert all(fault.message for fault in check_scenario(path))


@RELAXED
@given(st.data())
def test_scenarios_take_any_mutation(tmp_path: Path, data: st.DataObject) -> None:
    text = SCENARIO
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + data.draw(st.one_of(YAML_PIECES, st.text(max_size=4)))
            + text[at + data.draw(st.integers(0, 9)) :]
        )
    path = tmp_path / "mutated.yaml"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    assert all(fault.message for fault in check_scenario(path))


@RELAXED
@given(st.text(max_size=60), st.sampled_from(["Month", "Person", "MUSD/Month", "Dmnl", ""]))
def test_units_take_any_text(text: str, unit: str) -> None:
    with contextlib.suppress(ScenarioError):
        assert np.isfinite(to_unit(text, unit))
