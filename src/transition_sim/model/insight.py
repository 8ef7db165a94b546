"""A second opinion on a model from another engine, and its pictures: unit check, stock-and-flow drawings, loops.

The only importer of pysimlin. It is native code and a model file is untrusted, so it runs in a process of its own
with a time limit, on a file that our reader has accepted. Loops are scored by the method of Loops that Matter
(Schoenberg, Davidsen and Eberlein 2020, System Dynamics Review 36(2), https://doi.org/10.1002/sdr.1658; unchecked).
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.errors import Fault, ModelError, nearest, shown
from transition_sim.model.equations import Call, Expression, Kind, Model, Reference, canonical, references

if TYPE_CHECKING:
    import pandas as pd

TIME_LIMIT = 60.0
_UNITS = """
import json, sys, simlin
model = simlin.load(sys.argv[1])
issues = [*model.check_units(), *(issue for issue in model.check() if "units" in issue.message)]
print(json.dumps([[issue.variable, issue.message] for issue in issues]))
"""
_DRAW = """
import base64, json, sys, simlin
project = simlin.load(sys.argv[1]).project
pictures = project.render_svg(), project.render_png(width=2000)
print(json.dumps([base64.b64encode(picture).decode() for picture in pictures]))
"""
_PICTURES = """
import json, sys, simlin
pictures = {}
for path in sys.argv[1:]:
    try:
        pictures[path] = simlin.load(path).project.render_svg().decode()
    except Exception as error:
        pictures[path] = None
print(json.dumps(pictures))
"""
_LOOPS = """
import json, sys, simlin
found = simlin.load(sys.argv[1]).analyze(timeout=float(sys.argv[2]))
if found.analysis_error is not None:
    sys.exit(str(found.analysis_error))
loops = [[list(l.variables), str(l.polarity), [float(x) for x in l.behavior_time_series]] for l in found.loops]
print(json.dumps({"complete": bool(found.enumeration_complete), "retained": found.retained_loops, "loops": loops}))
"""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Loop:
    """A feedback loop by the stocks it passes, in order; loops by way of different auxiliaries are added up.

    `polarity` is R (reinforcing), B (balancing) or U (it changes); `share` `(time,)` is its part of all change that
    loops make at a moment, 0 to 1.
    """

    stocks: tuple[str, ...]
    polarity: str
    share: Floats
    paths: int


@dataclass(frozen=True, eq=False)
class Loops:
    """The feedback loops that matter most, strongest first; `complete` where every loop was looked at."""

    time: Floats
    loops: tuple[Loop, ...]
    complete: bool
    retained: int

    def strongest(self, start: float, end: float, count: int) -> list[tuple[Loop, float]]:
        """Return the loops of two stocks or more with the largest mean share of a phase, and that share.

        Loops of one stock, by which it adjusts or decays, are left out here: they say how fast, not why.
        """
        inside = (self.time >= start) & (self.time < end)
        if not inside.any():
            return []
        shares = [(loop, float(loop.share[inside].mean())) for loop in self.loops if len(loop.stocks) > 1]
        return sorted(shares, key=lambda pair: -pair[1])[:count]

    def to_frame(self) -> pd.DataFrame:
        """Return the shares over time, a column a loop."""
        import pandas as pd

        columns = {f"{loop.polarity} {' > '.join(loop.stocks)}": loop.share for loop in self.loops}
        return pd.DataFrame(columns, index=pd.Index(self.time, name="time"))


def unit_faults(model: Model) -> list[Fault]:
    """Return a fault, with file and line, for each variable whose unit does not follow from its equation.

    Raises ModelError where the model has no file, or the check crashes or takes more than a minute.
    """
    if model.path is None:
        raise ModelError(f"model '{model.name}' has no file, so its units cannot be checked")
    file = shown(model.path)
    issues = [(name, message) for name, message in _asked(_UNITS, [str(model.path)], file, "the unit check")
              if message.strip()]  # fmt: skip
    named = [(name, message) for name, message in issues if name is not None]
    return sorted({_fault(model, file, name, message) for name, message in named or issues})


def feedback_loops(model: Model, seconds: float = 20.0) -> Loops:
    """Return the loops found in so many seconds, scored over a run of the model as its file stands.

    Raises ModelError where the model has no file or the other engine cannot analyse it.
    """
    if model.path is None:
        raise ModelError(f"model '{model.name}' has no file, so its loops cannot be searched")
    found = _asked(_LOOPS, [str(model.path), str(seconds)], shown(model.path), "the search for loops")
    spelt = {canonical(name): name for name in model.stocks}
    summed: dict[tuple[tuple[str, ...], str], list[Floats]] = {}
    for variables, polarity, scores in found["loops"]:
        stocks = tuple(spelt[canonical(name)] for name in variables if canonical(name) in spelt)
        key = (_turned(tuple(dict.fromkeys(stocks))), polarity[:1].upper())
        summed.setdefault(key, []).append(np.nan_to_num(np.abs(np.array(scores, dtype=float))))
    whole = sum((sum(parts) for parts in summed.values()), np.zeros(1))
    share = {key: sum(parts) / np.maximum(whole, 1e-300) for key, parts in summed.items()}
    loops = [
        Loop(stocks, polarity, share[stocks, polarity], len(summed[stocks, polarity])) for stocks, polarity in share
    ]
    count = len(loops[0].share) if loops else 0
    time = np.linspace(model.time.initial, model.time.final, count)
    ordered = tuple(sorted(loops, key=lambda loop: -float(loop.share.mean())))
    return Loops(time, ordered, found["complete"], found["retained"])


def _turned(stocks: tuple[str, ...]) -> tuple[str, ...]:
    """Return a circle of stocks so that it begins with the first in alphabetical order."""
    first = stocks.index(min(stocks)) if stocks else 0
    return stocks[first:] + stocks[:first]


def sectors(model: Model) -> list[str]:
    """Return the groups of a model that hold something that moves, in the file's order."""
    moving = [v for v in model.variables.values() if not v.hidden and v.kind is not Kind.CONSTANT]
    return list(dict.fromkeys(variable.group for variable in moving))


