"""Every text of the page, in every language, out of one file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.study.yaml_file import Item, plain, read_yaml

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_FRENCH_SPACE = re.compile(r" (?=[?!:;%»])|(?<=«) ")


@dataclass(frozen=True)
class Language:
    """A language: its code, its own name for itself, the direction of its script."""

    code: str
    name: str
    direction: str


@dataclass(frozen=True)
class Catalogue:
    """Languages, and by key the texts in their order."""

    languages: tuple[Language, ...]
    texts: Mapping[str, tuple[str, ...]]

    def text(self, key: str, code: str = "en") -> str:
        """Return a text in one language; ScenarioError where the key does not exist."""
        if key not in self.texts:
            raise ScenarioError(f"the catalogue lacks '{key}'")
        return self.texts[key][[each.code for each in self.languages].index(code)]

    def data(self) -> dict[str, Any]:
        """Return plain data for the page."""
        languages = [{"code": x.code, "name": x.name, "direction": x.direction} for x in self.languages]
        return {"languages": languages, "texts": {key: list(texts) for key, texts in self.texts.items()}}


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Return the catalogue; ScenarioError with a line for every text that is missing or has other placeholders."""
    found = path or Path(__file__).with_name("catalogue.yaml")
    tree, _ = read_yaml(found)
    given = tree.value["languages"].value
    languages = tuple(Language(**plain(each)) for each in given)
    codes = [each.code for each in languages]
    texts: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for key, item in tree.value["texts"].value.items():
        faults += [Fault(shown(found), item.line, f"'{key}': {wrong}") for wrong in _wrong(item, codes)]
        words = plain(item)
        texts[key] = tuple(_set_in(words, code) for code in codes) if isinstance(words, dict) else ()
    if faults:
        raise ScenarioError(sorted(faults))
    return Catalogue(languages, texts)


def _set_in(words: Mapping[str, Any], code: str) -> str:
    """Return a text in a language; in French no line begins with a mark that stands apart from its word."""
    text = str(words.get(code, "")).strip()
    return _FRENCH_SPACE.sub("\u00a0", text) if code == "fr" else text


def _wrong(item: Item, codes: Sequence[str]) -> list[str]:
    words = plain(item)
    if not isinstance(words, dict):
        return [f"needs a text for each of {', '.join(codes)}"]
    wrong = [f"lacks {code}" for code in codes if not str(words.get(code) or "").strip()]
    wrong += [f"'{code}' is no language of this catalogue" for code in words if code not in codes]
    first = set(_PLACEHOLDER.findall(str(words.get(codes[0]))))
    for code in codes[1:]:
        other = set(_PLACEHOLDER.findall(str(words.get(code))))
        if other != first:
            wrong.append(f"{code} has {{{', '.join(sorted(other))}}}, {codes[0]} has {{{', '.join(sorted(first))}}}")
    return wrong
