"""The offline page without a browser: texts, worlds, risk, what is inside the file and what is not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from py_mini_racer import MiniRacer

import transition_sim as ts
from transition_sim import cli, lab, risk
from transition_sim.lab import page
from transition_sim.lab.catalogue import load_catalogue
from transition_sim.lab.worlds import SEED, STEPS, lab_worlds, pack_worlds
from transition_sim.model.equations import Model
from transition_sim.study.drivers import PREFIX, change_by_driver, with_drivers
from transition_sim.study.levers import lever_table
from transition_sim.web.bundle import bundle

FOLDER = Path(lab.__file__).parent
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.js"))}


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    return {name: with_drivers(ts.load_model(name)) for name in page.MODELS}


@pytest.fixture(scope="module")
def html() -> str:
    return page.build_page()


@pytest.fixture(scope="module")
def facts(html: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(element(html, "facts"))
    return found


@pytest.fixture(scope="module")
def racer(html: str) -> Iterator[MiniRacer]:
    """Give V8 with what page and workers run alike, the addresses, and a stand-in for what only browsers have."""
    with MiniRacer() as engine:
        engine.eval("const atob = (text) => given[text];")
        engine.eval(element(html, "engine"))
        engine.eval(bundle(SCRIPTS, "address.js"))
        engine.eval(bundle(SCRIPTS, "levers.js"))
        yield engine


def element(html: str, name: str) -> str:
    found = re.search(rf'<script [^>]*id="{name}"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found is not None or name == "app"
    if found is not None:
        return found.group(1)
    return re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)[0]


def asked(racer: MiniRacer, expression: str) -> Any:
    return json.loads(racer.eval(f"JSON.stringify({expression})"))


# ---- texts ----


def used_keys(facts: dict[str, Any]) -> set[str]:
    """Return every key that the page can ask for: those written out, and those made from what it shows."""
    text = "\n".join([*SCRIPTS.values(), (FOLDER / "page.html").read_text(encoding="utf-8")])
    keys = set(re.findall(r'(?:say\(|data-text=|data-label=)"([^"{]+)"', text)) | {"no_scripts", "title"}
    keys |= set(re.findall(r'"([a-z_.]+)"', text)) & set(load_catalogue().texts)
    keys |= {f"chart.{kind}" for kind in ("now", "pinned", "worlds")} | {"why.pinned", "why.before"}
    keys |= {f"panel.{name}" for name in ("hazard", "gap", "chain", "drivers")}
    keys |= {f"{head}.{each}" for head in ("headline.what", "chart.risk") for each in facts["definitions"]}
    keys |= {f"worlds.{name}" for name in facts["ensembles"]}
    reasons = ("empty", "long", "character", "mistyped", "version", "kind", "edition", "content")
    keys |= {f"code.wrong.{reason}" for reason in reasons}
    for name, model in facts["models"].items():
        keys |= {f"model.{name}", f"model.{name}.about"} | {f"driver.{each}" for each in model["drivers"]}
        keys |= model_keys(facts["panels"][name], model)
    return keys


def model_keys(panels: dict[str, Any], model: dict[str, Any]) -> set[str]:
    shown = [*panels["small"], *panels["chain"], panels["money"]["need"], panels["money"]["absorbed"]]
    keys = {f"variable.{name}" for name in shown} | {f"group.{name}" for name in panels["groups"]}
    keys |= {f"mark.{name}" for name in panels["marks"]} | ({"mark.draw_down"} if panels["window"] else set())
    units = [model["units"][name] for name in (*panels["small"], panels["money"]["need"])]
    units += [lever["unit"] for lever in model["table"]["levers"] if lever.get("unit") != "Month" and "unit" in lever]
    keys |= {f"unit.{unit}" for unit in units if unit != "Dmnl"}
    texts = load_catalogue().texts
    for lever in model["table"]["levers"]:
        keys |= {f"lever.{lever['id']}", f"lever.{lever['id']}.help"}
        for option in lever.get("options", ()):
            own = f"lever.{lever['id']}.{option['id']}"
            keys.add(own if own in texts else f"option.{option['id']}")
    for switch in model["table"]["switches"]:
        keys |= {f"lever.{switch['id']}", f"lever.{switch['id']}.help", "option.own"}
        keys |= {f"lever.{switch['id']}.{choice['id']}" for choice in switch["choices"]}
    return keys


def test_every_text_is_there_and_used(facts: dict[str, Any]) -> None:
    texts, used = set(load_catalogue().texts), used_keys(facts)
    assert sorted(used - texts) == [], "missing"
    assert sorted(texts - used) == [], "not used"


def test_texts_lacking_a_language_or_a_placeholder_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    head = "languages:\n  - {code: en, name: E, direction: ltr}\n  - {code: ar, name: A, direction: rtl}\ntexts:\n"
    file.write_text(head + "  a: {en: x}\n  b: {en: '{n} x', ar: y}\n  c: {en: x, ar: y, fr: z}\n  d: just text\n")
    with pytest.raises(ts.ScenarioError) as stop:
        load_catalogue(file)
    told = [str(fault) for fault in stop.value.faults]
    assert [re.sub(r"^.*?yaml", "", text) for text in told] == [
        ":5: 'a': lacks ar",
        ":6: 'b': ar has {}, en has {n}",
        ":7: 'c': 'fr' is no language of this catalogue",
        ":8: 'd': needs a text for each of en, ar",
    ]


def test_english_names_are_those_of_the_models(models: dict[str, Model]) -> None:
    catalogue = load_catalogue()
    for key in catalogue.texts:
        if key.startswith("variable."):
            name = catalogue.text(key)
            assert key == f"variable.{name}"
            assert any(name in model for model in models.values())


def test_no_text_promises_a_forecast_or_repeats_withdrawn_figures() -> None:
    catalogue = load_catalogue()
    assert "not a forecast" in catalogue.text("caution")
    assert "assumption" in catalogue.text("caution")
    everything = " ".join(text for texts in catalogue.texts.values() for text in texts)
    assert not re.search(r"half .{0,40}relapse|90 ?% of|85 ?% lower", everything)


@pytest.mark.parametrize("name", page.MODELS)
def test_every_lever_stands_under_one_heading(name: str, facts: dict[str, Any]) -> None:
    panels = facts["panels"][name]
    placed = [lever for group in panels["groups"].values() for lever in group]
    table = lever_table(name)
    assert sorted(placed) == sorted(each.id for each in (*table.levers, *table.switches))
    assert set(panels["open"]) <= set(panels["groups"])


# ---- worlds ----


@pytest.mark.parametrize("ensemble", ["c5", "c6"])
def test_packed_worlds_are_the_worlds_of_the_rule_to_a_step(models: dict[str, Model], ensemble: str) -> None:
    owner = models["transition"]
    packed = pack_worlds(owner, ensemble)
    exact = ts.draw_worlds(owner, ensemble, 200, SEED).columns
    for name, column in packed.columns().items():
        assert np.abs(column - exact[name]).max() <= np.ptp(exact[name]) / STEPS * 0.5001
    own = lab_worlds(owner, owner, packed)
    both = [ts.simulate(owner, constants=c, outputs=["cumulative relapse hazard"], save_every=60) for c in (own, exact)]
    year20 = [risk.probability(result)[-1] for result in both]
    assert np.abs(year20[0] - year20[1]).max() < 1e-4


def test_borrowed_worlds_keep_proportions_inside_the_limits(models: dict[str, Model]) -> None:
    small, owner = models["aid_gap"], models["transition"]
    packed = pack_worlds(owner, "c5")
    borrowed = lab_worlds(small, owner, packed)
    assert len(borrowed) == 10
    assert "pledges kept" not in borrowed
    name = "delivery time"
    ratio = borrowed[name] / small.find(name).value
    assert ratio == pytest.approx(packed.columns()[name] / owner.find(name).value)
    assert borrowed["weight of weak state"].max() == small.find("weight of weak state").limits[1]


@pytest.mark.parametrize("name", page.MODELS)
def test_page_unpacks_the_same_worlds(name: str, models: dict[str, Model], racer: MiniRacer) -> None:
    packed = pack_worlds(models["transition"], "c6")
    data = packed.data()
    steps = data.pop("steps")
    racer.eval(f"var given = {{ it: String.fromCharCode(...{json.dumps(list(base64.b64decode(steps)))}) }};")
    racer.eval(f"var packed = {json.dumps(data | {'steps': 'it'})};")
    theirs = asked(
        racer,
        f'Object.fromEntries([...module_worlds.unpack(packed, "{name}", "transition")].map(([n, c]) => [n, [...c]]))',
    )
    ours = lab_worlds(models[name], models["transition"], packed)
    assert list(theirs) == list(ours)
    for constant, column in ours.items():
        assert theirs[constant] == column.tolist()


# ---- risk ----


def test_page_averages_frailty_and_takes_quantiles_as_python_does(racer: MiniRacer, facts: dict[str, Any]) -> None:
    racer.eval(f"const rule = {json.dumps(facts['rule'])};")
    hazards = np.array([0.0, 1e-4, 0.2, 3.0])
    for spread in (0.0, 0.2, 2.9):
        theirs = asked(racer, f"[...module_risk.probability({hazards.tolist()}, {spread}, rule)]")
        assert theirs == pytest.approx(risk.frailty_average(hazards, np.array(spread)), abs=1e-12)
    values = np.random.default_rng(1).random(200)
    theirs = asked(racer, f"module_risk.quantiles(Float64Array.from({values.tolist()}), [0.1, 0.5, 0.9])")
    assert theirs == pytest.approx(np.quantile(values, [0.1, 0.5, 0.9]), abs=1e-15)


def test_page_takes_bands_as_python_does_whatever_order_the_runs_are_in(racer: MiniRacer) -> None:
    random = np.random.default_rng(2)
    smooth = random.random(50) + 0.01 * random.normal(size=(20, 50)).cumsum(axis=0)
    table = np.vstack([smooth, random.random((5, 50)), smooth[::-1], np.ones((1, 50)), random.integers(0, 3, (3, 50))])
    theirs = asked(
        racer,
        f"module_risk.bands(Float64Array.from({table.ravel().tolist()}), 50, [0.1, 0.5, 0.9]).map((row) => [...row])",
    )
    assert np.array(theirs) == pytest.approx(np.quantile(table, [0.1, 0.5, 0.9], axis=1), abs=1e-15)


@pytest.mark.parametrize("definition", [0, 2])
def test_page_splits_a_change_of_risk_as_python_does(
    definition: int, racer: MiniRacer, models: dict[str, Model], facts: dict[str, Any]
) -> None:
    model = models["transition"]
    names = [PREFIX + name for name in facts["models"]["transition"]["drivers"]]
    lines = []
    for start in (48, 72):
        constants = {"draw down start": start, "relapse definition": definition}
        lines.append(ts.simulate(model, constants=constants, method="rk4", save_every=1))
    told = [
        {"hazard": r["relapse hazard"][:, 0].tolist(), "cumulative": r["cumulative relapse hazard"][:, 0].tolist(),
         "parts": [r[name][:, 0].tolist() for name in names]}
        for r in lines
    ]  # fmt: skip
    rule, spread = json.dumps(facts["rule"]), float(lines[0]["frailty log standard deviation"][0, 0])
    time, at = lines[0].time.tolist(), [risk.time_index(lines[0], t) for t in (0, 120)]
    theirs = asked(
        racer, f"module_risk.changeByDriver(...{json.dumps(told)}, {time}, {at[0]}, {at[1]}, {spread}, {rule})"
    )
    assert theirs == pytest.approx(list(change_by_driver(*lines, 10).values()), rel=1e-9, abs=1e-12)


# ---- levers and addresses ----


def test_a_profile_takes_along_what_stood_by_itself_and_budgets_give_way(
    racer: MiniRacer, facts: dict[str, Any]
) -> None:
    table = facts["models"]["transition"]["table"]
    racer.eval(f"const table = {json.dumps(table)};")
    ours = lever_table("transition")
    at = {lever.id: i for i, lever in enumerate(ours.levers)}
    moved = ours.usual()
    moved[at["draw_down_start"]] = 60
    changed = asked(racer, f"module_levers.moved(table, {moved}, 0, 3)")
    assert changed == [*ours.usual(3)[:1], 60, *ours.usual(3)[2:]]
    full = ours.usual()
    full[at["effort_mission_start"]], full[at["effort_throughout"]] = 8, 4
    after = asked(racer, f"module_levers.moved(table, {full}, {at['effort_draw_down']}, 6)")
    assert ours.faults(after) == []
    shares = [after[at[f"effort_{name}"]] for name in ("mission_start", "draw_down", "throughout")]
    assert shares == [4, 6, 2]


def test_the_aid_cliff_is_where_the_mission_leaves_and_follows_it(racer: MiniRacer, facts: dict[str, Any]) -> None:
    table = facts["models"]["transition"]["table"]
    racer.eval(f"var cliffs = {json.dumps(table)};")
    ours = lever_table("transition")
    at = {lever.id: i for i, lever in enumerate(ours.levers)}

    def settings(state: list[int]) -> tuple[float, ...]:
        assert ours.faults(state) == []
        found = ours.settings(state)
        return tuple(found[name] for name in ("draw down start", "draw down duration", "aid cut share", "aid cut date"))

    def moved(state: list[int], lever: str, index: int) -> list[int]:
        return list(asked(racer, f"module_levers.moved(cliffs, {state}, {at[lever]}, {index})"))

    def choice(state: list[int]) -> int:
        return int(asked(racer, f"module_levers.choiceOf(cliffs, {state}, cliffs.switches[0])"))

    usual = ours.usual()
    early = moved(usual, "draw_down_start", 20)
    assert (choice(usual), choice(early), settings(early)[2:]) == (0, 0, (0, 72))
    cliff = asked(racer, f"module_levers.switched(cliffs, {early}, cliffs.switches[0].choices[1])")
    assert (choice(cliff), settings(cliff)) == (1, (20, 24, 0.5, 44))
    later = moved(moved(cliff, "draw_down_start", 60), "draw_down_duration", 30)
    assert (choice(later), settings(later)) == (1, (60, 42, 0.5, 102))
    elsewhere = moved(later, "profile", [option.id for option in ours.levers[0].options].index("unmiset_like"))
    assert (choice(elsewhere), settings(elsewhere)) == (1, (60, 42, 0.5, 102))
    longest = moved(moved(cliff, "draw_down_start", 120), "draw_down_duration", 114)
    assert (choice(longest), settings(longest)) == (1, (120, 126, 0.5, 180)), "the lever of the date ends there"
    own = moved(later, "aid_cut_share", 3)
    assert (choice(own), settings(moved(own, "draw_down_start", 10))) == (-1, (10, 42, 0.15, 102))
    back = asked(racer, f"module_levers.switched(cliffs, {own}, cliffs.switches[0].choices[0])")
    assert (choice(back), settings(back)[2]) == (0, 0)


def aid_after_exit(name: str, choice: str, exit_: int) -> tuple[float, float]:
    """Return aid paid at the exit and five years later under a choice of the model's first switch."""
    table = lever_table(name)
    state = table.usual()
    for i, lever in enumerate(table.levers):
        step = table.switches[0].choices[choice].get(lever.id)
        state[i] = step if isinstance(step, int) else state[i]  # the cut is where the mission has left by itself
    how = {"outputs": ["aid disbursement"], "method": "rk4", "save_every": 12}
    result = ts.simulate(table.model, constants=table.settings(state), **how)
    now, later = (float(result["aid disbursement"][risk.time_index(result, exit_ + more), 0]) for more in (0, 60))
    return now, later


