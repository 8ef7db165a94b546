"""The printed models in a real browser, opened from a file as from a memory stick: equal to Python."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from printed import by_python, in_order, largest_difference, random_settings, split

import transition_sim as ts
from transition_sim.engine.javascript import moving, print_module, print_script

RUNS, EVERY = 200, 12
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title><main><h1>t</h1></main>
<script type="application/json" id="texts">{texts}</script>
<script>
const [module, script] = JSON.parse(document.getElementById("texts").textContent);
const link = (code) => URL.createObjectURL(new Blob([code], {{ type: "text/javascript" }}));
async function inPage(columns, count, options) {{
  const model = await import(link(module));
  return joined(model.runMany(columns, count, options));
}}
function inWorker(columns, count, options) {{
  const worker = new Worker(link(script + ";onmessage = ({{ data }}) => postMessage(M.runMany(...data));"));
  return new Promise((resolve, reject) => {{
    worker.onmessage = ({{ data }}) => resolve(joined(data));
    worker.onerror = (error) => reject(new Error(error.message));
    worker.postMessage([columns, count, options]);
  }});
}}
function joined({{ time, series }}) {{
  const bytes = [time, ...series].map((s) => new Uint8Array(s.buffer, s.byteOffset, s.byteLength));
  const reader = new FileReader();
  return new Promise((resolve) => {{
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(new Blob(bytes));
  }});
}}
</script>"""


@pytest.mark.parametrize("name", ["transition", "aid_gap"])
@pytest.mark.parametrize("where", ["inPage", "inWorker"])
def test_browser_and_python_agree_on_200_random_settings(
    visit: Callable[..., Any], tmp_path: Path, name: str, where: str
) -> None:
    """To 1e-9 of each variable's maximum; as a module in the page itself, as a script in a worker beside it."""
    model = ts.load_model(name)
    file = tmp_path / "page.html"
    texts = json.dumps([print_module(model), print_script(model, "M")]).replace("<", "\\u003c")
    file.write_text(PAGE.format(texts=texts), encoding="utf-8")
    seen = visit(file)
    columns = random_settings(model, RUNS, 21 if where == "inPage" else 22)
    asked = [in_order(model, columns), RUNS, {"saveEvery": EVERY}]
    joined = seen.page.evaluate(f"asked => {where}(...asked)", asked)
    seen.assert_quiet()
    time, ours = split(np.frombuffer(base64.b64decode(joined)), len(moving(model)), RUNS)
    theirs = by_python(model, columns, save_every=EVERY, backend=None)
    assert np.array_equal(time, theirs.time)
    assert np.isfinite(ours).all()
    assert largest_difference(ours, theirs.values) <= 1e-9
