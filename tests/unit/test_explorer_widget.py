"""The explorer's widget without a browser: what the front-end is told and may ask, and that its script is whole."""

from __future__ import annotations

import json
import re
from typing import Any

import nbconvert
import nbformat
import numpy as np
import pytest

import transition_sim as ts
from transition_sim.explorer.view import Explorer
from transition_sim.explorer.widget import ExplorerWidget, front_end
from transition_sim.web.bundle import bundle


@pytest.fixture(scope="module")
def first() -> Explorer:
    return ts.explore(runs=20)


@pytest.fixture
def view(first: Explorer) -> Explorer:
    """Give an explorer of its own for each test, over the same worlds."""
    return Explorer(first.study, {}, first.controls, sliders=True)


def ask(widget: ExplorerWidget, number: int = 1, **content: Any) -> dict[str, Any]:
    """Send what a front-end sends; return what it is told."""
    widget.asked(widget, {**content, "number": number}, [])
    assert widget.shown["answered"] == number
    return widget.shown


def test_a_moved_slider_is_answered_in_words_and_series(view: Explorer) -> None:
    widget = view.widget
    told = ask(widget, 7, do="set", values={"draw down start": 60, "PBC draw down effort": 9}, movement="m")
    assert told["error"] == ""
    assert (view.value("draw down start"), view.value("PBC draw down effort")) == (60, 0.5)
    assert told["values"]["PBC draw down effort"] == 9
    assert (told["words"]["draw down start"], told["option"], told["hints"]) == ("month 60", "", {})
    charts, months = widget.setup["charts"], widget.setup["months"]
    series = np.frombuffer(widget.series, "<f4").reshape(2, len(charts), 3, len(months))
    outcome = view.outcome
    security = [chart["name"] for chart in charts].index("security")
    assert series[0, security] == pytest.approx(outcome.bands["security"][:, outcome.result.time >= 0], rel=1e-6)
    assert series[0, 0, :, -1] == pytest.approx(100 * np.quantile(outcome.probability[-1], (0.1, 0.5, 0.9)), rel=1e-6)
    assert not np.array_equal(series[0], series[1])
    assert json.dumps(told, allow_nan=False)


def test_every_chart_has_a_band_and_a_unit_of_the_model(view: Explorer) -> None:
    names = {chart["name"] for chart in view.widget.setup["charts"]}
    assert names == set(view.outcome.bands)
    units = {name: view.outcome.unit(name) for name in names}
    assert (units["relapse hazard"], units["peacekeepers deployed"], units["aid gap"]) == (
        "1/Month",
        "Person",
        "MUSD/Month",
    )
    assert {units[name] for name in names if name.startswith("hazard from")} == {"Dmnl"}


def test_what_is_refused_is_said_and_nothing_shown_is_lost(view: Explorer) -> None:
    widget = view.widget
    ask(widget, 1, do="option", option="draw_down")
    before = widget.series
    told = ask(widget, 2, do="set", values={"PBC mission start effort": 6}, movement="m")
    assert told["error"] == "shares of the effort budget sum to more than 1"
    assert (widget.series, told["values"]["PBC mission start effort"]) == (before, 0)
    told = ask(widget, 3, do="set", values={"PBC mission start effort": 6, "PBC draw down effort": 12}, movement="m")
    assert (told["error"], told["values"]["PBC draw down effort"]) == ("", 12)


def test_controls_that_did_not_move_keep_every_bit(view: Explorer) -> None:
    view.set("PBC throughout effort", 1 / 3)
    shown = view.widget.shown["values"]
    ask(view.widget, 1, do="set", values={**shown, "draw down start": 50}, movement="m")
    assert view.value("PBC throughout effort") == 1 / 3


def test_buttons_do_what_the_state_does(view: Explorer) -> None:
    widget = view.widget
    ask(widget, 1, do="option", option="spread")
    told = ask(widget, 2, do="pin")
    assert (told["isThePinned"], told["option"], told["rows"][0]["change"]) == (True, "spread", "-")
    told = ask(widget, 3, do="undo")
    assert (told["canUndo"], told["canRedo"], told["option"], told["isThePinned"]) == (False, True, "none", False)
    assert ask(widget, 4, do="undo")["error"] == "there is nothing to undo"
    assert ask(widget, 5, do="redo")["option"] == "spread"
    assert ask(widget, 6, do="reset")["option"] == "none"
    told = ask(widget, 7, do="unpin")
    assert [key for key, _ in told["heads"]] == ["year", "risk", "effort"]
    assert len(widget.series) * 2 == 4 * 2 * len(widget.setup["charts"]) * 3 * len(widget.setup["months"])