def test_what_the_aid_cliff_does_to_aid() -> None:
    """Small model: aid falls to two fifths or loses a quarter. Full: to two fifths by itself, to a quarter."""
    falls, lasts = (aid_after_exit("aid_gap", choice, 48) for choice in ("falls", "lasts"))
    assert falls[1] / falls[0] < 0.45
    assert lasts[1] / lasts[0] > 0.7
    none, cliff = (aid_after_exit("transition", choice, 72) for choice in ("none", "with_mission"))
    assert none[0] == cliff[0]
    assert cliff[1] / cliff[0] < 0.3
    assert 0.35 < none[1] / none[0] < 0.5, "attention fades by itself"


@pytest.mark.parametrize(
    ("hash_", "found"),
    [
        ("#code=1T55-5J1D&language=fr&worlds=c6&pinned=1G4A", {"code": "1T55-5J1D", "language": "fr", "worlds": "c6",
                                                                "pinned": "1G4A"}),
        ("#code=<img src=x onerror=alert(1)>&language=en", {"language": "en"}),
        ("#code=%3Cscript%3E&worlds=c7&language=xyz", {}),
        ("#constructor=1&__proto__=2&toString=3&code", {}),
        ("#code=" + "A" * 100_000, {}),
        ("", {}),
    ],
)  # fmt: skip
def test_an_address_gives_what_is_well_formed_alone(racer: MiniRacer, hash_: str, found: dict[str, str]) -> None:
    assert asked(racer, f"module_address.readAddress({json.dumps(hash_)})") == found


