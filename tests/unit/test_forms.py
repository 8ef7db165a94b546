"""Objects in a notebook: units, ranges, provenance and the caution; every text escaped, no path of a machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import transition_sim as ts
from transition_sim import figures, html
from transition_sim.model.equations import Model

VOID = {"br", "hr"}


class Balanced(HTMLParser):
    """Collects the text of HTML and fails where tags do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"div", "table", "thead", "tbody", "tr", "td", "th"}, tag
        assert {name for name, _ in attrs} <= {"style"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text_of(thing: Any) -> str:
    """Return the words of an object's HTML, which must be whole."""
    parser = Balanced()
    parser.feed(thing._repr_html_())
    parser.close()
    assert parser.open == []
    return " ".join(" ".join(parser.words).split())


@pytest.fixture(scope="module")
def model() -> Model:
    return ts.load_model()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> ts.Sweep:
    folder = tmp_path_factory.mktemp("forms")
    (folder / "s.yaml").write_text(
        "title: a <b>bold</b> title\nbased_on: contexts/reference\nlevers:\n  effort: [entry_points/none, "
        "entry_points/draw_down]\nuncertainties: c5\nruns: 40\noutcomes: [relapse probability at 20 years, cost]\n"
    )
    return ts.run_sweep(folder / "s.yaml", folder / "o", csv=False)


@pytest.mark.slow
def test_every_form_is_whole_and_carries_the_caution(model: Model, sweep: ts.Sweep) -> None:
    hash_ = model.file_hash[:12]
    things = {
        "Sectors or not": model,
        "Result": ts.simulate(model),
        "Scenario": ts.load_scenario("entry_points/late_transition"),
        "Comparison": ts.compare(runs=4, options=["spread"], bundle="role"),
        "Sweep": sweep,
        "Sensitivity": ts.sensitivity(sweep, resamples=20),
        "Timing": ts.draw_down_timing(runs=3, starts=(24, 48), durations=(12, 24)),
    }
    for name, thing in things.items():
        words = text_of(thing)
        assert "not a forecast" in words, name
        assert "assumption with a wide range" in words, name
        assert str(sweep.folder.parent) not in repr(thing) + words, name
        assert len(repr(thing)) < 160, name
        if name not in ("Scenario", "Sensitivity"):
            assert hash_ in words, name


def test_forms_give_units_and_ranges_before_single_numbers(model: Model, sweep: ts.Sweep) -> None:
    kept = ["active spoilers", "state capacity"]
    one = text_of(ts.simulate(model, outputs=kept))
    assert "One run, which carries no range" in one
    assert "active spoilers" in one
    assert "Person" in one
    many = text_of(ts.simulate(model, constants={"draw down start": np.linspace(24, 96, 9)}, outputs=kept))
    assert "10th to 90th percentile of runs median unit" in many
    assert re.search(r"state capacity 0\.4\d+ to 0\.4\d+ 0\.4", many)
    words = text_of(sweep)
    assert "cost" in words
    assert "MUSD" in words
    assert "80 runs, 0 failed; 100 uncertain constants of c5" in words
    context = text_of(ts.load_scenario("contexts/reference"))
    assert "draw down start 48 months assumption - four years" in context
    timing = text_of(ts.draw_down_timing(runs=3, starts=(24, 48), durations=(12, 24)))
    assert "a relapse avoided is worth, MUSD" in timing
    assert re.search(r"24 \d+ to \d+ \(\d+\)", timing)


def test_text_is_escaped(sweep: ts.Sweep, model_of: Callable[..., Model]) -> None:
    assert "<b>" not in sweep._repr_html_()
    assert "&lt;b&gt;bold&lt;/b&gt;" in sweep._repr_html_()
    assert "a <b>bold</b> title" in text_of(sweep)
    odd = model_of('"x<script>alert(1)</script>" = INTEG(1, 0)')
    for thing in (odd, ts.simulate(odd)):
        assert "<script>" not in thing._repr_html_()
        assert "x<script>alert(1)</script>" in text_of(thing)


def test_a_model_without_such_effort_says_nothing_of_it(model_of: Callable[..., Model]) -> None:
    plain = model_of("x = INTEG(-a*x, 1)", "a = 0.5")
    for thing in (plain, ts.simulate(plain)):
        assert "PBC" not in text_of(thing)
        assert "not a forecast" in text_of(thing)


def test_runs_that_broke_down_are_told(model_of: Callable[..., Model]) -> None:
    result = ts.simulate(model_of("x = INTEG(SQRT(a), 0)", "a = 1"), constants={"a": np.array([1.0, -1.0, 4.0])})
    assert "3 runs, 1 broke down" in text_of(result)


def test_numbers_are_short() -> None:
    told = [html.number(value) for value in (0.0, -0.0, 1234567.8, 0.123456, np.nan, 1e12, 12345.6)]
    assert told == ["0", "0", "1,234,568", "0.1235", "-", "1e+12", "12,346"]


def test_a_picture_is_the_same_each_time_and_has_words(tmp_path: Path) -> None:
    timing = ts.draw_down_timing(runs=3, starts=(24, 48), durations=(12, 24))
    one, other = (figures.picture(figures.frontier_figure(timing)) for _ in range(2))
    assert one == other
    data, metadata = one._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == data["text/plain"]
    assert "a choice, not a finding" in one.words
    assert one.png.startswith(b"\x89PNG")
