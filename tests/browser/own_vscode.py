"""A page that shows widgets as Visual Studio Code's notebooks do: its own widget manager, its rules of style, its keys.

Read in microsoft/vscode-jupyter: the manager's use (`ipywidgets/kernel/manager.ts` at 03e52ff), where scripts come from
(`scriptSourceProvider/cdnWidgetScriptSourceProvider.ts` at ddf1c50 and its neighbours), keys and style
(`ipywidgets/kernel/index.ts`, `renderer/styles.css` at 027db2b; another style at 7731d7a). Read in microsoft/vscode:
`webview/browser/pre/index.html` at 03ed752, `backLayerWebView.ts` at f0c844b, `webviewPreloads.ts` at ea0a2d0. The
page is written anew from that; the manager and its kernel connection are the package that the extension ships.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from own_jupyter import TOKEN, Jupyter

HERE = Path(__file__).parent
KEPT = HERE / "node_modules/.own-vscode"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
LET_OUT = "\nexport { __webpack_modules__ as modules, __webpack_require__ as need };\n"


@dataclass(frozen=True)
class Package:
    """A file of one version of a package of npm, and what the whole package hashes to."""

    name: str
    version: str
    file: str
    sha512: str


MANAGER = Package(
    "@vscode/jupyter-ipywidgets8", "1.0.9", "package/dist/ipywidgets.js",
    "bocCThfa4JDIDd7qCFAfW3HpzHfTLYxOTpTbiDfw4DXOUjKHnr6ObkMBiIkuzYPRybh5bY4FhYLemuDuTvIbpQ==",
)  # fmt: skip
REQUIRE = Package(
    "requirejs", "2.3.8", "package/require.js",
    "7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
)  # fmt: skip


def script(package: Package) -> str:
    """Return the text of a package's file, taken from npm once; skip the test where npm has no such package.

    Only the package itself is fetched: the manager's file has what it depends on inside, a hundred packages otherwise.
    """
    kept = KEPT / f"{Path(package.file).stem}-{package.version}.js"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as folder:
            part = Path(folder) / "part.js"
            part.write_bytes(_file_of(_packed(package, Path(folder)), package.file))
            part.replace(kept)
    return kept.read_text(encoding="utf-8")


def _packed(package: Package, folder: Path) -> bytes:
    wanted = f"{package.name}@{package.version}"
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm was not found; this test takes {wanted} from it")
    done = subprocess.run(
        [npm, "pack", wanted, "--loglevel", "error"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    found = list(folder.glob("*.tgz"))
    if done.returncode or not found:
        pytest.skip(f"npm has no {wanted} here: {done.stderr.strip()[-300:]}")
    packed = found[0].read_bytes()
    assert base64.b64encode(hashlib.sha512(packed).digest()).decode() == package.sha512, f"{wanted} is another file"
    return packed


def _file_of(packed: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.extractfile(name)
        assert member is not None
        return member.read()


def local_modules() -> dict[str, Path]:
    """Return the scripts of widgets that the environment brings, by module.

    As the extension finds them for a kernel of a local environment: each `share/jupyter/nbextensions/*/extension.js` is
    read, not run, and tells in a call of `require.config` under which name which file is known. What the manager has
    inside is left out.
    """
    shared = Path(sysconfig.get_path("data")) / "share/jupyter"
    found = {}
    for entry in sorted(shared.glob("nbextensions/*/extension.js")):
        for call in re.findall(r"require(?:js)?\??\.config\(([^)]*)\)", entry.read_text(encoding="utf-8")):
            inner = call[call.rindex("{") + 1 :].split("}")[0]
            for name, path in re.findall(r"""['"]?([@\w/-]+)['"]?\s*:\s*['"]([^'"]+)['"]""", inner):
                found[name] = shared / f"{path}.js"
    return {name: path for name, path in found.items() if not name.startswith(("@jupyter-widgets/", "jupyter-js-"))}


def _files(code: str) -> Iterator[tuple[str, str]]:
    page = (HERE / "webview/page.html").read_text(encoding="utf-8")
    told = {"token": TOKEN, "code": code, "modules": sorted(local_modules())}
    yield "page.html", page.replace("{{told}}", json.dumps(told))
    yield "page.js", (HERE / "webview/page.js").read_text(encoding="utf-8")
    yield "style.css", (HERE / "webview/style.css").read_text(encoding="utf-8")
    yield "require.js", script(REQUIRE)
    yield "ipywidgets.js", script(MANAGER) + LET_OUT
    for name, path in local_modules().items():
        yield f"nbextensions/{name}.js", path.read_text(encoding="utf-8")


def dress(page: Any, theme: str, bridged: bool) -> None:
    """Put a page in a theme: `vscode-light`, `vscode-dark` or `vscode-high-contrast`.

    Where widgets' style is `bridged`, JupyterLab's colours are set from the theme's; else they stay JupyterLab's light
    ones, on white. Both styles are in the history of the extension.
    """
    page.evaluate("([theme, bridged]) => dress(theme, bridged)", [theme, bridged])


def show(page: Any, server: Jupyter, code: str) -> None:
    """Run code in a kernel and show the widget that it ends with."""
    files = dict(_files(code))

    def answer(route: Any) -> None:
        name = route.request.url.split("/own-vscode/")[1]
        if name in files:
            route.fulfill(body=files[name], content_type=TYPES[Path(name).suffix])
        else:
            route.fulfill(status=404)

    page.route(f"{server.url}own-vscode/**", answer)
    page.goto(f"{server.url}login")  # a page from this machine may open the kernel's socket; it is written over
    page.set_content(files["page.html"])
