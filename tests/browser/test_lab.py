"""The offline page in a real Chromium: it asks no host, fits, is accessible, and has the numbers of Python."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agreement import AGREED, largest_differences
from moving import choose, settled, to

import transition_sim as ts
from transition_sim import cli, risk
from transition_sim.lab import page
from transition_sim.lab.catalogue import load_catalogue
from transition_sim.lab.worlds import lab_worlds, pack_worlds
from transition_sim.study.codes import code_of_state, load_code, run_code
from transition_sim.study.levers import lever_table

Go = Callable[..., Any]


def texts(tab: Any) -> dict[str, str]:
    return {name: tab.inner_text(f"#{name}") for name in ("what", "range", "own", "code", "why", "why-worlds")}


# ---- every language, every width ----


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_page_is_quiet_fits_and_is_accessible(open_lab: Go, language: str, width: int) -> None:
    seen = open_lab(f"#language={language}", width)
    tab = seen.page
    assert tab.get_attribute("html", "lang") == language
    assert tab.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
    for model in page.MODELS:
        choose(tab, model)
        tab.click("#pin")
        to(tab, "draw_down_start", 20)
        tab.locator("#risk").focus()
        tab.keyboard.press("PageUp")
        seen.picture(f"lab-{model}-{language}-{width}")
        tab.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        tab.locator(".help").first.click()
        seen.assert_fits()
        assert "{" not in tab.inner_text("body")
        assert tab.inner_text(".caution") == load_catalogue().text("caution", language)
        seen.assert_accessible()
        small = tab.evaluate(
            """() => [...document.querySelectorAll('button, select, input, summary')].filter(e => e.offsetParent
            && e.getBoundingClientRect().height < 44).map(e => e.outerHTML.slice(0, 90))"""
        )
        assert small == [], "targets lower than 44 px"
        tab.click("#pin")
    seen.assert_quiet()


# ---- the same numbers ----


@pytest.mark.parametrize("name", page.MODELS)
def test_page_and_python_agree_on_200_random_settings(open_lab: Go, name: str) -> None:
    assert largest_differences(name, 200, open_lab().page.evaluate) == {}


def saved_table(tab: Any) -> tuple[list[str], list[dict[str, str]]]:
    """Return the notes and the rows of the table that the page saves."""
    with tab.expect_download() as waiting:
        tab.click("#save-table")
    lines = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()
    notes = [line for line in lines if line.startswith(("#", '"#'))]
    return notes, list(csv.DictReader(lines[len(notes) :]))


@pytest.mark.parametrize(("name", "state_of"), [("aid_gap", {"pledges_kept": 8, "bridging": 11}),
                                                ("transition", {"profile": 3, "effort_late_transition": 6,
                                                                "aid_cut_share": 10, "saturation": 2})])  # fmt: skip
def test_a_code_from_python_gives_the_same_numbers_in_the_page_and_back(
    open_lab: Go, name: str, state_of: dict[str, int]
) -> None:
    table = lever_table(name)
    state = table.usual(state_of.get("profile", 0))
    for lever, index in state_of.items():
        state[[each.id for each in table.levers].index(lever)] = index
    code = code_of_state(table, state)
    seen = open_lab()
    tab = seen.page
    tab.fill("#code-in", code.lower().replace("-", " "))
    tab.click("#code-form button")
    settled(tab)
    assert tab.inner_text("#code") == code
    notes, rows = saved_table(tab)
    assert load_catalogue().text("caution") in notes[0]
    assert code in notes[1]
    ours = run_code(code, save_every=1, backend="numpy", outputs="all")
    for output in ("aid gap", "state capacity", "relapse hazard"):
        column = np.array([float(row[f"{output} ({ours.units[output]})"]) for row in rows])
        assert np.abs(column - ours[output][:, 0]).max() <= AGREED * np.abs(ours[output]).max()
    check_bands(name, code, rows)
    seen.assert_quiet()


def test_a_run_goes_from_the_command_line_to_the_page_and_back(
    open_lab: Go, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def command(*words: str) -> str:
        with pytest.raises(SystemExit) as stop:
            cli.main(words)
        assert stop.value.code in (0, None)
        return capsys.readouterr().out

    alone = ("--ensemble", "none")
    set_ = ("--set", "draw down start=5 years", "--set", "aid cut share=0.5")
    code = json.loads(command("run", "entry_points/late_transition", *set_, *alone, "--json"))["code"]
    tab = open_lab().page
    tab.fill("#code-in", code)
    tab.keyboard.press("Enter")
    settled(tab)
    assert tab.inner_text("output[for=lever-draw_down_start]") == "5 years"
    _, theirs = saved_table(tab)
    command("run", "--code", tab.inner_text("#code"), *alone, "--out", str(tmp_path))
    with (tmp_path / "trajectories.csv").open(encoding="utf-8") as file:
        ours = list(csv.DictReader(file))
    assert len(ours) == len(theirs) == 253
    shared = [name for name in theirs[0] if name and (own := name.rsplit(" (", 1)[0]) in ours[0] and own != "time"]
    assert len(shared) > 20
    for name in shared:
        page_, line = (np.array([float(row[key]) for row in rows]) for key, rows in
                       ((name, theirs), (name.rsplit(" (", 1)[0], ours)))  # fmt: skip
        assert np.abs(page_ - line).max() <= AGREED * max(np.abs(line).max(), 1e-12), name


def check_bands(name: str, code: str, rows: list[dict[str, str]]) -> None:
    """Hold the saved band against Python's, over the same worlds."""
    model, owner = ts.load_model(name), ts.load_model("transition")
    scenario = load_code(code)
    worlds = lab_worlds(model, owner, pack_worlds(owner, "c5"))
    free = {key: column for key, column in worlds.items() if key not in scenario.settings}
    wanted = ["cumulative relapse hazard", "state capacity"]
    result = ts.simulate(model, scenario, constants=free, outputs=wanted, save_every=3, backend="numpy")
    spread = risk.SPREAD in model
    risks = risk.probability(result) if spread else -np.expm1(-result["cumulative relapse hazard"])
    for column, values in (("risk of relapse over frailty", risks), ("state capacity", result["state capacity"])):
        for level, share in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
            told = [row[f"{column}: {level} over worlds"] for row in rows]
            found = np.array([float(text) for text in told if text])
            assert found == pytest.approx(np.quantile(values, share, axis=1), rel=1e-9, abs=1e-12)


