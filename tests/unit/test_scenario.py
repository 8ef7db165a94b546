"""Scenario files: every fault with file and line, parents, copies, and the schema for editors."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from transition_sim.data import list_scenarios, scenarios_folder, shipped_scenario
from transition_sim.engine.resolve import Series, Setting
from transition_sim.engine.simulate import simulate
from transition_sim.errors import Fault, ScenarioError
from transition_sim.model.reader import load_model
from transition_sim.study.scenario import (
    Scenario,
    ScenarioFile,
    check_scenario,
    copy_scenario,
    load_scenario,
    schema,
)
from transition_sim.study.yaml_file import MAX_DEPTH, plain, read_yaml

SHIPPED = list_scenarios(templates=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that messages name files by their plain names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults_of(text: str | bytes, name: str = "mine.yaml") -> list[Fault]:
    """Return the faults of a scenario file of that text; they must be found soon."""
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    began = time.perf_counter()
    faults = check_scenario(name)
    assert time.perf_counter() - began < 5
    return faults


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_are_clean_and_give_reasons(name: str) -> None:
    assert check_scenario(name) == []
    scenario = load_scenario(name)
    assert scenario.name == name
    own = plain(read_yaml(shipped_scenario(name))[0])
    named = set(own.get("set", {})) | set(own.get("series", {}))
    assert set(own.get("why", {})) == named
    for reason in own.get("why", {}).values():
        assert reason.split(" ")[0] in ("source", "assumption", "definition"), reason


def test_the_seven_options_are_there() -> None:
    named = {name.removeprefix("entry_points/") for name in SHIPPED if name.startswith("entry_points/")}
    assert named == {"none", "mission_start", "during_mission", "draw_down", "late_transition", "throughout", "spread"}
    assert {"contexts/reference", "contexts/unamsil_like", "contexts/_template"} <= set(SHIPPED)
    assert "contexts/_template" not in list_scenarios()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("title: t\nset:\n  draw down strat: 4 years\n", 3, "not in transition.mdl; did you mean 'draw down start'?"),
        ("title: t\nset:\n  population: 4 MUSD\n", 3, "unit 'MUSD' does not convert to 'Person'"),
        ("title: t\nset:\n  population: 4 parsecs\n", 3, "unit 'parsecs' is not known; known: month, year"),
        ("title: t\nset:\n\n  PBC draw down effort: 7\n", 4, "effort' is 7; allowed: finite numbers, 0 to 1"),
        ("title: t\nset:\n  population: .nan\n", 3, "'population' is nan; allowed: finite numbers"),
        ("title: t\nset:\n  population: .inf\n", 3, "'population' is inf; allowed: finite numbers"),
        ("title: t\nset:\n  population: -.inf\n", 3, "'population' is -inf; allowed: finite numbers"),
        ("title: t\nset:\n  population: 1e999\n", 3, "'population' is inf; allowed: finite numbers"),
        ("title: t\nset:\n  population: 1e999 people\n", 3, "'population' is '1e999 people'; allowed: a number"),
        ("title: t\nset:\n  population: true\n", 3, "'population' is true or false; allowed: a number"),
        ("title: t\nset:\n  population: yes\n", 3, "'population' is true or false"),
        ("title: t\nset:\n  population:\n", 3, "'population' is nothing; allowed: a number"),
        ("title: t\nset:\n  population: many\n", 3, "is 'many'; allowed: a number, or a number and a unit"),
        ("title: t\nset:\n  population: [1, 2]\n", 3, "'population' is [1.0, 2.0]; allowed: a number"),
        ("title: t\nset:\n  population: {a: 2}\n", 3, "'population' is {'a': 2.0}; allowed: a number"),
        ("title: t\nset:\n  population: 012\n", 3, "'012' begins with a zero"),
        ("title: t\nset:\n  population: 3\n  population: 4\n", 4, "'population' is given twice (first at line 3)"),
        ("title: t\ntitle: u\n", 2, "'title' is given twice (first at line 1)"),
        ("title: t\nsets:\n  population: 3\n", 2, "title, model, based_on, set, series, why; did you mean 'set'?"),
        ("title: t\nset: 3\n", 2, "'set' is 3.0; allowed: lines of 'name: value'"),
        ("title: t\nset:\n", 2, "'set' is nothing; allowed: lines of 'name: value'"),
        ("title: 3\n", 1, "'title' is 3.0; allowed: text"),
        ("title: ''\n", 1, "'title' is ''; allowed: text"),
        ("set:\n  population: 3\n", 1, "'title' is missing"),
        ("title: t\nset:\n  legitimacy: 0.5\n", 3, "'legitimacy' is computed by the model (stock), not a constant"),
        ("title: t\nset:\n  relapse definition: peace\n", 3, "or war, armed_conflict, major_war"),
        ("title: t\nwhy:\n  population: because\n", 3, "'why' for 'population', which this file does not set"),
        ("title: t\nset:\n  population: 3e6\nwhy:\n  populaton: because\n", 5, "did you mean 'population'?"),
        ("title: t\nset:\n  population: 3e6\nwhy:\n  population: 4\n", 5, "'population' is 4.0; allowed: text"),
        ("title: t\nseries:\n  regional instability input: {0: 0.3}\n", 3, "needs two points or more"),
        ("title: t\nseries:\n  regional instability input:\n    0: 0.3\n    0: 0.4\n", 5, "'0' is given twice"),
        ("title: t\nseries:\n  regional instability input: {0: 0.3, 9: 7}\n", 3, "is 7 (1 of 2 values); allowed"),
        ("title: t\nseries:\n  regional instability input: {9: 0.3, 0: 0.3}\n", 3, "times must be finite and rise"),
        ("title: t\nseries:\n  regional instability input: {0: 0.3, soon: 0.3}\n", 3, "time 'soon' is no number"),
        ("title: t\nseries:\n  regional instability input: {0: 0.3, 9: .nan}\n", 3, "is no finite number"),
        ("title: t\nseries:\n  regional instability input: {0: 0.3, 9: x}\n", 3, "allowed: numbers {time: value}"),
        ("title: t\nseries:\n  legitimacy: {0: 0.3, 9: 0.3}\n", 3, "'legitimacy' is computed by the model"),
        ("title: t\nmodel: transitoin\n", 2, "did you mean 'transition'?"),
        ("title: t\nmodel: /etc/passwd\n", 2, "leaves the folder of this file"),
        ("title: t\nmodel: ../models/transition.mdl\n", 2, "leaves the folder of this file"),
        ("title: t\nbased_on: ../other.yaml\n", 2, "leaves the folder of this file; allowed: shipped"),
        ("title: t\nbased_on: /etc/passwd\n", 2, "leaves the folder of this file"),
        ("title: t\nbased_on: C:\\secret.yaml\n", 2, "leaves the folder of this file"),
        ("title: t\nbased_on: ..\\secret.yaml\n", 2, "leaves the folder of this file"),
        ("title: t\nbased_on: http://example.org/x.yaml\n", 2, "leaves the folder of this file"),
        ("title: t\nbased_on: entry_points/nine\n", 2, "did you mean 'entry_points/none'?"),
        ("title: t\nbased_on: mine.yaml\n", 2, "based_on 'mine.yaml' comes back to a file that is based on it"),
        ("title: t\nmodel: aid_gap\nbased_on: entry_points/none\n", 2, "'aid_gap' is not the parent's, 'transition'"),
        ("title: t\nset:\n\tpopulation: 3\n", 3, "a tab where YAML needs spaces; indent with spaces"),
        ("title: !!python/object/apply:os.system ['touch hacked']\n", 1, "apply:os.system'; tags are not allowed"),
        ("title: !mine t\n", 1, "tags are not allowed"),
        ("title: &a t\nwhy: *a\n", 1, "anchor '&a'; anchors and aliases are not allowed"),
        ("title: &a t\nwhy: *a\n", 2, "alias '*a'; anchors and aliases are not allowed"),
        ("title: t\n---\ntitle: u\n", 2, "a second YAML document"),
        ("- title\n- t\n", 1, "holds no 'key: value' lines"),
        ("just text\n", 1, "holds no 'key: value' lines"),
        ("", 1, "is empty"),
        ("  \n\n", 1, "is empty"),
        ("title: 'open\n", 2, "is no valid YAML"),
        ("title: {\n", 2, "is no valid YAML"),
        ("title: t\n? [a, b]\n: 3\n", 2, "a key must be text or a number"),
        ("title: t\nset: " + "[" * 5000, 2, f"nested deeper than {MAX_DEPTH} levels"),
        ("title: " + "x" * 300_000, None, "is larger than 256,000 bytes, the most that is read"),
        (b"title: L\xe9gitimit\xe9\n", 1, "is not UTF-8 text; save the file as UTF-8"),
        ("title: t\n".encode("utf-16"), 1, "is not UTF-8 text"),
        (b"title: t\nset:\n  population: 3\x00\n", None, "is not text: it holds zero bytes"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", 1, "is not UTF-8 text"),
    ],
)  # fmt: skip
def test_faults_have_file_line_and_words(here: Path, text: str | bytes, line: int | None, told: str) -> None:
    faults = faults_of(text)
    assert [f for f in faults if f.file == "mine.yaml" and f.line == line and told in f.message], faults
    assert [path.name for path in here.iterdir()] == ["mine.yaml"]


def test_alias_bomb_is_refused_without_growing(here: Path) -> None:
    lines = ["title: t", "a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefghi", "bcdefghij", strict=True)]
    assert any("aliases are not allowed" in fault.message for fault in faults_of("\n".join(lines)))


def test_based_on_circle_of_two_names_the_file_that_closes_it(here: Path) -> None:
    Path("a.yaml").write_text("title: a\nbased_on: b.yaml\n")
    Path("b.yaml").write_text("title: b\n\nbased_on: a.yaml\n")
    assert [str(fault) for fault in check_scenario("a.yaml")] == [
        "b.yaml:3: based_on 'a.yaml' comes back to a file that is based on it"
    ]


def test_long_chain_of_parents_ends(here: Path) -> None:
    for i in range(40):
        Path(f"s{i}.yaml").write_text(f"title: t\nbased_on: s{i + 1}.yaml\n")
    Path("s40.yaml").write_text("title: t\n")
    assert check_scenario("s0.yaml")
    assert check_scenario("s35.yaml") == []


def test_links_out_of_the_folder_are_refused(here: Path) -> None:
    (here / "inner").mkdir()
    (here / "outside.yaml").write_text("title: secret\n")
    (here / "inner" / "link.yaml").symlink_to(here / "outside.yaml")
    (here / "inner" / "loop.yaml").symlink_to(here / "inner" / "loop.yaml")
    (here / "inner" / "dangling.yaml").symlink_to(here / "gone.yaml")
    for name, told in (("link", "through a link"), ("loop", "no .yaml file"), ("dangling", "no .yaml file")):
        faults = faults_of(f"title: t\nbased_on: {name}.yaml\n", "inner/mine.yaml")
        assert [told in fault.message for fault in faults] == [True], faults


def test_all_faults_are_told_at_once_in_order(here: Path) -> None:
    faults = faults_of(
        "title: t\nset:\n  populaton: 3\n  legitimacy: 4\n  PBC draw down effort: 9\n  population: 1 Month\n"
    )
    assert [fault.line for fault in faults] == [3, 4, 5, 6]


def test_missing_file_names_the_nearest(here: Path) -> None:
    with pytest.raises(
        ScenarioError, match=r"entry_points/drawdown\.yaml: no such file; did you mean 'entry_points/draw_down'"
    ):
        load_scenario("entry_points/drawdown.yaml")
    with pytest.raises(ScenarioError, match="did you mean 'entry_points/none'"):
        load_scenario("entry_points/nine")
    (here / "folder.yaml").mkdir()
    assert "is a folder" in check_scenario("folder.yaml")[0].message


def test_parents_come_first_and_own_values_win(here: Path) -> None:
    Path("child.yaml").write_text("title: child\nbased_on: contexts/unamsil_like\nset:\n  population: 5e6 people\n")
    parent, child = load_scenario("contexts/unamsil_like"), load_scenario("child.yaml")
    assert child.title == "child"
    assert child.name == "child.yaml"
    assert child.settings["population"].value == 5e6
    assert child.settings["peak peacekeepers"] == parent.settings["peak peacekeepers"]
    assert [path.name for path in child.files] == ["unamsil_like.yaml", "child.yaml"]
    assert child.hash != parent.hash


def test_scenarios_combine_left_to_right() -> None:
    both = load_scenario("contexts/unamsil_like").combined(load_scenario("entry_points/draw_down"))
    assert both.settings["peak peacekeepers"].value == 17500
    assert both.settings["PBC draw down effort"].value == 1
    assert both.title == "UNAMSIL-like profile; " + load_scenario("entry_points/draw_down").title


def test_scenarios_of_two_models_do_not_combine(here: Path) -> None:
    Path("gap.yaml").write_text("title: gap\nmodel: aid_gap\n")
    with pytest.raises(ScenarioError, match=r"'gap.yaml' is for model 'aid_gap', 'entry_points/none' for 'transition'"):
        load_scenario("entry_points/none").combined(load_scenario("gap.yaml"))


def test_units_are_converted_once_at_the_border(here: Path) -> None:
    Path("mine.yaml").write_text("title: t\nset:\n  draw down start: 4 years\n  initial output: 720 MUSD/year\n")
    given = simulate(load_model(), load_scenario("mine.yaml"), stop=0).constants
    assert given["draw down start"][0] == 48
    assert given["initial output"][0] == pytest.approx(60)


def test_model_of_ones_own_below_the_folder(here: Path) -> None:
    (here / "sub").mkdir()
    control = "".join(f"{n} = {v} ~ Month ~ |\n" for n, v in (("INITIAL TIME", 0), ("FINAL TIME", 3), ("TIME STEP", 1)))
    (here / "sub" / "own.mdl").write_text("x = 1 ~ Month ~ |\ny = x * 2 ~ Month ~ |\n" + control)
    assert faults_of("title: t\nmodel: sub/own.mdl\nset:\n  x: 2 years\n") == []
    assert "'z' is not in own.mdl" in faults_of("title: t\nmodel: sub/own.mdl\nset:\n  z: 2\n")[0].message


def test_words_of_yaml_stay_words_where_text_is_meant(here: Path) -> None:
    assert (
        faults_of("title: 'yes'\nset:\n  population: '4e6 people'\nwhy:\n  population: \"on: 3 # not a comment\"\n")
        == []
    )
    assert load_scenario("mine.yaml").title == "yes"
    assert faults_of("\ufefftitle: 2001-01-01\n") == []


def test_copy_is_the_shipped_file_and_overwrites_only_if_told(here: Path) -> None:
    copied = copy_scenario("contexts/_template", "mine.yaml")
    assert copied.read_bytes() == shipped_scenario("contexts/_template").read_bytes()
    assert check_scenario(copied) == []
    with pytest.raises(ScenarioError, match=r"mine\.yaml: exists already; --force replaces it"):
        copy_scenario("entry_points/none", "mine.yaml")
    copy_scenario("entry_points/none", "mine.yaml", force=True)
    assert "title" in copied.read_text()
    (here / "folder").mkdir()
    assert copy_scenario("entry_points/none", "folder").name == "none.yaml"
    with pytest.raises(ScenarioError, match="there is no folder"):
        copy_scenario("entry_points/none", "no/where.yaml")


def test_schema_is_the_shipped_one_and_knows_the_keys() -> None:
    assert (scenarios_folder() / "scenario.schema.json").read_text(encoding="utf-8") == schema()
    known = json.loads(schema())
    assert set(known["properties"]) == set(ScenarioFile.model_fields)
    assert known["additionalProperties"] is False


@pytest.mark.parametrize(
    "title", ["Plain words", 'quo"te: #\\ \t\n', "  ", "yes", "12", "\u2028 \x85 \x7f \ufeff😀 é", "x" * 200]
)
def test_saved_scenarios_say_the_same_when_read_again(here: Path, title: str) -> None:
    series = {"regional instability input": Series((-12.0, 1e-7, 3.5), (0.1, 1e-5, 1.0))}
    settings = {"draw down start": Setting(5.0, "years"), "optimism": Setting(1 / 3), "defection rate": Setting(1e-05)}
    why = {"optimism": "assumption - so", "population": "not set here"}
    given = Scenario("s", title, load_scenario("entry_points/none").model, settings, series, why)
    found = load_scenario(given.save("mine.yaml"))
    assert (found.title, found.model, found.why) == (title, given.model, {"optimism": "assumption - so"})
    assert {n: (s.value, s.unit) for n, s in found.settings.items()} == {
        n: (s.value, s.unit) for n, s in settings.items()
    }
    assert {n: (s.times, s.values) for n, s in found.series.items()} == {
        n: (s.times, s.values) for n, s in series.items()
    }
    assert check_scenario("mine.yaml") == []


def test_saving_spares_what_is_there_and_names_its_model(here: Path) -> None:
    given = load_scenario("entry_points/none")
    given.save("mine.yaml")
    with pytest.raises(ScenarioError, match=r"mine\.yaml: exists already; force=True replaces it"):
        given.save("mine.yaml")
    given.save("mine.yaml", force=True)
    with pytest.raises(ScenarioError, match="cannot be written: No such file or directory"):
        given.save("nowhere/mine.yaml")
    Path("below").mkdir()
    Path("below/own.mdl").write_bytes(given.model.read_bytes())
    own = replace(given, model=Path("below/own.mdl").resolve())
    assert load_scenario(own.save("other.yaml")).model == own.model
    with pytest.raises(ScenarioError, match=r"own\.mdl is not below the folder of this file"):
        replace(own, model=Path("own.mdl").resolve()).save("below/other.yaml")
