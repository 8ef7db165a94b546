"""The report: one file that asks nobody for anything, sound HTML, honest words, and text that stays text."""

from __future__ import annotations

import dataclasses
import io
import re
import shlex
import statistics
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

import transition_sim as ts
from transition_sim import cli, figures
from transition_sim.figures import Drawing
from transition_sim.figures.comparison import parts
from transition_sim.report import document_of
from transition_sim.report.comparison import comparison_document
from transition_sim.report.document import (
    Bullets,
    Code,
    Column,
    Document,
    Figure,
    Paragraph,
    Range,
    Reference,
    References,
    Section,
    Table,
    shown,
)
from transition_sim.report.page import doi_link, inline, page
from transition_sim.report.paper import drawable, paper
from transition_sim.report.repeat import command_of
from transition_sim.report.workbook import workbook
from transition_sim.study.basis import Cited, Given
from transition_sim.study.outcomes import Comparison

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = (
    "<script>alert(1)</script>", "=HYPERLINK(\"http://evil.example\")", "+1", "-1", "@SUM(A1)", "#panic(\"x\")",
    "$#sys.inputs$", "*bold* _it_ `raw` #link(\"http://evil.example\")[x]", "\\frac{a}{b} $\\sqrt{$",
    "{{ 7*7 }}{% if %}",
    "]]></svg><img src=x onerror=alert(1)>", "' onload='x", '" id="main', "&lt;b&gt; &amp;", "\u202eabc\u2069",
    "名前 \U0001f4a3 \u0627\u0644\u0639\u0631\u0628\u064a\u0629", "bell\x07 null\x00 esc\x1b", "\ud800", "x" * 300,
)  # fmt: skip


