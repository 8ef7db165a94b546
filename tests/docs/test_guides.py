"""The guides under docs/ say what is true: commands and Python run, links resolve, generated pages are fresh."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from transition_sim import cli
from transition_sim.model.functions import supported

DOCS = Path(__file__).parents[2] / "docs"
KINDS = ("tutorial", "how-to", "reference", "background")
PAGES = sorted(page for kind in KINDS for page in (DOCS / kind).glob("*.md"))
QUICK = {"citing.md", "from-python.md"}
BLOCK = re.compile(r"(?:Save this as `(?P<save>[^`]+)`[^\n]*\n+)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def steps(page: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the blocks of a page in order: the file to save it as, its language, its text."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield found["save"] or "", found["language"], found["text"]


def commands(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("transition-sim ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def run(words: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    return int(stop.value.code or 0)


def pages_with_code() -> Iterator[Any]:
    for page in PAGES:
        if any(language in ("console", "python") for _, language, _ in steps(page)):
            yield pytest.param(page, id=name_of(page), marks=[] if page.name in QUICK else pytest.mark.slow)


@pytest.mark.parametrize("page", list(pages_with_code()))
def test_a_page_can_be_followed_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for save, language, text in steps(page):
        if save:
            (tmp_path / save).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, name_of(page), "exec"), names)  # noqa: S102 - the project's own page
            assert capsys.readouterr().out.strip() or "print(" not in text
        elif language == "console":
            for words in commands(text):
                code = run(words)
                said = capsys.readouterr()
                assert code == 0, f"{words}: {said.err}"
                assert said.out.strip()


def known_options() -> dict[str, set[str]]:
    """Return the options of every command, from the generated page."""
    parts = re.split(r"^## ", (DOCS / "reference/commands.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0]: set(re.findall(r"`(--[a-z-]+)`", part)) for part in parts[1:]}


@pytest.mark.parametrize("page", [*PAGES, DOCS / "README.md"], ids=name_of)
def test_every_command_named_exists_with_its_options(page: Path) -> None:
    known = known_options()
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^transition-sim [^\n]+", text, re.MULTILINE) + re.findall(r"`(transition-sim [^`]+)`", text)
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        if words[0].startswith("-") or "COMMAND" in words:
            continue
        name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
        assert name is not None, line
        assert {word for word in words if word.startswith("--")} <= known[name], line


def anchors(page: Path) -> set[str]:
    """Return the addresses of a page's headings, as Markdown viewers make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, DOCS / "README.md"], ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if target.startswith("http"):
            continue
        place = (page.parent / target).resolve() if target else page
        assert place.is_file(), link
        assert not anchor or anchor in anchors(place), link


def test_the_index_names_every_page() -> None:
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall((DOCS / "README.md").read_text())}
    assert set(PAGES) <= linked
    assert {page for page in DOCS.glob("*.md") if page.name != "README.md"} <= linked


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "reference/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("page", "make"), [("commands.md", "commands_page"), ("python.md", "python_page")])
def test_generated_pages_are_those_of_the_program(page: str, make: str) -> None:
    told = (DOCS / "reference" / page).read_text(encoding="utf-8")
    assert told == getattr(generator(), make)(), "run: python docs/reference/generate.py"


def test_the_generated_page_has_every_command_that_help_lists(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ("", "model", "scenario"):
        run([*group.split(), "--help"])
        listed = re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE)
        assert listed
        for name in listed:
            whole = f"{group} {name}".strip()
            assert whole in known_options() or any(known.startswith(f"{whole} ") for known in known_options())


def test_the_functions_listed_are_those_that_are_read() -> None:
    text = (DOCS / "reference/files.md").read_text(encoding="utf-8")
    listed = re.search(r"<!-- functions -->\n(.*?)\.\n<!-- end of functions -->", text, re.DOTALL)
    assert listed is not None
    assert " ".join(listed[1].split()).split(", ") == supported()


def test_withdrawn_figures_are_not_repeated() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for pattern in (r"half .{0,40}relapse", r"90 ?% of", r"85 ?% lower"):
            assert not re.search(pattern, text, re.IGNORECASE), f"{page.name}: {pattern}"


def test_both_guidelines_are_answered_item_by_item() -> None:
    text = (DOCS / "background/reporting.md").read_text(encoding="utf-8")
    for item in ("1.1", "1.2", "1.3", "1.3 a", "1.3 b", "1.3 c", "2.1", "2.2", "2.3", "2.4", "2.5", "3.1", "3.2",
                 "3.3", "3.4", "4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "6.1"):  # fmt: skip
        assert re.search(rf"^\|.*\b{re.escape(item)} [^|]+\| *\S", text, re.MULTILINE), item
    assert text.count("**Minimum.**") == 3
    assert text.count("**Preferred.**") == 3
    assert text.count("unchecked") >= 3
