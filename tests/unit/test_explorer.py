"""The explorer without a browser: its numbers in two ways, undo and pins, refusals, what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.explorer import view as module
from transition_sim.explorer.view import Explorer
from transition_sim.study.ensembles import draw_worlds


@pytest.fixture(scope="module")
def shared() -> Explorer:
    """Give an explorer that no test changes."""
    return ts.explore(runs=60, seed=3, option="draw_down", sliders=False)


@pytest.fixture(scope="module")
def first() -> Explorer:
    return ts.explore(runs=20, sliders=False)


@pytest.fixture
def view(first: Explorer) -> Explorer:
    """Give an explorer of its own for each test, over the same worlds."""
    return Explorer(first.study, {}, first.controls)


def test_numbers_are_those_of_simulate_and_relapse_risk_on_the_same_worlds(shared: Explorer) -> None:
    worlds = draw_worlds(ts.load_model(), "c5", 60, 3)
    given = shared.scenario.settings
    names = ["cumulative relapse hazard", "security", "aid gap", "hazard from mission"]
    constants = worlds.besides(given)
    plain = ts.simulate(ts.load_model(), shared.scenario, constants=constants, outputs=names, backend="numpy")
    risk = ts.relapse_risk(plain)
    for part, level in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
        ours = shared.table[f"relapse_probability_{part}"].to_numpy()
        assert ours == pytest.approx(risk.quantile(level, axis=1).to_numpy(), rel=1e-10)
    assert shared.table.effort_spent.iloc[-1] == pytest.approx(18)
    bands = shared.to_frame().set_index(["setting", "variable", "time"])[["p10", "median", "p90"]]
    for name in ("security", "aid gap", "hazard from mission"):
        band = bands.loc[("now", name, 72.0)].to_numpy(float)
        assert band == pytest.approx(np.quantile(plain[name][84], (0.1, 0.5, 0.9)), abs=1e-12)
    curve = bands.loc[("now", "relapse risk", 120.0)].to_numpy(float)
    assert curve == pytest.approx(risk.loc[10].quantile([0.1, 0.5, 0.9]).to_numpy(), rel=1e-10)


def test_numbers_are_those_of_scipy(shared: Explorer) -> None:
    found = ts.referee(shared.result, ["cumulative relapse hazard"], sample=1)
    theirs = np.column_stack([ts.relapse_risk(one).to_numpy()[:, 0] for one in found.reference])
    assert shared.outcome.probability[:, found.runs] == pytest.approx(theirs, abs=1e-4)  # as `compare` allows


def test_change_is_taken_inside_each_world(view: Explorer) -> None:
    before = view.outcome.probability
    view.set("draw down start", 72)
    change = view.outcome.probability - before
    for part, level in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
        assert view.table[f"change_{part}"].to_numpy() == pytest.approx(np.quantile(change, level, axis=1))
    assert (change[-1] < 0).all()
    view.unpin()
    assert "change_median" not in view.table.columns
    assert set(view.to_frame().setting) == {"now"}


def test_undo_redo_and_reset_go_through_settings(view: Explorer) -> None:
    first = view.outcome.probability
    view.set("draw down start", "5 years")
    view.set("draw_down_duration", 36)
    assert (view.value("draw down start"), view.value("draw down duration")) == (60, 36)
    view.undo()
    assert view.value("draw down duration") == 24
    view.redo()
    assert view.value("draw down duration") == 36
    view.undo()
    view.set("draw down rule", 1)
    assert not view.can_redo
    with pytest.raises(ts.ScenarioError, match="nothing to redo"):
        view.redo()
    view.reset()
    assert view.outcome.probability == pytest.approx(first, abs=0)
    view.reset()  # nothing to go back to: no step of its own
    view.undo()
    assert view.value("draw down rule") == 1
    view.undo()
    view.undo()
    with pytest.raises(ts.ScenarioError, match="nothing to undo"):
        view.undo()


def test_settings_whose_runs_were_let_go_come_back_the_same(view: Explorer) -> None:
    first = view.outcome.probability
    view.unpin()
    for start in range(30, 30 + 2 * module.KEPT):
        view.set("draw down start", start)
    assert len(view._outcomes) <= module.KEPT + 2
    while view.can_undo:
        view.undo()
    assert view.outcome.probability == pytest.approx(first, abs=0)


def test_steps_of_one_movement_are_undone_together(view: Explorer) -> None:
    for start in (50, 55, 60):
        view.propose({"draw down start": start}, movement="a drag")
    view.propose({"draw down start": 66}, movement="another drag")
    view.undo()
    assert view.value("draw down start") == 60
    view.undo()
    assert view.value("draw down start") == 48
    assert not view.can_undo


def test_pin_keeps_a_setting_beside_what_follows(view: Explorer) -> None:
    view.option("spread")
    view.pin()
    kept = view.outcome.probability
    view.option("none")
    assert view.pinned_outcome is not None
    assert view.pinned_outcome.probability is kept
    assert (view.outcome.probability[-1] > kept[-1]).mean() > 0.9
    assert "Against the pinned setting: PBC effort: none" in repr(view)
    view.undo()
    assert "This is the pinned setting." in repr(view)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("draw down strat", 60, "did you mean 'draw down start'"),
        ("security", 0.5, "computed by the model"),
        ("draw down duration", 6, "'draw down duration' is 6; allowed: finite numbers, 12 to 240 Month"),
        ("draw down start", "5 potatoes", "unit 'potatoes' is not known"),
        ("draw down start", float("nan"), "'draw down start' is nan"),
        ("PBC throughout effort", 0.5, "shares of the effort budget sum to more than 1"),
        ("PBC effort budget", 40, "40 effort-months do not fit the draw down window of 30 months"),
    ],
)
def test_what_is_refused_changes_nothing(view: Explorer, name: str, value: float | str, message: str) -> None:
    view.option("draw_down")
    before, heard = dict(view.now.values), []
    view.on_change(lambda: heard.append(1))
    with pytest.raises(ts.ScenarioError, match=message):
        view.set(name, value)
    assert (dict(view.now.values), heard) == (before, [])
    assert view.table.effort_spent.iloc[-1] == pytest.approx(18)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"context": "refernce"}, "did you mean 'contexts/reference'"),
        ({"ensemble": "c7"}, "ensemble 'c7' does not exist"),
        ({"runs": 5000}, "holds 1,000"),
        ({"option": "nowhere"}, "is no shipped scenario and no file"),
        ({"definition": "wars"}, "did you mean 'war'"),
        ({"bundle": "both"}, "allowed here: role, same"),
        ({"also": ["security"]}, "no slider can set it"),
        ({"also": ["optimsm"]}, "did you mean 'optimism'"),
        ({"effort": 500}, "'PBC effort budget' is 500"),
    ],
)
def test_what_does_not_exist_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ts.TransitionSimError, match=message):
        ts.explore(sliders=False, **given)  # type: ignore[arg-type]


def test_other_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("title: s\nmodel: aid_gap\n", encoding="utf-8")
    with pytest.raises(ts.ModelError, match="which this model lacks"):
        ts.explore(tmp_path / "s.yaml", sliders=False)


def test_a_constant_in_which_worlds_differ_can_be_set_to_what_the_file_says(view: Explorer) -> None:
    hand_set = view.value("optimism")
    before = view.outcome.probability
    view.set("optimism", hand_set)
    assert view.can_undo
    assert np.ptp(view.result.constants["optimism"]) == 0
    assert not np.array_equal(view.outcome.probability, before)
    assert f"optimism: {hand_set:g}" in repr(view)


def test_every_change_is_told_against_the_pinned_setting(view: Explorer) -> None:
    view.set("relapse definition", 2)
    assert "Against the pinned setting: Relapse: a return to major war" in repr(view)
    view.set("PBC effort budget", 20)
    view.set("overload strength", 1.00001)
    said = " ".join(repr(view).split())
    assert "of a budget of 20" in said
    assert "overload strength: 1.00001 Dmnl" in said


def test_a_constant_of_the_profile_set_to_its_own_value_is_no_step(view: Explorer) -> None:
    view.set("draw down start", 48)
    assert not view.can_undo


def test_scenario_gives_the_same_run_anywhere(view: Explorer, tmp_path: Path) -> None:
    view.set("draw down start", "5 years")
    view.set("PBC throughout effort", 1 / 3)
    path = view.scenario.save(tmp_path / "mine.yaml")
    again = ts.explore(path, runs=20, sliders=False)
    assert again.outcome.probability == pytest.approx(view.outcome.probability, abs=0)
    assert again.value("PBC throughout effort") == 1 / 3
    direct = ts.explore(view.scenario, runs=20, sliders=False)
    assert direct.outcome.probability == pytest.approx(view.outcome.probability, abs=0)
    one = ts.simulate(ts.load_model(), ts.load_scenario(path), outputs=["peacekeepers deployed"])
    assert one.constants["draw down start"][0] == 60


def test_more_sliders_cover_the_plausible_range_or_the_limits() -> None:
    view = ts.explore(runs=5, sliders=False, also=["optimism", "aid_cut_share", "optimism", "draw down start"])
    added = {control.name: control for control in view.controls if control.group == "More"}
    assert set(added) == {"optimism", "aid cut share"}
    assert (added["optimism"].low, added["optimism"].high) == (0.1, 0.7)
    assert (added["aid cut share"].low, added["aid cut share"].high, added["aid cut share"].step) == (0, 1, 0.01)


def test_profiles_start_where_they_say() -> None:
    view = ts.explore("unmil_like", runs=5, sliders=False, definition="major_war", bundle="same", effort=24)
    assert (view.value("draw down rule"), view.value("PBC effort budget")) == (0.5, 24)
    said = repr(view)
    assert "Pace: between, 0.5" in said
    assert "1,000 deaths a year" in said
    assert "same bundle in every window" in " ".join(said.split())


def test_text_is_narrow_and_says_what_it_hangs_on(shared: Explorer) -> None:
    said = repr(shared)
    assert max(map(len, said.splitlines())) <= 80
    for words in ("not a forecast", "no\n  published estimate exists", "10th to 90th percentile over 60 worlds of 'c5'",
                  "Only year 20 compares equal effort", "seed 3"):  # fmt: skip
        assert words in said


def test_html_carries_the_table_and_no_markup_of_a_file(tmp_path: Path) -> None:
    text = "title: <script>alert(1)</script>\nbased_on: contexts/reference\n"
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    view = ts.explore(tmp_path / "s.yaml", runs=5, sliders=False)
    html = view._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<tr>") == 5
    assert "not a forecast" in html
    data, _ = view._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}


def test_without_anywidget_sliders_are_refused_and_a_table_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ts.TransitionSimError, match=r'pip install "transition_sim\[notebook\]"'):
        ts.explore(runs=5)
    view = ts.explore(runs=5, sliders=False)
    assert "<table>" in view._repr_html_()
    with pytest.raises(ts.TransitionSimError, match="anywidget, which is not installed"):
        _ = view.widget


def test_provenance_names_what_the_numbers_hang_on(shared: Explorer) -> None:
    told = shared.provenance
    assert told["set"]["PBC draw down effort"] == 1
    assert (told["ensemble"], told["worlds_seed"], told["runs"], told["context"]) == ("c5", 3, 60, "contexts/reference")
    assert len(told["worlds_hash"]) == len(told["model_hash"]) == 64
    assert "not a forecast" in told["note"]
