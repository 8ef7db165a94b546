"""How fast the offline page answers, in a real Chromium: medians over slider steps, at full speed and throttled.

    python benchmarks/lab.py [--steps 30]     (needs the extra `browser` and an installed Chromium; CHROMIUM names it)

Of each step: `line` is the work between an input event and the drawn line, layout included (no frame is waited for);
`band` the time from the input event until the band of 200 worlds is drawn; `pause` the longest time in that span in
which the page could not answer. Throttling slows the page's own thread four times; Chromium leaves workers alone, so
the band is timed without workers too, computed in slices on the throttled page.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from transition_sim.lab.page import build_page

STEP = """async ({id, index}) => {
  const input = document.getElementById(id);
  const done = (name) => new Promise((resolve) => {
    new PerformanceObserver((list, self) => {
      const entry = list.getEntriesByName(name)[0];
      if (entry) { self.disconnect(); resolve(entry); }
    }).observe({ entryTypes: ["measure"] });
  });
  const line = done("lab line"), band = done("lab band");
  let pause = 0, last = performance.now();
  const beat = setInterval(() => {
    const now = performance.now();
    pause = Math.max(pause, now - last - 4);
    last = now;
  }, 4);
  const begun = performance.now();
  input.value = String(index);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const drawn = await line;
  const before = performance.now();
  document.body.getBoundingClientRect();
  const layout = performance.now() - before;
  const banded = await band;
  clearInterval(beat);
  return { line: drawn.duration + layout, band: banded.startTime + banded.duration - begun, pause };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30, help="slider steps of each case")
    steps = parser.parse_args().steps
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = Path(folder) / "lab.html"
        page_file.write_text(build_page(), encoding="utf-8")
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        size = page_file.stat().st_size / 1000
        print(f"Chromium {browser.version}, {os.cpu_count()} processors, page of {size:.0f} kB; milliseconds")
        print(f"{'model':12} {'page':19} {'line':>10} {'band':>12} {'pause':>12}   (medians; largest in brackets)")
        for model in ("aid_gap", "transition"):
            for rate, workers in ((1, True), (1, False), (4, True), (4, False)):
                report(browser, page_file, model, rate, workers, steps)
        browser.close()


def report(browser: Any, file: Path, model: str, rate: int, workers: bool, steps: int) -> None:
    """Move the draw-down's start step by step in one model and print what was measured."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    if not workers:
        page.add_init_script("Worker = undefined")
    page.goto(file.as_uri())
    page.locator(f"[name=model][value={model}]").check()
    page.locator("#bench[aria-busy=false]").wait_for()
    found = [page.evaluate(STEP, {"id": "lever-draw_down_start", "index": 5 + i}) for i in range(12)]  # warm
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
    found = [page.evaluate(STEP, {"id": "lever-draw_down_start", "index": 52 + i}) for i in range(steps)]
    told = "  ".join(
        f"{statistics.median(step[key] for step in found):6.1f} ({max(step[key] for step in found):.0f})"
        for key in ("line", "band", "pause")
    )
    where = "with workers" if workers else "without workers"
    print(f"{model:12} {rate}x, {where:16} {told}")
    page.close()


if __name__ == "__main__":
    main()
