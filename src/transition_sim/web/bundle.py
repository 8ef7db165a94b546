"""Modules of JavaScript become one script, so that a page needs no second file.

A browser refuses to load a module from a file beside a page that was itself opened from a file. So the modules are set
one after the other, each in a function of its own that gives back what it exports; nothing is renamed or rewritten.
The form is narrow on purpose: `import { a, b as c } from "./x.js"`, `import * as name from "./x.js"`, and `export`
before a `function`, `async function`, `class` or `const` with one name. Anything else is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from transition_sim.errors import ModelError

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import\s+(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+"\./([\w./-]+)";[ \t]*$', re.M)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function\*?|class|const)\s+(\w+))", re.M)
_OTHER = re.compile(r"^\s*(?:import\b|export\b).*$", re.M)


def shared(name: str) -> str:
    """Return the text of a file that pages share, such as `charts.js` or `style.css`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def bundle(modules: Mapping[str, str], entry: str, given: Collection[str] = ()) -> str:
    """Return one script out of modules by file name: those that `entry` needs, each before what imports it.

    Modules `given` stand in an earlier script of the page already, each as `const module_NAME = {...}`. Raises
    ModelError where a module is missing, imports in a circle, or has a form that is not understood.
    """
    parts = [_wrapped(name, modules[name]) for name in _order(modules, entry, given)]
    return "\n".join(['"use strict";', *parts])


def data_text(data: Mapping[str, Any]) -> str:
    """Return data as JSON that can stand inside a script element: no text in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _order(modules: Mapping[str, str], entry: str, given: Collection[str]) -> list[str]:
    done: list[str] = []
    under_way: list[str] = []

    def visit(name: str) -> None:
        if name in done or name in given:
            return
        if name in under_way:
            raise ModelError(f"'{name}' imports itself by way of {', '.join(under_way)}")
        if name not in modules:
            raise ModelError(f"'{under_way[-1] if under_way else entry}' imports '{name}', which is not there")
        under_way.append(name)
        for needed in _needed(modules[name]):
            visit(needed)
        done.append(under_way.pop())

    visit(entry)
    return done


def _needed(text: str) -> Iterable[str]:
    return [match.group(2) for match in _IMPORT.finditer(text)]


def _wrapped(name: str, text: str) -> str:
    """Return a module as a function that is called at once and gives back its exports."""
    names = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub(_taken, text))
    wrong = _OTHER.search(body)
    if wrong:
        raise ModelError(f"'{name}': this import or export is not understood: {wrong.group(0).strip()}")
    given = f"return {{ {', '.join(names)} }};" if names else ""
    return f"const {_module(name)} = (() => {{\n{_lean(body)}\n{given}\n}})();"


def _taken(match: re.Match[str]) -> str:
    what, module = match.group(1), _module(match.group(2))
    if what.startswith("*"):
        return f"const {what.split()[-1]} = {module};"
    names = re.sub(r"(\w+)\s+as\s+(\w+)", r"\1: \2", what)
    return f"const {names} = {module};"


def _module(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _lean(text: str) -> str:
    """Return a script without comments that fill whole lines, blank lines and indentation.

    Lines are what they were otherwise, so a template literal must stand on one line.
    """
    without = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*$", "", text, flags=re.M | re.S)
    lines = [line.strip() for line in without.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("//"))
