"""The reader: what a model carries, what is refused with which words and line, and that text is never executed."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from transition_sim.data import list_models
from transition_sim.engine.simulate import simulate
from transition_sim.errors import ModelError
from transition_sim.model import reader
from transition_sim.model.equations import Kind, Model, Number, canonical
from transition_sim.model.reader import literal_value, load_model

CONTROL = (
    "INITIAL TIME = 0 ~ Month ~ |\nFINAL TIME = 4 ~ Month ~ |\nTIME STEP = 1 ~ Month ~ |\nSAVEPER = 1 ~ Month ~ |\n"
)
Write = Callable[[str], Path]
Build = Callable[..., Model]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text, then control variables, to `m.mdl` in a folder of its own."""

    def to_file(text: str) -> Path:
        folder = tmp_path / "models"
        folder.mkdir(exist_ok=True)
        path = folder / "m.mdl"
        path.write_bytes((text + "\n" + CONTROL).encode("utf-8"))
        return path

    return to_file


def refused(path: Path) -> ModelError:
    """Return the error that reading raises; it must come soon."""
    began = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert time.perf_counter() - began < 2
    assert all("\n" not in fault.message for fault in caught.value.faults)
    return caught.value


# What a model carries


def test_variable_carries_unit_limits_documentation_group_and_line(write: Write) -> None:
    model = load_model(
        write(
            "{UTF-8}\n********\n\t.Security\n********~\n\t\tWho keeps the peace |\n\n"
            "troops = 5 ~ Person [0, 20] ~ Peacekeepers in the\n\t\tfield, with an é. |\n"
            "open = 1 ~ Dmnl [?, 1] ~ |\nstepped = 1 ~ Dmnl [0, 1, 0.1] ~ |\nbare = 2 ~ ~ |\n"
        )
    )
    troops = model.find("troops")
    assert (troops.kind, troops.value, troops.unit, troops.limits) == (Kind.CONSTANT, 5.0, "Person", (0.0, 20.0))
    assert troops.documentation == "Peacekeepers in the field, with an é."
    assert (troops.group, troops.line) == ("Security", 7)
    assert model.groups["Security"] == "Who keeps the peace"
    assert model.find("open").limits == (None, 1.0)
    assert model.find("stepped").limits == (0.0, 1.0)
    assert (model.find("bare").unit, model.find("bare").limits, model.find("bare").line) == ("", (None, None), 11)


def test_lines_are_right_after_comments_continuations_and_windows_line_ends(write: Write) -> None:
    model = load_model(
        write("{UTF-8}\r\n{two\r\nlines}\r\n\r\na = 1 + \\\r\n\t2\r\n\t~ Dmnl\r\n\t~ |\r\nb = a ~ Dmnl ~ |\r\n")
    )
    assert (model.find("a").line, model.find("b").line, model.find("TIME STEP").line) == (5, 9, 13)


def test_time_settings_and_the_files_hash(write: Write) -> None:
    path = write("x = 1 ~ ~ |")
    model = load_model(path)
    settings = model.time
    assert (settings.initial, settings.final, settings.step, settings.save_every) == (0, 4, 1, 1)
    assert (settings.unit, settings.method, model.name, model.path) == ("Month", "euler", "m", path)
    assert len(model.file_hash) == 64


@pytest.mark.parametrize(
    ("code", "method"), [(0, "euler"), (1, "rk4"), (2, "euler"), (3, "rk2"), (4, "rk2"), (5, "rk4"), (9, "euler")]
)
def test_integration_method_is_that_of_the_files_settings(write: Write, code: int, method: str) -> None:
    path = write("x = 1 ~ ~ |")
    path.write_text(path.read_text() + f"\\\\\\---/// Sketch information\n:L\n15:0,0,0,{code},0,0\n")
    assert load_model(path).time.method == method


def test_method_that_is_not_offered_must_be_replaced_by_name(write: Write) -> None:
    path = write("x = 1 ~ ~ |\ns = INTEG(-s, x) ~ ~ |")
    path.write_text(path.read_text() + "\\\\\\---/// Sketch information\n:L\n15:0,0,0,3,0,0\n")
    model = load_model(path)
    with pytest.raises(Exception, match="RK2, which is not offered"):
        simulate(model, events="compatible")
    assert simulate(model, events="compatible", method="rk4")["s"].shape == (5, 1)
    assert simulate(model)["s"][-1, 0] == pytest.approx(math.exp(-4))


