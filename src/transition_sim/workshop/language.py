"""The catalogue of words in three languages, from `words.yaml`, and the direction in which a language is read.

A text names what stands on a page as `[[key]]`, or `[[key name=value]]`, out of `words.yaml`, and a heading of the
guide as `[[guide.key]]`: the name then stands there in quotation marks, as the page has it, so that they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from transition_sim.errors import ScenarioError, nearest
from transition_sim.study.yaml_file import plain, read_yaml
from transition_sim.workshop.form import LANGUAGES

NAMES = {"en": "English", "fr": "Français", "ar": "العربية"}
QUOTES = {"en": "“{}”", "fr": "«\u00a0{}\u00a0»", "ar": "«{}»"}
NAMED = re.compile(r"\[\[(?:(\w+)\.)?(\w+)((?: \w+=[^\s\]]+)*)\]\]")
DIRECTION = {"en": "ltr", "fr": "ltr", "ar": "rtl"}


@lru_cache(maxsize=4)
def words(file: str = "words.yaml") -> Mapping[str, Mapping[str, str]]:
    """Return the catalogue: key -> language -> text; ScenarioError where a text is missing."""
    tree, _ = read_yaml(Path(__file__).with_name(file))
    found = plain(tree)
    wrong = [key for key, texts in found.items() if not isinstance(texts, list) or len(texts) != len(LANGUAGES)]
    wrong += [key for key, texts in found.items() if key not in wrong and not all(isinstance(t, str) for t in texts)]
    if wrong:
        raise ScenarioError(f"{file}: three texts are expected for: {', '.join(wrong)}")
    return {
        key: {code: _spaced(_named(text, code, file, found), code) for code, text in zip(LANGUAGES, texts, strict=True)}
        for key, texts in found.items()
    }


def _spaced(text: str, language: str) -> str:
    """Return a text in which French marks keep to their word: no line begins with one."""
    return re.sub(r" (?=[:;?!»])|(?<=«) ", "\u00a0", text) if language == "fr" else text


def _named(text: str, language: str, file: str, own: Mapping[str, list[str]]) -> str:
    """Return a text in which what it names stands as it is called; ScenarioError where nothing is called so."""

    def called(match: re.Match[str]) -> str:
        catalogue, key, given = match.groups()
        known = own if f"{catalogue or 'words'}.yaml" == file else words(f"{catalogue or 'words'}.yaml")
        if key not in known:
            raise ScenarioError(f"{file}: '{match.group(0)}' names no text{nearest(key, list(known))}")
        texts = known[key]
        name = texts[language] if isinstance(texts, Mapping) else texts[LANGUAGES.index(language)]
        for pair in given.split():
            name = name.replace(f"{{{pair.partition('=')[0]}}}", pair.partition("=")[2])
        return QUOTES[language].format(name)

    return NAMED.sub(called, text)


def say(key: str, language: str, /, file: str = "words.yaml", **values: Any) -> str:
    """Return a text of the catalogue with its braces filled in."""
    text = words(file)[key][language]
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
