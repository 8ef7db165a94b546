"""The browser tests themselves: a request to another host, an error, a wide page and a bad page are all found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = '<!doctype html><html lang="en"><title>t</title><meta name="viewport" content="width=device-width"><main>'


def test_outside_requests_and_errors_are_seen(visit: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE + '<h1>t</h1><img alt="" src="https://example.org/x.png"><script>nothere()</script>')
    seen = visit(file)
    with pytest.raises(AssertionError, match="left this machine"):
        seen.assert_quiet()
    assert seen.outside == ["https://example.org/x.png"]
    assert any("nothere" in error for error in seen.errors)


def test_wide_and_inaccessible_pages_are_seen(visit: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE + '<h1>t</h1><div style="width:900px"><img src="data:,x"></div>')
    seen = visit(file, width=360)
    with pytest.raises(AssertionError, match="wider"):
        seen.assert_fits()
    with pytest.raises(AssertionError, match="accessibility"):
        seen.assert_accessible()


def test_a_plain_page_passes(visit: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE + "<h1>Title</h1><p>Words.</p></main>")
    seen = visit(file, width=360)
    seen.assert_quiet()
    seen.assert_fits()
    seen.assert_accessible()
