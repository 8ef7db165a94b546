"""How soon the explorer draws again: from the move of a slider to the painted frame, in JupyterLab in Chromium.

    python benchmarks/explorer.py [--steps 50] [--runs 500] [--write]

Each step waits until the one before is painted. Beside it the Python part alone, in a process without a browser, and
how often a second a drag that never pauses is drawn. Needs Chromium, the extras `test` and `browser`, and a quiet
machine: its load is told. `--write` puts the table into docs/how-to/explore-in-jupyter.md.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
PAGE = TOP / "docs/how-to/explore-in-jupyter.md"
sys.path.insert(0, str(TOP / "tests/browser"))

STEPS = """async count => {
  const root = document.querySelector('.ts-explorer');
  const slider = root.querySelector('input[type=range]');
  const answered = () => new Promise(done => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now()); });
    watch.observe(root, {attributes: true, attributeFilter: ['data-answered']});
  });
  const painted = () => new Promise(done => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  }));
  const times = [];
  for (let i = 0; i < count; i++) {
    await new Promise(done => setTimeout(done, 100 + 7 * (i % 5)));
    const drawn = answered();
    const start = performance.now();
    slider.value = 36 + (i * 7) % 48;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    times.push([await drawn - start, await painted() - start]);
  }
  return times;
}"""
DRAG = """async seconds => {
  const root = document.querySelector('.ts-explorer');
  const slider = root.querySelector('input[type=range]');
  let redraws = 0;
  const watch = new MutationObserver(() => redraws++);
  watch.observe(root, {attributes: true, attributeFilter: ['data-answered']});
  const end = performance.now() + 1000 * seconds;
  for (let i = 0; performance.now() < end; i++) {
    slider.value = 24 + i % 72;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    await new Promise(requestAnimationFrame);
  }
  watch.disconnect();
  return redraws / seconds;
}"""
ALONE = """
import sys, time
import transition_sim as ts
view = ts.explore(runs=int(sys.argv[2]))
widget, times = view.widget, []
for i in range(int(sys.argv[1]) + 3):
    values = {"draw down start": 36 + (i * 7) % 48}
    start = time.perf_counter()
    widget.asked(widget, {"do": "set", "values": values, "movement": str(i), "number": i + 1}, [])
    times.append(1000 * (time.perf_counter() - start))
print(*times[3:])
"""


def in_browser(steps: int, runs: int) -> tuple[list[list[float]], float]:
    """Return milliseconds to the answer drawn and the frame painted, step by step, and redraws a second in a drag."""
    from conftest import QUIET, chromium_path
    from own_jupyter import run_first_cell, running
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "jupyter") as server,
        sync_playwright() as driver,
    ):
        server.write("explorer.ipynb", [f"import transition_sim as ts\nts.explore(runs={runs})"])
        browser = driver.chromium.launch(executable_path=chromium_path(), args=list(QUIET))
        page: Any = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(server.address("explorer.ipynb"))
        run_first_cell(page)
        page.evaluate(STEPS, 5)
        times = page.evaluate(STEPS, steps)
        rate = float(page.evaluate(DRAG, 4))
        browser.close()
    return times, rate


def alone(steps: int, runs: int) -> list[float]:
    """Return milliseconds of the Python part of each step."""
    command = [sys.executable, "-c", ALONE, str(steps), str(runs)]
    return [float(word) for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


def row(name: str, times: list[float]) -> str:
    """Return a row of the table: median, 90th percentile and the longest."""
    ordered = sorted(times)
    p90 = ordered[min(round(0.9 * len(ordered)), len(ordered) - 1)]
    return f"| {name} | {statistics.median(times):.0f} | {p90:.0f} | {ordered[-1]:.0f} |"


def main() -> None:
    """Measure, print the table, and put it into the page where asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--write", action="store_true", help="put the table into the page on the explorer")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    python = alone(asked.steps, asked.runs)
    browser, rate = in_browser(asked.steps, asked.runs)
    table = "\n".join([
        f"{asked.steps} steps of a slider over {asked.runs} worlds, JupyterLab in Chromium, {os.cpu_count()} cores; "
        f"load of the machine when it began: {load:.1f}. A drag without pause is drawn {rate:.0f} times a second.",
        "",
        "| milliseconds | median | 90th percentile | longest |",
        "|---|---|---|---|",
        row("from the slider's move to the painted frame", [painted for _, painted in browser]),
        row("of it, to the answer drawn", [drawn for drawn, _ in browser]),
        row("Python alone, without a browser", python),
    ])  # fmt: skip
    print(table)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        inner = re.compile(r"(<!-- measured -->\n).*?(\n<!-- end of measured -->)", re.S)
        PAGE.write_text(inner.sub(lambda found: found[1] + table + found[2], text), encoding="utf-8")


if __name__ == "__main__":
    main()
