"""Write commands.md and python.md from the program itself: `python docs/reference/generate.py`.

The tests hold that the two pages are what this writes.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CODES = {
    0: "done",
    1: "failed: a run broke down, SciPy differs by more than is allowed, or effort was not equal",
    2: "the command line was not understood",
    3: "invalid input: a file, a name, a unit, a value, a stale ensemble; each fault is on a line of its own",
    4: "some runs of a sweep failed; they are listed with their inputs",
    130: "interrupted; a sweep prints the command that goes on",
}


def commands_page() -> str:
    """Return the page of all commands, with arguments, options and exit codes."""
    from transition_sim import cli

    parts = [
        "# Commands",
        "Made from the program by `python docs/reference/generate.py`. `transition-sim COMMAND --help` says the same.",
        "Results go to stdout, progress and errors to stderr. `NO_COLOR` is respected. `--version` prints the version.",
        "## Exit codes",
        _table(["code", "means"], [[str(code), words] for code, words in CODES.items()]),
    ]
    return "\n\n".join(parts + [part for name, made in _leaves(cli.app, "") for part in _command(name, made)]) + "\n"


def _leaves(app: Any, name: str) -> list[tuple[str, Any]]:
    """Return every command's name with the function behind it, by name."""
    own = [
        (f"{name}{c.name or c.callback.__name__.replace('_', '-')}", c.callback)
        for c in app.registered_commands
        if not c.hidden
    ]
    inner = [leaf for g in app.registered_groups for leaf in _leaves(g.typer_instance, f"{name}{g.name} ")]
    return sorted([*own, *inner])


def _command(name: str, function: Any) -> list[str]:
    """Return what a command says of itself: usage, purpose, arguments and options."""
    told = [
        (parameter, *typing.get_args(parameter.annotation)[:2])
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
    ]
    arguments = [each for each in told if type(each[2]).__name__ == "ArgumentInfo"]
    options = [each for each in told if type(each[2]).__name__ == "OptionInfo"]
    usage = [f"transition-sim {name}", *map(_usage, arguments), *(["[OPTIONS]"] if options else [])]
    rows = [[f"`{p.name.upper()}`", info.help or "", ""] for p, _, info in arguments]
    rows += [[_spelt(p, kind, info), info.help or "", _default(p)] for p, kind, info in options]
    parts = [f"## {name}", inspect.getdoc(function) or "", "```text\n" + " ".join(usage) + "\n```"]
    return [*parts, _table(["", "", "default"], rows)] if rows else parts


def _usage(argument: Any) -> str:
    parameter, kind, _ = argument
    word = parameter.name.upper() + ("..." if typing.get_origin(kind) is list else "")
    return word if parameter.default is parameter.empty else f"[{word}]"


def _spelt(parameter: inspect.Parameter, kind: Any, info: Any) -> str:
    """Return how an option is written, with a word for its value."""
    plain = "--" + parameter.name.replace("_", "-")
    given = [word for word in (info.default, *(info.param_decls or ())) if str(word).startswith("-")]
    if kind is bool:
        both = () if given or not parameter.default else (f"--no-{plain[2:]}",)
        return ", ".join(f"`{name}`" for name in (*(given or (plain,)), *both))
    kinds = {part for part in (kind, *typing.get_args(kind)) for part in (part, *typing.get_args(part))}
    repeatable = (
        " (repeatable)" if any(typing.get_origin(part) is list for part in (kind, *typing.get_args(kind))) else ""
    )
    word = next((word for each, word in ((int, "N"), (float, "X"), (Path, "PATH")) if each in kinds), "TEXT")
    names = ", ".join(f"`{name}`" for name in given or (plain,))
    return f"{names} {info.metavar or word}{repeatable}"


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    return "" if value in (None, False, inspect.Parameter.empty) else f"`{value}`"


def python_page() -> str:
    """Return the page of all public names, with signatures and docstrings."""
    import transition_sim as ts

    names = [name for name in ts.__all__ if not name.startswith("_")]
    kinds = {name: getattr(ts, name) for name in names}
    errors = [n for n, v in kinds.items() if inspect.isclass(v) and issubclass(v, Exception)]
    classes = [n for n, v in kinds.items() if inspect.isclass(v) and n not in errors]
    functions = [n for n in names if n not in errors and n not in classes]
    parts = [
        "# Python",
        "Made from the program by `python docs/reference/generate.py`. These are the public names: "
        "`import transition_sim as ts`, then `ts.NAME`. Axes: `(time, run)`; run is last.",
        "## Functions",
        *(part for name in functions for part in _function(name, kinds[name])),
        "## Classes",
        *(part for name in classes for part in _class(name, kinds[name])),
        "## Errors",
        "All derive from `TransitionSimError`; `.faults` lists every fault, with file and line.",
        _table(["", ""], [[f"`{name}`", _first(kinds[name])] for name in errors]),
    ]
    return "\n\n".join(parts) + "\n"


def _function(name: str, function: Any) -> list[str]:
    return [f"### {name}", f"```text\n{_signature(name, function)}\n```", inspect.getdoc(function) or ""]


def _class(name: str, kind: Any) -> list[str]:
    rows = [[f"`{f.name}`", f"`{_plain(f.type)}`"] for f in dataclasses.fields(kind) if not f.name.startswith("_")]
    methods = [
        [f"`{_member(key, value)}`", _first(value)]
        for key, value in vars(kind).items()
        if not key.startswith("_") and (inspect.isfunction(value) or _is_property(value))
    ]
    if "__getitem__" in vars(kind):
        methods.insert(0, ["`[name]`", _first(vars(kind)["__getitem__"])])
    parts = [f"### {name}", inspect.getdoc(kind) or "", _table(["field", "type"], rows)]
    return [*parts, _table(["", ""], methods)] if methods else parts


def _is_property(value: Any) -> bool:
    return isinstance(value, property) or type(value).__name__ == "cached_property"


def _member(key: str, value: Any) -> str:
    if _is_property(value):
        return key
    return _signature(key, value).replace("(self, ", "(").replace("(self)", "()").partition(" ->")[0].replace("\n", "")


def _signature(name: str, function: Any) -> str:
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", f"{name}{inspect.signature(function)}")
    text = re.sub(r"<[^>]*UNSET[^>]*>|<class [^>]*>", "UNSET", text)
    if len(text) <= 100:
        return text
    inside, _, after = text[len(name) + 1 :].rpartition(")")
    return f"{name}(\n" + "".join(f"    {part},\n" for part in _split(inside)) + f"){after}"


def _split(text: str) -> list[str]:
    """Return what stands between commas outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _first(thing: Any) -> str:
    return _plain((inspect.getdoc(thing) or "").partition("\n\n")[0])


def _plain(text: Any) -> str:
    return " ".join(str(text).split())


def _table(head: list[str], rows: list[list[str]]) -> str:
    escaped = [[_plain(cell).replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *escaped))


def main() -> None:
    """Write both pages."""
    (HERE / "commands.md").write_text(commands_page(), encoding="utf-8")
    (HERE / "python.md").write_text(python_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
