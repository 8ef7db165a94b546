"""Models printed as JavaScript, run in V8: equal to the reference engine, safe as text, clear where they cannot be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from printed import at_once, by_python, call, engine, in_order, largest_difference, random_settings, runs, split

import transition_sim as ts
from transition_sim.engine import javascript
from transition_sim.engine.javascript import moving, print_module, print_script
from transition_sim.engine.phases import FIXED, STATE, STEP, TIME, Phases
from transition_sim.errors import ModelError
from transition_sim.model.equations import Model, Table
from transition_sim.model.functions import FUNCTIONS
from transition_sim.model.structure import analyse

Build = Callable[..., Model]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1e300, 1e-300, 5e-324, 1e-310, 700.0, -700.0]
AGREED = 1e-9
MODELS = ("transition", "aid_gap")


@pytest.fixture(scope="module", params=MODELS)
def shipped(request: pytest.FixtureRequest) -> Iterator[tuple[Model, Any]]:
    """Give a shipped model and V8 with its script."""
    model = ts.load_model(request.param)
    with engine(print_script(model, "M", views={"few": ["relapse probability", "state capacity"]})) as racer:
        yield model, racer


def compare(model: Model, racer: Any, count: int, seed: int, every: float, **options: Any) -> float:
    columns = random_settings(model, count, seed)
    time, ours = runs(racer, model, in_order(model, columns), count, saveEvery=every, **options)
    how = {"time_step": options["step"]} if "step" in options else {}
    theirs = by_python(model, columns, save_every=every, **how)
    assert np.array_equal(time, theirs.time)
    assert np.isfinite(ours).all()
    return largest_difference(ours, theirs.values)


def test_page_and_python_agree(shipped: tuple[Model, Any]) -> None:
    assert compare(*shipped, count=8, seed=11, every=12) <= AGREED


def test_they_agree_at_another_step_and_interval(shipped: tuple[Model, Any]) -> None:
    assert compare(*shipped, count=2, seed=12, every=21, step=1) <= AGREED


@pytest.mark.slow
def test_page_and_python_agree_on_200_random_settings(shipped: tuple[Model, Any]) -> None:
    assert compare(*shipped, count=200, seed=13, every=4) <= AGREED


def test_dates_between_steps_split_the_step(shipped: tuple[Model, Any]) -> None:
    """Swept over dates off the grid, each run with break points of its own; every saved month."""
    model, racer = shipped
    columns = {"draw down start": np.linspace(24.03, 25.1, 4)}
    theirs = by_python(model, columns)
    _, ours = runs(racer, model, in_order(model, columns), 4)
    assert largest_difference(ours, theirs.values) <= AGREED
    risk = ours[-1, moving(model).index("relapse probability")]
    assert np.unique(risk).size == 4


def test_a_run_hangs_on_no_other(shipped: tuple[Model, Any]) -> None:
    model, racer = shipped
    columns = random_settings(model, 5, 3)
    _, together = runs(racer, model, in_order(model, columns), 5, saveEvery=12)
    for i in (4, 0):
        alone = {name: column[i : i + 1] for name, column in columns.items()}
        assert np.array_equal(
            runs(racer, model, in_order(model, alone), 1, saveEvery=12)[1][:, :, 0], together[:, :, i]
        )


def test_a_view_has_the_same_numbers_as_the_whole(shipped: tuple[Model, Any]) -> None:
    model, racer = shipped
    columns = in_order(model, random_settings(model, 3, 5))
    _, whole = runs(racer, model, columns, 3, saveEvery=12)
    _, few = runs(racer, model, columns, 3, outputs=2, saveEvery=12, view=1)
    names = moving(model)
    assert np.array_equal(few, whole[:, [names.index("relapse probability"), names.index("state capacity")]])


def test_a_single_run_is_one_of_many(shipped: tuple[Model, Any]) -> None:
    model, racer = shipped
    one = split(np.frombuffer(bytes(racer.eval("joined(M.run(M.defaults()))"))), len(moving(model)), 1)
    many = runs(racer, model, in_order(model, {}), 1)
    assert np.array_equal(one[0], many[0])
    assert np.array_equal(one[1], many[1])


def test_relapse_as_an_event_latches_in_the_same_step_in_nearly_all_runs() -> None:
    """The latch hangs on a comparison of the state, which last digits can turn: such runs are few, the rest agree."""
    model = ts.load_model()
    columns = {"relapse threshold": np.random.default_rng(8).exponential(size=60)}
    wanted = ["relapsed", "cumulative relapse hazard", "security"]
    theirs = ts.simulate(model, constants=columns, outputs=wanted, method="rk4", backend="numpy", save_every=0.5).values
    with engine(print_script(model, "M", outputs=wanted)) as racer:
        _, ours = runs(racer, model, in_order(model, columns), 60, outputs=3, saveEvery=0.5)
    differ = (ours[:, 0] != theirs[:, 0]).any(axis=0)
    assert 10 < (theirs[-1, 0] > 0).sum() < 50
    assert differ.sum() <= 1
    assert largest_difference(ours[:, :, ~differ], theirs[:, :, ~differ]) <= AGREED


def test_frozen_stocks_and_series_are_printed_too() -> None:
    """What `with_series` and `with_frozen` make of a model: lookups of time, conditions on time."""
    path = Table((0.0, 60.0, 130.0), (0.2, 0.6, 0.3))
    model = ts.load_model().with_series({"regional instability input": path})
    model = model.with_frozen({"state capacity": None}, since=31.3)
    theirs = by_python(model, {}, save_every=12)
    with engine(print_script(model, "M")) as racer:
        _, ours = runs(racer, model, in_order(model, {}), 1, saveEvery=12)
    assert largest_difference(ours, theirs.values) <= AGREED


@pytest.mark.parametrize("function", sorted(name for name, f in FUNCTIONS.items() if f.javascript and not f.time))
def test_functions_give_what_numpy_gives_at_special_values(model_of: Build, function: str) -> None:
    """Zeros, denormals, infinities and what is no number, made inside the model, in two operands."""
    signs = {"negative": "-u", ":NOT:": ":NOT: (u > w)", "IF THEN ELSE": "IF THEN ELSE(u > w, u, w)"}
    arity = FUNCTIONS[function].arity
    operands = ["u", "w", "2"][:arity]
    infix = f"(u > 0) {function} (w > 0)" if function.startswith(":") else f"u {function} w"
    text = signs.get(function) or (infix if FUNCTIONS[function].infix else f"{function}({', '.join(operands)})")
    for inner in ("x", "1 / x", "x / x", "x * 1e300"):
        model = model_of("x = 1", "w = 1", f"u = {inner} + 0 * Time", f"y = {text} + 0", stop=0.5)
        columns = {"x": np.repeat(SPECIAL, 16), "w": np.tile(SPECIAL, 16)}
        theirs = at_once(model, columns, "y")
        with engine(print_script(model, "M", ["y"], method="euler")) as racer:
            ours = runs(racer, model, in_order(model, columns), 256, outputs=1)[1][0, 0]
        assert np.allclose(ours, theirs, rtol=1e-12, atol=0, equal_nan=True), inner


@pytest.mark.parametrize("mode", ["", "LOOKUP EXTRAPOLATE", "LOOKUP FORWARD", "LOOKUP BACKWARD"])
def test_tables_are_read_alike(model_of: Build, mode: str) -> None:
    generator = np.random.default_rng(4)
    xs, ys = np.unique(generator.uniform(-5, 5, 40).round(4)), generator.uniform(-1, 1, 40)
    listed = ",".join(f"({x},{y:.6f})" for x, y in zip(xs, ys, strict=False))
    read = f"{mode}(table, x + 0 * Time)" if mode else "table(x + 0 * Time)"
    model = model_of(f"table({listed})", "x = 1", f"y = {read}", stop=0.5)
    at = np.concatenate([generator.uniform(-7, 7, 300), xs, xs + 1e-9, [np.inf, -np.inf]])
    columns = {"x": at}
    theirs = at_once(model, columns, "y")
    with engine(print_script(model, "M", ["y"], method="euler")) as racer:
        ours = runs(racer, model, in_order(model, columns), len(columns["x"]), outputs=1)[1][0, 0]
    assert np.array_equal(ours, theirs, equal_nan=True)


def test_phases_tell_how_often_a_part_is_computed(model_of: Build) -> None:
    model = model_of("a = 2", "f = a * 3", "c = IF THEN ELSE(Time >= a, f, 1)", "e = EXP(a - Time)", "s = INTEG(e, 0)",
                     "m = s * f", "d = ACTIVE INITIAL(f + 1, 7)")  # fmt: skip
    phases = Phases(model, analyse(model), "javascript", "exact")
    found = {name: phases.of((model.variables[name].expression, False)) for name in ("f", "c", "e", "m")}
    assert found == {"f": FIXED, "c": STEP, "e": TIME, "m": STATE}
    snapped = Phases(model, analyse(model), "javascript", "compatible")
    assert snapped.of((model.variables["c"].expression, False)) == TIME


def test_what_is_fixed_or_hangs_on_time_alone_leaves_the_flows() -> None:
    """In the full model: no exponential of a date, no condition on time is computed for each state."""
    text = print_script(ts.load_model(), "M")
    flows = text[text.index("function flows") : text.index("function observe0")]
    assert not re.search(r"\bte?\b(?!, te\))", flows.split("{", 1)[1])
    assert 0 < flows.count("Math.exp") < text.count("Math.exp")


def test_text_of_a_model_is_no_code(mdl: Callable[..., Path]) -> None:
    """Names and units that end scripts, strings and lines are data, and come back as they were."""
    hostile = '"</script><script>alert(1)//\'`${x}\\u2028<!--"'
    path = mdl(f"{hostile} = 3 ~ </script>\u2028'\\ [0,9] ~ |", f"y = 2 * {hostile}", stop=2)
    model = ts.load_model(path)
    for text in (print_script(model, "M"), print_module(model)):
        assert "</" not in text
        assert "<!--" not in text
        assert "\u2028" not in text
    with engine(print_script(model, "M")) as racer:
        said = json.loads(racer.eval("JSON.stringify(M.model)"))
        assert racer.eval("M.run(M.defaults()).series[0][0]") == 6
    found = {constant["name"]: constant["unit"] for constant in said["constants"]}
    assert found == {name: model.find(name).unit for name in model.constants}
    assert any("</script>" in name and "</script>" in unit for name, unit in found.items())


def test_numbers_read_back_as_the_same_doubles(model_of: Build) -> None:
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1e22, 123456789012345680.0, 2.5e-7, 4e6, 1.0]
    names = [f"c{i}" for i in range(len(values))]
    model = model_of(*(f"{n} = {v!r}" for n, v in zip(names, values, strict=True)),
                     *(f"y{n} = {v!r} + 0 * Time" for n, v in zip(names, values, strict=True)))  # fmt: skip
    with engine(print_script(model, "M", [f"y{n}" for n in names])) as racer:
        own = json.loads(racer.eval("JSON.stringify([...M.defaults()])"))
        inside = json.loads(racer.eval("JSON.stringify(M.run(M.defaults()).series.map(s => s[0]))"))
    assert own[: len(values)] == values
    assert inside == values


def test_what_cannot_be_printed_is_refused_with_its_line(model_of: Build) -> None:
    with pytest.raises(ModelError, match=r"model.mdl:\d+: 'noise' uses RANDOM UNIFORM, which cannot be printed"):
        print_script(model_of("noise = RANDOM UNIFORM(0, 1, 3)"), "M")
    with pytest.raises(ModelError, match=r"model.mdl:\d+: 'late' uses DELAY FIXED, which needs an even grid"):
        print_script(model_of("late = DELAY FIXED(Time, 2, 0)"), "M")
    with pytest.raises(ModelError, match=r"'yy' is not in"):
        print_script(model_of("y = Time"), "M", ["yy"])
    with pytest.raises(ModelError, match=r"method 'rk2'"):
        print_script(model_of("y = Time"), "M", method="rk2")


def test_settings_of_time_that_cannot_be_are_refused(model_of: Build) -> None:
    with engine(print_script(model_of("x = INTEG(1, 0)", "late = DELAY FIXED(x, 2, 0)"), "M", method="euler",
                             events="compatible")) as racer:  # fmt: skip
        for options in ({"step": 0}, {"start": 5, "stop": 5}, {"saveEvery": 1e-9}, {"view": 3}, {"step": 0.25},
                        {"saveEvery": 0.7}):  # fmt: skip
            with pytest.raises(Exception, match="RangeError"):
                racer.eval(call([0, 10, 0.5, 0.5], 1, options))
        with pytest.raises(Exception, match="RangeError"):
            racer.eval(call([1], 1, {}))


def test_pulses_that_never_end_are_refused(model_of: Build) -> None:
    with engine(print_script(model_of("r = 1", "p = PULSE TRAIN(0, 0.1, r, 10)"), "M")) as racer:
        own = json.loads(racer.eval("JSON.stringify(M.model.constants.map(c => c.name))"))
        for repeat in (0, 1e-9):
            columns = [repeat if name == "r" else {"FINAL TIME": 10, "INITIAL TIME": 0}.get(name, 0.5) for name in own]
            with pytest.raises(Exception, match="PULSE TRAIN"):
                racer.eval(call(columns, 1, {}))


def test_a_module_exports_what_its_head_says() -> None:
    text = print_module(ts.load_model("aid_gap"))
    assert text.rstrip().splitlines()[-1] == f"export {{ {', '.join(javascript.NAMES)} }};"
    assert len(text) < 30_000
    assert len(print_module(ts.load_model())) < 120_000
