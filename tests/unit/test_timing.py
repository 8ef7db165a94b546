"""Draw-down timing: points against plain runs, gains in the same world, the frontier and its best rules, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import transition_sim as ts
from transition_sim.errors import ScenarioError
from transition_sim.study import timing as timings
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.frontier import BENCHMARK, CALENDAR, Rule, best_table, efficient, frontier
from transition_sim.study.sweeps.outcomes import COST
from transition_sim.study.timing import BRIDGED, NONE, UNBRIDGED, Timing, draw_down_timing
from transition_sim.study.timing_words import edges, timing_lines


@pytest.fixture(scope="module")
def found() -> Timing:
    return draw_down_timing(runs=30, starts=(24, 60, 96), durations=(12, 24, 48))


def test_points_are_what_plain_runs_give(found: Timing) -> None:
    """One point of each rule and kind of bridging, simulated from the shipped scenarios by another way."""
    model = ts.load_model()
    worlds = draw_worlds(model, "c5", 30, 7)
    context = ts.load_scenario("contexts/reference")
    for rule, value in ((CALENDAR, 0.0), (BENCHMARK, 1.0)):
        for bridging, option in ((NONE, "none"), (UNBRIDGED, "draw_down"), (BRIDGED, "draw_down")):
            scenario = context.combined(ts.load_scenario(f"entry_points/{option}"))
            constants = {
                **worlds.besides(context.settings), "draw down start": 60.0, "draw down duration": 24.0,
                "draw down rule": value, "PBC bridge channel weight": 0.0 if bridging == UNBRIDGED else 1.0,
            }  # fmt: skip
            needed = ["cumulative relapse hazard", "relapse probability", *COST]
            result = ts.simulate(model, scenario, constants=constants, outputs=needed, save_every=1, time_step=0.5)
            assert np.array_equal(found.at(rule, bridging)[1, 1], ts.relapse_risk(result, [20]).to_numpy()[0])
            place = (timings.RULES.index(rule), timings.BRIDGING.index(bridging), 1, 1)
            cost = result["cumulative mission cost"][-1] + result["cumulative aid disbursed"][-1]
            assert np.array_equal(found.cost[place], cost)


@pytest.mark.slow
def test_points_agree_with_the_shipped_sweep(found: Timing, tmp_path: Path) -> None:
    done = ts.run_sweep("draw_down_timing", tmp_path / "o", runs=30, csv=False)
    risk = done.to_xarray()["relapse probability at 20 years"]
    at = {"draw down start": 24, "draw down duration": 48, "draw down rule": 1}
    for bridging, option in ((NONE, "entry_points/none"), (BRIDGED, "entry_points/draw_down")):
        values = risk.sel({**at, "bridging": option}).to_numpy()
        assert found.at(BENCHMARK, bridging)[0, 2] == pytest.approx(values, rel=1e-12)


def test_gains_are_taken_inside_a_world(found: Timing) -> None:
    assert np.array_equal(found.gain("benchmark")[0], found.at(CALENDAR) - found.at(BENCHMARK))
    assert np.array_equal(found.gain("effort")[1], found.at(BENCHMARK) - found.at(BENCHMARK, BRIDGED))
    assert np.array_equal(found.gain("bridge")[0], found.at(CALENDAR, UNBRIDGED) - found.at(CALENDAR, BRIDGED))
    assert (found.gain("effort")[0] > found.gain("bridge")[0]).mean() > 0.9  # it is a part of the effort
    with pytest.raises(ScenarioError, match="change 'bridging' does not exist; allowed: benchmark, effort, bridge"):
        found.gain("bridging")
    with pytest.raises(ScenarioError, match=r"rule 'calender' does not exist.*did you mean 'calendar'"):
        found.at("calender")


def test_a_longer_stay_leaves_a_lower_risk_in_every_world(found: Timing) -> None:
    for values in (found.at(CALENDAR), found.at(BENCHMARK)):
        assert (np.diff(values, axis=0) < 0).all()
        assert (np.diff(values, axis=1) < 0).all()
    assert (found.gain("benchmark") > -1e-4).all()


def test_table_has_a_row_for_each_point_with_ranges(found: Timing) -> None:
    table = found.table
    assert len(table) == 2 * 3 * 3 * 3
    row = table[(table["rule"] == BENCHMARK) & (table["bridging"] == BRIDGED)].iloc[0]
    here = found.risk[1, 2, 0, 0]
    assert row["risk_p10"] == pytest.approx(np.quantile(here, 0.1))
    assert row["change_from_calendar_median"] == pytest.approx(np.median(here - found.risk[0, 2, 0, 0]))
    assert row["change_from_no_effort_p90"] == pytest.approx(np.quantile(here - found.risk[1, 0, 0, 0], 0.9))
    assert found.surface(CALENDAR).shape == (3, 3, 3)


def test_frontier_is_the_one_of_the_written_findings() -> None:
    """models/README.md has these medians over 500 worlds of c5; two of its rules are computed anew here."""
    model = ts.load_model()
    rules = frontier(model, draw_worlds(model, "c5", 500, 7))
    assert model.path is not None
    page = (model.path.parent / "README.md").read_text(encoding="utf-8")
    for rule in rules:
        row = f"| {rule.words} | {np.median(rule.cost):,.0f} | {100 * np.median(rule.risk):.1f} |"
        assert row in page


def rule(kind: str, words: str, cost: list[float], risk: list[float]) -> Rule:
    return Rule(kind, words, np.array(cost), np.array(risk))


def test_best_rules_and_how_sure_they_are() -> None:
    rules = [
        rule(CALENDAR, "short", [100, 100], [0.4, 0.4]),
        rule(CALENDAR, "long", [300, 300], [0.1, 0.3]),
        rule(BENCHMARK, "poor", [310, 310], [0.35, 0.35]),
    ]
    table = best_table(rules, [500, 1500])
    assert table["best"].tolist() == ["short", "long"]
    assert table["share_best"].tolist() == [1.0, 0.5]
    assert table["regret_p90"].tolist() == [pytest.approx(0), pytest.approx(45)]
    assert table["safest"].tolist() == ["short", "long"]
    assert [each.words for each in efficient(rules)] == ["short", "long"]
    assert edges(rules) == {"short", "long", "poor"}


def test_the_more_a_relapse_is_worth_the_longer_the_stay(found: Timing) -> None:
    costs = {each.words: each.cost.mean() for each in found.frontier}
    spent = [costs[words] for words in found.best["best"]]
    assert spent == sorted(spent)
    assert len(set(spent)) > 2


def test_words_are_short_and_say_what_they_rest_on(found: Timing) -> None:
    lines = list(timing_lines(found))
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for part in (
        "3 starts x 3 durations", "30 worlds of c5 (mission effect", "seed 7", "a return to war within 20 years",
        "ASSUMPTION: The size of any effect", "not a forecast", "SciPy integrated 3 runs by benchmark again",
        "an end of what was tried",
    ):  # fmt: skip
        assert part in text, part
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(data["points"]) == 54
    assert len(data["frontier"]) == 30
    assert {"p10", "median", "p90"} == set(data["frontier"][0]["risk"])


@pytest.mark.slow
def test_other_profiles_worlds_and_definitions() -> None:
    made = draw_down_timing(
        "unmil_like", runs=4, starts=(36, 48), durations=(12, 24), ensemble="c6", definition="major_war", years=15
    )
    assert (made.context, made.ensemble, made.years) == ("unmil_like", "c6", 15)
    assert made.planned != draw_down_timing(runs=2, starts=(36, 48), durations=(12, 24)).planned
    assert "a return to major war" in " ".join(" ".join(timing_lines(made)).split())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"context": "referense"}, "did you mean 'contexts/reference'"),
        ({"starts": (48,)}, "starts are 48; allowed: two or more, in rising order"),
        ({"durations": (24, 12)}, "durations are 24, 12; allowed"),
        ({"durations": (6, 12)}, "'draw down duration' is 6.*allowed"),
        ({"values": ()}, r"values of a relapse avoided are \[\]; allowed: numbers above zero"),
        ({"values": (-1,)}, "numbers above zero"),
        ({"values": ("x",)}, r"values of a relapse avoided are \['x'\]; allowed"),
        ({"starts": ("five years", 60)}, "starts: 'five years' is no number with a unit"),
        ({"durations": ("2 troops", 60)}, "durations: .*troops"),
        ({"starts": 48}, "starts are 48; allowed: a list of months, or of texts"),
        ({"starts": (None, 48)}, r"starts are \(None, 48\); allowed: a list"),
        ({"definition": "wars"}, "definition 'wars' does not exist.*did you mean 'war'"),
        ({"years": 21}, "years is 21; allowed: a whole number from 1 to 20"),
        ({"runs": 5000}, "holds 1,000"),
        ({"ensemble": "c7"}, "ensemble 'c7' does not exist"),
    ],
)
def test_what_cannot_be_run_is_refused(asked: dict[str, object], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        draw_down_timing(**{"runs": 3, **asked})  # type: ignore[arg-type]


def test_effort_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"at start 235, duration 12, without bridge: 18 effort-months do not fit"):
        draw_down_timing(runs=2, starts=(48, 235), durations=(12, 24))


def test_command_takes_starts_and_durations_and_says_where_the_profiles_own_plan_is(
    call: Callable[..., tuple[int, str, str]],
) -> None:
    words = ("timing", "--context", "unmil_like", "--runs", "3", "--start", "48", "--start", "5 years")
    code, out, err = call(*words, "--duration", "12", "--duration", "24")
    assert (code, err) == (0, "")
    told = " ".join(out.split())
    assert "The profile's own plan, from month 48 over 125 months, lies outside" in told
    assert "All draw-downs here are planned to last 125 months, as in the profile." in told
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  48  ") or line.startswith("  60  ")]
    inside = " ".join(call(*words, "--duration", "12", "--duration", "125")[1].split())
    assert "lies outside" not in inside


def test_frontier_lasts_as_long_as_it_says(found: Timing) -> None:
    model, context = ts.load_model(), ts.load_scenario("contexts/reference")
    worlds = draw_worlds(model, "c5", found.runs, found.seed)
    own = frontier(model, worlds, context, {"draw down duration": found.planned[1], "PBC effort budget": 0}, step=0.5)
    assert np.allclose(own[3].risk, found.frontier[3].risk, atol=1e-12)
    other = frontier(model, worlds, context, {"draw down duration": 60.0, "PBC effort budget": 0}, step=0.5)
    assert (other[3].risk < own[3].risk).all()


def test_command_prints(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("timing", "--runs", "2", "--value", "20000")
    assert (code, err) == (0, "")
    assert "Best rule by what avoiding one relapse is worth" in out
    assert call("timing", "--context", "nowhere")[0] == 3
    assert call("timing", "--runs", "1")[0] == 2


@pytest.mark.slow
def test_command_prints_saves_and_gives_json(call: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = call("timing", "--runs", "5", "--value", "20000", "--out", "t")
    assert (code, err) == (0, "")
    saved = {path.name for path in (tmp_path / "t").iterdir()}
    assert {"timing.csv", "best-rules.csv", "provenance.json", "timing.svg", "frontier-column.png"} <= saved
    assert len(pd.read_csv(tmp_path / "t" / "timing.csv")) == 7 * 4 * 2 * 3
    assert pd.read_csv(tmp_path / "t" / "best-rules.csv")["value_musd"].tolist() == [20_000]
    assert call("timing", "--runs", "5", "--out", "t")[0] == 3
    code, out, _ = call("timing", "--runs", "3", "--ensemble", "both", "--json")
    assert [each["ensemble"] for each in json.loads(out)] == ["c5", "c6"]
