"""`simulate`, `Result` and the referee: defaults, refusals, what is kept, and what a broken run says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import transition_sim as ts
from transition_sim.engine.plan import default_backend
from transition_sim.engine.resolve import Setting
from transition_sim.engine.result import Result, load_result
from transition_sim.engine.simulate import referee, simulate
from transition_sim.errors import ModelError, ScenarioError, SimulationError
from transition_sim.model.equations import Model
from transition_sim.study.scenario import Scenario

Build = Callable[..., Model]
DECAY = ("k = 0.2 ~ 1/Month [0, 2] ~ rate |", "x = INTEG(-k * x, 1) ~ Dmnl ~ |", "y = 2 * x ~ Dmnl ~ |")


@pytest.fixture
def decay(model_of: Build) -> Model:
    return model_of(*DECAY)


def test_single_run_takes_scipy_and_keeps_everything(decay: Model) -> None:
    result = simulate(decay)
    assert result.provenance["method"] == "scipy"
    assert result.provenance["solver"] == "DOP853"
    assert {"x", "y"} <= set(result.names)
    assert result["x"].shape == (21, 1)
    assert result["x"][:, 0] == pytest.approx(np.exp(-0.2 * result.time), abs=1e-8)


def test_arrays_take_rk4_and_keep_stocks(decay: Model) -> None:
    rates = np.linspace(0, 1, 5)
    result = simulate(decay, constants={"k": rates})
    assert result.provenance["method"] == "rk4"
    assert result.names == ("x",)
    assert result["x"] == pytest.approx(np.exp(-rates * result.time[:, None]), abs=2e-3)
    assert result["k"] == pytest.approx(np.broadcast_to(rates, (21, 5)))


def test_compatible_events_take_the_files_own_method(mdl: Callable[..., Path]) -> None:
    path = mdl("x = INTEG(1, 0)")
    assert simulate(ts.load_model(path), events="compatible").provenance["method"] == "euler"
    path.write_text(path.read_text() + "\n\\\\\\---/// Sketch\n:L\x7f<%^E!@\n15:0,0,0,1,0,0\n", encoding="utf-8")
    assert simulate(ts.load_model(path), events="compatible").provenance["method"] == "rk4"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "rk5"}, r"method 'rk5'.*allowed: scipy, rk4, euler.*did you mean 'rk4'"),
        ({"solver": "DOP85"}, r"solver 'DOP85'.*DOP853"),
        ({"events": "exactly"}, r"events 'exactly'.*'exact'"),
        ({"backend": "cuda"}, r"backend 'cuda'.*allowed: llvm, numpy"),
        ({"start": 5, "stop": 5}, r"start 5 must be a finite time before stop 5"),
        ({"stop": float("nan")}, r"stop nan"),
        ({"time_step": 0, "method": "rk4"}, r"time_step is 0; it must be above zero"),
        ({"time_step": 1e-9, "method": "rk4"}, r"more than ten million steps"),
        ({"save_every": -1}, r"save_every is -1"),
        ({"rtol": 0}, r"rtol is 0"),
        ({"constants": {"z": 1}}, r"'z' is not in model.mdl"),
        ({"constants": {"x": 1}}, r"'x' is computed by the model \(stock\)"),
        ({"constants": {"k": 5}}, r"'k' is 5; allowed: finite numbers, 0 to 2 1/Month"),
        ({"constants": {"k": [0.1, float("nan")]}}, r"'k' is nan \(1 of 2 values\)"),
        ({"constants": {"k": "fast"}}, r"'k': a number or a one-dimensional array"),
        ({"constants": {"k": True}}, r"'k': a number or a one-dimensional array"),
        ({"constants": {"k": np.ones((2, 2))}}, r"'k': a number or a one-dimensional array"),
        ({"constants": {"k": []}}, r"'k': a number or a one-dimensional array"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_settings_that_do_not_fit_are_refused(decay: Model, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        simulate(decay, **options)


def test_unknown_output_is_refused_with_the_nearest(decay: Model) -> None:
    with pytest.raises(ModelError, match=r"'yy' is not in model.mdl"):
        simulate(decay, outputs=["yy"])


def test_compatible_events_refuse_an_adaptive_solver(decay: Model) -> None:
    with pytest.raises(ScenarioError, match="compatible"):
        simulate(decay, method="scipy", events="compatible")


def test_scipy_refuses_arrays(decay: Model) -> None:
    with pytest.raises(ScenarioError, match="scipy"):
        simulate(decay, method="scipy", constants={"k": [0.1, 0.2]})


def test_every_fault_is_told_at_once(decay: Model) -> None:
    with pytest.raises(ScenarioError) as caught:
        simulate(decay, constants={"z": 1, "k": 9, "y": 1})
    assert len(caught.value.faults) == 3


def test_request_that_does_not_fit_in_memory_is_refused_with_what_would(decay: Model, monkeypatch: Any) -> None:
    monkeypatch.setattr("transition_sim.engine.plan._memory", lambda: 1e5)
    with pytest.raises(ScenarioError, match=r"1,000 runs with 2 outputs need 0\.0 GB; about 119 runs would fit"):
        simulate(decay, constants={"k": np.full(1000, 0.1)}, outputs=["x", "y"])
    assert simulate(decay, constants={"k": np.full(119, 0.1)}, outputs=["x", "y"]).runs == 119


def test_run_that_breaks_down_says_what_and_when(model_of: Build) -> None:
    model = model_of("k = 1", "x = INTEG(-k, 2.25)", "r = SQRT(x)")
    with pytest.raises(SimulationError, match=r"broke down at time 2\.5: 'r' is no finite number"):
        simulate(model)


def test_broken_runs_of_a_batch_are_listed_and_hurt_no_other(model_of: Build) -> None:
    model = model_of("k = 1", "x = INTEG(-k, 2)", "r = SQRT(x)")
    rates = np.array([0.1, 1.0, 0.15, 3.0])
    result = simulate(model, constants={"k": rates}, outputs=["x", "r"])
    assert result.failed == (1, 3)
    assert np.isnan(result["x"][:, [1, 3]]).all()
    assert result["r"][-1, [0, 2]] == pytest.approx([1.0, np.sqrt(0.5)])


def test_a_name_in_place_of_a_scenario_says_what_to_do(decay: Model) -> None:
    with pytest.raises(ScenarioError, match=r"load it first: load_scenario\('contexts/reference'\)"):
        ts.simulate(decay, "contexts/reference")  # type: ignore[arg-type]


def test_time_settings_can_be_set_by_a_scenario(decay: Model) -> None:
    result = simulate(decay, constants={"FINAL TIME": 4, "SAVEPER": 2})
    assert result.time.tolist() == [0, 2, 4]
    with pytest.raises(ScenarioError, match="'FINAL TIME' must be the same in all runs"):
        simulate(decay, constants={"FINAL TIME": [4, 5]})


def test_arguments_win_over_constants_win_over_scenario(decay: Model) -> None:
    given = Scenario("given", "given", Path(), {"k": Setting(0.5), "FINAL TIME": Setting(6)})
    assert simulate(decay, given).constants["k"][0] == 0.5
    both = simulate(decay, given, constants={"k": 0.1}, stop=3)
    assert both.constants["k"][0] == 0.1
    assert both.time[-1] == 3


@pytest.mark.parametrize("method", ["scipy", "rk4"])
def test_series_is_linear_between_points_and_flat_outside(model_of: Build, method: str) -> None:
    model = model_of("u = 0.5 ~ Dmnl [0, 4] ~ |", "x = INTEG(u, 0)")
    result = simulate(model, series={"u": {1.2: 1, 3.7: 2}}, method=method, outputs=["u", "x"])
    assert result["u"][:, 0] == pytest.approx(np.interp(result.time, [1.2, 3.7], [1, 2]), abs=1e-12)
    assert result["x"][-1, 0] == pytest.approx(1.2 + 1.5 * 2.5 + 2 * 6.3, abs=1e-9)


def test_series_takes_a_data_frame(model_of: Build) -> None:
    model = model_of("u = 0.5", "x = INTEG(u, 0)")
    frame = pd.DataFrame({"u": [0.0, 1.0]}, index=[0.0, 10.0])
    assert simulate(model, series={"u": frame})["x"][-1, 0] == pytest.approx(5, abs=1e-9)


def test_provenance_tells_how_it_was_made(decay: Model) -> None:
    kept = simulate(decay, time_step=0.25, method="rk4").provenance
    assert kept["model_hash"] == decay.file_hash
    assert (kept["time_step"], kept["events"], kept["backend"]) == (0.25, "exact", default_backend())
    assert kept["rtol"] is None
    assert set(kept["versions"]) == {"transition_sim", "numpy", "scipy", "pysd", "llvmlite", "python"}
    json.dumps(kept)


def test_progress_ends_at_the_number_of_runs(decay: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transition_sim.engine.simulate.CHUNK", 4)
    seen: list[tuple[int, int]] = []
    simulate(decay, constants={"k": np.full(10, 0.1)}, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)
    assert len(seen) == 3


@pytest.fixture
def many(decay: Model) -> Result:
    return simulate(decay, constants={"k": [0.1, 0.2, 0.4]}, outputs=["x", "y"])


def test_result_survives_saving_and_loading(many: Result, tmp_path: Path) -> None:
    path = many.save(tmp_path / "runs")
    assert path.name == "runs.npz"
    again = load_result(path)
    assert np.array_equal(again.values, many.values)
    assert np.array_equal(again.time, many.time)
    assert {n: v.tolist() for n, v in again.constants.items()} == {n: v.tolist() for n, v in many.constants.items()}
    assert (again.names, again.units, again.failed) == (many.names, many.units, many.failed)
    assert dict(again.provenance) == json.loads(json.dumps(dict(many.provenance)))
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []


def test_loading_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="no such file"):
        load_result(tmp_path / "none.npz")
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"PK\x03\x04 not a result")
    with pytest.raises(SimulationError, match="is no saved result"):
        load_result(bad)


def test_loading_never_unpickles(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    path = tmp_path / "trap.npz"
    np.savez(path, header=np.array([Trap()], dtype=object), time=np.zeros(1), values=np.zeros((1, 1, 1)))
    with pytest.raises(SimulationError, match="is no saved result"):
        load_result(path)
    assert not (tmp_path / "executed").exists()


def test_frames_carry_names_units_and_runs(many: Result, decay: Model) -> None:
    frame = many.to_frame()
    assert frame.index.names == ["run", "time (Month)"]
    assert frame.loc[(2, 10.0), "x"] == many["x"][-1, 2]
    assert frame.attrs["units"] == {"x": "Dmnl", "y": "Dmnl"}
    single = simulate(decay, outputs=["x"]).to_frame()
    assert single.index.name == "time (Month)"
    assert single.shape == (21, 1)


def test_xarray_carries_varied_constants_as_coordinates(many: Result) -> None:
    data = many.to_xarray()
    assert data["x"].dims == ("time", "run")
    assert data["x"].attrs["units"] == "Dmnl"
    assert data["k"].to_numpy().tolist() == [0.1, 0.2, 0.4]
    assert "TIME STEP" not in data.coords


def test_asking_for_what_was_not_kept_tells_the_nearest(many: Result) -> None:
    with pytest.raises(SimulationError, match=r"'X1' was not kept; did you mean 'x'\? Ask for it"):
        many["X1"]
    assert "x" in many
    assert "Y " in many
    assert "z" not in many


def test_referee_agrees_with_a_sound_batch(model_of: Build) -> None:
    model = model_of("when = 2", "x = INTEG(0.4 * (STEP(3, when) - x), 1)")
    result = simulate(model, constants={"when": np.linspace(1, 8, 9)}, outputs=["x"], time_step=0.25)
    found = referee(result, ["x"], sample=4, seed=1)
    assert found.deviation["x"] < 1e-5
    assert len(set(found.runs.tolist())) == 4
    assert referee(result, ["x"], sample=4, seed=1).runs.tolist() == found.runs.tolist()
    assert referee(result, ["x"], sample=4, seed=2).runs.tolist() != found.runs.tolist()


def test_referee_finds_an_injected_deviation(many: Result) -> None:
    values = many.values.copy()
    values[7, 0, 1] += 1e-3
    bent = Result(many.time, many.names, values, many.constants, many.units, many.provenance, (), many.model)
    assert referee(bent, ["x"], sample=3).deviation["x"] > 5e-4


def test_referee_needs_the_model(many: Result, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="carries no model"):
        referee(load_result(many.save(tmp_path / "a")), ["x"])


def test_fixed_variables_are_kept_for_every_run(model_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transition_sim.engine.simulate.CHUNK", 3)
    model = model_of("a = 1", "b = 2 * a", "k = 2", "c = 3 * k", "x = INTEG(-x * b, 1)")
    result = simulate(model, constants={"a": np.arange(7.0)}, outputs=["x"])  # chunks of 3, 3 and 1
    assert result.fixed["b"].tolist() == (2 * np.arange(7.0)).tolist()
    assert result.fixed["c"].tolist() == [6.0] * 7
    assert result["b"][0].tolist() == result.fixed["b"].tolist()


def test_a_constant_that_decides_the_clock_cannot_be_set(tmp_path: Path) -> None:
    path = tmp_path / "clock.mdl"
    path.write_text(
        "{UTF-8}\nlength = 8 ~ Month ~ |\nx = INTEG(1, 0) ~ ~ |\nINITIAL TIME = 0 ~ ~ |\n"
        "FINAL TIME = INITIAL TIME + length ~ ~ |\nTIME STEP = length / 16 ~ ~ |\nSAVEPER = TIME STEP ~ ~ |\n"
    )
    model = ts.load_model(path)
    assert (model.time.final, model.time.step, model.time.save_every) == (8, 0.5, 0.5)
    assert simulate(model, stop=4)["x"][-1, 0] == pytest.approx(4)
    with pytest.raises(ScenarioError, match=r"'length' decides a time setting of the file; give start, stop"):
        simulate(model, constants={"length": 4})


def test_reduced_runs_are_those_of_one_batch(model_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transition_sim.engine.simulate.CHUNK", 7)
    model = model_of("k = 0.4", "a = 2", "x = INTEG(-k * x * a, 1)")
    columns = {"k": np.linspace(0.1, 0.9, 23), "a": 1.5}
    whole = simulate(model, constants=columns, outputs=["x"])["x"]
    seen: list[tuple[int, int]] = []
    found = ts.simulate_reduced(
        model, lambda r: {"last": r["x"][-1], "path": r["x"]}, constants=columns, outputs=["x"],
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert np.array_equal(found["last"], whole[-1])
    assert np.array_equal(found["path"], whole)
    assert seen == [(7, 23), (14, 23), (21, 23), (23, 23)]
    with pytest.raises(SimulationError, match=r"'mean' has shape \(\)"):
        ts.simulate_reduced(model, lambda r: {"mean": r["x"].mean()}, constants=columns)
