"""Modules become one script: order, names, what is refused."""

from __future__ import annotations

import pytest

from transition_sim.errors import ModelError
from transition_sim.web.bundle import bundle, shared


def run(script: str, ask: str) -> object:
    from py_mini_racer import MiniRacer

    with MiniRacer() as engine:
        engine.eval(script)
        return engine.eval(ask)


def test_bundle_runs_modules_in_order_with_names_of_their_own() -> None:
    modules = {
        "main.js": 'import { twice as double } from "./a.js";\nimport * as b from "./b.js";\n'
        "const hidden = 1;\nexport const answer = double(b.hidden) + hidden;\n",
        "a.js": "/** Doubles. */\nexport function twice(x) {\n  // a comment\n  return 2 * x;\n}\n",
        "b.js": "export const hidden = 20;\n",
        "unused.js": "syntax error here",
    }
    script = bundle(modules, "main.js")
    assert run(script, "module_main.answer") == 41
    assert "comment" not in script
    assert "unused" not in script


def test_shared_charts_are_scripts_that_a_bundle_takes() -> None:
    modules = {name: shared(name) for name in ("charts.js", "panels.js")}
    script = bundle(modules, "panels.js")
    ask = "JSON.stringify([module_charts.niceScale(0, 0.23).ticks, module_charts.spread([5, 5, 90], 10, 0, 95)])"
    assert run(script, ask) == "[[0,0.05,0.1,0.15000000000000002,0.2,0.25],[5,15,90]]"
    assert run(script, "module_charts.valueAt([0, 10, 20], [1, 3, 7], 15)") == 5


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"main.js": 'import { a } from "./gone.js";\n'}, "imports 'gone.js', which is not there"),
        ({"main.js": 'import { a } from "./b.js";\n', "b.js": 'import { c } from "./main.js";\n'}, "imports itself"),
        ({"main.js": "export let a = 1, b = 2;\n"}, "not understood: export let"),
        ({"main.js": 'import "https://example.org/x.js";\n'}, "not understood: import"),
        ({"main.js": "export { a };\n"}, "not understood"),
    ],
)
def test_bundle_refuses_what_it_does_not_understand(modules: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bundle(modules, "main.js")