def test_names_are_found_whatever_their_case_spaces_and_underscores(write: Write) -> None:
    model = load_model(
        write('State Capacity = 1 ~ ~ |\n"q & a, [1]" = 2 ~ ~ |\nx = state_capacity + "Q & A, [1]" ~ ~ |')
    )
    assert model.find("STATE__capacity").name == "State Capacity"
    assert "state capacity" in model
    assert simulate(model)["x"][0, 0] == 3.0
    with pytest.raises(ModelError, match=r"'stat capacity' is not in m\.mdl; did you mean 'State Capacity'"):
        model.find("stat capacity")


def test_quotes_guard_signs_and_braces(write: Write) -> None:
    model = load_model(
        write(
            '"a ~ b | c {d}" = 4 ~ ~ |\nx = "a ~ b | c {d}" {not "this} * 2 ~ ~ says ~ nothing |'.replace(
                "says ~", "says"
            )
        )
    )
    assert simulate(model)["x"][0, 0] == 8.0


def test_subscripts_are_written_out(write: Write) -> None:
    model = load_model(
        write(
            "sector: health, (s1-s3) ~ ~ |\nside: gov, opp ~ ~ |\nneed[sector] = 1, 2, 3, 4 ~ ~ |\n"
            "pair[sector, side] = 1, 2; 3, 4; 5, 6; 7, 8; ~ ~ |\n"
            "total = SUM(need[sector!]) + SUM(pair[sector!, opp]) ~ ~ |\nall = SUM(pair[sector!, side!]) ~ ~ |\n"
            "double[sector] = need[sector] * 2 ~ ~ |\none[gov] = 1 ~ ~ |\none[opp] = 2 ~ ~ |"
        )
    )
    assert model.subscripts == {"sector": ("health", "s1", "s2", "s3"), "side": ("gov", "opp")}
    assert model.find("pair[S1, Opp]").expression == Number(4.0)
    values = simulate(model)
    assert values["total"][0, 0] == 10 + 20
    assert values["all"][0, 0] == 36
    assert values["double[s2]"][0, 0] == 6
    assert model.find("one[opp]").value == 2


def test_shipped_models_are_read_by_name() -> None:
    assert load_model().name == "transition"
    for name in list_models():
        assert load_model(name).path == load_model(load_model(name).path).path
    with pytest.raises(ModelError, match="did you mean 'transition'"):
        load_model("transitoin")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_encodings_that_are_named_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "m.mdl"
    path.write_bytes((f"{{{encoding.upper()}}}\nx = 1 ~ ~ Légitimité |\n" + CONTROL).encode(encoding))
    assert load_model(path).find("x").documentation == "Légitimité"


def test_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "m.mdl"
    path.write_text("x = 1 ~ ~ |\n" + CONTROL, encoding="utf-8-sig")
    assert load_model(path).find("x").line == 1


def test_control_variables_may_be_equal_to_others(write: Write) -> None:
    path = write("x = 1 ~ ~ |")
    path.write_text(path.read_text().replace("SAVEPER = 1", "SAVEPER = TIME STEP"))
    assert load_model(path).time.save_every == 1


def test_changed_file_is_read_anew(write: Write) -> None:
    path = write("x = 1 ~ ~ |")
    assert load_model(path) is load_model(path)
    assert load_model(write("x = 2 ~ ~ |")).find("x").value == 2


