"""The comparison: its contract, equal effort, pairing by world, refusals, and its measures against plain runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.study import comparison
from transition_sim.study.comparison import OPTIONS
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.outcomes import Comparison, Outcome
from transition_sim.study.wording import comparison_lines, comparison_tables, flips, label

THREE = {"p10", "median", "p90"}


@pytest.fixture(scope="module")
def done() -> Comparison:
    return ts.compare(context="unamsil_like", runs=24, seed=5)


def test_json_follows_the_contract(done: Comparison) -> None:
    data = json.loads(done.to_json())
    assert set(data) == {
        "context", "runs", "seed", "effort_months", "horizon_years", "provenance", "referee", "results",
    }  # fmt: skip
    assert (data["context"], data["runs"], data["seed"], data["effort_months"]) == ("unamsil_like", 24, 5, 18)
    assert data["horizon_years"] == [5, 10, 15, 20]
    assert set(data["referee"]) == {"runs", "max_deviation", "tolerance"}
    assert [result["bundle"] for result in data["results"]] == ["role", "same"]
    for result in data["results"]:
        assert (result["ensemble"], result["definition"]) == ("c5", "war")
        assert [option["name"] for option in result["options"]] == list(OPTIONS)
        for option in result["options"]:
            years = {"5", "10", "15", "20"}
            assert set(option["effort_spent"]) == set(option["share_best"]) == years
            for name in ("relapse_probability", "difference_from_none", "regret"):
                assert set(option[name]) == years
                assert all(set(ranges) == THREE for ranges in option[name].values())
            assert set(option["aid_gap"]) == {"cumulative_musd", "months_open", "max_share"}
            assert all(set(ranges) == THREE for ranges in option["aid_gap"].values())
            assert set(option["cost_musd"]) == THREE
        assert result["median_change_under"]["as sampled"]["none"] == 0


def test_json_is_the_same_each_time(done: Comparison) -> None:
    assert ts.compare(context="unamsil_like", runs=24, seed=5).to_json() == done.to_json()
    assert ts.compare(context="unamsil_like", runs=24, seed=6).to_json() != done.to_json()


def test_effort_is_equal_at_year_20_alone(done: Comparison) -> None:
    for outcome in done.outcomes:
        spent = outcome.effort.mean(axis=2)
        assert spent[-1, 1:] == pytest.approx([18] * 6, rel=1e-6)
        assert spent[:, 0].tolist() == [0, 0, 0, 0]
        assert spent[0, OPTIONS.index("late_transition")] < 9 < spent[0, OPTIONS.index("mission_start")]


def test_outcomes_are_those_of_plain_runs(done: Comparison) -> None:
    """One world and one option, integrated by SciPy from the context, the option and the world's constants."""
    model = ts.load_model()
    setting = ts.load_scenario("contexts/unamsil_like").combined(ts.load_scenario("entry_points/draw_down"))
    columns = draw_worlds(model, "c5", 24, 5).columns
    not_sampled = {name for name in columns if name in ts.load_scenario("contexts/unamsil_like").settings}
    for world in (0, 17):
        constants = {name: float(v[world]) for name, v in columns.items() if name not in not_sampled}
        result = ts.simulate(model, setting, constants=constants | {"PBC same bundle": 1, "PBC effort budget": 18})
        at = OPTIONS.index("draw_down")
        outcome = done.outcomes[1]
        risks = ts.relapse_risk(result).iloc[:, 0].to_numpy()
        assert outcome.probability[:, at, world] == pytest.approx(risks, abs=1e-4)
        gap = ts.aid_gap(result).iloc[0]
        assert outcome.gap["cumulative_musd"][at, world] == pytest.approx(gap["cumulative_musd"], rel=1e-3)
        cost = result["cumulative mission cost"][-1, 0] + result["cumulative aid disbursed"][-1, 0]
        assert outcome.cost[at, world] == pytest.approx(cost, rel=1e-3)


def test_worlds_are_common_to_options_and_bundles(done: Comparison) -> None:
    role, same = done.outcomes
    assert np.array_equal(role.probability[:, 0], same.probability[:, 0])
    assert (role.difference[:, 0] == 0).all()
    assert (role.regret >= 0).all()
    assert (role.regret.min(axis=1) == 0).all()
    assert role.share_best.sum(axis=1) == pytest.approx([1] * 4)


def test_blocks_of_worlds_do_not_change_the_numbers(done: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "BLOCK", 7 * 5)
    blocks = ts.compare(context="unamsil_like", runs=24, seed=5, bundle="role").outcomes[0]
    assert np.array_equal(blocks.probability, done.outcomes[0].probability)
    assert np.array_equal(blocks.bands["security"], done.outcomes[0].bands["security"])


