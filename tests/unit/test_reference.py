"""The model reference: links, ids, form, what it says, untrusted text, and models that are not the shipped one."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import transition_sim as ts
from transition_sim import cli
from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model, walk
from transition_sim.model.equations import Reference as Named
from transition_sim.model.mathml import Notation, equations_mathml
from transition_sim.model.reader import load_model
from transition_sim.model.relations import common_form, elements, users, uses
from transition_sim.report.reference.cards import Addresses, marks
from transition_sim.report.reference.gather import Missing, Reference, gather
from transition_sim.report.reference.page import reference_page
from transition_sim.report.reference.parts import marked_up
from transition_sim.study import kept
from transition_sim.study.kept import kept_findings, weaknesses
from transition_sim.study.worlds import load_uncertainties

VOID = {"meta", "input", "img", "source", "br", "link", "hr"}


class Page(HTMLParser):
    """A page's ids, links, requests and tags; fails where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.places: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        assert len(told) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append(tag)
        self.ids += [told["id"]] if "id" in told else []
        self.places += [told["data-to"]] if "data-to" in told else []
        self.links += [told["href"]] if tag == "a" else []
        self.fetched += [told[name] for name in ("src", "srcset") if name in told]
        self.fetched += [told["href"]] if "href" in told and tag != "a" else []
        assert not [name for name in told if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def checked(text: str) -> Page:
    """Return a page that is well formed, whose ids are unique, whose links resolve, and that fetches nothing."""
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    inside = [link for link in page.links if link.startswith("#")]
    assert {link[1:] for link in inside} <= set(page.ids)
    assert all(link.startswith(("#", "https://doi.org/")) for link in page.links)
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.fetched)
    return page


@pytest.fixture(scope="module")
def shipped() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def quick(shipped: Model) -> str:
    """Give the page of the transition model without what takes seconds: pictures, loops, worlds."""
    none = Missing("left out by this test")
    ranges = load_uncertainties(shipped)[0]
    return reference_page(Reference(shipped, none, none, none, ranges, none, kept_findings(shipped)))


def test_its_links_resolve_and_every_variable_has_a_card(quick: str, shipped: Model) -> None:
    page = checked(quick)
    assert page.tags.count("article") == len(elements(shipped))
    assert page.tags.count("math") >= len(elements(shipped))
    asked = sum(len(used) for used in uses(shipped).values())
    assert len([link for link in page.links if link.startswith("#v-")]) == 2 * asked + len(elements(shipped))
    assert set(page.places) <= set(page.ids)
    assert len(page.places) > asked


def test_it_says_what_the_files_say(quick: str, shipped: Model) -> None:
    text = re.sub(r"\s+", " ", "".join(Page(quick).text))
    for variable in list(shipped.variables.values())[::17]:
        assert re.sub(r"\s+", " ", variable.documentation) in text
    for words in ("not a forecast", "0.5 to 1.6 (uniform)", "Sampled", "Set by scenarios", "Held fixed", "left out by"):
        assert words in text
    for line in weaknesses():
        assert all(part.strip() in text for _, part in marked_up(line))


def test_uses_and_users_are_those_of_the_equations(shipped: Model) -> None:
    used = uses(shipped)
    for base, own in elements(shipped).items():
        trees = [tree for v in own for tree in (v.expression, v.initial) if tree is not None]
        named = {node.name.split("[")[0] for tree in trees for node in walk(tree) if isinstance(node, Named)}
        assert set(used[base]) == named
        assert all(base in users(used)[name] for name in named)


def test_what_stands_for_all_elements_is_each_of_them(shipped: Model) -> None:
    found = 0
    for own in elements(shipped).values():
        common = common_form(shipped, own)
        if common is None:
            continue
        general, over = common
        (text, *more), found = equations_mathml(general, Notation()), found + 1
        for variable, member in zip(own, shipped.subscripts[over], strict=True):
            plain = equations_mathml(variable, Notation())
            turned = [part.replace(f"<mi>{over}</mi>", f"<mi>{member}</mi>") for part in (text, *more)]
            cut = [re.sub(r' alttext="[^"]*"|</?mtable[^>]*>|</?mt[rd]>|<mspace[^>]*></mspace>', "", t)
                   for t in (*plain, *turned)]  # fmt: skip
            assert [re.sub(r' form="infix"|</?mrow>', "", t) for t in cut[: len(plain)]] == [
                re.sub(r' form="infix"|</?mrow>', "", t) for t in cut[len(plain) :]
            ]
    assert found == 8


def test_elements_that_differ_are_written_out(mdl: Callable[..., Path]) -> None:
    model = load_model(mdl("r: a, b ~ ~ |", "x[a] = Time + 1", "x[b] = Time + 2", "y[r] = x[r] * x[a]"))
    own = elements(model)
    assert common_form(model, own["x"]) is None
    assert common_form(model, own["y"]) is None


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;"


