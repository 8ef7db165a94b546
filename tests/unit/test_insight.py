"""Pictures and loops by the other engine: what is drawn, what is refused, loops of a model that is solved by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import transition_sim as ts
from transition_sim.errors import ModelError
from transition_sim.figures import loops_figure, run_figure, save
from transition_sim.model import insight
from transition_sim.model.equations import Model
from transition_sim.model.insight import Loop, Loops, draw, feedback_loops, pictures, sector_text, sectors
from transition_sim.study.wording import loop_lines, loops_data

LOTKA = (
    "prey = INTEG(births-deaths, 10)", "births = prey*0.1", "deaths = prey*hunters*0.02",
    "hunters = INTEG(growth-loss, 4)", "growth = prey*hunters*0.005", "loss = hunters*0.1",
)  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Model:
    return ts.load_model()


def test_every_sector_is_drawn_with_what_it_holds(shipped: Model) -> None:
    assert {"Mission", "Security", "Aid", "Politics", "Hazard", "Instruments"} <= set(sectors(shipped))
    svg, png = draw(shipped, "Society")
    text = svg.decode("utf-8")
    for word in ("excluded", "unaddressed", "inclusion", "(state)"):
        assert word in text
    assert png.startswith(b"\x89PNG")


def test_a_drawing_tells_flows_from_influences(shipped: Model) -> None:
    text = sector_text(shipped, "Security")
    assert "active spoilers = INTEG(defection+recruitment-demobilisation, 1)" in text
    assert '"legitimacy (Politics)" = 1' in text
    assert "mission half density" not in text
    aid = sector_text(shipped, "Aid")
    assert "aid trend = INTEG(change in aid trend, 1)" in aid
    assert "trend time" in sector_text(shipped, "Aid", constants=True)


def test_an_unknown_sector_is_named(shipped: Model) -> None:
    with pytest.raises(ModelError, match=r"no sector 'Securty'; there are: .*did you mean 'Security'"):
        draw(shipped, "Securty")


def test_loops_of_a_small_model_are_those_on_paper(model_of: Callable[..., Model]) -> None:
    """Lotka-Volterra: births reinforce, both kinds of death balance, and one loop passes both stocks."""
    model = model_of(*LOTKA, stop=60)
    found = feedback_loops(model)
    assert {(loop.stocks, loop.polarity) for loop in found.loops} == {
        (("prey",), "R"), (("prey",), "B"), (("hunters",), "R"), (("hunters",), "B"), (("hunters", "prey"), "B"),
    }  # fmt: skip
    whole = sum(loop.share for loop in found.loops)
    assert whole[whole > 0] == pytest.approx(1)
    assert found.complete
    assert [loop.stocks for loop, _ in found.strongest(0, 60, 5)] == [("hunters", "prey")]
    assert found.to_frame().shape == (len(found.time), 5)


def test_loops_are_told_by_phase_with_polarity(shipped: Model) -> None:
    found = feedback_loops(shipped)
    lines = loop_lines(found, shipped, 3)
    text = "\n".join(lines)
    assert all(len(line) <= 80 for line in lines)
    for part in ("before the draw-down (time -12 to 48)", "during it", "after it", "R: reinforcing", "may still exist"):
        assert part in " ".join(text.split())
    assert len(loops_data(found)["loops"]) == len(found.loops)
    figure = loops_figure(found, shipped)
    assert figure.axes[0].get_ylabel() == "share of change by loops (%)"


def test_a_model_without_loops_has_none(model_of: Callable[..., Model]) -> None:
    found = feedback_loops(model_of("level = INTEG(3, 1)"))
    assert found.loops == ()
    assert "Feedback loops" in loop_lines(found, model_of("level = INTEG(3, 1)"), 3)[0]


def test_the_other_engine_cannot_hang_or_crash_us(shipped: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(insight, "_LOOPS", "import time; time.sleep(30)")
    with pytest.raises(ModelError, match=r"took more than 0\.2 s"):
        feedback_loops(shipped)
    monkeypatch.setattr(insight, "TIME_LIMIT", 30)
    monkeypatch.setattr(insight, "_LOOPS", "import os; os.abort()")
    with pytest.raises(ModelError, match="the search for loops failed"):
        feedback_loops(shipped)


def test_frozen_stocks_keep_their_value(shipped: Model) -> None:
    whole = ts.simulate(shipped.with_frozen({"legitimacy": 0.6}), outputs=["legitimacy"])["legitimacy"]
    assert (whole == 0.6).all()
    late = ts.simulate(shipped.with_frozen({"legitimacy": None}, since=60), outputs=["legitimacy"])
    free = ts.simulate(shipped, outputs=["legitimacy"])["legitimacy"]
    path = late["legitimacy"]
    assert path[late.time <= 60] == pytest.approx(free[late.time <= 60], abs=1e-7)
    assert np.ptp(path[late.time >= 60]) < 1e-12
    with pytest.raises(ModelError, match="'state cover' is no stock"):
        shipped.with_frozen({"state cover": None})


@pytest.mark.slow
def test_pictures_are_saved_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transition_sim.cli import app

    app(["model", "draw", "--sector", "Region", "--out", str(tmp_path)], standalone_mode=False)
    assert {path.name for path in tmp_path.iterdir()} == {"region.svg", "region.png"}
    assert "region.svg" in capsys.readouterr().out


def test_dollar_signs_in_names_are_no_mathematics(model_of: Callable[..., Model], tmp_path: Path) -> None:
    assert Loops(np.arange(3.0), (), True, 0).strongest(5, 6, 1) == []  # a phase without a moment
    model = model_of('"a $x_$" = INTEG(1, 0) ~ $y_$ ~ |', '"b" = INTEG("a $x_$", 0) ~ ~ |')
    loops = Loops(np.arange(11.0), (Loop(("a $x_$", "b"), "R", np.ones(11), 1),), True, 1)
    run = run_figure(ts.simulate(model), model)
    written = [*save(run, tmp_path / "run"), *save(loops_figure(loops, model), tmp_path / "loops")]
    assert "a $x_$" in written[0].read_text(encoding="utf-8")
    assert "$y_$" in written[0].read_text(encoding="utf-8")
    assert "R: a $x_$ &gt; b" in written[2].read_text(encoding="utf-8")


def test_pictures_of_all_sectors_are_made_at_once(shipped: Model) -> None:
    found = pictures(shipped, ["Society", "Region"])
    assert {name: b"<svg" in (svg or b"") for name, svg in found.items()} == {"Society": True, "Region": True}
    assert b"regional" in (found["Region"] or b"")


def test_a_sectors_name_is_no_equation(mdl: Callable[..., Path]) -> None:
    path = mdl("x = INTEG(y, 0)", "y = 1 + 0 * Time")
    text = path.read_text(encoding="utf-8")
    group = "*" * 56 + "\n\t.A + (B)\n" + "*" * 56 + "~\n\t\tsays\n\t|\n"
    path.write_text(text.replace("y = 1", f"{group}y = 1", 1), encoding="utf-8")
    model = ts.load_model(path)
    assert "y = 1 ~" not in sector_text(model, "")
    assert '"y (A    B )" = 1' in sector_text(model, "")
