"""`ts.explore()`: the state of the explorer as a plain object, with or without a browser.

A setting is what is set over the profile: constants by name, in the model's units. Settings are kept for undo; a pinned
one is compared world by world. What is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transition_sim.engine.resolve import constant_of
from transition_sim.engine.result import Result
from transition_sim.errors import ScenarioError, TransitionSimError
from transition_sim.explorer import tables, words
from transition_sim.explorer.controls import Control, make_controls
from transition_sim.explorer.outcome import Outcome, Study
from transition_sim.explorer.setting import Values, base_values, check_model, choice, laid_over, option_values
from transition_sim.model.reader import load_model
from transition_sim.study.comparison import BUNDLES
from transition_sim.study.ensembles import draw_worlds
from transition_sim.study.outcomes import BUDGET
from transition_sim.study.scenario import DEFINITIONS, Scenario, in_folder, load_scenario
from transition_sim.study.worlds import load_uncertainties
from transition_sim.units import to_unit

if TYPE_CHECKING:
    import pandas as pd

    from transition_sim.explorer.widget import ExplorerWidget

MAX_UNDO = 500
KEPT = 8
"""Settings whose trajectories are kept; those of others are computed again where undo comes back to them."""


def explore(
    context: str | Path | Scenario = "reference",
    runs: int = 500,
    ensemble: str | Path = "c5",
    *,
    option: str | Path | None = None,
    effort: float | None = None,
    definition: str | None = None,
    bundle: str | None = None,
    seed: int = 7,
    also: Sequence[str] = (),
    sliders: bool = True,
) -> Explorer:
    """Return the explorer of one profile: in a notebook it shows itself with sliders, elsewhere it is a plain object.

    `context` is a shipped profile, a scenario file or a Scenario. `runs` worlds of `ensemble` (as in `compare`) are
    drawn by `seed`, the same at every setting. Where the profile does not say otherwise, no effort is made at first
    (`option` puts it somewhere), the budget `effort` is 18 effort-months, what counts as relapse (`definition`) is war,
    and each role has its own channels (`bundle` is `role`, not `same`). `also` names constants that get a slider of
    their own. Without `sliders` nothing of the extra `notebook` is needed, and it shows itself as a table.

    Raises ScenarioError for what does not exist or does not fit, TransitionSimError where the extra is missing.
    """
    if sliders:
        _check_installed()
    profile = context if isinstance(context, Scenario) else load_scenario(in_folder(context, "contexts"))
    model = load_model(profile.model)
    check_model(model)
    start: dict[str, float] = {} if option is None else option_values(model, option)
    if effort is not None:
        start[BUDGET] = float(effort)
    if definition is not None:
        start["relapse definition"] = choice("definition", definition, DEFINITIONS)
    if bundle is not None:
        start["PBC same bundle"] = choice("bundle", bundle, BUNDLES)
    study = Study(model, profile, draw_worlds(model, ensemble, runs, seed))
    return Explorer(study, start, make_controls(model, load_uncertainties(model)[0], also), sliders)


def _check_installed() -> None:
    """Refuse to go on without what sliders need."""
    if find_spec("anywidget") is None:
        raise TransitionSimError(
            'the sliders need anywidget, which is not installed: pip install "transition_sim[notebook]"; '
            "explore(..., sliders=False) does without and shows a table"
        )


@dataclass(frozen=True, eq=False)
class Step:
    """A setting that was reached: what is set over the profile, and the movement of a slider that reached it."""

    values: Values
    movement: str | None = None


class Explorer:
    """The state of the explorer: the current setting, those before and after it, and the pinned one."""

    def __init__(self, study: Study, start: Values, controls: tuple[Control, ...] = (), sliders: bool = False) -> None:
        self.study = study
        self.controls = controls
        self.sliders = sliders
        self._base = base_values(study.model, study.context)
        self._shared = {name: self._base[name] for name in self._base if name not in study.differing}
        self._listeners: list[Callable[[], None]] = []
        self._outcomes: dict[Step, Outcome] = {}
        self._start = Step(dict(start))
        self._steps = [self._start]
        self._at = 0
        self._pinned: Step | None = self._start
        self._outcome(self._start)

    def _outcome(self, step: Step) -> Outcome:
        """Return what a setting gives, computed where it is not kept."""
        if step not in self._outcomes:
            found = self.study.run(laid_over(self.study.context, step.values))
            spare = [other for other in self._outcomes if other not in (self.now, self._pinned)]
            for other in spare[: max(len(spare) - KEPT, 0)]:
                del self._outcomes[other]
            self._outcomes[step] = found
        return self._outcomes[step]

    @property
    def now(self) -> Step:
        """The current setting."""
        return self._steps[self._at]

    @property
    def pinned(self) -> Step | None:
        """The pinned setting; at first that at the start, None once unpinned."""
        return self._pinned

    @property
    def outcome(self) -> Outcome:
        """What the current setting gives."""
        return self._outcome(self.now)

    @property
    def pinned_outcome(self) -> Outcome | None:
        """What the pinned setting gives."""
        return None if self._pinned is None else self._outcome(self._pinned)

    @property
    def scenario(self) -> Scenario:
        """The current setting as a scenario, for `ts.simulate`, `ts.explore` or `scenario.save(path)`."""
        return self.outcome.scenario

    @property
    def result(self) -> Result:
        """The trajectories of the current setting over the worlds, every third month, `(time, run)` by variable."""
        return self.outcome.result

    def constants(self, step: Step) -> dict[str, float]:
        """Return every constant of a setting by name; where worlds differ in one, what the file says."""
        return {**self._base, **step.values}

    def value(self, name: str) -> float:
        """Return a constant of the current setting in the model's unit; where worlds differ, what the file says."""
        return self.constants(self.now)[constant_of(self.study.model, name).name]

    def set(self, name: str, value: float | str) -> None:
        """Set a constant, to a number in the model's unit or to text such as `5 years`.

        Raises ScenarioError, and changes nothing, where it does not exist, leaves its limits, or does not fit.
        """
        found = constant_of(self.study.model, name).name
        number = to_unit(value, self.study.model.find(found).unit) if isinstance(value, str) else float(value)
        self.propose({found: number})

    def option(self, name: str | Path) -> None:
        """Put the effort where an option puts it: `none`, `draw_down`, ..., or a scenario file."""
        self.propose(option_values(self.study.model, name))

    def propose(self, values: Values, movement: str | None = None) -> None:
        """Set several constants at once; the steps of one `movement` (a drag of a slider) are undone together.

        Raises ScenarioError, and changes nothing, where the whole does not fit.
        """
        now = {**self._shared, **self.now.values}
        if any(now.get(name) != value for name, value in values.items()):
            self._go({**self.now.values, **values}, movement)

    def reset(self) -> None:
        """Go back to the setting at the start; that can be undone."""
        if {**self._shared, **self.now.values} != {**self._shared, **self._start.values}:
            self._go(self._start.values)

    def _go(self, values: Values, movement: str | None = None) -> None:
        step = Step(dict(values), movement)
        self._outcome(step)
        goes_on = movement is not None and movement == self.now.movement and self._at > 0
        kept = self._steps[: self._at + (not goes_on)]
        self._steps = [*kept[-MAX_UNDO:], step]
        self._at = len(self._steps) - 1
        self._tell()

    @property
    def can_undo(self) -> bool:
        """Whether there is a setting to go back to."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a setting that was undone."""
        return self._at < len(self._steps) - 1

    def undo(self) -> None:
        """Go back to the setting before; ScenarioError where there is none."""
        if not self.can_undo:
            raise ScenarioError("there is nothing to undo")
        self._at -= 1
        self._tell()

    def redo(self) -> None:
        """Take an undo back; ScenarioError where there is none."""
        if not self.can_redo:
            raise ScenarioError("there is nothing to redo")
        self._at += 1
        self._tell()

    def pin(self) -> None:
        """Keep the current setting beside what follows, in place of the one pinned before."""
        self._pinned = self.now
        self._tell()

    def unpin(self) -> None:
        """Compare with nothing."""
        self._pinned = None
        self._tell()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have a function called after every change of the current or the pinned setting."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    @property
    def table(self) -> pd.DataFrame:
        """The risk by year with its range, effort spent, and the change against the pinned setting, as a data frame."""
        return tables.risk_table(self.outcome, self.pinned_outcome)

    def to_frame(self) -> pd.DataFrame:
        """Return the bands over time as a tidy data frame: a row for each setting, variable and time."""
        found = {"now": self.outcome, "pinned": self.pinned_outcome}
        return tables.bands_table({setting: outcome for setting, outcome in found.items() if outcome is not None})

    @property
    def provenance(self) -> dict[str, Any]:
        """What the numbers hang on: model, profile, worlds, what is set, versions; plain data."""
        return tables.provenance(self.study, self.now.values, self.outcome)

    @cached_property
    def widget(self) -> ExplorerWidget:
        """The view in the notebook; TransitionSimError where the extra `notebook` is missing."""
        _check_installed()
        from transition_sim.explorer.widget import ExplorerWidget

        return ExplorerWidget(self)

    def __repr__(self) -> str:
        return words.as_text(self)

    def _repr_html_(self) -> str:
        return words.as_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the sliders for a front-end that has them, and a table with ranges for those that have not."""
        still = {"text/plain": words.as_text(self), "text/html": words.as_html(self)}
        return (still | self.widget.bundle(), {}) if self.sliders else (still, {})
