"""A YAML file becomes a tree of values that know their lines: plain data only, nothing executed or expanded.

Anchors, aliases, tags, duplicate keys, tabs, several documents and deep nesting are refused, so that no file can
grow beyond its size or name a Python object. Plain numbers such as `1e9` are numbers; dates and times are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from transition_sim.errors import Fault, ScenarioError, shown

MAX_BYTES = 256_000
MAX_DEPTH = 12
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "true": True, "false": False, "yes": True, "no": False, "on": True, "off": False,
    ".nan": float("nan"), "nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf"), "+.inf": float("inf"),
    "inf": float("inf"), "-inf": float("-inf"),
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A value and the line it stands on: text, number, truth value, None, a list of items or a dict of them."""

    value: Any
    line: int


def read_yaml(path: Path) -> tuple[Item, bytes]:
    """Return the tree of a file and its bytes; ScenarioError with file and line where it cannot be taken."""
    file = shown(path)
    data = _bytes(path, file)
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(Fault(file, line, "is not UTF-8 text; save the file as UTF-8")) from error
    if "\0" in text:
        raise ScenarioError(Fault(file, None, "is not text: it holds zero bytes"))
    if not text.strip():
        raise ScenarioError(Fault(file, 1, "is empty"))
    builder = _Builder(file)
    try:
        builder.take(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        raise ScenarioError(_yaml_fault(error, file, text)) from error
    if builder.faults:
        raise ScenarioError(sorted(set(builder.faults)))
    if builder.root is None or not isinstance(builder.root.value, dict):
        raise ScenarioError(Fault(file, 1, "holds no 'key: value' lines"))
    return builder.root, data


def plain(item: Item) -> Any:
    """Return an item's value with the lines taken out, all the way down."""
    if isinstance(item.value, dict):
        return {key: plain(value) for key, value in item.value.items()}
    return [plain(value) for value in item.value] if isinstance(item.value, list) else item.value


def line_of(tree: Item, location: Iterable[int | str]) -> int:
    """Return the line of what stands at a path of keys and places in lists, as far down as it exists."""
    for key in location:
        if isinstance(tree.value, list) and isinstance(key, int) and key < len(tree.value):
            tree = tree.value[key]
            continue
        if not isinstance(tree.value, dict) or str(key) not in tree.value:
            break
        tree = tree.value[str(key)]
    return tree.line


def _bytes(path: Path, file: str) -> bytes:
    if path.is_dir():
        raise ScenarioError(Fault(file, None, "is a folder; a YAML file is expected"))
    if not path.is_file():
        raise ScenarioError(Fault(file, None, "no such file"))
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError(Fault(file, None, f"cannot be read: {error.strerror}")) from error
    if len(data) > MAX_BYTES:
        raise ScenarioError(Fault(file, None, f"is larger than {MAX_BYTES:,} bytes, the most that is read"))
    return data


def _yaml_fault(error: yaml.YAMLError, file: str, text: str) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark is not None else None
    lines = text.splitlines()
    if line is not None and line <= len(lines) and "\t" in lines[line - 1]:
        return Fault(file, line, "a tab where YAML needs spaces; indent with spaces")
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be understood"
    return Fault(file, line, f"is no valid YAML: {problem}")


class _Builder:
    """Builds the tree from parse events, which carry no expansion of aliases and construct no object."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.root: Item | None = None
        self.documents = 0

    def fault(self, event: Any, message: str) -> None:
        self.faults.append(Fault(self.file, event.start_mark.line + 1, message))

    def take(self, events: Iterator[Any]) -> None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    self.fault(event, "a second YAML document ('---'); one is allowed")
                    return
            elif isinstance(event, yaml.NodeEvent):
                self.root = self.node(event, events, 0)

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Item:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.fault(event, f"alias '*{event.anchor}'; anchors and aliases are not allowed")
            return Item(None, line)
        if event.anchor is not None:
            self.fault(event, f"anchor '&{event.anchor}'; anchors and aliases are not allowed")
        if event.tag is not None:
            self.fault(event, f"tag '{event.tag[:60]}'; tags are not allowed")
        if depth > MAX_DEPTH:
            raise ScenarioError(Fault(self.file, line, f"nested deeper than {MAX_DEPTH} levels"))
        if isinstance(event, yaml.ScalarEvent):
            return Item(self.scalar(event), line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Item(self.sequence(events, depth), line)
        return Item(self.mapping(events, depth), line)

    def sequence(self, events: Iterator[Any], depth: int) -> list[Item]:
        items: list[Item] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self.node(event, events, depth + 1))
        return items

    def mapping(self, events: Iterator[Any], depth: int) -> dict[str, Item]:
        items: dict[str, Item] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.node(event, events, depth + 1)
            value = self.node(next(events), events, depth + 1)
            if isinstance(key.value, (list, dict)):
                self.fault(event, "a key must be text or a number")
                continue
            name = event.value if isinstance(event, yaml.ScalarEvent) else str(key.value)
            if name in items:
                self.fault(event, f"'{name}' is given twice (first at line {items[name].line})")
            items[name] = Item(value.value, key.line)
        return items

    def scalar(self, event: Any) -> Any:
        """Return a plain scalar as number, truth value or None where it is one; else its text."""
        text = event.value
        if event.style is not None and event.style != "":
            return text
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _NUMBER.fullmatch(text):
            if re.match(r"[+-]?0\d", text):
                self.fault(event, f"'{text}' begins with a zero; write it without")
            return float(text)
        return text
