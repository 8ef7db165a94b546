"""The explorer driven in JupyterLab: moved by keyboard, undone, pinned, refused, in light and dark, wide and narrow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from driving import Driver, moved_as_python_says
from own_jupyter import Jupyter, run_first_cell, running

NOTEBOOK = "explorer.ipynb"
CODE = ("import transition_sim as ts\nview = ts.explore()\nview", "print(view.value('draw down start'))")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """Give a running JupyterLab."""
    with running(tmp_path_factory.mktemp("jupyter")) as found:
        yield found


@pytest.fixture
def opened(server: Jupyter, visit: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that opens a fresh notebook in a window, runs its first cell and waits for the explorer."""

    def go(width: int, height: int = 1000) -> Any:
        server.write(NOTEBOOK, CODE)
        seen = visit(server.address(NOTEBOOK), width=width, height=height)
        seen.page.set_default_timeout(60_000)
        run_first_cell(seen.page)
        return seen

    return go


def test_explorer_is_moved_by_keyboard_undone_and_pinned(opened: Callable[..., Any], server: Jupyter) -> None:
    seen = opened(1280)
    drive = Driver(seen.page)
    before = moved_as_python_says(drive)
    seen.page.keyboard.press("Control+z")
    drive.sees("This is the pinned setting.")
    assert (drive.told("Draw-down starts"), drive.curve()) == ("month 48", before)
    drive.button("Redo")
    drive.sees("Against the pinned setting: Draw-down starts: month 54.")
    drive.button("Pin this setting")
    drive.sees("This is the pinned setting.")
    drive.press("Draw-down lasts", "PageUp")
    drive.sees("Against the pinned setting: Draw-down lasts:")
    drive.button("Reset")
    drive.sees("Against the pinned setting: Draw-down starts: month 48.")
    drive.button("Unpin")
    drive.sees("Nothing is pinned.")
    assert drive.root.locator("path.ts-line-pinned").count() == 0
    seen.page.keyboard.press("Control+s")  # stays the notebook's own
    saved = server.notebooks / NOTEBOOK
    seen.page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
    outputs = json.loads(saved.read_text(encoding="utf-8"))["cells"][0]["outputs"]
    assert "10th to 90th percentile" in "".join(outputs[0]["data"]["text/html"])
    seen.assert_quiet()


def test_explorer_says_what_does_not_fit_and_drops_stale_steps(opened: Callable[..., Any]) -> None:
    seen = opened(1280, 1500)
    drive = Driver(seen.page)
    drive.root.get_by_label("Option").select_option("draw_down")
    drive.sees("18 of 18 effort-months placed")
    drive.sees("Against the pinned setting: PBC effort")
    before = drive.curve()
    drive.press("Mission start", "End")
    drive.sees("shares of the effort budget sum to more than 1. What is shown is still the last setting that fits.")
    assert drive.curve() == before
    drive.press("Draw-down", "Home")  # what was refused is asked for again, and fits now
    drive.sees("Against the pinned setting: PBC effort: 18 mission start")
    assert drive.root.locator(".ts-error").is_hidden()
    asked = drive.answered()
    seen.page.evaluate(
        """() => { const slider = document.querySelector('.ts-explorer input[type=range]');
        for (let i = 0; i < 60; i++) { slider.value = 20 + i; slider.dispatchEvent(new Event('input')); } }"""
    )
    drive.sees("Draw-down starts: month 79")
    assert drive.answered() == asked + 2  # the first and the latest
    drive.press("Read the charts at", "Home")
    drive.root.get_by_text("The charts in numbers").click()
    drive.sees("Year 0: 10th to 90th percentile over worlds (median)")
    seen.assert_accessible(".ts-explorer")
    seen.picture("explorer-1280", full=False)
    seen.assert_quiet()


def test_explorer_fits_a_narrow_pane_in_the_dark(opened: Callable[..., Any], server: Jupyter) -> None:
    server.setting("themes", theme="JupyterLab Dark")
    seen = opened(700, 3000)
    drive = Driver(seen.page)
    drive.press("Draw-down starts", "ArrowLeft", 12)
    drive.sees("Against the pinned setting: Draw-down starts: month 36.")
    drive.root.get_by_text("What the numbers mean").click()
    beyond = """root => { const edge = root.getBoundingClientRect().right + 2;
        return [...root.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > edge)
            .filter(e => !e.closest('.ts-scroll')).map(e => e.outerHTML.slice(0, 100)); }"""
    assert drive.root.evaluate(beyond) == [], "wider than the pane"
    dark = "root => getComputedStyle(root).backgroundColor.match(/\\d+/g).slice(0, 3).every(each => each < 60)"
    assert drive.root.evaluate(dark)
    seen.assert_accessible(".ts-explorer")
    seen.picture("explorer-narrow-dark", full=False)
    seen.assert_quiet()
