"""The offline page in a real Firefox, opened from a file: it is quiet, a slider redraws it, its numbers are Python's.

Firefox is spoken to as WebDriver BiDi has it: messages over a socket of this machine. Without Firefox these tests are
skipped, for the page is driven in Chromium at length.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from agreement import largest_differences

import transition_sim as ts
from transition_sim import risk
from transition_sim.lab import page

NAMES = ("firefox-esr", "firefox")
PATIENCE = 90
ARROW_LEFT = "\ue012"
PREFERENCES = {
    "app.update.enabled": False, "app.normandy.enabled": False, "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False, "browser.startup.homepage_override.mstone": "ignore",
    "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9, "network.proxy.no_proxies_on": "127.0.0.1",
}  # fmt: skip
"""Whatever it asks another host for goes to a port of this machine where nobody listens."""


class Firefox:
    """A running Firefox with one tab; `events` is what it has told meanwhile."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.asked = 0
        self.events: list[dict[str, Any]] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command and return what it gives; AssertionError with what Firefox says is wrong."""
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": params}))
        while True:
            told = json.loads(self.socket.recv())
            if told.get("id") == self.asked:
                assert told["type"] == "success", told
                return told["result"]
            self.events.append(told)

    def open(self, address: str) -> None:
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Run a function of JavaScript in the page; what goes in and comes out is plain data."""
        text = f"JSON.stringify(({function})({json.dumps(argument)}))"
        told = self.ask("script.evaluate", expression=text, target={"context": self.tab}, awaitPromise=False)
        assert told["type"] == "success", told
        return json.loads(told["result"]["value"]) if "value" in told["result"] else None

    def press(self, key: str, times: int) -> None:
        """Press a key as a hand does, wherever the focus is."""
        actions = [{"type": kind, "value": key} for _ in range(times) for kind in ("keyDown", "keyUp")]
        self.ask("input.performActions", context=self.tab, actions=[{"type": "key", "id": "k", "actions": actions}])

    def wait(self, function: str) -> None:
        """Wait until a function of JavaScript says yes."""
        until(lambda: self.evaluate(function) is True, function)

    def settled(self) -> None:
        self.wait('() => document.getElementById("bench").getAttribute("aria-busy") === "false"')

    def text(self, name: str) -> str:
        return str(self.evaluate("(id) => document.getElementById(id).textContent", name))

    def assert_quiet(self) -> None:
        """Fail if the page asked another host for anything or wrote an error."""
        told = [(each["method"], each["params"]) for each in self.events]
        urls = [params["request"]["url"] for method, params in told if method == "network.beforeRequestSent"]
        outside = [url for url in urls if urlsplit(url).scheme not in ("file", "data", "blob", "about")]
        assert outside == [], "requests left this machine"
        errors = [
            params["text"] for method, params in told if method == "log.entryAdded" and params["level"] == "error"
        ]
        assert errors == [], "errors on the console"


def until(done: Callable[[], Any], what: str) -> Any:
    """Return what `done` gives once it gives something; fail where that takes too long."""
    end = time.monotonic() + PATIENCE
    while not (found := done()):
        if time.monotonic() > end:
            pytest.fail(f"Firefox took more than {PATIENCE} seconds: {what}", pytrace=False)
        time.sleep(0.05)
    return found


def firefox_path() -> str:
    """Return where Firefox is; `FIREFOX` in the environment comes first."""
    found = os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found or not Path(found).exists():
        pytest.skip("no Firefox was found: install it (Debian: firefox-esr) or name it in the environment: FIREFOX")
    return found


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Give a running headless Firefox with a profile of its own."""
    program, profile = firefox_path(), tmp_path_factory.mktemp("firefox")
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    websocket = pytest.importorskip("websocket", reason="Firefox is spoken to with websocket-client, which is missing")
    words = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with (profile / "told.txt").open("w") as told, subprocess.Popen(words, stdout=told, stderr=told) as running:
        try:
            address = until(lambda: address_of(profile, running), "to begin")
            socket = websocket.create_connection(f"{address}/session", timeout=PATIENCE, suppress_origin=True)
            yield Firefox(socket)
            socket.close()
        finally:
            running.terminate()
            running.wait(PATIENCE)


def address_of(profile: Path, running: subprocess.Popen[bytes]) -> str:
    """Return where Firefox listens, once it has written it down; nothing until then."""
    if running.poll() is not None:
        pytest.fail(f"Firefox ended: {(profile / 'told.txt').read_text()[-400:]}", pytrace=False)
    try:
        told = json.loads((profile / "WebDriverBiDiServer.json").read_text())
    except (FileNotFoundError, ValueError):
        return ""
    return f"ws://{told['ws_host']}:{told['ws_port']}"


@pytest.fixture
def opened(firefox: Firefox, lab_file: Path) -> Firefox:
    """Give Firefox with the page, its band drawn."""
    firefox.events.clear()
    firefox.open("about:blank")
    firefox.open(lab_file.as_uri() + "#language=en")
    firefox.settled()
    return firefox


DRAWN = """() => Object.fromEntries([".ts-line-now", ".ts-band-worlds"].map((each) => {
const path = document.querySelector(`#risk ${each}`);
const { width, height } = path.getBoundingClientRect();
return [each, { d: path.getAttribute("d"), width, height }]; }))"""


@pytest.mark.parametrize("name", page.MODELS)
def test_a_slider_redraws_line_and_band_and_the_numbers_are_those_of_python(opened: Firefox, name: str) -> None:
    opened.evaluate("(name) => document.querySelector(`[name=model][value=${name}]`).click()", name)
    opened.settled()
    before, code = opened.evaluate(DRAWN), opened.text("code")
    opened.evaluate('() => document.getElementById("lever-draw_down_start").focus()')
    opened.press(ARROW_LEFT, 12)
    opened.wait(f'() => document.getElementById("code").textContent !== "{code}"')
    opened.settled()
    after, code = opened.evaluate(DRAWN), opened.text("code")
    for part, path in after.items():
        assert path["d"] != before[part]["d"], part
        assert min(path["width"], path["height"]) > 50, part
    assert ts.load_code(code).settings["draw down start"].value == 36
    run = ts.run_code(code, save_every=12, outputs="all")
    chance = risk.relapse_risk(run).loc[20, 0] if risk.SPREAD in run.names else run["relapse probability"][-1, 0]
    assert f"{100 * float(chance):.1f}" in opened.text("own")
    assert opened.text("why-worlds").startswith("Against the setting before, the risk changes by")
    opened.assert_quiet()


@pytest.mark.parametrize("name", page.MODELS)
def test_firefox_and_python_agree_on_random_settings(opened: Firefox, name: str) -> None:
    assert largest_differences(name, 40, opened.evaluate) == {}
    opened.assert_quiet()


def test_errors_and_requests_are_seen(firefox: Firefox, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text('<!doctype html><title>t</title><img src="https://example.org/x.png"><script>nothere()</script>')
    firefox.events.clear()
    firefox.open(file.as_uri())
    with pytest.raises(AssertionError, match="left this machine"):
        firefox.assert_quiet()
    firefox.events = [each for each in firefox.events if each["method"] == "log.entryAdded"]
    with pytest.raises(AssertionError, match="errors on the console"):
        firefox.assert_quiet()
