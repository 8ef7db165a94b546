"""Codes of runs: every slip found, Python and JavaScript alike, the same run in both, levers that fit their models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from printed import in_order, largest_difference, runs
from py_mini_racer import MiniRacer

import transition_sim as ts
from transition_sim.cli import main
from transition_sim.data import list_models, list_scenarios
from transition_sim.engine.javascript import print_script
from transition_sim.engine.resolve import resolve
from transition_sim.errors import ScenarioError
from transition_sim.study.codec import (
    ALPHABET,
    REASONS,
    CodeError,
    Field,
    Kind,
    cleaned,
    is_sound,
    read_code,
    write_code,
)
from transition_sim.study.codes import code_of_state, table_and_state
from transition_sim.study.levers import LeverTable, letters, lever_table, load_levers
from transition_sim.study.scenario import load_scenario
from transition_sim.study.worlds import load_uncertainties

CODEC = Path(ts.__file__).parent / "lab/codec.js"
MODELS = ("aid_gap", "transition")
DECISIONS = (Field(5), Field(7, (0, 3, 3, 1, 2)), Field(2), Field(100, (17,)), Field(1))
"""Fields of another kind of code, such as the decisions of a workshop."""


def seeded(number: int) -> Random:
    return Random(number)  # noqa: S311 - no secret hangs on it


def any_state(table: LeverTable, generator: Random) -> list[int]:
    while True:
        state = [generator.randrange(lever.count) for lever in table.levers]
        for i, lever in enumerate(table.levers):
            if (lever.budget and generator.random() < 0.7) or generator.random() < 0.5:
                state[i] = state[i] if lever.profile else lever.at(table.profile(state))
        if not table.faults(state):
            return state


def any_codes(count: int, seed: int) -> list[str]:
    generator = seeded(seed)
    tables = [lever_table(name) for name in MODELS]
    return [code_of_state(table, any_state(table, generator)) for table in tables for _ in range(count)]


def kinds(letter: str) -> Kind | None:
    return {"W": Kind(77, DECISIONS), "X": Kind(3, DECISIONS)}.get(letter)


@pytest.fixture(scope="module")
def codec() -> Iterator[MiniRacer]:
    tables = [lever_table(name).data() for name in MODELS]
    with MiniRacer() as racer:
        racer.eval(CODEC.read_text(encoding="utf-8").replace("export ", ""))
        racer.eval(
            f"const tables = {json.dumps(tables)}; const byModel = Object.fromEntries(tables.map(t => [t.model, t]));"
        )
        racer.eval(
            """function told(code) { try { const {table, state} = readCode(code, tables); return [table.model, state]; }
            catch (e) { if (!(e instanceof CodeError)) throw e; return [e.reason, e.meant]; } }"""
        )
        yield racer


def told_by_python(code: str) -> list[Any]:
    try:
        table, state = table_and_state(code)
    except CodeError as error:
        meant = str(error).rpartition("did you mean '")[2].rstrip("'?") if "did you mean" in str(error) else ""
        return [error.reason, meant]
    return [table.model.name, state]


def slips(text: str) -> Iterator[str]:
    """Yield every text with one symbol wrong, and every one with two neighbours swapped."""
    for i, symbol in enumerate(text):
        yield from (text[:i] + other + text[i + 1 :] for other in ALPHABET if other != symbol)
        if i + 1 < len(text) and text[i + 1] != symbol:
            yield text[:i] + text[i + 1] + symbol + text[i + 2 :]


def slips_found(codes: list[str]) -> tuple[int, int]:
    """Return how many slips of some codes are found, and how many are not."""
    sound = [is_sound([ALPHABET.index(symbol) for symbol in slip]) for code in codes for slip in slips(cleaned(code))]
    return len(sound) - sum(sound), sum(sound)


def test_every_wrong_symbol_and_every_swap_is_found() -> None:
    found, missed = slips_found(any_codes(8, 1))
    assert (found > 5000, missed) == (True, 0)
    for slip in list(slips(cleaned(any_codes(1, 12)[1])))[::20]:
        with pytest.raises(CodeError, match="is wrong, missing, too many or swapped"):
            ts.load_code(slip)


@pytest.mark.slow
def test_every_slip_is_found_in_thousands_of_codes(codec: MiniRacer) -> None:
    """Every slip in 4,000 codes, by JavaScript; a part of them by Python, the check symbols and borders included."""
    found, missed = slips_found(any_codes(300, 2))
    assert (found > 200_000, missed) == (True, 0)
    codec.eval(
        """function missed(code) { const text = code.replaceAll("-", ""); let found = 0, missed = 0;
        for (let i = 0; i < text.length; i++) {
          const slips = [...ALPHABET].filter(s => s !== text[i]).map(s => text.slice(0, i) + s + text.slice(i + 1));
          if (i + 1 < text.length && text[i] !== text[i + 1])
            slips.push(text.slice(0, i) + text[i + 1] + text[i] + text.slice(i + 2));
          for (const slip of slips) isSound(symbolsOf(slip)) ? missed++ : found++;
        } return [found, missed]; }"""
    )
    counts = json.loads(codec.eval(f"JSON.stringify({json.dumps(any_codes(2000, 3))}.map(missed))"))
    assert sum(found for found, _ in counts) > 1_000_000
    assert sum(missed for _, missed in counts) == 0


def test_any_two_wrong_symbols_are_found() -> None:
    generator = seeded(4)
    for code in any_codes(300, 5):
        text = list(cleaned(code))
        assert len(text) <= 31
        for place in generator.sample(range(len(text)), 2):
            text[place] = generator.choice([symbol for symbol in ALPHABET if symbol != text[place]])
        assert told_by_python("".join(text))[0] == "mistyped"


def test_a_zero_more_or_less_is_found() -> None:
    for code in any_codes(150, 6):
        for slip in (f"{code}0", f"0{code}", f"{code}00", code[:-1]):
            assert told_by_python(slip)[0] in REASONS, slip


def test_a_code_reads_back_as_the_state_that_it_says(codec: MiniRacer) -> None:
    """Both ways, in both languages, and however it is typed."""
    generator = seeded(7)
    for name in MODELS:
        table = lever_table(name)
        states = [any_state(table, generator) for _ in range(60)] + [table.usual(), [lever.count - 1 if not lever.budget
                  else 0 for lever in table.levers]]  # fmt: skip
        codes = [code_of_state(table, state) for state in states]
        assert (
            json.loads(codec.eval(f"JSON.stringify({json.dumps(states)}.map(s => writeCode(byModel.{name}, s)))"))
            == codes
        )
        assert json.loads(codec.eval(f"JSON.stringify({json.dumps(codes)}.map(told))")) == [[name, s] for s in states]
        for state, code in zip(states, codes, strict=True):
            typed = (
                code.lower().replace("-", generator.choice(["", " ", " - ", "–"])).replace("0", "o").replace("1", "l")
            )
            assert told_by_python(typed) == [name, state]
        assert len(set(codes)) == len({tuple(state) for state in states})


def test_few_changes_make_a_short_code() -> None:
    table = lever_table("transition")
    assert len(cleaned(code_of_state(table, table.usual()))) == 6
    moved = table.usual()
    moved[1] = 60
    assert len(cleaned(code_of_state(table, moved))) == 8
    assert len(cleaned(code_of_state(table, table.usual(3)))) == 7


HOSTILE = ["", "   ", "1", "x" * 5000, "<script>alert(1)</script>", "1T55-U000", "\u0000", "ÄÖ", "0" * 30, "Z" * 27,
           "🙂", "constructor", "1T55--", "١٢٣٤٥٦", "'; DROP", "${1}", "\u202e1T4B"]  # fmt: skip


def test_hostile_and_damaged_codes_are_refused_alike_in_both_languages(codec: MiniRacer) -> None:
    generator = seeded(8)
    damaged = [generator.choice(list(slips(cleaned(code)))) for code in any_codes(40, 9)]
    cut = [code[: generator.randrange(1, len(code))] for code in any_codes(20, 10)]
    noise = ["".join(generator.choices(ALPHABET, k=generator.randrange(4, 30))) for _ in range(100)]
    codes = [*HOSTILE, *damaged, *cut, *noise]
    told = [told_by_python(code) for code in codes]
    theirs = json.loads(codec.eval(f"JSON.stringify({json.dumps(codes)}.map(told))"))
    assert [(code, one) for code, one, other in zip(codes, told, theirs, strict=True) if one != other] == []
    assert all(reason in REASONS for reason, _ in told)
    assert all(told_by_python(meant)[0] in MODELS for reason, meant in told if meant)
    assert sum(bool(meant) for _, meant in told[len(HOSTILE) :][: len(damaged)]) > 70


def made(letter: str, edition: int, fields: tuple[Field, ...], state: list[int]) -> str:
    return write_code(letter, edition, fields, state)


def test_codes_of_other_versions_editions_and_kinds_are_refused_with_what_is_wrong(monkeypatch: Any) -> None:
    table = lever_table("aid_gap")
    fields = tuple(Field(lever.count, lever.usual) for lever in table.levers)
    state = table.usual()
    with pytest.raises(CodeError, match="another edition of the model or its levers"):
        ts.load_code(made("G", (table.edition + 1) % 1024, fields, state))
    with pytest.raises(CodeError, match="a code of kind 'W', which says nothing here"):
        ts.load_code(made("W", 5, fields, state))
    monkeypatch.setattr("transition_sim.study.codec.VERSION", 2)
    later = made("G", table.edition, fields, state)
    monkeypatch.undo()
    with pytest.raises(CodeError, match="a code of version 2; this program reads version 1"):
        ts.load_code(later)


def test_a_sound_code_that_says_what_cannot_be_set_is_refused() -> None:
    table = lever_table("transition")
    fields = tuple(Field(lever.count, lever.usual) for lever in table.levers)
    overspent = table.usual()
    at = [i for i, lever in enumerate(table.levers) if lever.budget]
    overspent[at[0]] = overspent[at[1]] = 7
    with pytest.raises(CodeError, match=r"shares of effort sum to 1\.167, more than 1"):
        ts.load_code(made("T", table.edition, fields, overspent))
    wider = (Field(8), *fields[1:])
    with pytest.raises(CodeError, match="cannot be set"):
        ts.load_code(made("T", table.edition, (*wider, Field(9)), [*table.usual(), 3]))


def test_other_kinds_of_codes_use_the_same_letters_and_checks() -> None:
    for state in ([0, 0, 0, 17, 0], [4, 6, 1, 99, 0], [1, 0, 0, 0, 0]):
        code = write_code("W", 77, DECISIONS, state)
        assert read_code(code, kinds) == ("W", state)
        for slip in slips(cleaned(code)):
            with pytest.raises(CodeError, match="is no code"):
                read_code(slip, kinds)
    with pytest.raises(ScenarioError, match="is no state of 5 fields"):
        write_code("W", 77, DECISIONS, [0, 7, 0, 0, 0])
    with pytest.raises(CodeError, match="another edition"):
        read_code(write_code("X", 4, DECISIONS, [0, 0, 0, 17, 0]), kinds)


@pytest.mark.parametrize("name", MODELS)
def test_levers_set_the_same_numbers_in_both_languages(codec: MiniRacer, name: str) -> None:
    """To the bit: what each index of each lever sets, the profiles and the usual states among them."""
    table = lever_table(name)
    states = [table.usual(i) for i in range(table.levers[0].count if table.levers[0].profile else 1)]
    for at, lever in enumerate(table.levers):
        states += [[*table.usual()[:at], i, *table.usual()[at + 1 :]] for i in range(1, lever.count, 7)]
    theirs = json.loads(codec.eval(f"JSON.stringify({json.dumps(states)}.map(s => settingsOf(byModel.{name}, s)))"))
    assert theirs == [table.settings(state) for state in states]
    usual = json.loads(codec.eval(f"JSON.stringify(usualState(byModel.{name}, 0))"))
    assert usual == table.usual()


def test_a_code_runs_on_the_page_as_in_a_notebook_and_back(codec: MiniRacer) -> None:
    """The state that JavaScript reads, run there, against `run_code`; and the code that a run's constants give back."""
    code = code_of_state(lever_table("transition"), any_state(lever_table("transition"), seeded(11)))
    result = ts.run_code(code, backend="numpy", save_every=12)
    settings = json.loads(codec.eval(f"JSON.stringify(settingsOf(byModel.transition, told('{code}')[1]))"))
    model = ts.load_model()
    with MiniRacer() as racer:
        from printed import JOINED

        racer.eval(print_script(model, "M") + JOINED)
        _, ours = runs(racer, model, in_order(model, settings), 1, saveEvery=12)
    names = [n for n in model.names() if n in result.names]
    assert largest_difference(ours, np.stack([result[n] for n in names], axis=1)) <= 1e-9
    assert ts.code_of(model, {name: column[0] for name, column in result.constants.items()}) == code
    assert result.provenance["scenario"] == f"code {code}"


