"""Shipped workshops: in three languages, true to the model, with no decision that changes the past or wins all."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from workshop_play import WORLDS, runner, shipped_model, workshop

from transition_sim.data import list_scenarios, list_workshops, shipped_workshop
from transition_sim.engine.simulate import simulate
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind
from transition_sim.workshop.form import LANGUAGES, number_text
from transition_sim.workshop.language import words
from transition_sim.workshop.plans import plan_of
from transition_sim.workshop.printed import CATALOGUES, all_texts
from transition_sim.workshop.runs import run_plan
from transition_sim.workshop.scenarios import check_workshop, load_workshop
from transition_sim.workshop.scoring import standing

NAMES = ["aid_gap", "early_exit", "election_year"]
ARABIC = re.compile(r"[\u0600-\u06ff]")


def test_three_workshops_are_shipped_and_are_no_scenarios() -> None:
    assert list_workshops() == NAMES
    assert not [name for name in list_scenarios(templates=True) if "teaching" in name]
    with pytest.raises(ScenarioError, match="did you mean 'aid_gap'"):
        shipped_workshop("aid_gpa")


@pytest.mark.parametrize("name", NAMES)
def test_a_workshop_has_four_rounds_four_roles_and_a_commission_without_money(name: str) -> None:
    shape = workshop(name)
    assert shape.order == ("mission_start", "aid_dip", "draw_down", "late_transition")
    assert list(shape.roles) == ["government", "donors", "mission", "commission"]
    assert len(shape.outcomes) >= 3
    money = [lever for lever in shape.levers.values() if lever.role == "commission"]
    assert {lever.round for lever in money} == set(shape.order)
    assert shape.roles["commission"].purse.unit.en == "effort-months"
    assert {each.drawn_by for each in shape.rounds.values()} == set(shape.roles)


@pytest.mark.parametrize("name", NAMES)
def test_every_text_stands_in_three_languages(name: str) -> None:
    for place, english, french, arabic in all_texts(workshop(name)):
        assert ARABIC.search(arabic) or not re.search(r"[A-Za-z]{3}", english), place
        assert not ARABIC.search(english + french), place
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french)), place
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", arabic)), place
        if len(english) > 60:
            assert french != english, place


@pytest.mark.parametrize("file", CATALOGUES)
def test_catalogues_name_no_key_that_nothing_says(file: str) -> None:
    import transition_sim.workshop as room

    folder = Path(room.__file__).parent
    source = "".join(p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.suffix in (".py", ".js", ".j2"))
    stems = {"refused_", "say_", "about_", "need_", "before_", "step_", "read_", "question_", "fail_", "after_"}
    stems |= {"wrong_"}
    hazards = {
        v.removeprefix("hazard from ").replace(" ", "_") for v in shipped_model().variables if "hazard from" in v
    }
    stocks = {"stock_" + re.sub(r"\W+", "_", name).rstrip("_") for name in shipped_model().stocks}
    for key in words(file):
        known = key in stocks or (
            any(key.startswith(stem) for stem in stems) or key in hazards or key in ("run_welcome_do", "run_roles_do")
        )
        stem = re.sub(r"_(one|two|other)$", "", key)
        assert known or f'"{key}"' in source or f'"{stem}"' in source, key
    assert hazards <= set(words("drivers.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_no_decision_changes_what_is_past(name: str) -> None:
    shape, model = workshop(name), shipped_model()
    cases = [(lever, i) for lever in shape.levers for i in range(len(shape.levers[lever].choices))]
    plans = [plan_of(shape, model), *(plan_of(shape, model, {lever: i}) for lever, i in cases)]
    series = dict(plans[0].series)
    names = {key for plan in plans for key in plan.constants} - set(series)
    columns = {
        key: np.array([plan.constants.get(key, model.find(key).value) for plan in plans], dtype=float) for key in names
    }
    stocks = [v.name for v in model.of_kind(Kind.STOCK) if not v.hidden]
    found = simulate(model, constants=columns, series=series, outputs=stocks, method="rk4", save_every=1)
    late = found.time > 120
    for run, (lever, choice) in enumerate(cases, 1):
        past = found.time <= shape.rounds[shape.levers[lever].round].month + 1e-9
        scale = np.abs(found.values[:, :, 0]).max(axis=0) + 1e-12
        change = np.abs(found.values[:, :, run] - found.values[:, :, 0]) / scale
        assert change[past].max(initial=0) < 1e-6, (lever, choice)
        if choice != shape.levers[lever].default:
            assert change[late].max() > 1e-5, (lever, choice)


@pytest.mark.parametrize("name", ["aid_gap", *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_no_single_decision_is_best_in_everything(name: str) -> None:
    shape, runs = workshop(name), runner(name)
    singles = {"nothing": runs.computed(plan_of(shape, runs.model)).outcomes}
    for lever, each in shape.levers.items():
        for choice in range(len(each.choices)):
            if choice != each.default:
                singles[f"{lever} {choice}"] = runs.computed(plan_of(shape, runs.model, {lever: choice})).outcomes
    found = standing(shape, singles)
    unbeaten = [{*found["best"][outcome], *found["level"][outcome]} for outcome in shape.outcomes]
    assert all(unbeaten)
    assert not set.intersection(*unbeaten)
    assert found["ahead"] is None
    assert len(found["trade"]) > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_which_single_decisions_move_the_risk_by_whole_points_is_as_the_guide_says(name: str) -> None:
    shape, runs = workshop(name), runner(name, worlds=1000)
    base = runs.computed(plan_of(shape, runs.model)).outcomes["risk"]
    most: dict[str, float] = {}
    for lever, each in shape.levers.items():
        plans = [plan_of(shape, runs.model, {lever: i}) for i in range(len(each.choices)) if i != each.default]
        most[lever] = max(abs(float(np.median(runs.computed(plan).outcomes["risk"] - base))) for plan in plans)
    whole = {lever for lever, value in most.items() if value >= 1 and not shape.levers[lever].assumed}
    assert whole == {"peak", "exit_date", "pace", "rule"}
    assert {shape.levers[lever].role for lever in whole} == {"mission"}
    assert all(1.45 < most[lever] < 6.15 for lever in whole)
    assumed = [value for lever, value in most.items() if shape.levers[lever].assumed]
    assert 1 < max(assumed) < 3.05
    assert 0.5 < most["strategy"] < 0.7
    rest = {lever for lever in most if lever not in {*whole, "strategy"} and not shape.levers[lever].assumed}
    assert max(most[lever] for lever in rest) < 0.4


@pytest.mark.parametrize("name", NAMES)
def test_effort_that_is_chosen_is_spent_and_no_more(name: str) -> None:
    shape, model = workshop(name), shipped_model()
    for lever, each in shape.levers.items():
        if each.role == "commission":
            most = each.choices[-1]
            plan = plan_of(shape, model, {lever: len(each.choices) - 1})
            found = run_plan(model, None, plan, ["cumulative PBC effort"], 1.0)
            assert found["cumulative PBC effort"][-1, 0] == pytest.approx(most.price, rel=0.01), lever
            assert most.price == most.value


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_without_change_is_the_country_as_told(name: str) -> None:
    shape = workshop(name)
    plan = plan_of(shape, shipped_model())
    for lever in shape.levers.values():
        for constant, value in lever.constants(lever.default).items():
            if constant in shape.constants and not constant.startswith("PBC"):
                assert plan.constants[constant] == pytest.approx(shape.constants[constant]) == pytest.approx(value)


def test_news_raise_add_and_stay_inside_limits() -> None:
    shape, model = workshop("election_year"), shipped_model()
    plan = plan_of(shape, model, None, [("draw_down", "regional_war"), ("draw_down", "postponed_election")])
    base = plan_of(shape, model)
    assert plan.constants["election interval"] == base.constants["election interval"] + 12
    calm, war = base.series["regional instability input"], plan.series["regional instability input"]
    for month in (-12.0, 20.0, 30.0, 36.0):
        told = np.interp(month, sorted(calm), [calm[t] for t in sorted(calm)])
        assert np.interp(month, sorted(war), [war[t] for t in sorted(war)]) == pytest.approx(told)
    assert max(war.values()) == 1.0
    assert runner("election_year").computed(plan).risk.shape == (4, WORLDS)


def test_numbers_are_written_as_languages_do_with_the_same_digits() -> None:
    assert [number_text(12000, language) for language in LANGUAGES] == ["12,000", "12\u202f000", "12,000"]


BAD = """extends: teaching/_base
title: {en: A, fr: B, ar: ت}
question: {en: A, fr: B, ar: ت}
story: {en: A, fr: B}
levers:
  peak: {constant: peak peacekeeprs}
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BAD, r"bad.yaml:4: 'story / ar'"),
        (BAD.replace("fr: B}\nlev", "fr: B, ar: ت}\nlev"), r"bad.yaml:6: .*did you mean 'peak peacekeepers'"),
        ("extends: teaching/_base\nextra: 1\n", r"unknown key 'extra'"),
        ("extends: teaching/_bas\n", r"bad.yaml:1: extends: .*no shipped name"),
        ("extends: ../../etc/passwd\n", r"bad.yaml:1: extends: .*leaves the folder"),
        ("extends: bad.yaml\n", r"leads on without end"),
        ("based_on: nothing\ntitle: 1\n", r"no shipped scenario"),
        ("set: 5\n", r"'set' must hold lines"),
        ("set: {draw down start: soon}\nextends: teaching/_base\n", r"bad.yaml:1: 'draw down start' is 'soon'"),
    ],
)
def test_a_faulty_workshop_file_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    faults = "\n".join(map(str, check_workshop(path, shipped_model())))
    assert re.search(says, faults), faults


def test_a_decision_may_not_set_what_worlds_sample(tmp_path: Path) -> None:
    shipped = shipped_workshop("aid_gap").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(shipped + "levers:\n  peak: {also: {weight of spoilers: 1}}\n", encoding="utf-8")
    with pytest.raises(
        ScenarioError, match=r"mine.yaml:\d+: 'peak' sets 'weight of spoilers', which calibrated worlds"
    ):
        load_workshop(path, shipped_model())


def test_a_workshop_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        shipped_workshop("aid_gap").read_text(encoding="utf-8") + "set: {draw down start: 5 years}\n", "utf-8"
    )
    assert load_workshop(path, shipped_model()).constants["draw down start"] == 60