# What is refused


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a = 1 ~ ~ |\nb = 2 ~ ~ |\na = 3 ~ ~ |", 3, "'a' is defined twice (first at line 1)"),
        ("my name = 1 ~ ~ |\nMY_Name = 2 ~ ~ |", 2, "'MY_Name' is defined twice (first at line 1)"),
        ("r: a1, a2 ~ ~ |\nx[r] = 1 ~ ~ |\nx[a2] = 2 ~ ~ |", 3, "'x[a2]' is defined twice (first at line 2)"),
        ("r: a1, a2 ~ ~ |\nR: b1, b2 ~ ~ |", 2, "subscript range 'R' is defined twice"),
        ("r: a1, a2 ~ ~ |\nr = 2 ~ ~ |", 2, "already the name of a range"),
        ("Time = 2 ~ ~ |", 1, "already the name of the clock"),
        ("a = b ~ ~ |\nb = c ~ ~ |\nc = a + 1 ~ ~ |", 1, "hangs on itself with no stock between"),
        ("x = x ~ ~ |", 1, "'x' hangs on itself with no stock between: 'x' -> 'x'"),
        ("s = INTEG(1, t) ~ ~ |\nt = INTEG(1, s) ~ ~ |", 1, "hangs on itself in its initial value"),
        ("s = INTEG(1, a) ~ ~ |\na = s ~ ~ |", 1, "hangs on itself in its initial value"),
        ("x = SMOOTH(x, 2) ~ ~ |", 1, "hangs on itself in its initial value"),
        ("legitimacy = 1 ~ ~ |\nx = 2 * legitimcy ~ ~ |", 2, "'legitimcy' is not defined; did you mean 'legitimacy'?"),
        ("x = zzz ~ ~ |", 1, "'zzz' is not defined"),
        ("x = SMOTH(3, 2) ~ ~ |", 1, "function 'SMOTH' is not supported; did you mean 'SMOOTH'?"),
        ("x = GAMMA LN(3) ~ ~ |", 1, "function 'GAMMA LN' is not supported"),
        (
            "x = RANDOM POISSON(0, 9, 2, 0, 1, 7) ~ ~ |",
            1,
            "'x': function 'RANDOM POISSON' is not supported; allowed: RANDOM 0 1, RANDOM EXPONENTIAL, RANDOM NORMAL,",
        ),
        ("x = RANDOM UNIFORM(0, 1) ~ ~ |", 1, "'x': RANDOM UNIFORM takes 3 arguments, 2 given"),
        ("x = RANDOM 0 1(5) ~ ~ |", 1, "'x': RANDOM 0 1 takes 0 arguments, 1 given"),
        ("x = DRAW(0, 1, 0, 0, 0, 0, 1) ~ ~ |", 1, "function 'DRAW' is not supported"),
        ("x = RANDOM UNIFORM(5, 1, 0) ~ ~ |", 1, "'x': RANDOM UNIFORM: least is 5; it must not be above largest, 1"),
        (
            "x = RANDOM NORMAL(0, 1, 0, -2, 0) ~ ~ |",
            1,
            "'x': RANDOM NORMAL: standard deviation is -2; it must be 0 or more",
        ),
        ("x = RANDOM EXPONENTIAL(0, 1, 4, 1, 0) ~ ~ |", 1, "shift is 4; it must not be above largest, 1"),
        ("x = RANDOM TRIANGULAR(0, 9, 1, 0.5, 4, 0) ~ ~ |", 1, "start is 1; it must not be above peak, 0.5"),
        ("x = RANDOM WEIBULL(0, 9, 0, 0, 1, 0) ~ ~ |", 1, "shape is 0; it must be above 0"),
        ("x = GAME(3) ~ ~ |", 1, "Game is not supported"),
        ("x = VECTOR SELECT(1, 2, 3) ~ ~ |", 1, "is not supported"),
        ("x = __import__(3) ~ ~ |", 1, "function 'IMPORT' is not supported"),
        ("x = EXP(1, 2) ~ ~ |", 1, "EXP takes 1 arguments, 2 given"),
        ("x = MAX(1) ~ ~ |", 1, "MAX takes 2 arguments, 1 given"),
        ("x = SMOOTH(1) ~ ~ |", 1, "cannot be read"),
        ("x = INTEG(1) ~ ~ |", 1, "cannot be read"),
        ("x = 1 + INTEG(1, 2) ~ ~ |", 1, "INTEG can only stand alone"),
        ("x = 1 + ACTIVE INITIAL(1, 2) ~ ~ |", 1, "ACTIVE INITIAL can only stand alone"),
        ("x = 1 + ~ ~ |", 1, "cannot be read: 'x = 1 +'"),
        ("x = 1 1 ~ ~ |", 1, "cannot be read"),
        ("x = (1 ~ ~ |", 1, "cannot be read"),
        ("x ~ ~ |", 1, ""),
        ("= 3 ~ ~ |", 1, "cannot be read"),
        ("x = :NA: ~ ~ |", 1, ":NA: is not supported"),
        ("x = 1e999 ~ ~ |", 1, "is no finite number"),
        ("x := 3 ~ ~ |", 1, "data variables (:=) are not supported"),
        ("x = GET XLS CONSTANTS('a.xls', 'b', 'c1') ~ ~ |", 1, "is not supported"),
        ("x = GET DIRECT CONSTANTS('/etc/passwd', ',', 'A1') ~ ~ |", 1, "is not supported"),
        ("x := GET DIRECT DATA('/etc/passwd', ',', 'A', 'B2') ~ ~ |", 1, "not supported"),
        ("x = GET DIRECT LOOKUPS('/etc/passwd', ',', 'A', 'B2') ~ ~ |", 1, "not supported"),
        ("r: GET DIRECT SUBSCRIPT('/etc/passwd', ',', 'A1', 'A', '') ~ ~ |", 1, "from a spreadsheet is not supported"),
        (":MACRO: m(a) m = 2*a ~ ~ |\nx = m(3) ~ ~ |", 1, "macro 'm' is never closed by ':END OF MACRO:'"),
        (":MACRO: m(a) k = 2*a ~ ~ |\n:END OF MACRO: x = m(3) ~ ~ |", 1, "an equation for 'm' is missing"),
        (":MACRO: m(a) m = 2*b ~ ~ |\n:END OF MACRO: x = m(3) ~ ~ |", 2, "'b' is no input or variable of the macro"),
        (":MACRO: m(a) m = 2*a ~ ~ |\n:END OF MACRO: x = m(3,4) ~ ~ |", 2, "macro 'm' takes 1 arguments, 2 given"),
        (":MACRO: m(a) m = m(a) ~ ~ |\n:END OF MACRO: x = m(3) ~ ~ |", 2, "calls macros more than 10 deep"),
        (":MACRO: m(a) m = a[r] ~ ~ |\n:END OF MACRO: x = m(3) ~ ~ |", 2, "subscripts inside a macro"),
        (":MACRO: m(a) m[r] = a ~ ~ |\n:END OF MACRO: x = 3 ~ ~ |", 1, "only plain equations without subscripts"),
        (":MACRO: m(a) m = a ~ ~ |\na = 3 ~ ~ |\n:END OF MACRO: x = m(2) ~ ~ |", 2, "'a' is defined twice"),
        ("x = 3 ~ ~ |\n:END OF MACRO: y = 4 ~ ~ |", 2, "':END OF MACRO:' without a ':MACRO:'"),
        (":MACRO: m(a : b) m = a ~ ~ |\n:END OF MACRO: x = 3 ~ ~ |", 1, "a macro needs a name and its inputs"),
        (":MACRO: STEP(a) STEP = a ~ ~ |\n:END OF MACRO: x = 3 ~ ~ |", 1, "has the name of a function"),
        ("r: a1, a2 ~ ~ |\nx[r] :EXCEPT: [a1, a2] = 3 ~ ~ |", 2, ":EXCEPT: needs 1 subscripts"),
        ("r: a1, a2 ~ ~ |\nx[r] :EXCEPT: [a9] = 3 ~ ~ |", 2, "'a9' is no subscript range or element"),
        ("r: a1, a2 ~ ~ |\nx[r] :EXCEPT: [a1] = 3 ~ ~ |\ny = x[a1] ~ ~ |", 3, "'x' has no element '[a1]'"),
        ("r: a1, a2 ~ ~ |\nq: b1, b2 -> (r: a2, a1) ~ ~ |", 2, "only a mapping to a whole range"),
        ("r: a1, a2 ~ ~ |\nq: b1, b2, b3 -> r ~ ~ |", 2, "differ in length: 3 and 2"),
        ("r: a1, a2 ~ ~ |\nq: b1, b2 -> rr ~ ~ |", 2, "'rr' is no subscript range"),
        ("x = DELAY N(Time, 3, 1, 0) ~ ~ |", 1, "order 0 of a delay or smooth; allowed: 1 to 100"),
        ("n = 3 ~ ~ |\nx = DELAY FIXED(Time, n, 1) ~ ~ |", 2, "DELAY FIXED needs a delay time and a TIME STEP written"),
        ("x = DELAY FIXED(Time, 1e9, 1) ~ ~ |", 1, "DELAY FIXED over 1,000,000,000 steps; allowed: 1 to 2,000"),
        ("x = SMOOTH N(Time, 3, 1, 1e9) ~ ~ |", 1, "allowed: 1 to 100"),
        ("n = 3 ~ ~ |\nx = DELAY N(Time, 3, 1, n) ~ ~ |", 2, "must be written as a number"),
        ("r: a1, a2 ~ ~ |\nx[q] = 3 ~ ~ |", 2, "'q' is no subscript range or element"),
        ("sector: a1, a2 ~ ~ |\nx[sectr] = 3 ~ ~ |", 2, "did you mean 'sector'?"),
        ("r: a1, a2 ~ ~ |\nx[r] = 1, 2, 3 ~ ~ |", 2, "gives 3 numbers for 2 elements"),
        ("r: a1, a2 ~ ~ |\nx[r] = 1 ~ ~ |\ny = x ~ ~ |", 3, "'x' needs its subscripts"),
        ("r: a1, a2 ~ ~ |\nx[r] = 1 ~ ~ |\ny = x[a7] ~ ~ |", 3, "'x' has no element '[a7]'"),
        (
            "r: a1, a2 ~ ~ |\nx[r] = 1 ~ ~ |\ny = x[r] ~ ~ |",
            3,
            "can only be used where it stands on the left-hand side",
        ),
        ("r: a1, a2 ~ ~ |\nx[r] = 1 ~ ~ |\ny = SUM(x[a1]) ~ ~ |", 3, "SUM needs a subscript marked with '!'"),
        ("r: a1, a2 ~ ~ |\nx[r] = 1 ~ ~ |\ny = SUM(x[q!]) ~ ~ |", 3, "no such subscript range"),
        ("r: (a1-a10000000) ~ ~ |", 1, "a subscript range from 1 to 10000000; at most 1,000 elements are read"),
        ("r: (a1-a99999999999999999999) ~ ~ |", 1, "at most 1,000 elements are read"),
        ("r: r, a1 ~ ~ |", None, "subscript range 'r' contains itself"),
        ("r: s, a1 ~ ~ |\ns: r, a2 ~ ~ |", None, "contains itself"),
        (
            "r: (a1-a999) ~ ~ |\ns: (b1-b999) ~ ~ |\nx[r, s] = 1 ~ ~ |",
            3,
            "'x' takes the model above 10,000 scalar variables",
        ),
        (
            "r: (a1-a90) ~ ~ |\ns: (b1-b90) ~ ~ |\nx[r, s] = 1 ~ ~ |\n"
            "y = SUM(x[r!, s!] * SUM(x[r!, s!] * SUM(x[r!, s!]))) ~ ~ |",
            4,
            "grows above 20,000 terms",
        ),
        ("t((0, 0), (1, one)) ~ ~ |", 1, "cannot be read"),
        ("t((0, 0), (0, 1)) ~ ~ |", 1, "a lookup's x values must differ"),
        ("t((0, 0)) ~ ~ |", 1, "a lookup needs two points or more"),
        ("t((0, 0), (1e999, 1)) ~ ~ |", 1, "a lookup's points must be finite numbers"),
        ("t((0, 0), (1, 1)) ~ ~ |\nx = t ~ ~ |", 2, "lookup 't' needs an argument in brackets"),
        ("t((0, 0), (1, 1)) ~ ~ |\nx = t(1, 2) ~ ~ |", 2, "takes 1 arguments, 2 given"),
        ("t = 3 ~ ~ |\nx = t(1) ~ ~ |", 2, "'t' is no lookup and takes no argument"),
        ("t = 3 ~ ~ |\nx = LOOKUP FORWARD(t, 1) ~ ~ |", 2, "a lookup's name is expected as first argument"),
        ("x = WITH LOOKUP(Time, ([(0,0)-(1,1)],(0,0),(0,1))) ~ ~ |", 1, "a lookup's x values must differ"),
        ("x = 1 ~ Dmnl [low, 1] ~ |", 1, "limits '[low, 1]': expected '[low, high]' in numbers or ?"),
        ("x = 1 ~ Dmnl [0, nan] ~ |", 1, "expected '[low, high]' in numbers or ?"),
        ("x = 1 ~ Dmnl [0, inf] ~ |", 1, "expected '[low, high]' in numbers or ?"),
        ("x = 1 ~ Dmnl [2, 1] ~ |", 1, "the first is above the second"),
        ("x = 1 ~ Dmnl [0 ~ |", 1, "expected 'unit [low, high]'"),
        ("x = 1 ~ Dmnl ~ a ~ b ~ c |", 1, "has 4 '~'; expected 'name = expression ~ unit ~ text |'"),
        ("x = 1 |", 1, "has 0 '~'"),
        ("x = " + "(" * 400 + "1" + ")" * 400 + " ~ ~ |", 1, "400 nested brackets; at most 50 are read"),
        ("x = " + "(" * 5000 + "1" + ")" * 5000 + " ~ ~ |", 1, "5,000 nested brackets; at most 50 are read"),
        ("x = " + "1 + " * 6000 + "1 ~ ~ |", 1, "an equation of 24,005 characters; at most 20,000 are read"),
        ("x = " + "1 + " * 250_000 + "1 ~ ~ |", 1, "at most 20,000 are read"),
        ("x = " + "-" * 3000 + "1 ~ ~ |", 1, ""),
        ("\n\nx = 1 ~ ~ |\n" + "y = 1 ~ ~", 4, ""),
    ],
)
def test_faults_have_line_and_words(write: Write, text: str, line: int | None, told: str) -> None:
    error = refused(write(text))
    assert all(fault.file.endswith("m.mdl") for fault in error.faults)
    assert [fault for fault in error.faults if fault.line == line and told in fault.message], str(error)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("TIME STEP = 1", "TIME STEP = 0", 4, "'TIME STEP' is 0; it must be above zero"),
        ("TIME STEP = 1", "TIME STEP = -0.5", 4, "'TIME STEP' is -0.5; it must be above zero"),
        ("TIME STEP = 1", "TIME STEP = :NA:", 4, "is no finite number"),
        ("TIME STEP = 1", "TIME STEP = 1e-9", 4, "makes more than ten million steps"),
        ("TIME STEP = 1", "TIME STEP = x * Time", 4, "'TIME STEP' must be a number"),
        ("TIME STEP = 1", "TIME STEP = x / 0", 4, "'TIME STEP' must be a number"),
        ("TIME STEP = 1 ~ Month ~ |", "", None, "'TIME STEP' is missing"),
        ("SAVEPER = 1", "SAVEPER = 0", 5, "'SAVEPER' is 0; it must be above zero"),
        ("FINAL TIME = 4", "FINAL TIME = 0", 3, "'FINAL TIME' is 0; it must be above INITIAL TIME (0)"),
        ("FINAL TIME = 4", "FINAL TIME = -4", 3, "must be above INITIAL TIME"),
        ("FINAL TIME = 4 ~ Month ~ |", "", None, "'FINAL TIME' is missing"),
        ("INITIAL TIME = 0 ~ Month ~ |", "", None, "'INITIAL TIME' is missing"),
    ],
)
def test_time_settings_that_cannot_be_run(write: Write, old: str, new: str, line: int | None, told: str) -> None:
    path = write("x = 1 ~ ~ |")
    path.write_text(path.read_text().replace(old, new))
    assert [fault for fault in refused(path).faults if fault.line == line and told in fault.message]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty.mdl", b"", "empty.mdl:1: is empty"),
        ("blank.mdl", b" \r\n\t\n", "blank.mdl:1: is empty"),
        ("none.mdl", b"{UTF-8}\n{nothing}\n", "holds no equation"),
        ("sketch.mdl", b"\\\\\\---/// Sketch information\nV300", "holds no equation"),
        ("binary.mdl", b"\x00\x01\x02" * 99, "is not text: it holds zero bytes"),
        ("random.mdl", bytes(range(128, 256)) * 9, "random.mdl:1: is not valid utf-8 text at byte 0"),
        ("later.mdl", b"x = 1 ~ ~ |\ny = 2 ~ \xff ~ |", "later.mdl:2: is not valid utf-8 text"),
        ("klingon.mdl", b"{KLINGON}\nx = 1 ~ ~ |", "klingon.mdl:1: encoding 'KLINGON' is not read"),
        ("utf16.mdl", "x = 1 ~ ~ |".encode("utf-16"), "utf16.mdl: is not text"),
        ("huge.mdl", b"x = 1 ~ ~ |\n" * 500_000, "huge.mdl: is larger than 5,000,000 bytes"),
        ("many.mdl", b"".join(b"x%d=1~~|\n" % i for i in range(30_000)), "more than 20,000 equations"),
        ("model.xmile", b"<xmile/>", "XMILE cannot be read yet"),
        ("model.stmx", b"<xmile/>", "XMILE cannot be read yet"),
        ("model.txt", b"x = 1 ~ ~ |", "ends in '.txt'; a Vensim model file (.mdl) is expected"),
        ("model.py", b"raise SystemExit", "ends in '.py'"),
    ],
)
def test_files_that_are_no_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(data)
    assert told in str(refused(Path(name)))