class Page(HTMLParser):
    """Checks that tags nest, and collects identifiers, addresses and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.references: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]], closed: bool = False) -> None:
        self.tags.append(tag)
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "src", "xlink:href", "srcset", "action", "data", "poster"):
                self.links.append((tag, name, value or ""))
            elif name.startswith("on"):
                self.scripts.append((tag, name))
            if name in ("aria-labelledby", "aria-describedby"):
                self.references.append(value or "")
            self.references += re.findall(r"url\(#([^)]+)\)", value or "")
        if tag not in VOID and not closed:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs, closed=True)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("compared")
    ts.save_comparison(ts.compare(context="unmil_like", runs=6, seed=1, effort=12), place)
    return place


@pytest.fixture(scope="module")
def done(folder: Path) -> Comparison:
    return ts.load_comparison(folder)


@pytest.fixture(scope="module")
def document(done: Comparison) -> Document:
    return comparison_document(done, figures.pictures(done))


@pytest.fixture(scope="module")
def html(document: Document) -> str:
    return page(document)


@pytest.fixture(scope="module")
def parsed(html: str) -> Page:
    return Page(html)


def test_page_is_sound_and_its_identifiers_are_its_own(html: str, parsed: Page) -> None:
    assert html.startswith("<!doctype html>")
    assert '<html lang="en">' in html
    assert len(parsed.ids) > 100
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert set(parsed.references) <= set(parsed.ids)
    inside = {value[1:] for _, _, value in parsed.links if value.startswith("#")}
    assert inside <= set(parsed.ids)
    assert parsed.tags.count("h1") == parsed.tags.count("main") == parsed.tags.count("title") - 12
    assert parsed.tags.count("figure") == 6


def test_page_asks_nobody_for_anything(html: str, parsed: Page) -> None:
    outside = [(tag, name, value) for tag, name, value in parsed.links if not value.startswith("#")]
    assert outside
    for tag, name, value in outside:  # links that a reader may follow, and nothing that is fetched
        assert (tag, name) == ("a", "href")
        assert re.fullmatch(r"https://doi\.org/10\.\d{4,9}/\S+", value)
    assert not {"script", "link", "img", "iframe", "object", "embed", "image"} & set(parsed.tags)
    assert parsed.scripts == []
    assert "@import" not in html
    assert "default-src 'none'" in html
    assert re.findall(r"url\((?!#)", html) == []


def test_every_figure_is_named_described_and_has_its_numbers(html: str, document: Document, parsed: Page) -> None:
    found = [block for block in document.walk() if isinstance(block, Figure)]
    assert len(found) == 6
    for figure in found:
        for width in ("page", "column"):
            assert {f"{figure.id}-{width}-title", f"{figure.id}-{width}-desc"} <= set(parsed.ids)
        assert figure.table.id in parsed.ids
        assert len(figure.table.rows) > 5
        assert len(figure.alt) > 80
    assert html.count('role="img"') == 12


def test_report_says_what_it_must(parsed: Page, done: Comparison) -> None:
    for words in (
        "not a forecast", "no published estimate exists", "Only year 20 ranks the options at equal effort",
        "UNMIL-like profile", "What the model cannot tell", "unchecked", "10th to 90th percentile",
        "profile is country-like, not a country", "12 effort-months",
        "without any effort, the risk of a return to war within twenty years",
        "transition-sim compare --context unmil_like --runs 6 --seed 1 --effort 12", "countries with it",
        "saturates early", "Collier", "Before year 20 the options have spent unequal effort",
        str(done.provenance["model_hash"]),
    ):  # fmt: skip
        assert words in parsed.text, words
    for wrong in ("half relapse", "90 % of wars", "85 % lower"):
        assert wrong not in parsed.text


def test_command_makes_the_same_comparison_again(done: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command_of(done))
    with pytest.raises(SystemExit) as stop:
        cli.main([*words[1 : words.index("--out")], "--json"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == done.to_json()


def test_command_of_few_options_is_python(tmp_path: Path) -> None:
    mine = tmp_path / "it's mine.yaml"
    mine.write_text("title: mine\nset:\n  PBC draw down effort: 1\n", encoding="utf-8")
    few = ts.compare(runs=2, seed=1, options=["none", mine], bundle="role")
    scope: dict[str, Any] = {}
    exec(command_of(few).replace("ts.compare", "again = ts.compare"), scope)  # noqa: S102 - the point of the test
    assert scope["again"].to_json() == few.to_json()


def test_report_is_the_same_bytes_each_time(document: Document) -> None:
    for make in (page, paper, workbook):
        assert make(document) == make(document)


@pytest.mark.slow
def test_report_made_anew_from_its_folder_is_the_same_bytes(document: Document, folder: Path) -> None:
    """Figures are drawn again, from the numbers of the folder."""
    made = {path.name: path.read_bytes() for path in ts.write_report(folder)}
    assert made == {
        "report.html": page(document).encode(), "report.pdf": paper(document), "report.xlsx": workbook(document),
    }  # fmt: skip
    assert page(document_of(folder)).encode() == made["report.html"]
    assert not list(folder.glob("*.tmp"))


def test_pdf_is_tagged_titled_and_undated(document: Document) -> None:
    raw = paper(document)
    assert raw.startswith(b"%PDF-1.7")
    for words in (b"/StructTreeRoot", b"/Lang", b"pdfuaid", b"DejaVuSans", b"/Alt"):
        assert words in raw, words
    for words in (b"CreationDate", b"ModDate", b"/JavaScript", b"/URI (http:"):
        assert words not in raw, words


def test_workbook_explains_every_sheet_and_column(document: Document) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(document)))
    front = [[cell.value for cell in row] for row in book["README"].iter_rows()]
    told = {(row[0], row[1]) for row in front if row[1]}
    for table in document.tables:
        sheet = book[table.id[:28]]
        heads = [cell.value for cell in sheet[1]]
        assert {(sheet.title, head) for head in heads} <= told
        assert sheet.max_row == len(table.rows) + 1
    text = " ".join(str(row[0]) for row in front)
    assert "not a forecast" in text
    assert "transition-sim compare" in text


def test_workbook_has_numbers_at_full_precision(done: Comparison, document: Document) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(document)))
    rows = list(book["risk-c5"].iter_rows(values_only=True))
    outcome = done.outcomes[0]
    at = outcome.options.index("draw_down")
    row = next(row for row in rows if row[:2] == ("role", "draw-down"))
    assert row[3] == pytest.approx(100 * statistics.median(outcome.probability[-1, at].tolist()), rel=1e-12)


def poisoned(text: str) -> Document:
    """Return a document that carries a text wherever a document can."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M 0 0 L 9 9"/></svg>'
    table = Table("t", text, (Column(text, text, "", text), Column("n", "", ".1f")), ((text, 1.0),), text)
    behind = dataclasses.replace(table, id="behind")
    blocks = (
        Paragraph(text), Paragraph(text, "caution"), Bullets((text, text)), Code(text), table,
        Figure("f", text, text, Drawing(svg, svg, text), behind), References((Reference(text, text, text, text),)),
        Section("inner", text, (Paragraph(text),)),
    )  # fmt: skip
    return Document(text, text, text, text, (Section("s", text, blocks),))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup(text: str) -> None:
    found = Page(page(poisoned(text)))
    plain = Page(page(poisoned("plain")))
    assert found.tags == plain.tags
    assert sorted(found.ids) == sorted(plain.ids)
    assert found.links == plain.links
    assert found.scripts == []


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_program_of_the_pdf(text: str, tmp_path: Path) -> None:
    raw = paper(poisoned(text))
    assert raw.startswith(b"%PDF")
    assert b"/URI" not in raw


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_formula(text: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(poisoned(text))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    kept = [cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith(text[:6])]
    assert kept or not text.isprintable()
    assert all(cell.quotePrefix == (text[0] in "=+-@") for cell in kept)


def renamed(done: Comparison, name: str) -> Comparison:
    """Return a comparison of which context, an option, its title and a reason are a hostile text."""
    assert done.basis is not None
    options = (*done.outcomes[0].options[:-1], name)
    setups = (*done.basis.options[:-1], dataclasses.replace(
        done.basis.options[-1], name=name, title=name, given=(Given(name, name, name, name),)))  # fmt: skip
    basis = dataclasses.replace(
        done.basis, context=dataclasses.replace(done.basis.context, title=name), options=setups,
        sources=(*done.basis.sources, Cited(name, name, name, "unchecked", name, name)),
    )  # fmt: skip
    calendar = tuple(dataclasses.replace(s, name=name) if s.name == "spread" else s for s in done.calendar)
    return dataclasses.replace(
        done, context=name, title=name, basis=basis, calendar=calendar,
        outcomes=tuple(dataclasses.replace(o, options=options) for o in done.outcomes),
    )  # fmt: skip


def test_names_out_of_users_files_stay_text_in_figures(done: Comparison) -> None:
    """A scenario's name may look like markup, or like mathematics, which figures would otherwise set."""
    text = "<script>$\\frac{</script>"
    bad = renamed(dataclasses.replace(done, outcomes=done.outcomes[:1]), text)
    blank = Drawing("<svg xmlns='http://www.w3.org/2000/svg'/>", "<svg xmlns='http://www.w3.org/2000/svg'/>", text)
    drawn = {file: blank for file, _, _ in parts(bad)}
    drawn |= {n: figures.drawing(figures.COMPARISON_FIGURES[n], bad) for n in ("options", "timeline")}
    found = Page(page(comparison_document(bad, drawn)))
    assert found.scripts == []
    assert "script" not in found.tags
    assert len(set(found.ids)) == len(found.ids)
    for name in ("options", "timeline"):
        svg = ElementTree.fromstring(drawn[name].page)  # noqa: S314 - our own
        words = " ".join("".join(node.itertext()) for node in svg.iter("{http://www.w3.org/2000/svg}text"))
        assert text[:8] in words


@pytest.mark.parametrize(
    ("cell", "form", "told"),
    [
        (1.25, ".1f", "1.2"), (-0.04, "+.1f", "0.0"), (1234.5, ",.0f", "1,234"), (None, ".1f", "-"), ("x", "", "x"),
        (Range(-2.04, -1.0, 0.04), "+.1f", "-2.0 to 0.0 (-1.0)"), (-0.04, ".1f", "0.0"), (0.0, ".3f", "0.000"),
    ],
)  # fmt: skip
def test_cells_are_shown(cell: Any, form: str, told: str) -> None:
    assert shown(cell, Column("head", form=form)) == told


@pytest.mark.parametrize(
    ("doi", "link"),
    [
        ("10.1177/0022343308091356", "https://doi.org/10.1177/0022343308091356"),
        ("10.1111/j.1540-5907.2010.00492.x", "https://doi.org/10.1111/j.1540-5907.2010.00492.x"),
        (None, None), ("javascript:alert(1)", None), ('10.1177/"onclick="x', None), ("10.1177/a b", None),
        ("10.1/x", None),
    ],
)  # fmt: skip
def test_only_dois_become_links(doi: str | None, link: str | None) -> None:
    assert doi_link(doi) == link


def identifiers(svg: str) -> Iterator[str]:
    yield from re.findall(r' id="([^"]+)"', svg)


def test_figures_keep_their_references_when_they_are_put_in_a_page(done: Comparison) -> None:
    picture = figures.drawing(figures.timeline_figure, done)
    svg = str(inline(picture.page, "mine", "a title", "words"))
    ids = list(identifiers(svg))
    assert ids
    assert all(name.startswith("mine-") for name in ids)
    used = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))
    assert used
    assert used <= set(ids)
    assert "metadata" not in svg


def test_letters_that_the_typeface_lacks_are_seen_to_be_missing() -> None:
    assert drawable("é ß ж") == "é ß ж"
    assert drawable("名x") == "□x"
    assert "\x07" not in drawable("a\x07")