def test_shipped_contexts_and_options_have_codes() -> None:
    model = ts.load_model()
    for name in list_scenarios():
        columns = resolve(model, load_scenario(name).settings).columns
        code = ts.code_of(model, {key: float(column[0]) for key, column in columns.items()})
        assert code is not None, name
        own = {**model.constants, **{key: float(column[0]) for key, column in columns.items()}}
        again = resolve(model, ts.load_code(code).settings).columns
        assert {**model.constants, **{key: float(column[0]) for key, column in again.items()}} == own, name


def test_runs_that_no_lever_reaches_have_no_code(mdl: Callable[..., Path]) -> None:
    model = ts.load_model("aid_gap")
    assert ts.code_of(model, {}) is not None
    assert ts.code_of(model, {"draw down start": 48.5}) is None
    assert ts.code_of(model, {"delivery time": 30}) is None
    assert ts.code_of(model, {"pledges kept": 0.1 + 0.2}) == ts.code_of(model, {"pledges kept": 0.3})
    assert ts.code_of(ts.load_model(mdl("aid need = 3", name="aid_gap")), {}) is None


def test_levers_fit_their_models_and_the_plausible_ranges() -> None:
    model = ts.load_model()
    ranges, _ = load_uncertainties(model)
    assert set(letters().values()) == set(MODELS) == set(list_models())
    for lever in lever_table("transition").levers:
        named = (
            [lever.constant] if lever.constant else [] if lever.profile else [n for o in lever.options for n in o.sets]
        )
        for name in named:
            if ranges[name].role != "lever":  # a choice that puts an uncertain constant to the ends of its range
                assert {o.sets[name] for o in lever.options if o.sets} == set(ranges[name].range), name
    assert lever_table("transition").levers[0].profile


