"""A real Chromium, every host but this machine's blocked, and an accessibility checker; for `make test-browser`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).parent
AXE = HERE / "node_modules/axe-core/axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PICTURES = HERE.parents[1] / "results/browser"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


def chromium_path() -> str:
    """Return where Chromium is; `CHROMIUM` in the environment comes first."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found or not Path(found).exists():
        pytest.fail(
            "these tests need Chromium, and none was found: install it (Debian, Ubuntu: apt install chromium) "
            "or name it: make test-browser CHROMIUM=/path/to/chromium",
            pytrace=False,
        )
    return found


@dataclass
class Visit:
    """A page and what it did: requests that left this machine, errors on its console."""

    page: Any
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """Fail if the page asked another host for anything or wrote an error."""
        assert self.outside == [], "requests left this machine"
        assert self.errors == [], "errors on the console"

    def assert_fits(self) -> None:
        """Fail if the page can be scrolled sideways; name what sticks out."""
        wide = self.page.evaluate(
            """() => { const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1)
                .slice(0, 5).map(e => e.outerHTML.slice(0, 120)); }"""
        )
        assert wide == [], "wider than the window"

    def assert_accessible(self, within: str = "html") -> None:
        """Fail on any serious or critical finding of axe-core in the page, or within one part of it."""
        if not AXE.exists():
            pytest.fail(f"{AXE.name} is missing: run `make test-browser`, which installs it with npm", pytrace=False)
        self.page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
        found = self.page.evaluate("part => axe.run(part, {resultTypes: ['violations']})", within)["violations"]
        serious = [
            f"{f['id']}: {f['help']}: {f['nodes'][0]['html'][:200]} ({len(f['nodes'])} places)"
            for f in found
            if f["impact"] in ("serious", "critical")
        ]
        assert serious == [], "accessibility"

    def picture(self, name: str, full: bool = True) -> Path:
        """Save what the page looks like in results/browser; return the path."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=full)
        return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Give a running headless Chromium."""
    path = chromium_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Visit]]:
    """Give a function that opens a local file or loopback address at a width; it records what the page does."""
    contexts = []

    def go(where: Path | str, width: int = 1280, height: int = 800, **options: Any) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        seen = Visit(context.new_page())

        def check(route: Any) -> None:
            url = urlsplit(route.request.url)
            if url.scheme in ("file", "data", "blob", "about") or url.hostname in ("127.0.0.1", "localhost"):
                route.continue_()
            else:
                seen.outside.append(route.request.url)
                route.abort()

        context.route("**/*", check)
        seen.page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.goto(where.resolve().as_uri() if isinstance(where, Path) else where)
        return seen

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def lab_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the offline page as a file."""
    from transition_sim.lab.page import build_page

    file = tmp_path_factory.mktemp("lab") / "lab.html"
    file.write_text(build_page(), encoding="utf-8")
    return file


@pytest.fixture
def open_lab(visit: Callable[..., Visit], lab_file: Path) -> Callable[..., Visit]:
    """Give a function that opens the offline page with an address and waits for its first band."""
    from moving import settled

    def go(address: str = "", width: int = 1280, **options: Any) -> Visit:
        seen = visit(lab_file.as_uri() + address, width, 740 if width < 600 else 800, **options)
        settled(seen.page)
        return seen

    return go