def draw(model: Model, sector: str, constants: bool = False) -> tuple[bytes, bytes]:
    """Return the stock-and-flow picture of one sector, as SVG and as PNG.

    Variables of other sectors that this one uses carry their sector in brackets; constants are left out unless asked
    for; elements of a subscripted variable are drawn once. Raises ModelError for a sector that is not there.
    """
    text = sector_text(model, sector, constants)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sector.mdl"
        path.write_text(text, encoding="utf-8")
        svg, png = _asked(_DRAW, [str(path)], f"sector {sector}", "the drawing")
    return base64.b64decode(svg), base64.b64decode(png)


def pictures(model: Model, names: Sequence[str]) -> dict[str, bytes | None]:
    """Return the stock-and-flow pictures of sectors as SVG, all made in one process; None where one cannot be drawn.

    Raises ModelError where that process crashes or takes more than a minute.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{number}.mdl" for number, name in enumerate(names)}
        for name, path in paths.items():
            path.write_text(sector_text(model, name), encoding="utf-8")
        made = _asked(_PICTURES, [str(path) for path in paths.values()], model.name, "the drawing")
    found = {name: made[str(path)] for name, path in paths.items()}
    return {name: None if svg is None else svg.encode() for name, svg in found.items()}


def sector_text(model: Model, sector: str, constants: bool = False) -> str:
    """Return the structure of one sector as Vensim text: who uses whom, what flows into which stock; no numbers."""
    groups = list(dict.fromkeys(variable.group for variable in model.variables.values() if not variable.hidden))
    if sector not in groups:
        raise ModelError(f"there is no sector '{sector}'; there are: {', '.join(groups)}{nearest(sector, groups)}")
    inside = {v.base: v for v in model.variables.values() if v.group == sector and not v.hidden}
    drawn = {base: v for base, v in inside.items() if constants or v.kind is not Kind.CONSTANT}
    lines = ["{UTF-8}"]
    outside: dict[str, str] = {}
    for base, variable in drawn.items():
        names = [
            n for n in _used(model, variable.expression) if n != base and (constants or not _is_constant(model, n))
        ]
        outside |= {name: _written(name, model, sector) for name in names if name not in drawn}
        flows = _terms(variable.expression) if variable.kind is Kind.STOCK else []
        signs = {model.variables[term].base: sign for sign, term in flows if model.variables[term].base in names}
        if variable.kind is Kind.STOCK and set(names) - set(signs):
            change = f"change in {_written(base, model, sector)}"
            uses = "+".join(_written(name, model, sector) for name in names if name not in signs)
            lines.append(f"{change} = {uses} ~ ~ |")
            terms = [f"{sign}{_written(name, model, sector)}" for name, sign in signs.items()] + [f"+{change}"]
        else:
            terms = [f"{signs.get(name, '+')}{_written(name, model, sector)}" for name in names]
        equation = "".join(terms).removeprefix("+") or "1"
        equation = f"INTEG({equation}, 1)" if variable.kind is Kind.STOCK else equation
        lines.append(f"{_written(base, model, sector)} = {equation} ~ ~ |")
    lines += [f"{name} = 1 ~ ~ |" for name in dict.fromkeys(outside.values())]
    lines += [f"{name} = {value} ~ ~ |" for name, value in _CLOCK.items()]
    return "\n".join(lines) + "\n"


_CLOCK = {"INITIAL TIME": 0, "FINAL TIME": 1, "TIME STEP": 1, "SAVEPER": 1}


def _used(model: Model, expression: Expression) -> list[str]:
    """Return the names, without subscripts, that an expression uses, through hidden helpers."""
    found: dict[str, None] = {}
    pending, seen = list(references(expression)), set()
    while pending:
        name = pending.pop(0)
        variable = model.variables[name]
        if variable.hidden and name not in seen:
            seen.add(name)
            pending += references(variable.expression)
        elif not variable.hidden:
            found[variable.base] = None
    return list(found)


def _is_constant(model: Model, base: str) -> bool:
    return all(v.kind is Kind.CONSTANT for v in model.variables.values() if v.base == base)


def _terms(expression: Expression, sign: str = "+") -> Iterator[tuple[str, str]]:
    """Yield the plain references added (+) or taken away (-) at the top of a net flow."""
    if isinstance(expression, Reference):
        yield sign, expression.name
    elif isinstance(expression, Call) and expression.function in ("+", "-") and len(expression.arguments) == 2:
        one, other = expression.arguments
        yield from _terms(one, sign)
        turned = {"+": "-", "-": "+"}[sign] if expression.function == "-" else sign
        yield from _terms(other, turned)


def _written(base: str, model: Model, sector: str) -> str:
    """Return a name as the drawing shows it: letters, digits and spaces, with its sector where it is another."""
    group = next(v.group for v in model.variables.values() if v.base == base)
    text, place = (re.sub(r"[^\w ]", " ", name) for name in (base, group))
    return text if group == sector else f'"{text} ({place})"'


def _asked(script: str, arguments: Sequence[str], file: str, what: str) -> Any:
    """Return the JSON that a script prints in a process of its own; ModelError where it fails or takes too long."""
    command = [sys.executable, "-I", "-c", script, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ModelError(Fault(file, None, f"{what} took more than {TIME_LIMIT:g} s")) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise ModelError(Fault(file, None, f"{what} failed: {last[:200]}"))
    return json.loads(done.stdout)


def _fault(model: Model, file: str, name: str | None, message: str) -> Fault:
    last = " ".join(message.strip().splitlines()[-1].split())
    text = re.sub(r"^units (inference )?warning in model '\w*'( variable '[^']*')?:? ?", "", last)
    text = text.replace("unit_mismatch -- ", "")
    if name is None or name not in model:
        return Fault(file, None, f"units: {text}")
    variable = model.find(name)
    return Fault(file, variable.line, f"units of '{variable.name}' ({variable.unit or 'none'}): {text}")