def test_faults_of_a_table_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "levers.yaml"
    lines = [
        "aid_gap:", "  letter: G", "  levers:",
        "    - {id: a, constant: draw down strat, from: 0, to: 3, step: 1}",
        "    - {id: b, constant: draw down start, from: 0, to: 300, step: 1}",
        "    - {id: c, constant: pledges kept, from: 0, to: 1, step: 0.3}",
        "    - {id: d, constant: capacity share, from: 0.05, to: 0.95, step: 0.1}",
        "    - {id: e, choices: {one: {}, two: {late attention: 2}}}",
        "    - {id: a, choices: {one: {}, two: {capacity share: 0}}}",
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    with pytest.raises(ScenarioError) as caught:
        load_levers(path)
    told = str(caught.value)
    for line, words in ((4, "did you mean 'draw down start'"), (5, "'draw down start' is 300"), (6, "a whole number"),
                        (7, "on no step"), (8, "'late attention' is 2"), (9, "'lever a' is moved by a too"),
                        (9, "'capacity share' is moved by d too")):  # fmt: skip
        assert any(f"levers.yaml:{line}: " in each and words in each for each in told.splitlines()), (line, words, told)
    switch = "    - {id: %s, choices: {one: {pledges_kept: %s}, two: {%s: [draw_down_start]}}}\n"
    head = "\n".join(lines[:3]) + "\n    - {id: pledges_kept, constant: pledges kept, from: 0, to: 1, step: 0.05}\n" \
        "    - {id: draw_down_start, constant: draw down start, from: 12, to: 120, step: 1}\n  switches:\n"  # fmt: skip
    path.write_text(head + switch % ("fine", "0.7", "pledges_kept") + switch % ("pledges_kept", "0.72", "pledge_kept"))
    with pytest.raises(ScenarioError) as caught:
        load_levers(path)
    told = [str(fault) for fault in caught.value.faults]
    assert [text.partition(": ")[2] for text in told] == [
        "pledges_kept: 'pledge_kept' is no lever on even steps; did you mean 'pledges_kept'?",
        "pledges_kept: pledges_kept has no step at 0.72",
        "pledges_kept: the name pledges_kept is a lever's too",
    ], told
    path.write_text("aid_gap:\n  letter: O\n  levers:\n    - {id: a, konstant: x}\nno_model:\n  letter: T\n  levers:\n"
                    "    - {id: a, choices: {one: {}, two: {x: 1}}}\n")  # fmt: skip
    with pytest.raises(ScenarioError, match=r"levers.yaml:2: 'letter'.*"):
        load_levers(path)


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    read = capsys.readouterr()
    return caught.value.code, read.out, read.err


def test_command_line_runs_a_code_and_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    table = lever_table("aid_gap")
    state = table.usual()
    state[0] = 60
    code = code_of_state(table, state)
    status, out, _ = outcome(capsys, "run", "--code", code.lower(), "--json")
    data = json.loads(out)
    assert status == 0
    assert data["code"] == code
    assert data["provenance"]["method"] == "rk4"
    page = ts.run_code(code)
    assert data["variables"]["relapse probability"] == page["relapse probability"][:, 0].tolist()
    status, out, _ = outcome(capsys, "run", "--code", code)
    assert f"Code of this run: {code}" in out
    assert "draw down start = 72 Month (by itself 48)" in out


def test_command_line_refuses_a_bad_code_and_two_wishes(capsys: pytest.CaptureFixture[str]) -> None:
    code = ts.code_of(ts.load_model("aid_gap"), {})
    status, out, err = outcome(capsys, "run", "--code", f"{code[:-1]}{'0' if code[-1] != '0' else '1'}")
    assert (status, out) == (3, "")
    assert f"did you mean '{code}'?" in err
    assert "Traceback" not in err
    for wishes in (["contexts/reference", "--code", code], [], ["--code", code, "--model", "x.mdl"]):
        assert outcome(capsys, "run", *wishes)[0] == 2