def test_all_definitions_differ_in_level_and_share_everything_else() -> None:
    every = ts.compare(runs=6, seed=5, definition="all")
    assert every.definitions == ("war", "armed_conflict", "major_war")
    assert [result["definition"] for result in every.to_dict()["results"]] == [
        "war", "war", "armed_conflict", "armed_conflict", "major_war", "major_war",
    ]  # fmt: skip
    war, conflict, major = (every.under(name).outcomes[0] for name in every.definitions)
    assert (conflict.probability > war.probability).all()
    assert (major.probability < conflict.probability).all()
    assert np.allclose(war.bands["security"], major.bands["security"], rtol=1e-12)
    alone = ts.compare(runs=6, seed=5, definition="armed_conflict").outcomes[0]
    assert np.array_equal(alone.probability, conflict.probability)
    text = "\n".join([*comparison_tables(every), *comparison_lines(every)])
    assert text.count("== Relapse is") == 3
    assert all(len(line) <= 80 for line in text.splitlines())


def test_rankings_under_other_assumptions_are_those_of_plain_runs(done: Comparison) -> None:
    """The batch of all assumptions equals the main result where it assumes the same."""
    for outcome in done.outcomes:
        assert np.array_equal(outcome.varied["as sampled"], outcome.probability[-1])
    role = done.outcomes[0]
    start = role.options.index("mission_start")
    assert (role.varied["no force building"][start] > role.varied["as sampled"][start]).all()
    unmoved = role.options.index("late_transition")
    assert np.array_equal(role.varied["no compact"][unmoved], role.varied["as sampled"][unmoved])
    assert (role.varied["saturates early"][start] < role.varied["saturates late"][start]).all()


