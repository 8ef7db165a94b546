"""docs/how-to/explore-in-jupyter.md says what is true: its Python runs, its words are those of the view."""

import re
from pathlib import Path

import pytest

import transition_sim as ts

PAGE = Path(__file__).parents[2] / "docs/how-to/explore-in-jupyter.md"
TEXT = PAGE.read_text(encoding="utf-8")
FRONT = Path(ts.__file__).parent / "explorer/front"


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    names: dict[str, object] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - the project's own page
    out = capsys.readouterr().out
    assert "change_median" in out
    assert re.search(r"^[0-9a-f]{64}$", out, re.M)
    again = ts.load_scenario("my_setting.yaml")
    assert again.settings["draw down start"].value == 60


def test_without_bridging_the_risk_is_no_lower() -> None:
    view = ts.explore(runs=50, option="draw_down", sliders=False)
    view.set("PBC bridge channel weight", 0)
    assert view.table.change_p10.min() >= -1e-9
    assert view.table.change_p90.iloc[-1] > 0
    none = ts.explore(runs=50, sliders=False)
    none.set("PBC bridge channel weight", 0)
    assert none.table.change_p90.abs().max() == 0


def test_its_buttons_and_words_are_those_on_the_screen() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in FRONT.glob("*.js"))
    for words in ("Pin this setting", "Undo", "Redo", "Reset", "Read the charts at", "The charts in numbers"):
        assert f"*{words}*" in TEXT
        assert words in shown
    assert (PAGE.parent / "explore-in-jupyter.png").exists()
