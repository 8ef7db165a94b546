"""What the guide calls things by is what the pages call them: one home for the names of buttons and headings."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from workshop_play import workshop

import transition_sim.workshop as room
from transition_sim.cli.workshop import resuming_command
from transition_sim.errors import ScenarioError
from transition_sim.study.yaml_file import plain, read_yaml
from transition_sim.workshop import language as language_module
from transition_sim.workshop.form import LANGUAGES
from transition_sim.workshop.language import NAMED, QUOTES, words
from transition_sim.workshop.printed import CATALOGUES, PARTS, print_page

FOLDER = Path(room.__file__).parent
LITERAL = {"your screen", "big screen", "go on with"}
"""What the program prints in English whatever the language; a test of the command line holds them."""
QUOTED = re.compile(r"“([^”]*)”|\"([^\"]*)\"|(?<![\w’])'([^']*)'(?!\w)|«\s*([^»]*?)\s*»")


def raw_guide() -> dict[str, list[str]]:
    tree, _ = read_yaml(FOLDER / "guide.yaml")
    return {key: texts for key, texts in plain(tree).items() if not key.startswith("review")}


def test_the_guide_quotes_nothing_by_hand_but_what_the_program_prints() -> None:
    for key, texts in raw_guide().items():
        for text in texts:
            found = {next(filter(None, each)) for each in QUOTED.findall(NAMED.sub("", text))}
            assert found <= LITERAL, key


def test_what_the_guide_names_stands_on_a_page() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "page").glob("*.js"))
    named = {match.groups()[:2] for texts in raw_guide().values() for text in texts for match in NAMED.finditer(text)}
    assert len(named) > 20
    for catalogue, key in named:
        if catalogue == "guide":
            assert f'say("{key}")' in (FOLDER / "page/print.html.j2").read_text(encoding="utf-8"), key
        else:
            assert catalogue is None
            assert f'"{key}"' in pages, key


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_printed_guide_has_the_names_as_the_pages_have_them(code: str) -> None:
    text = print_page(workshop(), 4, code, ("guide",)).replace("&#39;", "'")
    assert "[[" not in text
    named = ("make_debrief", "end", "enter_code", "enter_sheet", "commit", "withdraw", "undo_shown", "close_round")
    for key in (*named, "draw_sketch", "print_results", "before_rounds", "press_twice", "replace_team", "inject"):
        assert QUOTES[code].format(words()[key][code]) in text, key
    assert QUOTES[code].format(words()["open_round"][code].replace("{round}", "1")) in text
    assert QUOTES[code].format(words()["start_timer"][code].replace("{minutes}", "6")) in text


def test_every_language_names_the_same_things() -> None:
    for key, texts in raw_guide().items():
        english, *others = [sorted(match.group(2) for match in NAMED.finditer(text)) for text in texts]
        assert all(each == english for each in others), key


def test_a_name_that_nothing_has_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("close_round: [a, b, c]\n", encoding="utf-8")
    (tmp_path / "guide.yaml").write_text('x: ["[[close_ruond]]", b, c]\n', encoding="utf-8")
    monkeypatch.setattr(language_module, "__file__", str(tmp_path / "language.py"))
    words.cache_clear()
    try:
        with pytest.raises(ScenarioError, match="did you mean 'close_round'"):
            words("guide.yaml")
    finally:
        words.cache_clear()


@pytest.mark.parametrize("code", LANGUAGES)
def test_pages_to_print_are_titled_by_what_they_hold(code: str) -> None:
    def title(*parts: str) -> str:
        found = re.search(r"<title>(.*?)</title>", print_page(workshop(), 4, code, parts))
        assert found
        return found.group(1).replace("&#39;", "'")

    guide = words("guide.yaml")
    for part in ("guide", "cards", "sheets", "review"):
        assert title(part) == f"{guide[part][code]}{words()['colon'][code]} {workshop().title.in_(code)}"
    assert guide["cards"][code] in title("guide", "cards", "sheets")


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_printed_page_is_escaped_twice(code: str) -> None:
    text = print_page(workshop(), 4, code, PARTS)
    assert "&amp;#" not in text
    assert "&amp;" not in text


def test_the_guide_has_the_line_that_the_program_prints() -> None:
    def lines(**given: str) -> list[str]:
        text = print_page(workshop(), 4, "en", ("guide",), **given)
        box = text.split('<ol class="commands"')[1].split("</ol>")[0]
        return [html.unescape(re.sub(r"<[^>]+>", "", line)) for line in box.split("</li>")]

    usual = lines()
    assert usual[1].endswith("workshop start --scenario aid_gap --teams 4 --language en --lan")
    printed = resuming_command(Path("session.jsonl"), 8642, True)
    assert usual[2].endswith(printed[printed.index(" workshop start") :])
    assert "--log monday.jsonl --port 9000 --lan" in lines(port="9000", log="monday.jsonl")[2]


@pytest.mark.parametrize("code", LANGUAGES)
def test_sheets_set_nothing_aside_for_rounds_that_do_not_come(code: str) -> None:
    sheets = print_page(workshop(), 4, code, ("sheets",)).split('<section class="sheet one">')[1:]
    later = words("guide.yaml")["later_planned"][code]
    assert [later in sheet for sheet in sheets] == [True, True, True, False]
    assert "0, 2, 4 … 60" in sheets[0]
    assert "5, 10, 15, 20" in sheets[0]


def test_french_marks_keep_to_their_word() -> None:
    for file in CATALOGUES:
        for key, texts in words(file).items():
            assert not re.search(r" [:;?!»]|« ", texts["fr"]), key


def test_what_depends_on_a_number_has_the_forms_of_each_language() -> None:
    assert words()["close_anyway_one"]["en"] == (
        "Close although team {teams} has not committed: its country goes on as planned"
    )
    for stem in ("close_anyway", "not_counted"):
        assert {f"{stem}_{form}" for form in ("one", "two", "other")} <= set(words())
        assert len({words()[f"{stem}_{form}"]["ar"] for form in ("one", "two", "other")}) == 3