def test_missing_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.mdl").mkdir()
    assert str(refused(Path("folder.mdl"))) == "folder.mdl: is a folder; a Vensim model file (.mdl) is expected"
    assert str(refused(Path("gone.mdl"))) == "gone.mdl: no such file"
    (tmp_path / "loop.mdl").symlink_to(tmp_path / "loop.mdl")
    assert "no such file" in str(refused(Path("loop.mdl")))


def test_all_faults_are_told_at_once_in_the_files_order(write: Write) -> None:
    error = refused(write("a = FOO(1) ~ ~ |\nb = zzz ~ ~ |\nc = EXP(1, 2) ~ ~ |"))
    assert [fault.line for fault in error.faults] == [1, 2, 3]
    error = refused(write("a = 1 ~ [z, 1] ~ |\nb = 1 |\nc = 1 ~ Dmnl [3, 1] ~ |"))
    assert [fault.line for fault in error.faults] == [1, 2, 3]


def test_large_model_within_the_caps_is_read_soon(write: Write) -> None:
    lines = ["a0 = 1 ~ ~ |"] + [f"a{i} = a{i - 1} + 1 ~ ~ |" for i in range(1, 800)]
    began = time.perf_counter()
    model = load_model(write("\n".join(lines)))
    assert time.perf_counter() - began < 20
    assert simulate(model, outputs=["a799"])["a799"][0, 0] == 800


