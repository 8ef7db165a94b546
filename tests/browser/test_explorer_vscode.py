"""The explorer as a notebook of Visual Studio Code shows it: its widget manager, its themes, its keys; nothing outside.

Visual Studio Code itself is not started here: what stands between its webview and a kernel is left out (own_vscode.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import own_vscode
import pytest
from driving import Driver, moved_as_python_says
from own_jupyter import Jupyter, running

CODE = "import transition_sim as ts\nview = ts.explore()\nview"
CLEAR = """root => {
    const linear = each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4;
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(each => linear(each / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05; };
    const paper = light(getComputedStyle(root).backgroundColor);
    const clear = (one, of) => { const drawn = light(getComputedStyle(root.querySelector(one))[of]);
        return Math.max(drawn, paper) / Math.min(drawn, paper); };
    return { line: clear('path.ts-line-now', 'stroke'), pinned: clear('path.ts-line-pinned', 'stroke'),
        scale: clear('.ts-svg text', 'fill'), reading: clear('.ts-svg .ts-label-now', 'fill') }; }"""
SAME = "root => getComputedStyle(root).backgroundColor === getComputedStyle(document.documentElement).backgroundColor"
AT_LEAST = {"line": 3.0, "pinned": 3.0, "scale": 4.5, "reading": 4.5}  # WCAG 2.1: graphics, small text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """Give a running Jupyter server, for its kernels."""
    for package in (own_vscode.MANAGER, own_vscode.REQUIRE):
        own_vscode.script(package)
    with running(tmp_path_factory.mktemp("jupyter")) as found:
        yield found


@pytest.fixture
def opened(server: Jupyter, visit: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that shows the explorer in a window of some width."""

    def go(width: int) -> Any:
        seen = visit("about:blank", width=width, height=1300)
        seen.page.set_default_timeout(60_000)
        own_vscode.show(seen.page, server, CODE)
        seen.page.locator(".ts-explorer").wait_for()
        return seen

    return go


def test_explorer_is_driven_through_the_manager_of_vscode(opened: Callable[..., Any]) -> None:
    seen = opened(1100)
    drive = Driver(seen.page)
    before = moved_as_python_says(drive)
    drive.press("Draw-down lasts", "PageUp")
    drive.sees("Against the pinned setting: Draw-down starts: month 54; Draw-down lasts:")
    seen.page.wait_for_function("() => seen.pressable")
    drive.button("Undo", " ")  # acts once, although the extension presses too
    drive.sees("Against the pinned setting: Draw-down starts: month 54.")
    seen.page.keyboard.press("Control+z")
    drive.sees("This is the pinned setting.")
    assert (drive.told("Draw-down starts"), drive.curve()) == ("month 48", before)
    drive.button("Redo")
    drive.sees("Against the pinned setting: Draw-down starts: month 54.")
    drive.button("Pin this setting")
    drive.sees("This is the pinned setting.")
    assert seen.page.evaluate("() => again('view.set(\"draw down start\", 60)')") == "ok"
    drive.sees("Against the pinned setting: Draw-down starts: month 60.")
    seen.page.keyboard.press("Control+s")
    noted = seen.page.evaluate("() => seen")
    assert noted["heard"] == ["Ctrl+s"], "keys that the notebook would take as its own"
    assert set(noted["asked"]) == {"anywidget"}, "scripts that were looked for"
    assert noted["failed"] == []
    assert own_vscode.local_modules()["anywidget"].is_file(), "Visual Studio Code would look for it elsewhere"
    seen.assert_quiet()


def test_explorer_is_readable_in_the_themes_of_vscode(opened: Callable[..., Any]) -> None:
    seen = opened(460)
    drive = Driver(seen.page)
    drive.press("Draw-down starts", "PageUp")
    drive.press("Read the charts at", "Home")
    drive.root.locator(".ts-svg .ts-label-now").first.wait_for()
    for theme in ("vscode-light", "vscode-dark", "vscode-high-contrast"):
        for bridged in (False, True):
            own_vscode.dress(seen.page, theme, bridged)
            found = drive.root.evaluate(CLEAR)
            assert {name: ratio for name, ratio in found.items() if ratio < AT_LEAST[name]} == {}, f"contrast, {theme}"
            assert drive.root.evaluate(SAME), f"the paper is not the notebook's, {theme}"
        seen.assert_accessible(".ts-explorer")
        seen.assert_fits()
        seen.picture(f"explorer-{theme}")
    seen.assert_quiet()