# ---- what a reader does ----


def test_undo_redo_reset_and_pin(open_lab: Go) -> None:
    seen = open_lab()
    tab = seen.page
    first = texts(tab)
    assert tab.is_disabled("#undo")
    tab.click("#pin")
    to(tab, "pledges_kept", 6)
    second = texts(tab)
    assert second["code"] != first["code"]
    assert second["why-worlds"].startswith("Against the pinned run, the risk changes by")
    assert "aid gap" in second["why"]
    assert tab.locator("#table thead th").count() == 4
    tab.keyboard.press("Control+z")
    settled(tab)
    assert texts(tab)["code"] == first["code"]
    tab.click("#redo")
    settled(tab)
    assert texts(tab)["code"] == second["code"]
    tab.click("#reset")
    settled(tab)
    assert texts(tab)["code"] == first["code"]
    tab.click("#pin")
    settled(tab)
    assert tab.locator("#table thead th").count() == 2
    seen.assert_quiet()


def test_the_switch_of_the_aid_cliff_moves_its_levers_and_says_where_they_stand(open_lab: Go) -> None:
    seen = open_lab()
    tab = seen.page

    def held(switch: str) -> str:
        tab.locator("summary", has_text="Contested assumptions").evaluate("each => { each.parentNode.open = true; }")
        return str(tab.inner_text(f"label:has([name=lever-{switch}]:checked)"))

    assert held("attention_cliff") == "fall off"
    tab.locator("[name=lever-attention_cliff][value='1']").check()
    settled(tab)
    assert tab.inner_text("output[for=lever-bridging]") == "65%"
    assert tab.inner_text("#why-worlds").startswith("Against the setting before, the risk changes by")
    to(tab, "bridging", 8)
    assert held("attention_cliff") == "as the levers stand"
    choose(tab, "transition")
    assert held("aid_cliff") == "cut nothing"
    tab.locator("[name=lever-aid_cliff][value='1']").check()
    to(tab, "draw_down_start", 60)
    assert (held("aid_cliff"), tab.input_value("#lever-aid_cut_date")) == ("halve pledges", "84")
    again = open_lab(tab.evaluate("location.hash")).page
    assert again.input_value("#lever-aid_cut_date") == "84"
    assert again.is_checked("[name=lever-aid_cliff][value='1']")
    tab.click("#undo")
    tab.click("#undo")
    settled(tab)
    assert held("aid_cliff") == "cut nothing"
    seen.assert_quiet()


