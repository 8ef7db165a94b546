"""The explorer in a notebook: what the front-end is told, and what it asks for. The only importer of anywidget.

Words go as plain data; series as one block of float32: for each chart 10th percentile, median and 90th over the points
of time, `(chart, 3, time)`, then the same of the pinned setting. The front-end has one request under way at a time and
keeps the latest of those that wait, so that nothing queues here. What is refused is answered in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from transition_sim.errors import ScenarioError, TransitionSimError
from transition_sim.explorer import words
from transition_sim.explorer.controls import hints, reach, scale, value_words
from transition_sim.explorer.outcome import RISK, Outcome
from transition_sim.explorer.setting import SHARES, option_values
from transition_sim.study.comparison import OPTIONS
from transition_sim.study.drivers import PREFIX
from transition_sim.study.outcomes import BUDGET
from transition_sim.study.wording import label
from transition_sim.web.bundle import bundle, shared

if TYPE_CHECKING:
    from transition_sim.explorer.view import Explorer

_FRONT = Path(__file__).parent / "front"
_DATES = ("draw down start", "draw down duration", "election date")
CHARTS = (
    (RISK, "Risk of relapse since the mandate", 100.0, "%", "risk"),
    ("relapse hazard", "Hazard of relapse", 1200.0, "% a year", "watched"),
    ("peacekeepers deployed", "Peacekeepers", 1e-3, "thousand", "watched"),
    ("security", "Security", 1.0, "0 to 1", "watched"),
    ("state capacity", "State capacity", 1.0, "0 to 1", "watched"),
    ("aid gap", "Aid gap", 1.0, "MUSD/month", "watched"),
)
"""Name of the band, title, what it is multiplied by, unit as shown, and the group that it is drawn in."""


def front_end() -> str:
    """Return the front-end as one module of JavaScript that imports nothing."""
    modules = {path.name: path.read_text(encoding="utf-8") for path in _FRONT.glob("*.js")}
    modules |= {name: shared(name) for name in ("charts.js", "elements.js")}
    return f"{bundle(modules, 'explorer.js')}\nexport default {{ render: module_explorer.render }};\n"


class ExplorerWidget(anywidget.AnyWidget):
    """Joins an explorer to its views in the notebook: `setup` is told once, `shown` and `series` at each change."""

    _esm = front_end()
    _css = shared("style.css") + (_FRONT / "explorer.css").read_text(encoding="utf-8")
    setup = traitlets.Dict().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    series = traitlets.Bytes().tag(sync=True)

    def __init__(self, view: Explorer) -> None:
        self._view = view
        self._answered = 0
        self._busy = False
        drivers = [(name, name.removeprefix(PREFIX), 1 / math.log(2), "times", "driver") for name in view.study.drivers]
        self._charts = [*CHARTS, *drivers]
        self._options = {_shares(option_values(view.study.model, name)): name for name in OPTIONS}
        super().__init__(setup=self._setup(), **self._state())
        view.on_change(self.changed)
        self.on_msg(self.asked)

    def _setup(self) -> dict[str, Any]:
        """Return what never changes: title, controls, charts, options, points of time in months."""
        keys = ("name", "title", "factor", "unit", "group")
        months = self._view.result.time
        return {
            "title": words.title(self._view),
            "controls": [asdict(control) for control in self._view.controls],
            "charts": [dict(zip(keys, chart, strict=True)) for chart in self._charts],
            "options": [{"name": name, "label": label(name)} for name in OPTIONS],
            "months": months[months >= 0].tolist(),
        }

    def _state(self, error: str = "") -> dict[str, Any]:
        """Return the current and the pinned setting, in words and series, and the error of the last request."""
        view = self._view
        constants = view.constants(view.now)
        told = {
            **words.as_data(view),
            "answered": self._answered,
            "error": error,
            "values": {c.name: constants[c.name] * scale(c, constants) for c in view.controls},
            "words": {c.name: value_words(c, constants[c.name], constants) for c in view.controls},
            "hints": hints(constants),
            "reach": {c.name: reach(c, constants) for c in view.controls if c.kind != "choice"},
            "budget": constants[BUDGET],
            "option": self._options.get(_shares(constants), ""),
            "dates": {name: constants[name] for name in _DATES},
            "isPinned": view.pinned is not None,
            "isThePinned": view.pinned is view.now,
            "canUndo": view.can_undo,
            "canRedo": view.can_redo,
        }
        outcomes = (view.outcome, view.pinned_outcome)
        return {"shown": told, "series": b"".join(self._packed(each) for each in outcomes if each is not None)}

    def _packed(self, outcome: Outcome) -> bytes:
        """Return the bands of every chart from the mandate on, as shown, `(chart, 3, time)` float32."""
        late = outcome.result.time >= 0
        bands = [outcome.bands[name][:, late] * factor for name, _, factor, _, _ in self._charts]
        return np.asarray(bands, dtype="<f4").tobytes()

    def tell(self, error: str = "") -> None:
        """Tell the front-end what there is to show now."""
        with self.hold_sync():
            for name, value in self._state(error).items():
                setattr(self, name, value)

    def changed(self) -> None:
        """Tell of a change that came from elsewhere than the front-end, such as `view.set` in another cell."""
        if not self._busy:
            self.tell()

    def asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Do what the front-end asks for and answer, in words where it cannot be done."""
        error, self._busy = "", True
        try:
            self._answered = int(content["number"])
            self._do(content)
        except TransitionSimError as refused:
            error = str(refused)
        except Exception as unexpected:
            error = f"this went wrong inside transition_sim: {unexpected!r}"
            raise
        finally:
            self._busy = False
            self.tell(error)

    def _do(self, content: Any) -> None:
        view = self._view
        match content:
            case {"do": "set", "values": dict(values), "movement": str(movement)}:
                view.propose(self._constants(values), movement)
            case {"do": "option", "option": str(name)} if name in OPTIONS:
                view.option(name)
            case {"do": "undo" | "redo" | "reset" | "pin" | "unpin" as what}:
                getattr(view, what)()
            case _:
                raise ScenarioError("the request was not understood")

    def _constants(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Return controls' values as shown as constants of the model; one that did not move keeps its every bit."""
        constants = self._view.constants(self._view.now)
        moved = {}
        for control in self._view.controls:
            by = scale(control, constants)
            if control.name in values and by != 0 and values[control.name] != constants[control.name] * by:
                moved[control.name] = float(values[control.name]) / by
        return moved

    def bundle(self) -> dict[str, Any]:
        """Return what tells a front-end to show this widget."""
        data, _ = self._repr_mimebundle_() or ({}, {})
        return {kind: told for kind, told in data.items() if kind != "text/plain"}


def _shares(values: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(values[name] for name in SHARES)
