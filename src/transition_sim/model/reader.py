"""A `.mdl` file becomes a `Model`, safely: the only importer of PySD, and of its parser alone.

PySD's parser reads one equation at a time from text that `transition_sim.model.text` has checked, so each
fault carries its line. The parser calls `eval` on what stands in lookups and arguments; both of its modules
get `literal_value` in that name's place, so text in a file is never executed. Nothing is written.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

from transition_sim.data import shipped_model
from transition_sim.errors import Fault, ModelError, nearest
from transition_sim.model import draws, keeping, structure
from transition_sim.model.convert import Converter, Macro, Scope, table_of
from transition_sim.model.equations import (
    Call,
    Expression,
    Model,
    Number,
    Reference,
    Table,
    TimeSettings,
    Variable,
    canonical,
)
from transition_sim.model.functions import FUNCTIONS, STRUCTURES
from transition_sim.model.text import Entry, ModelText, read_text

PYSD_VERSION = "3.14.3"
MAX_ELEMENTS = 10_000
CONTROLS = ("INITIAL TIME", "FINAL TIME", "TIME STEP", "SAVEPER")


def load_model(path: str | Path | None = None) -> Model:
    """Return the model of a Vensim `.mdl` file; without a path, the shipped transition model.

    A bare name such as `aid_gap` that is no file means a shipped model. Raises ModelError with every fault found, each
    with its file and line.
    """
    if path is None:
        found = shipped_model("transition")
    else:
        found = Path(path)
        if not found.suffix and not found.exists():
            found = shipped_model(str(path))
    text = read_text(found)
    return _read(found, text.file_hash, text.file)


@lru_cache(maxsize=16)
def _read(path: Path, file_hash: str, file: str) -> Model:
    """Return the model of a file whose bytes have that hash (the cache's key), as messages name it."""
    key = keeping.key_of(file_hash, version("pysd"))
    kept = keeping.load(key, path, file_hash)
    if kept is not None:
        return kept
    reading = _Reading(read_text(path))
    reading.collect()
    reading.raise_faults()
    model = reading.build(path, file_hash)
    structure.check(model, file)
    keeping.store(key, model)
    return model


def literal_value(text: str) -> Any:
    """Return the value of numbers, texts and pairs, and of sums and differences of numbers; nothing is executed.

    Stands where PySD's parser calls `eval`. Raises ValueError or SyntaxError for anything else.
    """
    tree = ast.parse(text.strip(), mode="eval").body
    return _sum(tree) if isinstance(tree, ast.BinOp) else ast.literal_eval(tree)


def _sum(tree: ast.expr) -> float:
    """Return a chain such as 10-3-2, which PySD takes for a list of numbers."""
    if not isinstance(tree, ast.BinOp):
        return float(ast.literal_eval(tree))
    if not isinstance(tree.op, ast.Add | ast.Sub):
        raise ValueError("only sums and differences of numbers are evaluated")
    left, right = _sum(tree.left), _sum(tree.right)
    return left + right if isinstance(tree.op, ast.Add) else left - right


@lru_cache(maxsize=1)
def _parser() -> Callable[[str], Any]:
    """Return PySD's element parser with its `eval` replaced; refuse another version than the pinned one."""
    found = version("pysd")
    if found != PYSD_VERSION:
        raise ModelError(f"PySD {found} is installed; the reader is checked against {PYSD_VERSION} alone")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pysd.translators.vensim import vensim_element
        from pysd.translators.xmile import xmile_element
    for module in (vensim_element, xmile_element):
        module.eval = literal_value

    def parse(equation: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            component = vensim_element.Element(equation, "", "").parse()
            if hasattr(component, "parse"):
                component.parse()
        return component

    return parse


@dataclass
class _Definition:
    """One parsed equation: the file's entry, PySD's component, and what its subscripts range over."""

    entry: Entry
    component: Any
    subscripts: tuple[str, ...]
    elements: list[tuple[str, ...]]


@dataclass
class _Reading:
    """The state of reading one file: what was found so far and every fault."""

    text: ModelText
    faults: list[Fault] = field(default_factory=list)
    ranges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    range_names: dict[str, str] = field(default_factory=dict)
    mapped: list[tuple[Entry, str, str]] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)
    definitions: list[_Definition] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # canonical base name -> as written
    dimensions: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    elements: dict[str, int] = field(default_factory=dict)  # canonical full name -> line of definition

    def fault(self, line: int, message: str) -> None:
        self.faults.append(Fault(self.text.file, line, message))

    def raise_faults(self) -> None:
        if self.faults:
            raise ModelError(sorted(set(self.faults)))

    def collect(self) -> None:
        """Parse every entry, take ranges first, then register every element that is defined."""
        parsed = [(entry, self.parse(entry)) for entry in self.outside_macros()]
        for entry, component in parsed:
            if type(component).__name__ == "SubscriptRange":
                self.add_range(entry, component)
        self.resolve_ranges()
        for entry, component in parsed:
            if component is not None and type(component).__name__ != "SubscriptRange":
                self.register(entry, component)

    def outside_macros(self) -> list[Entry]:
        """Return the entries that stand outside macros; those inside are taken as macros."""
        outside: list[Entry] = []
        open_macro: tuple[str, tuple[str, ...], Entry] | None = None
        inside: list[Entry] = []
        for entry in self.text.entries:
            equation = entry.equation
            while keyword := re.match(r":(MACRO|END OF MACRO):\s*", equation, re.IGNORECASE):
                equation = equation[keyword.end() :]
                if keyword[1].upper() != "MACRO" and open_macro is None:
                    self.fault(entry.line, "':END OF MACRO:' without a ':MACRO:' before it")
                if open_macro is not None:
                    self.add_macro(*open_macro, inside)
                    open_macro, inside = None, []
                if keyword[1].upper() == "MACRO":
                    head = re.match(r"([^()=]+?)\s*\(([^():]*)\)\s*", equation)
                    if head is None:
                        self.fault(entry.line, "a macro needs a name and its inputs: ':MACRO: name(input, input)'")
                        return outside
                    equation = equation[head.end() :]
                    inputs = tuple(canonical(name) for name in head[2].split(","))
                    open_macro = (head[1].strip(), inputs, entry)
            if equation:
                (outside if open_macro is None else inside).append(replace(entry, equation=equation))
        if open_macro is not None:
            self.fault(open_macro[2].line, f"macro '{open_macro[0]}' is never closed by ':END OF MACRO:'")
        return outside

    def add_macro(self, name: str, inputs: tuple[str, ...], head: Entry, entries: list[Entry]) -> None:
        """Parse the equations of one macro."""
        equations: dict[str, Any] = {}
        for entry in entries:
            component = self.parse(entry)
            if component is None:
                continue
            kind = type(component).__name__
            if kind not in ("Component", "UnchangeableConstant") or component.subscripts[0]:
                self.fault(entry.line, f"macro '{name}': only plain equations without subscripts are read")
            elif canonical(component.name) in {*equations, *inputs}:
                self.fault(entry.line, f"macro '{name}': '{component.name}' is defined twice")
            else:
                equations[canonical(component.name)] = component.ast
        key = canonical(name)
        if key in self.macros:
            self.fault(head.line, f"macro '{name}' is defined twice")
        elif key not in equations:
            self.fault(head.line, f"macro '{name}' gives no value: an equation for '{name}' is missing")
        elif key.upper() in FUNCTIONS or key.upper() in STRUCTURES:
            self.fault(head.line, f"macro '{name}' has the name of a function")
        self.macros[key] = Macro(name, inputs, tuple(equations.items()))

    def parse(self, entry: Entry) -> Any:
        equation = entry.equation
        for keyword, what in ((":THE CONDITION:", "reality checks"), (":TEST INPUT:", "test inputs")):
            if keyword in equation.upper():
                self.fault(entry.line, f"{what} cannot be read yet")
                return None
        try:
            return _parser()(_guard_negative_base(equation))
        except ModelError:
            raise
        except (Exception, RecursionError) as error:
            self.fault(entry.line, f"cannot be read: '{equation[:60]}'{_hint(error)}")
            return None

    def add_range(self, entry: Entry, component: Any) -> None:
        name = component.name
        if isinstance(component.definition, dict):
            self.fault(entry.line, f"subscript range '{name}': taking elements from a spreadsheet is not supported")
        elif re.search(r"->\s*\(", entry.equation):
            self.fault(entry.line, f"subscript range '{name}': only a mapping to a whole range (-> range) can be read")
        elif canonical(name) in self.ranges:
            self.fault(entry.line, f"subscript range '{name}' is defined twice")
        else:
            definition = component.definition
            elements = (definition,) if isinstance(definition, str) else tuple(definition)
            self.ranges[canonical(name)] = elements
            self.range_names[canonical(name)] = name
            for other in component.mapping or ():
                self.mapped.append((entry, name, other))

    def resolve_ranges(self) -> None:
        """Write out ranges that are made of other ranges."""
        for name in self.ranges:
            seen = {name}
            elements = self.ranges[name]
            while any(canonical(e) in self.ranges for e in elements):
                inner = [canonical(e) for e in elements if canonical(e) in self.ranges]
                if seen & set(inner) or len(elements) > MAX_ELEMENTS:
                    raise ModelError(Fault(self.text.file, None, f"subscript range '{name}' contains itself"))
                seen |= set(inner)
                elements = tuple(x for e in elements for x in self.ranges.get(canonical(e), (e,)))
            self.ranges[name] = elements

    def mappings(self) -> dict[tuple[str, str], dict[str, str]]:
        """Return which element of one range stands for which of another: place by place, as Vensim does."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for entry, name, other in self.mapped:
            here, there = self.ranges[canonical(name)], self.ranges.get(canonical(other))
            if there is None:
                hint = nearest(other, list(self.range_names.values()))
                self.fault(entry.line, f"subscript range '{name}': '{other}' is no subscript range{hint}")
            elif len(here) != len(there):
                lengths = f"{len(here)} and {len(there)}"
                self.fault(entry.line, f"subscript ranges '{name}' and '{other}' differ in length: {lengths}")
            else:
                pairs = list(zip(here, there, strict=True))
                found[canonical(name), canonical(other)] = {canonical(a): b for a, b in pairs}
                found.setdefault((canonical(other), canonical(name)), {canonical(b): a for a, b in pairs})
        return found

    def register(self, entry: Entry, component: Any) -> None:
        kind = type(component).__name__
        if kind == "Data":
            self.fault(entry.line, f"'{component.name}': data variables (:=) are not supported; use a lookup of Time")
            return
        if kind not in ("Component", "UnchangeableConstant", "Lookup"):
            self.fault(entry.line, f"'{component.name}': {kind} definitions are not supported")
            return
        subscripts = tuple(component.subscripts[0])
        elements = self.elements_of(entry, component.name, subscripts)
        for left_out in component.subscripts[1]:
            without = self.elements_of(entry, component.name, tuple(left_out))
            if elements is None or without is None:
                return
            if len(left_out) != len(subscripts):
                self.fault(entry.line, f"'{component.name}': :EXCEPT: needs {len(subscripts)} subscripts")
                return
            elements = [element for element in elements if element not in set(without)]
        if elements is None:
            return
        base = canonical(component.name)
        if base in ("time",) or base in self.ranges:
            self.fault(
                entry.line,
                f"'{component.name}' is already the name of {'the clock' if base == 'time' else 'a range'}",
            )
            return
        self.names.setdefault(base, component.name.strip('"'))
        for element in elements:
            full = canonical(_full(component.name, element))
            if full in self.elements:
                where = f"(first at line {self.elements[full]})"
                self.fault(entry.line, f"'{_full(component.name, element)}' is defined twice {where}")
                return
            self.elements[full] = entry.line
        self.dimensions.setdefault(base, []).extend(elements)
        self.definitions.append(_Definition(entry, component, subscripts, elements))

    def elements_of(self, entry: Entry, name: str, subscripts: tuple[str, ...]) -> list[tuple[str, ...]] | None:
        """Return every combination of elements that a left-hand side defines."""
        axes: list[tuple[str, ...]] = []
        known = {canonical(element) for elements in self.ranges.values() for element in elements}
        for subscript in subscripts:
            if canonical(subscript) in self.ranges:
                axes.append(self.ranges[canonical(subscript)])
            elif canonical(subscript) in known:
                axes.append((subscript,))
            else:
                hint = nearest(subscript, list(self.range_names.values()))
                self.fault(entry.line, f"'{name}': '{subscript}' is no subscript range or element{hint}")
                return None
        size = 1
        for axis in axes:
            size *= len(axis)
        if size + len(self.elements) > MAX_ELEMENTS:
            self.fault(entry.line, f"'{name}' takes the model above {MAX_ELEMENTS:,} scalar variables")
            return None
        return [tuple(combination) for combination in product(*axes)]

    def build(self, path: Path, file_hash: str) -> Model:
        """Return the model, once every definition has been turned into expressions."""
        lookups = self.tables()
        scope = Scope(
            self.ranges, self.elements, self.names, self.element_names(), lookups, self.macros, self.mappings()
        )  # fmt: skip
        variables: dict[str, Variable] = {}
        for definition in self.definitions:
            if type(definition.component).__name__ != "Lookup":
                self.variables_of(definition, scope, variables)
        self.raise_faults()
        settings = self.time_settings(variables)
        self.raise_faults()
        if scope.calls:
            variables |= {variable.name: variable for variable in draws.context(settings)}
        ranges = {self.range_names[name]: elements for name, elements in self.ranges.items()}
        return Model(path.stem, path, file_hash, variables, settings, ranges, lookups, dict(self.text.groups))

    def element_names(self) -> dict[str, str]:
        """Return how each element's full name is written, by canonical name."""
        return {
            canonical(_full(self.names[base], element)): _full(self.names[base], element)
            for base, elements in self.dimensions.items()
            for element in elements
        }

    def tables(self) -> dict[str, Table]:
        lookups: dict[str, Table] = {}
        for definition in self.definitions:
            component = definition.component
            if type(component).__name__ != "Lookup":
                continue
            try:
                table = table_of(component.ast)
            except (ValueError, TypeError, AttributeError) as error:
                self.fault(definition.entry.line, f"lookup '{component.name}': {error}")
                continue
            for element in definition.elements:
                lookups[canonical(_full(component.name, element))] = table
        return lookups

    def variables_of(self, definition: _Definition, scope: Scope, variables: dict[str, Variable]) -> None:
        """Add the scalar variables of one definition, with the hidden ones that its functions need."""
        entry, component = definition.entry, definition.component
        elements = definition.elements
        for index, element in enumerate(elements):
            name = _full(component.name, element)
            bound = {canonical(s): e for s, e in zip(definition.subscripts, element, strict=True)}
            converter = Converter(scope, bound, name, self.literal_step())
            try:
                tree = _array_element(component.ast, index, len(elements))
                kind, expression, initial = converter.definition(tree)
            except ModelError as error:
                for fault in error.faults:
                    self.fault(entry.line, fault.message)
                return
            variables[name] = Variable(
                name,
                kind,
                expression,
                initial,
                entry.unit,
                entry.limits,
                entry.documentation,
                entry.group,
                entry.line,
            )
            for hidden in converter.hidden:
                variables[hidden.name] = Variable(
                    hidden.name, hidden.kind, hidden.expression, hidden.initial, line=entry.line, hidden=True,
                    even_step=hidden.even_step,
                )  # fmt: skip

    def literal_step(self) -> float | None:
        """Return TIME STEP where the file gives it as a number."""
        for definition in self.definitions:
            if canonical(definition.component.name) == "time step" and isinstance(
                definition.component.ast, int | float
            ):
                return float(definition.component.ast) or None
        return None

    def time_settings(self, variables: dict[str, Variable]) -> TimeSettings:
        """Return the time settings and check them; the control variables stay in the model."""
        found = {canonical(name): variable for name, variable in variables.items()}
        values: dict[str, float] = {}
        for control in CONTROLS:
            variable = found.get(canonical(control))
            if variable is None:
                if control != "SAVEPER":
                    self.faults.append(Fault(self.text.file, None, f"'{control}' is missing"))
                continue
            value = _constant_value(variable.expression, found)
            if value is None:
                self.fault(variable.line, f"'{control}' must be a number, or sums and products of constants")
            else:
                values[control] = value
        self.raise_faults()
        initial, final, step = (values[name] for name in CONTROLS[:3])
        save_every = values.get("SAVEPER", step)
        for name, value in (("TIME STEP", step), ("SAVEPER", save_every)):
            if not value > 0:
                self.fault(found[canonical(name)].line, f"'{name}' is {value:g}; it must be above zero")
        if not final > initial:
            line = found["final time"].line
            self.fault(line, f"'FINAL TIME' is {final:g}; it must be above INITIAL TIME ({initial:g})")
        elif step > 0 and (final - initial) / step > 1e7:
            self.fault(found["time step"].line, f"'TIME STEP' {step:g} makes more than ten million steps")
        unit = found["final time"].unit or found["initial time"].unit
        return TimeSettings(initial, final, step, save_every, unit, self.text.method)


def _constant_value(node: Expression, found: dict[str, Variable], depth: int = 20) -> float | None:
    """Return the number of an expression, following arithmetic on constants; None where it is anything else."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Reference) and depth and canonical(node.name) in found:
        return _constant_value(found[canonical(node.name)].expression, found, depth - 1)
    if not isinstance(node, Call) or node.function not in _ARITHMETIC or not depth:
        return None
    operands = [_constant_value(argument, found, depth - 1) for argument in node.arguments]
    known = [value for value in operands if value is not None]
    try:
        return _ARITHMETIC[node.function](*known) if len(known) == len(operands) else None
    except ZeroDivisionError:
        return None


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "negative": operator.neg,
    "MIN": min, "MAX": max,
}  # fmt: skip


def _full(name: str, element: tuple[str, ...]) -> str:
    plain = name.strip('"')
    return f"{plain}[{','.join(element)}]" if element else plain


def _array_element(tree: Any, index: int, size: int) -> Any:
    """Return what an array of numbers gives the element of that index; anything else as it is."""
    if not hasattr(tree, "shape"):
        return tree
    if tree.size != size:
        raise ModelError(f"gives {tree.size} numbers for {size} elements")
    return float(tree.reshape(-1)[index])


def _guard_negative_base(equation: str) -> str:
    """Write `(-2)^` as `(0-2)^`, for PySD's tree does not keep such brackets."""
    return re.sub(r"\(\s*-\s*([\d.]+(?:[eE][+-]?\d+)?)\s*\)(\s*\^)", r"(0-\1)\2", equation)


def _hint(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return ": nested too deeply"
    error = error.__cause__ or error
    name = type(error).__name__
    if isinstance(error, IndexError):
        return ": a lookup needs two points or more"
    if name in ("ParseError", "IncompleteParseError"):
        position, text = getattr(error, "pos", 0), str(getattr(error, "text", ""))
        return f": not understood at '{text[position : position + 20]}'"
    return ": only numbers may stand in a lookup" if isinstance(error, (ValueError, SyntaxError, TypeError)) else ""