def test_why_names_the_drivers_that_python_names(open_lab: Go) -> None:
    seen = open_lab()
    tab = seen.page
    choose(tab, "transition")
    to(tab, "draw_down_start", 24)
    model = ts.load_model()
    from transition_sim.study.drivers import change_by_driver

    how = {"method": "rk4", "save_every": 1, "outputs": "all"}
    before, after = (ts.simulate(model, constants={"draw down start": s}, **how) for s in (48, 24))
    parts = change_by_driver(before, after, 20)
    most = max(parts, key=lambda name: abs(parts[name]))
    assert most == "mission"
    assert f"{load_catalogue().text('driver.mission')} (+{100 * parts['mission']:.1f})" in tab.inner_text("#why")


def test_another_definition_of_relapse_is_not_set_against_the_first(open_lab: Go) -> None:
    tab = open_lab().page
    choose(tab, "transition")
    tab.locator("summary", has_text="Contested assumptions").click()
    tab.locator("[name=lever-relapse_definition][value='1']").check()
    settled(tab)
    assert "armed conflict" in tab.inner_text("#what")
    assert "cannot be set against each other" in tab.inner_text("#why")
    assert tab.inner_text("#why-worlds") == ""


def test_a_link_opens_the_same_state_with_what_it_is_compared_with(open_lab: Go) -> None:
    tab = open_lab("#language=fr").page
    choose(tab, "transition")
    tab.click("#pin")
    tab.locator("[name=ensemble][value=c6]").check()
    to(tab, "effort_mission_start", 12)
    address = tab.evaluate("location.hash")
    again = open_lab(address)
    assert texts(again.page) == texts(tab)
    assert again.page.inner_text("#table") == tab.inner_text("#table")
    assert again.page.get_attribute("#pin", "aria-pressed") == "true"
    again.assert_quiet()


def test_turning_a_device_and_changing_models_leaves_one_chart_with_one_cursor(open_lab: Go) -> None:
    seen = open_lab()
    tab = seen.page

    def reading() -> tuple[str, int]:
        box = tab.locator("#risk").bounding_box()
        tab.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
        return tab.get_attribute("#risk", "aria-valuenow"), tab.locator("#risk .ts-cursor").count()

    first = reading()
    for model in ("transition", "aid_gap"):
        choose(tab, model)
    assert reading() == first
    assert first[1] == 1
    tab.set_viewport_size({"width": 360, "height": 740})
    settled(tab)
    seen.assert_fits()
    tab.wait_for_function("() => document.querySelectorAll('#risk .ts-label').length === 0")
    tab.set_viewport_size({"width": 1280, "height": 800})
    settled(tab)
    tab.locator("#risk .ts-label").first.wait_for()
    assert reading() == first
    seen.assert_quiet()


HOSTILE = (
    "<img src=x onerror=alert(1)>", "javascript:alert(1)", "';alert(1)//", "1G4A<script>alert(1)</script>",
    "\u202e1G4A",
    "A" * 500, "1G4A-" * 30, "../../../etc/passwd", "{{7*7}}", "%00", "1T00-0000",
)  # fmt: skip