def test_text_of_a_model_is_never_markup(mdl: Callable[..., Path]) -> None:
    path = mdl(
        f'"<b>level</b> $x_{{$" = INTEG("<i>in</i>", 1) ~ <u>unit</u> ~ {HOSTILE} Source: x (unchecked). |',
        '"<i>in</i>" = 0.1 * "<b>level</b> $x_{$" * "</script>" ~ ~ |',
        f'"</script>" = 2 ~ ~ {HOSTILE} |',
    )
    text = path.read_text(encoding="utf-8")
    group = "********************************************************\n\t.<s>Sector</s> & $a$\n" + "*" * 56 + "~\n\t\t"
    path.write_text(text.replace("{UTF-8}\n", f"{{UTF-8}}\n{group}<em>says</em>\n\t|\n", 1), encoding="utf-8")
    page = checked(reference_page(gather(load_model(path))))
    assert page.tags.count("script") == 1 == page.tags.count("style")
    assert {"b", "i", "u", "s", "em"} & set(page.tags) <= {"b"}
    assert page.tags.count("img") == 1
    text = "".join(page.text)
    for words in (HOSTILE, "<b>level</b> $x_{$", "<u>unit</u>", "<s>Sector</s>", "<em>says</em>", "</script>"):
        assert words in text


def test_any_model_has_a_reference(mdl: Callable[..., Path]) -> None:
    path = mdl(
        "goal = 3 ~ apples ~ |",
        "curve((0, 0), (1, 2), (2, 3)) ~ ~ |",
        "held = DELAY FIXED(curve(level), 8, 0) ~ ~ |",
        "level = INTEG(SMOOTH(goal, 2) - held + WITH LOOKUP(Time, ([(0,0)-(1,1)], (0, 0), (1, 1))), 1) ~ ~ |",
    )
    page = checked(reference_page(gather(load_model(path))))
    text = re.sub(r"\s+", " ", "".join(page.text))
    for words in ("curve", "linear between points", "(1, 2)", "and 10 more of the same kind", "table 1",
                  "A single run carries no range", "No evidence belongs", "No claims belong"):  # fmt: skip
        assert words in text


def test_what_cannot_be_made_is_said_with_its_reason(mdl: Callable[..., Path]) -> None:
    path = mdl("x = 1 / (2 - Time) ~ ~ |", "noise = RANDOM UNIFORM(0, 1, 0) + x ~ ~ |")
    text = re.sub(r"\s+", " ", "".join(checked(reference_page(gather(load_model(path)))).text))
    assert "There are no small curves" in text
    assert "'x'" in text
    assert "No loops are shown" in text


def test_an_address_is_given_once() -> None:
    given = Addresses()
    names = ["a b", "a-b", "A B", "état", "etat", "☃", "☂", "a b 2"]
    made = [given.new("v", name) for name in names]
    assert made[:2] == ["v-a-b", "v-a-b-2"]
    assert len(set(made)) == len(names)


def test_marks_are_those_of_the_documentation() -> None:
    assert marks("Length. Source: a page (unchecked). Assumption: so.") == ["Source", "Assumption", "unchecked"]
    assert marks("Definition: dates.") == ["Definition"]
    assert marks("Nothing is said.") == []


def test_kept_findings_know_when_they_are_stale(tmp_path: Path, shipped: Model) -> None:
    found = kept_findings(shipped)
    assert found.fresh
    assert len(found.claims) - 1 == len(kept.load_claims(shipped))
    text = kept.notes_path().read_text(encoding="utf-8")
    page = tmp_path / "README.md"
    for old, new in (
        ("Computed on equations `0", "Computed on equations `1"),
        ("| the risk rises", "| the risk falls"),
    ):
        page.write_text(text.replace(old, new), encoding="utf-8")
        assert not kept_findings(shipped, page).fresh
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ScenarioError, match="holds no findings; `make findings` writes them"):
        kept_findings(shipped, page)


@pytest.mark.slow
def test_the_command_writes_one_file_and_replaces_none(
    tmp_path: Path, mdl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = mdl("stock = INTEG(-stock, 1) ~ ~ |", name="mine")

    def code(*words: str) -> int:
        with pytest.raises(SystemExit) as stop:
            cli.main(["model", "doc", str(path), *words])
        return int(stop.value.code or 0)

    assert code() == 0
    first = (tmp_path / "mine-reference.html").read_bytes()
    assert "mine-reference.html" in capsys.readouterr().out
    assert code() == 3
    assert "--force replaces it" in capsys.readouterr().err
    assert code("--force") == 0
    assert (tmp_path / "mine-reference.html").read_bytes() == first
    assert code("--out", "nowhere/x.html") == 3
    assert code("--out", ".") == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine-reference.html", "mine.mdl"]


@pytest.mark.slow
def test_the_whole_page_of_the_shipped_model(shipped: Model) -> None:
    told = gather(shipped)
    page = checked(reference_page(told))
    text = re.sub(r"\s+", " ", "".join(page.text))
    missing = [part for part in vars(told).values() if isinstance(part, Missing)]
    assert missing == []
    assert page.tags.count("img") == 13 + 1
    for verdicts in told.judged.verdicts.values():
        for verdict in verdicts:
            assert verdict.target.quantity in text
            assert verdict.target.computed in text
    assert "16 % of worlds, not fitted" in text