# What is never executed

ATTACK = "__import__('pathlib').Path('MARK').write_text('x')"


@pytest.mark.parametrize(
    "text",
    [
        "x = 1 ~ Dmnl [ATTACK, 1] ~ |",
        "x = 1 ~ Dmnl [0, 1] ~ |\ny = 1 ~ ATTACK ~ |",
        "t([(0,0)-(ATTACK,1)],(0,0),(1,1)) ~ ~ |\nx = t(Time) ~ ~ |",
        "t((0,0),(1,ATTACK)) ~ ~ |\nx = t(Time) ~ ~ |",
        "t((0,0),(1,1)) ~ Dmnl [ATTACK, 1] ~ |\nx = t(Time) ~ ~ |",
        "x = WITH LOOKUP(Time, ([(0,0)-(ATTACK,1)],(0,0),(1,1))) ~ ~ |",
        "x = WITH LOOKUP(Time, ((0,0),(1,ATTACK))) ~ ~ |",
        "x = WITH LOOKUP(ATTACK, ((0,0),(1,1))) ~ ~ |",
        "r: a1, ATTACK ~ ~ |\nx[r] = 1 ~ ~ |",
        "r: (a1-ATTACK) ~ ~ |\nx[r] = 1 ~ ~ |",
        "r: a1, a2 ~ ~ |\nx[r] = 1, ATTACK ~ ~ |",
        "r: a1, a2 ~ ~ |\nx[ATTACK] = 1 ~ ~ |",
        "x = DELAY N(1, 2, 3, ATTACK) ~ ~ |",
        "x = SMOOTH N(1, 2, 3, ATTACK) ~ ~ |",
        "x = ATTACK ~ ~ |",
        "x = INTEG(1, ATTACK) ~ ~ |",
        '"ATTACK" = 3 ~ ~ |',
        "ATTACK = 3 ~ ~ |",
        'x = 3 ~ Dmnl ~ """ \nATTACK\n""" |',
        "x = 3 ~ Dmnl ~ '''\nATTACK\n''' |",
        'x = 3 ~ """\nATTACK\n""" ~ |',
        '"x\\"; ATTACK #" = 3 ~ ~ |',
        '"x\n ATTACK #" = 3 ~ ~ |',
        "******\n\t.ATTACK\n******~\n\t\tATTACK |\nx = 3 ~ ~ |",
        "{ATTACK}\nx = 3 ~ ~ |",
        "x = 3 ~ ~ |\n\\\\\\---/// ATTACK\nV300 ATTACK\n15:0,0,0,ATTACK",
        "x = GET DIRECT CONSTANTS('ATTACK', ',', 'A1') ~ ~ |",
        "x = TABBED ARRAY(ATTACK) ~ ~ |",
        ":MACRO: ATTACK(a) ~ ~ |\n:END OF MACRO:",
    ],
)
def test_python_in_a_file_is_never_executed(write: Write, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(text.replace("ATTACK", ATTACK))
    monkeypatch.chdir(path.parent.parent)
    before = sorted(p.name for p in path.parent.parent.rglob("*"))
    with contextlib.suppress(ModelError):
        assert simulate(load_model(path), outputs="all").values.shape[0] == 5
    assert sorted(p.name for p in path.parent.parent.rglob("*")) == before


def test_python_in_lookup_limits_is_refused(write: Write) -> None:
    text = f"t([(0,0)-({ATTACK},1)],(0,0),(1,1)) ~ ~ |\nx = t(Time) ~ ~ |"
    assert refused(write(text)).faults[0].line == 1


def test_documentation_that_closes_a_docstring_stays_as_it_is(write: Write) -> None:
    text = f'""" {ATTACK} """'
    assert load_model(write(f"x = 3 ~ Dmnl ~ {text} |")).find("x").documentation == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), (" -2.5e3 ", -2500.0), ("'a'", "a"), ("(0, 1.5)", (0, 1.5)), ("[(0,0),(1,1)]", [(0, 0), (1, 1)]),
        ("10-3-2", 5), ("1 + 2 - 4", -1), ("[1, 2]", [1, 2]),
    ],
)  # fmt: skip
def test_literals_are_evaluated(text: str, value: object) -> None:
    assert literal_value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "2**9999999", "9*9", "a", "f()", "(1).__class__", "lambda: 1", "[x for x in (1,)]", "f'{1}'", "1 if 1 else 2",
        "1-a", "'a'+1", "__import__('os')", "", "1;2", "x:=1", "1/0", "1 << 99",
    ],
)  # fmt: skip
def test_anything_else_is_not_evaluated(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        literal_value(text)


def test_another_version_of_the_parser_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("another version = 1 ~ ~ |")
    reader._parser.cache_clear()
    monkeypatch.setattr(reader, "version", lambda _: "3.15.0")
    with pytest.raises(ModelError, match=r"PySD 3\.15\.0 is installed; the reader is checked against 3\.14\.3 alone"):
        load_model(path)
    monkeypatch.undo()
    reader._parser.cache_clear()
    assert load_model(path).find("another version").value == 1


def test_nothing_is_written_beside_a_model(write: Write) -> None:
    path = write("s = INTEG(SMOOTH(2, 3), 0) ~ ~ |")
    simulate(load_model(path))
    assert [p.name for p in path.parent.iterdir()] == ["m.mdl"]


def test_spellings_of_one_name_are_equal() -> None:
    assert canonical(' "Need [ A1 , b ]"') == canonical("need[a1,B]")
    assert np.isfinite(len(canonical("")))
