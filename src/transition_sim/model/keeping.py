"""Models kept in the cache as JSON once they have been read, so that neither the parser nor reading is needed again.

The key is made of the file's bytes, the parser's version and the text of this room of the house, so that a reader that
has changed never meets what another one made. Only models without a fault are kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from transition_sim import cache
from transition_sim.model.equations import (
    Call,
    Expression,
    Kind,
    Lookup,
    Model,
    Number,
    Reference,
    Table,
    Time,
    TimeSettings,
    Variable,
)

_KINDS = {kind.value: kind for kind in Kind}
_FIELDS = ("name", "unit", "documentation", "group", "line", "hidden", "even_step")
_TIME = ("initial", "final", "step", "save_every", "unit", "method")


@lru_cache(maxsize=1)
def _readers_text() -> str:
    """Return a hash of everything that turns a file into a model."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key_of(file_hash: str, parser: str) -> str:
    """Return the key of a file's model."""
    return cache.key_of("model", _readers_text(), parser, file_hash)


def load(key: str, path: Path, file_hash: str) -> Model | None:
    """Return the model that is kept under a key, as read from that path; None where there is none."""
    found = cache.load(key)
    if found is None:
        return None
    try:
        return _model(json.loads(found), path, file_hash)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def store(key: str, model: Model) -> None:
    """Keep a model; one that is nested too deeply for JSON is not kept."""
    try:
        text = json.dumps(_plain_model(model), separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return
    cache.store(key, text.encode("utf-8", "surrogatepass"))


def _plain_model(model: Model) -> dict[str, Any]:
    return {
        "variables": [_plain_variable(variable) for variable in model.variables.values()],
        "time": [getattr(model.time, name) for name in _TIME],
        "subscripts": {name: list(elements) for name, elements in model.subscripts.items()},
        "lookups": {name: [table.x, table.y] for name, table in model.lookups.items()},
        "groups": dict(model.groups),
    }


def _plain_variable(variable: Variable) -> list[Any]:
    initial = [] if variable.initial is None else [_plain(variable.initial)]
    fields = [getattr(variable, name) for name in _FIELDS]
    return [fields, variable.kind.value, _plain(variable.expression), initial, variable.limits]


def _plain(node: Expression) -> Any:
    """Return an expression as JSON has it: numbers, names, null for Time, lists for calls, objects for lookups."""
    if isinstance(node, Number):
        return float(node.value)
    if isinstance(node, Reference):
        return node.name
    if isinstance(node, Call):
        return [node.function, *map(_plain, node.arguments)]
    if isinstance(node, Lookup):
        return {"x": node.table.x, "y": node.table.y, "mode": node.mode, "of": _plain(node.argument)}
    return None


def _model(data: dict[str, Any], path: Path, file_hash: str) -> Model:
    variables = {variable.name: variable for variable in map(_variable, data["variables"])}
    lookups = {name: Table(tuple(x), tuple(y)) for name, (x, y) in data["lookups"].items()}
    subscripts = {name: tuple(elements) for name, elements in data["subscripts"].items()}
    settings = TimeSettings(**dict(zip(_TIME, data["time"], strict=True)))
    return Model(path.stem, path, file_hash, variables, settings, subscripts, lookups, data["groups"])


def _variable(data: list[Any]) -> Variable:
    fields, kind, expression, initial, limits = data
    first = _expression(initial[0]) if initial else None
    low, high = limits
    made = Variable(fields[0], _KINDS[kind], _expression(expression), first, limits=(low, high))
    return replace(made, **dict(zip(_FIELDS, fields, strict=True)))


def _expression(data: Any) -> Expression:
    if isinstance(data, float):
        return Number(data)
    if isinstance(data, str):
        return Reference(data)
    if isinstance(data, list):
        return Call(data[0], tuple(map(_expression, data[1:])))
    if isinstance(data, dict):
        return Lookup(Table(tuple(data["x"]), tuple(data["y"])), _expression(data["of"]), data["mode"])
    return Time()
