"""A JupyterLab of one's own for tests and benchmarks: this machine's address alone, folders of its own, silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = "only-for-this-test"  # noqa: S105 - of a server that nobody else reaches
SILENT = (
    "--LabApp.extension_manager=readonly", "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)  # fmt: skip
HOMES = {
    "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
}  # fmt: skip


@dataclass(frozen=True)
class Jupyter:
    """A running JupyterLab: where it listens, and the folder that holds its notebooks and settings."""

    url: str
    top: Path

    @property
    def notebooks(self) -> Path:
        """The folder of its notebooks."""
        return self.top / "notebooks"

    def address(self, notebook: str) -> str:
        """Return where a notebook is opened in a fresh workspace."""
        return f"{self.url}lab/tree/{notebook}?token={TOKEN}&reset"

    def setting(self, name: str, **values: Any) -> None:
        """Change a setting of JupyterLab, from the next page on."""
        path = self.top / "settings/@jupyterlab/apputils-extension" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")

    def write(self, notebook: str, cells: Sequence[str]) -> None:
        """Write a notebook of some cells of code."""
        empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book = {
            "cells": [{**empty, "id": f"cell-{i}", "source": code} for i, code in enumerate(cells)],
            "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
        }  # fmt: skip
        (self.notebooks / notebook).write_text(json.dumps(book), encoding="utf-8")


@contextmanager
def running(top: Path) -> Iterator[Jupyter]:
    """Give a running JupyterLab whose folders all lie in `top`; it ends with the block."""
    (top / "notebooks").mkdir(parents=True)
    homes = {name: str(top / folder) for name, folder in HOMES.items()}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={top / 'notebooks'}", *SILENT,
    ]  # fmt: skip
    log = top / "log.txt"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, env={**os.environ, **homes}, stdout=stream, stderr=stream)
        try:
            found = Jupyter(_address(process, top / "runtime", log), top)
            found.setting("notification", fetchNews="false", checkForUpdates=False)
            yield found
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Return where a server listens, once it says so."""
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            text = path.read_text(encoding="utf-8")
            if text.endswith("}"):
                return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


def run_first_cell(page: Any) -> None:
    """Run the first cell of the notebook that a page shows, by keyboard, and wait for the explorer."""
    page.wait_for_function("() => document.body.textContent.includes('| Idle')")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".ts-explorer").wait_for()
