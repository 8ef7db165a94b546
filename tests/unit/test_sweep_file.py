"""Sweep files: every fault with file and line, sizes counted before anything is made, and the schema for editors."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from transition_sim.data import list_scenarios, list_sweeps, scenarios_folder, shipped_sweep
from transition_sim.errors import Fault, ScenarioError
from transition_sim.study.scenario import check_scenario, copy_scenario
from transition_sim.study.sweeps.file import SweepFile, find_sweep, read_sweep, sweep_schema
from transition_sim.study.sweeps.plan import MAX_RUNS, check_sweep, described, load_job
from transition_sim.study.yaml_file import plain, read_yaml

HEAD = "title: t\nlevers:\n"
LEVER = HEAD + "  draw down start: [24, 48]\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that messages name files by their plain names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults_of(text: str | bytes) -> list[Fault]:
    """Return the faults of a sweep file of that text; they must be found soon."""
    Path("s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    began = time.perf_counter()
    faults = check_sweep("s.yaml")
    assert time.perf_counter() - began < 10
    return faults


@pytest.mark.parametrize("name", list_sweeps())
def test_shipped_sweeps_are_clean_and_give_reasons(name: str) -> None:
    assert check_sweep(name) == []
    written = read_sweep(name)
    assert written.name == name
    assert set(written.form.why) == set(written.form.levers)
    jsonschema.validate(plain(written.tree), json.loads(sweep_schema()))


def test_the_sweeps_are_shipped_apart_from_scenarios() -> None:
    assert list_sweeps() == [
        "sweeps/aid_gap",
        "sweeps/draw_down_timing",
        "sweeps/entry_points_across_profiles",
        "sweeps/what_drives_the_ranking",
    ]
    assert not [name for name in list_scenarios(templates=True) if name.startswith("sweeps/")]
    for reference in ("aid_gap", "sweeps/aid_gap", "sweeps/aid_gap.yaml"):
        assert find_sweep(reference) == shipped_sweep("sweeps/aid_gap")
    job = load_job("draw_down_timing")
    assert (job.design.runs, [lever.name for lever in job.design.levers]) == (
        100_000,
        ["draw down start", "draw down duration", "draw down rule", "bridging"],
    )


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (HEAD + "  draw down strat: [24, 48]\n", 3, "not in transition.mdl; did you mean 'draw down start'?"),
        (HEAD + "  draw down start: {from: 24, to: 96, step: 3}\n", 3, "unknown key 'step'; allowed: from, to, steps"),
        (HEAD + "  draw down start: {from: 24, to: 96}\n", 3, "'steps' is missing; a grid needs it"),
        (HEAD + "  draw down start: {from: 24, steps: 3}\n", 3, "to' is missing"),
        (HEAD + "  draw down start: {from: 96, to: 24, steps: 3}\n", 3, "from 96 must be below to 24"),
        (HEAD + "  draw down start: {from: .nan, to: 24, steps: 3}\n", 3, "'draw down start' is nan; allowed: finite"),
        (HEAD + "  draw down start: [24, .inf]\n", 3, "'draw down start' is inf"),
        (HEAD + "  draw down start: [24, -1]\n", 3, "is -1; allowed: finite numbers, 0 to 240 Month"),
        (HEAD + "  draw down start: [24, 3 MUSD]\n", 3, "unit 'MUSD' does not convert to 'Month'"),
        (HEAD + "  draw down start: [24, soon]\n", 3, "is 'soon'; allowed: a number, or with a unit"),
        (HEAD + "  draw down start: [24, 2 years]\n", 3, "has 24 twice"),
        (HEAD + "  draw down start: []\n", 3, "is empty; allowed: from, to and steps, or a list"),
        (HEAD + "  draw down start: 24\n", 3, "is 24; allowed: from, to and steps, or a list"),
        (HEAD + "  draw down start: [true, 24]\n", 3, "is true or false; allowed: a value such as 24"),
        (HEAD + "  aid gap: [1, 2]\n", 3, "'aid gap' is computed by the model"),
        (HEAD + "  run: [entry_points/none]\n", 3, "has the name of a column"),
        (HEAD + "  security: [entry_points/none]\n", 3, "its name must be one of your own"),
        (HEAD + "  where: [entry_points/non]\n", 3, "did you mean 'entry_points/none'?"),
        (HEAD + "  where:\n    - entry_points/none\n    - ../../secret.yaml\n", 5, "leaves the folder of this file"),
        (HEAD + "  where: [entry_points/none, /etc/passwd]\n", 3, "leaves the folder of this file"),
        (HEAD + "  where: [entry_points/none, entry_points/none]\n", 3, "names a scenario twice"),
        ("title: t\nlevers: {}\n", 2, "'levers' is empty"),
        ("title: t\n", 1, "'levers' is missing"),
        ("levers:\n  draw down start: [1]\n", 1, "'title' is missing"),
        (LEVER + "sedd: 4\n", 4, "unknown key 'sedd'; allowed: title, model"),
        (LEVER + "seed: -1\n", 4, "'seed' is -1; allowed: a whole number from 0"),
        (LEVER + "seed: 1e300\n", 4, "'seed' is 1e+300"),
        (LEVER + "seed: .nan\n", 4, "'seed' is nan"),
        (LEVER + "runs: 1.5\n", 4, "'runs' is 1.5; allowed: a whole number from 1"),
        (LEVER + "runs: 5\n", 4, "without uncertainties all worlds are the same"),
        (LEVER + "uncertainties: prior\n", 4, "'runs' is missing: how many worlds"),
        (LEVER + "uncertainties: priot\nruns: 3\n", 4, "wrote; did you mean 'prior'?"),
        (LEVER + "uncertainties: ../worlds.csv\nruns: 3\n", 4, "leaves the folder of this file"),
        (LEVER + "uncertainties: [perception dela]\nruns: 3\n", 4, "did you mean 'perception delay'?"),
        (LEVER + "uncertainties: [draw down start]\nruns: 3\n", 4, "has no range in uncertainties.yaml"),
        (LEVER + "uncertainties:\n  draw down start: {low: 1, high: 9}\nruns: 3\n", 4, "set by lever 'draw down"),
        (LEVER + "uncertainties:\n  population: {low: 9, high: 1}\nruns: 3\n", 5, "'population' is 9; allowed"),
        (LEVER + "uncertainties:\n  election date: {low: 9, high: 1}\nruns: 3\n", 5, "low 9 must be below high 1"),
        (LEVER + "uncertainties:\n  election date: {low: 9}\nruns: 3\n", 5, "high' is missing"),
        (LEVER + "uncertainties:\n  election date: {low: 1, high: 9, distribution: normal}\nruns: 3\n", 5, "uniform"),
        (LEVER + "design: gird\n", 4, "allowed: grid, latin_hypercube, sobol, saltelli, morris; did you mean"),
        (LEVER + "design: sobol\n", 4, "'runs' is missing; the design sobol needs"),
        (LEVER + "design: morris\n", 4, "the design morris needs the number of trajectories"),
        (LEVER + "design: saltelli\nruns: 8\n", 4, "the design saltelli has nothing to sample; allowed: uncertainties"),
        (LEVER + "design: saltelli\nruns: 8\nuncertainties: c5\n", 6, "'c5' were chosen together, so their constants"),
        (LEVER + "design: morris\nruns: 8\nuncertainties: mine.csv\n", 6, "Allowed: prior, or names, or ranges"),
        (LEVER + "outcomes: [securty at 240]\n", 4, "'securty' is not in transition.mdl"),
        (LEVER + "outcomes: [aid gap months open at 900]\n", 4, "one number of a whole run; write it alone"),
        (LEVER + "outcomes:\n  - security at 3\n  - security\n", 6, "does not say when; allowed: 'NAME at 240'"),
        (LEVER + "outcomes: [security at 21 years]\n", 4, "252 Month is not saved; allowed: -12 to 240"),
        (LEVER + "outcomes: [cost, cost]\n", 4, "named twice"),
        (LEVER + "outcomes: []\n", 4, "'outcomes' is empty"),
        (LEVER + "stop: 300\n", 4, "stop is 300.0; allowed: above -12 to 240 Month"),
        (LEVER + "stop: 3 MUSD\n", 4, "does not convert"),
        (LEVER + "based_on: contexts/referense\n", 4, "did you mean 'contexts/reference'?"),
        (LEVER + "based_on: ../x.yaml\n", 4, "leaves the folder of this file"),
        (LEVER + "model: ../x.mdl\n", 4, "leaves the folder of this file"),
        (HEAD + "  draw down rule: [0, 1]\nmodel: aid_gap\n", 3, "'draw down rule' is not in aid_gap.mdl"),
        (LEVER + "why: {draw down duration: because}\n", 4, "does not vary; did you mean 'draw down start'?"),
        (LEVER + "  relapse threshold: [1, 2]\n", 1, "which makes relapse an event"),
        (LEVER + "title: u\n", 4, "'title' is given twice"),
        ("", 1, "is empty"),
        ("- a\n", 1, "holds no 'key: value' lines"),
        (LEVER + "x: &a 1\n", 4, "anchor '&a'"),
    ],
)  # fmt: skip
def test_every_fault_has_its_line(here: Path, text: str, line: int, told: str) -> None:
    faults = faults_of(text)
    assert any(fault.line == line and told in str(fault) for fault in faults), [str(f) for f in faults]
    assert all(fault.file == "s.yaml" for fault in faults)


def test_all_faults_are_reported_together(here: Path) -> None:
    faults = faults_of(HEAD + "  draw down strat: [1]\n  population: [3 MUSD]\noutcomes: [securty at 3]\nstop: 900\n")
    assert [fault.line for fault in faults] == [3, 4, 5, 6]
    faults = faults_of(HEAD + "  draw down strat: [1]\nuncertainties: [optimsm]\nruns: 4\noutcomes: [securty at 3]\n")
    assert [fault.line for fault in faults] == [3, 4, 6]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            HEAD + "".join(f"  draw down {n}: {{from: 12, to: 99, steps: 100000}}\n" for n in ("start", "duration")),
            "10,000,000,000 runs",
        ),
        (LEVER + "uncertainties: prior\nruns: 1e15\n", "2,000,000,000,000,000 runs"),
        (LEVER + "design: sobol\nruns: 9e18\n", "runs; allowed: at most 10,000,000"),
        (LEVER + "design: saltelli\nruns: 65536\nuncertainties: prior\n", "2 points of the grid x 6,684,672 worlds"),
    ],
)  # fmt: skip
def test_huge_sweeps_are_refused_with_their_number_at_once(here: Path, text: str, told: str) -> None:
    faults = faults_of(text)
    assert len(faults) == 1
    assert told in str(faults[0])
    assert f"at most {MAX_RUNS:,}" in str(faults[0])


def test_hostile_bytes_are_faults(here: Path) -> None:
    for data in (
        b"\xff\xfe\x00",
        b"title: t\0",
        b"[" * 5000,
        b"a: !!python/object/apply:os.system [ls]\n",
        b"x" * 300_000,
    ):
        assert faults_of(data)
    Path("loop.yaml").symlink_to("loop.yaml")
    assert check_sweep("loop.yaml")
    (here / "folder").mkdir()
    assert "is a folder" in str(check_sweep("folder")[0])


def test_a_link_out_of_the_folder_is_refused(here: Path) -> None:
    inside = here / "inside"
    inside.mkdir()
    (here / "outside.yaml").write_text("title: o\n")
    (inside / "link.yaml").symlink_to(here / "outside.yaml")
    (inside / "s.yaml").write_text(HEAD + "  where: [entry_points/none, link.yaml]\n")
    assert "through a link" in str(check_sweep(inside / "s.yaml")[0])


def test_values_take_units_and_words(here: Path) -> None:
    Path("s.yaml").write_text(
        HEAD + "  draw down start: {from: 2 years, to: 8 years, steps: 3}\n  relapse definition: [war, major_war]\n"
        "stop: 20 years\n"
    )
    job = load_job("s.yaml")
    assert [lever.labels for lever in job.design.levers] == [(24.0, 60.0, 96.0), (0.0, 2.0)]
    assert described(job) == "6 runs: 3 draw down start x 2 relapse definition x 1 world"


def test_a_lever_that_a_later_one_overrules_is_refused(here: Path) -> None:
    faults = faults_of(LEVER + "  profile: [contexts/reference, contexts/onub_like]\n")
    assert "is overruled by 'profile'" in str(faults[0])
    assert faults_of(HEAD + "  profile: [contexts/reference, contexts/onub_like]\n  draw down start: [24, 48]\n") == []


def test_own_scenarios_are_levers(here: Path) -> None:
    Path("slow.yaml").write_text("title: slow\nset:\n  draw down duration: 10 years\n")
    Path("s.yaml").write_text(HEAD + "  pace: [contexts/reference, slow.yaml]\n")
    job = load_job("s.yaml")
    assert job.design.levers[0].settings[1] == {"draw down duration": 120.0}
    Path("slow.yaml").write_text("title: slow\nset:\n  draw down durations: 10 years\n")
    faults = check_sweep("s.yaml")
    assert str(faults[0]).startswith("slow.yaml:3: 'draw down durations' is not in transition.mdl")
    Path("slow.yaml").write_text("title: slow\nseries:\n  regional instability input: {0: 0.1, 9: 0.2}\n")
    assert "sets a series" in str(check_sweep("s.yaml")[0])


def test_sobol_sizes_are_rounded_up_with_a_note(here: Path) -> None:
    Path("s.yaml").write_text(LEVER + "design: sobol\nruns: 100\nuncertainties: [perception delay]\n")
    job = load_job("s.yaml")
    assert job.design.runs == 128
    assert job.notes == ("runs 100 -> 128: a Sobol sequence is balanced at powers of two only",)
    assert load_job("s.yaml", runs=64).notes == ()


def test_designs_for_indices_say_their_groups(here: Path) -> None:
    text = LEVER + "uncertainties: [perception delay, optimism]\nruns: 6\n"
    Path("s.yaml").write_text(text + "design: morris\n")
    assert described(load_job("s.yaml")) == "36 runs: 2 draw down start x 18 worlds (6 trajectories of 3 for 2 inputs)"
    Path("s.yaml").write_text(text + "design: saltelli\n")
    job = load_job("s.yaml")
    assert described(job).endswith("x 32 worlds (8 rows of matrices of 4 for 2 inputs)")
    assert job.notes == ("runs 6 -> 8: a Sobol sequence is balanced at powers of two only",)


def test_uncertainties_alone_are_a_sweep(here: Path) -> None:
    Path("s.yaml").write_text("title: t\nuncertainties: [perception delay]\nruns: 5\n")
    job = load_job("s.yaml")
    assert (job.design.runs, described(job)) == (5, "5 runs: 5 worlds")


def test_what_the_sweep_sets_is_not_sampled_and_said() -> None:
    job = load_job("sweeps/aid_gap")
    assert "pledge lapse time" not in job.design.sampled
    assert any("so not sampled: " in note and "pledge lapse time" in note for note in job.notes)


def test_an_uncertainty_that_the_sweep_names_wins_over_its_scenario(here: Path) -> None:
    Path("s.yaml").write_text(
        LEVER + "based_on: contexts/reference\nruns: 4\nuncertainties:\n  election date: {low: 1 year, high: 3 years}\n"
    )
    design = load_job("s.yaml").design
    assert design.sampled == ("election date",)
    assert "election date" not in design.base
    values = design.constants(np.arange(8))["election date"]
    assert ((values > 12) & (values < 36)).all()


@pytest.mark.parametrize("given", ["prior", "[perception delay]"])
def test_ranges_of_another_model_are_refused_in_one_line(given: str, here: Path) -> None:
    text = HEAD + f"  draw down start: [24, 48]\nmodel: aid_gap\nuncertainties: {given}\nruns: 3\n"
    (fault,) = faults_of(text)
    assert fault.line == 5
    assert "does not fit aid_gap.mdl: " in fault.message
    assert re.search(r"is not in aid_gap\.mdl.* \(and \d+ more\)", fault.message)


def test_wording_of_the_file_does_not_change_the_hash_but_numbers_do(here: Path) -> None:
    text = LEVER + "uncertainties: [perception delay]\nruns: 3\n"
    Path("s.yaml").write_text(text)
    first = load_job("s.yaml").hash
    Path("s.yaml").write_text("# a comment\n" + text.replace("title: t", "title: another"))
    assert load_job("s.yaml").hash == first
    for changed in (
        text + "seed: 8\n",
        text.replace("48", "47"),
        text.replace("runs: 3", "runs: 4"),
        text + "stop: 200\n",
    ):
        Path("s.yaml").write_text(changed)
        assert load_job("s.yaml").hash != first
    Path("s.yaml").write_text(text)
    assert load_job("s.yaml", seed=0).design.seed == 0


def test_schema_is_the_shipped_one_and_knows_the_keys() -> None:
    assert (scenarios_folder() / "sweep.schema.json").read_text(encoding="utf-8") == sweep_schema()
    known = json.loads(sweep_schema())
    assert set(known["properties"]) == set(SweepFile.model_fields)
    assert known["additionalProperties"] is False


def test_shipped_sweeps_can_be_copied(here: Path) -> None:
    assert check_sweep(copy_scenario("sweeps/aid_gap", "mine.yaml")) == []
    with pytest.raises(ScenarioError, match="did you mean 'sweeps/aid_gap'"):
        copy_scenario("sweeps/aidgap", "other.yaml")
    assert check_scenario("mine.yaml") != []
    assert plain(read_yaml(Path("mine.yaml"))[0])["title"]


def test_unknown_references_name_the_nearest(here: Path) -> None:
    for reference in ("draw_down_timin", "sweeps/draw_down_timin", "draw_down_timin.yaml"):
        with pytest.raises(ScenarioError, match="draw_down_timing"):
            load_job(reference)
