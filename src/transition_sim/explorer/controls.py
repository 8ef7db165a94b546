"""What can be moved: sliders, choices and switches over constants of the model, and where they may go.

A control shows a constant in words and units that people use; `shown = value x scale`, so that a share of the effort
budget moves in effort-months. Reach is where a slider ends, not what the model allows: `set` takes the whole of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Kind, Model
from transition_sim.study.comparison import ROLES
from transition_sim.study.outcomes import BUDGET
from transition_sim.study.wording import label
from transition_sim.study.worlds import Uncertainty

BRIDGING = "PBC bridge channel weight"
RULES = ((0.0, "by calendar"), (1.0, "by benchmark on own conditions"))
SWITCH = ((1.0, "on"), (0.0, "off"))
GROUPS = ("Draw-down", "PBC effort-months", "More")


@dataclass(frozen=True)
class Control:
    """One thing to move: the constant behind it, its label and help, and how far it reaches in shown units."""

    name: str
    label: str
    group: str
    kind: str  # slider, effort or choice
    form: str  # how its value is told, such as `{} months`
    help: str
    low: float = 0.0
    high: float = 1.0
    step: float = 1.0
    choices: tuple[tuple[float, str], ...] = field(default=())


def make_controls(model: Model, ranges: Mapping[str, Uncertainty], also: Sequence[str] = ()) -> tuple[Control, ...]:
    """Return the controls of the explorer, and a slider for each constant in `also`.

    Raises ModelError for names that the model lacks, ScenarioError for what cannot be a slider.
    """

    def about(name: str) -> str:
        return model.find(name).documentation

    controls = [
        Control("draw down start", "Draw-down starts", GROUPS[0], "slider", "month {}",
                about("draw down start"), 0, 120),
        Control("draw down duration", "Draw-down lasts", GROUPS[0], "slider", "{} months",
                about("draw down duration"), 12, 120),
        Control("draw down rule", "Pace", GROUPS[0], "choice", "", about("draw down rule"), choices=RULES),
        Control(BRIDGING, "Bridging of the exit", GROUPS[0], "choice", "",
                "Support to state forces while the mission leaves: a channel of the draw-down effort, which does "
                "nothing without it. The size of its effect is an assumption; the range reaches zero.",
                choices=SWITCH),
    ]  # fmt: skip
    controls += [
        Control(f"PBC {role} effort", label(role.replace(" ", "_")).capitalize(), GROUPS[1], "effort", "{}",
                about(f"PBC {role} effort"), step=0.5)
        for role in ROLES
    ]  # fmt: skip
    taken = {control.name for control in controls}
    more = [_slider(model, name, ranges) for name in dict.fromkeys(model.find(name).name for name in also)]
    return (*controls, *(control for control in more if control.name not in taken))


def _slider(model: Model, name: str, ranges: Mapping[str, Uncertainty]) -> Control:
    """Return a slider over a constant's plausible range, or over its limits where it has none."""
    found = model.find(name)
    if found.kind is not Kind.CONSTANT:
        raise ScenarioError(f"'{name}' is computed by the model ({found.kind.value}), so no slider can set it")
    known = ranges.get(name)
    low, high = (known.low, known.high) if known is not None and known.low is not None else found.limits
    if low is None or high is None or not low < high:
        raise ScenarioError(f"'{name}' has no range that a slider could cover; set it with view.set('{name}', ...)")
    form = f"{{}} {found.unit}".rstrip()
    return Control(name, name, GROUPS[2], "slider", form, found.documentation, low, high, _step(high - low))


def _step(width: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that divides a width into about a hundred."""
    least = width / 100
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least * 0.999), 10 * power)


def scale(control: Control, values: Mapping[str, float]) -> float:
    """Return what a constant is multiplied by to be shown."""
    return values[BUDGET] if control.kind == "effort" else 1.0


def reach(control: Control, values: Mapping[str, float]) -> tuple[float, float]:
    """Return where a slider begins and ends, in shown units; the value it stands at is always within."""
    here = values[control.name] * scale(control, values)
    if control.kind == "effort":
        return 0.0, max(values[BUDGET], here)
    return min(control.low, here), max(control.high, here)


def value_words(control: Control, value: float, values: Mapping[str, float]) -> str:
    """Return a control's value in words, such as `month 48` or `by benchmark`."""
    shown = value * scale(control, values)
    if control.kind == "choice":
        words = dict(control.choices).get(value)
        return words if words is not None else f"between, {value:g}"
    return control.form.replace("{}", _brief(shown))


def hints(values: Mapping[str, float]) -> dict[str, str]:
    """Return what is to be said at a control of a setting, by the constant's name."""
    if values["PBC draw down effort"] > 0 or values["PBC same bundle"] > 0:
        return {}
    return {BRIDGING: "Does nothing while no effort goes to the draw-down."}


def _brief(value: float) -> str:
    return f"{value:.10g}" if value == round(value, 6) else f"{value:.4g}"
