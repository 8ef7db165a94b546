"""README.md says what is true: its Python runs, its commands exist, its files are there."""

import re
import shlex
from pathlib import Path

import pytest

from transition_sim import cli

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
HEAVY = (["model", "doc"], ["model", "evidence"])


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"))
def test_readme_python_block_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, str(README), "exec"), {})  # noqa: S102 - the project's own page
    assert capsys.readouterr().out.strip()


def commands() -> list[list[str]]:
    found = re.findall(r"`transition-sim ([^`]+)`", TEXT)
    return [shlex.split(text) for text in found if not re.search(r"FILE|DIR|CODE|your\.", text)]


def marked(words: list[str]) -> object:
    return pytest.param(words, marks=pytest.mark.slow if words[:2] in HEAVY else (), id=" ".join(words))


@pytest.mark.parametrize("words", [marked(words) for words in commands()])
def test_readme_command_is_accepted(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if words[0] in ("compare", "timing"):
        words = [*words, "--runs", "8", "--quiet"]
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    captured = capsys.readouterr()
    assert stop.value.code in (0, None), captured.err
    assert captured.out.strip()


def test_plain_pip_runs_the_same_comparison_as_make() -> None:
    makefile = (README.parent / "Makefile").read_text()
    given = dict(re.findall(r"^(\w+) \?= (\w+)$", makefile, re.M))
    made = re.search(r"transition-sim (compare .*) --force$", makefile, re.M)
    assert made is not None
    words = re.sub(r"\$\((\w+)\)", lambda found: given[found[1]], made[1])
    assert f".venv/bin/transition-sim {words}\n" in TEXT


def test_readme_links_are_files() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (README.parent / target).is_file(), target


def test_readme_promises_the_make_targets() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_does_not_repeat_withdrawn_figures() -> None:
    withdrawn = (r"half .{0,40}relapse", r"90 ?% of", r"85 ?% lower")
    pages = [README, *README.parent.glob("models/*.md"), *README.parent.glob("docs/*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for pattern in withdrawn:
            assert not re.search(pattern, text, re.IGNORECASE), f"{page.name}: {pattern}"