def test_hostile_codes_and_links_change_nothing_and_run_nothing(open_lab: Go) -> None:
    seen = open_lab()
    tab = seen.page
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    to(tab, "pledges_kept", 6)
    before, undo = texts(tab), tab.is_disabled("#undo")
    nodes = tab.evaluate("document.querySelectorAll('script, img, iframe').length")
    for text in HOSTILE:
        tab.fill("#code-in", text)
        tab.click("#code-form button")
        assert "Nothing was changed" in tab.inner_text("#notice"), text
        tab.evaluate("(text) => { location.hash = `#code=${text}&pinned=${text}&language=${text}`; }", text)
        tab.wait_for_timeout(20)  # the browser tells of a new address a moment later
        settled(tab)
    assert texts(tab) == before
    assert tab.is_disabled("#undo") == undo
    assert dialogs == []
    assert tab.evaluate("document.querySelectorAll('script, img, iframe').length") == nodes
    seen.assert_quiet()


def test_a_slip_in_a_code_is_named_with_what_was_meant(open_lab: Go) -> None:
    tab = open_lab().page
    to(tab, "pledges_kept", 6)
    code = tab.inner_text("#code")
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    tab.click("#reset")
    tab.fill("#code-in", slip)
    tab.click("#code-form button")
    assert f"Did you mean {code}?" in tab.inner_text("#notice")


def test_without_workers_the_numbers_are_the_same(open_lab: Go, visit: Go, lab_file: Path) -> None:
    tab = open_lab().page
    to(tab, "draw_down_start", 20)
    other = visit(lab_file)
    other.page.add_init_script("window.Worker = undefined;")
    other.page.reload()
    settled(other.page)
    to(other.page, "draw_down_start", 20)
    assert texts(other.page) == texts(tab)
    other.assert_quiet()


def test_keyboard_reads_the_chart_and_the_summary_speaks(open_lab: Go) -> None:
    tab = open_lab().page
    tab.locator("#risk").focus()
    for key in ("Home", "PageUp", "PageUp", "ArrowRight"):
        tab.keyboard.press(key)
    assert tab.get_attribute("#risk", "aria-valuenow") == "27"
    assert "in 100" in tab.get_attribute("#risk", "aria-valuetext")
    tab.locator("#lever-pledges_kept").focus()
    tab.keyboard.press("ArrowLeft")
    settled(tab)
    tab.wait_for_timeout(900)
    spoken = tab.inner_text("#live")
    assert tab.inner_text("#range") in spoken
    assert "Against the setting before" in spoken


def test_pictures_and_print_hold_the_caution(open_lab: Go, tmp_path: Path) -> None:
    seen = open_lab("#language=ar")
    tab = seen.page
    with tab.expect_download() as waiting:
        tab.click("#save-picture")
    data = Path(waiting.value.path()).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 20_000
    (seen.picture("lab-printed-picture").parent / "lab-saved-picture.png").write_bytes(data)
    to(tab, "pledges_kept", 6)
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 700, "height": 1000})
    settled(tab)
    assert load_catalogue().text("lever.pledges_kept", "ar") in tab.inner_text("#settings")
    assert load_catalogue().text("caution", "ar") in tab.inner_text("#settings")
    assert tab.locator(".caution").is_visible()
    page_, stage = (tab.locator(part).bounding_box() for part in ("main", ".stage"))
    assert (stage["x"], stage["width"]) == (page_["x"], page_["width"]), "the first chart is cut off"
    assert tab.locator("#controls input[type=range]").first.is_hidden()
    seen.picture("lab-print")
    seen.assert_quiet()


def test_reduced_motion_and_no_script_are_honoured(visit: Go, lab_file: Path) -> None:
    seen = visit(lab_file, reduced_motion="reduce")
    settled(seen.page)
    moving = seen.page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert moving == 0
    plain = visit(lab_file, java_script_enabled=False)
    assert json.dumps("JavaScript")[1:-1] in plain.page.inner_text("noscript")
