"""Findings: the claims file and its faults, measures against plain runs, conditions, the frontier, the written page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model
from transition_sim.model.printing import content_hash
from transition_sim.study import findings
from transition_sim.study.findings import judge_claims, load_claims, write_findings
from transition_sim.study.frontier import Rule, best_rules
from transition_sim.study.worlds import sample_worlds

CLAIM = """model: transition
claims:
  shorter:
    says: a shorter mission leaves a higher risk
    left: {set: {draw down start: 24}, outcome: relapse probability, at: 240}
    right: {outcome: relapse probability, at: planned exit + 168}
    holds: above
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


def written(folder: Path, text: str) -> Path:
    path = folder / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_claims_load_and_cover_the_note(model: Model) -> None:
    claims = load_claims(model)
    assert len(claims) >= 12
    words = " ".join(claim.says for claim in claims.values())
    for part in ("second time", "outset", "benchmark", "overload", "cut", "election", "regional", "information"):
        assert part in words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "relapse probability, at: 240",
            "relapse probabilty, at: 240",
            r"claims.yaml:3: claim 'shorter'.*did you mean",
        ),
        ("planned exit +", "planned exitt +", r"'planned exitt' is not in transition.mdl.*'planned exit'"),
        ("draw down start: 24", "draw down strat: 24", r"'draw down strat' is not in"),
        (", at: 240", "", r"'at' is missing"),
        ("at: 240", "take: largest, from: 3", r"'largest' needs 'from' and 'to'"),
        ("holds: above", "holds: over", r"'claims / shorter / holds'"),
        ("holds: above", "holds: above\n    by: 0", r"'claims / shorter / by'"),
        ("holds: above", "holds: above\n    proof: yes", r"Extra inputs"),
    ],
)
def test_faults_of_a_claims_file_are_named(tmp_path: Path, model: Model, old: str, new: str, words: str) -> None:
    path = written(tmp_path, CLAIM.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=words):
        load_claims(model, path)
    assert findings.check_claims(path, model)


def test_claims_are_judged_as_plain_runs_say(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, CLAIM)
    monkeypatch.setattr(findings, "load_claims", lambda model: load_claims(model, path))
    drawn = sample_worlds(model, 12, 3)
    found = judge_claims(model, drawn, ["reference"])[0]
    worlds = dict(drawn.columns)
    scenario = ts.load_scenario("contexts/reference")
    risks = [
        ts.simulate(model, scenario, constants={**worlds, **more}, outputs=["relapse probability"], time_step=1)
        for more in ({"draw down start": 24.0}, {})
    ]
    expected = risks[0]["relapse probability"][-1] > risks[1]["relapse probability"][-1]
    assert np.array_equal(found.holds, expected)
    assert found.claim == "shorter"


def test_conditions_name_what_separates_worlds_and_nothing_by_chance(model: Model) -> None:
    worlds = sample_worlds(model, 400, 9)
    generator = np.random.default_rng(1)
    split = worlds.columns["waiting out"] > np.median(worlds.columns["waiting out"])
    assert [name for name, _, _ in findings._conditions(worlds, split)] == ["waiting out"]
    by_chance = [len(findings._conditions(worlds, generator.random(400) < 0.5)) for _ in range(10)]
    assert sum(by_chance) <= 3
    assert findings._conditions(worlds, np.ones(400, dtype=bool)) == ()


def test_best_rule_pays_more_for_peace_that_is_worth_more() -> None:
    rules = [
        Rule("calendar", words, np.array([cost]), np.array([chance]))
        for words, cost, chance in (("short", 100.0, 0.4), ("long", 300.0, 0.2))
    ]
    assert best_rules(rules, [500, 1500]) == {500: "short", 1500: "long"}


def test_findings_are_written_between_their_marks_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{findings.MARKS[0]}\nold\n{findings.MARKS[1]}\nafter\n", encoding="utf-8")
    write_findings(page, "new")
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n{findings.MARKS[0]}\n\nnew\n\n{findings.MARKS[1]}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ScenarioError, match="lacks the marks"):
        write_findings(page, "new")


def test_the_written_findings_are_those_of_this_model(model: Model) -> None:
    """The page in models/README.md names the equations it was computed on; `make findings` writes it anew."""
    assert model.path is not None
    page = (model.path.parent / "README.md").read_text(encoding="utf-8")
    assert f"Computed on equations `{content_hash(model)[:12]}`" in page
    for claim in load_claims(model).values():
        assert f"| {claim.says} |" in page
    for stock in model.stocks:
        if model.variables[stock].group != findings.LEDGER and stock != "cumulative relapse hazard":
            assert f"| {stock} |" in page