# ---- the file ----


def test_the_page_is_one_small_file_that_names_no_other_host(html: str) -> None:
    assert len(html.encode()) < page.MAX_BYTES
    assert not re.search(r'\b(?:src|href)="(?!data:,"|#)', html)
    hosts = set(re.findall(r"https?://([\w.-]+)", html))
    assert hosts == {"www.w3.org"}, "the name of SVG, which nobody asks for anything"


def test_the_policy_allows_these_scripts_and_no_others(html: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    text = policy.group(1).replace("&#39;", "'")
    assert text.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in text
    hashes = re.findall(r"'sha256-([^']+)'", text)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    parts = [element(html, "engine"), element(html, "app"), style.group(1)]
    assert hashes == [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts]


def test_scripts_never_make_markup_or_code_out_of_text() -> None:
    for name, text in SCRIPTS.items():
        found = re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\(", text)
        assert found == [], name


def test_scripts_name_no_variable_of_a_model(models: dict[str, Model]) -> None:
    names = {name for model in models.values() for name in model.names() if " " in name and "[" not in name}
    for name, text in SCRIPTS.items():
        found = [each for each in names if each in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)]
        assert found == [], name


def test_texts_that_would_end_a_script_are_refused() -> None:
    with pytest.raises(ts.ModelError, match="would end it"):
        page._plain("const a = '</script>';")
    assert page.data_text({"a": "</script><!--"}) == '{"a":"\\u003c/script>\\u003c!--"}'


def test_command_writes_the_page_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, html: str
) -> None:
    monkeypatch.chdir(tmp_path)
    codes = []
    for words in (["lab"], ["lab"], ["lab", "--force", "--quiet"], ["lab", "--out", "no/such.html"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(words)
        codes.append(stop.value.code or 0)
    captured = capsys.readouterr()
    assert codes == [0, 3, 0, 3]
    assert (tmp_path / "lab.html").read_text(encoding="utf-8") == html
    assert "exists already; --force replaces it" in captured.err
    assert "in a folder that exists" in captured.err


def test_the_guide_says_what_is_true() -> None:
    guide = FOLDER.parents[2] / "docs/how-to/offline-page.md"
    text = guide.read_text(encoding="utf-8")
    for code in re.findall(r"`(1[GT][0-9A-Z]{2}-[0-9A-Z-]+)`", text):
        assert ts.load_code(code).settings
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (guide.parent / target).is_file(), target
    assert not re.search(r"half .{0,40}relapse|90 ?% of|85 ?% lower", text)
