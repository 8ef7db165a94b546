"""Evidence: the file and its faults, sources, verdicts against plain runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.data import models_folder
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model
from transition_sim.study.evidence import Target, Verdict, check_evidence, judge, load_evidence
from transition_sim.study.worlds import sample_worlds

SHIPPED = (models_folder() / "evidence.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


def test_shipped_targets_are_those_of_the_design_and_every_source_says_who_read_it(model: Model) -> None:
    evidence = load_evidence(model)
    numbers = {name.split()[0] for name in evidence.targets}
    assert numbers == {f"C{i}" for i in range(1, 17)}
    assert {source.status for source in evidence.sources.values()} == {"read", "secondary", "unchecked"}
    assert evidence.unchecked() == [n for n, s in evidence.sources.items() if s.status == "unchecked"]
    c5, c6 = set(evidence.fitted("c5")), set(evidence.fitted("c6"))
    assert c5 - c6 == {"C4", "C5 at 0", "C5 at 100", "C5 at 200", "C5 at 500", "C5 at 850"}
    assert c6 - c5 == {"C6"}


@pytest.mark.parametrize("figure", ["half relapse", "50 % in five", "90 %", "85 %", "85 per cent lower", "44 per cent"])
def test_withdrawn_and_misread_figures_are_nowhere(figure: str) -> None:
    root = models_folder().parent
    texts = [*root.glob("models/*"), *root.glob("scenarios/**/*.yaml"), *root.glob("src/**/*.py"), root / "README.md"]
    found = [p.name for p in texts if p.is_file() and figure in p.read_text(encoding="utf-8", errors="replace").lower()]
    assert found == []


def test_verdicts_are_what_plain_runs_give(model: Model) -> None:
    worlds = sample_worlds(model, 6, 4)
    verdicts = {v.name: v for v in judge(model, load_evidence(model), worlds.columns, "prior")}
    reference = ts.load_scenario("contexts/reference")
    given = {**worlds.besides(reference.settings), "peak peacekeepers": 0.0}
    plain = ts.simulate(model, reference, constants=given, time_step=0.5, save_every=12)
    assert verdicts["C1"].values == pytest.approx(ts.relapse_risk(plain, [10]).to_numpy()[0], abs=1e-12)
    assert verdicts["C2"].values == pytest.approx(ts.relapse_risk(plain, [5]).to_numpy()[0], abs=1e-12)
    hazard = -np.log(1 - ts.relapse_risk(plain, [5, 10]).to_numpy())
    assert verdicts["C3"].values == pytest.approx(np.log(hazard[1] / hazard[0]) / np.log(2))
    worlds_now = worlds.columns["pipeline time"] / 2
    assert verdicts["C13"].values == pytest.approx(1 - (1 + 24 / worlds_now) * np.exp(-24 / worlds_now))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.2, 0.3], "inside"),
        ([0.2, 0.3, 0.9], "mostly inside"),
        ([0.2, 0.9, 0.8], "mostly outside"),
        ([2, np.inf], "outside"),
    ],
)
def test_a_verdict_says_how_many_worlds_are_inside(values: list[float], word: str) -> None:
    target = Target(
        quantity="some quantity", value=0.25, basis="assumed", band=(0.1, 0.5), kind="checked", computed="in some way",
        measure=1.0, sources=["somebody"],
    )  # fmt: skip
    assert Verdict("X", target, np.array(values), False).word == word


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("band: [0.30, 0.51]", "band: [0.51, 0.30]", "lower end first"),
        ("band: [0.30, 0.51]", "band: [0.41, 0.51]", "lies outside its band"),
        ("solves: baseline hazard of war", "solves: baseline hazrd of war", "did you mean 'baseline hazard of war'"),
        ("    solves: baseline hazard of war\n", "", "one target must be solved for"),
        (
            "mission, outcome: relapse risk, at: 60",
            "misson, outcome: relapse risk, at: 60",
            "did you mean 'no mission'",
        ),
        ("absorptive share, take: mean, from: 36", "absorptive shar, take: mean, from: 36", "'absorptive share'"),
        ("sources: [suhrke 2007]", "sources: [suhrke 2008]", "is not listed; did you mean 'suhrke 2007'"),
        ("status: secondary", "status: heard", "secondary"),
        ("doi: 10.1177/0022343308091356", "doi: see there", "doi"),
        ("peak peacekeepers: 2502.5", "peak peacekeeper: 2502.5", "did you mean 'peak peacekeepers'"),
        ("kind: input", "kind: guessed", "fitted"),
        ("basis: derived", "basis: heard", "published"),
        ("against: [100, 200, 500, 850]", "against: [100, 200, 500]", "3 numbers for 4 measures"),
        ("against: [100, 200, 500, 850]", "against: [0, 200, 500, 850]", "greater than 0"),
        ("outcome: relapse risk, at: 60}", "outcome: relapse risk, at: .nan}", "at"),
        ("reaches: 0.5, to: 494", "reaches: 0.5, to: 1e12", "less than or equal to 1200"),
        ("    quantity: risk of relapse into war within ten years", "    quantty: risk", "quantty"),
    ],
)
def test_every_fault_of_the_file_has_a_line(model: Model, tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SHIPPED
    path = tmp_path / "evidence.yaml"
    path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    faults = check_evidence(path, model)
    assert any(words in str(fault) for fault in faults), faults
    assert all(fault.line for fault in faults)
    with pytest.raises(ScenarioError):
        load_evidence(model, path)


def test_words_do_not_make_worlds_stale_but_bands_and_measures_do(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "evidence.yaml"
    own = load_evidence(model).hash

    def changed(old: str, new: str) -> str:
        path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
        return load_evidence(model, path).hash

    assert changed("Derived by us", "Derived by others") == own
    assert changed("band: [0.18, 0.30]", "band: [0.18, 0.31]") != own
    assert changed("peak peacekeepers: 2502.5", "peak peacekeepers: 2503") != own
    assert changed("band: [0.7, 1.0]", "band: [0.6, 1.0]") == own  # only checked: it keeps no world