@pytest.mark.parametrize("sign", "=+-@")
def test_names_that_spreadsheets_take_for_formulas_are_refused(tmp_path: Path, sign: str) -> None:
    mine = tmp_path / f"{sign}1+1.yaml"
    mine.write_text("title: mine\nset:\n  PBC draw down effort: 1\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="another name"):
        ts.compare(runs=2, options=[mine])


def test_rank_shares_count_worlds_and_share_ties(done: Comparison) -> None:
    for outcome in done.outcomes:
        share = outcome.rank_share
        assert share.sum(axis=0) == pytest.approx([1] * 7)
        assert share.sum(axis=1) == pytest.approx([1] * 7)
        assert share[:, 0] == pytest.approx(outcome.share_best[-1])
    risks = np.array([[0.2, 0.2], [0.1, 0.2], [0.3, 0.2]])
    three = dataclasses.replace(done.outcomes[0], options=("none", "a", "b"), probability=risks[None])
    assert three.rank_share == pytest.approx(
        np.array([[1 / 6, 1 / 2 + 1 / 6, 1 / 6], [1 / 2 + 1 / 6, 1 / 6, 1 / 6], [1 / 6, 1 / 6, 1 / 2 + 1 / 6]])
    )


def test_calendar_has_the_windows_of_the_model(done: Comparison) -> None:
    """In the UNAMSIL-like profile: draw-down from month 35 to 74, election in month 31, cessation in month -3."""
    spans = {(s.kind, s.name, s.role): (s.start, s.end) for s in done.calendar}
    efforts = {name: window for (kind, name, _), window in spans.items() if kind == "effort" and name != "spread"}
    assert efforts == {
        "mission_start": (-6, 24), "during_mission": (6, 35), "draw_down": (29, 74), "late_transition": (68, 122),
        "throughout": (0, 240),
    }  # fmt: skip
    assert [s.start for s in done.calendar if s.kind == "election"] == [31, 91]
    assert spans["instrument", "needs assessment", ""] == (-3, 3)
    assert [s.level for s in done.calendar if s.name == "poverty reduction strategy"] == [0.5, 1]
    model = ts.load_model()
    result = ts.simulate(model, ts.load_scenario("contexts/unamsil_like"), outputs="all")
    for role in ("mission start", "draw down", "late transition"):
        window = tuple(result[f"PBC {role} window {end}"][0, 0] for end in ("start", "end"))
        assert efforts[role.replace(" ", "_")] == window
    for option in OPTIONS[1:]:
        spent = sum((s.end - s.start) * s.level for s in done.calendar if (s.kind, s.name) == ("effort", option))
        assert spent == pytest.approx(18)


def test_table_says_what_the_json_says(done: Comparison) -> None:
    table = done.table
    assert len(table) == 2 * 7 * 4
    row = table[(table.bundle == "same") & (table.option == "spread") & (table.years == 20)].iloc[0]
    option = done.to_dict()["results"][1]["options"][-1]
    assert row["relapse_probability_median"] == option["relapse_probability"]["20"]["median"]
    assert row["aid_gap_months_open_p90"] == option["aid_gap"]["months_open"]["p90"]


def test_words_say_assumption_worlds_and_equal_effort(done: Comparison) -> None:
    words = " ".join(" ".join(comparison_lines(done)).split())
    parts = ("ASSUMPTION", "no published estimate", "WORLDS c5", "Only year 20", "return to war", "forecast")
    for part in (*parts, "103 countries", "times the median gain"):
        assert part in words
    for text in [*comparison_tables(done), *comparison_lines(done)]:
        assert all(len(line) <= 80 for line in text.splitlines())
    assert "mission start" in comparison_tables(done)[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"context": "referense"}, r"'contexts/referense'.*did you mean 'contexts/reference'"),
        ({"options": ["spred"]}, r"spred.*did you mean 'entry_points/spread'"),
        ({"options": ["spread", "entry_points/spread"]}, r"options given twice: spread"),
        ({"definition": "wars"}, r"definition 'wars' does not exist; allowed: war.*did you mean 'war'"),
        ({"bundle": "rolle"}, r"bundle 'rolle'.*did you mean 'role'"),
        ({"ensemble": "c7"}, r"ensemble 'c7' does not exist; allowed: prior, c5, c6"),
        ({"runs": 1001}, r"1,001 worlds; ensemble 'c5' holds 1,000, allowed: 1 to 1,000"),
        ({"runs": 0}, r"0 worlds; allowed: 1 or more"),
        ({"effort": -1}, r"'PBC effort budget' is -1|effort"),
        ({"effort": float("nan")}, r"effort"),
        ({"effort": 40}, r"option 'mission_start': 40 effort-months do not fit .* window of 30 months \(budget 40\)"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        ts.compare(**{"runs": 3} | options)


def test_refused_effort_names_the_most_that_fits() -> None:
    with pytest.raises(ScenarioError) as caught:
        ts.compare(runs=3, effort=40)
    assert "allowed: an effort of at most 30" in str(caught.value)
    assert ts.compare(runs=3, effort=30, bundle="role").outcomes[0].effort[-1, 1].mean() == pytest.approx(30)


def option_file(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"title: {name}\nset:\n{text}", encoding="utf-8")
    return path


def test_option_that_spends_less_is_marked_and_not_held_to_the_budget(tmp_path: Path) -> None:
    half = option_file(tmp_path, "half", "  PBC draw down effort: 0.5\n")
    done = ts.compare(options=[half, "draw_down"], runs=4, bundle="role")
    outcome = done.outcomes[0]
    assert outcome.options == ("none", "half", "draw_down")
    assert outcome.full_budget == (False, False, True)
    assert outcome.effort[-1, 1].mean() == pytest.approx(9)
    assert "half *" in comparison_tables(done)[0]


def test_shares_above_one_are_refused(tmp_path: Path) -> None:
    much = option_file(tmp_path, "much", "  PBC draw down effort: 0.7\n  PBC throughout effort: 0.7\n")
    with pytest.raises(ScenarioError, match=r"'much': shares of the effort budget sum to 1\.4; allowed: at most 1"):
        ts.compare(options=[much], runs=3)


def test_option_may_not_set_a_series_or_another_model(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("title: s\nseries:\n  regional instability input: {0: 0.1, 60: 0.2}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="sets a series; series belong into the context"):
        ts.compare(options=[path], runs=3)
    path.write_text("title: s\nmodel: aid_gap\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="is for model 'aid_gap'"):
        ts.compare(options=[path], runs=3)


def test_context_keeps_its_series(tmp_path: Path) -> None:
    path = tmp_path / "region.yaml"
    path.write_text(
        "title: r\nbased_on: contexts/reference\nseries:\n  regional instability input: {0: 0.3, 60: 0.9}\n",
        encoding="utf-8",
    )
    calm = ts.compare(runs=4, bundle="role").outcomes[0].probability
    stormy = ts.compare(context=path, runs=4, bundle="role").outcomes[0].probability
    assert (stormy[-1] > calm[-1]).all()


def test_benchmark_rule_has_its_own_tolerance(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.yaml"
    path.write_text("title: b\nbased_on: contexts/reference\nset:\n  draw down rule: 1\n", encoding="utf-8")
    done = ts.compare(context=path, runs=12)
    assert done.tolerance == 1e-3
    assert done.max_deviation < 1e-3


def test_referee_above_its_tolerance_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dataclasses.replace(
        comparison.referee(ts.simulate(ts.load_model(), method="rk4", outputs=["relapse probability"]),
                           ["relapse probability"], sample=1),
        deviation={"relapse probability": 2e-4},
    )  # fmt: skip
    monkeypatch.setattr(comparison, "referee", lambda *a, **k: found)
    with pytest.raises(
        SimulationError, match=r"SciPy's integration differs by 0\.0002 in probability; allowed: 0\.0001"
    ):
        ts.compare(runs=3)


def test_unequal_effort_fails() -> None:
    outcome = ts.compare(runs=3, bundle="role").outcomes[0]
    effort = outcome.effort.copy()
    effort[-1, 2] *= 0.98
    with pytest.raises(SimulationError, match=r"unequal effort by year 20 \(role\)"):
        comparison._check_effort(dataclasses.replace(outcome, effort=effort))
    comparison._check_effort(outcome)


def test_broken_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    true = comparison.simulate

    def broken(*arguments: Any, **options: Any) -> Any:
        return dataclasses.replace(true(*arguments, **options), failed=(4,))

    monkeypatch.setattr(comparison, "simulate", broken)
    with pytest.raises(
        SimulationError, match=r"1 of 21 runs broke down; the first is option 'mission_start' in world 1"
    ):
        ts.compare(runs=3, bundle="role")


def test_measures_on_known_numbers() -> None:
    risks = np.array([[[0.4, 0.3, 0.2, 0.2], [0.3, 0.3, 0.3, 0.1], [0.3, 0.4, 0.1, 0.1]]])
    outcome = Outcome(
        "war", "role", ("none", "a", "b"), risks, risks, {}, risks[0], np.zeros(1), {}, (False, True, True), "c5"
    )
    assert outcome.difference[0, 1] == pytest.approx([-0.1, 0, 0.1, -0.1])
    assert outcome.regret[0, 0] == pytest.approx([0.1, 0, 0.1, 0.1])
    assert outcome.share_best[0] == pytest.approx([0.5 / 4, 1.5 / 4, 2 / 4])
    assert outcome.share_best[0].sum() == pytest.approx(1)
    assert outcome.leader == 2
    assert outcome.level == (2,)


def test_cases_needed_are_those_of_a_test_of_two_proportions() -> None:
    """40 against 30 per cent takes 354 in each arm, without correction for continuity."""
    risks = np.array([[[0.4, 0.4], [0.3, 0.4]]])
    outcome = Outcome("war", "role", ("none", "a"), risks, risks, {}, risks[0], np.zeros(1), {}, (False, True), "c5")
    assert outcome.cases_needed(1)[0] == pytest.approx(353.2, abs=0.1)
    assert outcome.cases_needed(1)[1] == np.inf


def test_both_ensembles_stand_side_by_side(done: Comparison) -> None:
    both = ts.compare(context="unamsil_like", runs=24, seed=5, ensemble="both", bundle="role")
    assert both.ensembles == ("c5", "c6")
    assert [result["ensemble"] for result in both.to_dict()["results"]] == ["c5", "c6"]
    assert np.array_equal(both.within("c5").outcomes[0].probability, done.outcomes[0].probability)
    weak, strong = (np.median(both.within(name).outcomes[0].probability[-1, 0]) for name in ("c6", "c5"))
    assert weak > strong  # a weaker mission effect leaves a higher risk
    text = "\n".join([*comparison_tables(both), *comparison_lines(both)])
    assert text.count("=== Worlds c") == 2
    assert all(len(line) <= 80 for line in text.splitlines())


def test_flips_name_the_assumption_and_who_leads_then(done: Comparison) -> None:
    outcome = done.outcomes[0]
    sampled = outcome.varied["as sampled"]
    first = outcome.options[int(np.argmin(np.median(sampled, axis=1)))]
    other = next(name for name in outcome.options if name not in (first, "none"))
    risks = sampled.copy()
    risks[outcome.options.index(other)] -= 0.5
    flipped = dataclasses.replace(
        outcome, varied={"as sampled": sampled, "no compact": risks, "no force building": sampled}
    )
    assert f"under 'no compact' '{label(other)}' is first." in flips(flipped)
    assert "no force building" not in flips(flipped)
    same = dataclasses.replace(outcome, varied={"as sampled": sampled, "no compact": sampled})
    assert "none of the assumptions varied changes that" in flips(same)
    level = sampled.copy()
    level[:] = sampled[0]
    assert "are level" in flips(dataclasses.replace(outcome, varied={"as sampled": level}))


def test_a_comparison_of_none_alone_has_its_lines() -> None:
    alone = ts.compare(options=[], runs=4, bundle="role")
    text = "\n".join([*comparison_tables(alone), *comparison_lines(alone)])
    assert "no option lowers" in text
