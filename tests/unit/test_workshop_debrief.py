"""The debrief says what runs say: one decision changed, turning points, drivers; its pages ask for nothing."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from workshop_play import played, runner, shipped_model, started, state, turn, workshop

from transition_sim import risk
from transition_sim.engine.simulate import simulate
from transition_sim.model.equations import Kind
from transition_sim.workshop import events
from transition_sim.workshop.debrief import _share, _turns, debrief, turning_points
from transition_sim.workshop.language import words
from transition_sim.workshop.plans import plan_of
from transition_sim.workshop.printed import PARTS, debrief_files, print_page
from transition_sim.workshop.runs import run_plan

pytestmark = pytest.mark.slow

SHIPPED = ("aid_gap", "early_exit", "election_year")
PLANS = {1: {"peak": 5, "effort_start": 2, "effort_late": 2}, 2: {"cut": 2}}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return debrief(runner(), state(played(PLANS)))


def test_one_decision_changed_is_the_difference_of_two_runs(told: dict[str, Any]) -> None:
    changed = {each["lever"]: each for each in told["teams"]["1"]["changed"]}
    assert set(changed) == set(PLANS[1])
    assert told["teams"]["2"]["changed"][0]["lever"] == "cut"
    shape, runs = workshop(), runner()
    columns = {}
    for name, choices in (("with", PLANS[1]), ("without", {**PLANS[1], "peak": 3})):
        constants = dict(plan_of(shape, runs.model, choices).constants)
        given = {**runs.worlds.besides(constants), **constants}
        found = simulate(runs.model, constants=given, outputs=[risk.CUMULATIVE], method="rk4", time_step=0.5)
        columns[name] = 100 * risk.relapse_risk(found, years=(20,)).to_numpy()[0]
    expected = float(np.median(columns["with"] - columns["without"]))
    assert changed["peak"]["outcomes"]["risk"]["median"] == pytest.approx(expected, rel=1e-4)
    assert changed["peak"]["driver"] == "mission"


def test_results_sketches_and_worlds_agree_with_each_other(told: dict[str, Any]) -> None:
    team = told["teams"]["1"]
    assert [each["round"] for each in team["rounds"]] == list(workshop().order)
    assert team["rounds"][-1]["risk"][-1]["median"] == team["results"]["outcomes"]["risk"]["median"]
    assert team["rounds"][0]["points"] == [6, 12, 16, 20]
    assert team["better"]["risk"] == 100
    assert team["better"]["cost"] == 0
    assert told["worlds"] == runner().worlds.runs


def test_what_rests_on_effort_of_the_commission_is_marked_and_nothing_else_is(told: dict[str, Any]) -> None:
    marks = {each["lever"]: each["assumed"] for each in told["teams"]["1"]["changed"]}
    assert marks == {"peak": False, "effort_start": True, "effort_late": True}
    assert told["teams"]["1"]["results"]["assumed"] is True
    assert told["teams"]["2"]["results"]["assumed"] is False
    for name in SHIPPED:
        for lever in workshop(name).levers.values():
            assert lever.assumed == (lever.role == "commission")


def test_a_share_of_worlds_is_none_or_all_only_where_it_is() -> None:
    many = np.ones(1000, dtype=bool)
    assert _share(many) == 100
    assert _share(~many) == 0
    many[0] = False
    assert _share(many) == 99
    assert _share(~many) == 1
    assert _share(np.arange(1000) < 634) == 63


def test_every_stock_that_a_loop_can_pass_has_plain_words() -> None:
    known = words("drivers.yaml")
    for variable in shipped_model().of_kind(Kind.STOCK):
        if variable.hidden or (
            variable.name.startswith("cumulative ") and variable.name != "cumulative relapse hazard"
        ):
            continue
        texts = known["stock_" + re.sub(r"\W+", "_", variable.name).rstrip("_")]
        assert all(texts.values())
        assert not any("[" in text for text in texts.values())
    for key in ("turning", "turning_hint", "loop", "until", "rises", "falls", "moved_by", "reinforcing", "balancing"):
        assert not re.search(r"hazard|reinforcing|balancing|feedback", known[key]["en"]), key


def test_what_was_not_committed_has_no_sketch_and_no_effect() -> None:
    log = [started(), events.Opened(round="mission_start"), *turn(1, "mission_start", {"peak": 5})[:2]]
    log.append(events.Closed(round="mission_start", results="0" * 64))
    found = debrief(runner(), state(log))
    assert found["teams"]["1"]["rounds"][0]["points"] is None
    assert found["teams"]["1"]["changed"] == []


def test_turning_points_carry_the_drivers_that_moved_the_hazard(told: dict[str, Any]) -> None:
    turns = told["teams"]["1"]["turns"]
    assert [each["up"] for each in turns] == [False, True, False]
    assert turns[1]["with"][0] == "mission"
    assert 40 < turns[0]["to"] < 60 < turns[1]["to"] < 110
    assert all(each["loop"]["polarity"] in "RBU" for each in turns)
    plan = plan_of(workshop(), shipped_model(), PLANS[1])
    drivers = [name for name in shipped_model().variables if name.startswith("hazard from ")]
    found = run_plan(shipped_model(), None, plan, [*drivers, "relapse hazard"], 1.0)
    hazard = found["relapse hazard"][:, 0]
    at = [int(np.searchsorted(found.time, each["to"])) for each in turns]
    assert hazard[at[0]] == hazard[12 : at[1]].min()
    assert hazard[at[1]] == hazard[at[0] :].max()
    change = {name: found[name][at[1], 0] - found[name][at[0], 0] for name in drivers}
    assert max(change, key=lambda name: change[name]) == "hazard from mission"


def test_small_wiggles_are_no_turns() -> None:
    wave = np.array([1.0, 0.9, 0.5, 0.52, 0.5, 0.53, 1.2, 1.15, 1.2, 0.4, 0.2])
    assert _turns(wave, 0) in ([2, 6], [2, 8], [4, 6], [4, 8])
    assert _turns(np.linspace(1, 0.1, 50), 0) == []
    assert _turns(np.ones(10), 0) == []


def test_a_search_for_loops_that_fails_is_said_and_stops_nothing() -> None:
    result = run_plan(
        shipped_model(), None, plan_of(workshop(), shipped_model()),
        [*(n for n in shipped_model().variables if n.startswith("hazard from ")), "relapse hazard"], 1.0,
    )  # fmt: skip
    assert [each["loop"] for each in turning_points(result, None)] == [None] * 3


@pytest.mark.parametrize("language", ["ar", *(pytest.param(code, marks=pytest.mark.slow) for code in ("en", "fr"))])
def test_pages_of_the_debrief_are_whole_and_ask_for_nothing(language: str) -> None:
    files = debrief_files(runner(), state(played(PLANS)), language)
    assert sorted(files) == ["index.html", "team-1.html", "team-2.html"]
    for name, text in files.items():
        assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in text
        assert not re.search(r'(src|href)="(?!data:)', text.split("<script", 1)[0])
        assert "https://" not in text
        data = json.loads(re.search(r'id="setup">(.*?)</script>', text, re.S).group(1))  # type: ignore[union-attr]
        assert set(data["debrief"]["teams"]) == ({"1", "2"} if name == "index.html" else {data["team"]})
        assert "private" not in json.dumps(data["workshop"])


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_what_is_printed_holds_every_decision_price_and_brief(language: str) -> None:
    shape = workshop("early_exit")
    pages = {part: print_page(shape, 4, language, (part,)) for part in PARTS}
    plain = {part: re.sub(r"\s+", " ", text) for part, text in pages.items()}
    for part in ("guide", "cards", "sheets"):
        for lever in shape.levers.values():
            for i in range(len(lever.choices)):
                label = re.sub(r"\s+", " ", lever.label_of(i, language)).replace("'", "&#39;")
                assert label in plain[part], (part, lever.title.en)
    for role in shape.roles.values():
        assert role.private.in_(language).replace("'", "&#39;").replace('"', "&#34;") in plain["cards"]
        assert role.private.in_(language).replace("'", "&#39;") not in plain["guide"] + plain["sheets"]
    for text in pages.values():
        assert "<script" not in text
        assert not re.search(r'(src|href)="(?!data:)', text)
    minutes = [int(each) for each in re.findall(r"<td>\d+–(\d+)</td>", pages["guide"])]
    assert minutes == sorted(minutes)
    assert minutes[-1] == 90


def test_text_of_a_workshop_cannot_become_markup() -> None:
    bad = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    shape = workshop().model_copy(update={"title": workshop().title.model_copy(update={"en": bad, "ar": bad})})
    for part in PARTS:
        assert "<script>alert" not in print_page(shape, 4, "en", (part,))
    from transition_sim.workshop.pages import page

    session = SimpleNamespace(workshop=shape, setup=SimpleNamespace(language="en"))
    assert "<script>alert" not in page("team", session, "en")  # type: ignore[arg-type]