def test_a_change_from_another_cell_is_shown(view: Explorer) -> None:
    widget = view.widget
    view.set("draw down rule", 1)
    assert widget.shown["words"]["draw down rule"] == "by benchmark on own conditions"


@pytest.mark.parametrize(
    "content",
    [{}, {"do": "close"}, {"do": "option", "option": "/etc/passwd"}, {"do": "__init__"}, {"do": "set", "values": [1]}],
)
def test_requests_that_are_not_understood_are_answered(view: Explorer, content: dict[str, Any]) -> None:
    assert ask(view.widget, 3, **content)["error"] == "the request was not understood"


def test_an_error_of_our_own_is_answered_and_raised(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = view.widget
    monkeypatch.setattr(view.study.__class__, "run", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(widget, 9, do="set", values={"draw down start": 70}, movement="m")
    assert "inside transition_sim: ZeroDivisionError" in widget.shown["error"]
    assert widget.shown["answered"] == 9


def test_mime_bundle_has_sliders_and_a_table_for_those_without(view: Explorer) -> None:
    data, _ = view._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.widget.model_id
    assert "<table>" in data["text/html"]
    assert "not a forecast" in data["text/plain"]


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_saved_notebook_is_exported_with_the_table(view: Explorer, kind: str) -> None:
    data, _ = view._repr_mimebundle_()
    shown = nbformat.v4.new_output("execute_result", data, execution_count=1)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[shown])])
    page, _ = nbconvert.get_exporter(kind)().from_notebook_node(book)
    assert re.findall("<tbody>.*</tbody>", data["text/html"])[0] in page
    assert "10th to 90th percentile" in page
    assert "jupyter.widget-view" not in page


def test_front_end_is_one_script_that_asks_nobody() -> None:
    script = front_end()
    assert len(re.findall(r"^export default ", script, re.M)) == 1
    assert not re.search(r"^import\b|\bimport\(|fetch\(|XMLHttpRequest|innerHTML|\beval\(", script, re.M)
    assert re.findall(r"https?://[\w./]+", script + ExplorerWidget._css) == ["http://www.w3.org/2000/svg"]


FAKES = """
const clock = []; const sent = []; const states = [];
const setTimeout = (call) => clock.push(call); const clearTimeout = (id) => { clock[id - 1] = null; };
const shown = { answered: 41 };
const model = { get: () => shown, send: (message) => sent.push(message) };
const sender = module_requests.requests(model, (state) => states.push(state));
const move = (name, value) => sender.ask({ do: "set", values: { [name]: value }, movement: "m" });
const answer = (number) => { shown.answered = number; sender.answered(); };
"""


def played(script: str) -> Any:
    """Play a script against the front-end's requests; return what was sent and heard."""
    from py_mini_racer import MiniRacer

    from transition_sim.explorer import widget

    text = (widget._FRONT / "requests.js").read_text(encoding="utf-8")
    engine = MiniRacer()
    engine.eval(f"var out = (() => {{ {bundle({'requests.js': text}, 'requests.js')}\n{FAKES}\n{script}\n"
                "return JSON.stringify({sent, states, pending: sender.pending()}); })();")  # fmt: skip
    return json.loads(str(engine.eval("out")))


def test_one_request_is_under_way_and_of_those_that_wait_the_latest_is_kept() -> None:
    told = played("move('a', 1); move('a', 2); move('b', 5); move('a', 3); answer(42); answer(43);")
    assert [(message["number"], message["values"]) for message in told["sent"]] == [
        (42, {"a": 1}),
        (43, {"a": 3, "b": 5}),
    ]
    assert not told["pending"]


def test_buttons_keep_their_order_among_moves() -> None:
    told = played(
        "move('a', 1); move('a', 2); sender.ask({do: 'pin'}); move('a', 3); answer(42); answer(43); answer(44);"
    )
    assert [message["do"] for message in told["sent"]] == ["set", "set", "pin", "set"]
    assert told["pending"]


def test_silence_is_told_and_does_not_stop_what_follows() -> None:
    told = played("move('a', 1); answer(41); clock[0](); clock[1](); move('a', 2);")
    assert told["states"] == ["busy", "silent"]
    assert [message["values"] for message in told["sent"]] == [{"a": 1}, {"a": 2}]
